//! One byte for each visible character, so that word processors and mail clients cannot hide a
//! number: Unicode dashes, blanks and full-width digits become the plain ones.

/// Stands for a letter or digit outside ASCII: never part of a number, but a neighbour to one.
pub(crate) const OTHER_LETTER: u8 = 1;
/// Stands for an en dash, em dash or bar: it joins digits like a hyphen, and separates words.
pub(crate) const LONG_DASH: u8 = 2;
/// Stands for anything else outside ASCII, and for hidden addresses.
pub(crate) const OTHER_SIGN: u8 = 3;

/// The byte by which a character takes part in the search.
pub(crate) fn fold(char: char) -> u8 {
    match char {
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2212}' | '\u{fe63}' => b'-',
        '\u{2013}'..='\u{2015}' | '\u{fe58}' => LONG_DASH,
        '\u{ff01}'..='\u{ff5e}' => {
            u8::try_from(u32::from(char) - 0xff01 + 0x21).unwrap_or(OTHER_SIGN)
        }
        '\u{2116}' => b'#',
        '\u{2018}' | '\u{2019}' => b'\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => b'"',
        '\u{20a0}'..='\u{20cf}' | '\u{a2}'..='\u{a5}' => b'$',
        _ if char.is_whitespace() => b' ',
        _ if char.is_ascii_control() => OTHER_SIGN,
        _ if char.is_ascii() => u8::try_from(char).unwrap_or(OTHER_SIGN),
        _ if char.is_alphanumeric() => OTHER_LETTER,
        _ => OTHER_SIGN,
    }
}

/// Characters without width that mail programs leave inside words and numbers.
pub(crate) fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}
