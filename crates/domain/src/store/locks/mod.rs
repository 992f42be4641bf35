//! Match locks, `"MatchLock"`: the keys of a first meeting, so that two twins, or two ends of one pair, meet one after
//! the other. A foreign key ties each to the link that has reserved it: none outlives its holder.

mod lock;
mod rows;
mod unlock;

pub(super) use lock::lock;
pub(super) use unlock::{gives_back, unlock};
