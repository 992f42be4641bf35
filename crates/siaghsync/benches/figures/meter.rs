//! What something costs: readings of CPU, statements and outside calls before and after it, and the most memory meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::machine;
use crate::services::{Deployment, Roster};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Sums since the start of each process.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    own: f64,
    postgres: f64,
    redis: f64,
    simulator: f64,
    sender: f64,
    statements: f64,
    trips: f64,
    calls: f64,
}

impl Reading {
    async fn of(d: &Deployment<'_>) -> anyhow::Result<Self> {
        let counted = d.statements().await?;
        Ok(Self {
            own: machine::cpu(&d.pids()),
            postgres: machine::cpu_of_family(d.stage.postgres.pid()),
            redis: machine::cpu(&[d.stage.redis.pid()]),
            simulator: machine::cpu(&[d.sim.pid()]),
            sender: machine::cpu(&[std::process::id()]),
            statements: counted.statements,
            trips: counted.trips,
            calls: d.sim.counts().await?.calls as f64,
        })
    }
}

/// The most memory that was seen, in MB: by program, and all together.
#[derive(Debug, Clone, Default)]
pub struct Peak {
    pub by_program: BTreeMap<String, f64>,
    pub together: f64,
}

impl Peak {
    fn look(&mut self, roster: &Roster) {
        let mut together = 0.0;
        for (name, pid) in roster.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let now = machine::resident(*pid);
            let most = self.by_program.entry(name.clone()).or_default();
            *most = most.max(now);
            together += now;
        }
        self.together = self.together.max(together);
    }
}

/// Runs from [`Meter::start`] to [`Meter::stop`].
pub struct Meter {
    before: Reading,
    peak: Arc<Mutex<Peak>>,
    looking: tokio::task::JoinHandle<()>,
}

impl Meter {
    /// Services that are started later are measured, too; none that is measured may end meanwhile.
    pub async fn start(d: &Deployment<'_>) -> anyhow::Result<Self> {
        let peak = Arc::new(Mutex::new(Peak::default()));
        let (roster, seen) = (d.roster(), peak.clone());
        let looking = tokio::spawn(async move {
            loop {
                seen.lock().unwrap_or_else(PoisonError::into_inner).look(&roster);
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(Self {
            before: Reading::of(d).await?,
            peak,
            looking,
        })
    }

    pub async fn stop(self, d: &Deployment<'_>) -> anyhow::Result<Cost> {
        let after = Reading::of(d).await?;
        let peak = self.peak.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Cost {
            before: self.before,
            after,
            peak,
            has_statements: d.is_on_postgres(),
        })
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// What was used between two readings.
pub struct Cost {
    before: Reading,
    after: Reading,
    pub peak: Peak,
    has_statements: bool,
}

impl Cost {
    fn used(&self, what: fn(&Reading) -> f64) -> f64 {
        what(&self.after) - what(&self.before)
    }

    pub fn calls(&self) -> f64 {
        self.used(|reading| reading.calls)
    }

    /// Per unit of `n`.
    pub fn rows(&self, n: usize) -> Vec<(String, f64)> {
        let n = n.max(1) as f64;
        let ms = |what: fn(&Reading) -> f64| self.used(what) / n * 1e3;
        let mut rows = vec![("own CPU, ms", ms(|reading| reading.own))];
        if self.has_statements {
            rows.extend([
                ("PostgreSQL CPU, ms", ms(|reading| reading.postgres)),
                ("Redis CPU, ms", ms(|reading| reading.redis)),
                ("statements", self.used(|reading| reading.statements) / n),
                ("round trips", self.used(|reading| reading.trips) / n),
            ]);
        }
        rows.extend([
            ("outside calls", self.calls() / n),
            ("simulator CPU, ms", ms(|reading| reading.simulator)),
            ("sender CPU, ms", ms(|reading| reading.sender)),
        ]);
        let rows = rows.into_iter().map(|(name, value)| (name.to_owned(), value));
        rows.chain(self.memory()).collect()
    }

    fn memory(&self) -> impl Iterator<Item = (String, f64)> {
        let together = ("peak memory, MB".to_owned(), self.peak.together);
        let several = self.peak.by_program.len() > 1;
        let each = self.peak.by_program.iter().filter(move |_| several);
        std::iter::once(together)
            .chain(each.map(|(name, most)| (format!("peak memory of {name}, MB"), *most)))
    }
}
