//! Deterministic simulation: the real engine between two harsh systems in memory, under a seeded scheduler with
//! virtual time that loses, repeats, reorders, delays, kills and stops whatever it can.
//!
//! `make simulate SEEDS=100000` runs many histories and ends at the first that fails (`KEEP_GOING=1`: lists all of
//! them); `SEED=n make simulate` repeats one and prints it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test binary has no public side and may fail"
)]

use crate::batch::{Ending, many};
use crate::history::run;

mod batch;
mod bugs;
mod faults;
mod history;
mod landing;
mod oracle;
mod papers;
mod people;
mod pollers;
mod ports;
mod sched;
mod systems;
mod worker;
mod world;

#[test]
fn two_thousand_histories_end_well() {
    many(0, 2000, Ending::AtTheFirst);
}

#[test]
fn a_history_repeats_exactly() {
    for seed in [7, 77, 777] {
        let (one, two) = (run(seed, None, true), run(seed, None, true));
        assert!(one.lines.len() > 50);
        assert_eq!(one.lines, two.lines);
    }
}

#[test]
fn every_deliberate_bug_is_found() {
    for bug in bugs::ALL {
        let found = (0..1000).find(|seed| !run(*seed, Some(bug), false).violations.is_empty());
        println!("{bug:?}: seed {found:?}");
        assert!(found.is_some(), "{bug:?} was not found within 1000 seeds");
    }
}

#[test]
#[ignore = "long: make simulate"]
fn simulate() {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => {
            let told = run(seed, None, true);
            println!("{}", told.lines.join("\n"));
            assert!(told.violations.is_empty(), "seed {seed}: {:#?}", told.violations);
            println!("seed {seed} ends well");
        }
        None => {
            let ending = match number("KEEP_GOING") {
                Some(1..) => Ending::AfterAll,
                _ => Ending::AtTheFirst,
            };
            let (from, seeds) = (number("FROM"), number("SEEDS"));
            many(from.unwrap_or(0), seeds.unwrap_or(100_000), ending);
        }
    }
}
