//! From what a run came to, to what it leaves behind: statuses, messages, retries. No I/O.

use std::time::Duration;

use chrono::SubsecRound;

use super::run::{Run, Stop};
use super::{Config, backoff};
use crate::customer::Customer;
use crate::merge::Reason;
use crate::ports::{PortError, Side};
use crate::store::{Change, Commit, InFlight, LinkState, Outcome, Retry, Status, Work};

/// A login that fails is no fault of the row: it waits so long, and no try is used up.
const SESSION_WAIT: Duration = Duration::from_secs(60);
/// An outside system that is down, or has no room for a call, is not asked again at once.
const LEAST_WAIT: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// What the run leaves behind. `jitter`: 0 to 1.
    pub(super) fn finish(mut self, result: Result<(), Stop>, jitter: f64) -> Commit {
        let heard = self.known_events();
        let mut retry = None;
        let mut unknown = false;
        let (status, message, class) = match result {
            Ok(()) if !self.held.is_empty() => (Status::Conflict, Some(held(&self.held)), Some("conflict")),
            Ok(()) if self.met.is_some() || self.changes.iter().any(|c| c.winner == Some(heard)) => {
                (Status::Success, self.met.clone(), None)
            }
            Ok(()) if !self.changes.is_empty() => (
                Status::Skipped,
                Some(format!("nothing to carry over from {heard}")),
                None,
            ),
            Ok(()) => (Status::Skipped, Some("in step already".to_owned()), None),
            Err(Stop::Gone(side)) => {
                let known = self.link.crm_id.is_some() && self.link.finance_id.is_some();
                if known {
                    self.link.state = LinkState::Closed;
                }
                unknown = !known && self.link.in_flight.is_empty() && self.work.link.state == LinkState::New;
                (Status::Skipped, Some(gone(side, known)), None)
            }
            Err(Stop::Off(side)) => {
                unknown = self.link.in_flight.is_empty() && self.work.link.state == LinkState::New;
                (Status::Skipped, Some(off(side)), None)
            }
            Err(Stop::Conflict(why)) => (Status::Conflict, Some(why), Some("conflict")),
            Err(Stop::Wait(why, wait)) => {
                retry = Some((wait, false));
                (Status::Pending, Some(why), Some("dependency"))
            }
            Err(Stop::Port(side, error)) => {
                let (status, class, wait) =
                    class(&self.engine.config, self.work.lead.retry_count, &error, jitter);
                retry = wait;
                (status, Some(format!("{side}: {error}")), Some(class))
            }
            // The engine sees to these before: a run that lost its lease leaves nothing behind.
            Err(Stop::Store(error)) => (Status::Failed, Some(error.to_string()), Some("store")),
            Err(Stop::LeaseTooShort) => (Status::Pending, None, None),
        };
        self.link.in_flight.retain(|_, intents| !intents.is_empty());
        let (mut status, mut message, mut class) = (status, message, class);
        if let (Status::Success | Status::Skipped, Some(left), false) = (status, self.out_for(), unknown) {
            // No poll need see that it takes back what has been put right meanwhile: we look ourselves.
            retry = Some((left, false));
            status = Status::Pending;
            let done = message.map(|done| format!("{done}; ")).unwrap_or_default();
            message = Some(format!(
                "{done}an update without an answer may still land: looked at again then"
            ));
            class = Some("dependency");
        }
        if self.link.state == LinkState::New && self.link.crm_id.is_some() && self.link.finance_id.is_some() {
            // Created, though not yet seen: no half any more that another run may take over.
            self.link.state = LinkState::Active;
        }
        if status == Status::Conflict {
            self.link.state = LinkState::Conflict;
        } else if status.is_final() {
            // Its conflict row ends with this run, whatever this run came to.
            self.link.end_conflict();
        } else if self.work.link.state == LinkState::Conflict {
            // Its conflict row is still open.
            self.link.state = LinkState::Conflict;
        }
        let max = self.engine.config.max_retries;
        let retry = retry.map(|(wait, counts)| Retry {
            // Whole milliseconds: the databases keep no more than microseconds, and a ring must not come early.
            at: (self.engine.clock.now() + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX))
                .trunc_subsecs(3),
            count: self.work.lead.retry_count + u32::from(counts),
            max,
        });
        let written = |side: Side| self.changes.iter().any(|c| c.winner == Some(side));
        let synced_from = [heard, heard.other()].into_iter().find(|side| written(*side));
        let mut outcome = self.outcome(heard, status, message);
        outcome.error_class = class;
        // What was written stands in an audit row of its own, unless the lead row is about just that.
        let told = matches!(status, Status::Success | Status::Conflict).then_some(heard);
        let audits = [heard, heard.other()]
            .into_iter()
            .filter(|side| written(*side) && Some(*side) != told)
            .map(|side| (side, self.outcome(side, Status::Success, None)))
            .collect();
        Commit {
            link: (!unknown).then_some(self.link),
            transaction: self.transaction,
            synced_from,
            outcome,
            retry,
            audits,
            look_again: self.look_again,
            took: self.engine.clock.monotonic().saturating_sub(self.started),
        }
    }

    /// How long the last update that was not answered may still be on its way.
    fn out_for(&self) -> Option<Duration> {
        if self.link.state != LinkState::Active {
            return None;
        }
        let now = self.engine.clock.now();
        let settle = self.engine.config.settle();
        let out = self.link.in_flight.iter().filter_map(|(side, sent)| {
            let until = sent.iter().map(|sent| sent.at).max()? + settle;
            (self.looked_at[*side as usize].unwrap_or(now) < until).then_some(until)
        });
        let left = out.max()? - now + chrono::Duration::seconds(1);
        Some(left.to_std().unwrap_or_default())
    }

    /// The audit of what was carried from `side`.
    fn outcome(&self, side: Side, status: Status, message: Option<String>) -> Outcome {
        let json = |customer: Option<&Customer>| customer.and_then(|c| serde_json::to_value(c).ok());
        let target = side.other();
        let after = self.snapshot(target).map(|s| &s.customer);
        let changes: Vec<&Change> = self
            .changes
            .iter()
            .filter(|c| c.winner == Some(side) || (c.winner.is_none() && side == self.known_events()))
            .collect();
        Outcome {
            status,
            message,
            error_class: None,
            changes: if changes.is_empty() {
                None
            } else {
                serde_json::to_value(changes).ok()
            },
            source_data: json(self.snapshot(side).map(|s| &s.customer)),
            target_before: json(self.before[target as usize].as_ref()),
            target_after: json(after),
        }
    }
}

/// What an outside failure makes of a row that has failed `failed_before` times: status, class, and when to try again
/// with whether that counts as a try.
pub(super) fn class(
    config: &Config,
    failed_before: u32,
    error: &PortError,
    jitter: f64,
) -> (Status, &'static str, Option<(Duration, bool)>) {
    let failed = failed_before + 1;
    let again = |retry_after| {
        let wait = backoff::delay(config.retry_base, failed, jitter, retry_after);
        if failed > config.max_retries {
            (Status::Failed, None)
        } else {
            (Status::Pending, Some((wait, true)))
        }
    };
    // Those who wait for the same system don't come back together.
    let put_off = |retry_after: Duration| {
        retry_after
            .clamp(LEAST_WAIT, backoff::LONGEST)
            .mul_f64(1.0 + jitter.clamp(0.0, 1.0))
            .min(backoff::LONGEST)
    };
    match error {
        PortError::Transient { retry_after, .. } => {
            let (status, wait) = again(*retry_after);
            (status, "transient", wait)
        }
        PortError::UnknownOutcome {
            retry_after,
            down: true,
            ..
        } => {
            let wait = (put_off(retry_after.unwrap_or_default()), false);
            (Status::Pending, "unknown_outcome", Some(wait))
        }
        PortError::UnknownOutcome { retry_after, .. } => {
            let (status, wait) = again(*retry_after);
            (status, "unknown_outcome", wait)
        }
        PortError::Unavailable { retry_after, .. } => (
            Status::Pending,
            "unavailable",
            Some((put_off(*retry_after), false)),
        ),
        PortError::Session(_) => (Status::Pending, "session", Some((SESSION_WAIT, false))),
        PortError::Refused(_) => (Status::Failed, "refused", None),
        PortError::Integrity { .. } => (Status::Conflict, "integrity", None),
    }
}

fn off(side: Side) -> String {
    let setting = match side {
        Side::Crm => "SYNC_FINANCE_TO_CRM",
        Side::Finance => "SYNC_CRM_TO_FINANCE",
    };
    format!("it is not in {side}, and {setting} is off")
}

fn gone(side: Side, known: bool) -> String {
    if known {
        format!(
            "{side} no longer has this record; the link is closed, and nothing is deleted on the other side"
        )
    } else {
        format!("{side} has no such record (any more)")
    }
}

fn held(decisions: &[crate::merge::Decision]) -> String {
    let fields: Vec<_> = decisions
        .iter()
        .map(|d| {
            let why = if d.reason == Reason::Oscillates {
                " (written back and forth)"
            } else {
                ""
            };
            format!("{}{why}: CRM {:?}, finance {:?}", d.field, d.crm, d.finance)
        })
        .collect();
    format!(
        "both systems changed these fields; a human decides: {}",
        fields.join("; ")
    )
}

/// The id that this run created or linked is another link's: what is left of a run that could not be committed.
/// `intended` is what the store holds as sent: the next run recognises it.
pub(super) fn linked_elsewhere(
    work: &Work,
    mut commit: Commit,
    intended: InFlight,
    why: &str,
    wait: Option<Retry>,
) -> Commit {
    let mut link = work.link.clone();
    link.in_flight = intended;
    if wait.is_none() {
        link.state = LinkState::Conflict;
    }
    commit.link = Some(link);
    commit.outcome.status = if wait.is_some() {
        Status::Pending
    } else {
        Status::Conflict
    };
    commit.outcome.error_class = Some(if wait.is_some() { "dependency" } else { "integrity" });
    commit.outcome.message = Some(match commit.outcome.message {
        Some(met) => format!("{met}; {why}"),
        None => why.to_owned(),
    });
    commit.retry = wait;
    commit.audits.clear();
    commit
}
