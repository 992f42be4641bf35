//! Virtual time, seeded chance and a single-threaded executor: the same seed is the same history, to the last step.
//!
//! Tasks wait for nothing but time, and every await of a port or of the store is a stretch of virtual time drawn by
//! chance: so whoever is to come next at any await point is drawn too. No wall clock, no hash order, no threads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use futures::future::BoxFuture;
use uuid::Uuid;

/// Microseconds of virtual time.
pub type Time = u64;

pub const MS: Time = 1_000;
pub const SECOND: Time = 1_000 * MS;

/// When histories begin (UTC).
const BEGINNING: i64 = 1_700_000_000_000_000;

/// The virtual time of an instant.
pub fn time_of(at: DateTime<Utc>) -> Time {
    (at.timestamp_micros() - BEGINNING).unsigned_abs()
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

struct State {
    now: Time,
    steps: u64,
    chance: u64,
    ids: u128,
    due: BinaryHeap<Reverse<(Time, u64, usize)>>,
    spawned: Vec<(usize, Task)>,
    tasks: usize,
    current: usize,
    killed: Vec<usize>,
    history: Option<Vec<(Time, String)>>,
}

/// The world's clock, dice and list of what is due.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<State>>);

impl Sim {
    pub fn new(seed: u64, told: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: 0,
            steps: 0,
            chance: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D,
            ids: 0,
            due: BinaryHeap::new(),
            spawned: Vec::new(),
            tasks: 0,
            current: usize::MAX,
            killed: Vec::new(),
            history: told.then(Vec::new),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn time(&self) -> Time {
        self.state().now
    }

    /// SplitMix64.
    fn draw(&self) -> u64 {
        let mut state = self.state();
        state.chance = state.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    pub fn between(&self, from: Time, to: Time) -> Time {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True so many times in a thousand.
    pub fn odds(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.below(from.len() as u64)).unwrap())
    }

    /// A line of the history; built only when someone reads it.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if self.state().history.is_some() {
            let line = line();
            let mut state = self.state();
            let now = state.now;
            if let Some(history) = &mut state.history {
                history.push((now, line));
            }
        }
    }

    pub fn history(&self) -> Vec<String> {
        let state = self.state();
        let lines = state.history.iter().flatten();
        lines
            .map(|(at, line)| format!("{:>10.3}s {line}", *at as f64 / SECOND as f64))
            .collect()
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        let id = state.tasks;
        state.tasks += 1;
        state.steps += 1;
        let (now, step) = (state.now, state.steps);
        state.spawned.push((id, Box::pin(task)));
        state.due.push(Reverse((now, step, id)));
    }

    /// Waits so long.
    pub fn sleep(&self, span: Time) -> Sleep {
        Sleep {
            sim: self.clone(),
            span,
            until: None,
        }
    }

    /// Ends the running task here and now: a killed process.
    pub async fn die(&self) {
        {
            let mut state = self.state();
            let current = state.current;
            state.killed.push(current);
        }
        std::future::pending::<()>().await;
    }
}

/// A wait in virtual time.
pub struct Sleep {
    sim: Sim,
    span: Time,
    until: Option<Time>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let sim = self.sim.clone();
        let mut state = sim.state();
        match self.until {
            Some(until) if state.now >= until => Poll::Ready(()),
            Some(_) => Poll::Pending,
            None => {
                let until = state.now + self.span;
                self.until = Some(until);
                state.steps += 1;
                let (step, current) = (state.steps, state.current);
                state.due.push(Reverse((until, step, current)));
                Poll::Pending
            }
        }
    }
}

impl Clock for Sim {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(BEGINNING + self.time().cast_signed()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.time())
    }

    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep(time.as_micros().try_into().unwrap()))
    }

    fn jitter(&self) -> f64 {
        self.below(1001) as f64 / 1000.0
    }

    fn id(&self) -> Uuid {
        let mut state = self.state();
        state.ids += 1;
        Uuid::from_u128(state.ids)
    }
}

/// Runs tasks in the order in which they are due.
pub struct Executor {
    sim: Sim,
    tasks: BTreeMap<usize, Task>,
}

impl Executor {
    pub fn new(sim: &Sim) -> Self {
        Self {
            sim: sim.clone(),
            tasks: BTreeMap::new(),
        }
    }

    /// Runs until `done` says so (asked whenever time moves on) or virtual time reaches `end`; says which.
    pub fn run(&mut self, end: Time, mut done: impl FnMut() -> bool) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let next = {
                let mut state = self.sim.state();
                self.tasks.extend(state.spawned.drain(..));
                match state.due.peek() {
                    Some(Reverse((at, ..))) if *at <= end => {
                        let moved = *at > state.now;
                        drop(state);
                        if moved && done() {
                            return true;
                        }
                        let mut state = self.sim.state();
                        state.due.pop().map(|Reverse((at, _, id))| {
                            state.now = at;
                            state.current = id;
                            id
                        })
                    }
                    _ => None,
                }
            };
            let Some(id) = next else { return done() };
            if let Some(task) = self.tasks.get_mut(&id)
                && task.as_mut().poll(&mut context).is_ready()
            {
                self.tasks.remove(&id);
            }
            let killed = std::mem::take(&mut self.sim.state().killed);
            for id in killed {
                self.tasks.remove(&id);
            }
        }
    }
}
