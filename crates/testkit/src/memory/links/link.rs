//! Making an id part of a link.

use chrono::{DateTime, Utc};
use domain::message::{Code, Message};
use domain::ports::Side;
use domain::store::entities::link;
use domain::store::{EntityRef, Lease, LinkState, Status, StoreError, StoreResult, message_of};
use uuid::Uuid;

use crate::memory::own::Own;
use crate::memory::rows;
use crate::memory::tables::{Tables, is_free};

/// What becomes of a link that has the id.
pub(super) enum Gain {
    /// A half is absorbed, with its rows.
    Absorb(Uuid),
    /// What a closed link has outlived: it names only what is gone.
    Outlive(Uuid),
    /// There is none.
    Nothing,
}

pub(in crate::memory) fn link(
    own: &Own,
    tables: &mut Tables,
    lease: &Lease,
    entity: &EntityRef,
    states: &[LinkState],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut ours = tables.held(lease, now)?;
    let gain = gain(own, tables, ours.id, entity, states, now)?;
    apply(tables, gain, ours.id, entity, now)?;
    match entity.side {
        Side::Crm => ours.crm_id = Some(entity.id.clone()),
        Side::Finance => ours.finance_id = Some(entity.id.clone()),
    }
    ours.company = own.company.to_string();
    if ours.state == LinkState::New {
        ours.state = LinkState::Active;
    }
    ours.updated_at = now;
    tables.put_link(ours).map_err(|_| elsewhere(entity))
}

pub(super) fn elsewhere(entity: &EntityRef) -> StoreError {
    StoreError::LinkedElsewhere {
        side: entity.side,
        id: entity.id.clone(),
    }
}

fn id_on(row: &link::Model, side: Side) -> Option<&String> {
    match side {
        Side::Crm => row.crm_id.as_ref(),
        Side::Finance => row.finance_id.as_ref(),
    }
}

/// Whether the id may become ours. A half that is being worked on, or waits for something that it sent, keeps it, and so
/// does anything else.
pub(super) fn gain(
    own: &Own,
    tables: &Tables,
    ours: Uuid,
    entity: &EntityRef,
    states: &[LinkState],
    now: DateTime<Utc>,
) -> StoreResult<Gain> {
    let Some(theirs) = tables.link_of(entity, own.company).filter(|row| row.id != ours) else {
        return Ok(Gain::Nothing);
    };
    let may = states.contains(&theirs.state) && is_free(theirs, now);
    let half = id_on(theirs, entity.side.other()).is_none() && theirs.in_flight.is_none();
    match (may, half) {
        (true, true) => Ok(Gain::Absorb(theirs.id)),
        (true, false) if theirs.state == LinkState::Closed => Ok(Gain::Outlive(theirs.id)),
        _ => Err(elsewhere(entity)),
    }
}

pub(super) fn apply(
    tables: &mut Tables,
    gain: Gain,
    ours: Uuid,
    entity: &EntityRef,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    match gain {
        Gain::Nothing => Ok(()),
        Gain::Absorb(theirs) => {
            tables.delete_link(theirs);
            adopt(tables, ours, theirs, entity)
        }
        Gain::Outlive(theirs) => {
            let Some(mut row) = tables.link(theirs).cloned() else {
                return Ok(());
            };
            match entity.side {
                Side::Crm => row.crm_id = None,
                Side::Finance => row.finance_id = None,
            }
            row.updated_at = now;
            tables.put_link(row)
        }
    }
}

fn adopt(tables: &mut Tables, ours: Uuid, theirs: Uuid, entity: &EntityRef) -> StoreResult<()> {
    let of_it = |row: &&mut domain::store::entities::log::Model| row.entity_mapping_id == Some(theirs);
    for row in tables.log.values_mut().filter(of_it) {
        row.entity_mapping_id = Some(ours);
        match row.status {
            // A run of theirs left it so: it is covered by ours, and to be tried again no more.
            Status::InProgress => {
                tables.retries.remove(&row.id);
            }
            Status::Conflict => {
                let settled = Message::new(Code::SettledByLink)
                    .with("side", entity.side)
                    .with("id", &entity.id);
                let settled = match message_of(row) {
                    Some(earlier) => settled.with_message("earlier", &earlier),
                    None => settled.with("earlier", ""),
                };
                rows::say(row, Some(&settled))?;
                row.status = Status::Skipped;
            }
            _ => {}
        }
    }
    Ok(())
}
