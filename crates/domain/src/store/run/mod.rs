//! What a run does to several tables at once: it claims, and commits or gives back. All or nothing, under the lease.

mod claim;
mod commit;
mod release;
mod together;

pub(super) use claim::claim;
pub(super) use commit::commit;
pub(super) use release::release;
