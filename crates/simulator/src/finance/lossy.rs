//! What an installation does to a text before it stores it.

use super::config::{CodePage, LetterForm, LossyConfig};

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
    text = on_code_page(text, config.code_page);
    if config.escapes_html {
        text = escaped(&text);
    }
    if config.numeric.iter().any(|numeric| numeric == column) {
        text = as_number(text);
    }
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

fn on_code_page(text: String, page: CodePage) -> String {
    match page {
        CodePage::Whole => text,
        CodePage::Cuts => text.chars().take_while(|letter| letter.len_utf8() < 4).collect(),
        CodePage::Drops => text.chars().filter(|letter| has_place(*letter)).collect(),
        CodePage::Marks => {
            let mut marked = String::with_capacity(text.len());
            for letter in text.chars() {
                if has_place(letter) {
                    marked.push(letter);
                } else {
                    marked.extend(std::iter::repeat_n('?', letter.len_utf16()));
                }
            }
            marked
        }
    }
}

/// Latin, Persian and Arabic letters, joiners, dashes and quotation marks.
fn has_place(letter: char) -> bool {
    matches!(u32::from(letter), 0..=0xff | 0x600..=0x6ff | 0x200c..=0x200f | 0x2010..=0x2026)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn as_number(text: String) -> String {
    let bare = text.trim_start_matches('0');
    match !bare.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => bare.to_owned(),
        false => text,
    }
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
    fn a_code_page_marks_drops_or_cuts_what_it_lacks() {
        for (code_page, stored) in [
            (CodePage::Whole, "آریا 😀 تک ✓"),
            (CodePage::Marks, "آریا ?? تک ?"),
            (CodePage::Drops, "آریا  تک "),
            (CodePage::Cuts, "آریا "),
        ] {
            let config = LossyConfig {
                code_page,
                ..LossyConfig::default()
            };
            assert_eq!(store("Name", "آریا 😀 تک ✓", &config), stored, "{code_page:?}");
            assert_eq!(
                store("Name", "می\u{200C}خواهم – R&D", &config),
                "می\u{200C}خواهم – R&D"
            );
        }
    }

    #[test]
    fn signs_are_escaped_and_numbers_lose_their_zeros() {
        let config = LossyConfig {
            escapes_html: true,
            numeric: vec!["NationalCode".to_owned()],
            ..LossyConfig::default()
        };
        assert_eq!(
            store("Name", "<R&D> \"a\" 'b'", &config),
            "&lt;R&amp;D&gt; &quot;a&quot; &#39;b&#39;"
        );
        assert_eq!(store("NationalCode", "0012345679", &config), "12345679");
        assert_eq!(store("NationalCode", "001-2345679", &config), "001-2345679");
        assert_eq!(store("NationalCode", "000", &config), "000");
        assert_eq!(store("PostalCode", "0012", &config), "0012");
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
