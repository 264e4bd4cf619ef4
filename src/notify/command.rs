//! A message handed to a program of the user's, as JSON on its standard input.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::channel::{ChannelError, Message};
use super::safe_line;
use crate::program;

/// Longest excerpt of what the program says on its standard error.
const SAID: usize = 200;

/// Whether the program is there, without running it.
pub(super) fn find(command: &[String]) -> Result<(), ChannelError> {
    let name = command.first().map_or("", String::as_str);
    match program::find(name).is_some() {
        true => Ok(()),
        false => {
            let name = safe_line(name, SAID);
            Err(ChannelError::Lasting(format!("there is no program {name}")))
        }
    }
}

/// Runs the program and waits until it has ended with success.
///
/// It inherits the environment but for what lets it speak to systemd in the daemon's name.
pub(super) async fn carry(
    command: &[String],
    message: &Message,
    limit: Duration,
) -> Result<(), ChannelError> {
    let Some((first, arguments)) = command.split_first() else {
        return Err(ChannelError::Lasting("the command is empty".to_owned()));
    };
    let name = safe_line(first, SAID);
    let mut child = program::command(first)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| ChannelError::Lasting(format!("cannot run {name}: {error}")))?;
    let mut stdin = child.stdin.take();
    let mut document = message.json().to_string();
    document.push('\n');
    let done = async {
        if let Some(stdin) = &mut stdin {
            // A program that does not want it all may still do its work.
            let _ = stdin.write_all(document.as_bytes()).await;
        }
        drop(stdin.take());
        child.wait_with_output().await
    };
    match timeout(limit, done).await {
        Err(_) => Err(ChannelError::Unclear(format!(
            "{name} did not end within {} s and was ended",
            limit.as_secs()
        ))),
        Ok(Err(error)) => Err(ChannelError::Passing(format!("cannot wait for {name}: {error}"))),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().map(str::trim).rfind(|line| !line.is_empty());
            let said = said.map(|line| format!(": {}", safe_line(line, SAID))).unwrap_or_default();
            Err(ChannelError::Passing(format!("{name} ended with {}{said}", output.status)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::testing::message;
    use super::*;

    async fn run(command: &[&str], limit: Duration) -> Result<(), ChannelError> {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        carry(&command, &message(), limit).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_program_reads_the_message_and_its_end_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heard");
        let script = format!("cat > '{}'", file.display());
        run(&["sh", "-c", &script], LONG).await.unwrap();
        let heard: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(heard, message().json());
        assert_eq!(
            run(&["sh", "-c", "echo first >&2; echo no such room >&2; exit 3"], LONG).await,
            Err(ChannelError::Passing("sh ended with exit status: 3: no such room".to_owned()))
        );
        assert_eq!(run(&["true"], LONG).await, Ok(()));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_or_hangs_is_told_of() {
        let missing = run(&["/nowhere/at-all"], LONG).await;
        assert!(matches!(missing, Err(ChannelError::Lasting(_))), "{missing:?}");
        let hangs = run(&["sleep", "600"], Duration::from_millis(50)).await;
        assert!(matches!(hangs, Err(ChannelError::Unclear(_))), "{hangs:?}");
    }
}
