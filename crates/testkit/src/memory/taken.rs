//! Rows that ended since another record holds a value of theirs, and are open again once it does not.

use std::collections::BTreeSet;

use domain::index::{Sighting, stored};
use domain::matching::Key;
use domain::ports::Side;
use domain::store::{Status, TAKEN, Withheld};
use uuid::Uuid;

use super::tables::Tables;

/// What which row waits for.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeSet<(Side, String, Key, String, Uuid)>);

impl Waiting {
    /// That row waits for nothing any more.
    pub(super) fn forget(&mut self, row: Uuid) {
        self.0.retain(|(.., waits)| *waits != row);
    }
}

impl Tables {
    /// Writes down what was seen; what has waited for it is open again.
    pub(super) fn note(&mut self, sightings: &[Sighting]) {
        self.index.note(sightings);
        for one in sightings {
            self.wake(one.side, &one.id);
        }
    }

    /// The row waits for these values.
    pub(super) fn wait(&mut self, row: Uuid, withheld: &[Withheld]) {
        for one in withheld {
            let value = stored(&one.form.value).into_owned();
            let holder = one.holder.clone();
            self.taken.0.insert((one.side, holder, one.form.key, value, row));
        }
        for one in withheld {
            self.wake(one.side, &one.holder);
        }
    }

    /// What waits for that record to lose a value that it does not hold is open again.
    fn wake(&mut self, side: Side, id: &str) {
        let free = |(of, holder, key, value, _): &&(Side, String, Key, String, Uuid)| {
            *of == side && holder == id && !self.index.holds(side, id, *key, value)
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
