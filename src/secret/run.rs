//! Runs a command that prints or takes a secret, within bounds of time and size.

use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::{Bytes, LARGEST, Secret, SecretError};
use crate::program;

/// How much of a command's complaint is quoted, in characters.
pub(super) const LONGEST_COMPLAINT: usize = 400;

/// How long the output of a command that has ended may still be on its way. A helper that it
/// left behind, such as an agent, can hold the pipes open for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Runs a command and returns the beginning of what it prints.
pub(super) async fn run(command: &[String], limit: Duration) -> Result<Bytes, SecretError> {
    run_with(command, &[], None, limit).await
}

/// The same with more variables in its environment, and with `input` to read.
pub(crate) async fn run_with(
    command: &[impl AsRef<str>],
    environment: &[(&str, &str)],
    input: Option<&Secret>,
    limit: Duration,
) -> Result<Bytes, SecretError> {
    let first = command.first().map_or("", AsRef::as_ref);
    let name = || first.to_owned();
    let arguments = command.iter().skip(1).map(AsRef::as_ref);
    let mut child = program::command(first)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| SecretError::NotStarted { program: name(), source })?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // Made at full size at once: a vector that grows leaves copies of the secret behind.
    let mut printed: Bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    let mut complaint: Bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    let status = {
        let output = async {
            tokio::join!(
                feed(stdin, input),
                collect(stdout, &mut printed),
                collect(stderr, &mut complaint)
            );
        };
        tokio::pin!(output);
        let whole = async {
            let mut is_drained = false;
            // A command that fills a pipe waits for a reader, so that both go on together.
            let status = loop {
                tokio::select! {
                    status = child.wait() => break status,
                    () = &mut output, if !is_drained => is_drained = true,
                }
            };
            if !is_drained {
                // Whether it came in time is for the reader of the output to say.
                let _ = timeout(LAST_WORDS, &mut output).await;
            }
            status
        };
        match timeout(limit, whole).await {
            Ok(Ok(status)) => status,
            Ok(Err(source)) => {
                return Err(SecretError::NotStarted { program: name(), source });
            }
            Err(_) => {
                return Err(SecretError::Silent { what: format!("`{}`", name()), limit });
            }
        }
    };
    if status.success() {
        return Ok(printed);
    }
    let stderr = complaint_of(&complaint, &printed);
    Err(SecretError::Failed { program: name(), status, stderr })
}

/// Writes the secret and nothing else, and ends the input. A command that does not read it says so
/// itself by how it ends.
async fn feed(into: Option<ChildStdin>, input: Option<&Secret>) {
    if let (Some(mut into), Some(secret)) = (into, input) {
        let _ = into.write_all(secret.expose().as_bytes()).await;
        let _ = into.shutdown().await;
    }
}

/// Reads to the end and keeps the first [`LARGEST`] bytes and one, which tells that there was
/// more.
async fn collect(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut chunk = Zeroizing::new([0; 4096]);
    loop {
        match from.read(chunk.as_mut_slice()).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                let room = (LARGEST + 1).saturating_sub(into.len());
                into.extend(chunk.iter().take(n.min(room)));
            }
        }
    }
}

/// What a command wrote to standard error, on one line and without what it printed as the
/// secret: a command that traces itself (`sh -x`) writes it to both.
fn complaint_of(stderr: &[u8], stdout: &[u8]) -> String {
    let mut text = Zeroizing::new(String::from_utf8_lossy(stderr).into_owned());
    for line in String::from_utf8_lossy(stdout).lines().map(str::trim).take(16) {
        if !line.is_empty() {
            *text = text.replace(line, "…");
        }
    }
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line.chars().filter(|c| !c.is_control()).take(LONGEST_COMPLAINT).collect()
}
