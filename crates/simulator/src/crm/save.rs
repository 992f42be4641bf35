//! What becomes of a record when it is saved: the server adds its own, and its dates move.

use chrono::NaiveDateTime;
use uuid::Uuid;

use super::config::CrmConfig;
use super::kind::Kind;
use super::store::{Record, Store};
use super::{dates, prepare};
use crate::json::Object;

impl Store {
    pub(crate) fn insert(
        &mut self,
        kind: Kind,
        mut object: Object,
        config: &CrmConfig,
        now: NaiveDateTime,
    ) -> Record {
        let id = self.new_id();
        let now = dates::truncate(now, config.date_digits);
        let type_key = prepare::on_create(self, kind, &mut object, config, now);
        let seq = self.next_seq();
        let mut record = Record {
            id,
            kind,
            type_key,
            seq,
            created: now,
            modified: now,
            dated: !config.modify_date_at_first_edit,
            object,
        };
        prepare::server_fields(&mut record, config);
        self.put(record.clone());
        record
    }

    /// A deleted record stands where it was, as if it had just been edited.
    pub(crate) fn restore(&mut self, id: Uuid, config: &CrmConfig, now: NaiveDateTime) -> Option<Record> {
        let mut record = self.take_out(id)?;
        record.modified = dates::truncate(now, config.date_digits).max(record.modified);
        record.dated = true;
        prepare::server_fields(&mut record, config);
        self.put(record.clone());
        Some(record)
    }

    /// The object takes the place of the stored one, as a whole.
    pub(crate) fn replace(
        &mut self,
        id: Uuid,
        mut object: Object,
        config: &CrmConfig,
        now: NaiveDateTime,
    ) -> Option<Record> {
        let old = self.remove(id)?;
        prepare::ids(self, &mut object, Some(&old.object));
        let mut modified = dates::truncate(now, config.date_digits);
        if modified <= old.modified && config.date_digits >= 3 {
            modified = old.modified + dates::step(config.date_digits);
        }
        let mut record = Record {
            modified: modified.max(old.modified),
            dated: true,
            object,
            ..old
        };
        prepare::server_fields(&mut record, config);
        self.put(record.clone());
        Some(record)
    }

    /// Sets the dates as an administrator could in the database.
    pub(crate) fn set_dates(
        &mut self,
        id: Uuid,
        created: Option<NaiveDateTime>,
        modified: Option<NaiveDateTime>,
        config: &CrmConfig,
    ) -> bool {
        let Some(mut record) = self.remove(id) else {
            return false;
        };
        record.created = created.unwrap_or(record.created);
        record.dated |= modified.is_some();
        record.modified = modified.unwrap_or(record.modified);
        prepare::server_fields(&mut record, config);
        self.put(record);
        true
    }
}
