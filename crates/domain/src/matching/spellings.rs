//! The ways in which people write what a system's own search compares letter by letter.

use super::phones::numbers;
use super::values::NationalId;

/// A mobile as people write it, the most usual first: `0912…`, `+98912…`, `98912…`, `912…`, `0098912…`, and as typed.
/// What is no mobile of this country, as typed.
#[must_use]
pub fn mobile_spellings(typed: &str) -> Vec<String> {
    let found = numbers(typed);
    let mobile = found.iter().find(|number| super::phones::is_mobile(number));
    let prefixes = ["0", "+98", "98", "", "0098"];
    let spelt = mobile
        .into_iter()
        .flat_map(|bare| prefixes.map(|prefix| format!("{prefix}{bare}")));
    each_once(spelt.chain([typed.trim().to_owned()]))
}

/// A national id as people write it: its digits, with hyphens (`001-234567-9`), without the zeros that a number loses, and
/// as typed.
#[must_use]
pub fn national_id_spellings(typed: &str) -> Vec<String> {
    let Some(digits) = NationalId::digits_of(typed) else {
        return each_once([typed.trim().to_owned()]);
    };
    let hyphened = match digits.len() {
        10 => format!("{}-{}-{}", &digits[..3], &digits[3..9], &digits[9..]),
        _ => digits.clone(),
    };
    let bare = digits.trim_start_matches('0').to_owned();
    each_once([digits, hyphened, bare, typed.trim().to_owned()])
}

fn each_once(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for one in all {
        if !one.is_empty() && !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_and_a_national_id_in_all_the_ways_that_people_write_them() {
        let all = [
            "09123451237",
            "+989123451237",
            "989123451237",
            "9123451237",
            "00989123451237",
        ];
        for typed in ["09123451237", "۹۸ ۹۱۲ ۳۴۵ ۱۲ ۳۷", "0912-345-1237 (داخلی 3)"] {
            let spelt = mobile_spellings(typed);
            assert_eq!(spelt[..5], all, "{typed}");
            assert!(spelt.contains(&typed.to_owned()));
        }
        assert_eq!(mobile_spellings(" +4930123456 "), ["+4930123456"]);
        let all = ["0012345679", "001-234567-9", "12345679"];
        for typed in ["0012345679", "001-234567-9", "12345679"] {
            assert_eq!(national_id_spellings(typed), all, "{typed}");
        }
        assert_eq!(national_id_spellings("14003412345")[0], "14003412345");
        assert_eq!(national_id_spellings("ندارد"), ["ندارد"]);
        assert!(mobile_spellings(" ").is_empty());
    }
}
