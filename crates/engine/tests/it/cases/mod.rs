//! Customers as people really have them (`cases.md`): each case under its number, from both ends, with siblings.

use domain::customer::{Customer, Field, Kind};
use domain::message::Code;
use domain::ports::Side;
use domain::store::{Status, message_of};

use crate::world::{On, World};

mod names;
mod ruled;
mod shared;
mod taken;
mod values;

/// What becomes of the first record of each side, whichever of the two is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Linked,
    Doubt,
    Two,
}

pub fn person(values: &[(Field, &str)]) -> Customer {
    with(Kind::Person, values)
}

pub fn company(values: &[(Field, &str)]) -> Customer {
    with(Kind::Organization, values)
}

fn with(kind: Kind, values: &[(Field, &str)]) -> Customer {
    values
        .iter()
        .fold(Customer::new(kind), |customer, (field, value)| {
            customer.with(*field, *value)
        })
}

pub fn named(name: &str) -> Customer {
    person(&[(Field::Name, name)])
}

/// Meets the first record of `crm` and the first of `finance`, each in a world of its own.
pub async fn ends(case: &str, crm: &[Customer], finance: &[Customer], end: End) {
    for side in Side::BOTH {
        let w = World::new(On::Memory).await;
        let ids = [(&w.crm, crm), (&w.finance, finance)].map(|(system, records)| {
            let all: Vec<String> = records.iter().map(|one| system.add(one.clone())).collect();
            all.into_iter().next().unwrap_or_default()
        });
        w.look().await;
        w.clock.turn(std::time::Duration::from_secs(1));
        let status = w.sync(side, &ids[side as usize]).await;
        let said = w.rows().await.pop().and_then(|row| row.error_message);
        let links = w.links().await;
        let pair = (Some(ids[0].clone()), Some(ids[1].clone()));
        let linked = links
            .iter()
            .any(|link| (link.crm_id.clone(), link.finance_id.clone()) == pair);
        let made = [(&w.crm, crm), (&w.finance, finance)].map(|(system, all)| system.ids().len() - all.len());
        let is = match status {
            Status::Success if linked && made == [0, 0] => End::Linked,
            Status::Success if !linked && made.iter().sum::<usize>() == 1 => End::Two,
            Status::Conflict if made == [0, 0] && w.crm.saves() + w.finance.saves() == 0 => End::Doubt,
            _ => panic!("{case}, from {side}: {status:?} {said:?} {made:?}"),
        };
        assert_eq!(is, end, "{case}, from {side}: {said:?}");
        if end == End::Doubt {
            let row = w.rows().await.pop().unwrap();
            let message = message_of(&row).unwrap();
            let doubts = [Code::MatchDoubt, Code::MatchDoubtTwice];
            assert!(doubts.contains(&message.code), "{case}: {message:?}");
            let named = domain::message::evidence::doubted(&message);
            assert!(named.contains(&ids[side.other() as usize]), "{case}: {named:?}");
        }
    }
}
