//! Persian letters, digits and spaces in one form: what telephone numbers and whole fields are compared by.
//!
//! It knows neither fields nor numbers, and never changes what is stored or sent.

use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// A Persian (`۰`…`۹`) or Arabic (`٠`…`٩`) digit as a Latin one; anything else as it is.
#[must_use]
pub fn latin_digit(c: char) -> char {
    let value = match c {
        '۰'..='۹' => c as u32 - '۰' as u32,
        '٠'..='٩' => c as u32 - '٠' as u32,
        _ => return c,
    };
    char::from_digit(value, 10).unwrap_or(c)
}

/// The folded form of a text: compatibility composition (NFKC), Persian letters for the Arabic ones,
/// Latin digits, no joiners, marks, tatweel or control characters, single spaces, trimmed.
///
/// Folding is idempotent (property-tested).
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut space, mut joined) = (false, false);
    for c in text.nfkc() {
        let c = match c {
            'ي' | 'ى' | 'ې' => 'ی',
            'ك' => 'ک',
            'ة' | 'ۀ' | 'ہ' | 'ۂ' => 'ه',
            // Zero-width joiners and spaces, directional marks, tatweel, harakat: typed or not at random.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | 'ـ'
            | '\u{64b}'..='\u{655}'
            | '\u{670}' => {
                joined = true;
                continue;
            }
            c if c.is_whitespace() || c.is_control() => {
                space = true;
                continue;
            }
            c => latin_digit(c),
        };
        if space && !out.is_empty() {
            out.push(' ');
        }
        space = false;
        out.push(c);
    }
    // Marks that a joiner kept apart have an order of their own once it is gone.
    match joined && !is_nfkc(&out) {
        true => fold(&out),
        false => out,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_digits_joiners_and_spaces_are_folded() {
        assert_eq!(fold("  علي  كريمي‌نژاد ۱۲٣ "), "علی کریمینژاد 123");
        assert_eq!(fold("شرکت\u{a0}آریا\nتک"), "شرکت آریا تک");
        assert_eq!(fold("ﻋﻠﯽ"), "علی");
        assert_eq!(fold("محمّد"), "محمد");
        assert_eq!(fold("كـتـاب"), "کتاب");
        assert_eq!(
            fold("\u{657}\u{200c}\u{656}"),
            "\u{656}\u{657}",
            "marks that a joiner kept apart"
        );
    }

    #[test]
    fn different_things_stay_different() {
        for (a, b) in [("علی", "علا"), ("آریا", "اریا"), ("100-10", "100-01"), ("", "0")] {
            assert_ne!(fold(a), fold(b), "{a} / {b}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn folding_marks_is_idempotent(text in "[اه\u{640}\u{64b}-\u{65f}\u{670}\u{200c}\u{fe70}-\u{fe7f} ]{0,12}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn folding_forgets_letter_forms_and_spacing(words in proptest::collection::vec("[ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی۰-۹]{1,8}", 1..5)) {
            let text = words.join(" ");
            let arabic = text.replace('ی', "ي").replace('ک', "ك").replace(' ', "  \u{200c}");
            prop_assert_eq!(fold(&arabic), fold(&text));
        }
    }
}
