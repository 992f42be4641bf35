//! From what a look read to what is stored: the guard decides, the store keeps, the bell is rung.

use domain::message::{Code, Message};
use domain::polls::guard::LOOK_FROM;
use domain::polls::{Harvest, PollLease};
use domain::ports::Ring;
use domain::store::EntityType;
use service::telemetry::{current_traceparent, new_traceparent};

use super::{Failure, Pollers, Source, aside, tell};

/// For so many rows of one look the bell is rung at once, so many at a time; the sweeper has the rest.
const RINGS: usize = 500;
const AT_A_TIME: usize = 50;

/// What a look read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) harvest: Harvest,
    /// Finance: how many contacts were there before, and are not in the answer; and how many there were.
    pub(super) loss: Option<(u64, u64)>,
    /// How many records of the kind stay set aside; and whether one of them was not before.
    pub(super) aside: (usize, bool),
}

/// Stores a complete look.
pub(super) async fn store(
    pollers: &Pollers,
    source: Source,
    turn: &PollLease,
    read: Read,
) -> Result<(), Failure> {
    let Read {
        mut harvest,
        loss,
        aside: (left, fresh),
    } = read;
    tell::found(source, harvest.changes.len());
    let objection = objection(pollers, source, &harvest, loss).await?;
    harvest.hold = objection.map(|why| {
        Message::new(Code::PollHeld)
            .with("poll", &turn.poll)
            .with_message("why", &why)
    });
    harvest.traceparent = Some(current_traceparent().unwrap_or_else(new_traceparent));
    harvest.ring = if pollers.doorbell.is_full() {
        0
    } else {
        RINGS.min(pollers.doorbell.capacity() / 2)
    };
    let stored = pollers.store.finish(turn, &harvest).await?;
    aside::tell(source, &harvest.aside, left, fresh);
    if let (Some(row), Some(why)) = (stored.held_by, &harvest.hold) {
        tell::held(source, row, why);
    } else {
        tell::queued(source, stored.rows);
    }
    ring(pollers, &stored.rings).await;
    Ok(())
}

async fn objection(
    pollers: &Pollers,
    source: Source,
    harvest: &Harvest,
    loss: Option<(u64, u64)>,
) -> Result<Option<Message>, Failure> {
    let guard = &pollers.guard;
    if let Some(why) = loss.and_then(|(vanished, known)| guard.objects_to_loss(vanished, known)) {
        return Ok(Some(why));
    }
    let good = harvest.changes.iter().filter(|change| change.problem.is_none());
    let changes = good.count() as u64;
    let linked = if changes < LOOK_FROM {
        u64::MAX
    } else {
        pollers.store.linked_count(source.entity_type()).await?
    };
    let first_day = linked == 0 && source.entity_type() == EntityType::Customer;
    Ok(guard.objects(changes, linked).map(|why| match first_day {
        true => Message::new(Code::NothingLinkedYet).with_message("why", &why),
        false => why,
    }))
}

/// A bell that can't be rung is no failure: the sweeper finds the rows.
async fn ring(pollers: &Pollers, rings: &[Ring]) {
    for some in rings.chunks(AT_A_TIME) {
        if let Err(error) = pollers.doorbell.ring(some).await {
            tracing::debug!(%error, "the bell is not rung for all rows of a poll: {error}");
            return;
        }
    }
}
