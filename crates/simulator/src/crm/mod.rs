//! The Payamgostar CRM.
//!
//! `api` speaks HTTP, `handle` is a user of the system, both work on [`Crm`], which keeps the
//! objects (`store`), counts saves and sends webhooks. Nothing here knows faults.

mod api;
mod auth;
pub(crate) mod config;
mod dates;
mod find;
mod handle;
mod kind;
mod prepare;
mod query;
mod shape;
mod store;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use chrono::SecondsFormat;
use uuid::Uuid;

pub(crate) use api::{internal_error, label, router};
pub use handle::CrmHandle;
pub use kind::Kind;
pub use webhooks::{RegisteredHook, WebhookStats};

use crate::{
    clock::Clock,
    json::Object,
    stats::{Author, Stats},
};
use auth::Auth;
use config::CrmConfig;
use store::{Record, Store};
use webhooks::{Event, Webhooks};

/// The whole CRM.
pub(crate) struct Crm {
    pub(crate) clock: Clock,
    pub(crate) stats: Arc<Stats>,
    config: RwLock<Arc<CrmConfig>>,
    store: Mutex<Store>,
    auth: Mutex<Auth>,
    webhooks: Webhooks,
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

    fn registered(&self) -> MutexGuard<'_, Vec<RegisteredHook>> {
        self.webhooks
            .registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, record: &Record) {
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        self.webhooks
            .fire(Event::Update, record, &self.config(), &timestamp);
    }

    fn create(&self, kind: Kind, object: Object, by: Author) -> Record {
        let config = self.config();
        let now = self.clock.local(config.timezone);
        let record = self.store().insert(kind, object, &config, now);
        self.changed(Event::Insert, &record, by, &config);
        record
    }

    fn replace(&self, id: Uuid, object: Object, by: Author) -> Option<Record> {
        self.modify(id, by, |stored| *stored = object)
    }

    /// Reads, changes and saves under one lock: nobody's save is lost in between.
    fn modify(&self, id: Uuid, by: Author, change: impl FnOnce(&mut Object)) -> Option<Record> {
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

    fn delete(&self, id: Uuid, by: Author) -> Option<Record> {
        let config = self.config();
        let record = self.store().remove(id)?;
        self.changed(Event::Delete, &record, by, &config);
        Some(record)
    }

    fn changed(&self, event: Event, record: &Record, by: Author, config: &CrmConfig) {
        self.stats.saved(&record.id.to_string(), by);
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        self.webhooks.fire(event, record, config, &timestamp);
    }
}
