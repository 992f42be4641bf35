//! Iranian national ids with their check digits.

/// The ten digits of a person's id whose first nine are given.
#[must_use]
pub fn person_id(first_nine: u32) -> String {
    let digits = format!("{:09}", first_nine % 1_000_000_000);
    let sum: u32 = digits
        .bytes()
        .zip((2..=10).rev())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let rest = sum % 11;
    format!("{digits}{}", if rest < 2 { rest } else { 11 - rest })
}

/// The eleven digits of a company's id whose first ten are given.
#[must_use]
pub fn company_id(first_ten: u64) -> String {
    const WEIGHTS: [u32; 10] = [29, 27, 23, 19, 17, 29, 27, 23, 19, 17];
    let digits = format!("{:010}", first_ten % 10_000_000_000);
    let tenth = u32::from(digits.as_bytes().last().copied().unwrap_or(b'0') - b'0');
    let sum: u32 = digits
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| (u32::from(digit - b'0') + tenth + 2) * weight)
        .sum();
    format!("{digits}{}", sum % 11 % 10)
}

/// Whether a person's id has ten digits and the right check digit.
#[must_use]
pub fn is_person_id(id: &str) -> bool {
    let first = id.get(..9).and_then(|first| first.parse().ok());
    first.is_some_and(|first| person_id(first) == id)
}

/// Whether a company's id has eleven digits and the right check digit.
#[must_use]
pub fn is_company_id(id: &str) -> bool {
    let first = id.get(..10).and_then(|first| first.parse().ok());
    first.is_some_and(|first| company_id(first) == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ids() {
        // Published examples of the two algorithms.
        assert!(is_person_id("0499370899"));
        assert!(is_person_id("0790419904"));
        assert!(!is_person_id("0790419905"));
        assert!(is_company_id("10380284790"));
        assert!(!is_company_id("10380284791"));
        assert!(!is_company_id("103802847"));
        assert!(!is_person_id("علی"));
    }
}
