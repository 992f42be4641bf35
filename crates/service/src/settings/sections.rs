//! The sections of the settings. Types only; names, defaults and checks are in `load`.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::company::Company;
use domain::fields::Directions;
use domain::merge::ConflictStrategy;
use domain::ports::Side;
use secrecy::SecretString;

use super::network::Network;

pub(super) const DATABASE_URL: &str =
    "postgres://user:password@host:5432/database or sqlite://siaghsync.db?mode=rwc";
pub(super) const REDIS_URL: &str = "redis://host:6379, or several nodes of one Redis Cluster as \
     redis://host1:6379,redis://host2:6379 (or set REDIS_HOST and REDIS_PORT)";
pub(super) const CRM_URL: &str = "the CRM's address, as https://crm.company.ir";
pub(super) const FINANCE_URL: &str = "finance's address without /api, as http://finance.company.ir";

/// Which database the address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// PostgreSQL.
    Postgres,
    /// An SQLite file, or `sqlite::memory:`.
    Sqlite,
}

/// `DATABASE_URL`.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// Holds a password.
    pub url: SecretString,
    /// By the scheme of the address.
    pub kind: DatabaseKind,
}

/// `REDIS_URL`, or `REDIS_HOST` and `REDIS_PORT`.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// One address, or several nodes of one Redis Cluster, comma-separated. May hold passwords.
    pub url: SecretString,
}

/// How to log in to the CRM.
#[derive(Debug, Clone)]
pub enum CrmCredentials {
    /// `CRM_API_TOKEN`; it wins when both are set.
    Token(SecretString),
    /// `CRM_USERNAME` and `CRM_PASSWORD`.
    Password {
        /// User name.
        username: String,
        /// Password.
        password: SecretString,
    },
}

/// The CRM.
#[derive(Debug, Clone)]
pub struct CrmSettings {
    /// `CRM_API_BASE_URL`, without a slash at its end.
    pub base_url: String,
    /// Token, or user name and password.
    pub credentials: CrmCredentials,
    /// `CRM_TIMEZONE` (Asia/Tehran): the zone of the CRM's dates, which carry none.
    pub timezone: Tz,
    /// `CRM_PERSON_TYPE` (person): `crmObjectTypeCode` of persons.
    pub person_type: String,
    /// `CRM_ORGANIZATION_TYPE` (organization): `crmObjectTypeCode` of organizations.
    pub organization_type: String,
    /// `CRM_CATEGORY_KEY` (syaghcontact): the category of identities that come from finance.
    pub category: String,
    /// `CRM_FIELD_WEBSITE`, `CRM_FIELD_DESCRIPTION`, `CRM_FIELD_ADDRESS`, `CRM_FIELD_POSTAL_CODE` (`extended:<userKey>`): fields
    /// that stand in extended properties.
    pub extended: payamgostar::Extended,
    /// `CRM_QUOTE_TYPES` (`PI_5`): `crmObjectTypeCode`s of the quotes that are polled; `none`: no quotes are.
    pub quote_types: Vec<String>,
    /// `CRM_INVOICE_TYPES`: likewise of invoices; none by default.
    pub invoice_types: Vec<String>,
    /// `CRM_CALLS_PER_SECOND` (0: no ceiling), of all processes together.
    pub calls_per_second: u32,
}

/// A company's finance system. Of company 200, a name that ends in `_200` goes before the one without.
#[derive(Debug, Clone)]
pub struct FinanceSettings {
    /// `FINANCE_API_BASE_URL`, without a slash at its end.
    pub base_url: String,
    /// `FINANCE_USERNAME`.
    pub username: String,
    /// `FINANCE_PASSWORD`, plain or as MD5.
    pub password: SecretString,
    /// Whose finance system it is.
    pub company: Company,
    /// `FINANCE_DOCUMENT_STATE` and the like: what every pre-invoice says that the CRM does not.
    pub pre_invoices: siagh::PreInvoices,
    /// `FINANCE_UNSHOWN_PROVINCE` (refuse): what a save says of a province that `GetAll` does not show.
    pub unshown_province: siagh::UnshownProvince,
    /// `FINANCE_CALLS_PER_SECOND` (0: no ceiling), of all processes together.
    pub calls_per_second: u32,
}

/// Webhooks.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// `WEBHOOK_SECRET`: any of them is accepted. Empty: every webhook is refused.
    pub secrets: Vec<SecretString>,
    /// `WEBHOOK_BASE_URL`: where the CRM reaches ingest. There when webhooks are enabled.
    pub base_url: Option<String>,
    /// `ENABLE_WEBHOOKS` (false): register at start, poll the CRM rarely.
    pub enabled: bool,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` and `Forwarded` are believed. Empty: nobody's.
    pub trusted_proxies: Vec<Network>,
}

/// Polls and their guard.
#[derive(Debug, Clone)]
pub struct PollingSettings {
    /// `POLL_INTERVAL_SECONDS` (300).
    pub interval: Duration,
    /// `SAFETY_POLL_SECONDS` (3600): the CRM's interval while webhooks are enabled.
    pub safety_interval: Duration,
    /// `MAX_CHANGES_PER_RUN` (1000).
    pub max_changes_per_run: u64,
    /// `MAX_CHANGED_SHARE` (0.2) of the mapped entities.
    pub max_changed_share: f64,
    /// `DOCUMENT_STATES`: the CRM's states of documents that are issued; empty: any.
    pub document_states: Vec<String>,
    /// `DOCUMENTS_SINCE`: polls leave older documents alone; none: since the first migration.
    pub documents_since: Option<NaiveDate>,
}

/// `DELETE_POLICY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletePolicy {
    /// `ignore`, the default: the link is closed.
    Ignore,
    /// `deactivate`: Siagh `isactive=0`.
    Deactivate,
}

/// How syncs are carried out.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// `CONFLICT_STRATEGY` (`last_write_wins`).
    pub conflict_strategy: ConflictStrategy,
    /// `TIE_BREAKER` (`crm`).
    pub tie_breaker: Side,
    /// `SYNC_CRM_TO_FINANCE` (true): changes of the CRM go to finance.
    pub to_finance: bool,
    /// `SYNC_FINANCE_TO_CRM` (true): changes of finance go to the CRM.
    pub to_crm: bool,
    /// `FIELDS_OFF`, `FIELDS_TO_FINANCE`, `FIELDS_TO_CRM`: fields whose changes go nowhere, or one way only.
    pub directions: Directions,
    /// `CUSTOMER_NUMBER_OFFSET` (0): added to a finance code to make a customer number of it.
    pub number_offset: u32,
    /// `DELETE_POLICY`.
    pub delete_policy: DeletePolicy,
    /// `WRITE_BACK_DOCUMENT_NUMBER` (true): a pre-invoice's number goes to an empty `refId` of its document.
    pub write_back_number: bool,
    /// `SEND_SERVICE_ROWS` (false): a document's rows of services are sent too.
    pub service_rows: bool,
    /// `DOCUMENT_ROUNDING` (1000), in rial: a document's final value may differ by less from what its rows add up to.
    pub document_rounding: u32,
    /// `MAX_RETRY_ATTEMPTS` (8), not counting the first try.
    pub max_retry_attempts: u32,
    /// `RETRY_BASE_SECONDS` (2): the first back-off.
    pub retry_base: Duration,
    /// `SWEEP_INTERVAL_SECONDS` (10).
    pub sweep_interval: Duration,
    /// `LEASE_SECONDS` (60), more than the HTTP time-out.
    pub lease: Duration,
    /// `CREATE_SETTLE_SECONDS` (120), at least twice the HTTP time-out.
    pub create_settle: Duration,
    /// `AUDIT_RETENTION_DAYS`: how long audit rows keep what they hold of people; none (0): for ever.
    pub audit_retention: Option<Duration>,
}

/// The worker.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// `WORKER_CONCURRENCY` (16): syncs at the same time.
    pub concurrency: usize,
}

/// HTTP, in and out.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `PORT` (3000) of ingest and `siaghsync serve`.
    pub port: u16,
    /// `WORKER_PORT` (3001) of the worker's health and metrics.
    pub worker_port: u16,
    /// `HTTP_TIMEOUT_SECONDS` (30) of a call to the CRM or finance.
    pub timeout: Duration,
    /// `BREAKER_FAILURES` (5): so many calls of one process must fail in a row until a system counts as down.
    pub breaker_failures: u32,
}

/// `LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `pretty`: one readable line per event, the default.
    Pretty,
    /// `json`: one object per line.
    Json,
}

/// Logs and traces.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `RUST_LOG`, a filter that parses; none: `info`.
    pub filter: Option<String>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, without `/v1/traces`; none: no traces are sent.
    pub otlp_endpoint: Option<String>,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces are sent.
    pub sampling: Sampling,
}

/// Which traces are sent (OpenTelemetry's general SDK configuration).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// A caller's own decision counts, where there is one.
    pub parent_based: bool,
    /// The share of the others, 0 to 1.
    pub share: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            parent_based: true,
            share: 1.0,
        }
    }
}
