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

    /// Why the loss of so many contacts, of those that were there, looks like a partial answer or a mistake.
    #[must_use]
    pub fn objects_to_loss(&self, vanished: u64, known: u64) -> Option<Message> {
        self.is_share(vanished, known).then(|| {
            Message::new(Code::TooManyVanished)
                .with("vanished", vanished)
                .with("known", known)
                .with("limit", self.max_share)
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
    fn is_share(&self, part: u64, whole: u64) -> bool {
        part >= LOOK_FROM && part as f64 > self.max_share * whole as f64
    }
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

/// What becomes of a held set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The changes become `PENDING` rows.
    Release,
    /// They become `SKIPPED` rows, which say so: the same changes, read again, are not new.
    Drop,
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
    fn a_loss_is_measured_by_what_was_there() {
        assert_eq!(GUARD.objects_to_loss(49, 60), None);
        assert!(GUARD.objects_to_loss(60, 200).is_some());
        assert_eq!(GUARD.objects_to_loss(60, 20_000), None);
    }
}
