//! A terminal at which a program asks and is answered: `script` (util-linux) has one of its own.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::{Server, ended, needed, until};

/// A program at a terminal.
pub struct Terminal {
    child: Server,
    keyboard: ChildStdin,
    reader: JoinHandle<()>,
    screen: Arc<Mutex<String>>,
    /// Up to here the screen was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts what `command` says.
    pub fn start(command: &Command) -> Terminal {
        let mut words = vec![quoted(command.get_program().to_str().unwrap())];
        words.extend(command.get_args().map(|word| quoted(word.to_str().unwrap())));
        let mut script = Command::new(needed("script", "bsdutils"));
        script
            .args(["--quiet", "--return", "--flush", "--command", &words.join(" "), "/dev/null"])
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("SHELL", "/bin/sh")
            .env("TERM", "dumb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child: Child = script.spawn().unwrap();
        let (keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = output.read(&mut chunk) {
                let text = String::from_utf8_lossy(&chunk[..n]).replace('\r', "");
                shown.lock().unwrap().push_str(&text);
            }
        });
        Terminal { child: Server(child), keyboard, reader, screen, seen: 0 }
    }

    /// Waits for a question, and answers it.
    #[track_caller]
    pub fn answer(&mut self, question: &str, answer: &str) {
        self.read_to(question);
        self.press(&format!("{answer}\n"));
    }

    /// Types these keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until `mark` is on the screen, and returns what came before it since the last look.
    #[track_caller]
    pub fn read_to(&mut self, mark: &str) -> String {
        let (from, at) = until(mark, || {
            let screen = self.screen.lock().unwrap();
            let found = screen[self.seen..].find(mark);
            found.map(|at| (self.seen, self.seen + at)).ok_or_else(|| screen.clone())
        });
        self.seen = at + mark.len();
        self.screen.lock().unwrap()[from..at].to_owned()
    }

    /// Waits for the end: the exit code, and all that was on the screen.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = ended(&mut self.child.0, super::PATIENCE);
        let Some(status) = status else {
            panic!("it hangs; the screen has {}", self.screen.lock().unwrap())
        };
        // What it wrote last may still be on its way.
        self.reader.join().unwrap();
        (status.code(), self.screen.lock().unwrap().clone())
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
