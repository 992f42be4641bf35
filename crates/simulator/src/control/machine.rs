//! The simulator itself: faults, outages, counters, settings, clock, sample data.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, body, done};
use crate::{
    config::SimulatorConfig,
    faults::{FaultRule, System, matches},
    handles::Handles,
    json::merge_patch,
    sample,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultPlan {
    seed: Option<u64>,
    #[serde(default)]
    rules: Vec<FaultRule>,
}

pub(super) async fn faults(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!({
        "seed": handles.faults.seed(),
        "rules": handles.faults.list(),
        "outages": {
            "crm": handles.faults.in_outage(System::Crm),
            "finance": handles.faults.in_outage(System::Finance),
        },
    })))
}

pub(super) async fn replace_faults(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    let plan: FaultPlan = body(&bytes)?;
    handles.faults.replace(plan.seed, plan.rules);
    faults(State(handles)).await
}

pub(super) async fn add_fault(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    let id = handles.faults.add(body(&bytes)?);
    Ok(Json(json!({"id": id})))
}

pub(super) async fn clear_faults(State(handles): State<Handles>) -> Answer {
    handles.faults.clear();
    done()
}

pub(super) async fn remove_fault(State(handles): State<Handles>, Path(id): Path<u64>) -> Answer {
    if !handles.faults.remove(id) {
        return Err(crate::error::SimError::NotFound(id.to_string()).into());
    }
    done()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    ms: Option<u64>,
}

pub(super) async fn outage(
    State(handles): State<Handles>,
    Path(system): Path<System>,
    bytes: Bytes,
) -> Answer {
    let outage: Outage = if bytes.is_empty() {
        Outage::default()
    } else {
        body(&bytes)?
    };
    handles
        .faults
        .outage(system, outage.ms.map(Duration::from_millis));
    done()
}

pub(super) async fn lift_outage(State(handles): State<Handles>, Path(system): Path<System>) -> Answer {
    handles.faults.lift_outage(system);
    done()
}

pub(super) async fn stats(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!({
        "crm": handles.crm.stats().snapshot(),
        "finance": handles.finance.stats().snapshot(),
        "webhooks": handles.crm.webhook_stats(),
        "finance_sessions": handles.finance.open_sessions(),
    })))
}

pub(super) async fn reset_stats(State(handles): State<Handles>) -> Answer {
    handles.crm.stats().reset();
    handles.finance.stats().reset();
    done()
}

pub(super) async fn saves(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!({
        "crm": handles.crm.stats().all_saves(),
        "finance": handles.finance.stats().all_saves(),
    })))
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    system: Option<System>,
    #[serde(default)]
    endpoint: String,
    limit: Option<usize>,
}

/// The latest requests, oldest first.
pub(super) async fn requests(State(handles): State<Handles>, Query(wanted): Query<Wanted>) -> Answer {
    let mut all = Vec::new();
    if wanted.system != Some(System::Finance) {
        all.extend(handles.crm.stats().requests());
    }
    if wanted.system != Some(System::Crm) {
        all.extend(handles.finance.stats().requests());
    }
    all.retain(|request| matches(&wanted.endpoint, &request.endpoint));
    all.sort_by_key(|request| request.seq);
    let surplus = all.len().saturating_sub(wanted.limit.unwrap_or(usize::MAX));
    all.drain(..surplus);
    Ok(Json(json!(all)))
}

pub(super) async fn config(State(handles): State<Handles>) -> Answer {
    Ok(Json(
        json!({"crm": handles.crm.config(), "finance": handles.finance.config()}),
    ))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfigPatch {
    crm: Option<Value>,
    finance: Option<Value>,
}

/// A merge patch of the settings; `null` sets one back to its default. All or nothing.
pub(super) async fn set_config(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    let patch: ConfigPatch = body(&bytes)?;
    let crm = patch
        .crm
        .map(|patch| patched(&handles.crm.config(), &patch))
        .transpose()?;
    let finance = patch
        .finance
        .map(|patch| patched(&handles.finance.config(), &patch))
        .transpose()?;
    if let Some(new) = crm {
        handles.crm.configure(|config| *config = new);
    }
    if let Some(new) = finance {
        handles.finance.configure(|config| *config = new);
    }
    config(State(handles)).await
}

fn patched<T: Serialize + DeserializeOwned>(config: &T, patch: &Value) -> Result<T, Refusal> {
    let mut value = serde_json::to_value(config).map_err(Refusal::bad)?;
    let (Some(object), Some(patch)) = (value.as_object_mut(), patch.as_object()) else {
        return Err(Refusal::bad("an object is needed"));
    };
    merge_patch(object, patch);
    serde_json::from_value(value).map_err(Refusal::bad)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    freeze: Option<DateTime<Utc>>,
    advance_ms: Option<i64>,
    #[serde(default)]
    system: bool,
}

pub(super) async fn clock(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!({"now": handles.clock.now()})))
}

pub(super) async fn set_clock(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    let change: ClockChange = body(&bytes)?;
    if change.system {
        handles.clock.follow_system();
    }
    if let Some(at) = change.freeze {
        handles.clock.freeze(at);
    }
    if let Some(by) = change.advance_ms.and_then(chrono::Duration::try_milliseconds) {
        handles.clock.advance(by);
    }
    clock(State(handles)).await
}

pub(super) async fn action(State(handles): State<Handles>, Path(name): Path<String>) -> Answer {
    match name.as_str() {
        "expire_tokens" => handles.crm.expire_tokens(),
        "expire_everything" => handles.crm.expire_everything(),
        "unlock_login" => handles.crm.unlock_login(),
        "expire_sessions" => handles.finance.expire_sessions(),
        _ => return Err(crate::error::SimError::NotFound(name).into()),
    }
    done()
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SampleOrder {
    seed: u64,
    crm: usize,
    finance: usize,
}

impl Default for SampleOrder {
    fn default() -> Self {
        let seed = SimulatorConfig::default().seed;
        Self {
            seed,
            crm: 0,
            finance: 0,
        }
    }
}

/// Without a body the fixed sample, otherwise generated customers: the first `crm` of them into the
/// CRM, the first `finance` of them into finance (so that the smaller part is in both). Silent.
pub(super) async fn sample(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    if bytes.is_empty() {
        sample::load(&handles.crm, &handles.finance)?;
        return done();
    }
    let order: SampleOrder = body(&bytes)?;
    let customers = sample::customers(order.seed, order.crm.max(order.finance));
    for customer in customers.iter().take(order.crm) {
        handles.crm.seed(customer.kind, customer.to_crm())?;
    }
    for customer in customers.iter().take(order.finance) {
        handles.finance.seed(customer.to_finance())?;
    }
    done()
}
