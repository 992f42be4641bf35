//! The whole product as its users run it: real processes, real PostgreSQL and Redis, both outside systems simulated.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a test binary has no public side and may fail"
)]

mod advisories;
mod breaker;
mod chaos;
mod cli;
mod cluster;
mod companies;
mod demo;
mod deployment;
mod distributed;
mod docs;
mod documents;
mod embedded;
mod faults;
mod import;
mod metrics;
mod mistakes;
mod odd;
mod operate;
mod oracle;
mod outages;
mod polls;
mod promises;
mod resolve;
mod retention;
mod sql;
mod traces;
mod twoway;
mod upgrade;
