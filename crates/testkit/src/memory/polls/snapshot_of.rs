//! Finance as it was last seen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::customer::Kind;
use domain::polls::{ContactNow, ContactSeen, ContactTimes, Harvest, PollLease};
use domain::ports::Side;
use domain::store::entities::snapshot;

use super::Polls;
use crate::memory::index::Index;

impl Polls {
    pub(super) fn see(&mut self, turn: &PollLease, harvest: &Harvest, now: DateTime<Utc>) {
        let look_before = turn.last.map(|look| look.started_at);
        for contact in &harvest.contacts {
            self.see_one(contact, look_before, now);
        }
        for code in &harvest.missing {
            if let Some(row) = self.snapshot.get_mut(code) {
                row.gone = true;
                row.changes += 1;
                row.seen_at = now;
                row.look_before = look_before;
            }
        }
    }

    fn see_one(&mut self, contact: &ContactNow, look_before: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let [mobile, national_id, email, customer_number] = contact.keys.clone();
        // Told of though it looks as before: it came to that state when it was first seen so.
        let as_before = self.snapshot.get(&contact.code);
        let as_before = as_before.filter(|seen| seen.checksum == contact.checksum && !seen.gone);
        let (seen_at, look_before) =
            as_before.map_or((now, look_before), |seen| (seen.seen_at, seen.look_before));
        let kind = match contact.kind {
            Kind::Person => "person",
            Kind::Organization => "organization",
        };
        let row = snapshot::Model {
            code: contact.code.clone(),
            checksum: contact.checksum.clone(),
            changes: contact.changes,
            kind: kind.to_owned(),
            mobile,
            national_id,
            email,
            customer_number,
            seen_at,
            look_before,
            gone: false,
        };
        self.snapshot.insert(contact.code.clone(), row);
        self.overwritten
            .insert(contact.code.clone(), contact.overwritten.clone());
    }

    /// When the contact with that code was last seen otherwise than before.
    pub(super) fn seen_at(&self, code: &str) -> Option<DateTime<Utc>> {
        self.snapshot.get(code).map(|row| row.seen_at)
    }

    pub(super) fn contacts(&self, index: &Index) -> HashMap<String, ContactSeen> {
        let seen = |row: &snapshot::Model| ContactSeen {
            indexed: index.checksum(Side::Finance, &row.code) == Some(&row.checksum),
            checksum: row.checksum.clone(),
            changes: row.changes,
            gone: row.gone,
            given_up: index.is_gone(Side::Finance, &row.code),
            overwritten: self.overwritten.get(&row.code).cloned().unwrap_or_default(),
        };
        let all = self.snapshot.values();
        all.map(|row| (row.code.clone(), seen(row))).collect()
    }

    pub(super) fn contact_times(&self, code: &str) -> Option<ContactTimes> {
        let row = self.snapshot.get(code)?;
        Some(ContactTimes {
            checksum: row.checksum.clone(),
            seen_at: row.seen_at,
            look_before: row.look_before,
        })
    }
}
