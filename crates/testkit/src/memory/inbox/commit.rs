//! Ending a run: everything it found out at once, fenced by the lease's token.

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{
    Commit, EntityRef, Event, Link, LinkState, Outcome, StoreError, StoreResult, Trigger, Work,
};
use sea_orm::DbErr;
use serde_json::Value;
use uuid::Uuid;

use super::{cover, schedule, wake};
use crate::memory::own::Own;
use crate::memory::tables::Tables;
use crate::memory::{links, rows};

pub(in crate::memory) fn commit(
    own: &Own,
    tables: &mut Tables,
    work: &Work,
    commit: &Commit,
    now: DateTime<Utc>,
    clock: &dyn Clock,
) -> StoreResult<Vec<Ring>> {
    let awaited = commit
        .awaits
        .as_ref()
        .filter(|awaited| wake::still_awaited(own, tables, awaited));
    match &commit.link {
        Some(link) => links::save(own, tables, work, link, commit, now)?,
        None => drop_half(tables, work)?,
    }
    let link = &work.link;
    let may_have_locks = link.base.is_none() || !link.is_whole() || !link.in_flight.is_empty();
    if may_have_locks && !commit.link.as_ref().is_some_and(Link::keeps_its_locks) {
        tables.unlock(work.lease.link);
    }
    let lead = end(tables, work, commit, now)?;
    cover::cover(tables, work, now)?;
    if commit.outcome.status.is_final() && work.link.state == LinkState::Conflict {
        cover::settle(tables, work)?;
    }
    schedule::unschedule(tables, work, commit.retry.is_none());
    if let Some(mut retry) = commit.retry {
        if commit.awaits.is_some() && awaited.is_none() {
            retry.at = now;
        }
        schedule::schedule(tables, clock.id(), work.lead.id, (retry, awaited), now);
    }
    if let Some(link) = &commit.link {
        for (side, outcome) in &commit.audits {
            let row = audit(own, clock.id(), &lead, link, (*side, outcome), now)?;
            tables.insert(row);
        }
    }
    if commit.look_again {
        tables.insert(look_again(own, clock.id(), &lead, now));
    }
    let woken = commit
        .settles(&work.link)
        .map(|customer| wake::wake(tables, customer, now));
    tables.note(own, &commit.seen);
    tables.wait(own, work.lead.id, &commit.outcome.withheld);
    Ok(woken.unwrap_or_default())
}

fn drop_half(tables: &mut Tables, work: &Work) -> StoreResult<()> {
    let half = tables.leased(&work.lease)?;
    if half.state != LinkState::New {
        return Err(StoreError::Fenced);
    }
    tables.delete_link(half.id);
    Ok(())
}

fn end(tables: &mut Tables, work: &Work, commit: &Commit, now: DateTime<Utc>) -> StoreResult<log::Model> {
    let (outcome, link) = (&commit.outcome, commit.link.as_ref());
    let lead = tables.log.get_mut(&work.lead.id);
    let lead = lead.ok_or_else(|| DbErr::RecordNotFound(format!("SyncLog {}", work.lead.id)))?;
    rows::tell(lead, outcome)?;
    lead.transaction_id = commit.transaction;
    lead.entity_mapping_id = link.map(|link| link.id);
    lead.company = link.map_or(work.link.company, |link| link.company).to_string();
    let target = link.and_then(|link| link.id_on(work.lead.side.other()));
    lead.target_entity_id = target.map(str::to_owned);
    let retries = commit.retry.map_or(work.lead.retry_count, |retry| retry.count);
    lead.retry_count = retries.cast_signed();
    lead.completed_at = outcome.status.is_final().then_some(now);
    lead.duration_ms = i32::try_from(commit.took.as_millis()).ok();
    lead.status = outcome.status;
    let ended = lead.clone();
    tables.set_status(ended.id, outcome.status);
    Ok(ended)
}

fn event(row: Uuid, lead: &log::Model, side: Side, id: &str) -> Event {
    Event {
        row,
        entity: EntityRef {
            entity_type: lead.entity_type,
            side,
            id: id.to_owned(),
        },
        company: None,
        trigger: lead.trigger_type,
        event_id: None,
        payload: Value::Null,
        traceparent: lead.trace_parent.clone(),
        rung: false,
    }
}

/// The audit row of a write that the lead row is not about.
fn audit(
    own: &Own,
    id: Uuid,
    lead: &log::Model,
    link: &Link,
    (side, outcome): (Side, &Outcome),
    now: DateTime<Utc>,
) -> StoreResult<log::Model> {
    let event = event(id, lead, side, link.id_on(side).unwrap_or_default());
    let mut row = rows::pending(own, &event, lead.started_at);
    rows::tell(&mut row, outcome)?;
    Ok(log::Model {
        transaction_id: lead.transaction_id,
        entity_mapping_id: Some(link.id),
        status: outcome.status,
        trigger_payload: None,
        target_entity_id: link.id_on(side.other()).map(str::to_owned),
        completed_at: Some(now),
        duration_ms: lead.duration_ms,
        ..row
    })
}

fn look_again(own: &Own, id: Uuid, lead: &log::Model, now: DateTime<Utc>) -> log::Model {
    let side = rows::side_of(&lead.source_system);
    let event = Event {
        trigger: Trigger::Poll,
        payload: serde_json::json!({ "lookAgainAfter": lead.id }),
        ..event(id, lead, side, &lead.source_entity_id)
    };
    rows::pending(own, &event, now)
}
