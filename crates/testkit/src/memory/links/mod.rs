//! `"EntityMapping"` and `"MatchLock"`.

mod link;
mod lock;
mod save;

pub(super) use link::link;
pub(super) use lock::lock;
pub(super) use save::save;
