//! Pollers: look at both systems again and again, and write down what changed. For what no webhook says: finance
//! sends none, and the CRM's may be lost.
//!
//! One task per poll, in any number of processes: a lease in the database lets one of them look at a time. What a
//! look found is stored together with the place where the next one goes on, so that a crash repeats a look and
//! loses nothing. A poller never syncs anything itself, never keeps what was read, and never takes a partial answer
//! for the whole.

mod aside;
mod crm;
mod finance;
mod held;
mod judge;
mod register;
mod schedule;
mod tell;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use domain::clock::Clock;
use domain::company::Company;
use domain::customer::{Field, Kind};
use domain::document::DocumentKind;
use domain::matching::Numbering;
use domain::polls::{CRM_ORGANIZATION, CRM_PERSON, Guard, PollStore, contacts_of, poll_of};
use domain::ports::changes::{Changes, Everybody};
use domain::ports::{Crm, Customers, Doorbell, PortError, Side};
use domain::store::sql::SqlStore;
use domain::store::{EntityType, StoreError};
use service::clients;
use service::gates::{Gate, Gates};
use service::settings::Settings;
use tokio_util::sync::CancellationToken;

/// What pollers need, and their rules.
pub struct Pollers {
    store: Arc<dyn PollStore>,
    /// For what is noted beside the polls.
    database: SqlStore,
    /// For what is asked of both beside their customers: whether they are there, and of the CRM who is called.
    crm: Arc<dyn Crm>,
    /// Each company's finance system, the first one first.
    finances: Vec<OfCompany>,
    /// What the CRM says of its changes.
    changes: Arc<dyn Changes>,
    /// The gates that all pass.
    gates: Gates,
    doorbell: Arc<dyn Doorbell>,
    clock: Arc<dyn Clock>,
    guard: Guard,
    /// How finance codes of the first company are read as customer numbers.
    numbering: Numbering,
    /// From start to start, for the CRM and for finance.
    intervals: (Duration, Duration),
    lease: Duration,
    documents: Documents,
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

/// A company's finance system, which can only be asked for everybody.
struct OfCompany {
    company: Company,
    contacts: Arc<dyn Everybody>,
    customers: Arc<dyn Customers>,
    /// The store, as this company's.
    store: Arc<dyn PollStore>,
}

/// So many links stand in memory at once.
const GROUP: usize = 500;

/// Which sales documents are read.
struct Documents {
    /// `CRM_QUOTE_TYPES`.
    quotes: Vec<String>,
    /// `CRM_INVOICE_TYPES`.
    invoices: Vec<String>,
    /// `DOCUMENTS_SINCE`.
    since: Option<NaiveDate>,
}

impl Documents {
    fn types(&self, kind: DocumentKind) -> &[String] {
        match kind {
            DocumentKind::Quote => &self.quotes,
            DocumentKind::Invoice => &self.invoices,
        }
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Customers(Kind),
    Documents(DocumentKind),
    /// The finance system of that company; and which company is the first.
    Finance(Company, Company),
}

impl Source {
    const CRM: [Self; 4] = [
        Self::Customers(Kind::Person),
        Self::Customers(Kind::Organization),
        Self::Documents(DocumentKind::Quote),
        Self::Documents(DocumentKind::Invoice),
    ];

    /// The poll's name in the database, the metrics and the commands.
    fn poll(self) -> String {
        match self {
            Self::Customers(Kind::Person) => CRM_PERSON.to_owned(),
            Self::Customers(Kind::Organization) => CRM_ORGANIZATION.to_owned(),
            Self::Documents(kind) => poll_of(kind).to_owned(),
            Self::Finance(company, first) => contacts_of(company, first),
        }
    }

    /// The type in the tables.
    fn entity_type(self) -> EntityType {
        match self {
            Self::Customers(_) | Self::Finance(..) => EntityType::Customer,
            Self::Documents(kind) => kind.entity_type(),
        }
    }

    /// As the log lines have it.
    fn record(self) -> &'static str {
        match self {
            Self::Customers(_) | Self::Finance(..) => "customer",
            Self::Documents(kind) => kind.name(),
        }
    }

    fn side(self) -> Side {
        match self {
            Self::Customers(_) | Self::Documents(_) => Side::Crm,
            Self::Finance(..) => Side::Finance,
        }
    }

    /// As the earlier SiaghSync's log lines have it; of another company than the first, with its code.
    fn system(self) -> String {
        match self {
            Self::Customers(_) | Self::Documents(_) => "CRM".to_owned(),
            Self::Finance(company, first) if company == first => "Finance".to_owned(),
            Self::Finance(company, _) => format!("Finance {company}"),
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
            Self::Port(PortError::Unavailable { .. }) => "unavailable",
            Self::Port(_) => "transient",
            Self::Store(StoreError::Fenced) => "fenced",
            Self::Store(_) => "store",
            Self::Suspicious(_) => "suspicious",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Port(PortError::Transient { retry_after, .. }) => *retry_after,
            Self::Port(PortError::Unavailable { retry_after, .. }) => Some(*retry_after),
            _ => None,
        }
    }
}

impl Pollers {
    /// Pollers between the two systems of the settings.
    ///
    /// # Errors
    /// When settings of an outside system are missing, or its address is none.
    pub fn new(
        settings: &Settings,
        store: &SqlStore,
        doorbell: Arc<dyn Doorbell>,
        gates: Gates,
    ) -> anyhow::Result<Self> {
        let polling = &settings.polling;
        let crm_interval = if settings.webhooks.enabled {
            polling.safety_interval
        } else {
            polling.interval
        };
        // The only place that knows which connectors they are.
        let crm = Arc::new(clients::crm(settings, store.clock(), Some(gates.crm.clone()))?);
        let finances = settings.companies.iter().map(|company| {
            let gate = gates.finance(company).cloned();
            let finance = Arc::new(clients::finance(settings, company, store.clock(), gate)?);
            Ok(OfCompany {
                company,
                contacts: finance.clone(),
                customers: finance,
                store: Arc::new(store.of(company)),
            })
        });
        let finances = finances.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            store: Arc::new(store.clone()),
            database: store.clone(),
            register: settings
                .webhooks
                .base_url
                .clone()
                .filter(|_| settings.webhooks.enabled),
            changes: crm.clone(),
            crm,
            finances,
            gates,
            doorbell,
            clock: store.clock(),
            guard: Guard {
                max_changes: polling.max_changes_per_run,
                max_share: polling.max_changed_share,
            },
            numbering: settings.numbering(settings.companies.first()),
            intervals: (crm_interval, polling.interval),
            lease: settings.sync.lease,
            documents: Documents {
                quotes: settings.crm()?.quote_types.clone(),
                invoices: settings.crm()?.invoice_types.clone(),
                since: polling.documents_since,
            },
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
        let first = pollers.numbering.first;
        let finances = pollers.finances.iter();
        let finances = finances.map(|one| Source::Finance(one.company, first));
        let sources = Source::CRM.into_iter().chain(finances);
        let sources = sources.filter(|source| pollers.polls(*source));
        let polls: Vec<_> = sources
            .map(|source| tokio::spawn(schedule::run(pollers.clone(), source, shutdown.clone())))
            .collect();
        let finances = pollers.finances.iter();
        let finances: Vec<_> = finances.map(|one| (one.company, &*one.customers)).collect();
        pollers.gates.keep(&*pollers.crm, &finances, shutdown).await;
        for poll in polls.into_iter().chain(registering) {
            if let Err(error) = poll.await {
                tracing::error!(%error, "a poller ended by itself: {error}");
            }
        }
    }

    /// Documents without a type to read by are not polled: told once, at the start.
    fn polls(&self, source: Source) -> bool {
        let Source::Documents(kind) = source else {
            return true;
        };
        let polled = !self.documents.types(kind).is_empty();
        if !polled {
            tracing::info!(
                poll = source.poll(),
                "the CRM's {}s are not polled, only heard by webhook: {} names no type",
                kind.name(),
                crm::setting(kind)
            );
        }
        polled
    }

    /// Whether the system is known to be down: a look would come to nothing.
    fn is_down(&self, source: Source) -> bool {
        match self.finance_of(source) {
            None => self.gates.crm.refuses(),
            Some(finance) => self.gates.finance(finance.company).is_some_and(Gate::refuses),
        }
    }

    /// The finance system that is read.
    fn finance_of(&self, source: Source) -> Option<&OfCompany> {
        match source {
            Source::Finance(company, _) => self.finances.iter().find(|one| one.company == company),
            Source::Customers(_) | Source::Documents(_) => None,
        }
    }

    /// The store, as that of whose system is read.
    fn store_of(&self, source: Source) -> &dyn PollStore {
        self.finance_of(source)
            .map_or(&*self.store, |finance| &*finance.store)
    }

    /// "This value as finance would hold it": all its systems are of one kind.
    fn project(&self, field: Field, value: &str) -> String {
        match self.finances.first() {
            Some(finance) => finance.customers.project(field, value),
            None => value.to_owned(),
        }
    }

    fn interval(&self, source: Source) -> Duration {
        match source.side() {
            Side::Crm => self.intervals.0,
            Side::Finance => self.intervals.1,
        }
    }
}
