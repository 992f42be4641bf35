//! From what a document's run came to, to what it leaves behind. No I/O.

use std::time::Duration;

use chrono::SubsecRound;
use serde_json::{Value, json};

use super::{DocumentRun, Stop, unknown};
use crate::engine::finish::class;
use crate::ports::Side;
use crate::store::{Commit, InFlight, LinkState, Outcome, Retry, Status};

/// A document that waits for its customer is looked at again after half of the time that it has waited, within these.
const SOONEST: Duration = Duration::from_millis(500);
const LATEST: Duration = Duration::from_secs(60);

/// Status, message, class of the error, and when to try again with whether that counts as a try.
type Ending = (Status, String, Option<&'static str>, Option<(Duration, bool)>);

impl DocumentRun<'_> {
    /// What the run leaves behind. `jitter`: 0 to 1.
    pub(in crate::engine) fn finish(mut self, result: Result<(), Stop>, jitter: f64) -> Commit {
        let changes = match &result {
            Err(Stop::Changed(found)) => serde_json::to_value(found).ok(),
            _ => None,
        };
        let (status, message, error_class, wait) = self.ending(result, jitter);
        if status.is_final() && self.out().is_some_and(|sent| sent.again) {
            // An operator says that finance does not have it, and this run has not sent it: nothing is on its way that
            // others of the same order would have to wait for (simulated histories 2588, 33764).
            self.link.in_flight = InFlight::new();
        }
        self.set_state(status);
        let retry = wait.map(|(wait, counts)| Retry {
            at: (self.engine.clock.now() + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX))
                .trunc_subsecs(3),
            count: self.work.lead.retry_count + u32::from(counts),
            max: self.engine.config.max_retries,
        });
        let outcome = Outcome {
            error_class,
            changes,
            ..self.outcome(status, Some(message))
        };
        let mut audits = Vec::new();
        if self.answer.is_some() && status != Status::Success {
            audits.push((Side::Crm, self.outcome(Status::Success, self.issued_as())));
        }
        if self.noted {
            audits.push((Side::Finance, self.noted()));
        }
        // A half of which nothing is known is no more than its rows.
        let nothing = self.link.issued.is_none() && self.link.in_flight.is_empty();
        let forget = nothing && status.is_final() && self.work.link.state == LinkState::New;
        Commit {
            transaction: self.transaction,
            synced_from: self.answer.is_some().then_some(Side::Crm),
            outcome,
            retry,
            audits,
            look_again: self.look_again,
            took: self.engine.clock.monotonic().saturating_sub(self.started),
            link: (!forget).then_some(self.link),
        }
    }

    fn ending(&self, result: Result<(), Stop>, jitter: f64) -> Ending {
        match result {
            Ok(()) if self.answer.is_some() || self.noted || self.said.is_some() => {
                let parts = [self.said.clone(), self.issued_as(), self.noted_as()];
                let told: Vec<String> = parts.into_iter().flatten().collect();
                (Status::Success, told.join("; "), None, None)
            }
            Ok(()) => {
                let number = self.link.issued.as_ref().map_or("", |issued| &issued.number);
                (
                    Status::Skipped,
                    format!("issued as pre-invoice {number}, and unchanged"),
                    None,
                    None,
                )
            }
            Err(Stop::Skip(why)) => (Status::Skipped, why, None, None),
            Err(Stop::Gone) => (Status::Skipped, self.gone(), None, None),
            Err(Stop::Invalid(problems)) => (Status::Failed, problems.join("; "), Some("invalid"), None),
            Err(Stop::Wait(why)) => (
                Status::Pending,
                why,
                Some("dependency"),
                Some((self.patience(), false)),
            ),
            Err(Stop::Unknown(why)) => (Status::Conflict, why, Some("unknown_outcome"), None),
            Err(Stop::Changed(found)) => {
                let number = self.link.issued.as_ref().map_or("", |issued| &issued.number);
                let told: Vec<String> = found.iter().map(ToString::to_string).collect();
                let message = format!(
                    "changed after it was issued as pre-invoice {number}: {}. Put finance right by hand, then \
                     `siaghsync resolve <id> --accept`",
                    told.join("; ")
                );
                (Status::Conflict, message, Some("conflict"), None)
            }
            Err(Stop::Port(side, error)) => {
                let (status, class, wait) =
                    class(&self.engine.config, self.work.lead.retry_count, &error, jitter);
                if let (Status::Failed, Some(sent)) = (status, self.out().filter(|sent| !sent.again)) {
                    // Whatever else went wrong: what was sent waits for a human (simulated history 27284).
                    let why = unknown(sent, Some(&format!("{side}: {error}")));
                    return (Status::Conflict, why, Some("unknown_outcome"), None);
                }
                let done = self
                    .issued_as()
                    .map(|done| format!("{done}; "))
                    .unwrap_or_default();
                (status, format!("{done}{side}: {error}"), Some(class), wait)
            }
            // The engine sees to this before: a run that lost its lease leaves nothing behind.
            Err(Stop::Store(error)) => (Status::Failed, error.to_string(), Some("store"), None),
            Err(Stop::LeaseTooShort) => {
                let why = "the database was too slow to send it within the lease".to_owned();
                (Status::Pending, why, Some("dependency"), Some((SOONEST, false)))
            }
        }
    }

    fn set_state(&mut self, status: Status) {
        let link = &mut self.link;
        link.state = match (status, link.issued.is_some()) {
            (Status::Conflict, _) => LinkState::Conflict,
            // Its conflict row is still open.
            (Status::Pending, _) if self.work.link.state == LinkState::Conflict => LinkState::Conflict,
            (_, true) if self.seen.is_none() && status == Status::Skipped => LinkState::Closed,
            (_, true) => LinkState::Active,
            (_, false) => LinkState::New,
        };
    }

    fn issued_as(&self) -> Option<String> {
        let answer = self.answer.as_ref()?;
        Some(format!(
            "issued as pre-invoice {} (id {})",
            answer.number, answer.id
        ))
    }

    fn noted_as(&self) -> Option<String> {
        self.noted.then(|| "its number is noted in the CRM".to_owned())
    }

    fn gone(&self) -> String {
        match &self.link.issued {
            Some(issued) => format!(
                "the CRM no longer has it; pre-invoice {} stands in finance, where nothing is deleted",
                issued.number
            ),
            None => "the CRM has no such document (any more)".to_owned(),
        }
    }

    fn patience(&self) -> Duration {
        let waited = self.engine.clock.now() - self.work.lead.heard_at;
        (waited.to_std().unwrap_or_default() / 2).clamp(SOONEST, LATEST)
    }

    /// The audit of what was carried to finance, or was to be.
    fn outcome(&self, status: Status, message: Option<String>) -> Outcome {
        let issued = self.link.issued.as_ref();
        Outcome {
            source_data: self
                .seen
                .as_ref()
                .and_then(|seen| serde_json::to_value(&seen.document).ok()),
            target_before: None,
            target_after: self.answer.as_ref().map(|answer| json!(answer)).or_else(|| {
                issued.map(|issued| json!({ "id": self.link.finance_id, "number": issued.number }))
            }),
            ..Outcome::new(status, message)
        }
    }

    /// The audit of the number that went to the CRM.
    fn noted(&self) -> Outcome {
        let number = self.link.issued.as_ref().map_or("", |issued| &issued.number);
        let change: Value = json!([{ "field": "refId", "issued": "", "now": number }]);
        Outcome {
            changes: Some(change),
            ..Outcome::new(
                Status::Success,
                Some("the pre-invoice's number is noted in refId".to_owned()),
            )
        }
    }
}
