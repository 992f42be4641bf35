//! One look at the CRM: everything of a kind whose `ModifyDate` is at or after the cursor, less an overlap.
//!
//! Times are the server's own text, never this machine's. What was heard before makes no row, so that an overlap
//! costs reading, and nothing else. What a change is, and what only the echo of our own write, each kind of record
//! says for itself ([`Records`]).

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::message::{Code, Message};
use domain::polls::{Found, Harvest, PollLease};
use domain::ports::{PortResult, Side};
use metrics::counter;
use payamgostar::{ChangedPage, Position, Walk};
use serde_json::json;
use tracing::warn;

use super::judge::Read;
use super::{Failure, Pollers};

mod customers;
mod documents;

pub(super) use customers::read as customers;
pub(super) use documents::{read as documents, setting};

/// Edits of the same instant, commits that come late, clocks of several servers.
const OVERLAP: Duration = Duration::from_secs(120);
/// Now and then: a clock that was set back, by a daylight rule that we don't know or by hand.
const WIDE_OVERLAP: Duration = Duration::from_secs(125 * 60);
/// Rows of a page.
const PAGE: u32 = 200;
/// An id that is longer is none.
const LONGEST_ID: usize = 64;

/// A kind of the CRM's records: how it is read by pages, and what of it is a change.
trait Records {
    /// As a search shows it.
    type Row;

    async fn page(&self, position: &Position) -> PortResult<ChangedPage<Self::Row>>;

    fn stamp(row: &Self::Row) -> Stamp;

    /// For each row the checksum of its state; `None`: it is no change.
    async fn changed(&self, rows: &[Self::Row]) -> Result<Vec<Option<String>>, Failure>;
}

/// Which record, in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    id: String,
    /// `ModifyDate` in the server's own text.
    date: String,
    at: Option<DateTime<Utc>>,
}

/// What a look has gathered so far. One entry per record: a later state takes the place of an earlier one.
#[derive(Default)]
struct Gathered {
    /// The `ModifyDate` at which each record was seen.
    seen: HashMap<String, String>,
    changes: HashMap<String, Found>,
    newest: Option<(DateTime<Utc>, String)>,
}

fn overlap(wide: bool) -> Duration {
    if wide { WIDE_OVERLAP } else { OVERLAP }
}

/// Reads to the end.
async fn gather<R: Records>(records: &R, mut walk: Walk) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    loop {
        let page = records.page(walk.position()).await?;
        let rows = page.rows.len();
        let fresh: Vec<R::Row> = page
            .rows
            .into_iter()
            .filter(|row| gathered.is_fresh(R::stamp(row)))
            .collect();
        let goes_on = walk.goes_on(rows, fresh.len(), page.newest);
        gathered.take(records, &fresh).await?;
        if !goes_on {
            return Ok(gathered);
        }
    }
}

/// The end of a look: what was not heard before, and where the next one goes on.
async fn harvest(
    pollers: &Pollers,
    turn: &PollLease,
    mut changes: Vec<Found>,
    cursor: Option<String>,
) -> Result<Read, Failure> {
    changes.sort_unstable_by(|a, b| a.event_id.cmp(&b.event_id));
    let events: Vec<&str> = changes.iter().map(|change| change.event_id.as_str()).collect();
    let heard = pollers.store.known_events(Side::Crm, &events).await?;
    changes.retain(|change| !heard.contains(&change.event_id));
    Ok(Read {
        harvest: Harvest {
            changes,
            cursor,
            payload: json!({ "poll": turn.poll }),
            ..Harvest::default()
        },
        loss: None,
    })
}

/// The newest value, but never beyond the present: one record from the future would hide all edits until then.
fn next_cursor(pollers: &Pollers, turn: &PollLease, (at, text): (DateTime<Utc>, String)) -> String {
    let now = pollers.clock.now();
    if at <= now + OVERLAP {
        return text;
    }
    let ahead = (at - now).num_minutes();
    warn!(
        poll = turn.poll,
        ahead, "the CRM shows a change {ahead} minutes ahead of this clock: CRM_TIMEZONE or a clock is wrong"
    );
    pollers.crm.position_at(now, Duration::ZERO).value
}

impl Gathered {
    /// Whether this state of the record was not seen yet in this look.
    fn is_fresh(&mut self, row: Stamp) -> bool {
        if self.seen.get(&row.id) == Some(&row.date) {
            return false;
        }
        self.seen.insert(row.id, row.date);
        true
    }

    async fn take<R: Records>(&mut self, records: &R, rows: &[R::Row]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        for (row, changed) in rows.iter().zip(records.changed(rows).await?) {
            let stamp = R::stamp(row);
            if let Some(at) = stamp.at
                && self.newest.as_ref().is_none_or(|(newest, _)| at > *newest)
            {
                self.newest = Some((at, stamp.date.clone()));
            }
            match changed {
                Some(sum) => {
                    self.changes.insert(stamp.id.clone(), found(&stamp, &sum));
                }
                None => {
                    self.changes.remove(&stamp.id);
                }
            }
        }
        Ok(())
    }
}

/// Whether a text may stand in a query: databases refuse some characters, and the whole look with them.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST_ID && !text.chars().any(char::is_control)
}

/// The change, with a key that says which state was seen: the CRM's dates may be whole seconds, and two edits of one
/// second are two changes.
fn found(row: &Stamp, sum: &str) -> Found {
    let Stamp { id, date, .. } = row;
    if is_plain(id) && is_plain(date) {
        return Found {
            id: id.clone(),
            event_id: format!("poll:{id}:{date}:{}", &sum[..16]),
            vanished: false,
            problem: None,
        };
    }
    counter!("poll_records_set_aside_total", "system" => "crm").increment(1);
    let plain = id.chars().filter(|c| !c.is_control()).take(LONGEST_ID);
    Found {
        id: plain.collect(),
        event_id: format!("poll:aside:{sum}"),
        vanished: false,
        problem: Some(Message::new(Code::SetAside)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "0123456789abcdef0123456789abcdef";

    fn shown(id: &str, date: &str) -> Stamp {
        Stamp {
            id: id.to_owned(),
            date: date.to_owned(),
            at: None,
        }
    }

    #[test]
    fn two_states_of_one_second_are_two_events_and_one_state_is_one() {
        let id = "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11";
        let event = |sum| found(&shown(id, "2025-12-21T14:06:17"), sum).event_id;
        assert_eq!(
            event(SUM),
            format!("poll:{id}:2025-12-21T14:06:17:0123456789abcdef")
        );
        assert_ne!(event(SUM), event("1123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn what_no_database_takes_is_set_aside_and_stops_nobody() {
        for (id, date) in [
            ("a\0b", "2025-12-21T14:06:17"),
            ("a", "2025\0"),
            (&*"x".repeat(100), ""),
        ] {
            let aside = found(&shown(id, date), SUM);
            assert!(aside.problem.is_some() && is_plain(&aside.id) && is_plain(&aside.event_id[..20]));
            assert!(!aside.event_id.contains('\0'));
        }
    }
}
