//! All telephone numbers of a field: people write two of them, an extension, a range, an area code at the end.

use std::collections::BTreeSet;

use super::plain::{digits, is_letter, made_up, plain};

/// The numbers of a phone field, without country code and leading zero: a mobile by its ten digits, a landline by its
/// last eight, with area code or not. Made-up ones are left out.
#[must_use]
pub fn numbers(text: &str) -> BTreeSet<String> {
    let plain = plain(text);
    let mut out = BTreeSet::new();
    // What stands behind a word is something else: «الی 8», «داخلی 12».
    for piece in plain.split(is_letter) {
        let mut found = of(piece);
        if found.is_empty() {
            let between = |c: char| !(c.is_ascii_digit() || c.is_whitespace() || "().+-".contains(c));
            found = piece.split(between).flat_map(of).collect();
        }
        for number in found.into_iter().filter(|number| !made_up(number)) {
            let own = if is_mobile(&number) {
                &number
            } else {
                &number[number.len() - 8..]
            };
            out.insert(own.to_owned());
        }
    }
    out
}

/// Whether a number that [`numbers`] gave is a mobile.
#[must_use]
pub(super) fn is_mobile(number: &str) -> bool {
    number.len() == 10 && number.starts_with('9')
}

/// The numbers that a piece is, and nothing besides.
fn of(piece: &str) -> Vec<String> {
    let digits = digits(piece);
    let all = digits.as_bytes();
    // 88453312, and 88453312-021 as it is written from right to left.
    let area = all.len() == 8 || all.len() == 11 && all[8] == b'0' && all[9] != b'0';
    if area && all[0] != b'0' {
        return vec![digits[..8].to_owned()];
    }
    if !are_whole_numbers(&digits) {
        return Vec::new();
    }
    // The longest first: a country code is one before it is the head of a number.
    let (mut out, mut rest) = (Vec::new(), digits.as_str());
    while !rest.is_empty() {
        let length = lengths(rest).next();
        out.extend(length.map(|length| rest[length - 10..length].to_owned()));
        rest = &rest[length.unwrap_or(1)..];
    }
    out
}

/// Whether the digits can be parted into numbers. Backwards, so that a long field takes no long time.
fn are_whole_numbers(digits: &str) -> bool {
    let mut can = vec![false; digits.len()];
    can.push(true);
    for at in (0..digits.len()).rev() {
        can[at] = lengths(&digits[at..]).any(|length| can[at + length]);
    }
    can[0]
}

/// How long a number at the head may be, with its country code and zero, the longest first.
fn lengths(digits: &str) -> impl Iterator<Item = usize> {
    let prefixes = ["00980", "0098", "980", "98", "0", ""];
    prefixes.into_iter().filter_map(|prefix| {
        let own = digits.strip_prefix(prefix)?;
        (own.len() >= 10 && !own.starts_with('0')).then_some(prefix.len() + 10)
    })
}
