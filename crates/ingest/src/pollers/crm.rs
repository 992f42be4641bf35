//! One look at the CRM: everything of a kind whose `ModifyDate` is at or after the cursor, less an overlap.
//!
//! Times are the server's own text, never this machine's. What equals its side's base is an echo of our own write
//! and makes no row; what was heard before makes none either, so that an overlap costs reading, and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::customer::Kind;
use domain::polls::{Fingerprint, Found, Harvest, Turn, checksum};
use domain::ports::{Side, Snapshot};
use metrics::counter;
use payamgostar::{Position, modify_date};
use serde_json::json;
use tracing::warn;

use super::judge::Read;
use super::{Failure, Pollers};

/// Where a CRM that was never read begins.
const BEGINNING: &str = "2000-01-01T00:00:00.000";
/// Edits of the same instant, commits that come late, clocks of several servers.
const OVERLAP: Duration = Duration::from_secs(120);
/// Now and then: a clock that was set back, by a daylight rule that we don't know or by hand.
const WIDE_OVERLAP: Duration = Duration::from_secs(125 * 60);
/// Rows of a page.
const PAGE: u32 = 200;
/// A page with fewer rows is the last one, whatever the server does.
const SMALLEST_PAGE: usize = 10;
/// So many pages in a row that bring nothing new end a look.
const STALE_PAGES: u32 = 3;
/// An id that is longer is none.
const LONGEST_ID: usize = 64;

/// What a look has gathered so far. One entry per record: a later state takes the place of an earlier one.
#[derive(Default)]
struct Gathered {
    /// The `ModifyDate` at which each record was seen.
    seen: HashMap<String, String>,
    changes: HashMap<String, Found>,
    newest: Option<(DateTime<Utc>, String)>,
}

pub(super) async fn read(pollers: &Pollers, kind: Kind, turn: &Turn, wide: bool) -> Result<Read, Failure> {
    let overlap = if wide { WIDE_OVERLAP } else { OVERLAP };
    let mut position = match &turn.cursor {
        Some(cursor) => pollers.crm.position_before(cursor, overlap),
        None => Position::from_value(BEGINNING),
    };
    let mut gathered = Gathered::default();
    // The most rows that a page has held: a server may show less on a page than it was asked for.
    let (mut size, mut stale) = (SMALLEST_PAGE, 0);
    loop {
        let page = pollers.crm.changed_since(kind, &position, PAGE).await?;
        let rows = page.customers.len();
        let fresh: Vec<Snapshot> = page
            .customers
            .into_iter()
            .filter(|customer| gathered.is_fresh(customer))
            .collect();
        stale = if fresh.is_empty() { stale + 1 } else { 0 };
        position = match page.newest {
            Some(newest) if newest != position.value && stale == 0 => Position::from_value(newest),
            _ => Position {
                page: position.page + 1,
                ..position
            },
        };
        gathered.take(pollers, fresh).await?;
        size = size.max(rows);
        if rows < size || stale >= STALE_PAGES {
            break;
        }
    }
    let mut changes: Vec<Found> = gathered.changes.into_values().collect();
    changes.sort_unstable_by(|a, b| a.event_id.cmp(&b.event_id));
    let events: Vec<&str> = changes.iter().map(|change| change.event_id.as_str()).collect();
    let heard = pollers.store.heard(Side::Crm, &events).await?;
    changes.retain(|change| !heard.contains(&change.event_id));
    let cursor = gathered
        .newest
        .map(|(at, text)| next_cursor(pollers, turn, at, text));
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
fn next_cursor(pollers: &Pollers, turn: &Turn, at: DateTime<Utc>, text: String) -> String {
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
    fn is_fresh(&mut self, customer: &Snapshot) -> bool {
        let date = modify_date(customer);
        if self.seen.get(&customer.id) == Some(&date) {
            return false;
        }
        self.seen.insert(customer.id.clone(), date);
        true
    }

    async fn take(&mut self, pollers: &Pollers, customers: Vec<Snapshot>) -> Result<(), Failure> {
        if customers.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = customers.iter().map(|customer| customer.id.as_str()).collect();
        let mapped = pollers.store.mapped(Side::Crm, &ids).await?;
        for customer in &customers {
            let base = mapped.get(&customer.id).and_then(|mapped| mapped.base.as_ref());
            let echo = base.is_some_and(|base| Fingerprint::of(&customer.customer).echoes(base, Side::Crm));
            if echo {
                self.changes.remove(&customer.id);
            } else {
                self.changes.insert(customer.id.clone(), found(customer));
            }
            if let Some(at) = customer.modified_at
                && self.newest.as_ref().is_none_or(|(newest, _)| at > *newest)
            {
                self.newest = Some((at, modify_date(customer)));
            }
        }
        Ok(())
    }
}

/// The change, with a key that says which state was seen: the CRM's dates may be whole seconds, and two edits of one
/// second are two changes.
fn found(customer: &Snapshot) -> Found {
    let sum = checksum(&customer.customer);
    let mut event_id = format!("poll:{}:{}:{}", customer.id, modify_date(customer), &sum[..16]);
    let mut id = customer.id.clone();
    let strange = id.chars().count() > LONGEST_ID || id.chars().any(char::is_control);
    let problem =
        strange.then(|| "the CRM shows a customer whose id can't be one: it is set aside".to_owned());
    if strange {
        counter!("poll_records_set_aside_total", "system" => "crm").increment(1);
        id = id.chars().filter(|c| !c.is_control()).take(LONGEST_ID).collect();
        event_id = format!("poll:aside:{sum}");
    }
    Found {
        id,
        event_id,
        vanished: false,
        problem,
    }
}
