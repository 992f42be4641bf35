//! Those who work: a worker for each ring, the sweeper, the users.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::company::Company;
use domain::ports::{Ring, Side};
use domain::store::Store;
use engine::{Config, Engine, Ran};

use crate::bugs;
use crate::client::Client;
use crate::companies::{FIRST, served};
use crate::people;
use crate::ports::Port;
use crate::sched::{MS, SECOND, Time};
use crate::world::{Shared, ring};

/// The engine, behind one process's connections.
pub fn engine(world: &Shared, client: &Arc<Client>) -> Engine {
    let first = of_company(world, client, FIRST);
    let others = first.served.iter().filter(|company| *company != FIRST);
    Engine {
        others: others
            .map(|company| (company, of_company(world, client, company)))
            .collect(),
        ..first.clone()
    }
}

fn of_company(world: &Shared, client: &Arc<Client>, company: Company) -> Engine {
    let port = |side| {
        Arc::new(Port {
            side,
            company,
            client: client.clone(),
            pretended: Mutex::new(None),
        })
    };
    let store = world.store.behind(client.clone()).of(world.kept_as(company));
    Engine {
        served: served(world.odd),
        others: std::collections::BTreeMap::new(),
        crm: port(Side::Crm),
        finance: port(Side::Finance),
        store: bugs::store(client, store.clone()),
        index: bugs::index(client, store.clone(), company),
        polls: Some(Arc::new(store)),
        clock: Arc::new(world.sim.clone()),
        config: Config {
            numbering: world.numbering(company),
            ..world.config
        },
        documents: Default::default(),
        owner: client.name.clone(),
    }
}

/// What a worker does with a ring, as `crates/worker` does.
pub async fn work(world: &Shared, first: Ring) {
    let name = format!("w{}", world.sim.time() % 9973);
    let client = Arc::new(Client::new(world, &name, true));
    let engine = engine(world, &client);
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
        if let Ok(Ran::Ended { also, .. }) = &ran {
            also.iter().for_each(|heard| ring(world, heard.row));
        }
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

/// The sweeper; killed, it is started again.
pub async fn sweep(world: Shared) {
    let every = Duration::from_secs(10);
    loop {
        world.sim.sleep(world.sim.between(8, 10) * SECOND).await;
        let (one, busy) = (world.clone(), world.busy());
        world.sim.spawn(async move {
            let store = one.store.behind(Arc::new(Client::new(&one, "sweep", true)));
            for found in store.sweep(100, every).await.unwrap_or_default() {
                ring(&one, found.row);
            }
            drop(busy);
        });
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
