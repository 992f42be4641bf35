//! Finance as it was last seen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::company::Company;
use domain::customer::Kind;
use domain::polls::{ContactNow, ContactSeen, ContactTimes, Harvest, PollLease};
use domain::ports::Side;
use domain::store::entities::snapshot;

use super::Polls;
use crate::memory::index::Index;

impl Polls {
    pub(super) fn see(&mut self, company: Company, turn: &PollLease, harvest: &Harvest, now: DateTime<Utc>) {
        let look_before = turn.last.map(|look| look.started_at);
        for contact in &harvest.contacts {
            self.see_one(company, contact, look_before, now);
        }
        for code in &harvest.missing {
            if let Some(row) = self.snapshot.get_mut(&(company, code.clone())) {
                row.gone = true;
                row.changes += 1;
                row.seen_at = now;
                row.look_before = look_before;
            }
        }
    }

    fn see_one(
        &mut self,
        company: Company,
        contact: &ContactNow,
        look_before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let key = (company, contact.code.clone());
        let [mobile, national_id, email, customer_number] = contact.keys.clone();
        // Told of though it looks as before: it came to that state when it was first seen so.
        let as_before = self.snapshot.get(&key);
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
        self.snapshot.insert(key.clone(), row);
        self.overwritten.insert(key, contact.overwritten.clone());
    }

    /// When the contact with that code was last seen otherwise than before.
    pub(super) fn seen_at(&self, company: Company, code: &str) -> Option<DateTime<Utc>> {
        self.snapshot
            .get(&(company, code.to_owned()))
            .map(|row| row.seen_at)
    }

    pub(super) fn contacts(&self, company: Company, index: &Index) -> HashMap<String, ContactSeen> {
        let seen = |(key, row): (&(Company, String), &snapshot::Model)| ContactSeen {
            indexed: index.checksum((Side::Finance, company, &row.code)) == Some(&row.checksum),
            checksum: row.checksum.clone(),
            changes: row.changes,
            gone: row.gone,
            gone_since: index.gone_since((Side::Finance, company, &row.code)),
            overwritten: self.overwritten.get(key).cloned().unwrap_or_default(),
        };
        let ours = self.snapshot.iter().filter(|((of, _), _)| *of == company);
        ours.map(|one| (one.1.code.clone(), seen(one))).collect()
    }

    pub(super) fn contact_times(&self, company: Company, code: &str) -> Option<ContactTimes> {
        let row = self.snapshot.get(&(company, code.to_owned()))?;
        Some(ContactTimes {
            checksum: row.checksum.clone(),
            seen_at: row.seen_at,
            look_before: row.look_before,
        })
    }
}
