//! Addresses: the words in one, and the numbers (alley, house, floor).

use serde::{Deserialize, Serialize};

use super::plain::{is_letter, plain};

/// Words that are written or left out: «خیابان», «کوچه», «پلاک», «طبقه», «واحد».
const PLACES: [&str; 13] = [
    "خیابان",
    "خ",
    "بلوار",
    "بل",
    "کوچه",
    "ک",
    "پلاک",
    "پ",
    "شماره",
    "طبقه",
    "ط",
    "واحد",
    "و",
];

/// An address's normal form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Its words in one, without «street», «alley», «number».
    pub letters: String,
    /// Its numbers, in their order.
    pub numbers: Vec<String>,
}

impl Address {
    /// The normal form of an address as typed.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut out = Self::default();
        for token in tokens(&plain(text)) {
            if token.starts_with(|c: char| c.is_ascii_digit()) {
                out.numbers.push(token.to_owned());
            } else if !PLACES.contains(&token) {
                out.letters.push_str(token);
            }
        }
        out
    }

    /// As one text, for an index; empty for no address.
    #[must_use]
    pub fn text(&self) -> String {
        let numbers = self.numbers.iter().map(String::as_str);
        std::iter::once(self.letters.as_str())
            .chain(numbers)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whether both are one place; `None` when an area without a number says nothing.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> Option<bool> {
        let k = self.numbers.len().min(other.numbers.len());
        if k == 0 {
            return None;
        }
        let (a, b) = (self.letters.as_str(), other.letters.as_str());
        let letters = a == b || k > 1 && (a.contains(b) || b.contains(a));
        let is_name = |letters: &str| letters.chars().count() > 2;
        Some(self.numbers[..k] == other.numbers[..k] && is_name(a) && is_name(b) && letters)
    }
}

/// Runs of digits and runs of letters.
fn tokens(plain: &str) -> impl Iterator<Item = &str> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let digit = rest.starts_with(|c: char| c.is_ascii_digit());
        let inside = |c: char| if digit { c.is_ascii_digit() } else { is_letter(c) };
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(end);
        rest = behind;
        (!token.is_empty()).then_some(token)
    })
}
