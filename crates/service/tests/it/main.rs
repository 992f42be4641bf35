//! What the plumbing promises, against a real Redis (`TEST_REDIS_URL`, default redis://127.0.0.1:6379, each
//! test in keys of its own) and against Redis processes of the tests' own where one must suffer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod bell;
mod cluster;
mod companies;
mod doorbell;
mod http;
mod in_process;
mod outage;
mod settings;
mod telemetry;
