//! From how a run ended, to what it leaves behind: status, message, retry, audit rows. Pure.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use domain::change::Change;
use domain::company::Companies;
use domain::customer::Customer;
use domain::link::{Link, LinkState};
use domain::message::{Code, Message};
use domain::ports::PortError;
use domain::side::Side;
use domain::store::{Commit, Outcome, Retry, Status, TAKEN, Trigger, Withheld, Work};
use serde_json::Value;
use uuid::Uuid;

use crate::seen::{Known, Seen};
use crate::step::Ending;
use crate::{Config, backoff};

pub(crate) mod customer;
pub(crate) mod document;

/// A login that fails is no fault of the row: it waits so long, and no try is used up.
const SESSION_WAIT: Duration = Duration::from_secs(60);
/// An outside system that is down, or has no room for a call, is not asked again at once.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// What a run was, besides what it saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) work: &'a Work,
    pub(crate) config: &'a Config,
    pub(crate) transaction: Uuid,
    pub(crate) now: DateTime<Utc>,
    pub(crate) took: Duration,
    /// 0 to 1.
    pub(crate) jitter: f64,
    /// The first look at each side.
    pub(crate) before: &'a [Option<Customer>; 2],
}

/// How the lead row ends, or waits on.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) message: Option<Message>,
    pub(crate) class: Option<&'static str>,
    /// When to try again, and whether this was a try.
    pub(crate) retry: Option<(Duration, bool)>,
    /// What is to be free for it to be open again.
    pub(crate) withheld: Vec<Withheld>,
}

impl Verdict {
    pub(crate) fn of(status: Status, message: impl Into<Option<Message>>) -> Self {
        Self {
            status,
            message: message.into(),
            class: None,
            retry: None,
            withheld: Vec::new(),
        }
    }

    pub(crate) fn class(self, class: &'static str) -> Self {
        Self {
            class: Some(class),
            ..self
        }
    }

    /// It waits, and this was no try.
    pub(crate) fn waits(message: Message, wait: Duration) -> Self {
        Self {
            retry: Some((wait, false)),
            ..Self::of(Status::Pending, message).class("dependency")
        }
    }

    pub(crate) fn retry(&self, facts: &Facts<'_>) -> Option<Retry> {
        self.retry.map(|(wait, counts)| Retry {
            // Whole milliseconds: the databases keep no more than microseconds, and a ring must not come early.
            at: (facts.now + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX))
                .trunc_subsecs(3),
            count: facts.work.lead.retry_count + u32::from(counts),
            max: facts.config.max_retries,
        })
    }
}

/// An outside failure in its words.
pub(crate) fn in_words(side: Side, error: &PortError) -> Message {
    let code = match error {
        PortError::Transient { .. } => Code::NotAnswered,
        PortError::Unavailable { .. } => Code::Unavailable,
        PortError::UnknownOutcome { .. } => Code::OutcomeUnknown,
        PortError::Session(_) => Code::NoSession,
        PortError::Refused(_) | PortError::Incomplete(_) => Code::Refused,
        PortError::Taken { .. } => Code::TakenByNobody,
        PortError::SetAside(_) => Code::RecordSetAside,
        PortError::Integrity { .. } => Code::SecondRecord,
    };
    if let PortError::SetAside(aside) = error {
        let message = Message::new(code).with("side", side).with("id", &aside.id);
        return message.with_message("why", &aside.why);
    }
    let message = Message::new(code).with("side", side).with("words", error);
    match error {
        PortError::Integrity { sent, answered } => message.with("sent", sent).with("answered", answered),
        _ => message,
    }
}

/// What an outside failure makes of a row that has failed `failed_before` times.
pub(crate) fn failure(facts: &Facts<'_>, side: Side, error: &PortError) -> Verdict {
    let (config, failed) = (facts.config, facts.work.lead.retry_count + 1);
    let again = |retry_after| {
        let wait = backoff::delay(config.retry_base, failed, facts.jitter, retry_after);
        match failed > config.max_retries {
            true => (Status::Failed, None),
            false => (Status::Pending, Some((wait, true))),
        }
    };
    // Those who wait for the same system don't come back together.
    let put_off = |retry_after: Duration| {
        let wait = retry_after.clamp(LEAST_WAIT, backoff::LONGEST);
        wait.mul_f64(1.0 + facts.jitter.clamp(0.0, 1.0))
            .min(backoff::LONGEST)
    };
    let (class, (status, retry)) = match error {
        PortError::Transient { retry_after, .. } => ("transient", again(*retry_after)),
        PortError::UnknownOutcome {
            retry_after,
            down: true,
            ..
        } => {
            let wait = put_off(retry_after.unwrap_or_default());
            ("unknown_outcome", (Status::Pending, Some((wait, false))))
        }
        PortError::UnknownOutcome { retry_after, .. } => ("unknown_outcome", again(*retry_after)),
        PortError::Unavailable { retry_after, .. } => (
            "unavailable",
            (Status::Pending, Some((put_off(*retry_after), false))),
        ),
        PortError::Session(_) => ("session", (Status::Pending, Some((SESSION_WAIT, false)))),
        PortError::Refused(_) | PortError::Incomplete(_) => ("refused", (Status::Failed, None)),
        // Nobody holds it: it may have been given free between the save and the look.
        PortError::Taken { .. } => (TAKEN, again(None)),
        PortError::SetAside(_) => ("invalid", (Status::Failed, None)),
        PortError::Integrity { .. } => ("integrity", (Status::Conflict, None)),
    };
    Verdict {
        status,
        message: Some(in_words(side, error)),
        class: Some(class),
        retry,
        withheld: Vec::new(),
    }
}

/// A row that kills whoever takes it is given up.
pub(crate) fn poison(work: &Work, transaction: Uuid) -> Commit {
    let message = Message::new(Code::GivenUpAfterLapses)
        .with("lapses", work.lead.lapses)
        .with("row", work.lead.id);
    given_up(Some(work.link.clone()), "poison", message, transaction)
}

/// What a run can't store for its data's sake is that record's fault: what the store holds by now stays, as after a kill,
/// and the row says so. `link` as the store holds it.
pub(crate) fn not_storable(link: Link, words: String, transaction: Uuid) -> Commit {
    let message = Message::new(Code::NotStorable).with("words", words);
    given_up(Some(link), "invalid", message, transaction)
}

/// The company that it belongs to is not served any more: what is known of it stays.
pub(crate) fn not_served(work: &Work, served: &Companies, transaction: Uuid) -> Commit {
    let message = Message::new(Code::CompanyNotServed)
        .with("company", work.link.company)
        .with("served", served);
    let nothing = work.link.base.is_none() && work.link.issued.is_none() && work.link.in_flight.is_empty();
    let half = nothing && !work.link.is_whole() && work.link.state == LinkState::New;
    // A half one of which nothing is known is no more than its rows.
    let link = (!half).then(|| work.link.clone());
    let mut commit = given_up(link, "company", message, transaction);
    (commit.outcome.status, commit.outcome.error_class) = (Status::Skipped, None);
    commit
}

/// A row that fails for good, whatever its run saw. The conflict of its link ends with that; a half link stays, so that its
/// documents can say why they wait.
fn given_up(mut link: Option<Link>, class: &'static str, message: Message, transaction: Uuid) -> Commit {
    if let Some(link) = &mut link {
        link.end_conflict();
    }
    Commit {
        link,
        transaction,
        synced_from: None,
        outcome: Outcome {
            error_class: Some(class),
            ..Outcome::new(Status::Failed, message)
        },
        retry: None,
        awaits: None,
        audits: Vec::new(),
        look_again: false,
        seen: Vec::new(),
        took: Duration::ZERO,
    }
}

/// The id that this run linked is another link's by now: what is left of a run that could not be committed.
pub(crate) fn linked_elsewhere(work: &Work, mut commit: Commit, why: Message, wait: Option<Retry>) -> Commit {
    let mut link = work.link.clone();
    if let Some(known) = &commit.link {
        link.in_flight = known.in_flight.clone();
    }
    let (status, class) = match wait {
        Some(_) => (Status::Pending, "dependency"),
        None => (Status::Conflict, "integrity"),
    };
    if wait.is_none() {
        link.state = LinkState::Conflict;
    }
    commit.link = Some(link);
    let parts = commit.outcome.message.take().into_iter().chain([why]).collect();
    commit.outcome.message = Message::together(parts);
    commit.outcome.status = status;
    commit.outcome.error_class = Some(class);
    commit.retry = wait;
    commit.awaits = None;
    commit.audits.clear();
    commit
}

/// The changes as an audit row keeps them.
pub(crate) fn json(changes: &[&Change]) -> Option<Value> {
    if changes.is_empty() {
        return None;
    }
    serde_json::to_value(changes).ok()
}

/// Keeps the state that an open conflict row stands for.
pub(crate) fn state_after(known: &mut Known, seen: &Seen, status: Status) {
    let link = &mut known.link;
    if status == Status::Conflict {
        link.state = LinkState::Conflict;
    } else if status.is_final() {
        // Its conflict row ends with this run, whatever this run came to.
        link.end_conflict();
    } else if seen.claimed.state == LinkState::Conflict {
        // Its conflict row is still open.
        link.state = LinkState::Conflict;
    }
}

/// Whether this ending leaves a half link of which nothing is known, so that it is no more than its rows.
pub(crate) fn is_nothing(known: &Known, seen: &Seen) -> bool {
    known.link.in_flight.is_empty() && seen.claimed.state == LinkState::New
}

/// What is not shown, though it was announced or known, is looked for again so long after that, in seconds.
const LOOKS: [i64; 4] = [2, 10, 30, 120];

/// How long until the next look at what was not shown for so long; `None`: that was the last one.
pub(crate) fn next_look(not_shown: chrono::Duration) -> Option<Duration> {
    let mut looks = LOOKS.into_iter().map(chrono::Duration::seconds);
    let next = looks.find(|next| not_shown < *next)?;
    (next - not_shown).to_std().ok()
}

/// Nothing is known of a record but that a webhook has announced it, or a poll has shown it, and it is not there; `since`
/// when.
pub(crate) fn not_there_yet(facts: &Facts<'_>, side: Side, since: DateTime<Utc>) -> Option<Verdict> {
    let lead = &facts.work.lead;
    if lead.gone || !matches!(lead.trigger, Trigger::Webhook | Trigger::Poll) {
        return None;
    }
    let wait = next_look(facts.now - since)?;
    let why = Message::new(Code::AnnouncedNotThere).with("side", side);
    Some(Verdict::waits(why, wait))
}

/// The endings that are the same for every kind of entity.
pub(crate) fn plain(ending: Ending, facts: &Facts<'_>) -> Verdict {
    match ending {
        Ending::InStep | Ending::Issued => Verdict::of(Status::Skipped, Message::new(Code::InStep)),
        Ending::Gone(side) => Verdict::of(
            Status::Skipped,
            Message::new(Code::NoSuchRecord).with("side", side),
        ),
        Ending::Off(Side::Crm) => Verdict::of(Status::Skipped, Message::new(Code::ToCrmIsOff)),
        Ending::Off(Side::Finance) => Verdict::of(Status::Skipped, Message::new(Code::ToFinanceIsOff)),
        Ending::Conflict(why) => Verdict::of(Status::Conflict, why).class("conflict"),
        Ending::Wait(why, wait) => Verdict::waits(why, wait),
        Ending::Failed(side, error) => failure(facts, side, &error),
        Ending::Taken {
            why,
            withheld,
            in_exchange,
        } => {
            let status = if in_exchange {
                Status::Conflict
            } else {
                Status::Failed
            };
            let verdict = Verdict::of(status, why).class(TAKEN);
            Verdict { withheld, ..verdict }
        }
        Ending::Skip(why) => Verdict::of(Status::Skipped, why),
        Ending::Dependency(why) | Ending::Awaits(why, _) => Verdict::waits(why, facts.config.retry_base),
        Ending::Invalid(problems) => {
            Verdict::of(Status::Failed, Message::together(problems)).class("invalid")
        }
        Ending::Unknown(why) => Verdict::of(Status::Conflict, why).class("unknown_outcome"),
        Ending::Changed(_) => Verdict::of(Status::Conflict, None).class("conflict"),
    }
}
