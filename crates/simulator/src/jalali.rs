//! The Jalali (Persian) calendar, one way only: what both systems show for a Gregorian date.

use chrono::{Datelike, NaiveDate};

/// Year, month and day of the Jalali calendar.
#[must_use]
pub fn from_gregorian(date: NaiveDate) -> (i32, u32, u32) {
    const DAYS_BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let (year, month) = (date.year(), date.month0());
    let leap_base = if month > 1 { year + 1 } else { year };
    let before = DAYS_BEFORE_MONTH.get(month as usize).copied().unwrap_or_default();
    let day = i32::try_from(date.day()).unwrap_or(1);
    let mut days = 355_666 + 365 * year + (leap_base + 3) / 4 - (leap_base + 99) / 100
        + (leap_base + 399) / 400
        + day
        + before;
    let mut jalali = -1595 + 33 * (days / 12_053);
    days %= 12_053;
    jalali += 4 * (days / 1461);
    days %= 1461;
    if days > 365 {
        jalali += (days - 1) / 365;
        days = (days - 1) % 365;
    }
    let (month, day) = if days < 186 {
        (1 + days / 31, 1 + days % 31)
    } else {
        (7 + (days - 186) / 30, 1 + (days - 186) % 30)
    };
    (jalali, month.unsigned_abs(), day.unsigned_abs())
}

/// `1404/09/04`, the way Siagh writes a date.
#[must_use]
pub fn format(date: NaiveDate) -> String {
    let (year, month, day) = from_gregorian(date);
    format!("{year:04}/{month:02}/{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        let day = |y, m, d| format(NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(day(2025, 11, 25), "1404/09/04");
        assert_eq!(day(2025, 3, 20), "1403/12/30");
        assert_eq!(day(2025, 3, 21), "1404/01/01");
        assert_eq!(day(2024, 3, 20), "1403/01/01");
        assert_eq!(day(2000, 1, 1), "1378/10/11");
    }
}
