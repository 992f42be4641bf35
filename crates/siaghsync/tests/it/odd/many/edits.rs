//! What users type while the services run: into good customers, on either side, each value once.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use simulator::{Simulator, System};

use super::field::Field;
use super::people::{Customer, Typed};

const EDITED: [Field; 7] = [
    Field::Name,
    Field::Mobile,
    Field::Phone,
    Field::Email,
    Field::Website,
    Field::Description,
    Field::Address,
];

/// Stands in every value that is typed here.
const EDITS: [&str; 3] = ["edit", "ویرایش", "0990"];

/// A value that nobody has typed.
fn value(field: Field, n: usize, name: &str) -> String {
    match field {
        Field::Name => format!("{name} ویرایش {n}"),
        Field::Mobile => format!("0990{n:07}"),
        Field::Phone => format!("0840990{n:04}"),
        Field::Email => format!("edited.{n}@example.com"),
        Field::Website => format!("edited-{n}.example.com"),
        Field::Address => format!("خیابان ولیعصر، کوچه ویرایش، پلاک {n}"),
        _ => format!("یادداشت ویرایش {n}"),
    }
}

/// Edits so many customers: each in one field, on one side; every fourth in another field on the other side as well.
pub fn edit(sim: &Simulator, all: &mut [Customer], count: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let linked = pairs(sim, all);
    let chosen: Vec<_> = linked.sample(&mut rng, count).cloned().collect();
    for (n, (place, id, code)) in chosen.iter().enumerate() {
        let fields: Vec<Field> = EDITED.sample(&mut rng, 2).copied().collect();
        let side = match rng.random_bool(0.5) {
            true => System::Crm,
            false => System::Finance,
        };
        let other = match side {
            System::Crm => System::Finance,
            System::Finance => System::Crm,
        };
        let customer = &mut all[*place];
        type_into(sim, customer, (side, id.as_str(), *code), fields[0], 2 * n);
        if n % 4 == 0 {
            type_into(sim, customer, (other, id.as_str(), *code), fields[1], 2 * n + 1);
        }
    }
}

/// Good customers that stand in both systems by now: the place of each, its id and its code.
fn pairs(sim: &Simulator, all: &[Customer]) -> Vec<(usize, String, i64)> {
    let by_reference = sim.crm().customers().into_iter().filter_map(|identity| {
        let code: i64 = identity["refId"].as_str()?.parse().ok()?;
        Some((code, identity["crmId"].as_str()?.to_owned()))
    });
    let by_reference: std::collections::HashMap<i64, String> = by_reference.collect();
    let good = all.iter().enumerate().filter(|(_, customer)| customer.is_good());
    good.filter_map(|(place, customer)| {
        let code = *customer.codes.first()?;
        Some((place, by_reference.get(&code)?.clone(), code))
    })
    .collect()
}

/// Takes last words back, writes one's value into another's record, forgets a contact, makes one twice. Whom it concerns.
pub fn tamper(sim: &Simulator, all: &[Customer]) -> BTreeSet<usize> {
    let mut concerned = BTreeSet::new();
    for (place, customer) in all.iter().enumerate() {
        // Whatever was typed while the services ran.
        let Some(last) = customer
            .typed
            .last()
            .filter(|typed| EDITS.iter().any(|sign| typed.value.contains(sign)))
            .filter(|_| !customer.codes.is_empty())
        else {
            continue;
        };
        let on_this = |typed: &&Typed| {
            typed.field == last.field && typed.value != last.value && !typed.value.is_empty()
        };
        let before = customer
            .typed
            .iter()
            .find(on_this)
            .map(|typed| typed.value.as_str());
        set(sim, customer, last.field, before);
        concerned.insert(place);
    }
    let others = all
        .iter()
        .enumerate()
        .filter(|(place, customer)| !concerned.contains(place) && !customer.codes.is_empty());
    let others: Vec<(usize, &Customer)> = others.take(40).collect();
    for (n, (place, customer)) in others.iter().enumerate() {
        let code = customer.codes[0];
        match n % 4 {
            0 => set(
                sim,
                customer,
                Field::Email,
                Some(others[(n + 1) % others.len()].1.last(Field::Email)),
            ),
            1 => sim
                .finance()
                .edit(code, json!({"Description": "وارد نشده"}))
                .unwrap(),
            2 => sim.finance().delete(code).unwrap(),
            _ => {
                let mut twin = sim.finance().get(code).unwrap();
                for column in ["Code", "MobileNo", "TelNo"] {
                    twin[column] = serde_json::Value::Null;
                }
                sim.finance().seed(twin).unwrap();
            }
        }
        concerned.insert(*place);
    }
    concerned
}

/// Makes that of a field, in finance and in all identities that hold what was typed last.
fn set(sim: &Simulator, customer: &Customer, field: Field, value: Option<&str>) {
    let code = customer.codes[0];
    sim.finance()
        .edit(code, json!({ field.column(): value }))
        .unwrap();
    for id in &customer.ids {
        let identity = sim.crm().get(id).unwrap();
        sim.crm()
            .edit(id, field.patch(&identity, value.unwrap_or_default()))
            .unwrap();
    }
}

fn type_into(sim: &Simulator, customer: &mut Customer, on: (System, &str, i64), field: Field, n: usize) {
    let (side, id, code) = on;
    let value = value(field, n, customer.last(Field::Name));
    let record = match side {
        System::Crm => {
            let identity = sim.crm().get(id).unwrap();
            sim.crm().edit(id, field.patch(&identity, &value)).unwrap();
            id.to_owned()
        }
        System::Finance => {
            sim.finance()
                .edit(code, json!({ field.column(): value }))
                .unwrap();
            code.to_string()
        }
    };
    customer.typed.push(Typed {
        side,
        record,
        field,
        value,
    });
}
