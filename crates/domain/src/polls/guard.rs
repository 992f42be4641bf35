//! The guard's rules: how many changes of one poll are too many, and what it holds. Pure; what is done about it is the
//! poller's.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::message::{Code, Message};

/// From so many changes on, the share of the linked records is looked at.
pub const LOOK_FROM: u64 = 50;

/// The settings of the guard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guard {
    /// `MAX_CHANGES_PER_RUN`.
    pub max_changes: u64,
    /// `MAX_CHANGED_SHARE`, from 0 to 1.
    pub max_share: f64,
}

impl Guard {
    /// Why so many changes, where so many records of their type are linked, are too many; `None`: they are not. At a first
    /// look nothing is linked, and the same rules hold.
    #[must_use]
    pub fn objects(&self, changes: u64, linked: u64) -> Option<Message> {
        if changes > self.max_changes {
            let why = Message::new(Code::TooManyChanges).with("changes", changes);
            return Some(why.with("limit", self.max_changes));
        }
        self.is_share(changes, linked).then(|| {
            Message::new(Code::TooLargeAShare)
                .with("changes", changes)
                .with("limit", self.max_share)
                .with("linked", linked)
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
    fn is_share(&self, part: u64, whole: u64) -> bool {
        part >= LOOK_FROM && part as f64 > self.max_share * whole as f64
    }
}

/// Up to so many records may vanish, become others or show what was written over there, before a system looks put back from
/// a backup; above that, up to [`SET_BACK_SHARE`] of those that are linked.
pub const SET_BACK_FROM: u64 = 5;
const SET_BACK_SHARE: f64 = 0.05;

/// Why so many records of so many that are linked look as if that system had been put back from a backup, whatever the
/// limits are.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
pub fn set_back(records: u64, linked: u64) -> Option<Message> {
    let many = records > SET_BACK_FROM && records as f64 > SET_BACK_SHARE * linked as f64;
    many.then(|| {
        Message::new(Code::SetBack)
            .with("records", records)
            .with("linked", linked)
    })
}

/// A poll that the guard holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The poll's name.
    pub poll: String,
    /// The guard's row.
    pub row: Uuid,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub why: Message,
    /// How many changes.
    pub changes: u64,
    /// The first of their ids.
    pub examples: Vec<String>,
}

/// A change that the guard holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChange {
    /// The record's id.
    pub id: String,
    /// Its event.
    pub event_id: String,
    /// The record was missing.
    pub vanished: bool,
}

/// What becomes of a held set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The changes become `PENDING` rows.
    Release,
    /// They become `SKIPPED` rows, which say so: the same changes, read again, are not new.
    Drop,
    /// Nothing of them is left to be done.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: Guard = Guard {
        max_changes: 1000,
        max_share: 0.2,
    };

    #[test]
    fn a_share_counts_from_fifty_changes_on() {
        assert_eq!(GUARD.objects(49, 49), None);
        assert!(
            GUARD
                .objects(60, 100)
                .is_some_and(|why| why.english().contains("MAX_CHANGED_SHARE=0.2"))
        );
        assert_eq!(GUARD.objects(60, 300), None);
        assert!(GUARD.objects(61, 300).is_some());
        assert!(GUARD.objects(50, 0).is_some(), "a first look");
        assert_eq!(GUARD.objects(49, 0), None);
    }

    #[test]
    fn a_number_is_too_many_whatever_the_share() {
        assert_eq!(GUARD.objects(1000, 1_000_000), None);
        assert!(
            GUARD
                .objects(1001, 1_000_000)
                .is_some_and(|why| why.english().contains("MAX_CHANGES_PER_RUN=1000"))
        );
    }

    #[test]
    fn a_set_back_is_more_than_five_and_more_than_five_percent() {
        for (records, linked, held) in [
            (5, 5, false),
            (6, 6, true),
            (6, 119, true),
            (6, 120, false),
            (500, 10_001, false),
        ] {
            assert_eq!(set_back(records, linked).is_some(), held, "{records} of {linked}");
        }
    }
}
