//! `"SyncLog"` and `"SyncRetryQueue"`.

mod claim;
mod commit;
mod count;
mod cover;
mod prune;
mod schedule;
mod sweep;
mod wake;

pub(super) use claim::{claim, due, release};
pub(super) use commit::commit;
pub(super) use count::{backlog, count, last_run};
pub(super) use prune::prune;
pub(super) use schedule::waiting;
pub(super) use sweep::{retry, sweep};
