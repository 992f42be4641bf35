//! The names, defaults and checks of all settings: the one place that must agree with `.env.example`.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use domain::merge::ConflictStrategy;
use domain::ports::Side;

use super::{
    all::{Needs, Settings},
    error::SettingsError,
    fields, finance,
    network::Network,
    reader::Reader,
    sections::{
        CRM_URL, CrmCredentials, CrmSettings, DATABASE_URL, DatabaseKind, DatabaseSettings, DeletePolicy,
        HttpSettings, LogFormat, PollingSettings, REDIS_URL, RedisSettings, Sampling, SyncSettings,
        TelemetrySettings, WebhookSettings, WorkerSettings,
    },
    source::Source,
};

const DAY: u64 = 86_400;
const NETWORKS: &str = "addresses or networks, comma-separated, as 10.0.0.5,192.168.0.0/16";

/// Reads and checks everything.
pub(super) fn settings(source: &Source, needs: Needs) -> Result<Settings, SettingsError> {
    let mut r = Reader::new(source);
    let database = database(&mut r);
    let redis = redis(&mut r, needs.redis);
    let crm = crm(&mut r, needs.crm);
    let companies = finance::companies(&mut r);
    let finance = finance::finance(&mut r, &companies, needs.finance);
    let webhooks = webhooks(&mut r);
    let polling = polling(&mut r);
    let http = http(&mut r);
    let sync = sync(&mut r, &http);
    let worker = WorkerSettings {
        concurrency: r.number("WORKER_CONCURRENCY", 16, 1, 256),
    };
    let telemetry = telemetry(&mut r);
    let problems = r.finish();
    match database {
        Some(database) if problems.is_empty() => Ok(Settings {
            database,
            redis,
            crm,
            companies,
            finance,
            webhooks,
            polling,
            sync,
            worker,
            http,
            telemetry,
        }),
        _ => Err(SettingsError { problems }),
    }
}

fn database(r: &mut Reader<'_>) -> Option<DatabaseSettings> {
    let Some(url) = r.text("DATABASE_URL") else {
        r.missing("DATABASE_URL", DATABASE_URL);
        return None;
    };
    let kind = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        DatabaseKind::Postgres
    } else if url.starts_with("sqlite:") {
        DatabaseKind::Sqlite
    } else {
        r.problem(
            "DATABASE_URL",
            "is neither a PostgreSQL nor an SQLite address",
            DATABASE_URL,
        );
        return None;
    };
    Some(DatabaseSettings {
        url: SecretString::from(url),
        kind,
    })
}

fn redis(r: &mut Reader<'_>, needed: bool) -> Option<RedisSettings> {
    if let Some(url) = r.text("REDIS_URL") {
        if let Err(found) = crate::doorbell::addresses(&url) {
            r.problem("REDIS_URL", found, REDIS_URL);
            return None;
        }
        return Some(RedisSettings {
            url: SecretString::from(url),
        });
    }
    let host = r.optional("REDIS_HOST", "a host name without port", |host| {
        let fine = !host.contains(['/', '@', ' ']) && (!host.contains(':') || host.starts_with('['));
        fine.then(|| host.to_owned())
    });
    let port = r.number("REDIS_PORT", 6379_u16, 1, u16::MAX);
    if needed && !r.is_set("REDIS_HOST") {
        r.missing("REDIS_URL", REDIS_URL);
    }
    host.map(|host| RedisSettings {
        url: SecretString::from(format!("redis://{host}:{port}")),
    })
}

fn crm(r: &mut Reader<'_>, needed: bool) -> Option<CrmSettings> {
    let expected = "an IANA time zone such as Asia/Tehran";
    let timezone = r.or("CRM_TIMEZONE", Tz::Asia__Tehran, expected, |name| {
        name.parse().ok()
    });
    let code = "an object type's code as the CRM shows it";
    let mut word = |name, default: &str| r.or(name, default.to_owned(), code, |text| Some(text.to_owned()));
    let person_type = word("CRM_PERSON_TYPE", "person");
    let organization_type = word("CRM_ORGANIZATION_TYPE", "organization");
    let category = word("CRM_CATEGORY_KEY", "syaghcontact");
    let extended = fields::extended(r);
    let quote_types = types(r, "CRM_QUOTE_TYPES", &["PI_5"]);
    let invoice_types = types(r, "CRM_INVOICE_TYPES", &[]);
    let calls_per_second = r.calls_per_second("CRM_CALLS_PER_SECOND");
    let names = [
        "CRM_API_BASE_URL",
        "CRM_API_TOKEN",
        "CRM_USERNAME",
        "CRM_PASSWORD",
    ];
    if !needed && !names.iter().any(|name| r.is_set(name)) {
        return None;
    }
    if !r.is_set("CRM_API_BASE_URL") {
        r.missing("CRM_API_BASE_URL", CRM_URL);
    }
    let base_url = r.address("CRM_API_BASE_URL", CRM_URL);
    let credentials = credentials(r);
    Some(CrmSettings {
        base_url: base_url?,
        credentials: credentials?,
        timezone,
        person_type,
        organization_type,
        category,
        extended,
        quote_types,
        invoice_types,
        calls_per_second,
    })
}

/// A token, or a user's name and password.
fn credentials(r: &mut Reader<'_>) -> Option<CrmCredentials> {
    match (
        r.secret("CRM_API_TOKEN"),
        r.text("CRM_USERNAME"),
        r.secret("CRM_PASSWORD"),
    ) {
        (Some(token), _, _) => Some(CrmCredentials::Token(token)),
        (None, Some(username), Some(password)) => Some(CrmCredentials::Password { username, password }),
        (None, Some(_), None) => {
            r.missing("CRM_PASSWORD", "the password of CRM_USERNAME");
            None
        }
        (None, None, Some(_)) => {
            r.missing("CRM_USERNAME", "the user name of CRM_PASSWORD");
            None
        }
        (None, None, None) => {
            r.missing(
                "CRM_API_TOKEN",
                "the CRM's API token (or set CRM_USERNAME and CRM_PASSWORD)",
            );
            None
        }
    }
}

/// Type codes, comma-separated; `none` for none, since an empty setting is one that is not set.
fn types(r: &Reader<'_>, name: &str, default: &[&str]) -> Vec<String> {
    if !r.is_set(name) {
        return default.iter().map(|&code| code.to_owned()).collect();
    }
    let mut codes = r.list(name);
    codes.retain(|code| !code.eq_ignore_ascii_case("none"));
    codes
}

fn webhooks(r: &mut Reader<'_>) -> WebhookSettings {
    let expected = "the address under which the CRM reaches ingest, as https://sync.company.ir";
    let secrets = r
        .list("WEBHOOK_SECRET")
        .into_iter()
        .map(SecretString::from)
        .collect();
    let enabled = r.flag("ENABLE_WEBHOOKS", false);
    let base_url = r.address("WEBHOOK_BASE_URL", expected);
    if enabled && !r.is_set("WEBHOOK_BASE_URL") {
        r.problem(
            "WEBHOOK_BASE_URL",
            "is not set, but ENABLE_WEBHOOKS is true",
            expected,
        );
    }
    let trusted_proxies = r
        .optional("TRUSTED_PROXIES", NETWORKS, |text| {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(Network::parse).collect()
        })
        .unwrap_or_default();
    WebhookSettings {
        secrets,
        base_url,
        enabled,
        trusted_proxies,
    }
}

fn polling(r: &mut Reader<'_>) -> PollingSettings {
    PollingSettings {
        interval: r.seconds("POLL_INTERVAL_SECONDS", 300, 1, DAY),
        safety_interval: r.seconds("SAFETY_POLL_SECONDS", 3600, 1, 7 * DAY),
        max_changes_per_run: r.number("MAX_CHANGES_PER_RUN", 1000, 1, 1_000_000),
        max_changed_share: r.number("MAX_CHANGED_SHARE", 0.2, 0.0, 1.0),
        document_states: r.list("DOCUMENT_STATES"),
        documents_since: r.optional("DOCUMENTS_SINCE", "a Gregorian date such as 2025-03-21", |text| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
        }),
    }
}

fn http(r: &mut Reader<'_>) -> HttpSettings {
    HttpSettings {
        port: r.number("PORT", 3000, 0, u16::MAX),
        worker_port: r.number("WORKER_PORT", 3001, 0, u16::MAX),
        timeout: r.seconds("HTTP_TIMEOUT_SECONDS", 30, 1, 600),
        breaker_failures: r.number("BREAKER_FAILURES", 5, 1, 1000),
    }
}

fn sync(r: &mut Reader<'_>, http: &HttpSettings) -> SyncSettings {
    let sync = SyncSettings {
        conflict_strategy: r.choice(
            "CONFLICT_STRATEGY",
            ConflictStrategy::LastWriteWins,
            &[
                ("last_write_wins", ConflictStrategy::LastWriteWins),
                ("crm_priority", ConflictStrategy::CrmPriority),
                ("finance_priority", ConflictStrategy::FinancePriority),
                ("manual", ConflictStrategy::Manual),
            ],
        ),
        tie_breaker: r.choice(
            "TIE_BREAKER",
            Side::Crm,
            &[("crm", Side::Crm), ("finance", Side::Finance)],
        ),
        to_finance: r.flag("SYNC_CRM_TO_FINANCE", true),
        to_crm: r.flag("SYNC_FINANCE_TO_CRM", true),
        directions: fields::directions(r),
        number_offset: r.number("CUSTOMER_NUMBER_OFFSET", 0, 0, 100_000_000),
        delete_policy: r.choice(
            "DELETE_POLICY",
            DeletePolicy::Ignore,
            &[
                ("ignore", DeletePolicy::Ignore),
                ("deactivate", DeletePolicy::Deactivate),
            ],
        ),
        write_back_number: r.flag("WRITE_BACK_DOCUMENT_NUMBER", true),
        service_rows: r.flag("SEND_SERVICE_ROWS", false),
        document_rounding: r.number("DOCUMENT_ROUNDING", 1000, 0, 1_000_000_000),
        max_retry_attempts: r.number("MAX_RETRY_ATTEMPTS", 8, 0, 100),
        retry_base: r.seconds("RETRY_BASE_SECONDS", 2, 1, 3600),
        sweep_interval: r.seconds("SWEEP_INTERVAL_SECONDS", 10, 1, 3600),
        lease: r.seconds("LEASE_SECONDS", 60, 2, 3600),
        create_settle: r.seconds("CREATE_SETTLE_SECONDS", 120, 2, DAY),
        audit_retention: Some(r.number("AUDIT_RETENTION_DAYS", 0, 0, 36_500))
            .filter(|days| *days > 0)
            .map(|days| Duration::from_secs(days * DAY)),
    };
    outlive_a_call(r, &sync, http);
    sync
}

/// What waits for calls must be longer than a call may take.
fn outlive_a_call(r: &mut Reader<'_>, sync: &SyncSettings, http: &HttpSettings) {
    let timeout = http.timeout.as_secs();
    if sync.lease <= http.timeout {
        r.problem(
            "LEASE_SECONDS",
            format!(
                "is {}, but a call may take HTTP_TIMEOUT_SECONDS={timeout}",
                sync.lease.as_secs()
            ),
            format!("more than {timeout}, or a shorter HTTP_TIMEOUT_SECONDS"),
        );
    }
    if sync.create_settle < 2 * http.timeout {
        r.problem(
            "CREATE_SETTLE_SECONDS",
            format!(
                "is {}, but HTTP_TIMEOUT_SECONDS is {timeout}",
                sync.create_settle.as_secs()
            ),
            format!("at least {} (twice HTTP_TIMEOUT_SECONDS)", 2 * timeout),
        );
    }
}

fn telemetry(r: &mut Reader<'_>) -> TelemetrySettings {
    TelemetrySettings {
        log_format: r.choice(
            "LOG_FORMAT",
            LogFormat::Pretty,
            &[("pretty", LogFormat::Pretty), ("json", LogFormat::Json)],
        ),
        filter: r.optional("RUST_LOG", "a filter such as info or info,worker=debug", |text| {
            EnvFilter::try_new(text).ok().map(|_| text.to_owned())
        }),
        otlp_endpoint: r
            .address(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "an address such as http://127.0.0.1:4318",
            )
            .map(|url| url.trim_end_matches("/v1/traces").to_owned()),
        sampling: sampling(r),
    }
}

fn sampling(r: &mut Reader<'_>) -> Sampling {
    let share = r.number("OTEL_TRACES_SAMPLER_ARG", 1.0, 0.0, 1.0);
    let of = |parent_based, share| Sampling { parent_based, share };
    r.choice(
        "OTEL_TRACES_SAMPLER",
        of(true, 1.0),
        &[
            ("parentbased_always_on", of(true, 1.0)),
            ("parentbased_always_off", of(true, 0.0)),
            ("parentbased_traceidratio", of(true, share)),
            ("always_on", of(false, 1.0)),
            ("always_off", of(false, 0.0)),
            ("traceidratio", of(false, share)),
        ],
    )
}
