//! Two companies in one deployment (100 and 200), and customers of a third that nobody serves. The CRM is shared; each
//! company has a finance system of its own, with codes of its own. Both stand in one [`System`](crate::systems::System),
//! the second's contacts under keys like `200/7`: what passes between it and the engine is translated here. Whose a customer
//! is, is judged by the numbers that users typed, never by what a link says.

use domain::company::{Companies, Company};
use domain::customer::Field;
use domain::matching::{Numbering, company_of};
use domain::polls::FINANCE_CONTACTS;
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::{EntityType, LinkState};

use crate::bugs::Bug;
use crate::landing::Sender;
use crate::odd::{Odd, STRANGERS};
use crate::sched::{SECOND, Time};
use crate::systems::Record;
use crate::world::{All, Shared, tell_of};

pub const FIRST: Company = Company::DEFAULT;
/// The poll of the second company's contacts.
pub const CONTACTS_OF_SECOND: &str = "finance:contacts:200";

pub fn second() -> Company {
    Company::of(200).unwrap()
}

pub fn third() -> Company {
    Company::of(300).unwrap()
}

/// Where a company's contact stands.
pub fn key_of(company: Company, code: &str) -> String {
    match company == FIRST {
        true => code.to_owned(),
        false => format!("{company}/{code}"),
    }
}

/// Under which key what that company's engine calls so stands on a side: what is the CRM's has its id.
pub fn key_on(side: Side, company: Company, id: &str) -> String {
    match side {
        Side::Crm => id.to_owned(),
        Side::Finance => key_of(company, id),
    }
}

/// The code of what stands under that key; an id of the CRM is its own key.
pub fn code_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, code)| code)
}

/// Whose the contact under that key is.
pub fn owner_of(key: &str) -> Company {
    key.split_once('/')
        .map_or(FIRST, |(company, _)| company.parse().unwrap())
}

/// The company whose contacts a poll reads.
pub fn of_poll(poll: &str) -> Company {
    debug_assert!(CONTACTS_OF_SECOND.starts_with(FINANCE_CONTACTS));
    domain::polls::company_of(poll, FIRST)
}

/// Whose customer that person is, until somebody corrects its number. A stranger is its whose code it was given.
pub fn home_of(person: u32) -> Company {
    match person {
        STRANGERS.. if person > STRANGERS_OF_SECOND => second(),
        STRANGERS.. => FIRST,
        _ if person % 8 == 6 => third(),
        _ if person % 8 >= 3 => second(),
        _ => FIRST,
    }
}

/// Those who are given codes of the second company have numbers from here on.
const STRANGERS_OF_SECOND: u32 = 2 * STRANGERS;

/// Who comes as stranger number `n`, under that code.
pub fn stranger(n: u32, key: &str) -> u32 {
    match owner_of(key) == FIRST {
        true => STRANGERS + n,
        false => STRANGERS_OF_SECOND + n,
    }
}

impl Record {
    /// Whether the CRM's record, by its number, was that company's at any time since then.
    pub fn named(&self, company: Company, since: Time) -> bool {
        let before = self.numbers.iter().rposition(|(at, _)| *at <= since);
        let since = &self.numbers[before.unwrap_or(0)..];
        since
            .iter()
            .any(|(_, number)| company_of(number) == Some(company))
    }

    /// Whether it was no other one's since then.
    pub fn was_always(&self, company: Company, since: Time) -> bool {
        let others = self.numbers.iter().filter_map(|(_, number)| company_of(number));
        let mut others = others.filter(|other| *other != company);
        others.all(|other| !self.named(other, since))
    }

    /// Whose it is now.
    pub fn home(&self) -> Option<Company> {
        self.numbers.last().and_then(|(_, number)| company_of(number))
    }
}

/// All that are served.
pub fn served(odd: Odd) -> Companies {
    Companies::new(FIRST, odd.companies.then(second))
}

impl Shared {
    pub fn home(&self, person: u32) -> Company {
        match self.odd.companies {
            true => home_of(person),
            false => FIRST,
        }
    }

    /// Whether that person stands in no finance system that we know.
    pub fn is_unserved(&self, person: u32) -> bool {
        !served(self.odd).serve(self.home(person))
    }

    pub fn numbering(&self, company: Company) -> Numbering {
        Numbering {
            company,
            ..self.config.numbering
        }
    }

    /// Whose codes a store takes for finance's.
    pub fn kept_as(&self, company: Company) -> Company {
        match self.bug {
            Some(Bug::NoCompany) => FIRST,
            _ => company,
        }
    }

    /// The links, with keys in the place of codes.
    pub fn links(&self) -> Vec<link::Model> {
        let mut links = self.store.links();
        for link in &mut links {
            if let (EntityType::Customer, Ok(company)) = (link.entity_type, link.company.parse()) {
                let code = link.finance_id.as_mut();
                code.into_iter().for_each(|code| *code = key_of(company, code));
            }
        }
        links
    }

    /// The rows, with keys in the place of codes.
    pub fn rows(&self) -> Vec<log::Model> {
        let mut rows = self.store.rows();
        for row in &mut rows {
            if let ("FINANCE", Ok(company)) = (row.source_system.as_str(), row.company.parse()) {
                row.source_entity_id = key_of(company, &row.source_entity_id);
            }
        }
        rows
    }
}

/// A write of that engine, to the record of that side, for the CRM's record of that id: what is wrong with it?
pub fn trespass(all: &All, sender: &Sender, (side, id): (Side, &str), crm: &str) -> Option<String> {
    let company = sender.company;
    let read_at = sender.crm_at.get(crm).copied().unwrap_or(Time::MAX);
    let named = |crm: &Record| crm.named(company, read_at);
    let ours = all.systems[0].records.get(crm).is_none_or(named);
    let theirs = side == Side::Finance && owner_of(id) != company;
    (!ours || theirs).then(|| {
        let record = all.systems[0].records.get(crm);
        let numbers = record.map(|record| &record.numbers);
        format!("{side} {id}: written for company {company}, and {crm} has the numbers {numbers:?}")
    })
}

/// A pair in step is of one company, and what belongs to one that nobody serves has no pair.
pub fn misplaced(all: &All, link: &link::Model) -> Option<String> {
    let (crm, key) = (link.crm_id.as_ref()?, link.finance_id.as_ref()?);
    let record = all.systems[0].records.get(crm).filter(|record| record.alive)?;
    let contact = all.systems[1].records.get(key).filter(|record| record.alive);
    let wrong = link.state == LinkState::Active && record.home() != Some(owner_of(key));
    (wrong && contact.is_some()).then(|| {
        let number = record.values.get(&Field::CustomerNumber);
        format!("{crm} has the number {number:?}, and is in step with {key}")
    })
}

/// A user corrects a customer's number: it is another company's, or its own once more. Mostly that was a slip, and is put
/// right after a while.
pub fn correct(world: &Shared) {
    let customers: Vec<String> = {
        let all = world.lock();
        all.systems[0].alive().map(|(id, _)| id.clone()).collect()
    };
    let Some(id) = world.sim.pick(&customers).cloned() else {
        return;
    };
    let others: Vec<Company> = {
        let now = world.lock().systems[0].records[&id].home();
        let all = [FIRST, second(), third()];
        all.into_iter().filter(|company| Some(*company) != now).collect()
    };
    let company = *world.sim.pick(&others).unwrap();
    let was = world.lock().systems[0].records[&id]
        .values
        .get(&Field::CustomerNumber)
        .cloned();
    number(world, &id, None, company);
    if world.sim.odds(250) {
        return;
    }
    let (one, busy) = (world.clone(), world.busy());
    world.sim.spawn(async move {
        one.sim.sleep(one.sim.between(SECOND, 300 * SECOND)).await;
        // As it was, or a new one.
        let home = was.as_deref().and_then(company_of).unwrap_or(FIRST);
        let was = was.filter(|_| one.sim.odds(700));
        number(&one, &id, was, home);
        drop(busy);
    });
}

/// Types that number, or a new one of that company.
fn number(world: &Shared, id: &str, number: Option<String>, company: Company) {
    let mut all = world.lock();
    all.corrections += 1;
    let number = number.unwrap_or_else(|| format!("{company}-{}", 9000 + all.corrections));
    let record = all.systems[0].records.get_mut(id).unwrap();
    if !record.alive {
        return;
    }
    let now = world.sim.time();
    record.values.insert(Field::CustomerNumber, number.clone());
    record.numbers.push((now, number.clone()));
    record.modified = now;
    drop(all);
    world
        .sim
        .tell(|| format!("user   gives crm {id} the number {number}"));
    tell_of(world, Side::Crm, id);
}
