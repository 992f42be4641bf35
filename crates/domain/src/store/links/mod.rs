//! Links, `"EntityMapping"`: which record is which, what each side was known to hold, and who works on it.

mod absorb;
mod find;
mod intend;
mod lease;
mod link;
mod rows;
mod save;

pub(super) use find::{find, in_conflict};
pub(super) use intend::intend;
pub(super) use lease::{free, hold, lease_of, let_go, take, taking};
pub(super) use link::link;
pub use rows::link as link_of;
pub(super) use rows::read;
pub(super) use save::{FREED, drop_half, left, save};
