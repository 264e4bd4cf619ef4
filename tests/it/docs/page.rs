//! A page of Markdown as its tests see it: text, listings, what stands in backticks.

use std::fs;
use std::path::{Path, PathBuf};

/// A page, in its parts.
pub struct Page {
    /// Its name below the root of the tree: "docs/broker.md".
    pub name: String,
    pub parts: Vec<Part>,
}

pub enum Part {
    /// A line outside of listings, with its number.
    Text(usize, String),
    /// A listing: the number and words of its first fence, and its lines.
    Listing(usize, String, Vec<String>),
}

/// What stands in backticks.
#[derive(Clone, Debug)]
pub struct Span {
    /// "docs/broker.md:12".
    pub place: String,
    /// The number of the line.
    pub number: usize,
    pub text: String,
}

impl Page {
    /// Reads `name`, a path below the root.
    pub fn read(name: &str) -> Page {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let mut parts = Vec::new();
        let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
        while let Some((number, line)) = lines.next() {
            // A listing in a list is indented.
            match line.trim_start().strip_prefix("```") {
                None => parts.push(Part::Text(number, line.to_owned())),
                Some(words) => {
                    let is_inside =
                        |(_, line): &(usize, &str)| !line.trim_start().starts_with("```");
                    let body = lines.by_ref().take_while(is_inside);
                    let body = body.map(|(_, line)| line.to_owned()).collect();
                    parts.push(Part::Listing(number, words.to_owned(), body));
                }
            }
        }
        Page { name: name.to_owned(), parts }
    }

    pub fn place(&self, number: usize) -> String {
        format!("{}:{number}", self.name)
    }

    /// Returns what stands in backticks, with its place. A span may go over the end of a line.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut paragraph: Vec<(usize, &str)> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(number, line) if !line.trim().is_empty() => {
                    // The cells of a table and the points of a list end what stands in them.
                    if line.starts_with(['|', '-', '#']) {
                        self.spans_of(&paragraph, &mut spans);
                        paragraph.clear();
                    }
                    paragraph.push((*number, line));
                }
                _ => {
                    self.spans_of(&paragraph, &mut spans);
                    paragraph.clear();
                }
            }
        }
        self.spans_of(&paragraph, &mut spans);
        spans
    }

    fn spans_of(&self, paragraph: &[(usize, &str)], spans: &mut Vec<Span>) {
        let mut is_code = false;
        let mut span = String::new();
        for (number, line) in paragraph {
            for (i, piece) in line.split('`').enumerate() {
                if 0 < i {
                    if is_code {
                        let text = span.replace("\\|", "|").trim().to_owned();
                        spans.push(Span { place: self.place(*number), number: *number, text });
                    }
                    span.clear();
                    is_code = !is_code;
                }
                span.push_str(piece);
            }
            span.push(' ');
        }
        if let Some((number, _)) = paragraph.first() {
            assert!(!is_code, "{}: a backtick has no partner", self.place(*number));
        }
    }
}

/// Returns the pages for users: README.md and docs/*.md.
pub fn all() -> Vec<Page> {
    let mut names = vec!["README.md".to_owned()];
    let mut found: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    names.extend(found.iter().map(|p| format!("docs/{}", p.file_name().unwrap().display())));
    names.iter().map(|name| Page::read(name)).collect()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the words of a command line as a shell splits them, without what is left to a shell.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('"').enumerate() {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}
