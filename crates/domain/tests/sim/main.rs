//! Deterministic simulation: the real engine between two harsh systems in memory, under a seeded scheduler with
//! virtual time that loses, repeats, reorders, delays, kills and stops whatever it can.
//!
//! `make simulate SEEDS=100000` runs many histories; `SEED=n make simulate` repeats one and prints it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test binary has no public side and may fail"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::history::{Told, run};

mod bugs;
mod faults;
mod history;
mod landing;
mod oracle;
mod people;
mod ports;
mod sched;
mod systems;
mod worker;
mod world;

#[test]
fn two_thousand_histories_end_well() {
    many(0, 2000);
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
        None => many(number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(100_000)),
    }
}

/// Runs histories on all cores; the first that fails is told.
fn many(from: u64, count: u64) {
    let began = Instant::now();
    let next = AtomicU64::new(from);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let keep_on = std::env::var("KEEP_ON").is_ok();
    let failed = AtomicU64::new(u64::MAX);
    let totals = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| {
                    let mut sum = Told::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= from + count || (!keep_on && failed.load(Ordering::Relaxed) != u64::MAX) {
                            return sum;
                        }
                        let told = run(seed, None, false);
                        if !told.violations.is_empty() {
                            failed.fetch_min(seed, Ordering::Relaxed);
                            sum.violations
                                .push(format!("seed {seed}: {}", told.violations.join("; ")));
                        }
                        add(&mut sum, &told);
                    }
                })
            })
            .collect();
        let mut sum = Told::default();
        for thread in threads {
            let one = thread.join().unwrap();
            add(&mut sum, &one);
            sum.violations.extend(one.violations);
        }
        sum
    });
    println!(
        "{count} histories in {:.1} s: {} edits, {} of them exempt ({} put back what was there a moment before, the rest \
         fell between the last read and a save), {} rows, {} saves, {} faults, {} conflicts, {} refused, {} records made by a human and the engine at once",
        began.elapsed().as_secs_f64(),
        totals.edits,
        totals.exempt,
        totals.retyped,
        totals.rows,
        totals.saves,
        totals.faults,
        totals.conflicts,
        totals.failed,
        totals.doubles_by_race,
    );
    let first = failed.load(Ordering::Relaxed);
    if first != u64::MAX {
        if keep_on {
            panic!(
                "{} of {count} fail:\n{}",
                totals.violations.len(),
                totals.violations.join("\n")
            );
        }
        let told = run(first, None, true);
        println!("{}", told.lines.join("\n"));
        panic!(
            "seed {first} (repeat it with SEED={first} make simulate): {:#?}",
            told.violations
        );
    }
}

fn add(sum: &mut Told, one: &Told) {
    sum.edits += one.edits;
    sum.exempt += one.exempt;
    sum.rows += one.rows;
    sum.saves += one.saves;
    sum.faults += one.faults;
    sum.conflicts += one.conflicts;
    sum.failed += one.failed;
    sum.doubles_by_race += one.doubles_by_race;
    sum.retyped += one.retyped;
}
