//! The cases. Each has a deployment of its own: a new database, an empty Redis, both outside systems empty, services that
//! have just been started. Cases that need each other's data share one, and are a scenario.

mod backlog;
mod bulk;
mod documents;
mod idle;
mod poll;
mod scale;
mod slow;
mod webhooks;

use simulator::sample::{self, SampleCustomer};

use crate::options::{Options, Revision, Sizes};
use crate::services::{Database, Deployment, Setup, Stage};
use crate::table::Table;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    Webhooks,
    WebhooksBesideSyncs,
    Bulk,
    Documents,
    Idle,
    Slow,
    SlowFour,
    Backlog,
    Poll,
    Scale,
    Sqlite,
}

impl Scenario {
    pub const ALL: [Self; 11] = [
        Self::Webhooks,
        Self::WebhooksBesideSyncs,
        Self::Bulk,
        Self::Documents,
        Self::Idle,
        Self::Slow,
        Self::SlowFour,
        Self::Sqlite,
        Self::Backlog,
        Self::Poll,
        Self::Scale,
    ];

    /// As `ONLY` names them.
    pub fn cases(self) -> &'static [&'static str] {
        match self {
            Self::Webhooks => &["webhooks-alone"],
            Self::WebhooksBesideSyncs => &["webhooks-beside-syncs"],
            Self::Bulk => &["new", "update", "unchanged"],
            Self::Documents => &["documents"],
            Self::Idle => &["idle"],
            Self::Slow => &["slow-1-worker"],
            Self::SlowFour => &["slow-4-workers"],
            Self::Backlog => &["backlog"],
            Self::Poll => &["poll"],
            Self::Scale => &["scale"],
            Self::Sqlite => &["sqlite-new", "sqlite-update", "sqlite-unchanged"],
        }
    }

    pub fn name(self) -> String {
        self.cases().join(", ")
    }

    /// Minutes rather than seconds.
    pub fn is_long(self) -> bool {
        matches!(self, Self::Backlog | Self::Poll | Self::Scale)
    }
}

/// What a scenario is played with.
pub struct Play<'a> {
    pub stage: &'a Stage,
    pub revision: &'a Revision,
    /// The outside systems are the same whatever is measured.
    simulator: &'a Revision,
    pub sizes: &'a Sizes,
}

impl<'a> Play<'a> {
    pub async fn start(&self, setup: Setup) -> anyhow::Result<Deployment<'a>> {
        Deployment::start(self.stage, self.revision, self.simulator, setup).await
    }

    /// No service runs yet.
    pub async fn prepared(&self, setup: Setup) -> anyhow::Result<Deployment<'a>> {
        Deployment::prepared(self.stage, self.revision, self.simulator, setup).await
    }
}

/// Those of its cases that are asked for.
pub async fn play(
    scenario: Scenario,
    stage: &Stage,
    revision: &Revision,
    options: &Options,
) -> anyhow::Result<Vec<Table>> {
    let sizes = &options.sizes;
    let play = Play {
        stage,
        revision,
        simulator: &options.revisions[0],
        sizes,
    };
    let tables = match scenario {
        Scenario::Webhooks => webhooks::alone(&play).await,
        Scenario::WebhooksBesideSyncs => webhooks::beside_syncs(&play).await,
        Scenario::Bulk => bulk::run(&play, Database::Postgres, sizes.customers, scenario.cases()).await,
        Scenario::Sqlite => bulk::run(&play, Database::Sqlite, sizes.sqlite, scenario.cases()).await,
        Scenario::Documents => documents::run(&play).await,
        Scenario::Idle => idle::run(&play).await,
        Scenario::Slow => slow::run(&play, 1, "slow-1-worker").await,
        Scenario::SlowFour => slow::run(&play, 4, "slow-4-workers").await,
        Scenario::Backlog => backlog::run(&play).await,
        Scenario::Poll => poll::run(&play).await,
        Scenario::Scale => scale::run(&play).await,
    };
    let mut tables = tables?;
    tables.retain(|table| options.asks_for(table.case));
    Ok(tables)
}

/// Customers to be synced before anything is measured, and those that are.
fn customers(warm: usize, measured: usize) -> (Vec<SampleCustomer>, Vec<SampleCustomer>) {
    let mut all = sample::customers(1, warm + measured);
    let measured = all.split_off(warm);
    (all, measured)
}
