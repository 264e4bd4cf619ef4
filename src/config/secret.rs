//! The keys that say where a secret is; a mailbox or channel has at most one of them.

use toml::Spanned;

use super::ConfigError;
use super::file::{Source, Text};
use super::value::{self, Fault};
use crate::secret::SecretSource;

/// The keys as written.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub password_command: Option<Spanned<Vec<String>>>,
    pub password_file: Option<Text>,
    pub password_environment: Option<Text>,
    pub credential: Option<Text>,
    pub token_command: Option<Spanned<Vec<String>>>,
    pub token_file: Option<Text>,
    /// Where it is true: whether the secret is in the keyring, under the account of this user and host.
    pub keyring: Option<(Spanned<bool>, String)>,
    /// What command, file and credential are called, where not `password-command` and so on.
    pub names: Option<[&'static str; 3]>,
}

/// The one way to the secret, if there is any; `owner` is whose, in an error.
pub(super) fn one_of(
    source: Source<'_>,
    owner: &str,
    written: Ways,
) -> Result<Option<SecretSource>, ConfigError> {
    let mut found: Vec<(&str, usize, SecretSource)> = Vec::new();
    let [command_key, file_key, credential_key] =
        written.names.unwrap_or(["password-command", "password-file", "credential"]);
    for (key, command, make) in [
        (
            command_key,
            written.password_command,
            SecretSource::Command as fn(Vec<String>) -> SecretSource,
        ),
        ("token-command", written.token_command, SecretSource::TokenCommand),
    ] {
        if let Some(command) = command {
            let at = command.span().start;
            let arguments = arguments(source, command.into_inner())
                .map_err(|fault| source.faulty(at, key, fault))?;
            found.push((key, at, make(arguments)));
        }
    }
    for (key, file) in [(file_key, written.password_file), ("token-file", written.token_file)] {
        let at = file.as_ref().map_or(0, |file| file.span().start);
        if let Some(path) = source.path(key, file)? {
            found.push((key, at, SecretSource::File(path)));
        }
    }
    if let Some(text) = written.credential {
        let at = text.span().start;
        let credential = source.read(credential_key, Some(text), credential_name)?;
        found.extend(credential.map(|name| (credential_key, at, SecretSource::Credential(name))));
    }
    if let Some(text) = written.password_environment {
        let at = text.span().start;
        let variable = source.read("password-environment", Some(text), variable_name)?;
        found.extend(
            variable.map(|name| ("password-environment", at, SecretSource::Environment(name))),
        );
    }
    if let Some((keyring, account)) = written.keyring.filter(|(is_so, _)| *is_so.get_ref()) {
        found.push(("keyring", keyring.span().start, SecretSource::Keyring(account)));
    }
    found.sort_by_key(|(_, at, _)| *at);
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((first, first_at, _)), Some((second, at, _))) => {
            let line = source.line(first_at);
            let fault = Fault::new(
                format!("stands beside `{first}` in line {line}, but {owner} has one secret"),
                "keep one of the two",
            );
            Err(source.faulty(at, second, fault))
        }
        (first, _) => Ok(first.map(|(_, _, secret)| secret)),
    }
}

/// The arguments of a command. A program given as a relative path is looked for beside the
/// configuration, one without a slash in `$PATH`.
pub(super) fn arguments(
    source: Source<'_>,
    mut command: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let form = "write the program and each argument apart: [\"pass\", \"show\", \"mail/ops\"]";
    if command.iter().any(|argument| argument.contains('\0')) {
        return Err(Fault::new("holds a NUL character", form));
    }
    let Some(program) = command.first_mut().filter(|program| !program.trim().is_empty()) else {
        return Err(Fault::new("names no program", form));
    };
    if program.starts_with("~/") {
        return Err(Fault::new("begins with ~, which only a shell understands", form));
    }
    if program.contains('/')
        && let Some(path) = source.directory().join(&program).to_str()
    {
        *program = path.to_owned();
    }
    Ok(command)
}

/// The name of a systemd credential, which is a file name.
fn credential_name(written: &str) -> Result<String, Fault> {
    let name = value::line(written)?;
    if name.contains('/') || name == "." || name == ".." {
        let hint = "write the name given to LoadCredential= in the unit, for example \"imap-ops\"";
        return Err(Fault::new("is a path, not a name", hint));
    }
    Ok(name)
}

fn variable_name(written: &str) -> Result<String, Fault> {
    let name = value::line(written)?;
    if name.contains(['=', '$']) {
        return Err(Fault::new("is no name of a variable", "write the name alone, without $ or ="));
    }
    Ok(name)
}
