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
use payamgostar::{Walk, modify_date};
use serde_json::json;
use tracing::warn;

use super::judge::Read;
use super::{Failure, Pollers};

/// Edits of the same instant, commits that come late, clocks of several servers.
const OVERLAP: Duration = Duration::from_secs(120);
/// Now and then: a clock that was set back, by a daylight rule that we don't know or by hand.
const WIDE_OVERLAP: Duration = Duration::from_secs(125 * 60);
/// Rows of a page.
const PAGE: u32 = 200;
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
    let mut walk = match &turn.cursor {
        Some(cursor) => Walk::from(pollers.crm.position_before(cursor, overlap)),
        None => Walk::over_all(),
    };
    let mut gathered = Gathered::default();
    loop {
        let page = pollers.crm.changed_since(kind, walk.position(), PAGE).await?;
        let rows = page.customers.len();
        let fresh: Vec<Snapshot> = page
            .customers
            .into_iter()
            .filter(|customer| gathered.is_fresh(customer))
            .collect();
        let goes_on = walk.goes_on(rows, fresh.len(), page.newest);
        gathered.take(pollers, fresh).await?;
        if !goes_on {
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
        let ids: Vec<&str> = customers
            .iter()
            .map(|customer| customer.id.as_str())
            .filter(|id| is_plain(id))
            .collect();
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

/// Whether a text may stand in a query: databases refuse some characters, and the whole look with them.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST_ID && !text.chars().any(char::is_control)
}

/// The change, with a key that says which state was seen: the CRM's dates may be whole seconds, and two edits of one
/// second are two changes.
fn found(customer: &Snapshot) -> Found {
    let (sum, date) = (checksum(&customer.customer), modify_date(customer));
    if is_plain(&customer.id) && is_plain(&date) {
        return Found {
            id: customer.id.clone(),
            event_id: format!("poll:{}:{date}:{}", customer.id, &sum[..16]),
            vanished: false,
            problem: None,
        };
    }
    counter!("poll_records_set_aside_total", "system" => "crm").increment(1);
    let plain = customer.id.chars().filter(|c| !c.is_control()).take(LONGEST_ID);
    Found {
        id: plain.collect(),
        event_id: format!("poll:aside:{sum}"),
        vanished: false,
        problem: Some(
            "the CRM shows a customer whose id or ModifyDate can't be one: it is set aside".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use domain::customer::{Customer, Field};

    use super::*;

    fn shown(id: &str, date: &str, name: &str) -> Snapshot {
        Snapshot {
            id: id.to_owned(),
            customer: Customer::new(Kind::Person).with(Field::Name, name),
            modified_at: None,
            whole: json!({ "modifyDate": date }),
        }
    }

    #[test]
    fn two_states_of_one_second_are_two_events_and_one_state_is_one() {
        let id = "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11";
        let event = |name| found(&shown(id, "2025-12-21T14:06:17", name)).event_id;
        assert!(event("علی").starts_with(&format!("poll:{id}:2025-12-21T14:06:17:")));
        assert_eq!(event("علی"), event("علی"));
        assert_ne!(event("علی"), event("رضا"));
    }

    #[test]
    fn what_no_database_takes_is_set_aside_and_stops_nobody() {
        for (id, date) in [
            ("a\0b", "2025-12-21T14:06:17"),
            ("a", "2025\0"),
            (&*"x".repeat(100), ""),
        ] {
            let aside = found(&shown(id, date, "علی"));
            assert!(aside.problem.is_some() && is_plain(&aside.id) && is_plain(&aside.event_id[..20]));
            assert!(!aside.event_id.contains('\0'));
        }
    }
}
