//! When to try again: exponential back-off with jitter. Pure.

use std::time::Duration;

/// No wait is longer than this.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// The wait before try number `failed + 1`, after `failed` (1, 2, …) tries have failed.
///
/// `base` doubles with each failure, up to an hour; `jitter` (0 to 1) spreads it over the upper half, so that
/// jobs that failed together don't come back together. A `Retry-After` of the target is the least.
#[must_use]
pub fn delay(base: Duration, failed: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
    let full = base
        .saturating_mul(2u32.saturating_pow(failed.saturating_sub(1)))
        .min(LONGEST);
    let spread = full.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
    spread.max(retry_after.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_and_respects_retry_after() {
        let base = Duration::from_secs(2);
        let full: Vec<_> = (1..=4)
            .map(|failed| delay(base, failed, 1.0, None).as_secs())
            .collect();
        assert_eq!(full, [2, 4, 8, 16]);
        assert_eq!(delay(base, 1, 0.0, None), Duration::from_secs(1));
        assert_eq!(
            delay(base, 1, 0.0, Some(Duration::from_secs(30))),
            Duration::from_secs(30)
        );
    }

    proptest! {
        #[test]
        fn never_shrinks_and_never_exceeds_an_hour(failed in 1u32..200, jitter in 0.0f64..1.0) {
            let base = Duration::from_secs(2);
            prop_assert!(delay(base, failed, jitter, None) <= LONGEST);
            prop_assert!(delay(base, failed + 1, jitter, None) >= delay(base, failed, jitter, None));
        }
    }
}
