//! `ctrlValues`: the one way to write the string in which a form's values travel.
//!
//! It has no escaping: `|` separates pairs, the first `=` of a pair splits it. So a value gets in only as a
//! [`Held`], which can't contain a separator, and a name only as a constant: no value can forge a field.

use outside::holds_markup;

use crate::columns::COLUMNS;

/// A text without `|`, line breaks or other control characters: what Siagh can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held(String);

impl Held {
    /// The text as Siagh can hold it: `/` for each `|`, one space for each run of line breaks, tabs and other
    /// control characters (comparisons read those as a space too).
    pub(crate) fn new(text: &str) -> Self {
        let mut held = String::with_capacity(text.len());
        let mut broken = false;
        for c in text.chars() {
            let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            match c {
                _ if breaks && broken => {}
                _ if breaks => held.push(' '),
                '|' => held.push('/'),
                c => held.push(c),
            }
            broken = breaks;
        }
        Self(held)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without space at its ends, and cut to `most` UTF-16 units, never within a character.
    pub(crate) fn fitted(&self, most: Option<usize>) -> Self {
        let mut room = most.unwrap_or(usize::MAX);
        let fits = |c: &char| {
            let left = room.checked_sub(c.len_utf16());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let cut: String = self.0.trim().chars().take_while(fits).collect();
        Self(cut.trim_end().to_owned())
    }
}

/// The string being written.
#[derive(Debug, Default)]
pub(crate) struct CtrlValues {
    text: String,
    /// Names of the controls whose values a web server may take for markup.
    markup: Vec<&'static str>,
}

impl CtrlValues {
    /// Adds a pair. `prefix` and `name` are constants of this crate.
    pub(crate) fn push(&mut self, prefix: &'static str, name: &'static str, value: &Held) {
        debug_assert!(
            !prefix.contains(['|', '=', '\n', '\r']) && !name.contains(['|', '=', '\n', '\r']),
            "a separator in the name {name}"
        );
        if !self.text.is_empty() {
            self.text.push('|');
        }
        for part in [prefix, name, "=", value.as_str()] {
            self.text.push_str(part);
        }
        if holds_markup(value.as_str()) {
            self.markup.push(name);
        }
    }

    /// The fields, as people know them, whose values a web server may take for markup.
    pub(crate) fn markup(&self) -> String {
        let named = self.markup.iter().map(|name| {
            let column = COLUMNS.iter().find(|column| column.written == *name);
            column.map_or((*name).to_owned(), |column| column.field.to_string())
        });
        named.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads the string as the contract says Siagh does.
    fn parse(text: &str) -> Vec<(&str, &str)> {
        text.split('|')
            .map(|pair| pair.split_once('=').unwrap())
            .collect()
    }

    #[test]
    fn what_siagh_cannot_hold() {
        assert_eq!(Held::new("a|b\r\n\u{2028}\tc\u{0}d").as_str(), "a/b c d");
        assert_eq!(Held::new("=x=").as_str(), "=x=");
        assert_eq!(Held::new("  علی رضا  ").fitted(Some(4)).as_str(), "علی");
        assert_eq!(Held::new("a😀b").fitted(Some(2)).as_str(), "a");
        assert_eq!(Held::new("a😀b").fitted(Some(3)).as_str(), "a😀");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(values in proptest::array::uniform3("(?s).{0,20}|[|=\r\n\u{85}\u{2028}a ]{0,20}")) {
            let mut written = CtrlValues::default();
            for (name, value) in ["one", "two", "three"].into_iter().zip(&values) {
                written.push("gn_web_users.", name, &Held::new(value));
            }
            let written = written.into_string();
            let held: Vec<_> = values.iter().map(|value| Held::new(value)).collect();
            let expected = vec![
                ("gn_web_users.one", held[0].as_str()), ("gn_web_users.two", held[1].as_str()), ("gn_web_users.three", held[2].as_str()),
            ];
            prop_assert!(!written.chars().any(char::is_control), "a control character");
            prop_assert_eq!(parse(&written), expected);
        }

        #[test]
        fn holding_is_idempotent(text in "(?s).{0,30}|[|=\r\n a😀]{0,30}", most in proptest::option::of(0_usize..20)) {
            let once = Held::new(&text).fitted(most);
            prop_assert_eq!(Held::new(once.as_str()).fitted(most), once);
        }
    }
}
