//! What ingest promises, over real HTTP, on SQLite and on PostgreSQL (`TEST_DATABASE_URL`).
#![allow(unreachable_pub, reason = "a test binary has no public side")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod binary;
mod bodies;
mod documents;
mod groups;
mod native;
mod outage;
mod refused;
mod secrecy;
mod signed;
mod site;
mod store;
