//! Writes in flight as version 0.1 stored them: one shape for all, by side. Read only, so that an upgrade forgets nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Create, Issue, Sent, Update, Write};
use crate::customer::{Field, Values};
use crate::document::{Document, Issued};
use crate::side::Side;

/// Version 0.1's one shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Old {
    create: bool,
    at: DateTime<Utc>,
    values: Values,
    source: Values,
    /// The rest of the object, empty values included.
    #[serde(default)]
    along: Values,
    #[serde(default)]
    strangers: Vec<String>,
    #[serde(default)]
    answered: Option<String>,
    #[serde(default)]
    empty_looks: u32,
    #[serde(default)]
    document: Option<Box<OldDocument>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldDocument {
    document: Document,
    customer_code: String,
    #[serde(default)]
    said_to_be: Option<String>,
    #[serde(default)]
    answer: Option<Issued>,
    #[serde(default)]
    again: bool,
}

/// What the object says, oldest first.
pub(super) fn read(stored: serde_json::Value) -> serde_json::Result<Vec<Write>> {
    let sides: BTreeMap<Side, Vec<Old>> = serde_json::from_value(stored)?;
    let mut writes: Vec<Write> = sides
        .into_iter()
        .flat_map(|(side, sent)| sent.into_iter().map(move |old| write(side, old)))
        .collect();
    writes.sort_by_key(Write::at);
    Ok(writes)
}

fn write(side: Side, old: Old) -> Write {
    if let Some(sent) = old.document {
        return Write::Issue(Box::new(Issue {
            at: old.at,
            document: sent.document,
            customer_code: sent.customer_code,
            said_to_be: sent.said_to_be,
            answer: sent.answer,
            again: sent.again,
        }));
    }
    let asked = old.values.iter().map(|(field, value)| {
        let source = old.source.get(field).cloned().unwrap_or_default();
        (*field, sent(value, Some(source), true))
    });
    let along = old
        .along
        .iter()
        .map(|(field, value)| (*field, sent(value, None, false)));
    let fields: BTreeMap<Field, Sent> = along.chain(asked).collect();
    if old.create {
        return Write::Create(Create {
            side,
            at: old.at,
            fields,
            not_ours: old.strangers,
            empty_looks: old.empty_looks,
            made: None,
            places: None,
            decided: Vec::new(),
        });
    }
    Write::Update(Update {
        side,
        at: old.at,
        fields,
        overtaken: false,
        answered: old.answered,
        decided: Vec::new(),
    })
}

fn sent(leaves: &str, source: Option<String>, written: bool) -> Sent {
    Sent {
        leaves: leaves.to_owned(),
        source,
        base: None,
        written,
        pending: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::InFlight;
    use super::*;

    #[test]
    fn what_version_0_1_had_on_its_way_is_known() {
        let stored = r#"{"FINANCE":[{"create":false,"at":"2026-01-02T00:00:00Z","values":{"name":"b"},"source":{"name":"b"},
            "before":{"name":"a"},"known":{"name":"a"},"along":{"mobile":"0912","email":""},"seen":["mobile"],
            "overtaken":false,"met":false,"emptyLooks":0}],
            "CRM":[{"create":true,"at":"2026-01-01T00:00:00Z","values":{"name":"n"},"source":{"name":"n"},
            "strangers":["x"],"overtaken":false,"met":true,"emptyLooks":1}]}"#;
        let read: InFlight = serde_json::from_str(stored).unwrap();
        let create = read.create(Side::Crm).unwrap();
        assert_eq!(
            (create.empty_looks, create.not_ours.as_slice()),
            (1, &["x".to_owned()][..])
        );
        let update = read.updates(Side::Finance).next().unwrap();
        assert_eq!(update.fields[&Field::Mobile].leaves, "0912");
        assert!(update.fields[&Field::Name].written && !update.fields[&Field::Mobile].written);
        assert_eq!(update.fields[&Field::Name].source.as_deref(), Some("b"));
        let again: InFlight = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }
}
