//! Carrying the import out: rows are enqueued in batches and run by the ordinary engine, here.
//!
//! Each contact has a row of its own with a stable key, so that an import that was ended anywhere goes on where it was.
//! Workers may take rows, too: the lease sees to that. It never writes to a system by itself.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use domain::message::Code;
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::sql::SqlStore;
use domain::store::{EntityRef, EntityType, Event, Status, Store, Trigger};
use engine::{Engine, Ran};
use futures::StreamExt;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use indicatif::ProgressBar;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows are enqueued so many at a time.
const BATCH: usize = 200;
/// So many in a row that fail for no reason of their own end the import: a system is down.
const SYSTEMIC: u32 = 25;
/// How long a row that a worker has is left alone.
const BUSY: Duration = Duration::from_secs(1);

/// An import under way.
pub(super) struct Carrier<'a> {
    engine: &'a Engine,
    store: &'a SqlStore,
    pace: DefaultDirectRateLimiter,
    /// So many contacts are worked on at a time.
    at_once: usize,
    stop: CancellationToken,
    bar: ProgressBar,
    /// Rows whose time has not come.
    later: Vec<(Ring, Instant)>,
    /// Failures in a row that are no contact's own.
    systemic: u32,
}

/// What a row came to for now. With why, when it failed for no reason of its own.
enum Run {
    Ended(Option<String>),
    Later(Ring, Duration, Option<String>),
}

impl<'a> Carrier<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        store: &'a SqlStore,
        per_second: NonZeroU32,
        at_once: usize,
        stop: CancellationToken,
        bar: ProgressBar,
    ) -> Self {
        // No bursts: what is saved up while a system is slow would hit it when it is back.
        let quota = Quota::per_second(per_second).allow_burst(NonZeroU32::MIN);
        Self {
            engine,
            store,
            pace: RateLimiter::direct(quota),
            at_once,
            stop,
            bar,
            later: Vec::new(),
            systemic: 0,
        }
    }

    /// Carries these contacts out; says which row is whose. What is not done at the end waits in the database.
    ///
    /// # Errors
    /// The database's own; a system that is down.
    pub(super) async fn carry_out(&mut self, codes: &[&str]) -> anyhow::Result<HashMap<Uuid, String>> {
        let mut rows = HashMap::with_capacity(codes.len());
        for batch in codes.chunks(BATCH) {
            if self.stop.is_cancelled() {
                break;
            }
            let enqueued = self.enqueue(batch).await?;
            let rings = enqueued.iter().map(|(row, _)| ring_for(*row)).collect();
            rows.extend(enqueued);
            self.run_all(rings).await?;
        }
        self.wait_for_the_rest().await?;
        Ok(rows)
    }

    /// A row for each contact: the one of an earlier import if it is still open, else a new one.
    async fn enqueue(&self, codes: &[&str]) -> anyhow::Result<Vec<(Uuid, String)>> {
        let keys: Vec<String> = codes.iter().map(|code| format!("import:{code}")).collect();
        let stored: Vec<String> = keys
            .iter()
            .map(|key| self.store.event_key(Side::Finance, key))
            .collect();
        let known = log::Entity::find()
            .filter(log::Column::SourceSystem.eq("FINANCE"))
            .filter(log::Column::EventId.is_in(&stored))
            .select_only()
            .column(log::Column::EventId)
            .column(log::Column::Id)
            .column(log::Column::Status)
            .into_tuple::<(String, Uuid, Status)>();
        let known = known.all(self.store.db()).await?.into_iter();
        let known: HashMap<String, (Uuid, Status)> =
            known.map(|(key, id, status)| (key, (id, status))).collect();
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        for ((code, key), stored) in codes.iter().zip(keys).zip(&stored) {
            let row = match known.get(stored) {
                Some((row, status)) if !status.is_final() => *row,
                // Tried before and not linked since: looked at anew.
                tried => {
                    let event = event(code, tried.is_none().then_some(key));
                    let row = event.row;
                    events.push(event);
                    row
                }
            };
            rows.push((row, (*code).to_owned()));
        }
        let new = self.store.enqueue(&events).await?;
        let beaten: Vec<_> = events
            .iter()
            .zip(new)
            .filter(|(_, new)| !new)
            .map(|(event, _)| event.row)
            .collect();
        // Another import has enqueued these in the same moment, and sees to them.
        rows.retain(|(row, _)| !beaten.contains(row));
        Ok(rows)
    }

    async fn run_all(&mut self, rings: Vec<Ring>) -> anyhow::Result<()> {
        let (engine, pace, stop) = (self.engine, &self.pace, &self.stop);
        let runs: Vec<_> = rings
            .into_iter()
            .map(|ring| async move {
                tokio::select! {
                    () = stop.cancelled() => Ok(None),
                    () = pace.until_ready() => run(engine, ring).await.map(Some),
                }
            })
            .collect();
        let mut runs = futures::stream::iter(runs).buffer_unordered(self.at_once);
        let (mut systemic, mut broken) = (self.systemic, None);
        while let Some(run) = runs.next().await {
            let failure = match run? {
                None => continue,
                Some(Run::Ended(failure)) => {
                    self.bar.inc(1);
                    failure
                }
                Some(Run::Later(ring, wait, failure)) => {
                    self.later.push((ring, Instant::now() + wait));
                    failure
                }
            };
            systemic = if failure.is_some() { systemic + 1 } else { 0 };
            if let (SYSTEMIC.., Some(why)) = (systemic, failure) {
                // What has begun may end.
                broken.get_or_insert(why);
                stop.cancel();
            }
        }
        self.systemic = systemic;
        if let Some(why) = broken {
            anyhow::bail!(
                "stopped: {SYSTEMIC} contacts in a row could not be carried over ({why}); see `siaghsync check`, then \
                 run the import again to go on"
            );
        }
        Ok(())
    }

    /// Rows that wait: for a retry, for a worker that has them, for a create whose answer was lost.
    async fn wait_for_the_rest(&mut self) -> anyhow::Result<()> {
        let config = &self.engine.config;
        let patience = config.create_settle * 2 + config.lease + Duration::from_secs(60);
        let until = Instant::now() + patience;
        while !self.later.is_empty() && !self.stop.is_cancelled() && Instant::now() < until {
            self.bar
                .set_message(format!("{} wait for their time", self.later.len()));
            let now = Instant::now();
            let (due, later): (Vec<_>, Vec<_>) = self.later.drain(..).partition(|(_, at)| *at <= now);
            self.later = later;
            if due.is_empty() {
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
                continue;
            }
            self.run_all(due.into_iter().map(|(ring, _)| ring).collect())
                .await?;
        }
        Ok(())
    }
}

/// Runs a row, and what came in of the same contact meanwhile.
async fn run(engine: &Engine, ring: Ring) -> anyhow::Result<Run> {
    let row = ring.row;
    let (mut next, mut ended) = (ring, None);
    loop {
        let asked = next.clone();
        match engine.run(&next).await? {
            Ran::Ended {
                row: led,
                outcome,
                next: after,
                ..
            } => {
                // It looks again by itself; whoever must correct a record there is not waited for here.
                if outcome
                    .message
                    .as_ref()
                    .is_some_and(|why| why.code == Code::CandidatesSetAside)
                {
                    return Ok(Run::Ended(None));
                }
                let why = outcome.text().unwrap_or_default();
                let class = outcome.error_class.unwrap_or_default();
                let systemic = matches!(class, "transient" | "session" | "unknown_outcome");
                if outcome.status.is_final() && (led == row || asked.row == row) {
                    ended = Some(Run::Ended(systemic.then(|| why.clone())));
                }
                match after {
                    Some((ring, wait)) if wait.is_zero() => next = ring,
                    Some((ring, wait)) if ended.is_none() => {
                        return Ok(Run::Later(ring, wait, systemic.then_some(why)));
                    }
                    _ => break,
                }
            }
            // A worker has seen to it.
            Ran::Done => {
                ended.get_or_insert(Run::Ended(None));
                break;
            }
            Ran::Unavailable(side) => {
                let why = format!("{side} does not answer");
                return Ok(Run::Later(asked, BUSY, Some(why)));
            }
            Ran::Busy | Ran::NotDue | Ran::Fenced => {
                return Ok(ended.unwrap_or(Run::Later(asked, BUSY, None)));
            }
        }
    }
    Ok(ended.unwrap_or(Run::Later(ring_for(row), BUSY, None)))
}

fn ring_for(row: Uuid) -> Ring {
    Ring {
        row,
        traceparent: None,
    }
}

fn event(code: &str, key: Option<String>) -> Event {
    Event {
        row: Uuid::now_v7(),
        entity: EntityRef {
            entity_type: EntityType::Customer,
            side: Side::Finance,
            id: code.to_owned(),
        },
        company: None,
        trigger: Trigger::Import,
        event_id: key,
        payload: serde_json::json!({ "command": "import" }),
        traceparent: None,
        rung: true,
    }
}
