//! The gates before the two outside systems, as a process holds them: built from settings, kept in step with the other
//! processes by one statement a second, and probed through while a system is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::clock::Clock;
use domain::company::Company;
use domain::outside::OutsideStore;
use domain::ports::{Customers, Side};
use domain::store::StoreResult;
use domain::store::sql::SqlStore;
use outside::Limits;
use tokio_util::sync::CancellationToken;
use tracing::debug;

#[doc(no_inline)]
pub use outside::Gate;

use crate::settings::Settings;

/// How old the knowledge of an outage may be.
const REFRESH: Duration = Duration::from_secs(1);
/// After a probe, at the earliest so long until the next: its outcome must have been written.
const BREATH: Duration = Duration::from_millis(100);
/// How long a poll or a command waits for its turn where there is a ceiling: no lease presses it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a sync does, at most.
const PATIENCE_OF_SYNCS: Duration = Duration::from_secs(5);

/// The gates of a process. Clones are the same gates.
#[derive(Clone)]
pub struct Gates {
    /// Before the CRM.
    pub crm: Gate,
    /// Before each company's finance system, the first one first.
    finances: Vec<OfCompany>,
    /// How long a call waits for its turn where there is a ceiling.
    pub patience: Duration,
    /// Someone of this process keeps them.
    kept: Arc<AtomicBool>,
}

/// The gate before a company's finance system, and what all processes share about it and the CRM.
#[derive(Clone)]
struct OfCompany {
    company: Company,
    gate: Gate,
    store: Arc<dyn OutsideStore>,
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let finances = self.finances.iter().map(|one| &one.gate);
        f.debug_list().entry(&self.crm).entries(finances).finish()
    }
}

/// How long a call of a sync waits for its turn: what is left of the lease beside the call itself must suffice. None
/// where there is no ceiling.
fn patience_of_syncs(settings: &Settings) -> Duration {
    match lowest_ceiling(settings) {
        Some(_) => (settings.sync.lease.saturating_sub(settings.http.timeout) / 2).min(PATIENCE_OF_SYNCS),
        None => Duration::ZERO,
    }
}

/// How many syncs at a time are of use in one of a few workers: more would only stand in the line of calls, and be put
/// off in the middle of their work.
#[must_use]
pub fn useful_concurrency(settings: &Settings) -> usize {
    let wanted = settings.worker.concurrency;
    let Some(ceiling) = lowest_ceiling(settings) else {
        return wanted;
    };
    let line = patience_of_syncs(settings).as_secs_f64() * f64::from(ceiling);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand at most"
    )]
    let useful = (line / 2.0) as usize;
    useful.clamp(1, wanted)
}

fn lowest_ceiling(settings: &Settings) -> Option<u32> {
    let crm = settings.crm.as_ref().map(|crm| crm.calls_per_second);
    let finance = settings.finance.values().map(|finance| finance.calls_per_second);
    crm.into_iter()
        .chain(finance)
        .filter(|ceiling| *ceiling > 0)
        .min()
}

impl Gates {
    /// Gates that know of no outage yet, with the patience of polls and commands.
    #[must_use]
    pub fn new(settings: &Settings, store: &SqlStore) -> Self {
        let first = settings.companies.first();
        let gate = |side, calls_per_second: Option<u32>, store: &SqlStore| {
            let mut limits = Limits {
                other_company: Some(store.company()).filter(|company| *company != first),
                calls_per_second: calls_per_second.unwrap_or(0),
                ..Limits::default()
            };
            limits.rules.failures = settings.http.breaker_failures;
            let clock: Arc<dyn Clock> = store.clock();
            Gate::new(side, limits, Arc::new(store.clone()), clock, PATIENCE)
        };
        Self {
            crm: gate(
                Side::Crm,
                settings.crm.as_ref().map(|crm| crm.calls_per_second),
                store,
            ),
            finances: settings
                .companies
                .iter()
                .map(|company| {
                    let store = store.of(company);
                    let finance = settings.finance.get(&company);
                    OfCompany {
                        company,
                        gate: gate(
                            Side::Finance,
                            finance.map(|finance| finance.calls_per_second),
                            &store,
                        ),
                        store: Arc::new(store),
                    }
                })
                .collect(),
            patience: PATIENCE,
            kept: Arc::default(),
        }
    }

    /// The same gates with the patience of syncs, which hold a lease meanwhile.
    #[must_use]
    pub fn for_syncs(&self, settings: &Settings) -> Self {
        let patience = patience_of_syncs(settings);
        Self {
            crm: self.crm.with_patience(patience),
            finances: self
                .finances
                .iter()
                .map(|one| OfCompany {
                    gate: one.gate.with_patience(patience),
                    ..one.clone()
                })
                .collect(),
            patience,
            ..self.clone()
        }
    }

    /// Asks the database what other processes know.
    ///
    /// # Errors
    /// The database's own.
    pub async fn refresh(&self) -> StoreResult<()> {
        for one in &self.finances {
            for (side, shared) in one.store.breakers().await? {
                match side {
                    Side::Crm => self.crm.learn(shared),
                    Side::Finance => one.gate.learn(shared),
                }
            }
        }
        Ok(())
    }

    /// The gate before that company's finance system; `None`: it is not served.
    #[must_use]
    pub fn finance(&self, company: Company) -> Option<&Gate> {
        let one = self.finances.iter().find(|one| one.company == company);
        one.map(|one| &one.gate)
    }

    /// Whether nothing can be done: the CRM is known to be down, or every finance system.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.crm.outage().is_some() || self.finances.iter().all(|one| one.gate.outage().is_some())
    }

    /// Waits until [`Self::is_down`].
    pub async fn down(&self) {
        let finances = async {
            for one in &self.finances {
                one.gate.down().await;
            }
        };
        tokio::select! {
            () = self.crm.down() => {}
            () = finances => {}
        }
    }

    /// Until `shutdown`: keeps in step with the other processes, and probes a system that is down by a harmless call.
    /// Where several parts of a process share the gates, the first does it for all.
    pub async fn keep(
        &self,
        crm: &dyn Customers,
        finances: &[(Company, &dyn Customers)],
        shutdown: CancellationToken,
    ) {
        if self.kept.swap(true, Ordering::SeqCst) {
            return shutdown.cancelled().await;
        }
        let finances = finances
            .iter()
            .filter_map(|(company, port)| Some(probe(self.finance(*company)?, *port)));
        let work = async {
            tokio::join!(
                self.keep_in_step(),
                probe(&self.crm, crm),
                futures::future::join_all(finances)
            )
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = work => {}
        }
    }

    async fn keep_in_step(&self) {
        let mut tick = tokio::time::interval(REFRESH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let kept = async {
                self.crm.hold_probe().await?;
                for one in &self.finances {
                    one.gate.hold_probe().await?;
                }
                self.refresh().await
            };
            if let Err(error) = kept.await {
                debug!(%error, "outages of other processes are not seen: {error}");
            }
        }
    }
}

async fn probe(gate: &Gate, port: &dyn Customers) {
    loop {
        gate.probe_due().await;
        let before = gate.outage();
        // Its outcome is the gate's matter; so is who of all processes may try.
        if let Err(error) = port.check().await {
            debug!(%error, "probed {}: {error}", gate.side());
        }
        // No call came about where logins pause after a refusal.
        let idle = gate.outage() == before;
        tokio::time::sleep(if idle { REFRESH } else { BREATH }).await;
    }
}
