//! The operator who rules on customers: looks after a while at what waits for a human, and says what is true. He knows who
//! is who; which of two values is right, he does not.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::company::Company;
use domain::message::{Code, Message, evidence};
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{EntityType, Status, message_of};
use engine::Engine;
use engine::ruling::NotRuled;

use crate::client::Client;
use crate::companies::{code_of, key_of, owner_of};
use crate::sched::SECOND;
use crate::systems::Record;
use crate::worker;
use crate::world::{Shared, customer, ring};

pub async fn operate(world: Shared) {
    loop {
        world.sim.sleep(world.sim.between(30, 150) * SECOND).await;
        if world.lock().gone_home {
            return;
        }
        let (one, busy) = (world.clone(), world.busy());
        world.sim.spawn(async move {
            for row in conflicts(&one) {
                rule(&one, &row).await;
            }
            drop(busy);
        });
    }
}

fn conflicts(world: &Shared) -> Vec<log::Model> {
    let mut rows = world.rows();
    rows.retain(|row| row.status == Status::Conflict && row.entity_type == EntityType::Customer);
    rows
}

/// What he says of one row, if there is anything that he knows.
async fn rule(world: &Shared, row: &log::Model) {
    let Some(message) = message_of(row) else { return };
    let side = match row.source_system.as_str() {
        "CRM" => Side::Crm,
        _ => Side::Finance,
    };
    let all = worker::engine(world, &Arc::new(Client::new(world, "human", false)));
    // What a company shows is ruled of as that company.
    let Some(engine) = row.company.parse().ok().and_then(|company| all.of(company)) else {
        return;
    };
    let entity = customer(side, &row.source_entity_id);
    let shown = customer(side, code_of(&entity.id));
    let ruled = match message.code {
        Code::MatchDoubt | Code::MatchDoubtTwice => doubt(world, engine, side, &entity.id, &message).await,
        Code::LostCreateInDoubt | Code::LostCreateSeveral | Code::LostCreateWithoutKeys => {
            let twin = free(world, engine.company(), (side, &entity.id), None);
            link(world, engine, side, &entity.id, twin).await
        }
        Code::AnotherRecord if is_one(world, side, &entity.id) => Some(engine.same(&shown, None).await),
        // Nothing here writes in a form that nobody knows: what came back altered was typed by somebody, and is no form.
        Code::HeldFields => {
            let kept = if world.sim.odds(500) {
                Side::Crm
            } else {
                Side::Finance
            };
            Some(engine.keep(&shown, kept, None).await)
        }
        _ => None,
    };
    let Some(ruled) = ruled else { return };
    world.sim.tell(|| {
        format!(
            "human  rules on {side} {}, {:?}: {:?}",
            entity.id,
            message.code,
            ruled.is_ok()
        )
    });
    if let Ok(rung) = ruled {
        world.lock().rulings += 1;
        ring(world, rung.row);
    }
}

/// These two are one, or it is none of those.
async fn doubt(
    world: &Shared,
    engine: &Engine,
    side: Side,
    id: &str,
    message: &Message,
) -> Option<Result<Ring, NotRuled>> {
    let listed = evidence::doubted(message).into_iter();
    let listed: BTreeSet<String> = match side {
        Side::Crm => listed.map(|code| key_of(engine.company(), &code)).collect(),
        Side::Finance => listed.collect(),
    };
    let person = world.person(side, id);
    let is_its = |other: &String| world.person(side.other(), other) == person;
    if person.is_some() && listed.iter().any(is_its) {
        let twin = free(world, engine.company(), (side, id), Some(&listed));
        return link(world, engine, side, id, twin).await;
    }
    Some(engine.separate(&customer(side, code_of(id)), None).await)
}

async fn link(
    world: &Shared,
    engine: &Engine,
    side: Side,
    id: &str,
    twin: Option<String>,
) -> Option<Result<Ring, NotRuled>> {
    let twin = twin?;
    let (crm, finance) = match side {
        Side::Crm => (id, twin.as_str()),
        Side::Finance => (twin.as_str(), id),
    };
    let ruled = engine.link(crm, code_of(finance), None).await;
    if ruled.is_ok() {
        let pair = (crm.to_owned(), finance.to_owned());
        world.lock().linked_by_hand.push(pair);
    }
    Some(ruled)
}

/// A record of the same person on the other side which is linked with none: the one that was made of this one, if there is
/// one, since that one looks just like it.
fn free(
    world: &Shared,
    company: Company,
    (own, own_id): (Side, &str),
    among: Option<&BTreeSet<String>>,
) -> Option<String> {
    let (side, person) = (own.other(), world.person(own, own_id));
    let links = world.links();
    let is_linked = |id: &String| {
        links.iter().any(|link| {
            let (own, other) = match side {
                Side::Crm => (&link.crm_id, &link.finance_id),
                Side::Finance => (&link.finance_id, &link.crm_id),
            };
            own.as_ref() == Some(id) && other.is_some()
        })
    };
    let all = world.lock();
    let records = all.systems[side as usize].alive();
    let records = records.filter(|(id, _)| side == Side::Crm || owner_of(id) == company);
    let found = records.filter(|(id, record)| {
        Some(record.person) == person && !is_linked(id) && among.is_none_or(|among| among.contains(*id))
    });
    let made_of_it = |record: &Record| record.made_for.as_ref().is_some_and(|(of, _)| of == own_id);
    let found = found.min_by_key(|(_, record)| !made_of_it(record));
    found.map(|(id, _)| id.clone())
}

/// Whether both records of its link are one person's.
fn is_one(world: &Shared, side: Side, id: &str) -> bool {
    let links = world.links();
    let mut pairs = links
        .iter()
        .filter(|link| link.entity_type == EntityType::Customer)
        .filter_map(|link| Some((link.crm_id.as_ref()?, link.finance_id.as_ref()?)));
    let pair = pairs.find(|(crm, finance)| match side {
        Side::Crm => *crm == id,
        Side::Finance => *finance == id,
    });
    pair.is_some_and(|(crm, finance)| {
        let person = world.person(Side::Crm, crm);
        person.is_some() && person == world.person(Side::Finance, finance)
    })
}
