//! Persons and organizations: what equals the CRM's base is an echo of our own write, and makes no row.

use chrono::{DateTime, Utc};
use domain::customer::{Customer, Kind};
use domain::index::{Reading, Sighting};
use domain::polls::{Fingerprint, PollLease, checksum};
use domain::ports::Side;
use domain::ports::changes::{Changed, Since};

use super::{Records, gather, harvest, is_plain};
use crate::pollers::judge::Read;
use crate::pollers::{Failure, Pollers};

struct Customers<'a> {
    pollers: &'a Pollers,
    started_at: DateTime<Utc>,
}

pub(in crate::pollers) async fn read(
    pollers: &Pollers,
    kind: Kind,
    turn: &PollLease,
    wide: bool,
) -> Result<Read, Failure> {
    let since = Since {
        cursor: turn.cursor.as_deref(),
        wide,
    };
    let changes = pollers.changes.customer_changes(kind, since);
    let started_at = turn.started_at;
    let before = pollers.store.set_aside_by(&turn.poll).await?;
    let gathered = gather(&Customers { pollers, started_at }, &before, changes).await?;
    harvest(pollers, turn, before, gathered).await
}

impl Records for Customers<'_> {
    type Record = Customer;

    async fn changed(&self, records: &[Changed<Customer>]) -> Result<Vec<Option<String>>, Failure> {
        let ids = records.iter().map(|shown| shown.id.as_str());
        let ids: Vec<&str> = ids.filter(|id| is_plain(id)).collect();
        let mapped = self.pollers.store.linked(Side::Crm, &ids).await?;
        let sums = records.iter().map(|Changed { id, record, .. }| {
            let mapped = mapped.get(id);
            let echo = mapped.is_some_and(|mapped| mapped.knows(&Fingerprint::of(record), Side::Crm));
            (!echo).then(|| checksum(record))
        });
        Ok(sums.collect())
    }

    fn seen(&self, records: &[Changed<Customer>]) -> Vec<Sighting> {
        let project = |side: Side, field, value: &str| match side {
            Side::Crm => value.to_owned(),
            Side::Finance => self.pollers.project(field, value),
        };
        let reading = Reading {
            numbering: self.pollers.numbering,
            project: &project,
        };
        let seen = records.iter().map(|Changed { id, record, .. }| Sighting {
            side: Side::Crm,
            company: reading.company(record, Side::Crm),
            id: id.clone(),
            read_at: self.started_at,
            held: Some(reading.held(id, record, Side::Crm)),
        });
        seen.collect()
    }
}
