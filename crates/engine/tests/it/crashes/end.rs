//! How a play ends: what stands in both systems, what the store knows, what is told, what waits for a human.

use std::collections::{BTreeMap, BTreeSet};

use domain::change::Change;
use domain::document::DocumentKind;
use domain::fields::TABLE;
use domain::side::Side;
use domain::store::entities::{link, log};
use domain::store::{EntityType, LinkState, Status};
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
    sent: usize,
}

impl End {
    pub async fn of(play: &Play) -> Self {
        let (rows, links) = (play.w.rows().await, play.w.links().await);
        let mut same = BTreeMap::from([
            ("the CRM's records", records(&play.w.crm)),
            ("finance's records", records(&play.w.finance)),
            ("issued documents", issued(play)),
            ("links", links.iter().map(linked).collect()),
            ("what is known", links.iter().flat_map(known).collect()),
            ("what waits for a human", waits(&rows, &links)),
            ("on its way", BTreeSet::new()),
        ]);
        if same["what waits for a human"].is_empty() {
            // Whoever looks when a human has spoken forgets it.
            let out = links.iter().filter(|link| link.state == LinkState::Active);
            let out = out.filter_map(|link| link.in_flight.as_ref());
            same.insert("on its way", out.map(Value::to_string).collect());
        }
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
        let kills = play.fate.killed_at();
        let mut found = Vec::new();
        for (what, now) in &self.same {
            let then = &undisturbed.same[what];
            found.extend(then.difference(now).map(|gone| format!("{what}: without {gone}")));
            found.extend(now.difference(then).map(|new| format!("{what}: with {new}")));
        }
        let untold = undisturbed.told.difference(&self.told);
        found.extend(untold.map(|loser| format!("not told: {loser}")));
        // What arrives late may put back what was typed meanwhile, which is sent there again.
        let late = kills.iter().filter(|at| at.starts_with("in transit"));
        let more = kills.len() + late.count();
        if self.sent > undisturbed.sent + more {
            found.push(format!("writes: {} instead of {}", self.sent, undisturbed.sent));
        }
        let killed = kills.join(" and ");
        let found = found.into_iter().map(|what| format!("killed {killed}: {what}"));
        found.filter(|difference| !(play.forgives)(difference)).collect()
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
        format!(
            "{}: {:?} to {customer}, {}",
            2001 + n,
            document.kind,
            rows.join(" ")
        )
    });
    let noted = [(DocumentKind::Quote, "q"), (DocumentKind::Invoice, "i")];
    let noted = noted.into_iter().filter_map(|(kind, id)| {
        let there = play.w.crm.desk.read(kind, id)?;
        Some(format!("{id}: refId {}", there.ref_id))
    });
    issued.chain(noted).collect()
}

fn linked(link: &link::Model) -> String {
    let ids = format!("{:?} {}", link.entity_type, link.crm_id.as_deref().unwrap_or("?"));
    let number = match (&link.base, link.entity_type) {
        (Some(base), EntityType::PreInvoice | EntityType::Invoice) => base["number"].to_string(),
        _ => link.finance_id.clone().unwrap_or_default(),
    };
    format!("{ids} = {number}, {:?}", link.state)
}

/// The base of a customer, field by field.
fn known(link: &link::Model) -> Vec<String> {
    let id = link
        .crm_id
        .as_deref()
        .or(link.finance_id.as_deref())
        .unwrap_or("?");
    let Some(base) = link
        .base
        .as_ref()
        .filter(|_| link.entity_type == EntityType::Customer)
    else {
        return Vec::new();
    };
    let parts = ["crm", "finance", "taken_back", "altered"].into_iter();
    let parts = parts.filter_map(|part| Some((part, base[part].as_object()?)));
    parts
        .flat_map(|(part, fields)| fields.iter().map(move |field| (part, field)))
        .map(|(part, (field, value))| format!("{id}, {part}: {field} {value}"))
        .collect()
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
            EntityType::Customer => held(row),
            _ => row.changes.iter().map(Value::to_string).collect(),
        };
        let words = row.error_message.as_deref().unwrap_or_default();
        let words = if about.is_empty() { words } else { "" };
        format!("{:?} {class} {ids:?}: {about:?} {words}", row.status)
    };
    waiting.map(one).collect()
}

fn changes(row: &log::Model) -> Vec<Change> {
    let changes = row.changes.clone();
    let changes = changes.and_then(|json| serde_json::from_value(json).ok());
    changes.unwrap_or_default()
}

/// Which values wait for a human to decide.
fn held(row: &log::Model) -> BTreeSet<String> {
    let held = changes(row).into_iter().filter(|change| change.winner.is_none());
    held.map(|change| {
        let Change { field, reason, .. } = change;
        format!("{field}: {:?} or {:?}, {reason:?}", change.crm, change.finance)
    })
    .collect()
}

/// What a row tells of values that were written over, or are held.
fn told(row: &log::Model) -> Vec<String> {
    let lost = |change: Change| {
        let of = [&change.crm, &change.finance];
        let lost = Side::BOTH.into_iter().filter(|side| change.winner != Some(*side));
        let lost = lost.filter(|side| !of[*side as usize].is_empty());
        let lost = lost.map(|side| format!("{side}'s {} {:?}", change.field, of[side as usize]));
        lost.collect::<Vec<_>>()
    };
    changes(row).into_iter().flat_map(lost).collect()
}
