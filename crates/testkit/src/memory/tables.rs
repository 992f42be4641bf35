//! The tables, with the constraints that the databases keep: unique keys, and the foreign key of `"MatchLock"`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, SubsecRound, Utc};
use domain::company::Company;
use domain::ports::Side;
use domain::store::entities::{link, log, retry};
use domain::store::{EntityRef, EntityType, Lease, Status, StoreError, StoreResult};
use sea_orm::DbErr;
use uuid::Uuid;

use super::index::Index;
use super::own::own_on;
use super::polls::Polls;
use super::rows;
use super::taken::Waiting;

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) log: BTreeMap<Uuid, log::Model>,
    /// Rows that are not final.
    pub(super) open: BTreeSet<Uuid>,
    /// Unique: the source system with the event's key.
    events: BTreeSet<(String, String)>,
    links: BTreeMap<Uuid, link::Model>,
    /// Unique: a record of the CRM, or of one company's finance system.
    records: HashMap<Named, Uuid>,
    pub(super) retries: BTreeMap<Uuid, retry::Model>,
    /// Which link has reserved a key.
    locks: BTreeMap<String, Uuid>,
    pub(super) polls: Polls,
    pub(super) index: Index,
    pub(super) taken: Waiting,
}

/// A record, as one link at most names it.
pub(super) type Named = (EntityType, Side, Option<Company>, String);

/// A time as the databases keep it.
pub(super) fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// Whether nobody works on it.
pub(super) fn is_free(link: &link::Model, now: DateTime<Utc>) -> bool {
    link.lease_until.is_none_or(|until| until <= now)
}

fn violated(constraint: &str) -> StoreError {
    StoreError::Database(DbErr::Custom(format!("violated: {constraint}")))
}

impl Tables {
    pub(super) fn links(&self) -> impl Iterator<Item = &link::Model> {
        self.links.values()
    }

    pub(super) fn link(&self, id: Uuid) -> Option<&link::Model> {
        self.links.get(&id)
    }

    /// The link that has that id, which is a code of that company's if it is finance's.
    pub(super) fn link_of(&self, entity: &EntityRef, company: Company) -> Option<&link::Model> {
        let company = own_on(entity.side, company);
        let key = (entity.entity_type, entity.side, company, entity.id.clone());
        self.links.get(self.records.get(&key)?)
    }

    /// The link under that lease, if the lease is still the last that was given.
    pub(super) fn leased(&self, lease: &Lease) -> StoreResult<link::Model> {
        let row = self.link(lease.link).filter(|row| row.lease_token == lease.token);
        row.cloned().ok_or(StoreError::Fenced)
    }

    /// [`Self::leased`], and the lease lasts.
    pub(super) fn held(&self, lease: &Lease, now: DateTime<Utc>) -> StoreResult<link::Model> {
        let row = self.leased(lease)?;
        if is_free(&row, now) {
            return Err(StoreError::Fenced);
        }
        Ok(row)
    }

    /// Writes a row of `"EntityMapping"`, new or known; whose record is another link's is not written.
    pub(super) fn put_link(&mut self, row: link::Model) -> StoreResult<()> {
        let keys = rows::records(&row);
        for key in &keys {
            if self.records.get(key).is_some_and(|id| *id != row.id) {
                return Err(violated("one link per record"));
            }
        }
        self.forget_records(row.id);
        self.records.extend(keys.into_iter().map(|key| (key, row.id)));
        self.links.insert(row.id, row);
        Ok(())
    }

    /// Deletes a row of `"EntityMapping"`; its locks go with it.
    pub(super) fn delete_link(&mut self, id: Uuid) {
        self.forget_records(id);
        self.links.remove(&id);
        self.unlock(id);
    }

    fn forget_records(&mut self, link: Uuid) {
        for key in self.links.get(&link).map(rows::records).unwrap_or_default() {
            self.records.remove(&key);
        }
    }

    /// Who has reserved a key.
    pub(super) fn holder(&self, key: &str) -> Option<Uuid> {
        self.locks.get(key).copied()
    }

    pub(super) fn lock(&mut self, key: &str, link: Uuid) -> StoreResult<()> {
        if !self.links.contains_key(&link) {
            return Err(violated("a lock's holder"));
        }
        self.locks.insert(key.to_owned(), link);
        Ok(())
    }

    pub(super) fn unlock(&mut self, link: Uuid) {
        self.locks.retain(|_, holder| *holder != link);
    }

    pub(super) fn locks(&self) -> &BTreeMap<String, Uuid> {
        &self.locks
    }

    /// Inserts a row of `"SyncLog"`, unless it or its event is there; says whether it was new.
    pub(super) fn insert(&mut self, row: log::Model) -> bool {
        let key = row
            .event_id
            .clone()
            .map(|event| (row.source_system.clone(), event));
        if self.log.contains_key(&row.id) || key.as_ref().is_some_and(|key| self.events.contains(key)) {
            return false;
        }
        self.events.extend(key);
        if !row.status.is_final() {
            self.open.insert(row.id);
        }
        self.log.insert(row.id, row);
        true
    }

    /// Whether that event stands in a row.
    pub(super) fn has_event(&self, system: &str, event: &str) -> bool {
        self.events.contains(&(system.to_owned(), event.to_owned()))
    }

    pub(super) fn set_status(&mut self, id: Uuid, status: Status) {
        if let Some(row) = self.log.get_mut(&id) {
            row.status = status;
            if status.is_final() {
                self.open.remove(&id);
            } else {
                self.open.insert(id);
            }
        }
    }

    /// The open rows of a link's entity.
    pub(super) fn open_of(&self, link: &link::Model) -> Vec<Uuid> {
        let rows = self.open.iter().filter_map(|id| self.log.get(id));
        let of_it = rows.filter(|row| rows::is_of(row, link));
        of_it.map(|row| row.id).collect()
    }

    /// The rows that a run of that link has claimed.
    pub(super) fn claimed_by(&self, link: Uuid) -> Vec<Uuid> {
        let rows = self.open.iter().filter_map(|id| self.log.get(id));
        let claimed =
            rows.filter(|row| row.entity_mapping_id == Some(link) && row.status == Status::InProgress);
        claimed.map(|row| row.id).collect()
    }
}
