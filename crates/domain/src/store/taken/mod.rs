//! `"TakenValue"`: rows that ended since another record holds a value of theirs, and are open again once it does not.
//!
//! Whoever writes into the index that the holder no longer holds the value, or is gone, opens the row
//! with it; the sweeper rings for it, and opens what a kill between the two has left. A row that ends so looks itself, when all of its transaction is
//! written: the holder may have changed meanwhile.

mod forget;
mod rows;
mod wait;
mod wake;

pub(super) use forget::{forget, old};
pub(super) use wait::{hold, wait};
pub(super) use wake::{wake, wake_all};
