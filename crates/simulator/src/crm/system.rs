//! The CRM itself: its objects, who may see them, and what happens when one is saved.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use chrono::SecondsFormat;
use uuid::Uuid;

use super::auth::Auth;
use super::config::CrmConfig;
use super::kind::Kind;
use super::store::{Record, Store};
use super::webhooks::{Event, RegisteredHook, Webhooks};
use crate::clock::Clock;
use crate::json::Object;
use crate::stats::{Author, Stats};

/// The whole CRM.
pub(crate) struct Crm {
    pub(crate) clock: Clock,
    pub(crate) stats: Arc<Stats>,
    config: RwLock<Arc<CrmConfig>>,
    store: Mutex<Store>,
    auth: Mutex<Auth>,
    pub(super) webhooks: Webhooks,
}

impl Crm {
    pub(crate) fn new(config: CrmConfig, seed: u64, clock: Clock, stats: Arc<Stats>) -> anyhow::Result<Self> {
        Ok(Self {
            clock,
            stats,
            config: RwLock::new(Arc::new(config)),
            store: Mutex::new(Store::new(seed)),
            auth: Mutex::new(Auth::new(seed)),
            webhooks: Webhooks::new(seed)?,
        })
    }

    pub(crate) fn config(&self) -> Arc<CrmConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_config(&self, config: CrmConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn auth(&self) -> MutexGuard<'_, Auth> {
        self.auth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn registered(&self) -> MutexGuard<'_, Vec<RegisteredHook>> {
        self.webhooks
            .registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn announce(&self, record: &Record) {
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        self.webhooks
            .fire(Event::Update, record, &self.config(), &timestamp);
    }

    pub(super) fn create(&self, kind: Kind, object: Object, by: Author) -> Record {
        let config = self.config();
        let now = self.clock.local(config.timezone);
        let record = self.store().insert(kind, object, &config, now);
        self.changed(Event::Insert, &record, by, &config);
        record
    }

    pub(super) fn replace(&self, id: Uuid, object: Object, by: Author) -> Option<Record> {
        self.modify(id, by, |stored| *stored = object)
    }

    /// Reads, changes and saves under one lock: nobody's save is lost in between.
    pub(super) fn modify(&self, id: Uuid, by: Author, change: impl FnOnce(&mut Object)) -> Option<Record> {
        let config = self.config();
        let now = self.clock.local(config.timezone);
        let record = {
            let mut store = self.store();
            let mut object = store.get(id)?.object.clone();
            change(&mut object);
            store.replace(id, object, &config, now)?
        };
        self.changed(Event::Update, &record, by, &config);
        Some(record)
    }

    pub(super) fn delete(&self, id: Uuid, by: Author) -> Option<Record> {
        let config = self.config();
        let record = self.store().bin(id)?;
        self.changed(Event::Delete, &record, by, &config);
        Some(record)
    }

    pub(super) fn restore(&self, id: Uuid, by: Author) -> Option<Record> {
        let config = self.config();
        let now = self.clock.local(config.timezone);
        let record = self.store().restore(id, &config, now)?;
        self.changed(Event::Insert, &record, by, &config);
        Some(record)
    }

    pub(super) fn changed(&self, event: Event, record: &Record, by: Author, config: &CrmConfig) {
        self.stats.saved(&record.id.to_string(), by);
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        self.webhooks.fire(event, record, config, &timestamp);
    }
}
