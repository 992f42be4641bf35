//! Whether the clocks agree: which of two edits is the later one is told by them.

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::{Clock, SystemClock};
use domain::ports::PortResult;
use domain::store::sql::SqlStore;
use payamgostar::Payamgostar;
use siagh::Siagh;

use super::part::Part;

/// Servers state whole seconds, and an answer takes a while; beyond this, edits are put in a wrong order.
const TOLERATED: TimeDelta = TimeDelta::seconds(30);

/// A line for each clock that can be read, compared with this machine's.
pub(crate) async fn compare(store: Option<&SqlStore>, crm: &Payamgostar) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(store) = store {
        let asked = SystemClock.now();
        if let Ok(Some(theirs)) = store.server_time().await {
            parts.push(part("the database's", asked, theirs));
        }
    }
    let asked = SystemClock.now();
    parts.extend(stated("the CRM's", asked, crm.server_time().await));
    parts
}

/// That of a finance system.
pub(crate) async fn finance(whose: &str, finance: &Siagh) -> Option<Part> {
    let asked = SystemClock.now();
    stated(whose, asked, finance.server_time().await)
}

/// A system that does not answer has its own line already.
fn stated(whose: &str, asked: DateTime<Utc>, stated: PortResult<Option<DateTime<Utc>>>) -> Option<Part> {
    let stated = stated.ok()?;
    Some(match stated {
        Some(theirs) => part(whose, asked, theirs),
        None => Part::warning(
            "clock",
            format!("{whose} can't be read: its answers have no Date"),
            "see by hand that it keeps time",
        ),
    })
}

/// The true difference lies within what the question took, and a second.
fn part(whose: &str, asked: DateTime<Utc>, theirs: DateTime<Utc>) -> Part {
    let now = SystemClock.now();
    let ahead = theirs - now;
    let behind = asked - (theirs + TimeDelta::seconds(1));
    let (off, word) = if ahead > behind {
        (ahead, "ahead of")
    } else {
        (behind, "behind")
    };
    if off <= TOLERATED {
        return Part::ok("clock", format!("{whose} agrees with this machine's"));
    }
    Part::failed(
        "clock",
        format!("{whose} is {} {word} this machine's", length(off)),
        "set the one that is wrong by a time server (NTP); until then last_write_wins takes the wrong one of two edits, \
         and a CRM poll may look too late",
    )
}

pub(crate) fn length(off: TimeDelta) -> String {
    let seconds = off.num_seconds();
    let minutes = (seconds + 30) / 60;
    match minutes {
        ..2 => format!("{seconds} seconds"),
        2..120 => format!("{minutes} minutes"),
        _ => format!("{} hours and {} minutes", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_in_words() {
        for (seconds, told) in [
            (45, "45 seconds"),
            (3599, "60 minutes"),
            (7260, "2 hours and 1 minutes"),
        ] {
            assert_eq!(length(TimeDelta::seconds(seconds)), told);
        }
    }
}
