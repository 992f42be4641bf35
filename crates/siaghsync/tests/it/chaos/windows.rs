//! Edits that no program could have kept: typed between the read that a save was made from and the moment when it
//! landed. What the systems were asked says which, not what the product says of itself.
//!
//! Nor does it say who asked. But one run at a time has a customer: what was asked about its other record, or saved into
//! this one, between the read and the save, belongs to the run that saved. Then the save was not made straight after its
//! read, and what was typed before that call is no exemption. Whether the run asked for anything else in between, such as
//! a search, can't be told from outside: that is for the simulation.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::store::EntityType;
use domain::store::entities::link;
use serde_json::Value;
use simulator::{RequestRecord, Simulator, System};

use super::field::{Field, text};

/// The log's clock is read next to the deed, not in it.
pub const CLOSE: TimeDelta = TimeDelta::milliseconds(10);

/// One of a customer's records, or a document.
type Record = (System, String);

/// From the last read of a record to the landing of the save that was made from it.
type Window = (DateTime<Utc>, DateTime<Utc>);

#[derive(Default)]
pub struct Windows {
    of: HashMap<Record, Vec<Window>>,
    requests: Vec<RequestRecord>,
    /// Saves that were not made straight after their read.
    pub from_an_older_look: usize,
}

impl Windows {
    pub fn of(sim: &Simulator, links: &[link::Model]) -> Self {
        let mut requests = sim.crm().stats().requests();
        requests.extend(sim.finance().stats().requests());
        let mut reads: HashMap<Record, Vec<DateTime<Utc>>> = HashMap::new();
        let mut calls: HashMap<Record, Vec<DateTime<Utc>>> = HashMap::new();
        for request in &requests {
            let (read, saved) = (read_of(request), save_of(request));
            if let (Some(id), Some(done), true) = (&read, request.done, was_heard(request)) {
                let record = (request.system, id.clone());
                reads.entry(record).or_default().push(done);
            }
            let others = others(request.system, read.as_ref(), saved.as_ref(), links);
            for record in others.filter(|_| request.fault.as_deref() != Some("session_expired")) {
                calls.entry(record).or_default().push(request.at);
            }
        }
        let mut windows = Self::default();
        for request in &requests {
            let (Some(id), Some(landed)) = (save_of(request), request.done) else {
                continue;
            };
            let record = (request.system, id);
            let last = |times: &HashMap<Record, Vec<DateTime<Utc>>>,
                        until: &dyn Fn(DateTime<Utc>) -> bool| {
                let times = times.get(&record).into_iter().flatten().copied();
                times.filter(|at| until(*at)).max()
            };
            let Some(read) = last(&reads, &|at| at <= request.at) else {
                continue;
            };
            let since = last(&calls, &|at| at < request.at && at > read);
            windows.from_an_older_look += usize::from(since.is_some());
            let window = (since.unwrap_or(read), landed);
            windows.of.entry(record).or_default().push(window);
        }
        windows.requests = requests;
        windows
    }

    /// What was asked about records with these ids, for stories, with what a save carries of that field.
    pub fn about(&self, ids: [&Option<String>; 2], field: Option<Field>) -> Vec<(DateTime<Utc>, String)> {
        let about = |request: &&RequestRecord| {
            let id = read_of(request).or_else(|| save_of(request));
            id.is_some() && ids.contains(&&id)
        };
        let requests = self.requests.iter().filter(about);
        let line = |request: &RequestRecord| {
            let saved = save_of(request).and(field).map(|field| saved(request, field));
            format!(
                "{:?} {} {saved:?} status {:?} done {:?} fault {:?}",
                request.system,
                request.endpoint,
                request.status,
                request.done.map(|at| at.format("%S%.3f").to_string()),
                request.fault
            )
        };
        requests.map(|request| (request.at, line(request))).collect()
    }

    /// Whether anybody sent that value into that record.
    pub fn carried(&self, side: System, id: &str, field: Field, value: &str) -> bool {
        let mut saves = self
            .requests
            .iter()
            .filter(|request| request.system == side && save_of(request).as_deref() == Some(id));
        saves.any(|request| saved(request, field) == value)
    }

    /// Whether something typed then into that record fell into such a window.
    pub fn hold(&self, side: System, id: &str, at: DateTime<Utc>) -> bool {
        let windows = self.of.get(&(side, id.to_owned()));
        windows
            .into_iter()
            .flatten()
            .any(|(from, to)| *from - CLOSE <= at && at <= *to + CLOSE)
    }
}

/// Records that a run may not save from an earlier look after such a call: the other one of the customer whose record it
/// is about, and the very one that it saves.
fn others<'a>(
    system: System,
    read: Option<&'a String>,
    saved: Option<&'a String>,
    links: &'a [link::Model],
) -> impl Iterator<Item = Record> + 'a {
    let about = read.or(saved);
    let pair = links
        .iter()
        .filter(|m| m.entity_type == EntityType::Customer)
        .find(move |m| {
            let here = match system {
                System::Crm => &m.crm_id,
                System::Finance => &m.finance_id,
            };
            about.is_some() && here.as_ref() == about
        });
    let other = pair.and_then(|m| match system {
        System::Crm => Some((System::Finance, m.finance_id.clone()?)),
        System::Finance => Some((System::Crm, m.crm_id.clone()?)),
    });
    let itself = saved.map(|id| (system, id.clone()));
    other.into_iter().chain(itself)
}

/// The caller has got the answer.
fn was_heard(request: &RequestRecord) -> bool {
    let harmless = matches!(request.fault.as_deref(), None | Some("slow" | "session_expired"));
    request.status == Some(200) && harmless
}

/// What the save says of the field.
fn saved(request: &RequestRecord, field: Field) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    match body["ctrlValues"].as_str() {
        Some(all) => {
            let name = format!("gn_web_users.{}=", field.control());
            let value = all.split('|').find_map(|one| one.strip_prefix(&name));
            value.unwrap_or_default().to_owned()
        }
        None => field.of_object(&body),
    }
}

fn read_of(request: &RequestRecord) -> Option<String> {
    let body: Value = serde_json::from_str(&request.body).ok()?;
    if request.endpoint.ends_with("/get") {
        body["id"].as_str().map(str::to_owned)
    } else if request.endpoint.ends_with("/GetAll") {
        body.get("Code").map(text)
    } else {
        None
    }
}

fn save_of(request: &RequestRecord) -> Option<String> {
    let body: Value = serde_json::from_str(&request.body).ok()?;
    if request.endpoint.ends_with("/update") && request.system == System::Crm {
        body["crmId"].as_str().map(str::to_owned)
    } else if request.endpoint.ends_with("2BFDA/update") {
        let parameters = body["parameters"].as_str()?;
        parameters.strip_prefix("CodeMain=").map(str::to_owned)
    } else {
        None
    }
}
