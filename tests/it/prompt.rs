//! A question for a password that is broken off: the terminal shows again what is typed.

use std::fs;
use std::process::Command;

use crate::support::program::Program;
use crate::support::terminal::Terminal;
use crate::support::{output_of, until};

/// Runs a command at a terminal; when it has ended, a shell says how, and how the terminal is set.
fn watched(program: Program, command: &[&str]) -> (Program, Terminal) {
    let pid = program.path("pid");
    // Whatever started the tests may have them ignore signals, as nohup does.
    let program = program.with("PID", pid).through(&[
        "/bin/sh",
        "-c",
        "trap : INT; ulimit -c 0; sh -c 'echo $$ >\"$PID\"; exec env --default-signal=HUP,INT,QUIT,TERM \"$@\"' sh \"$@\"; echo \"status $?\"; stty -a",
        "sh",
    ]);
    let terminal = program.at_a_terminal(command);
    (program, terminal)
}

/// Waits until nothing that is typed is shown any more.
fn until_hidden(program: &Program) {
    let pid = fs::read_to_string(program.path("pid")).unwrap();
    until("the terminal is silent", || {
        let terminal = format!("/proc/{}/fd/0", pid.trim());
        let settings = output_of(Command::new("stty").args(["-a", "-F", &terminal]));
        if settings.contains(" -echo ") { Ok(()) } else { Err(settings) }
    });
}

fn kill(program: &Program, signal: &str) {
    let pid = fs::read_to_string(program.path("pid")).unwrap();
    output_of(Command::new("sh").args(["-c", &format!("kill -{signal} {}", pid.trim())]));
}

#[track_caller]
fn check_end(terminal: Terminal, signal: i32) {
    let (_, screen) = terminal.end();
    assert!(screen.contains(&format!("status {}\n", 128 + signal)), "{signal}: {screen}");
    for setting in [" echo ", " icanon ", "isig "] {
        assert!(screen.contains(setting), "{signal}: {setting}: {screen}");
    }
    assert!(!screen.contains("battery"), "{signal}: {screen}");
}

fn program() -> Program {
    let program = Program::new();
    program.configure(
        "[[mailbox]]\nname = \"office\"\nhost = \"localhost\"\nuser = \"ops@broker.example\"\nkeyring = true\n",
    );
    program
}

#[test]
fn a_signal_at_a_hidden_question_leaves_a_terminal_that_shows_what_is_typed() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        let (program, mut terminal) = watched(program(), &["secret", "store", "office"]);
        terminal.read_to("Password for ops@broker.example@localhost: ");
        until_hidden(&program);
        kill(&program, name);
        check_end(terminal, number);
    }
}

#[test]
fn ctrl_c_at_a_hidden_question_ends_the_program_as_it_does_elsewhere() {
    let (program, mut terminal) = watched(program(), &["secret", "store", "office"]);
    terminal.read_to("Password for ops@broker.example@localhost: ");
    until_hidden(&program);
    terminal.press("horse battery\u{3}");
    check_end(terminal, 2);

    let words =
        ["init", "--address", "ops@broker.example", "--host", "localhost", "--password-file", "x"];
    let (program, mut terminal) = watched(Program::new(), &words);
    terminal.read_to("(not shown): ");
    until_hidden(&program);
    terminal.press("horse battery\u{3}");
    check_end(terminal, 2);
}

#[test]
fn after_a_hidden_question_ctrl_c_is_what_it_was() {
    let (program, mut terminal) = watched(program(), &["secret", "store", "office"]);
    terminal.read_to("Password for ops@broker.example@localhost: ");
    until_hidden(&program);
    terminal.press("horse battery\n");
    let (_, screen) = terminal.end();
    // There is no keyring.
    assert!(screen.contains("status 1\n") && screen.contains(" echo "), "{screen}");
}
