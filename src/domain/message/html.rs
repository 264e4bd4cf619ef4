//! Text from HTML, with cell and block boundaries kept.
//!
//! mail-parser's own conversion glues table cells together (`EIN12-3456789`), so that no number
//! is found in them. This one follows the WHATWG tokenizer loosely: one pass, no tree, nothing
//! that a browser would not show (scripts, styles, comments, hidden elements). Quotations become
//! lines that begin with "> ", and the divisions in which mail programs put the older mail
//! become a separator line, so that the separation of quoted text works on one form only.

use mail_parser::decoders::html::add_html_token;

/// More text than this no mail for people has, in bytes.
const MAX_OUTPUT: usize = 1 << 20;
/// Nesting beyond this is not tracked.
const MAX_QUOTES: usize = 64;

/// Written where a mail program marks the beginning of the older mail by an element of its own.
const OLDER_MAIL: &str = "-----Original Message-----";
const RULE: &str = "________________________________";

/// Ids and classes of the elements that stand right above the older mail: Outlook on the web,
/// Outlook Express, Yahoo. (Gmail and Apple Mail use a blockquote, which is seen as such.)
const OLDER_MAIL_MARKS: &[&str] = &["divrplyfwdmsg", "outlookmessageheader", "x_divrplyfwdmsg"];

const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"];
/// Elements whose content is no text at all: all up to their end tag is passed over.
const RAW: &[&str] = &["script", "style", "title", "noframes", "xml"];

/// Converts HTML into plain text.
pub(super) fn html_to_text(html: &str) -> String {
    let mut writer = Writer::default();
    let mut hidden: Option<(String, usize)> = None;
    let mut rest = html;
    while !rest.is_empty() && writer.out.len() < MAX_OUTPUT {
        let (text, tail) = match rest.find('<') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        if hidden.is_none() {
            writer.text(text);
        }
        let Some(tail) = tail.strip_prefix('<') else {
            break;
        };
        rest = tail;
        if let Some(comment) = tail.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = Tag::read(tail) else {
            if hidden.is_none() {
                writer.text("<");
            }
            continue;
        };
        rest = after;
        if !tag.is_end && RAW.contains(&tag.name.as_str()) {
            rest = after_end_tag(rest, &tag.name);
            continue;
        }
        hidden = match hidden {
            Some((name, depth)) => still_hidden(name, depth, &tag),
            None if !tag.is_end && tag.is_hidden() => Some((tag.name.clone(), 1)),
            None => None,
        };
        if hidden.is_none() {
            writer.tag(&tag);
        }
    }
    writer.finish()
}

/// Follows an element that is not shown to its end. An unclosed head ends where the body begins,
/// an unclosed paragraph at the next block.
fn still_hidden(name: String, depth: usize, tag: &Tag) -> Option<(String, usize)> {
    let is_block = BLOCKS.contains(&tag.name.as_str());
    if (name == "head" && tag.name == "body") || (name == "p" && is_block) {
        return None;
    }
    let depth = match (tag.name == name, tag.is_end) {
        (true, true) => depth - 1,
        (true, false) => depth + 1,
        _ => depth,
    };
    (0 < depth).then_some((name, depth))
}

/// What follows `</name …>`, or nothing where the element is never closed.
fn after_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("</") {
        let is_end = tail
            .as_bytes()
            .get(..name.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(name.as_bytes()));
        if is_end {
            return tail.split_once('>').map_or("", |(_, after)| after);
        }
        rest = tail;
    }
    ""
}

struct Tag {
    name: String,
    is_end: bool,
    /// The attributes as written, lower-case, without blanks around the equals signs.
    attributes: String,
}

impl Tag {
    /// Reads a tag after its `<`; `None` where that was just a sign in the text.
    fn read(text: &str) -> Option<(Tag, &str)> {
        let (is_end, text) = match text.strip_prefix('/') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let initial = text.chars().next()?;
        // Declarations, `<![if …]>` and processing instructions have no meaning for us.
        if matches!(initial, '!' | '?') {
            let after = text.split_once('>').map_or("", |(_, after)| after);
            return Some((Tag { name: String::new(), is_end, attributes: String::new() }, after));
        }
        if !initial.is_ascii_alphabetic() {
            return None;
        }
        let end =
            text.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(text.len());
        let (name, text) = text.split_at_checked(end)?;
        let (attributes, after) = attributes(text);
        let attributes: String = attributes.chars().take(4_096).collect();
        let name = name.chars().take(32).collect::<String>().to_ascii_lowercase();
        Some((Tag { name, is_end, attributes: attributes.to_ascii_lowercase() }, after))
    }

    fn is_hidden(&self) -> bool {
        if VOID.contains(&self.name.as_str()) {
            return false;
        }
        let squeezed: String = self.attributes.split_whitespace().collect();
        let is_styled_away = [
            "display:none",
            "visibility:hidden",
            "mso-hide:all",
            "font-size:0px",
            "font-size:0;",
            "font-size:0\"",
            "font-size:0'",
        ]
        .iter()
        .any(|style| squeezed.contains(style));
        let is_named_hidden =
            self.attributes.split_whitespace().any(|word| word.trim_matches('/') == "hidden");
        matches!(self.name.as_str(), "head" | "template") || is_styled_away || is_named_hidden
    }

    /// Outlook and Gmail indent with a blockquote too; those have margins and nothing else.
    fn is_quotation(&self) -> bool {
        let has = |what: &str| self.attributes.contains(what);
        let is_indentation = has("style=") && has("margin") && !has("border-left");
        !is_indentation || has("type=") || has("class=") || has("cite")
    }

    fn begins_older_mail(&self) -> bool {
        let is_marked = |mark: &&str| {
            [format!("=\"{mark}\""), format!("='{mark}'"), format!("={mark}")]
                .iter()
                .any(|attribute| self.attributes.contains(attribute))
        };
        matches!(self.name.as_str(), "div" | "table" | "span")
            && OLDER_MAIL_MARKS.iter().any(is_marked)
    }
}

/// Splits at the `>` that ends the tag; one inside of quotation marks does not.
fn attributes(text: &str) -> (&str, &str) {
    let mut open: Option<char> = None;
    let mut previous = ' ';
    for (at, letter) in text.char_indices() {
        match (open, letter) {
            (Some(quote), letter) if letter == quote => open = None,
            (None, '"' | '\'') if previous == '=' => open = Some(letter),
            (None, '>') => {
                let (inside, after) = text.split_at_checked(at).unwrap_or((text, ""));
                return (inside, after.strip_prefix('>').unwrap_or_default());
            }
            _ => {}
        }
        if !letter.is_whitespace() {
            previous = letter;
        }
    }
    // A quotation mark that is never closed: the first `>` has to do.
    text.split_once('>').unwrap_or((text, ""))
}

/// Collects lines; a blank is written only once something follows it.
#[derive(Default)]
struct Writer {
    out: String,
    line: String,
    has_blank: bool,
    has_tab: bool,
    pre: usize,
    /// One entry per open blockquote: is it a quotation?
    quotes: Vec<bool>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let tail = rest.get(letter.len_utf8()..).unwrap_or_default();
            rest = tail;
            match letter {
                '&' => {
                    let (decoded, after) = entity(tail);
                    rest = after;
                    for letter in decoded.chars() {
                        // A non-breaking blank is a blank, but one that is meant.
                        match letter {
                            '\u{a0}' => self.has_blank = true,
                            letter => self.letter(letter),
                        }
                    }
                }
                '\n' if 0 < self.pre => self.end_line(),
                letter if letter.is_whitespace() => self.has_blank = true,
                letter => self.letter(letter),
            }
        }
    }

    fn letter(&mut self, letter: char) {
        if !self.line.is_empty() {
            if self.has_tab {
                self.line.push('\t');
            } else if self.has_blank {
                self.line.push(' ');
            }
        }
        (self.has_blank, self.has_tab) = (false, false);
        self.line.push(letter);
    }

    fn tag(&mut self, tag: &Tag) {
        let name = tag.name.as_str();
        match name {
            "td" | "th" => self.has_tab = true,
            "br" => self.end_line(),
            _ if BLOCKS.contains(&name) && !self.line.is_empty() => self.end_line(),
            _ => {}
        }
        match (name, tag.is_end) {
            ("p" | "table" | "h1" | "h2" | "h3", true) => self.end_line(),
            ("pre", false) => self.pre += 1,
            ("pre", true) => self.pre = self.pre.saturating_sub(1),
            ("blockquote", false) if self.quotes.len() < MAX_QUOTES => {
                self.quotes.push(tag.is_quotation());
            }
            ("blockquote", true) => {
                self.quotes.pop();
            }
            ("hr", _) => self.own_line(RULE),
            _ => {}
        }
        if !tag.is_end && tag.begins_older_mail() {
            self.own_line(OLDER_MAIL);
        }
    }

    fn own_line(&mut self, text: &str) {
        self.line.push_str(text);
        self.end_line();
    }

    fn end_line(&mut self) {
        if self.quotes.contains(&true) {
            self.out.push_str("> ");
        }
        self.out.push_str(&self.line);
        self.out.push('\n');
        self.line.clear();
        (self.has_blank, self.has_tab) = (false, false);
    }

    fn finish(mut self) -> String {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.out
    }
}

/// Decodes a character reference after its `&`; one that is none stays as it is written.
fn entity(text: &str) -> (String, &str) {
    let as_written = ("&".to_owned(), text);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(text.len());
    let Some((name, after)) =
        text.split_at_checked(end).filter(|(name, _)| (2..=32).contains(&name.len()))
    else {
        return as_written;
    };
    let closed = after.strip_prefix(';');
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return match code.ok().and_then(numbered) {
            Some(letter) => (letter.to_string(), closed.unwrap_or(after)),
            None => as_written,
        };
    }
    let is_common = ["nbsp", "amp", "lt", "gt", "quot"].contains(&name);
    if closed.is_none() && !is_common {
        return as_written;
    }
    let mut decoded = String::new();
    add_html_token(&mut decoded, format!("&{name};").as_bytes(), false);
    match decoded.starts_with('&') && name != "amp" {
        true => as_written,
        false => (decoded, closed.unwrap_or(after)),
    }
}

/// The character of a numeric reference; those of the C1 range mean windows-1252 (WHATWG HTML
/// §13.2.5.80).
fn numbered(code: u32) -> Option<char> {
    match u8::try_from(code) {
        Ok(byte @ 0x80..=0x9F) => super::fields::decode_raw(&[byte]).chars().next(),
        _ => char::from_u32(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(html_to_text(html).trim_end(), expected, "{html}");
    }

    #[test]
    fn cells_and_blocks_stay_apart() {
        check(
            "<table><tr><td>EIN</td><td>12-3456789</td></tr><tr><th>Name<td>Acme</table>",
            "EIN\t12-3456789\nName\tAcme",
        );
        check("a<br>b<div>c</div>d<p>e</p>f", "a\nb\nc\nd\ne\n\nf");
        check("<ul><li>a<li>b</ul>", "a\nb");
        check("a  \n b <b>c</b>", "a b c");
        check("<pre>a\n  b</pre>", "a\nb");
    }

    #[test]
    fn what_is_not_shown_is_left_out() {
        check(
            "<html><head><title>t</title><style>p{}</style></head><body>a<script>if(a<b)</script>b<!-- c -->d",
            "abd",
        );
        check("<head>x<body>a", "a");
        check("<div style=\"DISPLAY: none\">x<div>y</div></div>a", "a");
        check("<span hidden>x</span>a<span style='mso-hide:all'>y</span>", "a");
        check("<img style=\"display:none\" src=x>a", "a");
        check("<!--[if mso]>x<![endif]-->a<![if !mso]>b<![endif]>", "ab");
        check("a<style>unclosed", "a");
    }

    #[test]
    fn character_references_are_decoded() {
        check(
            "47&#8209;915&#x2011;6&nbsp;x &amp;lt; &eacute;&hellip; AT&T &bogus; &#150; a&nbsp",
            "47‑915‑6 x &lt; é… AT&T &bogus; – a",
        );
    }

    #[test]
    fn signs_that_are_no_tags_stay() {
        check("1 < 2 > 0 <3 a<", "1 < 2 > 0 <3 a<");
        check("<a title=\"x > y\" href='z'>b</a>", "b");
        check("<a title=\"unclosed>b", "b");
    }

    #[test]
    fn quotations_are_marked() {
        check("new<blockquote type=cite>old<br>older</blockquote>new", "new\n> old\n> older\nnew");
        check(
            "new<blockquote style=\"margin:0 0 0 40px;border:none\">indented</blockquote>",
            "new\nindented",
        );
        check(
            "new<div id=\"divRplyFwdMsg\">From: x</div>",
            "new\n-----Original Message-----\nFrom: x",
        );
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        for piece in [
            "<",
            "<a \"",
            "<a x=\"",
            "<!--",
            "<style>",
            "</",
            "&#",
            "<div hidden>",
            "<blockquote>",
            "&amp",
            "<td>",
        ] {
            html_to_text(&piece.repeat(200_000));
        }
    }
}
