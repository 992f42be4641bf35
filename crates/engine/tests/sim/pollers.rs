//! The pollers, step by step as `crates/ingest` has them: take the turn, read, judge what is an echo, store rows and
//! cursor in one transaction, ring. Each look is a task of its own that may be killed or stopped anywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::company::Company;
use domain::customer::{Customer, Kind};
use domain::document::{Document, DocumentKind, differences};
use domain::index::{Reading, Sighting};
use domain::polls::{
    Begin, CRM_INVOICES, CRM_ORGANIZATION, CRM_QUOTES, ContactNow, ContactSeen, FINANCE_CONTACTS,
    Fingerprint, Found, Harvest, PollLease, PollStore, Rhythm, checksum, document_checksum, poll_of,
};
use domain::ports::{PortError, SetAside, Side};
use domain::store::{IssuedDocument, LinkState, StoreError, Trigger};
use testkit::memory::MemoryStore;

use crate::bugs::{self, Bug};
use crate::client::Client;
use crate::companies::{CONTACTS_OF_SECOND, FIRST, code_of, key_on, of_poll};
use crate::ports::Port;
use crate::sched::{SECOND, Time};
use crate::world::{Shared, customer, event, ring};

const RHYTHM: Rhythm = Rhythm {
    interval: Duration::from_secs(20),
    lease: Duration::from_secs(60),
};
const OVERLAP: Time = 2 * SECOND;
/// A commit may carry a time that is so old when it lands.
const WRITTEN: chrono::Duration = chrono::Duration::minutes(5);

/// Why a look came to nothing.
#[derive(Debug)]
enum Failure {
    Port,
    Store,
    /// No one is there any more.
    Suspicious,
}

impl From<PortError> for Failure {
    fn from(_: PortError) -> Self {
        Self::Port
    }
}

impl From<StoreError> for Failure {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// Looks again and again.
pub async fn poll(world: Shared, poll: &'static str) {
    loop {
        world.sim.sleep(world.sim.between(20, 80) * SECOND).await;
        let (one, busy) = (world.clone(), world.busy());
        world.sim.spawn(async move {
            look(&one, poll).await;
            drop(busy);
        });
    }
}

async fn look(world: &Shared, poll: &str) {
    let client = Arc::new(Client::new(world, "poll", true));
    let company = of_poll(poll);
    let store = world.store.behind(client.clone()).of(world.kept_as(company));
    let Ok(Begin::Taken(turn)) = store.begin(poll, "poll", RHYTHM).await else {
        return;
    };
    let done = match poll {
        FINANCE_CONTACTS | CONTACTS_OF_SECOND => finance(&client, company, &store, &turn).await,
        CRM_QUOTES | CRM_INVOICES => documents(&client, &store, &turn).await,
        _ => crm(&client, &store, &turn).await,
    };
    if let Err(why) = done {
        client.tell(|| format!("{poll}: nothing stored: {why:?}"));
        let _ = store.give_back(&turn, Duration::from_secs(5)).await;
    }
}

/// One answer of the whole system: each record with its time of change, and what can't be read.
#[derive(Default)]
struct Answer {
    shown: BTreeMap<String, (Customer, Time)>,
    aside: Vec<SetAside>,
}

async fn answer(client: &Arc<Client>, company: Company, side: Side) -> Result<Answer, Failure> {
    let port = Port {
        side,
        company,
        client: client.clone(),
        pretended: Mutex::new(None),
    };
    port.call("poll").await?;
    let half = side == Side::Finance && client.world.strikes(|rates| rates.half);
    let mut answer = Answer::default();
    {
        let all = client.world.lock();
        let system = &all.systems[side as usize];
        for (id, record) in system.alive().filter(|(id, _)| port.reaches(id)) {
            if half && client.world.sim.odds(500) {
                continue;
            }
            match (system.aside(id), system.shown(id)) {
                (Some(aside), _) => answer.aside.push(aside),
                (None, Some(shown)) => {
                    let id = code_of(id).to_owned();
                    answer.shown.insert(id, (shown, record.modified));
                }
                (None, None) => {}
            }
        }
    }
    client.step().await;
    Ok(answer)
}

async fn crm(client: &Arc<Client>, store: &MemoryStore, turn: &PollLease) -> Result<(), Failure> {
    let kind = if turn.poll == CRM_ORGANIZATION {
        Kind::Organization
    } else {
        Kind::Person
    };
    let cursor = turn.cursor.as_deref().and_then(|c| c.parse().ok()).unwrap_or(0);
    let Answer { mut shown, aside } = answer(client, FIRST, Side::Crm).await?;
    shown.retain(|_, (customer, modified)| customer.kind == kind && *modified + OVERLAP > cursor);
    let newest = shown.values().map(|(_, modified)| *modified).max();
    let ids: Vec<&str> = shown.keys().map(String::as_str).collect();
    let mapped = PollStore::linked(store, Side::Crm, &ids).await?;
    let mut changes = Vec::new();
    for (id, (customer, modified)) in &shown {
        let fingerprint = Fingerprint::of(customer);
        if !mapped
            .get(id)
            .is_some_and(|mapped| mapped.knows(&fingerprint, Side::Crm))
        {
            let sum = checksum(customer);
            changes.push(change(id, format!("poll:{id}:{modified}:{sum}"), false));
        }
    }
    let events: Vec<&str> = changes.iter().map(|change| change.event_id.as_str()).collect();
    let heard = store.known_events(Side::Crm, &events).await?;
    changes.retain(|change| !heard.contains(&change.event_id));
    let harvest = Harvest {
        changes,
        cursor: newest.map(|newest| newest.to_string()),
        seen: sightings(client, &shown, turn),
        aside,
        ring: 500,
        ..Harvest::default()
    };
    finish(client, store, turn, Side::Crm, &harvest).await
}

/// What a look at the CRM leaves in the index.
fn sightings(client: &Client, shown: &BTreeMap<String, (Customer, Time)>, turn: &PollLease) -> Vec<Sighting> {
    let reading = Reading {
        numbering: client.world.config.numbering,
        project: &crate::manner::project,
    };
    let seen = shown.iter().map(|(id, (customer, _))| Sighting {
        company: reading.company(customer, Side::Crm),
        side: Side::Crm,
        id: id.clone(),
        read_at: turn.started_at,
        held: Some(reading.held(id, customer, Side::Crm)),
    });
    seen.collect()
}

fn kind_of(poll: &str) -> Option<DocumentKind> {
    let kinds = [DocumentKind::Quote, DocumentKind::Invoice];
    kinds.into_iter().find(|kind| poll_of(*kind) == poll)
}

async fn documents(client: &Arc<Client>, store: &MemoryStore, turn: &PollLease) -> Result<(), Failure> {
    let kind = kind_of(&turn.poll).unwrap();
    let cursor = turn.cursor.as_deref().and_then(|c| c.parse().ok()).unwrap_or(0);
    let shown: BTreeMap<String, (Document, String, Time)> = {
        let all = client.world.lock();
        let alive = all
            .documents
            .crm
            .iter()
            .filter(|(_, record)| record.alive && record.document.kind == kind);
        let shown = alive.map(|(id, p)| (id.clone(), (p.document.clone(), p.ref_id.clone(), p.modified)));
        shown
            .filter(|(_, (.., modified))| *modified + OVERLAP > cursor)
            .collect()
    };
    client.step().await;
    let ids: Vec<&str> = shown.keys().map(String::as_str).collect();
    let issued = store.issued(kind, &ids).await?;
    let mut changes = Vec::new();
    for (id, (document, ref_id, modified)) in &shown {
        let as_issued = |one: &IssuedDocument| {
            let known = one.accepted.as_ref().unwrap_or(&one.document);
            differences(known, document).is_empty() && !ref_id.is_empty()
        };
        if !issued.get(id).is_some_and(as_issued) {
            let sum = document_checksum(document);
            changes.push(change(id, format!("poll:{id}:{modified}:{sum}"), false));
        }
    }
    let harvest = Harvest {
        changes,
        cursor: shown
            .values()
            .map(|(.., modified)| *modified)
            .max()
            .map(|newest| newest.to_string()),
        ring: 500,
        ..Harvest::default()
    };
    finish(client, store, turn, Side::Crm, &harvest).await
}

/// Contacts that are new, differ, or were written of late, with whether they are unchanged, and back; and those that the
/// index does not know yet.
fn compared(
    (company, turn): (Company, &PollLease),
    shown: &BTreeMap<String, (Customer, Time)>,
    before: &HashMap<String, ContactSeen>,
    written: &HashSet<String>,
) -> (Vec<(ContactNow, bool, bool)>, Vec<Sighting>) {
    let (mut contacts, mut indexed) = (Vec::new(), Vec::new());
    for (code, (customer, _)) in shown {
        let seen = before.get(code);
        let same = seen.filter(|seen| seen.checksum == checksum(customer));
        let unchanged = same.is_some_and(|seen| !seen.gone && seen.gone_since.is_none());
        let back = same.is_some_and(|seen| seen.gone && seen.gone_since.is_none());
        if !unchanged || written.contains(code) {
            let changes = seen.map_or(1, |seen| seen.changes + 1);
            contacts.push((ContactNow::new(code.clone(), customer, changes), unchanged, back));
        } else if seen.is_some_and(|seen| !seen.indexed) {
            let now = ContactNow::new(code.clone(), customer, 0);
            indexed.push(now.sighting(company, turn.started_at));
        }
    }
    (contacts, indexed)
}

async fn finance(
    client: &Arc<Client>,
    company: Company,
    store: &MemoryStore,
    turn: &PollLease,
) -> Result<(), Failure> {
    let before = store.contacts_but(&HashSet::new()).await?;
    let written = match turn.last {
        Some(last) => {
            store
                .written_since(last.started_at - WRITTEN, last.started_at)
                .await?
        }
        None => Default::default(),
    };
    let Answer { shown, aside } = answer(client, company, Side::Finance).await?;
    if shown.is_empty() && aside.is_empty() && before.values().any(|seen| !seen.gone) {
        return Err(Failure::Suspicious);
    }
    let (mut contacts, indexed) = compared((company, turn), &shown, &before, &written);
    let mut absent: BTreeSet<String> = before.keys().cloned().collect();
    absent.retain(|code| !shown.contains_key(code) && aside.iter().all(|one| one.id != *code));
    let (gone, missing): (BTreeSet<_>, BTreeSet<_>) = absent.into_iter().partition(|code| before[code].gone);
    let codes: Vec<&str> = contacts
        .iter()
        .map(|(contact, ..)| contact.code.as_str())
        .chain(gone.iter().map(String::as_str))
        .collect();
    let mapped = PollStore::linked(store, Side::Finance, &codes).await?;
    let mut changes = Vec::new();
    contacts.retain(|(contact, unchanged, back)| {
        let mapped = mapped.get(&contact.code);
        let customer = &shown[&contact.code].0;
        let echo = mapped.is_some_and(|mapped| mapped.knows(&Fingerprint::of(customer), Side::Finance));
        if !echo && (!*back || mapped.is_some()) {
            let event = format!("poll:{}:{}", contact.code, contact.changes);
            changes.push(change(&contact.code, event, false));
        }
        !echo || !unchanged
    });
    for code in &gone {
        let open = mapped.get(code).is_some_and(|m| m.state != LinkState::Closed);
        if open {
            let event = format!("poll:{code}:{}", before[code].changes);
            changes.push(change(code, event, true));
        }
    }
    let is_news = |code: &String| before[code].gone_since.is_none();
    let harvest = Harvest {
        changes,
        contacts: contacts.into_iter().map(|(contact, ..)| contact).collect(),
        gone: gone.into_iter().filter(is_news).collect(),
        missing: missing.into_iter().collect(),
        seen: indexed,
        aside,
        payload: serde_json::json!({ "poll": turn.poll }),
        ring: 500,
        ..Harvest::default()
    };
    finish(client, store, turn, Side::Finance, &harvest).await
}

fn change(id: &str, event_id: String, vanished: bool) -> Found {
    Found {
        id: id.to_owned(),
        event_id,
        vanished,
        problem: None,
    }
}

/// Rows, snapshot and cursor at once; then the bell.
async fn finish(
    client: &Client,
    store: &MemoryStore,
    turn: &PollLease,
    side: Side,
    harvest: &Harvest,
) -> Result<(), Failure> {
    let world = &client.world;
    client.tell(|| format!("{}: {:?}", turn.poll, harvest.changes));
    if world.bug == Some(Bug::CursorBeforeDurable) && kind_of(&turn.poll).is_none() {
        let row = |found: &Found| {
            let key = Some(found.event_id.clone());
            let id = key_on(side, of_poll(&turn.poll), &found.id);
            event(world, customer(side, &id), Trigger::Poll, key)
        };
        let rows: Vec<_> = harvest.changes.iter().map(row).collect();
        return Ok(bugs::finish_cursor_first(store, turn, harvest, &rows).await?);
    }
    for found in store.finish(turn, harvest).await?.rings {
        ring(world, found.row);
    }
    Ok(())
}
