//! Faults on request: which call is hit by what. Choosing is here, doing it is in [`crate::front`].
//!
//! Each rule draws from its own generator, seeded from the plan's seed and the rule's number, so
//! that one system's traffic never changes what happens to the other's.

mod pattern;
mod plan;
mod rule;

pub use pattern::matches;
pub use plan::{FaultStatus, Faults};
pub use rule::{FaultKind, FaultRule, System};

pub(crate) use plan::Hit;
