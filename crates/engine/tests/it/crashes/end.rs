//! How a play ends: what stands in both systems, what the store knows, what is told, what waits for a human.

use std::collections::{BTreeMap, BTreeSet};

use domain::change::Change;
use domain::document::DocumentKind;
use domain::fields::TABLE;
use domain::side::Side;
use domain::store::entities::{link, log};
use domain::store::{EntityType, Status};
use serde_json::Value;

use super::play::Play;
use crate::world::System;

/// The end of a play.
#[derive(Debug, Default)]
pub struct End {
    /// What must be the same, by what it is.
    same: BTreeMap<&'static str, BTreeSet<String>>,
    /// Values that were written over or held, which must be told.
    told: BTreeSet<String>,
    /// Writes that were sent.
    sent: u32,
}

impl End {
    pub async fn of(play: &Play) -> Self {
        let (rows, links) = (play.w.rows().await, play.w.links().await);
        let mut same = BTreeMap::from([
            ("the CRM's records", records(&play.w.crm)),
            ("finance's records", records(&play.w.finance)),
            ("issued documents", issued(play)),
            ("links", links.iter().map(known).collect()),
            ("what waits for a human", waits(&rows, &links)),
        ]);
        let open = rows.iter().filter(|row| !row.status.is_final());
        same.insert(
            "open rows",
            open.map(|row| format!("{:?} {}", row.status, row.source_entity_id))
                .collect(),
        );
        Self {
            same,
            told: rows.iter().flat_map(told).collect(),
            sent: play.fate.sent(),
        }
    }

    /// What is not as it was without a kill.
    pub fn differs(&self, undisturbed: &Self, play: &Play) -> Vec<String> {
        let mut found = Vec::new();
        for (what, now) in &self.same {
            let then = &undisturbed.same[what];
            found.extend(then.difference(now).map(|gone| format!("{what}: without {gone}")));
            found.extend(now.difference(then).map(|new| format!("{what}: with {new}")));
        }
        let untold = undisturbed.told.difference(&self.told);
        found.extend(untold.map(|loser| format!("not told: {loser}")));
        if self.sent > undisturbed.sent + play.writes_more {
            found.push(format!("writes: {} instead of {}", self.sent, undisturbed.sent));
        }
        found.retain(|difference| !(play.forgives)(difference));
        found
    }
}

fn records(system: &System) -> BTreeSet<String> {
    let record = |id: String| {
        let values = TABLE
            .iter()
            .map(|spec| (spec.field, system.get(&id, spec.field)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(field, value)| format!("{field}={value:?}"));
        format!("{id}: {}", values.collect::<Vec<_>>().join(" "))
    };
    system.ids().into_iter().map(record).collect()
}

fn issued(play: &Play) -> BTreeSet<String> {
    let issued = play.w.finance.desk.issued().into_iter().enumerate();
    let issued = issued.map(|(n, (document, customer))| {
        let rows: Vec<String> = document.rows.iter().map(|row| row.count.to_string()).collect();
        format!("{}: {:?} to {customer}, {}", 2001 + n, document.kind, rows.join(" "))
    });
    let noted = [(DocumentKind::Quote, "q"), (DocumentKind::Invoice, "i")];
    let noted = noted.into_iter().filter_map(|(kind, id)| {
        let there = play.w.crm.desk.read(kind, id)?;
        Some(format!("{id}: refId {}", there.ref_id))
    });
    issued.chain(noted).collect()
}

fn known(link: &link::Model) -> String {
    let ids = format!("{:?} {}", link.entity_type, link.crm_id.as_deref().unwrap_or("?"));
    let sent = link.in_flight.as_ref().is_some_and(|sent| !is_empty(sent));
    let sent = if sent { ", something on its way" } else { "" };
    let base = link.base.as_ref().unwrap_or(&Value::Null);
    if link.entity_type != EntityType::Customer {
        return format!("{ids} = {}, {:?}{sent}", base["number"], link.state);
    }
    let known = ["crm", "finance", "taken_back", "altered"].map(|key| base[key].to_string());
    let finance = link.finance_id.as_deref().unwrap_or("?");
    format!("{ids} = {finance}, {:?}{sent}, {}", link.state, known.join(" "))
}

fn is_empty(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// Conflicts and failures: whose, why, and about which values.
fn waits(rows: &[log::Model], links: &[link::Model]) -> BTreeSet<String> {
    let waiting = rows
        .iter()
        .filter(|row| matches!(row.status, Status::Conflict | Status::Failed));
    let one = |row: &log::Model| {
        let link = links.iter().find(|link| Some(link.id) == row.entity_mapping_id);
        let ids = link.map(|link| (link.crm_id.clone(), link.finance_id.clone()));
        let class = row.error_class.as_deref().unwrap_or_default();
        let about: BTreeSet<String> = match row.entity_type {
            EntityType::Customer => told(row).collect(),
            _ => row.changes.iter().map(Value::to_string).collect(),
        };
        let words = row.error_message.as_deref().unwrap_or_default();
        let words = if about.is_empty() { words } else { "" };
        format!("{:?} {class} {ids:?}: {about:?} {words}", row.status)
    };
    waiting.map(one).collect()
}

/// What a row tells of values that were written over, or are held.
fn told(row: &log::Model) -> impl Iterator<Item = String> {
    let changes = row.changes.clone().and_then(|json| serde_json::from_value(json).ok());
    let changes: Vec<Change> = changes.unwrap_or_default();
    changes.into_iter().flat_map(|change| {
        let of = |side: Side| match side {
            Side::Crm => change.crm.clone(),
            Side::Finance => change.finance.clone(),
        };
        let lost = Side::BOTH.into_iter().filter(|side| change.winner != Some(*side));
        let lost = lost.map(|side| (side, of(side))).filter(|(_, value)| !value.is_empty());
        lost.map(|(side, value)| format!("{side}'s {} {value:?}", change.field))
            .collect::<Vec<_>>()
    })
}
