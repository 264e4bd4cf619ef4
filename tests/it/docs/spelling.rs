//! From a command as a page writes it to commands that can be run: `[--flag VALUE]`, `A|B`, `NAME…`.

use super::page::words;

/// What a word in capitals stands for: after which words of the command (the longest that fits
/// counts), the word, and its value in the home of [`super::office`]. A word that is not here is a
/// fault of the page.
const PLACEHOLDERS: &[(&str, &str, &str)] = &[
    ("", "APP", "12"),
    ("reopen", "APP", "11"),
    ("extend", "APP", "13"),
    ("snooze", "APP", "13"),
    ("review accept 18", "APP", "1"),
    ("", "M", "18"),
    ("review undo", "M", "1"),
    ("review forget-alias", "M", "26"),
    ("", "MESSAGE", "1"),
    ("", "NAME", "Vela Lighting Corp"),
    ("", "NUMBER", "98-765432100"),
    ("edit 12 --remove-ticket", "NUMBER", "INC0099001"),
    ("", "R", "email"),
    ("", "T", "web"),
    ("note 12", "T", "INC0099001"),
    ("", "TIME", "2026-06-04"),
    ("add", "TIME", "2026-05-04"),
    ("rules replay", "TIME", "2026-05-04"),
    ("", "DATE", "2026-06-04"),
    ("add", "DATE", "2026-05-04"),
    ("", "TEXT", "as told on the telephone"),
    ("", "N", "3"),
    ("", "FILE", "mail.eml"),
    ("", "FILE.csv", "more.csv"),
    ("backup", "FILE", "copy.db"),
    ("rules check", "FILE", "rules.toml"),
    ("rules test", "FILE", "mail.eml"),
    ("draft 12 follow-up -o", "FILE", "draft.eml"),
    ("", "PATH", "mail.eml"),
    ("", "DIRECTORY", "pages"),
    ("", "MAILBOX", "ops"),
    ("", "CHANNEL", "team"),
    ("", "SHELL", "bash"),
    ("", "COMMAND", "status"),
    ("", "MILESTONE", "login"),
    ("", "FILTER", "overdue"),
    ("review", "FILTER", "unverified"),
    ("", "KIND", "reply"),
    ("", "LINE", "Acme Imports LLC 12-345678900"),
    ("", "LIST", "12,15"),
];

/// What a command takes at least, for where a page only mentions it: "`acewatch ack` stops them".
const LEFT_OUT: &[(&str, &str)] = &[
    ("ack", "APP"),
    ("add", "--company NAME --number NUMBER"),
    ("backup", "FILE"),
    ("close", "APP --reason TEXT"),
    ("draft", "APP follow-up"),
    ("extend", "APP --until TIME --reason TEXT"),
    ("import", "PATH"),
    ("note", "APP TEXT"),
    ("review assign", "M APP"),
    ("rules test", "FILE"),
    ("secret remove", "MAILBOX"),
    ("secret store", "MAILBOX"),
    ("show", "APP"),
    ("snooze", "APP --until TIME --reason TEXT"),
    ("subject", "APP"),
];

/// Commands below `review` that pages name alone in a list of them.
const OF_REVIEW: [&str; 5] = ["accept", "assign", "dismiss", "undo", "forget-alias"];

/// Returns the commands that `written` means, each as words after `acewatch`; none where it is no
/// command. `names` are those of the program's own commands.
pub fn commands(written: &str, names: &[String]) -> Result<Vec<Vec<String>>, String> {
    let mut words = words(written);
    let is_whole = words.first().is_some_and(|word| word == "acewatch");
    if is_whole {
        words.remove(0);
    } else {
        // In a list of commands the name of the program is often left out.
        let first = words.first().cloned().unwrap_or_default();
        // Alone, `man` is the system's.
        if words.len() < 2
            || first == "man"
            || !names.contains(&first) && !OF_REVIEW.contains(&first.as_str())
        {
            return Ok(Vec::new());
        }
        if OF_REVIEW.contains(&first.as_str()) {
            words.insert(0, "review".to_owned());
        }
    }
    let mut commands = vec![Vec::new()];
    for word in words {
        let bare = word.trim_matches(['[', ']']).trim_end_matches('…').trim_matches(['[', ']']);
        if bare.is_empty() {
            // "…" after a flag is some value; elsewhere it is more of the same.
            let is_value = |command: &Vec<String>| {
                command.last().is_some_and(|last: &String| last.starts_with("--"))
            };
            for command in commands.iter_mut().filter(|command| is_value(command)) {
                let value = if command.last().unwrap() == "--number" { "NUMBER" } else { "TEXT" };
                command.push(filled(command, value)?);
            }
            continue;
        }
        let is_choice = bare.contains('|') && !word.contains(' ');
        let choices: Vec<&str> = if is_choice { bare.split('|').collect() } else { vec![bare] };
        let mut longer = Vec::new();
        for command in &commands {
            for choice in &choices {
                let choice =
                    if word.contains(' ') { word.clone() } else { filled(command, choice)? };
                longer.push([command.clone(), vec![choice]].concat());
            }
        }
        commands = longer;
    }
    Ok(commands)
}

/// Returns `command` with what it takes at least, where that is known.
pub fn completed(command: &[String]) -> Option<Vec<String>> {
    let names: Vec<&str> =
        command.iter().map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
    let (_, left_out) = LEFT_OUT.iter().find(|(name, _)| *name == names.join(" "))?;
    let mut completed = command.to_vec();
    for word in left_out.split(' ') {
        completed.push(filled(&completed, word).ok()?);
    }
    Some(completed)
}

/// Returns `word`, or what it stands for after `command`.
fn filled(command: &[String], word: &str) -> Result<String, String> {
    let is_capital = |c: char| c.is_ascii_uppercase();
    if !word.starts_with(is_capital) || !word.split('.').next().unwrap().chars().all(is_capital) {
        return Ok(word.to_owned());
    }
    let before = command.join(" ");
    let fits = |after: &str| before == after || before.starts_with(&format!("{after} "));
    PLACEHOLDERS
        .iter()
        .filter(|(after, placeholder, _)| *placeholder == word && (after.is_empty() || fits(after)))
        .max_by_key(|(after, _, _)| after.len())
        .map(|(_, _, value)| (*value).to_owned())
        .ok_or_else(|| format!("{word} stands for nothing known"))
}

#[test]
fn a_synopsis_is_spelled_out() {
    let names: Vec<String> = ["add", "draft", "review"].map(str::to_owned).to_vec();
    let spelled = |written| {
        commands(written, &names)
            .map(|found| found.into_iter().map(|words| words.join(" ")).collect::<Vec<_>>())
    };
    for (written, expected) in [
        ("acewatch", vec![""]),
        ("draft APP… follow-up|escalation", vec!["draft 12 follow-up", "draft 12 escalation"]),
        (
            "acewatch add --number NUMBER [--route R] [--tag T]…",
            vec!["add --number 98-765432100 --route email --tag web"],
        ),
        ("dismiss M…", vec!["review dismiss 18"]),
        ("acewatch.db", vec![]),
        ("review", vec![]),
        ("[watch] tick", vec![]),
    ] {
        assert_eq!(spelled(written).unwrap(), expected, "{written}");
    }
    assert!(spelled("acewatch draft WHAT follow-up").is_err());
}
