//! What pollers ask of the links.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::document::DocumentKind;
use domain::polls::Linked;
use domain::ports::Side;
use domain::store::entities::link;
use domain::store::{EntityType, IssuedDocument, LinkState};

use crate::memory::own::Own;
use crate::memory::tables::Tables;

fn of(tables: &Tables, entity_type: EntityType) -> impl Iterator<Item = &link::Model> {
    tables.links().filter(move |row| row.entity_type == entity_type)
}

pub(super) fn linked(own: &Own, tables: &Tables, side: Side, ids: &[&str]) -> HashMap<String, Linked> {
    let ours = of(tables, EntityType::Customer).filter(|row| own.is_ours(side, &row.company));
    let known = ours.filter_map(|row| {
        let id = match side {
            Side::Crm => row.crm_id.as_deref(),
            Side::Finance => row.finance_id.as_deref(),
        };
        let linked = Linked {
            base: row
                .base
                .clone()
                .and_then(|base| serde_json::from_value(base).ok()),
            state: row.state,
        };
        Some((id.filter(|id| ids.contains(id))?.to_owned(), linked))
    });
    known.collect()
}

pub(super) fn written_since(
    own: &Own,
    tables: &Tables,
    since: DateTime<Utc>,
    look: DateTime<Utc>,
) -> HashSet<String> {
    let written = |row: &&link::Model| {
        let seen = row
            .finance_id
            .as_deref()
            .and_then(|code| tables.polls.seen_at(own.company, code));
        let at = row.last_sync_at.filter(|at| *at >= since);
        at.is_some_and(|at| at >= look || seen.is_none_or(|seen| seen < at))
    };
    let ours = of(tables, EntityType::Customer).filter(|row| own.is_ours(Side::Finance, &row.company));
    let rows = ours.filter(written);
    rows.filter_map(|row| row.finance_id.clone()).collect()
}

pub(super) fn issued(tables: &Tables, kind: DocumentKind, ids: &[&str]) -> HashMap<String, IssuedDocument> {
    let known = of(tables, kind.entity_type()).filter_map(|row| {
        let id = row.crm_id.as_deref().filter(|id| ids.contains(id))?;
        Some((id.to_owned(), serde_json::from_value(row.base.clone()?).ok()?))
    });
    known.collect()
}

pub(super) fn count(own: &Own, tables: &Tables, side: Side, entity_type: EntityType) -> u64 {
    let whole = |row: &&link::Model| {
        row.crm_id.is_some()
            && row.finance_id.is_some()
            && own.is_ours(side, &row.company)
            && matches!(row.state, LinkState::Active | LinkState::Conflict)
    };
    of(tables, entity_type).filter(whole).count() as u64
}
