//! SeaORM's view of the tables, a file each. Columns are documented in `design.md` and in the migrations.

pub mod cursor;
pub mod held;
pub mod link;
pub mod log;
pub mod record;
pub mod retry;
pub mod snapshot;
pub mod webhook;
