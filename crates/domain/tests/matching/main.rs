//! Matching: the cases that people met, laws that hold for all records, and 8,350 records with the truth.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test binary has no public side, may fail, and prints its figures"
)]

mod asking;
mod cases_bearers;
mod cases_names;
mod cases_shared;
mod cases_values;
mod file;
mod laws;
mod parts;
mod reasons;
mod truth;
mod world;
