//! What the engine promises of documents: with the store in memory and on a real database.

use std::time::Duration;

use domain::document::DocumentKind::Quote;
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{EntityRef, EntityType, Status};
use engine::{Engine, Ran};

use crate::desk::document;
use crate::world::{World, person};

mod companies;
mod customer;
mod issued;
mod unknown;

const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A customer that both systems know, with finance's code.
async fn customer(w: &World) -> (String, String) {
    let crm = w.crm.add(person("علی رضایی", "09123450017"));
    assert_eq!(w.sync(Side::Crm, &crm).await, Status::Success);
    let code = w.finance.ids().pop().unwrap();
    (crm, code)
}

async fn a_quote(w: &World) -> String {
    let (crm, _) = customer(w).await;
    w.crm.desk.add("q", document(Quote, &crm));
    "q".to_owned()
}

fn entity(entity_type: EntityType, id: &str) -> EntityRef {
    EntityRef {
        entity_type,
        side: Side::Crm,
        id: id.to_owned(),
    }
}

/// Runs the row, and whatever is to be rung for, until that is nothing or `patience` runs have ended. What waits longer
/// than a worker does is left alone.
async fn run(w: &World, ring: Ring, patience: u32) -> log::Model {
    run_by(w, &w.engine, ring, patience).await
}

async fn run_by(w: &World, engine: &Engine, ring: Ring, patience: u32) -> log::Model {
    let lead = ring.clone();
    let mut rings = vec![ring];
    for _ in 0..=patience {
        let Some(ring) = rings.pop() else { break };
        match engine.run(&ring).await.unwrap() {
            Ran::Ended { next, also, .. } => {
                if let Some((next, wait)) = next.filter(|(_, wait)| *wait < LONGEST_WAIT) {
                    w.clock.turn(wait);
                    rings.push(next);
                }
                rings.extend(also);
            }
            Ran::Done => {}
            other => panic!("{other:?}"),
        }
    }
    w.row(&lead).await
}

async fn sync(w: &World, entity_type: EntityType, id: &str) -> log::Model {
    let ring = w.hear_of(entity_type, Side::Crm, id).await;
    run(w, ring, 20).await
}

async fn quote(w: &World) -> log::Model {
    sync(w, EntityType::PreInvoice, "q").await
}

fn words(row: &log::Model) -> &str {
    row.error_message.as_deref().unwrap_or_default()
}

fn class(row: &log::Model) -> &str {
    row.error_class.as_deref().unwrap_or_default()
}
