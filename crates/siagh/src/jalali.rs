//! The Jalali (Solar Hijri) year of a Gregorian day. The calendar is ICU4X's.

use chrono::{Datelike, NaiveDate};
use icu_calendar::Date;
use icu_calendar::cal::Persian;

/// The Jalali year that the day lies in; `None` for days that no calendar has.
pub(crate) fn year(day: NaiveDate) -> Option<i32> {
    let month = u8::try_from(day.month()).ok()?;
    let of_month = u8::try_from(day.day()).ok()?;
    let iso = Date::try_new_iso(day.year(), month, of_month).ok()?;
    Some(iso.to_calendar(Persian).year().extended_year())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nowruz as Iran's official calendar had or has it, in the Gregorian calendar; the year before 1 Farvardin of
    /// 1404 and of 1409 is a leap year (1403, 1408), so are 1399 and 1412.
    const NOWRUZ: [(i32, &str); 14] = [
        (1375, "1996-03-20"),
        (1376, "1997-03-21"),
        (1396, "2017-03-21"),
        (1399, "2020-03-20"),
        (1400, "2021-03-21"),
        (1403, "2024-03-20"),
        (1404, "2025-03-21"),
        (1405, "2026-03-21"),
        (1407, "2028-03-20"),
        (1408, "2029-03-20"),
        (1409, "2030-03-21"),
        (1410, "2031-03-21"),
        (1412, "2033-03-20"),
        (1413, "2034-03-21"),
    ];

    #[test]
    fn a_year_begins_at_nowruz_and_not_a_day_sooner_or_later() {
        for (jalali, day) in NOWRUZ {
            let day: NaiveDate = day.parse().unwrap();
            assert_eq!(
                year(day.pred_opt().unwrap()),
                Some(jalali - 1),
                "{day} less a day"
            );
            assert_eq!(year(day), Some(jalali), "{day}");
            assert_eq!(year(day.succ_opt().unwrap()), Some(jalali), "{day} and a day");
        }
    }

    #[test]
    fn leap_years_have_a_day_more() {
        let days = |jalali: i32| {
            let first: NaiveDate = format!("{}-03-18", jalali + 621).parse().unwrap();
            first
                .iter_days()
                .take(400)
                .filter(|day| year(*day) == Some(jalali))
                .count()
        };
        for leap in [1375, 1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412] {
            assert_eq!(days(leap), 366, "{leap}");
        }
        for common in [1401, 1402, 1404, 1405, 1406, 1407, 1409, 1410, 1411] {
            assert_eq!(days(common), 365, "{common}");
        }
    }

    #[test]
    fn the_simulators_own_reckoning_agrees_day_by_day() {
        let first: NaiveDate = "1990-01-01".parse().unwrap();
        for day in first.iter_days().take(60 * 366) {
            assert_eq!(year(day), Some(simulator::jalali::from_gregorian(day).0), "{day}");
        }
    }
}
