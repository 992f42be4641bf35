//! Dates as the CRM writes them: local time, no zone, 0 to 7 fraction digits.

use chrono::{Duration, NaiveDate, NaiveDateTime, Timelike};

/// Cuts a time to that many fraction digits.
pub(crate) fn truncate(time: NaiveDateTime, digits: u8) -> NaiveDateTime {
    let step = step_nanos(digits);
    time.with_nanosecond(time.nanosecond() / step * step)
        .unwrap_or(time)
}

/// The smallest difference that so many digits can show.
pub(crate) fn step(digits: u8) -> Duration {
    Duration::nanoseconds(i64::from(step_nanos(digits)))
}

fn step_nanos(digits: u8) -> u32 {
    10_u32.pow(9 - u32::from(digits.min(7)))
}

/// `2025-12-21T14:06:17.173`.
pub(crate) fn format(time: NaiveDateTime, digits: u8) -> String {
    let whole = time.format("%Y-%m-%dT%H:%M:%S");
    let digits = usize::from(digits.min(7));
    if digits == 0 {
        return whole.to_string();
    }
    let nanos = format!("{:09}", time.nanosecond());
    format!("{whole}.{}", nanos.get(..digits).unwrap_or_default())
}

/// Reads a date without a zone; with one it is not understood.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
        .ok()
        .or_else(|| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_cut_not_rounded() {
        let time = parse("2025-12-21T14:06:17.1789999").unwrap();
        assert_eq!(format(truncate(time, 3), 3), "2025-12-21T14:06:17.178");
        assert_eq!(format(truncate(time, 0), 0), "2025-12-21T14:06:17");
        assert_eq!(format(time, 7), "2025-12-21T14:06:17.1789999");
        assert_eq!(step(3), Duration::milliseconds(1));
    }

    #[test]
    fn a_zone_is_not_understood() {
        assert!(parse("2025-12-21T14:06:17Z").is_none());
        assert!(parse("2025-12-21T14:06:17+03:30").is_none());
        assert!(parse("2025-12-21").is_some());
    }
}
