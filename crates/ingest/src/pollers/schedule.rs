//! When a poll looks: every interval, sooner again after a failure, at once after a dead process.

use std::sync::Arc;
use std::time::Duration;

use domain::polls::{Begin, PollLease, Rhythm};
use domain::store::StoreError;
use metrics::gauge;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use super::{Failure, OfCompany, Pollers, Source, crm, finance, held, judge, tell, turn};

/// The first look of a process comes within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(3);
/// The first wait after a failure; doubles up to the interval.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon a poll that was held, or that another process has, is looked at again at the latest.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Never more often than this, whatever the database says.
const SHORTEST: Duration = Duration::from_millis(100);
/// While its system is down, how soon a poll looks whether it is back; costs nothing.
const DOWN: Duration = Duration::from_millis(500);
/// How often the CRM is read with the wide overlap.
const WIDE_EVERY: Duration = Duration::from_secs(3600);

/// What one task remembers between its looks.
#[derive(Debug, Default)]
struct Memory {
    /// Looks that failed one after the other.
    failures: u32,
    /// The database was out of reach: told once.
    broken: bool,
    /// The last look with the wide overlap, by the monotonic clock.
    wide_at: Option<Duration>,
    /// The poll is known to be held: told once.
    held: bool,
    /// What is held was last looked at, by the monotonic clock.
    held_at: Option<Duration>,
}

/// One poll, until `shutdown`.
pub(super) async fn run(pollers: Arc<Pollers>, source: Source, shutdown: CancellationToken) {
    tell::starts(source);
    let mut memory = Memory::default();
    let first = FIRST_WITHIN.min(pollers.interval(source));
    let mut wait = first.mul_f64(pollers.clock.jitter());
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = once(&pollers, source, &mut memory, &shutdown).await.max(SHORTEST);
    }
}

/// One try; says how long to wait for the next.
async fn once(
    pollers: &Pollers,
    source: Source,
    memory: &mut Memory,
    shutdown: &CancellationToken,
) -> Duration {
    let (poll, interval) = (source.poll(), pollers.interval(source));
    // Earlier by chance, never later: an edit is seen within one interval, and processes don't march in step.
    let rhythm = Rhythm {
        interval: interval.mul_f64(1.0 - 0.1 * pollers.clock.jitter()),
        lease: pollers.lease,
    };
    if pollers.is_down(source) {
        return DOWN;
    }
    let begun = pollers
        .store_of(source)
        .begin(&poll, &pollers.owner, rhythm)
        .await;
    if let Ok(begun) = &begun {
        // Every process says the same of a poll, whoever has its turn.
        let held = matches!(begun, Begin::Held(_));
        gauge!("poll_held", "poll" => poll.clone()).set(f64::from(u8::from(held)));
    }
    match begun {
        Err(error) => {
            if !std::mem::replace(&mut memory.broken, true) {
                warn!(poll = poll.as_str(), %error, "poll {poll} waits: {error}");
            }
            AGAIN.min(interval)
        }
        Ok(Begin::NotDue(wait)) => wait.min(interval),
        Ok(Begin::Busy(wait)) => wait.min(ASK_AGAIN).min(interval),
        Ok(Begin::Held(row)) => {
            if !std::mem::replace(&mut memory.held, true) {
                warn!(poll = poll.as_str(), %row, "poll {poll} is held by the guard, row {row}: `siaghsync resume` or `siaghsync guard drop`");
            }
            if let Some(finance) = pollers.finance_of(source) {
                look_again(pollers, finance, &poll, memory, interval).await;
            }
            ASK_AGAIN.min(interval)
        }
        Ok(Begin::Taken(turn)) => {
            memory.broken = false;
            // Whoever trips the guard says so there and then.
            memory.held = true;
            let span = info_span!("poll", otel.name = format!("poll {poll}"), poll = poll.as_str());
            let looked = look(pollers, source, memory, &turn, shutdown)
                .instrument(span)
                .await;
            settle(pollers, source, memory, &turn, looked, interval).await
        }
    }
}

/// At each interval, whether what is held is still to be done. A look that fails leaves all of it held.
async fn look_again(
    pollers: &Pollers,
    finance: &OfCompany,
    poll: &str,
    memory: &mut Memory,
    interval: Duration,
) {
    let now = pollers.clock.monotonic();
    if memory.held_at.is_some_and(|at| now.saturating_sub(at) < interval) {
        return;
    }
    memory.held_at = Some(now);
    if let Err(error) = held::look_again(finance, poll).await {
        warn!(%error, "what the guard holds of finance is not looked at again now: {error}");
    }
}

/// A look under its lease; `None` when `shutdown` came first.
async fn look(
    pollers: &Pollers,
    source: Source,
    memory: &mut Memory,
    turn: &PollLease,
    shutdown: &CancellationToken,
) -> Option<Result<(), Failure>> {
    tell::begins(pollers, source, turn);
    let now = pollers.clock.monotonic();
    let wide = memory
        .wide_at
        .is_none_or(|at| now.saturating_sub(at) >= WIDE_EVERY);
    let work = async {
        let read = match source {
            Source::Customers(kind) => crm::customers(pollers, kind, turn, wide).await?,
            Source::Documents(kind) => crm::documents(pollers, kind, turn, wide).await?,
            Source::Finance(..) => match pollers.finance_of(source) {
                Some(finance) => finance::read(finance, turn).await?,
                None => return Ok(()),
            },
        };
        judge::store(pollers, source, turn, read).await
    };
    let result = tokio::select! {
        () = shutdown.cancelled() => return None,
        result = turn::under_lease(pollers.store_of(source), turn, pollers.lease, work) => result,
    };
    if wide && result.is_ok() {
        memory.wide_at = Some(now);
    }
    Some(result)
}

/// What follows a look: figures, the lease, the time of the next.
async fn settle(
    pollers: &Pollers,
    source: Source,
    memory: &mut Memory,
    turn: &PollLease,
    looked: Option<Result<(), Failure>>,
    interval: Duration,
) -> Duration {
    let wait = match &looked {
        Some(Ok(())) => {
            memory.failures = 0;
            tell::done(pollers, source, turn);
            // The database knows when the next one is due.
            return interval.min(ASK_AGAIN).mul_f64(0.5);
        }
        Some(Err(failure)) => {
            let doubled = AGAIN.saturating_mul(1 << memory.failures.min(16));
            memory.failures += 1;
            tell::failed(source, failure, memory.failures);
            doubled
                .min(interval)
                .max(failure.retry_after().unwrap_or_default())
        }
        None => Duration::ZERO,
    };
    if !matches!(looked, Some(Err(Failure::Store(StoreError::Fenced))))
        && let Err(error) = pollers.store_of(source).give_back(turn, wait).await
    {
        tracing::debug!(poll = source.poll(), %error, "the lease lapses by itself");
    }
    wait
}
