//! Persons and organizations: what equals the CRM's base is an echo of our own write, and makes no row.

use domain::customer::Kind;
use domain::polls::{Fingerprint, PollLease, checksum};
use domain::ports::{PortResult, Side, Snapshot};
use payamgostar::{ChangedPage, Position, Walk, modify_date};

use super::{PAGE, Records, Stamp, gather, harvest, is_plain, next_cursor, overlap};
use crate::pollers::judge::Read;
use crate::pollers::{Failure, Pollers};

struct Customers<'a> {
    pollers: &'a Pollers,
    kind: Kind,
}

pub(in crate::pollers) async fn read(
    pollers: &Pollers,
    kind: Kind,
    turn: &PollLease,
    wide: bool,
) -> Result<Read, Failure> {
    let walk = match &turn.cursor {
        Some(cursor) => Walk::from(pollers.crm.position_before(cursor, overlap(wide))),
        None => Walk::over_all(),
    };
    let gathered = gather(&Customers { pollers, kind }, walk).await?;
    let cursor = gathered.newest.map(|newest| next_cursor(pollers, turn, newest));
    harvest(pollers, turn, gathered.changes.into_values().collect(), cursor).await
}

impl Records for Customers<'_> {
    type Row = Snapshot;

    async fn page(&self, position: &Position) -> PortResult<ChangedPage<Snapshot>> {
        self.pollers.crm.changed_since(self.kind, position, PAGE).await
    }

    fn stamp(row: &Snapshot) -> Stamp {
        Stamp {
            id: row.id.clone(),
            date: modify_date(row),
            at: row.modified_at,
        }
    }

    async fn changed(&self, rows: &[Snapshot]) -> Result<Vec<Option<String>>, Failure> {
        let ids = rows.iter().map(|row| row.id.as_str());
        let ids: Vec<&str> = ids.filter(|id| is_plain(id)).collect();
        let mapped = self.pollers.store.linked(Side::Crm, &ids).await?;
        let sums = rows.iter().map(|row| {
            let mapped = mapped.get(&row.id);
            let echo = mapped.is_some_and(|mapped| mapped.knows(&Fingerprint::of(&row.customer), Side::Crm));
            (!echo).then(|| checksum(&row.customer))
        });
        Ok(sums.collect())
    }
}
