//! One look at finance: the whole set as a stream, compared with what was last seen.
//!
//! Finance knows no time of change, so that a contact's checksum must say whether it changed. Of a contact that did
//! not, nothing is kept; of one that did, a fingerprint and its keys. A contact that is missing is asked for by its
//! code before anything is done about it: the engine's read is that second look.

use std::collections::{HashMap, HashSet};

use domain::polls::{ContactNow, ContactSeen, Fingerprint, Found, Harvest, Turn, checksum};
use domain::ports::{Side, Snapshot};
use domain::store::MappingState;
use metrics::{counter, gauge};
use serde_json::json;
use tracing::warn;

use super::judge::Read;
use super::{Failure, Pollers};

/// So many mappings stand in memory at once.
const GROUP: usize = 500;

/// The comparison, fed contact by contact.
struct Diff {
    before: HashMap<String, ContactSeen>,
    /// Codes of this answer.
    present: HashSet<Box<str>>,
    changed: Vec<(ContactNow, Fingerprint)>,
    /// Rows whose code came before in the same answer.
    twice: u64,
}

pub(super) async fn read(pollers: &Pollers, turn: &Turn) -> Result<Read, Failure> {
    let before = pollers.store.contacts().await?;
    let known = before.values().filter(|contact| !contact.gone).count() as u64;
    let mut diff = Diff {
        present: HashSet::with_capacity(before.len()),
        before,
        changed: Vec::new(),
        twice: 0,
    };
    let contacts = pollers.finance.for_each(|contact| diff.see(&contact)).await?;
    if contacts == 0 && known > 0 {
        return Err(Failure::Suspicious(format!(
            "finance answered no contact at all, though {known} were there: not taken for the truth"
        )));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    gauge!("finance_contacts").set(contacts as f64);
    if diff.twice > 0 {
        counter!("poll_records_set_aside_total", "system" => "finance").increment(diff.twice);
        warn!(
            poll = turn.poll,
            "finance shows {} contacts with a code that another one has; only the first of each counts",
            diff.twice
        );
    }
    let gone = diff.missing();
    let loss = (gone.len() as u64, known);
    let mut changes = edited(pollers, &diff.changed).await?;
    changes.extend(vanished(pollers, &gone, &diff.before).await?);
    Ok(Read {
        harvest: Harvest {
            changes,
            contacts: diff.changed.into_iter().map(|(contact, _)| contact).collect(),
            gone,
            payload: json!({
                "poll": turn.poll,
                "look": turn.started_at,
                "lookBefore": turn.last.map(|look| look.started_at),
            }),
            ..Harvest::default()
        },
        loss: Some(loss),
    })
}

impl Diff {
    fn see(&mut self, contact: &Snapshot) {
        if !self.present.insert(contact.id.as_str().into()) {
            self.twice += 1;
            return;
        }
        let before = self.before.get(&contact.id);
        let unchanged = before.is_some_and(|seen| !seen.gone && seen.checksum == checksum(&contact.customer));
        if !unchanged {
            let changes = before.map_or(1, |seen| seen.changes + 1);
            let now = ContactNow::new(contact.id.clone(), &contact.customer, changes);
            self.changed.push((now, Fingerprint::of(&contact.customer)));
        }
    }

    /// Codes that were there and are not in the answer.
    fn missing(&self) -> Vec<String> {
        let missing = self
            .before
            .iter()
            .filter(|(code, seen)| !seen.gone && !self.present.contains(code.as_str()));
        let mut codes: Vec<String> = missing.map(|(code, _)| code.clone()).collect();
        codes.sort_unstable();
        codes
    }
}

fn event_id(code: &str, changes: i64) -> String {
    format!("poll:{code}:{changes}")
}

/// The changes that are not echoes of our own writes.
async fn edited(pollers: &Pollers, changed: &[(ContactNow, Fingerprint)]) -> Result<Vec<Found>, Failure> {
    let mut edits = Vec::new();
    for group in changed.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(|(contact, _)| contact.code.as_str()).collect();
        let mapped = pollers.store.mapped(Side::Finance, &codes).await?;
        for (contact, fingerprint) in group {
            let base = mapped.get(&contact.code).and_then(|mapped| mapped.base.as_ref());
            if base.is_some_and(|base| fingerprint.echoes(base, Side::Finance)) {
                continue;
            }
            edits.push(Found {
                id: contact.code.clone(),
                event_id: event_id(&contact.code, contact.changes),
                vanished: false,
                problem: None,
            });
        }
    }
    Ok(edits)
}

/// A row for each contact that is missing and of interest: one that was never mapped, or whose mapping is closed
/// already, is nobody's loss.
async fn vanished(
    pollers: &Pollers,
    gone: &[String],
    before: &HashMap<String, ContactSeen>,
) -> Result<Vec<Found>, Failure> {
    let mut rows = Vec::new();
    for group in gone.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(String::as_str).collect();
        let mapped = pollers.store.mapped(Side::Finance, &codes).await?;
        for code in group {
            let open = mapped
                .get(code)
                .is_some_and(|mapped| mapped.state != MappingState::Closed);
            if let (true, Some(seen)) = (open, before.get(code)) {
                rows.push(Found {
                    id: code.clone(),
                    event_id: event_id(code, seen.changes + 1),
                    vanished: true,
                    problem: None,
                });
            }
        }
    }
    Ok(rows)
}
