//! From what a look read to what is stored: the guard decides, the store keeps, the bell is rung.

use domain::message::{Code, Message};
use domain::polls::guard::{self, LOOK_FROM, SET_BACK_FROM};
use domain::polls::{Harvest, PollLease, side_of};
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
    /// How many linked records look as if the system had been put back from a backup.
    pub(super) set_back: u64,
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
        set_back,
        aside: (left, fresh),
    } = read;
    tell::found(source, harvest.changes.len());
    let objection = objection(pollers, source, turn, &harvest, set_back).await?;
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
    let stored = pollers.store_of(source).finish(turn, &harvest).await?;
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
    turn: &PollLease,
    harvest: &Harvest,
    set_back: u64,
) -> Result<Option<Message>, Failure> {
    let (guard, entity_type) = (&pollers.guard, source.entity_type());
    let store = pollers.store_of(source);
    let good = harvest.changes.iter().filter(|change| change.problem.is_none());
    let ids: Vec<&str> = good.map(|change| change.id.as_str()).collect();
    let many = ids.len() as u64 >= LOOK_FROM.min(guard.max_changes + 1);
    if !many && set_back <= SET_BACK_FROM {
        return Ok(None);
    }
    let linked = store.linked_count(source.side(), entity_type).await?;
    if let Some(why) = guard::set_back(set_back, linked) {
        return Ok(Some(why));
    }
    // What was heard of by webhook since the last look, or is open, is no change of this poll's making.
    let since = turn.last.map_or(turn.started_at, |look| look.started_at);
    let side = side_of(&turn.poll);
    let in_hand = store.in_hand((side, entity_type), &ids, since).await?;
    let changes = ids.iter().filter(|id| !in_hand.contains(**id)).count() as u64;
    let first_day = linked == 0 && entity_type == EntityType::Customer;
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
