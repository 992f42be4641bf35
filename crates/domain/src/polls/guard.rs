//! The guard's rules: how many changes of one poll are too many. Pure; what is done about it is the poller's.

/// From so many changes on, the share of the mapped records is looked at.
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
    /// Why so many changes, where so many records of their type are mapped, are too many; `None`: they are not. At a first
    /// look nothing is mapped, and the same rules hold.
    #[must_use]
    pub fn objects(&self, changes: u64, mapped: u64) -> Option<String> {
        if changes > self.max_changes {
            return Some(format!(
                "{changes} changes in one poll are more than MAX_CHANGES_PER_RUN={}",
                self.max_changes
            ));
        }
        self.is_share(changes, mapped).then(|| {
            format!(
                "{changes} changes in one poll are more than MAX_CHANGED_SHARE={} of {mapped} mapped records",
                self.max_share
            )
        })
    }

    /// Why the loss of so many contacts, of those that were there, looks like a partial answer or a mistake.
    #[must_use]
    pub fn objects_to_loss(&self, vanished: u64, known: u64) -> Option<String> {
        self.is_share(vanished, known).then(|| {
            format!(
                "{vanished} of {known} contacts are suddenly not in the answer, more than MAX_CHANGED_SHARE={}",
                self.max_share
            )
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
    fn is_share(&self, part: u64, whole: u64) -> bool {
        part >= LOOK_FROM && part as f64 > self.max_share * whole as f64
    }
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
                .is_some_and(|why| why.contains("MAX_CHANGED_SHARE=0.2"))
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
                .is_some_and(|why| why.contains("MAX_CHANGES_PER_RUN=1000"))
        );
    }

    #[test]
    fn a_loss_is_measured_by_what_was_there() {
        assert_eq!(GUARD.objects_to_loss(49, 60), None);
        assert!(GUARD.objects_to_loss(60, 200).is_some());
        assert_eq!(GUARD.objects_to_loss(60, 20_000), None);
    }
}
