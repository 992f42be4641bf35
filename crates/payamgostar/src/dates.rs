//! The CRM's dates: local time without a zone, 0 to 7 fraction digits.
//!
//! Where a local time stands for two instants (the clock was set back), the **later** one is meant: a change is
//! never taken for older than it may be. Where it stands for none (the clock was set forward), the time is read
//! with the offset that held before the gap.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant from the CRM's text; a zone, if the text has one, is believed.
pub(crate) fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    instant_of(local(text)?, zone)
}

/// The text as the CRM's clock showed it.
fn local(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

fn instant_of(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let at = zone.from_local_datetime(&local).latest().or_else(|| {
        // In a gap: the offset of a day before, which no zone changes twice within.
        let before = zone.from_local_datetime(&(local - TimeDelta::days(1))).latest()?;
        Some(before + TimeDelta::days(1))
    })?;
    Some(at.with_timezone(&Utc))
}

/// The civil day that a date names in the zone: a date without a zone names it itself, one with a zone is seen from
/// there. `Ok(None)`: it names none (empty, or .NET's unset date, the year 1).
///
/// # Errors
/// The text is no date.
pub(crate) fn day(text: &str, zone: Tz) -> Result<Option<NaiveDate>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Some(at.with_timezone(&zone).date_naive()),
        Err(_) => local(text)
            .map(|local| local.date())
            .or_else(|| text.parse().ok()),
    };
    let day = day.ok_or(())?;
    Ok(Some(day).filter(|day| day.year() > 1))
}

/// The first instant of the day in the zone.
pub(crate) fn beginning_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let earliest = zone.from_local_datetime(&midnight).earliest();
    earliest
        .map(|at| at.with_timezone(&Utc))
        // The clock was set forward at midnight: the day begins with its first hour.
        .or_else(|| instant_of(midnight, zone))
        .unwrap_or_else(|| midnight.and_utc())
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

    #[test]
    fn the_civil_day_is_that_of_the_zone() {
        let tehran = |text: &str| day(text, Tz::Asia__Tehran);
        let on = |text: &str| Ok(text.parse().ok());
        // Nowruz 1404 begins in Tehran at 20:30 UTC of the day before.
        for (text, expected) in [
            ("2025-03-20T23:59:59.9999999", "2025-03-20"),
            ("2025-03-21T00:00:00", "2025-03-21"),
            ("2025-03-21 00:00:00.000", "2025-03-21"),
            ("2025-03-21", "2025-03-21"),
            ("2025-03-20T20:29:59Z", "2025-03-20"),
            ("2025-03-20T20:30:00Z", "2025-03-21"),
            ("2025-03-21T00:10:00+04:00", "2025-03-20"),
            ("2025-03-21T02:00:00+03:30", "2025-03-21"),
        ] {
            assert_eq!(tehran(text), on(expected), "{text}");
        }
        assert_eq!(tehran(" "), Ok(None));
        assert_eq!(tehran("0001-01-01T00:00:00"), Ok(None));
        assert_eq!(tehran("1404/01/01"), Err(()));
        // Summer time, which Iran had until 2022, made the offset 04:30.
        assert_eq!(tehran("2022-03-22T19:29:59Z"), on("2022-03-22"));
        assert_eq!(tehran("2022-03-22T19:30:00Z"), on("2022-03-23"));
    }

    #[test]
    fn a_day_begins_at_its_first_instant_also_where_midnight_is_missing_or_comes_twice() {
        let begins = |day: &str, zone| beginning_of(day.parse().unwrap(), zone);
        assert_eq!(
            begins("2025-03-21", Tz::Asia__Tehran),
            utc("2025-03-20T20:30:00Z")
        );
        // Set forward at midnight in Tehran on 22 March 2022, and back to 23:00 on the 21st of September.
        assert_eq!(
            begins("2022-03-22", Tz::Asia__Tehran),
            utc("2022-03-21T20:30:00Z")
        );
        assert_eq!(
            begins("2022-11-06", Tz::America__Havana),
            utc("2022-11-06T04:00:00Z")
        );
    }
}
