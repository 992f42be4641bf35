//! The CRM's amounts as exact decimals: JSON numbers in any notation, and numbers given as text.
//!
//! It never rounds and never passes a value through a float: what can't be held exactly is said so.

use domain::letters::latin_digit;
use rust_decimal::Decimal;
use serde_json::Value;

/// The decimal of a property; `None` when there is none (absent, null, an empty text).
///
/// # Errors
/// What stands there instead of a decimal that can be held exactly.
pub(crate) fn read(object: &Value, name: &str) -> Result<Option<Decimal>, String> {
    let text = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_str().to_owned(),
        Some(Value::String(text)) => text.trim().chars().map(latin_digit).collect(),
        Some(other) => return Err(format!("{name} is {other}: no decimal number")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let decimal = exact(&text);
    decimal.map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        format!("{name} is '{shown}': no decimal number that can be held exactly (28 digits)")
    })
}

/// `12`, `-0.50`, `1.5e+3`; `None` when it is none, or has more digits than a decimal holds.
fn exact(text: &str) -> Option<Decimal> {
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    if !text.chars().all(plain) {
        return None;
    }
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let mantissa = Decimal::from_str_exact(mantissa).ok()?.normalize();
    let exponent: i64 = exponent.parse().ok()?;
    if mantissa.is_zero() {
        return Some(Decimal::ZERO);
    }
    let scale = i64::from(mantissa.scale()).checked_sub(exponent)?;
    match u32::try_from(scale) {
        Ok(scale) => Decimal::try_from_i128_with_scale(mantissa.mantissa(), scale).ok(),
        Err(_) => {
            let zeros = u32::try_from(-scale).ok()?;
            let whole = mantissa.mantissa().checked_mul(10_i128.checked_pow(zeros)?)?;
            Decimal::try_from_i128_with_scale(whole, 0).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(json: &str) -> Result<Option<Decimal>, String> {
        let object: Value = serde_json::from_str(&format!(r#"{{"count":{json}}}"#)).unwrap();
        read(&object, "count")
    }

    #[test]
    fn every_notation_is_read_to_the_digit() {
        for (json, expected) in [
            ("1234567890123.45", "1234567890123.45"),
            ("1.0000", "1.0000"),
            ("0.001", "0.001"),
            ("1e3", "1000"),
            ("1.2345E+6", "1234500"),
            ("12.5e-3", "0.0125"),
            ("1E-28", "0.0000000000000000000000000001"),
            (
                "7.9228162514264337593543950335e28",
                "79228162514264337593543950335",
            ),
            ("0e-4000", "0"),
            ("-0.50", "-0.50"),
            (r#""12.50""#, "12.50"),
            (r#"" ۱۲.۵ ""#, "12.5"),
            (r#""1E2""#, "100"),
        ] {
            let decimal = of(json).unwrap().unwrap();
            assert_eq!(decimal.to_string(), expected, "{json}");
        }
        for nothing in ["null", r#""""#, r#"" ""#] {
            assert_eq!(of(nothing), Ok(None), "{nothing}");
        }
        assert_eq!(read(&json!({}), "count"), Ok(None));
    }

    #[test]
    fn what_can_not_be_held_is_said_and_never_rounded() {
        for json in [
            "0.00000000000000000000000000001",
            "1e-29",
            "1e29",
            "79228162514264337593543950336",
            "1e99999999999999999999",
            "12345678901234567890.1234567890123",
            r#""12,5""#,
            r#""1_000""#,
            r#""صد""#,
            r#""e5""#,
            "true",
            "[1]",
        ] {
            let said = of(json).unwrap_err();
            assert!(said.starts_with("count is "), "{json}: {said}");
        }
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back_in_both_notations(mantissa in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0_u32..=28) {
            let decimal = Decimal::from_i128_with_scale(mantissa, scale);
            for json in [decimal.to_string(), format!("{mantissa}e-{scale}"), format!("\"{decimal}\"")] {
                prop_assert_eq!(of(&json), Ok(Some(decimal)), "{}", json);
            }
        }
    }
}
