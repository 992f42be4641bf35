//! Many histories on all cores: what they add up to, how far they are, and which fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::history::{Told, run};

/// So often a line says how far it is.
const EVERY: Duration = Duration::from_secs(5);

/// When a batch ends that has a failing history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    AtTheFirst,
    AfterAll,
}

struct Batch {
    from: u64,
    count: u64,
    ending: Ending,
    began: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    done: Mutex<Sum>,
}

#[derive(Default)]
struct Sum {
    told: Told,
    failed: Vec<(u64, Vec<String>)>,
    said: Duration,
}

/// Runs `count` histories; panics with what fails.
pub fn many(from: u64, count: u64, ending: Ending) {
    let batch = Batch {
        from,
        count,
        ending,
        began: Instant::now(),
        next: AtomicU64::new(from),
        stop: AtomicBool::new(false),
        done: Mutex::default(),
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| batch.work());
        }
    });
    batch.report();
}

impl Batch {
    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.from + self.count {
                return;
            }
            let told = run(seed, None, false);
            let mut sum = self.done.lock().unwrap();
            if !told.violations.is_empty() {
                eprintln!("seed {seed} fails: {}", told.violations.join("; "));
                sum.failed.push((seed, told.violations.clone()));
                self.stop
                    .store(self.ending == Ending::AtTheFirst, Ordering::Relaxed);
            }
            sum.told.add(&told);
            let so_far = self.began.elapsed();
            if so_far - sum.said >= EVERY {
                sum.said = so_far;
                let (done, failed, seconds) = (sum.told.histories, sum.failed.len(), so_far.as_secs_f64());
                let left = seconds / done as f64 * (self.count - done) as f64;
                eprintln!(
                    "{done} of {} histories in {seconds:.0} s, {failed} failed; about {left:.0} s to go",
                    self.count
                );
            }
        }
    }

    fn report(self) {
        let mut sum = self.done.into_inner().unwrap();
        let (told, seconds) = (&sum.told, self.began.elapsed().as_secs_f64());
        println!("{} histories in {seconds:.1} s: {told}", told.histories);
        sum.failed.sort();
        let Some((first, violations)) = sum.failed.first() else {
            return;
        };
        match self.ending {
            Ending::AtTheFirst => {
                println!("{}", run(*first, None, true).lines.join("\n"));
                panic!("seed {first} fails (SEED={first} make simulate repeats it): {violations:#?}");
            }
            Ending::AfterAll => {
                let seeds: Vec<String> = sum
                    .failed
                    .iter()
                    .map(|(seed, why)| format!("{seed}: {}", why.join("; ")))
                    .collect();
                panic!("{} of {} fail:\n{}", seeds.len(), self.count, seeds.join("\n"));
            }
        }
    }
}

impl Told {
    fn add(&mut self, one: &Self) {
        self.histories += 1;
        self.edits += one.edits;
        self.exempt += one.exempt;
        self.retyped += one.retyped;
        self.doubles_by_race += one.doubles_by_race;
        self.rows += one.rows;
        self.saves += one.saves;
        self.documents += one.documents;
        self.rulings += one.rulings;
        self.faults += one.faults;
        self.conflicts += one.conflicts;
        self.failed += one.failed;
        for (name, count) in &one.odd {
            *self.odd.entry(name).or_default() += count;
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} edits, {} of them exempt ({} put back what was there a moment before, the rest fell between the last \
             read and a save), {} rows, {} saves, {} faults, {} conflicts, {} refused, {} records made by a human and \
             the engine at once, {} documents issued, {} rulings of operators",
            self.edits,
            self.exempt,
            self.retyped,
            self.rows,
            self.saves,
            self.faults,
            self.conflicts,
            self.failed,
            self.doubles_by_race,
            self.documents,
            self.rulings
        )?;
        let traits: Vec<String> = self
            .odd
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        write!(f, "; traits: {}", traits.join(", "))
    }
}
