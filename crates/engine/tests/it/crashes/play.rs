//! A scenario as it is played: with or without a kill, until nothing waits but for a human.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::customer::{Customer, Field};
use domain::document::{Document, DocumentKind};
use domain::ports::{Ring, Side};
use domain::store::{EntityRef, EntityType, LinkState};
use engine::{Engine, Ran};
use futures::future::{Either, select};

use super::fate::{Fate, Plot};
use super::ports::{Mood, Port};
use super::store::Mortal;
use crate::world::World;

/// So many rounds without an end are a loop.
const ROUNDS: usize = 300;

/// One play of a scenario.
pub struct Play {
    pub w: World,
    /// The engine whose runs may be killed.
    pub engine: Engine,
    pub fate: Arc<Fate>,
    pub crm: Port,
    pub finance: Port,
    /// What differs after some kill for a reason that is told in the scenario.
    pub forgives: fn(&str) -> bool,
    /// Whoever comes first of two, by chance or by a kill: either end is right.
    pub either_way: bool,
}

impl Play {
    pub fn new(w: World, plot: Plot) -> Self {
        let fate = Arc::new(Fate::new(plot, w.clock.clone()));
        let crm = Port::new(Side::Crm, w.crm.clone(), fate.clone());
        let finance = Port::new(Side::Finance, w.finance.clone(), fate.clone());
        let store = Mortal {
            store: w.store.clone(),
            fate: fate.clone(),
        };
        let engine = Engine {
            crm: Arc::new(crm.clone()),
            finance: Arc::new(finance.clone()),
            store: Arc::new(store),
            ..w.engine.clone()
        };
        Self {
            w,
            engine,
            fate,
            crm,
            finance,
            forgives: |_| false,
            either_way: false,
        }
    }

    /// A customer that both systems have, linked and in step. Says its two ids.
    pub async fn pair(&self, customer: Customer) -> (String, String) {
        let crm = self.w.crm.add(customer);
        self.hears(Side::Crm, &crm).await;
        self.quiet().await;
        let finance = self.w.finance.ids().pop().unwrap();
        self.wait(10);
        (crm, finance)
    }

    /// A quote of a customer that both systems have.
    pub async fn quote(&self, customer: Customer) -> Document {
        let (crm, _) = self.pair(customer).await;
        let quote = crate::desk::document(DocumentKind::Quote, &crm);
        self.w.crm.desk.add("q", quote.clone());
        quote
    }

    /// These two come in any order.
    pub fn in_either_order<T>(&mut self, mut two: [T; 2]) -> [T; 2] {
        self.either_way = true;
        if self.fate.plot.other_way {
            two.reverse();
        }
        two
    }

    /// What was so far is how it was: from here on runs are killed.
    pub fn begins(&self) {
        self.fate.begin();
    }

    pub fn wait(&self, seconds: u64) {
        self.w.clock.turn(Duration::from_secs(seconds));
    }

    pub fn mood(&self, side: Side, mood: Mood) {
        let port = match side {
            Side::Crm => &self.crm,
            Side::Finance => &self.finance,
        };
        *port.mood.lock().unwrap() = mood;
    }

    /// An edit is heard of by the side on which it was made.
    pub async fn edits(&self, side: Side, id: &str, field: Field, value: &str) {
        match side {
            Side::Crm => self.w.crm.edit(id, field, value),
            Side::Finance => self.w.finance.edit(id, field, value),
        }
        self.hears(side, id).await;
    }

    pub async fn hears(&self, side: Side, id: &str) {
        self.w.enqueue(side, id).await;
    }

    pub async fn hears_of(&self, entity_type: EntityType, id: &str) {
        self.w.hear_of(entity_type, Side::Crm, id).await;
    }

    /// Hears of a customer, and of everything that follows.
    pub async fn syncs(&self, side: Side, id: &str) {
        self.hears(side, id).await;
        self.quiet().await;
    }

    pub async fn syncs_document(&self, entity_type: EntityType, id: &str) {
        self.hears_of(entity_type, id).await;
        self.quiet().await;
    }

    /// The engine of the operator's own commands.
    pub fn operator(&self) -> Engine {
        Engine {
            config: self.engine.config,
            ..self.w.engine.clone()
        }
    }

    /// An operator looks into finance, and says truthfully what became of documents of which nobody knows. Says whether
    /// there were any.
    async fn operator_looks(&self) -> bool {
        let mut any = false;
        for (kind, entity_type, id) in [
            (DocumentKind::Quote, EntityType::PreInvoice, "q"),
            (DocumentKind::Invoice, EntityType::Invoice, "i"),
        ] {
            if self.w.crm.desk.read(kind, id).is_some() {
                let entity = EntityRef {
                    entity_type,
                    side: Side::Crm,
                    id: id.to_owned(),
                };
                any |= self.operator_rules(&entity).await;
            }
        }
        any
    }

    async fn operator_rules(&self, entity: &EntityRef) -> bool {
        let link = self.w.store.find_link(entity).await.unwrap();
        let waiting = link.filter(|link| link.state == LinkState::Conflict);
        let sent = waiting.and_then(|link| link.in_flight.issue().cloned());
        let Some(sent) = sent.filter(|sent| sent.is_unknown()) else {
            return false;
        };
        self.wait(121);
        self.arrive().await;
        let issued = self.w.finance.desk.issued();
        let stands = issued
            .iter()
            .rposition(|(document, _)| *document == sent.document);
        let engine = self.operator();
        let ruled = match stands {
            Some(n) => engine.exists(entity, &(2001 + n).to_string(), None).await,
            None => engine.send_again(entity, None).await,
        };
        ruled.unwrap();
        true
    }

    /// Runs everything that waits, turning the clock, until nothing does but for a human. What is killed is left as it
    /// is, and is found by the sweep. Documents of which nobody knows are ruled about.
    pub async fn quiet(&self) {
        for _ in 0..ROUNDS {
            self.arrive().await;
            for (side, id) in self.fate.echoes() {
                self.hears(side, &id).await;
            }
            let mut rings = self.w.store.sweep(100, Duration::ZERO).await.unwrap();
            rings.sort_by_key(|ring| ring.row);
            let mut moved = false;
            for ring in &rings {
                moved |= self.run(ring).await;
            }
            if !moved && !self.operator_looks().await {
                match self.next_time().await {
                    Some(at) => self.w.clock.turn((at - self.w.clock.now()).to_std().unwrap()),
                    None if rings.is_empty() => return,
                    None => panic!("{rings:?} wait for nothing"),
                }
            }
        }
        panic!("no end in sight: {:#?}", self.w.rows().await);
    }

    /// Whether the run came to anything.
    async fn run(&self, ring: &Ring) -> bool {
        self.w.clock.turn(Duration::from_millis(1));
        let run = pin!(self.engine.run(ring));
        let killed = pin!(self.fate.killed());
        match select(run, killed).await {
            Either::Left((ran, _)) => !matches!(ran.unwrap(), Ran::Busy | Ran::NotDue),
            Either::Right(_) => true,
        }
    }

    /// What was late arrives.
    async fn arrive(&self) {
        for (side, request) in self.fate.arrivals() {
            match side {
                Side::Crm => self.crm.arrives(request).await,
                Side::Finance => self.finance.arrives(request).await,
            }
        }
    }

    /// When something is due that is not yet: a retry, the end of a lease that someone waits for, what is in transit.
    async fn next_time(&self) -> Option<DateTime<Utc>> {
        let now = self.w.clock.now();
        let rows = self.w.rows().await;
        let open: Vec<_> = rows.iter().filter(|row| !row.status.is_final()).collect();
        let retries = self.w.retries().await.into_iter();
        let retries = retries
            .filter(|retry| open.iter().any(|row| row.id == retry.sync_log_id))
            .map(|retry| retry.next_retry_at);
        let links = match open.is_empty() {
            true => Vec::new(),
            false => self.w.links().await,
        };
        let leases = links.into_iter().filter_map(|link| link.lease_until);
        let late = self.fate.next_arrival();
        retries.chain(leases).chain(late).filter(|at| *at > now).min()
    }
}
