//! The CRM's dates: local time without a zone, 0 to 7 fraction digits.
//!
//! Where a local time stands for two instants (the clock was set back), the **later** one is meant: a change is
//! never taken for older than it may be. Where it stands for none (the clock was set forward), the time is read
//! with the offset that held before the gap.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant from the CRM's text; a zone, if the text has one, is believed.
pub(crate) fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    let at = zone.from_local_datetime(&local).latest().or_else(|| {
        // In a gap: the offset of a day before, which no zone changes twice within.
        let before = zone.from_local_datetime(&(local - TimeDelta::days(1))).latest()?;
        Some(before + TimeDelta::days(1))
    })?;
    Some(at.with_timezone(&Utc))
}

/// The local text from which a search must begin so as to miss nothing that changed at or after the instant:
/// in an hour that the clock shows twice, a full repetition earlier.
pub(crate) fn since(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone).naive_local();
    let twice = match zone.from_local_datetime(&local) {
        chrono::LocalResult::Ambiguous(first, second) => second - first,
        _ => TimeDelta::zero(),
    };
    (local - twice).format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn fractions_of_any_length_in_tehran() {
        for text in [
            "2025-12-21T14:06:17",
            "2025-12-21T14:06:17.0000000",
            "2025-12-21T10:36:17Z",
            "2025-12-21 14:06:17.0",
        ] {
            assert_eq!(
                instant(text, Tz::Asia__Tehran),
                Some(utc("2025-12-21T10:36:17Z")),
                "{text}"
            );
        }
        assert_eq!(
            instant("2025-12-21T14:06:17.1234567", Tz::Asia__Tehran),
            Some(utc("2025-12-21T10:36:17.1234567Z"))
        );
        assert_eq!(instant("", Tz::Asia__Tehran), None);
    }

    #[test]
    fn a_time_shown_twice_is_the_later_and_a_time_never_shown_keeps_the_old_offset() {
        let zone = Tz::Europe__Berlin;
        assert_eq!(
            instant("2025-10-26T02:30:00", zone),
            Some(utc("2025-10-26T01:30:00Z"))
        );
        assert_eq!(
            instant("2025-03-30T02:30:00", zone),
            Some(utc("2025-03-30T01:30:00Z"))
        );
    }

    #[test]
    fn a_search_begins_early_enough_in_an_hour_shown_twice() {
        let zone = Tz::Europe__Berlin;
        assert_eq!(
            since(utc("2025-10-26T00:30:00Z"), zone),
            "2025-10-26T01:30:00.000"
        );
        assert_eq!(
            since(utc("2025-10-26T01:30:00Z"), zone),
            "2025-10-26T01:30:00.000"
        );
        assert_eq!(
            since(utc("2025-12-21T10:36:17.173Z"), Tz::Asia__Tehran),
            "2025-12-21T14:06:17.173"
        );
    }
}
