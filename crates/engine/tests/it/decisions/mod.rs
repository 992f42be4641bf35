//! What is decided next, case by case: what is known, what was seen, and the one step that is right then. No store, no
//! systems: the decisions are pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::customer::{Customer, Field, Kind};
use domain::document::DocumentKind;
use domain::entity::EntityType;
use domain::in_flight::{InFlight, Sent, Update, Write};
use domain::link::{Link, LinkState};
use domain::ports::Snapshot;
use domain::side::Side;
use engine::document::DocumentRules;
use engine::seen::{Known, Seen, Sight};
use engine::step::{Ending, Sending, Step};
use engine::{Config, Rules, customer, document};

mod documents;
mod meeting;
mod ours;
mod pair;
mod saving;
mod taken;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn person(values: &[(Field, &str)]) -> Customer {
    values
        .iter()
        .fold(Customer::new(Kind::Person), |customer, (field, value)| {
            customer.with(*field, *value)
        })
}

fn named(name: &str) -> Customer {
    person(&[(Field::Name, name)])
}

fn snapshot(id: &str, customer: Customer) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        customer,
        modified_at: None,
        whole: serde_json::Value::Null,
    }
}

/// A system that holds no `|`.
fn project(_: Side, _: Field, value: &str) -> String {
    value.replace('|', " ")
}

pub fn config() -> Config {
    Config {
        max_retries: 8,
        ..crate::world::config()
    }
}

/// The customers "c" of the CRM and "1" of finance, which are linked.
fn linked(base: Option<Base>) -> Link {
    let mut link = Link::unmet(EntityType::Customer);
    (link.crm_id, link.finance_id) = (Some("c".into()), Some("1".into()));
    link.state = LinkState::Active;
    link.base = base;
    link
}

/// The customer "c" of the CRM, or "1" of finance, that was met on one side only.
fn half(side: Side) -> Link {
    let mut link = Link::unmet(EntityType::Customer);
    link.set_id(side, if side == Side::Crm { "c" } else { "1" }.to_owned());
    link
}

/// What both sides were known to hold.
fn base(values: &[(Field, &str)]) -> Base {
    let mut base = Base::new(Kind::Person);
    for (field, value) in values {
        base.agree(*field, value, value);
    }
    base
}

/// Both sides as they were seen in that second.
fn seen(link: &Link, second: i64, crm: Option<Customer>, finance: Option<Customer>) -> Seen {
    let mut seen = Seen::nothing(Side::Crm, link.clone(), at(second));
    seen.columns = Some(BTreeSet::new());
    for (side, id, customer) in [(Side::Crm, "c", crm), (Side::Finance, "1", finance)] {
        seen.customers[side as usize] = match customer {
            Some(customer) => Sight::Here {
                record: snapshot(id, customer),
                at: at(second),
            },
            None => Sight::Absent,
        };
    }
    seen
}

/// A save into that side, sent in that second; it leaves this name there, taken from the same on the other side.
fn save(side: Side, second: i64, base: &Base, leaves: &str) -> Update {
    let sent = Sent {
        leaves: leaves.to_owned(),
        source: Some(leaves.to_owned()),
        base: Some(base.pair(Field::Name)),
        written: true,
        pending: false,
    };
    Update {
        side,
        at: at(second),
        fields: [(Field::Name, sent)].into(),
        overtaken: false,
        answered: None,
        decided: Vec::new(),
    }
}

fn out(saves: &[Update]) -> InFlight {
    InFlight(saves.iter().cloned().map(Write::Update).collect())
}

fn with_rules<T>(config: &Config, call: impl FnOnce(&Rules<'_>) -> T) -> T {
    call(&Rules {
        served: &domain::company::Companies::default(),
        config,
        documents: &DocumentRules::default(),
        project: &project,
    })
}

fn decide(link: &Link, seen: &Seen) -> (Known, Step) {
    decide_by(&config(), link, seen)
}

fn decide_by(config: &Config, link: &Link, seen: &Seen) -> (Known, Step) {
    with_rules(config, |rules| {
        customer::decide(Known::of(link.clone()), seen, rules)
    })
}

fn decide_document(link: &Link, seen: &Seen) -> (Known, Step) {
    with_rules(&config(), |rules| {
        document::decide(Known::of(link.clone()), seen, DocumentKind::Quote, rules)
    })
}

fn update(step: Step) -> Update {
    match step {
        Step::Write(sending) => match *sending {
            Sending::Update(update) => update,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The code of the conflict, or of what is waited for.
fn ends(step: &Step) -> (&'static str, domain::message::Code) {
    match step {
        Step::End(Ending::Conflict(why)) => ("conflict", why.code.clone()),
        Step::End(Ending::Wait(why, _)) => ("wait", why.code.clone()),
        other => panic!("{other:?}"),
    }
}
