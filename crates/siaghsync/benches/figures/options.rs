//! What the bench is told, all of it by environment variables: `make bench` passes them on.
//!
//! `BENCH_BIN`, `BENCH_BASE_BIN`: folders of programs. `BENCH_REV`, `BENCH_BASE_REV`: what they are called in the report.
//! `QUICK=1`: small sizes, one round. `ONLY=new,update`: these cases. `ROUNDS=n`. `OUT=file.json`. `FSYNC=1`: PostgreSQL's
//! commits are durable.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cases::Scenario;

/// A folder of programs.
pub struct Revision {
    /// `this`, `base`.
    pub name: &'static str,
    /// As git calls it.
    pub commit: String,
    pub programs: PathBuf,
}

impl Revision {
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

/// How much each case does.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Sizes {
    /// Customers of `new`, `update`, `unchanged`.
    pub customers: usize,
    /// Customers that are synced before anything is measured.
    pub warm: usize,
    /// Seconds of webhooks.
    pub seconds: u64,
    /// Records that the webhooks beside syncs are about.
    pub beside: usize,
    pub documents: usize,
    /// Single events of `idle`.
    pub idle: usize,
    /// Customers while each outside call takes 50 ms.
    pub slow: usize,
    pub backlog: usize,
    pub poll: usize,
    /// Links of the two databases that are compared.
    pub links: [usize; 2],
    /// Customers that are synced beside those links.
    pub scale: usize,
    pub sqlite: usize,
}

impl Sizes {
    const WHOLE: Self = Self {
        customers: 5_000,
        warm: 300,
        seconds: 10,
        beside: 1_000,
        documents: 1_000,
        idle: 200,
        slow: 1_000,
        backlog: 100_000,
        poll: 100_000,
        links: [1_000, 1_000_000],
        scale: 1_000,
        sqlite: 1_000,
    };
    const QUICK: Self = Self {
        customers: 600,
        warm: 100,
        seconds: 3,
        beside: 200,
        documents: 200,
        idle: 60,
        slow: 200,
        backlog: 2_000,
        poll: 5_000,
        links: [1_000, 20_000],
        scale: 200,
        sqlite: 200,
    };
}

pub struct Options {
    /// This one first.
    pub revisions: Vec<Revision>,
    pub sizes: Sizes,
    pub quick: bool,
    only: Vec<String>,
    rounds: Option<usize>,
    pub out: Option<PathBuf>,
    pub fsync: bool,
}

impl Options {
    pub fn from_environment() -> anyhow::Result<Self> {
        let quick = flag("QUICK");
        let built = Path::new(env!("CARGO_BIN_EXE_siaghsync"));
        let beside = || built.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut revisions = vec![Revision {
            name: "this",
            commit: told("BENCH_REV").unwrap_or_else(|| "working tree".to_owned()),
            programs: told("BENCH_BIN").map_or_else(beside, PathBuf::from),
        }];
        if let Some(programs) = told("BENCH_BASE_BIN") {
            revisions.push(Revision {
                name: "base",
                commit: told("BENCH_BASE_REV").unwrap_or_else(|| "base".to_owned()),
                programs: programs.into(),
            });
        }
        for revision in &mut revisions {
            let folder = &revision.programs;
            revision.programs = folder
                .canonicalize()
                .with_context(|| format!("no programs at {}", folder.display()))?;
        }
        let rounds = told("ROUNDS").map(|rounds| rounds.parse()).transpose();
        let only = told("ONLY").unwrap_or_default();
        let options = Self {
            revisions,
            sizes: if quick { Sizes::QUICK } else { Sizes::WHOLE },
            quick,
            only: only
                .split([',', ' '])
                .filter(|case| !case.is_empty())
                .map(str::to_owned)
                .collect(),
            rounds: rounds.context("ROUNDS is a number")?,
            out: told("OUT").map(PathBuf::from),
            fsync: flag("FSYNC"),
        };
        options.names_cases()?;
        Ok(options)
    }

    fn names_cases(&self) -> anyhow::Result<()> {
        let known: Vec<_> = Scenario::ALL
            .iter()
            .flat_map(|scenario| scenario.cases())
            .copied()
            .collect();
        for only in &self.only {
            let named = known.iter().any(|case| names(only, case));
            anyhow::ensure!(named, "ONLY={only}: the cases are {}", known.join(", "));
        }
        Ok(())
    }

    /// Those that hold a case that is asked for.
    pub fn scenarios(&self) -> Vec<Scenario> {
        let asked = |scenario: &Scenario| scenario.cases().iter().any(|case| self.asks_for(case));
        Scenario::ALL.into_iter().filter(asked).collect()
    }

    pub fn asks_for(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| names(only, case))
    }

    /// What takes minutes is played once, unless it is asked for more often.
    pub fn rounds_of(&self, scenario: Scenario) -> usize {
        let usual = if self.quick || scenario.is_long() { 1 } else { 3 };
        self.rounds.unwrap_or(usual)
    }
}

/// `webhooks` names `webhooks-alone`, too.
fn names(only: &str, case: &str) -> bool {
    case == only || case.strip_prefix(only).is_some_and(|rest| rest.starts_with('-'))
}

fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn flag(name: &str) -> bool {
    told(name).is_some_and(|value| value != "0")
}
