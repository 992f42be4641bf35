//! Edits that no program could have kept: typed between the read that a save was made from and the moment when it
//! landed. What the systems were asked says which, not what the product says of itself.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use simulator::{RequestRecord, Simulator, System};

use super::field::text;

/// The log's clock is read next to the deed, not in it.
pub const CLOSE: TimeDelta = TimeDelta::milliseconds(10);

/// From the last read of a record to the landing of the save that was made from it.
type Window = (DateTime<Utc>, DateTime<Utc>);

#[derive(Default)]
pub struct Windows {
    of: HashMap<(System, String), Vec<Window>>,
    requests: Vec<RequestRecord>,
}

impl Windows {
    pub fn of(sim: &Simulator) -> Self {
        let mut requests = sim.crm().stats().requests();
        requests.extend(sim.finance().stats().requests());
        let mut reads: HashMap<(System, String), Vec<DateTime<Utc>>> = HashMap::new();
        for request in requests.iter().filter(|r| was_heard(r)) {
            if let (Some(id), Some(done)) = (read_of(request), request.done) {
                reads.entry((request.system, id)).or_default().push(done);
            }
        }
        let mut windows = Self::default();
        for request in &requests {
            let (Some(id), Some(landed)) = (save_of(request), request.done) else {
                continue;
            };
            let record = (request.system, id);
            let before = reads
                .get(&record)
                .into_iter()
                .flatten()
                .filter(|read| **read <= request.at);
            if let Some(read) = before.max() {
                windows.of.entry(record).or_default().push((*read, landed));
            }
        }
        windows.requests = requests;
        windows
    }

    /// What was asked about records with these ids, for stories.
    pub fn about(&self, ids: [&Option<String>; 2]) -> Vec<(DateTime<Utc>, String)> {
        let about = |request: &&RequestRecord| {
            let id = read_of(request).or_else(|| save_of(request));
            id.is_some() && ids.contains(&&id)
        };
        let requests = self.requests.iter().filter(about);
        let line = |request: &RequestRecord| {
            let values: Value = serde_json::from_str(&request.body).unwrap_or_default();
            let email = match &values["ctrlValues"] {
                Value::String(all) => all
                    .split('|')
                    .filter(|one| one.contains("email="))
                    .collect::<String>(),
                _ => text(&values["email"]),
            };
            format!(
                "{:?} {} {email:?} status {:?} done {:?} fault {:?}",
                request.system,
                request.endpoint,
                request.status,
                request.done.map(|at| at.format("%S%.3f").to_string()),
                request.fault
            )
        };
        requests.map(|request| (request.at, line(request))).collect()
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

/// The caller has got the answer.
fn was_heard(request: &RequestRecord) -> bool {
    let harmless = matches!(request.fault.as_deref(), None | Some("slow" | "session_expired"));
    request.status == Some(200) && harmless
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
