//! How alike two names are, word by word.
//!
//! "One letter in six may differ" over the whole name makes sisters one person: all the difference stands in the first
//! name, and they share everything else. A family name alone is no name.

use serde::{Deserialize, Serialize};
use strsim::osa_distance;

use super::plain::digits;

/// What two names say of their bearers, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Likeness {
    /// The same, also turned round, also joined or parted otherwise.
    Agree,
    /// A slip in a word, or words left out.
    Alike,
    /// One word of several, or a part of each: «رضا» is called «محمدرضا» in his papers, «ع.» is «علی».
    Part,
    /// Another name.
    Unlike,
    /// Nothing: one has no name, or the scripts differ («Ali Rezaei» says nothing against «علی رضایی»).
    Unknown,
}

/// Compares two names by their words ([`super::Name::words`]). Neither is the first: a name that is turned round and
/// joined is found from either end.
#[must_use]
pub fn likeness(a: &[String], b: &[String]) -> Likeness {
    one_way(a, b).min(one_way(b, a))
}

fn one_way(a: &[String], b: &[String]) -> Likeness {
    if a.is_empty() || b.is_empty() {
        return Likeness::Unknown;
    }
    let (x, y) = (a.concat(), b.concat());
    let turned: Vec<String> = (1..b.len())
        .map(|k| [&b[k..], &b[..k]].concat().concat())
        .collect();
    if x == y || sorted(a) == sorted(b) || turned.contains(&x) {
        return Likeness::Agree;
    }
    if is_latin(&x) != is_latin(&y) {
        return Likeness::Unknown;
    }
    let (short, long) = if count(&x) < count(&y) { (a, b) } else { (b, a) };
    if short.iter().all(|word| long.contains(word)) && count(&short.concat()) >= 3 {
        return if short.len() == 1 {
            Likeness::Part
        } else {
            Likeness::Alike
        };
    }
    if a.len() == b.len() {
        if fits(a, b, near) {
            return Likeness::Alike;
        }
        return if a.len() > 1 && fits(a, b, within) {
            Likeness::Part
        } else {
            Likeness::Unlike
        };
    }
    if near(&x, &y) || turned.iter().any(|z| near(&x, z)) {
        Likeness::Alike
    } else {
        Likeness::Unlike
    }
}

/// Whether the words of one fit those of the other, turned round or not.
fn fits(a: &[String], b: &[String], fit: fn(&str, &str) -> bool) -> bool {
    (0..b.len()).any(|k| a.iter().zip(b[k..].iter().chain(&b[..k])).all(|(v, w)| fit(v, w)))
}

fn sorted(words: &[String]) -> Vec<&String> {
    let mut words: Vec<_> = words.iter().collect();
    words.sort_unstable();
    words
}

fn count(word: &str) -> usize {
    word.chars().count()
}

/// One letter in six may differ (changed, left out, added, exchanged with its neighbour), no digit.
fn near(v: &str, w: &str) -> bool {
    let slips = (count(v).min(count(w)) / 6).max(1);
    digits(v) == digits(w) && osa_distance(v, w) <= slips
}

/// One is a part of the other, at either end, or its initial.
fn within(v: &str, w: &str) -> bool {
    let (short, long) = if count(w) < count(v) { (w, v) } else { (v, w) };
    let part = match count(short) {
        1 => long.starts_with(short),
        2 => false,
        _ => long.starts_with(short) || long.ends_with(short),
    };
    near(v, w) || digits(v) == digits(w) && part
}

/// Latin letters, with digits, `&` and `'`.
fn is_latin(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "&'".contains(c))
        && name.contains(|c: char| c.is_ascii_lowercase())
}
