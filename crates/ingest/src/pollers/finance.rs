//! One look at finance: the whole set as a stream, compared group by group with what was last seen.
//!
//! Finance knows no time of change, so that a contact's checksum must say whether it changed. Of a contact that did
//! not, nothing is kept, unless we have written to it since: someone may have taken that back. Of one that did, a
//! fingerprint and its keys. A contact that is missing once is nothing: the answer may have been half of it. One that is
//! missing twice is told of, and asked for by its code before anything is done about it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::company::Company;
use domain::customer::Customer;
use domain::index::Sighting;
use domain::matching::another;
use domain::message::{Code, Message};
use domain::polls::{ContactNow, ContactSeen, Fingerprint, Found, Harvest, Linked, PollLease, checksum};
use domain::ports::changes::WAITING;
use domain::ports::{Census, SetAside, Side, Snapshot};
use domain::store::LinkState;
use metrics::gauge;
use serde_json::json;
use tokio::sync::mpsc;

use super::aside::noted;
use super::judge::Read;
use super::{Failure, GROUP, OfCompany};

/// A commit may carry a time that is so old when it lands: of a process that stood still.
const WRITTEN: chrono::Duration = chrono::Duration::minutes(5);

/// A contact that may hold an edit.
struct Suspect {
    contact: ContactNow,
    fingerprint: Fingerprint,
    /// What it holds, if it was seen before.
    now: Option<Box<Customer>>,
    /// It looks as it did at the last look, but was written to since.
    as_before: bool,
    /// It was missing at the last look, and is back as it was.
    back: bool,
}

/// The comparison, group by group.
struct Diff {
    /// Codes of contacts that were written to since the last look.
    written: HashSet<String>,
    /// Codes of this answer.
    present: HashSet<Box<str>>,
    changed: Vec<Suspect>,
    /// Contacts that look as before, and that the index does not hold so.
    unindexed: Vec<Sighting>,
    company: Company,
    started_at: DateTime<Utc>,
    /// Codes that came before in the same answer.
    twice: Vec<SetAside>,
}

pub(super) async fn read(finance: &OfCompany, turn: &PollLease) -> Result<Read, Failure> {
    let written = match turn.last {
        Some(last) => {
            finance
                .store
                .written_since(last.started_at - WRITTEN, last.started_at)
                .await?
        }
        None => HashSet::new(),
    };
    let mut diff = Diff {
        written,
        present: HashSet::new(),
        changed: Vec::new(),
        unindexed: Vec::new(),
        company: finance.company,
        started_at: turn.started_at,
        twice: Vec::new(),
    };
    let aside_before = finance.store.set_aside_by(&turn.poll).await?;
    let (aside, absent) = look(finance, &mut diff).await?;
    let fresh = aside.iter().any(|aside| !aside_before.contains(&aside.id));
    // All was read: whoever is not among these reads well, or is gone.
    let noted = noted(aside_before, aside, |_| true);
    let (missing, still) = missing(&absent);
    let (mut changes, set_back) = edited(finance, &mut diff.changed).await?;
    let vanished = vanished(finance, &still, &absent).await?;
    let set_back = set_back + vanished.len() as u64;
    changes.extend(vanished);
    let gone = still.into_iter().filter(|code| absent[code].gone_since.is_none());
    Ok(Read {
        harvest: Harvest {
            changes,
            contacts: diff.changed.into_iter().map(|suspect| suspect.contact).collect(),
            gone: gone.collect(),
            missing,
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
        set_back,
        aside: (noted.left, fresh),
    })
}

/// Reads all contacts, and compares them as they come. Says what can't be read, and which contacts were seen before and are
/// not in the answer.
async fn look(
    finance: &OfCompany,
    diff: &mut Diff,
) -> Result<(Vec<SetAside>, HashMap<String, ContactSeen>), Failure> {
    let (to, all) = mpsc::channel(WAITING);
    let read = async { finance.contacts.send_all(to).await.map_err(Failure::from) };
    let (census, ()) = tokio::try_join!(read, compare(finance, diff, all))?;
    let Census {
        seen: contacts,
        aside,
    } = census;
    diff.are_there(&aside);
    let absent = finance.store.contacts_but(&diff.present).await?;
    let known = absent.values().filter(|contact| !contact.gone).count();
    if contacts == 0 && aside.is_empty() && known > 0 {
        return Err(Failure::Suspicious(format!(
            "finance answered no contact at all, though {known} were there: not taken for the truth"
        )));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    gauge!("finance_contacts", "company" => finance.company.to_string()).set(contacts as f64);
    let aside = aside.into_iter().chain(std::mem::take(&mut diff.twice));
    Ok((aside.collect(), absent))
}

/// Takes contacts until there are no more, and looks up how the last look saw them.
async fn compare(
    finance: &OfCompany,
    diff: &mut Diff,
    mut all: mpsc::Receiver<Snapshot>,
) -> Result<(), Failure> {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        let last = match all.recv().await {
            Some(contact) => {
                group.push(contact);
                false
            }
            None => true,
        };
        if group.len() == GROUP || last {
            let codes: Vec<&str> = group
                .iter()
                .map(|contact: &Snapshot| contact.id.as_str())
                .collect();
            let before = finance.store.contacts(&codes).await?;
            for contact in group.drain(..) {
                diff.see(&contact, before.get(&contact.id));
            }
        }
        if last {
            return Ok(());
        }
    }
}

impl Diff {
    fn see(&mut self, contact: &Snapshot, before: Option<&ContactSeen>) {
        if !self.present.insert(contact.id.as_str().into()) {
            self.twice.push(SetAside {
                id: contact.id.clone(),
                why: Message::new(Code::AsideTwice),
            });
            return;
        }
        let same = before.filter(|seen| seen.checksum == checksum(&contact.customer));
        // What an earlier direct look did not show, and this one does, is news: that answer may have been half of one.
        let given_up = |seen: &ContactSeen| seen.gone_since.is_some_and(|since| since < self.started_at);
        let as_before = same.is_some_and(|seen| !seen.gone && !given_up(seen));
        let back = same.is_some_and(|seen| seen.gone && !given_up(seen));
        if !as_before || self.written.contains(&contact.id) {
            let changes = before.map_or(1, |seen| seen.changes + 1);
            let mut suspect = ContactNow::new(contact.id.clone(), &contact.customer, changes);
            if let Some(before) = before {
                suspect.remember(&before.overwritten, &before.checksum);
            }
            self.changed.push(Suspect {
                contact: suspect,
                fingerprint: Fingerprint::of(&contact.customer),
                now: before.map(|_| Box::new(contact.customer.clone())),
                as_before,
                back,
            });
        } else if before.is_some_and(|seen| !seen.indexed) {
            let contact = ContactNow::new(contact.id.clone(), &contact.customer, 0);
            self.unindexed
                .push(contact.sighting(self.company, self.started_at));
        }
    }

    /// What can't be read is there, all the same.
    fn are_there(&mut self, aside: &[SetAside]) {
        let ids = aside.iter().map(|aside| aside.id.as_str());
        self.present.extend(ids.map(Box::from));
    }
}

/// Codes that are not in the answer: those that were in the last one, and those that were not in that either.
fn missing(absent: &HashMap<String, ContactSeen>) -> (Vec<String>, Vec<String>) {
    let (still, missing): (Vec<_>, Vec<_>) = absent.iter().partition(|(_, seen)| seen.gone);
    let codes = |all: Vec<(&String, &ContactSeen)>| {
        let mut codes: Vec<String> = all.into_iter().map(|(code, _)| code.clone()).collect();
        codes.sort_unstable();
        codes
    };
    (codes(missing), codes(still))
}

fn event_id(code: &str, changes: i64) -> String {
    format!("poll:{code}:{changes}")
}

/// The changes that are not echoes of our own writes, and how many of them look as if finance had been put back from a
/// backup. Echoes that look as before are no news: they are dropped.
async fn edited(finance: &OfCompany, changed: &mut Vec<Suspect>) -> Result<(Vec<Found>, u64), Failure> {
    let (mut edits, mut set_back) = (Vec::new(), 0);
    for group in changed.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(|one| one.contact.code.as_str()).collect();
        let mapped = finance.store.linked(Side::Finance, &codes).await?;
        for suspect in group {
            let mapped = mapped.get(&suspect.contact.code);
            if mapped.is_some_and(|mapped| mapped.knows(&suspect.fingerprint, Side::Finance)) {
                continue;
            }
            set_back += u64::from(mapped.is_some_and(|mapped| suspect.is_set_back(mapped)));
            let contact = &suspect.contact;
            // Of one that is linked, what differs from what is known is an edit, whatever a look has missed.
            let is_news = !suspect.back || mapped.is_some();
            edits.extend(is_news.then(|| Found {
                id: contact.code.clone(),
                event_id: event_id(&contact.code, contact.changes),
                vanished: false,
                problem: None,
            }));
        }
    }
    let codes: HashSet<&str> = edits.iter().map(|edit| edit.id.as_str()).collect();
    changed.retain(|one| !one.as_before || codes.contains(one.contact.code.as_str()));
    Ok((edits, set_back))
}

impl Suspect {
    /// Whether a linked contact is another record now, or shows what was written over there.
    fn is_set_back(&self, mapped: &Linked) -> bool {
        let shows_old = self.contact.overwritten.contains(&self.contact.checksum);
        let base = mapped.base.as_ref().map(|base| base.all(Side::Finance));
        let is_another = base
            .zip(self.now.as_deref())
            .is_some_and(|(was, now)| another(was, now).is_some());
        mapped.state != LinkState::Closed && (shows_old || is_another)
    }
}

/// A row for each contact that is still missing and of interest: one that was never mapped, or whose link is closed
/// already, is nobody's loss.
async fn vanished(
    finance: &OfCompany,
    still: &[String],
    absent: &HashMap<String, ContactSeen>,
) -> Result<Vec<Found>, Failure> {
    let mut rows = Vec::new();
    for group in still.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(String::as_str).collect();
        let mapped = finance.store.linked(Side::Finance, &codes).await?;
        let is_open = |code: &&String| {
            mapped
                .get(*code)
                .is_some_and(|mapped| mapped.state != LinkState::Closed)
        };
        rows.extend(group.iter().filter(is_open).map(|code| Found {
            id: code.clone(),
            event_id: event_id(code, absent[code].changes),
            vanished: true,
            problem: None,
        }));
    }
    let events: Vec<&str> = rows.iter().map(|found| found.event_id.as_str()).collect();
    let told = finance.store.known_events(Side::Finance, &events).await?;
    rows.retain(|found| !told.contains(&found.event_id));
    Ok(rows)
}
