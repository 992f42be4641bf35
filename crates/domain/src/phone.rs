//! Telephone numbers by their number: `0912…`, `+98912…`, `98912…`, `912…` are one and the same.

use crate::letters::{fold, latin_digit};

/// The national number without prefix zero or country code, for Iranian numbers; other numbers keep their
/// digits (`+` or `00` before a foreign country code is written `+`). A value with no digit at all is compared
/// as text. An extension written after the number with a letter or a comma is part of the number.
#[must_use]
pub fn normal(value: &str) -> String {
    let folded = fold(value);
    if !folded.chars().any(|c| c.is_ascii_digit()) {
        return folded;
    }
    let international = folded.trim_start_matches(['(', ' ']).starts_with('+');
    let digits: String = folded
        .chars()
        .map(latin_digit)
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    let (international, digits) = match digits.strip_prefix("00") {
        Some(rest) if !international && rest.len() >= 8 => (true, rest.to_owned()),
        _ => (international, digits),
    };
    if let Some(rest) = digits.strip_prefix("98").map(|rest| rest.trim_start_matches('0'))
        && (international || rest.len() == 10)
    {
        // Once more: someone may have put a country code before a number that had one.
        return normal(rest);
    }
    if international {
        return format!("+{digits}");
    }
    match digits.strip_prefix('0') {
        Some(rest) if rest.len() == 10 => rest.to_owned(),
        _ => digits,
    }
}

/// Whether the number is an Iranian mobile (`9` and nine further digits in national form).
#[must_use]
pub fn is_mobile(value: &str) -> bool {
    let normal = normal(value);
    normal.len() == 10 && normal.starts_with('9') && normal.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_in_its_ways_of_writing() {
        for written in [
            "09123456789",
            "+989123456789",
            "989123456789",
            "9123456789",
            "00989123456789",
            "۰۹۱۲۳۴۵۶۷۸۹",
            "0912 345 6789",
            "0912-345-6789",
            "(+98) 912 345 67 89",
            "+98 (0) 912 345 6789",
            "٠٩١٢٣٤٥٦٧٨٩",
        ] {
            assert_eq!(normal(written), "9123456789", "{written}");
            assert!(is_mobile(written), "{written}");
        }
        assert_eq!(normal("021-88776655"), normal("+982188776655"));
        assert!(!is_mobile("021-88776655"));
    }

    #[test]
    fn other_numbers_stay_themselves() {
        assert_ne!(normal("88776655"), normal("02188776655"));
        assert_ne!(normal("+4930123456"), normal("4930123456"));
        assert_eq!(normal("+4930123456"), normal("004930123456"));
        assert_ne!(normal("02188776655 داخلی 12"), normal("02188776655"));
        assert_eq!(normal("ندارد"), "ندارد");
        assert_eq!(normal(""), "");
    }

    proptest! {
        #[test]
        fn all_prefixes_of_a_mobile_agree(rest in "[0-9]{9}") {
            let national = format!("9{rest}");
            for prefix in ["0", "+98", "98", "0098", ""] {
                prop_assert_eq!(normal(&format!("{prefix}{national}")), national.clone());
            }
        }

        #[test]
        fn different_mobiles_stay_different(a in "09[0-9]{9}", b in "09[0-9]{9}") {
            prop_assert_eq!(a == b, normal(&a) == normal(&b));
        }
    }
}
