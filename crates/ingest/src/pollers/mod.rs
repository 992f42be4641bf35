//! Pollers: look at both systems again and again, and write down what changed. For what no webhook says: finance
//! sends none, and the CRM's may be lost.
//!
//! One task per poll, in any number of processes: a lease in the database lets one of them look at a time. What a
//! look found is stored together with the place where the next one goes on, so that a crash repeats a look and
//! loses nothing. A poller never syncs anything itself, never keeps what was read, and never takes a partial answer
//! for the whole.

mod crm;
mod finance;
mod judge;
mod register;
mod schedule;
mod tell;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::customer::Kind;
use domain::polls::{CRM_ORGANIZATION, CRM_PERSON, FINANCE_CONTACTS, Guard, PollStore};
use domain::ports::{Doorbell, PortError, Side};
use domain::store::StoreError;
use domain::store::sql::SqlStore;
use payamgostar::Payamgostar;
use service::clients;
use service::settings::Settings;
use siagh::Siagh;
use tokio_util::sync::CancellationToken;

/// What pollers need, and their rules.
pub struct Pollers {
    store: Arc<dyn PollStore>,
    /// For what is noted beside the polls.
    database: SqlStore,
    crm: Payamgostar,
    finance: Siagh,
    doorbell: Arc<dyn Doorbell>,
    clock: Arc<dyn Clock>,
    guard: Guard,
    /// From start to start, for the CRM and for finance.
    intervals: (Duration, Duration),
    lease: Duration,
    owner: String,
    /// `WEBHOOK_BASE_URL`, when webhooks are to be registered.
    register: Option<String>,
}

impl std::fmt::Debug for Pollers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pollers")
            .field("owner", &self.owner)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Crm(Kind),
    Finance,
}

impl Source {
    const ALL: [Self; 3] = [
        Self::Crm(Kind::Person),
        Self::Crm(Kind::Organization),
        Self::Finance,
    ];

    /// The poll's name in the database, the metrics and the commands.
    fn poll(self) -> &'static str {
        match self {
            Self::Crm(Kind::Person) => CRM_PERSON,
            Self::Crm(Kind::Organization) => CRM_ORGANIZATION,
            Self::Finance => FINANCE_CONTACTS,
        }
    }

    fn side(self) -> Side {
        match self {
            Self::Crm(_) => Side::Crm,
            Self::Finance => Side::Finance,
        }
    }

    /// As the earlier SiaghSync's log lines have it.
    fn system(self) -> &'static str {
        match self.side() {
            Side::Crm => "CRM",
            Side::Finance => "Finance",
        }
    }
}

/// Why a look came to nothing: nothing was stored, and the next one begins where this one did.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Port(#[from] PortError),
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The answer can't be the whole truth.
    #[error("{0}")]
    Suspicious(String),
}

impl Failure {
    /// For the metrics.
    fn class(&self) -> &'static str {
        match self {
            Self::Port(PortError::Session(_)) => "session",
            Self::Port(PortError::Refused(_)) => "refused",
            Self::Port(_) => "transient",
            Self::Store(StoreError::Fenced) => "fenced",
            Self::Store(_) => "store",
            Self::Suspicious(_) => "suspicious",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Port(PortError::Transient { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}

impl Pollers {
    /// Pollers between the two systems of the settings.
    ///
    /// # Errors
    /// When settings of an outside system are missing, or its address is none.
    pub fn new(settings: &Settings, store: &SqlStore, doorbell: Arc<dyn Doorbell>) -> anyhow::Result<Self> {
        let polling = &settings.polling;
        let crm = if settings.webhooks.enabled {
            polling.safety_interval
        } else {
            polling.interval
        };
        Ok(Self {
            store: Arc::new(store.clone()),
            database: store.clone(),
            register: settings
                .webhooks
                .base_url
                .clone()
                .filter(|_| settings.webhooks.enabled),
            crm: clients::crm(settings, store.clock())?,
            finance: clients::finance(settings, store.clock())?,
            doorbell,
            clock: store.clock(),
            guard: Guard {
                max_changes: polling.max_changes_per_run,
                max_share: polling.max_changed_share,
            },
            intervals: (crm, polling.interval),
            lease: settings.sync.lease,
            owner: format!("ingest-{}-{}", std::process::id(), store.clock().id().simple()),
        })
    }

    /// Polls until `shutdown`, each poll in a task of its own; a look that is under way then is dropped, and its
    /// lease given back.
    pub async fn run(self, shutdown: CancellationToken) {
        let pollers = Arc::new(self);
        let registering = pollers
            .register
            .clone()
            .map(|base_url| tokio::spawn(register::run(pollers.clone(), base_url, shutdown.clone())));
        let polls =
            Source::ALL.map(|source| tokio::spawn(schedule::run(pollers.clone(), source, shutdown.clone())));
        for poll in polls.into_iter().chain(registering) {
            if let Err(error) = poll.await {
                tracing::error!(%error, "a poller ended by itself: {error}");
            }
        }
    }

    fn interval(&self, source: Source) -> Duration {
        match source.side() {
            Side::Crm => self.intervals.0,
            Side::Finance => self.intervals.1,
        }
    }
}
