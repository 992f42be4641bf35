//! Rows that ended since another record holds a value of theirs, and are open again once it does not.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::index::{Sighting, gone_elsewhere, last_of_each, stored};
use domain::matching::Key;
use domain::ports::Side;
use domain::store::{Status, TAKEN, Withheld};
use uuid::Uuid;

use super::own::Own;
use super::tables::Tables;

/// Of whose record with that id which value is waited for, and by which row.
type Wait = (Side, Company, String, Key, String, Uuid);

/// What which row waits for.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeSet<Wait>);

impl Waiting {
    /// That row waits for nothing any more.
    pub(super) fn forget(&mut self, row: Uuid) {
        self.0.retain(|(.., waits)| *waits != row);
    }
}

impl Tables {
    /// Writes down what was seen; what has waited for it is open again.
    pub(super) fn note(&mut self, own: &Own, sightings: &[Sighting]) {
        let elsewhere = gone_elsewhere(sightings, &own.served);
        let all = last_of_each(sightings.iter().chain(&elsewhere));
        self.index.note(&all);
        for one in all {
            self.wake(one.side, one.company, &one.id);
        }
    }

    /// The row waits for these values.
    pub(super) fn wait(&mut self, own: &Own, row: Uuid, withheld: &[Withheld]) {
        for one in withheld {
            let value = stored(&one.form.value).into_owned();
            let (holder, key) = (one.holder.clone(), one.form.key);
            self.taken
                .0
                .insert((one.side, own.company, holder, key, value, row));
        }
        for one in withheld {
            self.wake(one.side, own.company, &one.holder);
        }
    }

    /// What waits for that record to lose a value that it does not hold is open again.
    fn wake(&mut self, side: Side, company: Company, id: &str) {
        let free = |(on, of, holder, key, value, _): &&Wait| {
            (*on, *of) == (side, company)
                && holder == id
                && !self.index.holds((side, company, id), *key, value)
        };
        let free: BTreeSet<Uuid> = self.taken.0.iter().filter(free).map(|(.., row)| *row).collect();
        for row in free {
            let ended = self.log.get_mut(&row).filter(|row| {
                matches!(row.status, Status::Failed | Status::Conflict)
                    && row.error_class.as_deref() == Some(TAKEN)
            });
            let Some(ended) = ended else { continue };
            (ended.retry_count, ended.lapses) = (0, 0);
            (ended.rung_at, ended.completed_at) = (None, None);
            self.set_status(row, Status::Pending);
            self.taken.forget(row);
        }
    }
}
