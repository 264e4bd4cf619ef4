//! `acewatch completions`: the script that teaches a shell the commands and their options.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::failure::Failure;

/// Print the completion script of a shell
///
/// For bash, `acewatch completions bash > ~/.local/share/bash-completion/completions/acewatch`
/// is enough; the other shells have a folder of their own for such files.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(&script(args.shell))?;
    Ok(out.flush()?)
}

/// The script as the shell reads it. It is no text for a person and goes out as it is, past the
/// filter that takes styles off.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "acewatch", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_learns_the_commands_and_their_options() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for word in ["acewatch", "calendar", "fallback"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
