//! Text in the form in which matching compares it: one form of each letter and digit, no marks, words.
//!
//! Coarser than [`crate::text::fold`], which tells whether a field has changed: here «آریا» and «اریا» are one, and a
//! joiner parts words. Nothing in this form is ever stored in place of what was typed, or sent.

use unicode_normalization::UnicodeNormalization;

use crate::forms::without_html;
use crate::letters::latin_digit;

/// A letter in the one form of all its likes; `None` for what is typed or not at random (tatweel, harakat, hamza, zero
/// widths, marks of direction).
fn letter(c: char) -> Option<char> {
    Some(match c {
        'ي' | 'ى' | 'ئ' => 'ی',
        'ك' | 'ڪ' => 'ک',
        'ة' | 'ۀ' | 'ہ' | 'ھ' | 'ە' => 'ه',
        'أ' | 'إ' | 'آ' => 'ا',
        'ؤ' => 'و',
        '\u{200c}' | '\u{200d}' => ' ',
        '\u{640}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6ed}'
        | '\u{621}'
        | '\u{ad}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => return None,
        c => latin_digit(c),
    })
}

/// Lower case, one form of each letter and digit, no marks; no signs that a web form has escaped, nor tags.
///
/// Idempotent: where a mark stood between a letter and its accent, taking it out lets the two compose, so it is done
/// until nothing changes (once, for what people type).
#[must_use]
pub fn plain(text: &str) -> String {
    let mut now = once(text);
    for _ in 0..8 {
        let next = once(&now);
        if next == now {
            break;
        }
        now = next;
    }
    now
}

fn once(text: &str) -> String {
    let text = text.nfkc().filter_map(letter).collect::<String>().to_lowercase();
    match text.contains(['&', '<']) {
        true => without_html(&text),
        false => text,
    }
}

/// The words of a name in plain form: parted by spaces and by the signs that people put between words. A picture, or the
/// question marks that a system has put in its place, is no part of one.
pub(super) fn words(plain: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || ".,،ـ_/*()-".contains(c);
    let words = plain.split(between);
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty())
}

/// The Latin digits of a text in plain form.
pub(super) fn digits(plain: &str) -> String {
    plain.chars().filter(char::is_ascii_digit).collect()
}

/// Whether the character is part of a word, and no digit: «الی», «داخلی», `ext`.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !c.is_ascii_digit()
}

/// Digits that nobody has: seven in a row that are one digit, or count up or down (`09120000000`, `1234567891`).
pub(super) fn made_up(digits: &str) -> bool {
    let all = digits.as_bytes();
    all.windows(2).all(|two| two[0] == two[1])
        || all.windows(7).any(|seven| {
            let steps = |step: u8| {
                let next = |d: u8| b'0' + (d - b'0' + step) % 10;
                seven.windows(2).all(|two| next(two[0]) == two[1])
            };
            steps(0) || steps(1) || steps(9)
        })
}
