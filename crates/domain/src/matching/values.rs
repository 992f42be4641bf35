//! National ids, e-mail addresses and postal codes, as far as they can tell customers apart; and values that can't.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strsim::osa_distance;

use super::phones::numbers;
use super::plain::{digits, is_letter, made_up, plain};
use crate::customer::Field;

/// A national id as typed: of a person (10 digits) or an organization (11).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NationalId {
    /// Its digits, lost zeros put back.
    pub digits: String,
    /// Whether its check digit is right. One that fails it is no key, but still a witness: two digits were exchanged.
    pub plausible: bool,
}

impl NationalId {
    /// The first 8 to 12 digits of the text, whichever word they stand behind («شناسه ملی: …»); `None` for what is no
    /// id («ندارد», `0`, `1111111111`).
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let digits = Self::digits_of(text)?;
        let plausible = is_plausible(&digits);
        (!made_up(&digits)).then_some(Self { digits, plausible })
    }

    /// The digits, made up or not.
    pub(super) fn digits_of(text: &str) -> Option<String> {
        let plain = plain(text);
        let found = plain
            .split(is_letter)
            .map(digits)
            .find(|d| (8..=12).contains(&d.len()))?;
        Some(format!("{found:0>10}"))
    }

    /// Whether the two differ by one slip at most: a digit changed, or exchanged with its neighbour.
    #[must_use]
    pub fn is_near(&self, other: &Self) -> bool {
        self.digits.len() == other.digits.len() && osa_distance(&self.digits, &other.digits) <= 1
    }
}

/// Whether the check digit is right: `کد ملی` of a person (10 digits), `شناسه ملی` of an organization (11).
#[must_use]
pub fn is_plausible(digits: &str) -> bool {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let d: Vec<u32> = digits.bytes().map(|b| u32::from(b - b'0')).collect();
    match d.len() {
        10 => {
            let sum: u32 = d[..9]
                .iter()
                .zip((2..=10).rev())
                .map(|(digit, weight)| digit * weight)
                .sum();
            let rest = sum % 11;
            d[9] == if rest < 2 { rest } else { 11 - rest }
        }
        11 => {
            let tens = d[9] + 2;
            let weights = [29, 27, 23, 19, 17].into_iter().cycle();
            let sum: u32 = d[..10]
                .iter()
                .zip(weights)
                .map(|(digit, weight)| (digit + tens) * weight)
                .sum();
            d[10] == sum % 11 % 10
        }
        _ => false,
    }
}

/// All e-mail addresses of a field, in lower case.
#[must_use]
pub fn emails(text: &str) -> BTreeSet<String> {
    let plain = plain(text);
    let between = |c: char| c.is_whitespace() || ";,،<>".contains(c);
    plain.split(between).flat_map(emails_of).collect()
}

/// The addresses of a token without spaces. A domain ends with its last dot that has two letters behind it.
fn emails_of(token: &str) -> Vec<String> {
    let mut parts = token.split('@');
    let mut local = parts.next().unwrap_or_default();
    let mut out = Vec::new();
    for part in parts {
        match domain_end(part) {
            Some(end) if !local.is_empty() => {
                out.push(format!("{local}@{}", &part[..end]));
                local = &part[end..];
            }
            _ => local = part,
        }
    }
    out
}

fn domain_end(part: &str) -> Option<usize> {
    let dots = part.rmatch_indices('.').filter(|(at, _)| *at > 0);
    let ends = dots.map(|(at, _)| {
        (
            at,
            part[at + 1..]
                .chars()
                .take_while(char::is_ascii_lowercase)
                .count(),
        )
    });
    ends.into_iter()
        .find(|(_, letters)| *letters > 1)
        .map(|(at, letters)| at + 1 + letters)
}

/// Whether a value was typed where there was none to type («ندارد», `09120000000`): it says of nobody who it is.
#[must_use]
pub fn is_placeholder(field: Field, value: &str) -> bool {
    match field {
        Field::NationalId => NationalId::of(value).is_none(),
        Field::Mobile | Field::Phone => numbers(value).is_empty(),
        Field::Email => emails(value).is_empty(),
        Field::PostalCode => postal_code(value).is_empty(),
        _ => false,
    }
}

/// The digits of a postal code; empty for what is none.
#[must_use]
pub fn postal_code(text: &str) -> String {
    let digits = digits(&plain(text));
    if digits.len() < 4 || made_up(&digits) {
        String::new()
    } else {
        digits
    }
}
