//! `siaghsync import --link-alike <WHY>`: doubts of one pattern settled together. An operator has looked at some of them and
//! says that all are the same customer.

use std::collections::HashMap;
use std::process::ExitCode;

use engine::Engine;
use serde_json::json;

use super::report::{Entry, Fate, columns, is_new};
use crate::commands::output::{self, say};
use crate::commands::row;

/// So many are shown before the question.
const SHOWN: usize = 20;

/// A contact, and the one identity that it may be.
pub(super) struct Pair<'a> {
    pub(super) code: &'a str,
    name: &'a str,
    pub(super) crm_id: &'a str,
}

/// The doubts that have this reason, each with one candidate that is nobody else's. Pure.
pub(super) fn pairs<'a>(entries: &'a [Entry], why: &str) -> Vec<Pair<'a>> {
    let alike = entries.iter().filter_map(|entry| {
        let Fate::Ask(doubt) = &entry.fate else {
            return None;
        };
        let [only] = doubt.candidates.as_slice() else {
            return None;
        };
        let is_free = !only.linked && !is_new(&only.id) && doubt.rivals.is_empty();
        (is_free && columns(&entry.fate).why == why.trim()).then(|| Pair {
            code: &entry.code,
            name: &entry.name,
            crm_id: &only.id,
        })
    });
    let all: Vec<Pair<'_>> = alike.collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for pair in &all {
        *times.entry(pair.crm_id).or_default() += 1;
    }
    all.into_iter().filter(|pair| times[pair.crm_id] == 1).collect()
}

/// Links them, one after the other, as `resolve --link` does.
pub(super) async fn link(
    engine: &Engine,
    store: &domain::store::sql::SqlStore,
    pairs: &[Pair<'_>],
    yes: bool,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    if pairs.is_empty() {
        anyhow::bail!(
            "no doubt with one candidate has just these words: take them from the column `why` of `--report FILE`"
        );
    }
    if !as_json {
        for pair in pairs.iter().take(SHOWN) {
            say!("  {} «{}» is CRM {}", pair.code, pair.name, pair.crm_id);
        }
        if pairs.len() > SHOWN {
            say!("  … and {} more", pairs.len() - SHOWN);
        }
    }
    if !yes && !output::asked(&format!("Link these {} pairs?", pairs.len()))? {
        eprintln!("Nothing was written.");
        return Ok(ExitCode::FAILURE);
    }
    let of_company = engine.of(store.company()).unwrap_or(engine);
    let mut left = Vec::new();
    for pair in pairs {
        let traceparent = Some(service::telemetry::traceparent_or_new());
        let said = match of_company.link(pair.crm_id, pair.code, traceparent).await {
            Ok(ring) => {
                let row = row::run(engine, store, ring).await?;
                let done = row.status == domain::store::Status::Success;
                (!done).then(|| row::what(&row))
            }
            Err(refused) => Some(refused.to_string()),
        };
        left.extend(said.map(|why| (pair.code, why)));
    }
    let done = pairs.len() - left.len();
    if as_json {
        let left: Vec<_> = left
            .iter()
            .map(|(code, why)| json!({ "code": code, "why": why }))
            .collect();
        output::json(&json!({ "linked": done, "left": left }))?;
    } else {
        say!("{done} pairs linked, {} left.", left.len());
        for (code, why) in &left {
            say!("  {code}: {why}");
        }
    }
    Ok(match left.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
