//! Where a run may be killed: each point is named and counted, and at one of them the run stands still for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::Side;

use super::ports::Request;
use crate::world::TestClock;

/// What arrives late does so after that time: another run has taken over, and may have ended.
const IN_TRANSIT: chrono::Duration = chrono::Duration::seconds(90);

/// What a play does besides its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plot {
    /// The point at which the run is killed.
    pub kill_at: Option<usize>,
    /// So many points after that, another run is killed.
    pub and_after: Option<usize>,
    /// Both systems tell of whatever is written there, as webhooks and polls do.
    pub echoes: bool,
    /// Of what may come in either order, the other one is first.
    pub other_way: bool,
    /// What is wrong with the store.
    pub flaw: Option<Flaw>,
}

/// A store that does not do what it is for: the harness must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// An intent does not keep what is on its way.
    ForgetsInFlight,
    /// An intent does not keep what is written over.
    ForgetsDecisions,
}

#[derive(Debug, Default)]
struct Events {
    points: Vec<String>,
    killed: Vec<String>,
    /// What was sent and has not arrived.
    on_its_way: Vec<(DateTime<Utc>, Side, Request)>,
    /// What was written and not told of yet.
    echoes: Vec<(Side, String)>,
    sent: usize,
}

/// Counts the points of a play, and kills its run at one of them.
#[derive(Debug)]
pub struct Fate {
    pub plot: Plot,
    clock: Arc<TestClock>,
    counts: AtomicBool,
    dead: AtomicBool,
    events: Mutex<Events>,
}

impl Fate {
    pub fn new(plot: Plot, clock: Arc<TestClock>) -> Self {
        Self {
            plot,
            clock,
            counts: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            events: Mutex::default(),
        }
    }

    /// From here on points count.
    pub fn begin(&self) {
        self.counts.store(true, Ordering::SeqCst);
        self.events.lock().unwrap().sent = 0;
        self.events.lock().unwrap().echoes.clear();
    }

    /// Whether the run is to be killed here.
    fn is_up(&self, name: impl FnOnce() -> String) -> bool {
        if !self.counts.load(Ordering::SeqCst) {
            return false;
        }
        let mut events = self.events.lock().unwrap();
        let name = name();
        events.points.push(name.clone());
        let at = match events.killed.len() {
            0 => self.plot.kill_at,
            1 => self
                .plot
                .kill_at
                .zip(self.plot.and_after)
                .map(|(at, after)| at + 1 + after),
            _ => None,
        };
        let is_up = at == Some(events.points.len() - 1);
        if is_up {
            events.killed.push(name);
        }
        is_up
    }

    /// A point: nothing of the run happens after the one at which it is killed.
    pub async fn point(&self, when: &str, what: &str) {
        if self.is_up(|| format!("{when} {what}")) {
            self.dies().await;
        }
    }

    /// The point between sending and arriving: what was sent by a run that is killed here arrives long after.
    pub async fn in_transit(&self, side: Side, what: &str, request: &Request) {
        if self.is_up(|| format!("in transit {what}")) {
            self.is_late(side, request);
            self.dies().await;
        }
    }

    /// The request arrives late, and nobody hears its answer.
    pub fn is_late(&self, side: Side, request: &Request) {
        let at = self.clock.now() + IN_TRANSIT;
        let mut events = self.events.lock().unwrap();
        events.on_its_way.push((at, side, request.clone()));
    }

    async fn dies(&self) {
        self.dead.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await;
    }

    /// Until the run is killed.
    pub async fn killed(&self) {
        futures::future::poll_fn(|_| match self.dead.swap(false, Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// The points at which runs were killed.
    pub fn killed_at(&self) -> Vec<String> {
        self.events.lock().unwrap().killed.clone()
    }

    pub fn points(&self) -> Vec<String> {
        self.events.lock().unwrap().points.clone()
    }

    pub fn has_sent(&self) {
        self.events.lock().unwrap().sent += 1;
    }

    pub fn sent(&self) -> usize {
        self.events.lock().unwrap().sent
    }

    pub fn was_written(&self, side: Side, id: &str) {
        if self.plot.echoes {
            self.events.lock().unwrap().echoes.push((side, id.to_owned()));
        }
    }

    pub fn echoes(&self) -> Vec<(Side, String)> {
        std::mem::take(&mut self.events.lock().unwrap().echoes)
    }

    /// What arrives now.
    pub fn arrivals(&self) -> Vec<(Side, Request)> {
        let now = self.clock.now();
        let late = &mut self.events.lock().unwrap().on_its_way;
        let (here, late_still) = std::mem::take(late).into_iter().partition(|(at, ..)| *at <= now);
        *late = late_still;
        let here: Vec<(DateTime<Utc>, Side, Request)> = here;
        here.into_iter()
            .map(|(_, side, request)| (side, request))
            .collect()
    }

    pub fn next_arrival(&self) -> Option<DateTime<Utc>> {
        let events = self.events.lock().unwrap();
        events.on_its_way.iter().map(|(at, ..)| *at).min()
    }
}
