//! One look at finance: the whole set as a stream, compared with what was last seen.
//!
//! Finance knows no time of change, so that a contact's checksum must say whether it changed. Of a contact that did
//! not, nothing is kept, unless we have written to it since: someone may have taken that back. Of one that did, a
//! fingerprint and its keys. A contact that is missing is asked for by its
//! code before anything is done about it: the engine's read is that second look.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::index::Sighting;
use domain::message::{Code, Message};
use domain::polls::{ContactNow, ContactSeen, Fingerprint, Found, Harvest, PollLease, checksum};
use domain::ports::{Census, SetAside, Side, Snapshot};
use domain::store::LinkState;
use metrics::gauge;
use serde_json::json;

use super::aside::noted;
use super::judge::Read;
use super::{Failure, Pollers};

/// So many links stand in memory at once.
const GROUP: usize = 500;

/// A commit may carry a time that is so old when it lands: of a process that stood still.
const WRITTEN: chrono::Duration = chrono::Duration::minutes(5);

/// A contact that may hold an edit.
struct Suspect {
    contact: ContactNow,
    fingerprint: Fingerprint,
    /// It looks as it did at the last look, but was written to since.
    as_before: bool,
}

/// The comparison, fed contact by contact.
struct Diff {
    before: HashMap<String, ContactSeen>,
    /// Codes of contacts that were written to since the last look.
    written: HashSet<String>,
    /// Codes of this answer.
    present: HashSet<Box<str>>,
    changed: Vec<Suspect>,
    /// Contacts that look as before, and that the index does not hold so.
    unindexed: Vec<Sighting>,
    started_at: DateTime<Utc>,
    /// Codes that came before in the same answer.
    twice: Vec<SetAside>,
}

pub(super) async fn read(pollers: &Pollers, turn: &PollLease) -> Result<Read, Failure> {
    let before = pollers.store.contacts().await?;
    let known = before.values().filter(|contact| !contact.gone).count() as u64;
    let written = match turn.last {
        Some(last) => pollers.store.written_since(last.started_at - WRITTEN).await?,
        None => HashSet::new(),
    };
    let mut diff = Diff {
        written,
        present: HashSet::with_capacity(before.len()),
        before,
        changed: Vec::new(),
        unindexed: Vec::new(),
        started_at: turn.started_at,
        twice: Vec::new(),
    };
    let aside_before = pollers.store.set_aside_by(&turn.poll).await?;
    let Census {
        seen: contacts,
        aside,
    } = pollers
        .contacts
        .for_each(&mut |contact| diff.see(&contact))
        .await?;
    if contacts == 0 && aside.is_empty() && known > 0 {
        return Err(Failure::Suspicious(format!(
            "finance answered no contact at all, though {known} were there: not taken for the truth"
        )));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    gauge!("finance_contacts").set(contacts as f64);
    diff.are_there(&aside);
    let aside: Vec<SetAside> = aside.into_iter().chain(std::mem::take(&mut diff.twice)).collect();
    let fresh = aside.iter().any(|aside| !aside_before.contains(&aside.id));
    // All was read: whoever is not among these reads well, or is gone.
    let noted = noted(aside_before, aside, |_| true);
    let gone = diff.missing();
    let loss = (gone.len() as u64, known);
    let mut changes = edited(pollers, &mut diff.changed).await?;
    changes.extend(vanished(pollers, &gone, &diff.before).await?);
    Ok(Read {
        harvest: Harvest {
            changes,
            contacts: diff.changed.into_iter().map(|suspect| suspect.contact).collect(),
            gone,
            seen: diff.unindexed,
            aside: noted.aside,
            well: noted.well,
            payload: json!({
                "poll": turn.poll,
                "look": turn.started_at,
                "lookBefore": turn.last.map(|look| look.started_at),
            }),
            ..Harvest::default()
        },
        loss: Some(loss),
        aside: (noted.left, fresh),
    })
}

impl Diff {
    fn see(&mut self, contact: &Snapshot) {
        if !self.present.insert(contact.id.as_str().into()) {
            self.twice.push(SetAside {
                id: contact.id.clone(),
                why: Message::new(Code::AsideTwice),
            });
            return;
        }
        let before = self.before.get(&contact.id);
        let as_before = before.is_some_and(|seen| !seen.gone && seen.checksum == checksum(&contact.customer));
        if !as_before || self.written.contains(&contact.id) {
            let changes = before.map_or(1, |seen| seen.changes + 1);
            self.changed.push(Suspect {
                contact: ContactNow::new(contact.id.clone(), &contact.customer, changes),
                fingerprint: Fingerprint::of(&contact.customer),
                as_before,
            });
        } else if before.is_some_and(|seen| !seen.indexed) {
            let contact = ContactNow::new(contact.id.clone(), &contact.customer, 0);
            self.unindexed.push(contact.sighting(self.started_at));
        }
    }

    /// What can't be read is there, all the same.
    fn are_there(&mut self, aside: &[SetAside]) {
        let ids = aside.iter().map(|aside| aside.id.as_str());
        self.present.extend(ids.map(Box::from));
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

/// The changes that are not echoes of our own writes. Echoes that look as before are no news: they are dropped.
async fn edited(pollers: &Pollers, changed: &mut Vec<Suspect>) -> Result<Vec<Found>, Failure> {
    let mut edits = Vec::new();
    for group in changed.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(|one| one.contact.code.as_str()).collect();
        let mapped = pollers.store.linked(Side::Finance, &codes).await?;
        for Suspect {
            contact, fingerprint, ..
        } in group
        {
            let mapped = mapped.get(&contact.code);
            if mapped.is_some_and(|mapped| mapped.knows(fingerprint, Side::Finance)) {
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
    let codes: HashSet<&str> = edits.iter().map(|edit| edit.id.as_str()).collect();
    changed.retain(|one| !one.as_before || codes.contains(one.contact.code.as_str()));
    Ok(edits)
}

/// A row for each contact that is missing and of interest: one that was never mapped, or whose link is closed
/// already, is nobody's loss.
async fn vanished(
    pollers: &Pollers,
    gone: &[String],
    before: &HashMap<String, ContactSeen>,
) -> Result<Vec<Found>, Failure> {
    let mut rows = Vec::new();
    for group in gone.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(String::as_str).collect();
        let mapped = pollers.store.linked(Side::Finance, &codes).await?;
        for code in group {
            let open = mapped
                .get(code)
                .is_some_and(|mapped| mapped.state != LinkState::Closed);
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
