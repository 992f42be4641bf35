//! What an installation does to a text before it stores it.

use super::config::{LetterForm, LossyConfig};

pub(crate) fn store(column: &str, text: &str, config: &LossyConfig) -> String {
    let mut text: String = text
        .chars()
        .filter(|letter| !(config.drop_joiners && matches!(letter, '\u{200C}' | '\u{200D}')))
        .map(|letter| letter_form(letter, config.letters))
        .map(|letter| {
            if config.latin_digits {
                latin_digit(letter)
            } else {
                letter
            }
        })
        .collect();
    if config.trim_spaces {
        text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(most) = config.max_lengths.get(column) {
        let mut units = 0;
        text = text
            .chars()
            .take_while(|letter| {
                units += letter.len_utf16();
                units <= *most
            })
            .collect();
    }
    text
}

fn letter_form(letter: char, form: LetterForm) -> char {
    match (form, letter) {
        (LetterForm::Persian, 'ي' | 'ى') => 'ی',
        (LetterForm::Persian, 'ك') => 'ک',
        (LetterForm::Arabic, 'ی') => 'ي',
        (LetterForm::Arabic, 'ک') => 'ك',
        (_, other) => other,
    }
}

/// Persian and Arabic digits as Latin ones; other letters as they are.
pub(crate) fn latin_digit(letter: char) -> char {
    let value = match letter {
        '۰'..='۹' => u32::from(letter) - u32::from('۰'),
        '٠'..='٩' => u32::from(letter) - u32::from('٠'),
        other => return other,
    };
    char::from_digit(value, 10).unwrap_or(letter)
}

/// `2488` → `۲۴۸۸`.
pub(crate) fn persian_digits(text: &str) -> String {
    text.chars()
        .map(|letter| match letter.to_digit(10) {
            Some(digit) => char::from_u32(u32::from('۰') + digit).unwrap_or(letter),
            None => letter,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_default() {
        let text = " علي  ك\u{200C}۱ ";
        assert_eq!(store("Name", text, &LossyConfig::default()), text);
    }

    #[test]
    fn everything_can_be_lost() {
        let config = LossyConfig {
            max_lengths: [("Name".to_owned(), 6)].into(),
            ..LossyConfig::everything()
        };
        assert_eq!(store("Name", " علي  ك\u{200C}۱ب ", &config), "علی ک1");
        assert_eq!(persian_digits("شماره 2488"), "شماره ۲۴۸۸");
    }
}
