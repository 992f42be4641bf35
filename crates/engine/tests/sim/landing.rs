//! A write arrives at its system. Here is checked what must never arrive: a second record of one customer, values that
//! nobody typed, and another's data.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::customer::{Customer, Field, Values};
use domain::document::Document;
use domain::ports::{PortError, PortResult, Side, Snapshot};
use domain::store::EntityType;
use domain::store::entities::link;
use domain::text::normal;

use crate::bugs::Bug;
use crate::client::Client;
use crate::companies::{code_of, key_of, owner_of, trespass};
use crate::documents;
use crate::sched::Time;
use crate::sent::Whole;
use crate::systems::{FIELDS, Record};
use crate::whose::{made_up, strangers};
use crate::world::{All, Shared, tell_of};

/// Whose engine sends, and when it has last read each record of the CRM.
pub struct Sender {
    pub company: Company,
    pub crm_at: BTreeMap<String, Time>,
}

pub enum Request {
    /// With the time of the sender's last look for candidates, and its place in what was sent.
    Create(Side, Customer, Time, usize),
    Update(Side, Snapshot, Values),
    /// With the key of the customer's contact.
    Issue(Document, String),
}

pub fn land(client: &Client, sender: Sender, request: Request) -> PortResult<String> {
    let world = &client.world;
    let (side, result) = match request {
        Request::Create(side, customer, found_at, place) => {
            (side, create(client, &sender, side, &customer, (found_at, place)))
        }
        Request::Update(side, current, changes) => (side, update(client, &sender, side, &current, &changes)),
        Request::Issue(document, code) => {
            let number = documents::land(client, &document, &code);
            client.tell(|| format!("issues {}: {number:?}", document.number));
            return number;
        }
    };
    match &result {
        Ok(id) => {
            client.tell(|| format!("lands on {side} {id}"));
            tell_of(world, side, id);
        }
        Err(error) => client.tell(|| format!("is refused by {side}: {error}")),
    }
    result
}

fn create(
    client: &Client,
    sender: &Sender,
    side: Side,
    customer: &Customer,
    (found_at, place): (Time, usize),
) -> PortResult<String> {
    let world = &client.world;
    let now = world.sim.time();
    let links = world.links();
    let mut all = world.lock();
    let sent_at = all.sent[place].at;
    let source = source(&all, sender.company, side, customer);
    let Some(person) = made_for(&all, side, &source, customer) else {
        drop(all);
        world.violation(format!(
            "{side}: a customer was created whom no one typed: {customer:?}"
        ));
        return Err(PortError::Refused("no one".into()));
    };
    let mut problems = made_up(&all, person, side, &customer.values);
    if world.odd.is_nobody(person) {
        problems.push(format!("{side}: nobody was created: {customer:?}"));
    }
    problems.extend(resurrected(
        &all,
        &links,
        sender.company,
        (side, person),
        &source,
        sent_at,
    ));
    if all.systems[side as usize].refuses(sender.company, None, &customer.values) {
        return Err(PortError::Taken {
            fields: vec![Field::Mobile, Field::Phone],
            words: "شماره تلفن نمی تواند تکراری باشد.".into(),
        });
    }
    let (second, race) = made_twice(&all, (sender.company, side), person, customer, found_at);
    problems.extend(second);
    all.doubles_by_race += race;
    let system = &mut all.systems[side as usize];
    system.saves += 1;
    let who = (person, customer.kind);
    let id = system.insert(sender.company, who, &customer.values, true, now);
    system.records.get_mut(&id).unwrap().made_for = Some((source, sent_at));
    all.sent[place].record.clone_from(&id);
    problems.extend(strangers(&all, side, &id));
    problems.extend(made_elsewhere(&all, side, &id));
    problems.extend(made_by(&all, sender, side, &id));
    drop(all);
    for problem in problems {
        world.violation(problem);
    }
    Ok(id)
}

/// Whether the customer is there already, and how often a human and we made it at one time.
fn made_twice(
    all: &All,
    (company, side): (Company, Side),
    person: u32,
    customer: &Customer,
    found_at: Time,
) -> (Vec<String>, u64) {
    let mut problems = Vec::new();
    let id_of = |values: &Values| {
        let id = values
            .get(&Field::NationalId)
            .map(|v| normal(Field::NationalId, v))?;
        let id = id.trim_start_matches('0').to_owned();
        // A placeholder is nobody's.
        let is_one = id.len() > 7 && id.bytes().all(|b| b.is_ascii_digit());
        Some(id).filter(|id| is_one && !id.chars().all(|c| id.starts_with(c)))
    };
    let there = &all.systems[side.other() as usize];
    let former = there.former.iter().map(|(_, record)| record);
    let typed_there = there.records.values().chain(former);
    let typed_there = typed_there.filter(|r| r.person == person && !r.ours).count();
    let (mut ours, mut race) = (0, 0);
    for (id, record) in all.systems[side as usize]
        .alive()
        .filter(|(_, r)| r.person == person)
        .filter(|(id, _)| side == Side::Crm || owner_of(id) == company)
    {
        // One person may be a customer of two companies.
        let is_its = side == Side::Finance || record.was_always(company, found_at);
        let alike = id_of(&record.values).is_some() && id_of(&record.values) == id_of(&customer.values);
        let alike = alike && is_its;
        ours += usize::from(record.ours);
        let born = record.born;
        let since = record.since.get(&Field::NationalId).copied().unwrap_or(born);
        if alike && (born.max(since) <= found_at || (record.ours && since == born)) {
            problems.push(format!(
                "customer p{person} is created on {side} a second time: {id} is there"
            ));
        } else if alike {
            race += 1;
        }
    }
    let excused = deeds_meanwhile(all, person);
    if excused && ours >= typed_there {
        race += 1;
    } else if ours >= typed_there {
        problems.push(format!(
            "p{person} was created {} times on {side}, typed {typed_there} times",
            ours + 1
        ));
    }
    (problems, race)
}

/// Whom it is created for.
fn source(all: &All, company: Company, side: Side, customer: &Customer) -> String {
    let number = customer.values.get(&Field::CustomerNumber);
    match side {
        Side::Crm => key_of(company, customer.get(Field::FinanceCode)),
        Side::Finance => {
            let there = || all.systems[Side::Crm as usize].records.iter();
            let has = |r: &Record| number.is_some() && r.values.get(&Field::CustomerNumber) == number;
            let had = |r: &Record| r.numbers.iter().any(|(_, had)| Some(had) == number);
            let found = there()
                .find(|(_, r)| has(r))
                .or_else(|| there().find(|(_, r)| had(r)));
            found.map_or(String::new(), |(id, _)| id.clone())
        }
    }
}

/// Which person that is: of all who ever stood under the id, the one whose data it is. Where there is none, the one who
/// stands there now.
fn made_for(all: &All, side: Side, source: &str, customer: &Customer) -> Option<u32> {
    let there = &all.systems[side.other() as usize];
    let its = |record: &&Record| made_up(all, record.person, side, &customer.values).is_empty();
    let mut bearers = there.bearers(source);
    let found = bearers.find(its).or_else(|| there.bearers(source).next());
    found.map(|record| record.person)
}

/// A customer whose counterpart was known when it was sent, and is deleted, must not come up there again.
fn resurrected(
    all: &All,
    links: &[link::Model],
    sent_by: Company,
    (side, person): (Side, u32),
    source: &str,
    sent_at: Time,
) -> Option<String> {
    let mapped = links
        .iter()
        .filter(|m| m.entity_type == EntityType::Customer)
        .filter_map(|m| {
            let (here, there) = match side {
                Side::Crm => (&m.finance_id, &m.crm_id),
                Side::Finance => (&m.crm_id, &m.finance_id),
            };
            here.as_ref().filter(|id| *id == source).and(there.clone())
        });
    let crm = all.systems[Side::Crm as usize].records.iter();
    // The code is that of the company in whose system its contact stands.
    let of_other = |crm: &str| {
        let contact = links.iter().find_map(|link| {
            link.finance_id
                .as_ref()
                .filter(|_| link.crm_id.as_deref() == Some(crm))
        });
        contact.is_some_and(|contact| contact != source)
    };
    let named = crm.filter_map(|(id, r)| {
        let code = r.values.get(&Field::FinanceCode)?;
        match side {
            Side::Crm => (code == code_of(source) && !of_other(id)).then(|| id.clone()),
            Side::Finance => (id == source).then(|| key_of(sent_by, code)),
        }
    });
    let known = |id: &String| {
        let was = |r: &Record| r.linked.is_some_and(|linked| linked <= sent_at);
        let mut there = all.systems[side as usize].bearers(id);
        there.any(|r| !r.alive && r.person == person && was(r))
    };
    let before = mapped.chain(named).find(known)?;
    Some(format!(
        "{source} is created on {side} again, where {before} was deleted"
    ))
}

/// Whether a human changed keys of this customer, or deleted one end, while a create was on its way to its link: then
/// nothing tells whose the created one is, and it may be met as new.
fn deeds_meanwhile(all: &All, person: u32) -> bool {
    let keys = [Field::Name, Field::Mobile, Field::Email, Field::NationalId];
    all.systems.iter().any(|system| {
        let former = system.former.iter().map(|(id, r)| (id, r));
        let ever = system.records.iter().chain(former);
        let made = ever.filter(|(_, r)| r.person == person);
        made.filter_map(|(id, r)| Some((id, r, r.made_for.as_ref()?)))
            .any(|(id, r, (source, sent))| {
                let meanwhile = |at: Time| at >= *sent && r.linked.is_none_or(|linked| at <= linked);
                let origin = all.systems[system.side.other() as usize].records.get(source);
                let died = [Some(r), origin].into_iter().flatten().filter_map(|r| r.died);
                let rekeyed = all.edits.0.iter().filter(|e| {
                    let of_it = e.side == system.side && e.record == *id && e.person == r.person;
                    of_it && e.field.is_some_and(|f| keys.contains(&f))
                });
                // The number with which it was made is a key, too.
                let renumbered = r.numbers.iter().skip(1).map(|(at, _)| *at);
                let keys = rekeyed.map(|e| e.at).chain(renumbered);
                died.chain(keys).any(meanwhile)
            })
    })
}

fn update(
    client: &Client,
    sender: &Sender,
    side: Side,
    current: &Snapshot,
    changes: &Values,
) -> PortResult<String> {
    let world = &client.world;
    let crm = for_whom(world, side, &current.id);
    let mut guard = world.lock();
    let all = &mut *guard;
    let index = current.whole.as_u64().and_then(|i| usize::try_from(i).ok());
    let mut whole: Whole = all.reads[index.unwrap()].clone();
    if world.bug == Some(Bug::PartialUpdate) {
        whole
            .values
            .retain(|field, _| matches!(*field, Field::Name | Field::Mobile));
        whole.extra.clear();
    }
    let system = &all.systems[side as usize];
    let before = system.records.get(&current.id).cloned();
    let was = before.as_ref().map_or(0, |record| record.person);
    let mut problems = made_up(all, was, side, changes);
    let now = world.sim.time();
    let exempt = all.systems[side as usize].replace(&current.id, &whole, changes, &mut all.edits, now)?;
    let person = all.systems[side as usize].records[&current.id].person;
    if person != was {
        problems = made_up(all, person, side, changes);
    }
    problems.extend(strangers(all, side, &current.id));
    let trespass = |crm: &String| trespass(all, sender, (side, &current.id), crm);
    problems.extend(crm.iter().filter_map(trespass));
    let before = before.map(|record| record.values).unwrap_or_default();
    has_landed(all, (side, &current.id), changes, &before, now);
    drop(guard);
    if exempt > 0 {
        client.tell(|| format!("overwrote {exempt} edits between the read and the save"));
    }
    for problem in problems {
        world.violation(problem);
    }
    Ok(current.id.clone())
}

/// The CRM's record for which a record is written: itself, or that of the contact's link.
fn for_whom(world: &Shared, side: Side, id: &str) -> Vec<String> {
    if side == Side::Crm || !world.odd.companies {
        return vec![id.to_owned()];
    }
    let links = world.links().into_iter();
    let its = links
        .filter(|link| link.entity_type == EntityType::Customer && link.finance_id.as_deref() == Some(id));
    its.filter_map(|link| link.crm_id).collect()
}

/// What is wrong with who has made it.
fn made_by(all: &All, sender: &Sender, side: Side, id: &str) -> Option<String> {
    let source = all.systems[side as usize].records[id].made_for.as_ref();
    let crm = match side {
        Side::Crm => id,
        Side::Finance => source.map_or("", |(source, _)| source),
    };
    trespass(all, sender, (side, id), crm)
}

/// Whether the customer for whom a contact was made has one that we made in the other company's finance system, too.
fn made_elsewhere(all: &All, side: Side, id: &str) -> Option<String> {
    let made_for = |record: &Record| record.made_for.as_ref().map(|(source, _)| source.clone());
    let source = made_for(&all.systems[side as usize].records[id]);
    let mut others = all.systems[1]
        .alive()
        .filter(|(other, _)| owner_of(other) != owner_of(id));
    let other = others.find(|(_, record)| made_for(record) == source)?.0;
    (side == Side::Finance).then(|| format!("{source:?} is created as {id}, and is {other} already"))
}

/// Takes down which of the saves that is. What one takes back that looked landed before is taken for someone's word, and no
/// one can tell that it is not.
fn has_landed(all: &mut All, (side, id): (Side, &str), changes: &Values, before: &Values, now: Time) {
    let mut sent = all.sent.iter_mut().rev();
    let ours = sent
        .find(|s| s.left && s.landed.is_none() && s.side == side && s.record == id && s.values == *changes);
    let Some(sent) = ours else { return };
    sent.landed = Some(now);
    if !sent.masked {
        return;
    }
    let after = &all.systems[side as usize].records[id];
    let taken = |field: &Field| !changes.contains_key(field) && before.get(field) != after.values.get(field);
    for field in FIELDS.into_iter().filter(taken) {
        for side in [Side::Crm, Side::Finance] {
            let mut edits = all.edits.0.iter_mut().rev();
            let last = edits.find(|e| e.person == after.person && e.side == side && e.field == Some(field));
            last.into_iter().for_each(|e| e.exempt = true);
        }
    }
}
