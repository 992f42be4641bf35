//! What a user of finance, or its administrator, does.

use std::sync::Arc;

use serde_json::Value;

use super::{
    columns,
    config::FinanceConfig,
    contact_form,
    store::Document,
    store::{PHONE_TAKEN, Store},
    system::Finance,
};
use crate::{
    error::SimError,
    json::{Object, merge_patch},
    stats::{Author, Saves, Stats},
};

/// A backup of finance's database.
#[derive(Clone)]
pub struct Backup(Store);

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").finish_non_exhaustive()
    }
}

/// Finance from inside. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct FinanceHandle(pub(crate) Arc<Finance>);

impl FinanceHandle {
    /// A user enters a contact, by the columns' read names (`Name`, `MobileNo`, …); gives back its
    /// code, which may be chosen with `Code`.
    pub fn create(&self, columns: Value) -> Result<i64, SimError> {
        let code = self.insert(columns)?;
        self.0.stats.saved(&code.to_string(), Author::User);
        Ok(code)
    }

    /// Puts a contact there as if it had always been: no save is counted.
    pub fn seed(&self, columns: Value) -> Result<i64, SimError> {
        self.insert(columns)
    }

    /// A user edits a contact: an RFC 7396 merge patch of its columns (`null` clears).
    pub fn edit(&self, code: i64, patch: Value) -> Result<(), SimError> {
        let mut patch = object_of(patch)?;
        patch.remove("Code");
        let mut store = self.0.store();
        let mut row = store.get(code).cloned().ok_or_else(|| unknown(code))?;
        merge_patch(&mut row, &patch);
        check_phones(&store, &row, Some(code))?;
        store.put(code, row);
        drop(store);
        self.0.stats.saved(&code.to_string(), Author::User);
        Ok(())
    }

    /// A user deletes a contact.
    pub fn delete(&self, code: i64) -> Result<(), SimError> {
        let removed = self.0.store().remove(code);
        removed.ok_or_else(|| unknown(code))?;
        self.0.stats.saved(&code.to_string(), Author::User);
        Ok(())
    }

    /// All that finance holds by now, to be put back later.
    #[must_use]
    pub fn back_up(&self) -> Backup {
        Backup(self.0.store().clone())
    }

    /// Puts a backup back: what came since is gone, codes are given again.
    pub fn put_back(&self, backup: &Backup) {
        *self.0.store() = backup.0.clone();
        self.0.store().forget_answer();
    }

    /// A contact as it is stored: without empty columns, with `Code`, and with `tmpid` if it has one.
    #[must_use]
    pub fn get(&self, code: i64) -> Option<Value> {
        let store = self.0.store();
        store.get(code).map(|row| stored(code, row))
    }

    /// A contact as `GetAll` shows it.
    #[must_use]
    pub fn get_as_answered(&self, code: i64) -> Option<Value> {
        let config = self.0.config();
        let store = self.0.store();
        store.get(code).map(|row| columns::show(code, row, &config))
    }

    /// All contacts by their code, without the system's own users.
    #[must_use]
    pub fn contacts(&self) -> Vec<Value> {
        let own_user = |row: &Object| row.get("IsAdminUser") == Some(&Value::Bool(true));
        self.select(|row| !own_user(row))
    }

    /// All rows, with the system's own users.
    #[must_use]
    pub fn rows(&self) -> Vec<Value> {
        self.select(|_| true)
    }

    /// Contacts whose column has exactly this value.
    #[must_use]
    pub fn find(&self, column: &str, value: &Value) -> Vec<Value> {
        self.select(|row| row.get(column) == Some(value))
    }

    /// All pre-invoices, oldest first.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.0.store().documents.clone()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> FinanceConfig {
        self.0.config().as_ref().clone()
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut FinanceConfig)) {
        let mut config = self.config();
        change(&mut config);
        self.0.set_config(config);
    }

    /// Ends all sessions.
    pub fn expire_sessions(&self) {
        self.0.sessions().expire_all();
    }

    /// How many sessions are open.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.0.sessions().len()
    }

    /// Counters and requests.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Saves of one contact.
    #[must_use]
    pub fn saves(&self, code: i64) -> Saves {
        self.0.stats.saves(&code.to_string())
    }

    fn insert(&self, columns: Value) -> Result<i64, SimError> {
        let given = object_of(columns)?;
        let config = self.0.config();
        let mut row = contact_form::new_row(&self.0);
        row.insert("IsActive".into(), true.into());
        row.insert("TowardType".into(), config.toward_inverted.into());
        merge_patch(&mut row, &given);
        let chosen = match row.remove("Code") {
            None => None,
            Some(code) => Some(
                code.as_i64()
                    .ok_or_else(|| SimError::BadInput("Code must be a number".to_owned()))?,
            ),
        };
        let mut store = self.0.store();
        check_phones(&store, &row, None)?;
        let code = match chosen {
            Some(code) if store.get(code).is_some() => {
                return Err(SimError::Refused(format!("code {code} is taken")));
            }
            Some(code) => code,
            None => store.new_code(&config),
        };
        row.insert("RecordId".into(), (code + 100_000).into());
        store.put(code, row);
        Ok(code)
    }

    fn select(&self, wanted: impl Fn(&Object) -> bool) -> Vec<Value> {
        let store = self.0.store();
        store
            .iter()
            .filter(|(_, row)| wanted(row))
            .map(|(code, row)| stored(code, row))
            .collect()
    }
}

fn stored(code: i64, row: &Object) -> Value {
    let mut row = row.clone();
    row.insert("Code".into(), code.into());
    Value::Object(row)
}

fn check_phones(store: &Store, row: &Object, own: Option<i64>) -> Result<(), SimError> {
    if store.phone_taken(row, own) {
        return Err(SimError::Refused(PHONE_TAKEN.to_owned()));
    }
    Ok(())
}

fn unknown(code: i64) -> SimError {
    SimError::NotFound(code.to_string())
}

fn object_of(value: Value) -> Result<Object, SimError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(SimError::BadInput("an object is needed".to_owned())),
    }
}
