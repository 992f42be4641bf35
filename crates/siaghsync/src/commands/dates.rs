//! Whether the CRM's dates of change agree with our clock, for `siaghsync check`: its server may keep time while its database
//! still has the summer time that Iran gave up in 2022, or another zone.

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::{Clock, SystemClock};
use domain::store::entities::link;
use domain::store::sql::SqlStore;
use domain::store::{EntityType, StoreResult};
use payamgostar::Payamgostar;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::clocks::length;
use super::part::Part;

/// A save, its read back and its commit take a while; beyond this, a date is wrong.
const TOLERATED: TimeDelta = TimeDelta::minutes(2);
/// So many saves of ours are looked at.
const SAVES: u64 = 20;

/// How far the CRM's dates are off, if they are.
pub(crate) async fn look(store: Option<&SqlStore>, crm: &Payamgostar) -> Option<Part> {
    let now = SystemClock.now();
    // What can't be asked has its own line.
    let ahead = crm.newest_after(now + TOLERATED).await.ok().flatten();
    let saves = match store {
        Some(store) => saves(store).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let off = off(ahead.map(|at| at - now), &saves)?;
    Some(Part::failed("clock", words(off), todo(off)))
}

/// Of customers that we have written into the CRM last: how far the date that it gave them lies from our own.
async fn saves(store: &SqlStore) -> StoreResult<Vec<TimeDelta>> {
    let rows = link::Entity::find()
        .select_only()
        .columns([link::Column::CrmUpdatedAt, link::Column::LastSyncAt])
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .filter(link::Column::LastSyncSource.eq("FINANCE"))
        .filter(link::Column::LastSyncAt.is_not_null())
        .order_by_desc(link::Column::LastSyncAt)
        .limit(SAVES)
        .into_tuple::<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)>()
        .all(store.db())
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(said, ours)| Some(said? - ours?))
        .collect())
}

/// How far ahead its dates are (behind: below zero); `None`: as far as can be told, they are not. A user's later edit moves
/// one date, a wrong clock moves all: the save that comes nearest to our time decides.
fn off(newest_ahead: Option<TimeDelta>, saves: &[TimeDelta]) -> Option<TimeDelta> {
    let nearest = saves.iter().min_by_key(|off| off.abs()).copied();
    let wrong = nearest.filter(|off| off.abs() > TOLERATED);
    match (wrong, nearest, newest_ahead) {
        (Some(off), ..) => Some(off),
        // Saves of ours are right: some record alone bears a date of the future.
        (None, Some(_), _) => None,
        (None, None, ahead) => ahead,
    }
}

fn words(off: TimeDelta) -> String {
    let word = if off > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    format!(
        "the CRM's dates of change (modifyDate, read by CRM_TIMEZONE) are {} {word} this machine's clock",
        length(off.abs())
    )
}

fn todo(off: TimeDelta) -> String {
    let minutes = off.num_minutes();
    let cause = match minutes {
        55..=65 => {
            "an hour is Iran's old summer time, given up in 2022: update the time zone data of the CRM's server (Windows, \
             its database), or "
        }
        // Tehran is 3 h 30 min from UTC.
        -215..=-205 | 205..=215 => "that is the way from Tehran to UTC: ",
        _ => "set the CRM server's clock by a time server (NTP), or ",
    };
    format!(
        "{cause}correct CRM_TIMEZONE; until then a change of the CRM that bears a time of the future is a tie (TIE_BREAKER), and \
         last_write_wins may take the wrong one of two edits"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: &[i64]) -> Vec<TimeDelta> {
        minutes.iter().copied().map(TimeDelta::minutes).collect()
    }

    #[test]
    fn case_16_the_clock_is_named_with_its_likely_cause() {
        let hour = off(None, &minutes(&[60, 61, 340])).unwrap();
        assert!(words(hour).contains("60 minutes ahead"), "{}", words(hour));
        assert!(todo(hour).contains("summer time"), "{}", todo(hour));
        let utc = off(None, &minutes(&[-210, -209])).unwrap();
        assert!(words(utc).contains("behind") && todo(utc).contains("UTC"));
        assert!(todo(TimeDelta::minutes(7)).contains("NTP"));
    }

    #[test]
    fn a_users_later_edit_or_one_odd_record_is_no_wrong_clock() {
        assert_eq!(off(None, &minutes(&[300, 0, 90])), None);
        assert_eq!(
            off(Some(TimeDelta::days(400)), &minutes(&[0])),
            None,
            "one record's own date"
        );
        assert_eq!(off(None, &[]), None);
        assert_eq!(
            off(Some(TimeDelta::minutes(58)), &[]),
            Some(TimeDelta::minutes(58)),
            "nothing else to go by"
        );
    }
}
