//! What each system was asked, and how often: counters per endpoint and record, and the latest
//! requests with their bodies.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::System;

/// One request as it arrived. Authorization headers are not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Counts up from 0 over the requests of both systems.
    pub seq: u64,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// The system that was asked.
    pub system: System,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query string, empty when there is none.
    pub query: String,
    /// The name faults and counters use (see [`Stats::calls`]).
    pub endpoint: String,
    /// The body as text; broken UTF-8 is replaced, long ones are cut.
    pub body: String,
    /// The status that was sent; none when the connection was cut or the caller left.
    pub status: Option<u16>,
    /// When the system had carried it out; none when it never did, or not yet.
    pub done: Option<DateTime<Utc>>,
    /// The fault that hit this request.
    pub fault: Option<String>,
}

/// Saves of one record, counted by who saved it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saves {
    /// Through the vendor's API: creates, updates and deletes.
    pub api: u64,
    /// By a (simulated) user.
    pub user: u64,
}

/// Counters of one system at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StatsSnapshot {
    /// All requests.
    pub requests: u64,
    /// Requests by endpoint: `POST /api/v2/crmobject/person/update`,
    /// `POST /BpmsApi/SaveFormData#2BFDA/create`.
    pub calls: BTreeMap<String, u64>,
    /// Answers by status; `0` stands for none (cut connections).
    pub statuses: BTreeMap<u16, u64>,
    /// Faults that hit, by name.
    pub faults: BTreeMap<String, u64>,
    /// Sum of all saves through the API.
    pub api_saves: u64,
    /// Sum of all saves by users.
    pub user_saves: u64,
    /// Other things worth counting, such as `login_ok`, `login_while_locked`, `sessions_expired`.
    pub events: BTreeMap<String, u64>,
}

/// Counters and request log of one system.
#[derive(Debug)]
pub struct Stats {
    inner: Mutex<Inner>,
    seq: Arc<AtomicU64>,
    keep: usize,
    keep_body: usize,
}

#[derive(Debug, Default)]
struct Inner {
    counters: StatsSnapshot,
    saves: HashMap<String, Saves>,
    log: VecDeque<RequestRecord>,
}

impl Stats {
    /// The systems of one simulator share the counter that numbers their requests.
    pub(crate) fn new(seq: Arc<AtomicU64>, keep: usize, keep_body: usize) -> Self {
        Self {
            inner: Mutex::default(),
            seq,
            keep,
            keep_body,
        }
    }

    /// All counters.
    #[must_use]
    pub fn snapshot(&self) -> StatsSnapshot {
        self.lock().counters.clone()
    }

    /// Calls of all endpoints whose name matches the pattern, which is written like a fault's.
    #[must_use]
    pub fn calls(&self, pattern: &str) -> u64 {
        self.lock()
            .counters
            .calls
            .iter()
            .filter(|(endpoint, _)| crate::faults::matches(pattern, endpoint))
            .map(|(_, count)| count)
            .sum()
    }

    /// How often an event of that name was counted.
    #[must_use]
    pub fn event_count(&self, name: &str) -> u64 {
        self.lock().counters.events.get(name).copied().unwrap_or(0)
    }

    /// Saves of one record: a CRM id, a contact's code, or `document:<id>`.
    #[must_use]
    pub fn saves(&self, record: &str) -> Saves {
        self.lock().saves.get(record).copied().unwrap_or_default()
    }

    /// Saves of all records.
    #[must_use]
    pub fn all_saves(&self) -> BTreeMap<String, Saves> {
        self.lock()
            .saves
            .iter()
            .map(|(record, saves)| (record.clone(), *saves))
            .collect()
    }

    /// The latest requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.lock().log.iter().cloned().collect()
    }

    /// The latest `most` requests, oldest first.
    #[must_use]
    pub fn latest(&self, most: usize) -> Vec<RequestRecord> {
        let inner = self.lock();
        let passed = inner.log.len().saturating_sub(most);
        inner.log.range(passed..).cloned().collect()
    }

    /// Sets everything to zero and forgets the requests.
    pub fn reset(&self) {
        *self.lock() = Inner::default();
    }

    pub(crate) fn begin(&self, mut record: RequestRecord) -> u64 {
        if record.body.len() > self.keep_body {
            let mut end = self.keep_body;
            while !record.body.is_char_boundary(end) {
                end -= 1;
            }
            record.body.truncate(end);
        }
        let mut inner = self.lock();
        // Taken under the lock: the log is in the order of the numbers.
        let seq = self.seq.fetch_add(1, Ordering::SeqCst);
        record.seq = seq;
        inner.counters.requests += 1;
        bump(&mut inner.counters.calls, &record.endpoint);
        if let Some(fault) = &record.fault {
            bump(&mut inner.counters.faults, fault);
        }
        if self.keep > 0 {
            if inner.log.len() >= self.keep {
                inner.log.pop_front();
            }
            inner.log.push_back(record);
        }
        seq
    }

    pub(crate) fn done(&self, seq: u64, at: DateTime<Utc>) {
        if let Some(record) = self.lock().record(seq) {
            record.done = Some(at);
        }
    }

    pub(crate) fn finish(&self, seq: u64, status: Option<u16>) {
        let mut inner = self.lock();
        *inner.counters.statuses.entry(status.unwrap_or(0)).or_default() += 1;
        if let Some(record) = inner.record(seq) {
            record.status = status;
        }
    }

    pub(crate) fn event(&self, name: &str) {
        bump(&mut self.lock().counters.events, name);
    }

    pub(crate) fn saved(&self, record: &str, by: Author) {
        let mut inner = self.lock();
        let counted = match by {
            Author::Api => &mut inner.counters.api_saves,
            Author::User => &mut inner.counters.user_saves,
        };
        *counted += 1;
        let saves = match inner.saves.get_mut(record) {
            Some(saves) => saves,
            None => inner.saves.entry(record.to_owned()).or_default(),
        };
        match by {
            Author::Api => saves.api += 1,
            Author::User => saves.user += 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A request that is still remembered.
    fn record(&mut self, seq: u64) -> Option<&mut RequestRecord> {
        let position = self.log.binary_search_by_key(&seq, |record| record.seq).ok()?;
        self.log.get_mut(position)
    }
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// Somebody through the vendor's API.
    Api,
    /// A simulated user of the system.
    User,
}

fn bump(counters: &mut BTreeMap<String, u64>, name: &str) {
    match counters.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counters.insert(name.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &str) -> RequestRecord {
        RequestRecord {
            seq: 0,
            at: DateTime::UNIX_EPOCH,
            system: System::Crm,
            method: "POST".into(),
            path: "/x".into(),
            query: String::new(),
            endpoint: "POST /x".into(),
            body: body.into(),
            status: None,
            done: None,
            fault: None,
        }
    }

    #[test]
    fn the_log_is_bounded_and_statuses_find_their_request() {
        let stats = Stats::new(Arc::default(), 2, 4);
        stats.begin(record("سلام"));
        stats.begin(record("b"));
        let last = stats.begin(record("c"));
        stats.finish(last, Some(200));
        let log = stats.requests();
        assert_eq!(log.len(), 2);
        assert_eq!(log[1].status, Some(200));
        assert_eq!(log[0].status, None);
        stats.done(last, DateTime::UNIX_EPOCH);
        assert_eq!(stats.latest(1)[0].done, Some(DateTime::UNIX_EPOCH));
        assert_eq!(stats.calls("/x"), 3);
        stats.reset();
        assert_eq!(stats.snapshot().requests, 0);
        assert_eq!(stats.begin(record("d")), 3);
    }

    #[test]
    fn saves_are_counted_by_author() {
        let stats = Stats::new(Arc::default(), 0, 0);
        stats.saved("22", Author::Api);
        stats.saved("22", Author::User);
        stats.saved("22", Author::Api);
        assert_eq!(stats.saves("22"), Saves { api: 2, user: 1 });
        assert_eq!(stats.saves("23"), Saves::default());
        assert_eq!(stats.snapshot().api_saves, 2);
    }
}
