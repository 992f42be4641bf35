//! Those who work: a worker for each ring, the sweeper, the pollers, the users.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::customer::{Field, Values};
use domain::engine::{Engine, Ran};
use domain::ports::{Ring, Side};
use domain::store::{Store, Trigger};

use crate::bugs::{self, Bug};
use crate::people;
use crate::ports::{Client, Port};
use crate::sched::{MS, SECOND, Time};
use crate::world::{Shared, event, hear, ring};

/// What a worker does with a ring, as `crates/worker` does.
pub async fn work(world: &Shared, first: Ring) {
    let name = format!("w{}", world.sim.time() % 9973);
    let client = Arc::new(Client::new(world, &name, true));
    let port = |side| {
        Arc::new(Port {
            side,
            client: client.clone(),
            pretended: Mutex::new(None),
        })
    };
    let engine = Engine {
        crm: port(Side::Crm),
        finance: port(Side::Finance),
        store: bugs::store(world, world.store.behind(client.clone())),
        clock: Arc::new(world.sim.clone()),
        config: world.config,
        documents: Default::default(),
        polls: None,
        owner: name,
    };
    let mut next = Some(first);
    while let Some(rung) = next.take() {
        client.tell(|| format!("takes ring {}", rung.row.as_u128()));
        let ran = engine.run(&rung).await;
        client.tell(|| match &ran {
            Ok(Ran::Ended {
                row, outcome, next, ..
            }) => format!(
                "row {}: {:?} {:?}; then {:?}",
                row.as_u128(),
                outcome.status,
                outcome.message,
                next.as_ref().map(|(ring, wait)| (ring.row.as_u128(), *wait))
            ),
            other => format!("{other:?}"),
        });
        if let Ok(Ran::Ended {
            next: Some((row, wait)),
            ..
        }) = ran
        {
            if wait.is_zero() {
                next = Some(row);
            } else if wait < Duration::from_secs(300) {
                let (world, sim) = (world.clone(), world.sim.clone());
                sim.spawn(async move {
                    world.sim.sleep(wait.as_micros() as Time).await;
                    ring(&world, row.row);
                });
            }
        }
    }
}

pub async fn sweep(world: Shared) {
    let every = Duration::from_secs(10);
    loop {
        world.sim.sleep(world.sim.between(8, 10) * SECOND).await;
        let store = world.store.behind(Arc::new(Client::new(&world, "sweep", false)));
        if let Ok(rings) = store.sweep(100, every).await {
            for found in rings {
                ring(&world, found.row);
            }
        }
    }
}

/// The CRM's poller: what was modified since the cursor, looked back over with an overlap.
pub async fn poll_crm(world: Shared) {
    let mut cursor = 0;
    loop {
        world.sim.sleep(world.sim.between(30, 90) * SECOND).await;
        let (events, newest) = {
            let now = world.sim.time();
            let changed: Vec<_> = {
                let all = world.lock();
                let alive = all.systems[Side::Crm as usize].alive();
                alive
                    .filter(|(_, r)| r.modified + SECOND > cursor)
                    .map(|(id, r)| (id.clone(), r.modified))
                    .collect()
            };
            let key = |id: &str, at| Some(format!("poll {id} {at}"));
            let events: Vec<_> = changed
                .iter()
                .map(|(id, at)| event(&world, Side::Crm, id, Trigger::Poll, key(id, at)))
                .collect();
            (events, now)
        };
        if hear(&world, events).await || world.bug == Some(Bug::CursorBeforeDurable) {
            cursor = newest;
        }
    }
}

/// Finance's poller: what differs from what it saw last, by a counter.
pub async fn poll_finance(world: Shared) {
    let mut seen: BTreeMap<String, Values> = BTreeMap::new();
    let mut looks = 0_u64;
    loop {
        world.sim.sleep(world.sim.between(20, 60) * SECOND).await;
        let shown: Vec<_> = {
            let all = world.lock();
            let alive = all.systems[Side::Finance as usize].alive();
            alive
                .map(|(id, record)| (id.clone(), record.values.clone()))
                .collect()
        };
        let mut changed = Vec::new();
        // A look whose answer was lost may have been stored: the next one must not use its keys again.
        looks += 1;
        for (id, mut values) in shown {
            values.remove(&Field::CustomerNumber);
            if seen.get(&id) == Some(&values) {
                continue;
            }
            changed.push((id, values));
        }
        let events: Vec<_> = changed
            .iter()
            .map(|(id, _)| {
                event(
                    &world,
                    Side::Finance,
                    id,
                    Trigger::Poll,
                    Some(format!("poll {id} {looks}")),
                )
            })
            .collect();
        if hear(&world, events).await || world.bug == Some(Bug::CursorBeforeDurable) {
            seen.extend(changed);
        }
    }
}

/// The users, so many actions: mostly minutes apart, now and then in one breath.
pub async fn live(world: Shared, actions: u64) {
    let busy = world.busy();
    for _ in 0..actions {
        let pause = match world.sim.below(10) {
            0..4 => world.sim.between(0, 300 * MS),
            4..8 => world.sim.between(SECOND, 15 * SECOND),
            _ => world.sim.between(15 * SECOND, 90 * SECOND),
        };
        world.sim.sleep(pause).await;
        people::act(&world);
    }
    drop(busy);
}
