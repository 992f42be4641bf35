//! What a user of the CRM, or its administrator, does. Users' changes send webhooks like all others.

use std::{sync::Arc, time::Duration};

use chrono::NaiveDateTime;
use serde_json::Value;
use uuid::Uuid;

use super::{
    config::CrmConfig,
    kind::Kind,
    shape,
    store::Record,
    system::Crm,
    webhooks::{RegisteredHook, WebhookStats},
};
use crate::{
    error::SimError,
    json::{Object, merge_patch},
    stats::{Author, Saves, Stats},
};

/// The CRM from inside. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct CrmHandle(pub(crate) Arc<Crm>);

impl CrmHandle {
    /// A user enters a new object; gives back its id. A webhook is sent.
    pub fn create(&self, kind: Kind, object: Value) -> Result<String, SimError> {
        let record = self.0.create(kind, object_of(object)?, Author::User);
        Ok(record.id.to_string())
    }

    /// Puts an object there as if it had always been: no webhook, no save is counted.
    pub fn seed(&self, kind: Kind, object: Value) -> Result<String, SimError> {
        let object = object_of(object)?;
        let config = self.0.config();
        let now = self.0.clock.local(config.timezone);
        let record = self.0.store().insert(kind, object, &config, now);
        Ok(record.id.to_string())
    }

    /// A user edits an object: an RFC 7396 merge patch of its properties (`null` clears).
    pub fn edit(&self, id: &str, patch: Value) -> Result<(), SimError> {
        let patch = object_of(patch)?;
        let saved = self
            .0
            .modify(parse(id)?, Author::User, |object| merge_patch(object, &patch));
        saved.map(drop).ok_or_else(|| SimError::NotFound(id.to_owned()))
    }

    /// A user deletes an object.
    pub fn delete(&self, id: &str) -> Result<(), SimError> {
        let deleted = self.0.delete(parse(id)?, Author::User);
        deleted.map(drop).ok_or_else(|| SimError::NotFound(id.to_owned()))
    }

    /// A user takes a deleted object out of the bin again, under its old id.
    pub fn restore(&self, id: &str) -> Result<(), SimError> {
        let restored = self.0.restore(parse(id)?, Author::User);
        restored
            .map(drop)
            .ok_or_else(|| SimError::NotFound(id.to_owned()))
    }

    /// The object as it is stored: without empty and undocumented properties.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Value> {
        self.stored(id).ok().map(|record| Value::Object(record.object))
    }

    /// The object as the API's `get` shows it (in camelCase).
    #[must_use]
    pub fn get_as_answered(&self, id: &str) -> Option<Value> {
        let config = self.0.config();
        self.stored(id).ok().map(|record| shape::object(&record, &config))
    }

    /// The kind of an object.
    #[must_use]
    pub fn kind(&self, id: &str) -> Option<Kind> {
        self.stored(id).ok().map(|record| record.kind)
    }

    /// All objects of a kind in the order of their creation.
    #[must_use]
    pub fn list(&self, kind: Kind) -> Vec<Value> {
        self.select(|record| record.kind == kind)
    }

    /// Persons and organizations in the order of their creation.
    #[must_use]
    pub fn customers(&self) -> Vec<Value> {
        self.select(|record| record.kind.is_identity())
    }

    /// Quotes and invoices in the order of their creation.
    #[must_use]
    pub fn documents(&self) -> Vec<Value> {
        self.select(|record| !record.kind.is_identity())
    }

    /// Objects whose property (in camelCase) has exactly this value.
    #[must_use]
    pub fn find(&self, kind: Kind, property: &str, value: &Value) -> Vec<Value> {
        self.select(|record| record.kind == kind && record.object.get(property) == Some(value))
    }

    /// How many objects there are, of all kinds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.store().len()
    }

    /// Sets an object's dates (the server's local time), without a webhook.
    pub fn set_dates(
        &self,
        id: &str,
        created: Option<NaiveDateTime>,
        modified: Option<NaiveDateTime>,
    ) -> Result<(), SimError> {
        let config = self.0.config();
        let done = self.0.store().set_dates(parse(id)?, created, modified, &config);
        done.then_some(())
            .ok_or_else(|| SimError::NotFound(id.to_owned()))
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> CrmConfig {
        self.0.config().as_ref().clone()
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut CrmConfig)) {
        let mut config = self.config();
        change(&mut config);
        self.0.set_config(config);
    }

    /// Ends all access tokens; refresh tokens stay good, and so does the ready API token.
    pub fn expire_tokens(&self) {
        self.0.auth().expire_all(false);
    }

    /// Ends all access and refresh tokens.
    pub fn expire_everything(&self) {
        self.0.auth().expire_all(true);
    }

    /// Lifts the login lock-out.
    pub fn unlock_login(&self) {
        self.0.auth().unlock();
    }

    /// Counters and requests.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Saves of one object.
    #[must_use]
    pub fn saves(&self, id: &str) -> Saves {
        self.0.stats.saves(&id.to_lowercase())
    }

    /// Counters of the webhooks since the start.
    #[must_use]
    pub fn webhook_stats(&self) -> WebhookStats {
        self.0.webhooks.stats()
    }

    /// Waits until no webhook is on its way, at most so long; says whether that came about.
    pub async fn webhooks_settled(&self, at_most: Duration) -> bool {
        let wait = async {
            while self.webhook_stats().pending > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(at_most, wait).await.is_ok()
    }

    /// Webhooks registered through the API.
    #[must_use]
    pub fn registered_webhooks(&self) -> Vec<RegisteredHook> {
        self.0.registered().clone()
    }

    /// Sends an object's webhooks again as an update, with a new event id, changing nothing.
    pub fn announce(&self, id: &str) -> Result<(), SimError> {
        let record = self.stored(id)?;
        self.0.announce(&record);
        Ok(())
    }

    fn stored(&self, id: &str) -> Result<Record, SimError> {
        let record = self.0.store().get(parse(id)?).cloned();
        record.ok_or_else(|| SimError::NotFound(id.to_owned()))
    }

    fn select(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Value> {
        let store = self.0.store();
        store
            .iter()
            .filter(|record| wanted(record))
            .map(|record| Value::Object(record.object.clone()))
            .collect()
    }
}

fn parse(id: &str) -> Result<Uuid, SimError> {
    Uuid::parse_str(id).map_err(|_| SimError::NotFound(id.to_owned()))
}

fn object_of(value: Value) -> Result<Object, SimError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(SimError::BadInput("an object is needed".to_owned())),
    }
}
