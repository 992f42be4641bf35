//! Settings: all problems at once, defaults as documented, secrets nowhere.

use std::time::Duration;

use domain::company::Company;
use domain::customer::Field;
use domain::ports::Side;
use service::settings::{
    CrmCredentials, DatabaseKind, ExposeSecret as _, LogFormat, Needs, Settings, SettingsError,
};

const MINIMUM: [(&str, &str); 6] = [
    ("DATABASE_URL", "postgres://siagh:dbgeheim@db/siagh"),
    ("CRM_API_BASE_URL", "https://crm.example.com/"),
    ("CRM_API_TOKEN", "tokengeheim"),
    ("FINANCE_API_BASE_URL", "http://finance.example.local"),
    ("FINANCE_USERNAME", "مدیر سیستم"),
    ("FINANCE_PASSWORD", "0123"),
];

pub fn with(more: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::from_pairs(MINIMUM.iter().chain(more).copied(), Needs::EMBEDDED)
}

pub fn problems(result: Result<Settings, SettingsError>) -> Vec<String> {
    result
        .unwrap_err()
        .problems
        .into_iter()
        .map(|problem| problem.setting)
        .collect()
}

#[test]
fn defaults_are_the_documented_ones() {
    let s = with(&[]).unwrap();
    assert_eq!(s.database.kind, DatabaseKind::Postgres);
    assert!(s.redis.is_none());
    let crm = s.crm().unwrap();
    assert_eq!(
        (crm.base_url.as_str(), crm.timezone.name()),
        ("https://crm.example.com", "Asia/Tehran")
    );
    assert!(
        matches!(&crm.credentials, CrmCredentials::Token(token) if token.expose_secret() == "tokengeheim")
    );
    let finance = s.finance(Company::DEFAULT).unwrap();
    assert_eq!(finance.password.expose_secret(), "0123", "text stays text");
    assert_eq!(
        (finance.company.code(), s.companies.to_string()),
        (100, "100".to_owned())
    );
    assert_eq!(finance.pre_invoices, siagh::PreInvoices::default());
    assert_eq!(
        (&*crm.quote_types, &*crm.invoice_types),
        (&["PI_5".to_owned()][..], &[][..])
    );
    assert!(s.webhooks.secrets.is_empty() && !s.webhooks.enabled && s.webhooks.base_url.is_none());
    let seconds = Duration::from_secs;
    assert_eq!(
        (s.polling.interval, s.polling.safety_interval),
        (seconds(300), seconds(3600))
    );
    assert_eq!(
        (s.polling.max_changes_per_run, s.polling.max_changed_share),
        (1000, 0.2)
    );
    assert!(s.polling.document_states.is_empty() && s.polling.documents_since.is_none());
    assert_eq!((s.sync.max_retry_attempts, s.sync.retry_base), (8, seconds(2)));
    assert_eq!((s.sync.sweep_interval, s.sync.lease), (seconds(10), seconds(60)));
    assert_eq!(
        (s.sync.create_settle, s.http.timeout),
        (seconds(120), seconds(30))
    );
    assert_eq!(
        s.sync.conflict_strategy,
        domain::merge::ConflictStrategy::LastWriteWins
    );
    assert_eq!(s.sync.tie_breaker, domain::ports::Side::Crm);
    assert_eq!(
        (s.http.port, s.http.worker_port, s.worker.concurrency),
        (3000, 3001, 16)
    );
    assert_eq!(s.telemetry.log_format, LogFormat::Pretty);
    assert!(s.telemetry.filter.is_none() && s.telemetry.otlp_endpoint.is_none());
}

const WRONG: [(&str, &str); 15] = [
    ("DATABASE_URL", "mysql://root:dbgeheim@db/x"),
    ("CRM_API_BASE_URL", "crm.example.com"),
    ("CRM_USERNAME", "someone"),
    ("FINANCE_API_BASE_URL", "http://me:urlgeheim@finance"),
    ("CRM_TIMEZONE", "Asia/Teheran"),
    ("COMPANY_CODE", "99"),
    ("POLL_INTERVAL_SECONDS", "five"),
    ("MAX_CHANGED_SHARE", "1.5"),
    ("PORT", "70000"),
    ("CONFLICT_STRATEGY", "newest"),
    ("ENABLE_WEBHOOKS", "yes"),
    ("DOCUMENTS_SINCE", "1404/01/01"),
    ("LOG_FORMAT", "xml"),
    ("RUST_LOG", "a=b=c"),
    ("WORKER_CONCURRENCY", "0"),
];
/// What those settings, and those that are missing, are told of.
const PROBLEMS: [&str; 18] = [
    "DATABASE_URL",
    "REDIS_URL",
    "CRM_TIMEZONE",
    "CRM_API_BASE_URL",
    "CRM_PASSWORD",
    "COMPANY_CODE",
    "FINANCE_API_BASE_URL",
    "FINANCE_USERNAME",
    "FINANCE_PASSWORD",
    "ENABLE_WEBHOOKS",
    "POLL_INTERVAL_SECONDS",
    "MAX_CHANGED_SHARE",
    "DOCUMENTS_SINCE",
    "PORT",
    "CONFLICT_STRATEGY",
    "WORKER_CONCURRENCY",
    "LOG_FORMAT",
    "RUST_LOG",
];

#[test]
fn all_problems_at_once_each_with_its_remedy() {
    let error = Settings::from_pairs(WRONG, Needs::DISTRIBUTED).unwrap_err();
    let names: Vec<&str> = error
        .problems
        .iter()
        .map(|problem| problem.setting.as_str())
        .collect();
    assert_eq!(names, PROBLEMS);
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1 + names.len());
    assert!(
        text.contains(r#"POLL_INTERVAL_SECONDS is "five" in the given pairs: write whole seconds"#),
        "{text}"
    );
    assert!(
        text.contains("last_write_wins, crm_priority, finance_priority, manual"),
        "{text}"
    );
    assert!(!text.contains("geheim"), "{text}");
}

#[test]
fn what_is_required_depends_on_who_asks() {
    let database = [("DATABASE_URL", "sqlite::memory:")];
    let s = Settings::from_pairs(database, Needs::DATABASE).unwrap();
    assert_eq!(s.database.kind, DatabaseKind::Sqlite);
    assert!(
        s.crm()
            .unwrap_err()
            .to_string()
            .contains("CRM_API_BASE_URL is not set")
    );
    assert_eq!(
        problems(Settings::from_pairs(database, Needs::EMBEDDED)),
        [
            "CRM_API_BASE_URL",
            "CRM_API_TOKEN",
            "FINANCE_API_BASE_URL",
            "FINANCE_USERNAME",
            "FINANCE_PASSWORD"
        ]
    );
    assert_eq!(
        problems(Settings::from_pairs([("DATABASE_URL", " ")], Needs::DATABASE)),
        ["DATABASE_URL"]
    );
    // What is there is checked, needed or not.
    let half = [database[0], ("FINANCE_USERNAME", "x")];
    assert_eq!(
        problems(Settings::from_pairs(half, Needs::DATABASE)),
        ["FINANCE_API_BASE_URL", "FINANCE_PASSWORD"]
    );
}

#[test]
fn redis_by_address_or_by_host() {
    let url = |pairs: &[(&str, &str)]| {
        with(pairs)
            .map(|s| s.redis().unwrap().url.expose_secret().to_owned())
            .map_err(|e| e.to_string())
    };
    assert_eq!(
        url(&[("REDIS_URL", "rediss://:pw@r:1/2")]).unwrap(),
        "rediss://:pw@r:1/2"
    );
    assert_eq!(url(&[("REDIS_HOST", "r")]).unwrap(), "redis://r:6379");
    assert_eq!(
        url(&[("REDIS_HOST", "r"), ("REDIS_PORT", "7")]).unwrap(),
        "redis://r:7"
    );
    assert!(url(&[("REDIS_URL", "http://:pwgeheim@r")]).is_err_and(|e| !e.contains("geheim")));
    let cluster = "redis://:pw@r1:1,redis://:pw@r2:1";
    assert_eq!(url(&[("REDIS_URL", cluster)]).unwrap(), cluster);
    let error = url(&[("REDIS_URL", "redis://:geheim@r1:1,http://:geheim@r2")]).unwrap_err();
    assert!(
        error.contains(
            "REDIS_URL holds 2 addresses, of which number 2 is not a Redis address: write redis://"
        ) && !error.contains("geheim"),
        "{error}"
    );
    assert!(url(&[("REDIS_HOST", "r:6379")]).is_err_and(|e| e.contains("REDIS_HOST")));
}

#[test]
fn time_outs_leases_and_settling_fit_together() {
    let error = with(&[("HTTP_TIMEOUT_SECONDS", "90")]).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.problems.len(), 2);
    assert!(
        text.contains("LEASE_SECONDS is 60, but a call may take HTTP_TIMEOUT_SECONDS=90"),
        "{text}"
    );
    assert!(
        text.contains("CREATE_SETTLE_SECONDS") && text.contains("at least 180"),
        "{text}"
    );
    assert!(with(&[("LEASE_SECONDS", "30")]).is_err());
    assert!(with(&[("LEASE_SECONDS", "31"), ("CREATE_SETTLE_SECONDS", "60")]).is_ok());
}

#[test]
fn lists_flags_and_addresses() {
    let s = with(&[
        ("WEBHOOK_SECRET", "first, second ,,"),
        ("ENABLE_WEBHOOKS", "1"),
        ("WEBHOOK_BASE_URL", "https://sync.example.com/"),
        ("DOCUMENT_STATES", "approved,numbered"),
        ("DOCUMENTS_SINCE", "2025-03-21"),
        ("CRM_QUOTE_TYPES", "none"),
        ("CRM_INVOICE_TYPES", "SI_5, SI_7"),
        ("FINANCE_INTERMEDIARY", "7"),
        ("FINANCE_UNSHOWN_PROVINCE", "8"),
        ("FINANCE_DOCUMENT_TYPE_NAME", "پیش‌فاکتور"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4318/v1/traces"),
        ("TIE_BREAKER", "Finance"),
        ("TRUSTED_PROXIES", "10.0.0.5, fd00::/8"),
        ("AUDIT_RETENTION_DAYS", "400"),
    ])
    .unwrap();
    let proxies = &s.webhooks.trusted_proxies;
    assert!(proxies.len() == 2 && proxies[1].contains("fd12::1".parse().unwrap()));
    assert_eq!(s.sync.audit_retention.unwrap().as_secs(), 400 * 86_400);
    assert!(with(&[]).unwrap().sync.audit_retention.is_none(), "for ever");
    assert_eq!(
        problems(with(&[("TRUSTED_PROXIES", "10.0.0.5,proxy")])),
        ["TRUSTED_PROXIES"]
    );
    let secrets: Vec<&str> = s
        .webhooks
        .secrets
        .iter()
        .map(|secret| secret.expose_secret())
        .collect();
    assert_eq!(secrets, ["first", "second"]);
    assert_eq!(s.webhooks.base_url.as_deref(), Some("https://sync.example.com"));
    assert_eq!(s.polling.document_states, ["approved", "numbered"]);
    assert_eq!(s.polling.documents_since.unwrap().to_string(), "2025-03-21");
    let crm = s.crm().unwrap();
    assert!(crm.quote_types.is_empty());
    assert_eq!(crm.invoice_types, ["SI_5", "SI_7"]);
    let province = s.finance(Company::DEFAULT).unwrap().unshown_province;
    assert_eq!(province, siagh::UnshownProvince::Code(8));
    let pre_invoices = &s.finance(Company::DEFAULT).unwrap().pre_invoices;
    assert_eq!((pre_invoices.intermediary, pre_invoices.state), (7, 8));
    assert_eq!(pre_invoices.type_name, "پیش‌فاکتور");
    assert_eq!(s.telemetry.otlp_endpoint.as_deref(), Some("http://jaeger:4318"));
    assert_eq!(s.sync.tie_breaker, domain::ports::Side::Finance);
    assert_eq!(
        problems(with(&[("ENABLE_WEBHOOKS", "true")])),
        ["WEBHOOK_BASE_URL"]
    );
    assert_eq!(
        problems(with(&[("FINANCE_API_BASE_URL", "http://f/api/")])),
        ["FINANCE_API_BASE_URL"]
    );
}

#[test]
fn fields_go_one_way_or_stand_elsewhere_as_they_are_told() {
    let settings = with(&[
        ("FIELDS_OFF", "website, postalCode"),
        ("FIELDS_TO_FINANCE", "name"),
        ("FIELDS_TO_CRM", "email"),
        ("CRM_FIELD_DESCRIPTION", "extended: Notes"),
    ])
    .unwrap();
    let open = |field| Side::BOTH.map(|to| settings.sync.directions.are_open(field, to));
    assert_eq!(open(Field::Website), [false, false]);
    assert_eq!(open(Field::Name), [false, true]);
    assert_eq!(open(Field::Email), [true, false]);
    assert_eq!(open(Field::Mobile), [true, true]);
    let extended = &settings.crm().unwrap().extended;
    assert_eq!(extended[&Field::Description], "Notes");
    assert_eq!(extended.len(), 1);

    let wrong = problems(with(&[
        ("FIELDS_OFF", "name,website"),
        ("FIELDS_TO_FINANCE", "site,customerNumber"),
        ("FIELDS_TO_CRM", "website"),
        ("CRM_FIELD_WEBSITE", "Shop"),
        ("CRM_FIELD_ADDRESS", "extended:A"),
        ("CRM_FIELD_POSTAL_CODE", "extended:A"),
    ]));
    let expected = [
        "FIELDS_OFF",
        "FIELDS_TO_FINANCE",
        "FIELDS_TO_FINANCE",
        "FIELDS_TO_CRM",
        "CRM_FIELD_WEBSITE",
        "CRM_FIELD_POSTAL_CODE",
    ];
    for setting in expected {
        assert!(
            wrong.iter().any(|problem| problem.contains(setting)),
            "{setting}: {wrong:?}"
        );
    }
    assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
}

#[test]
fn secrets_are_never_printed() {
    let s = with(&[
        ("REDIS_URL", "redis://:redisgeheim@r"),
        ("WEBHOOK_SECRET", "webhookgeheim"),
        ("FINANCE_PASSWORD", "financegeheim"),
    ])
    .unwrap();
    let text = format!("{s:?} {s:#?}");
    assert!(!text.contains("geheim"), "{text}");
    assert!(text.contains("crm.example.com"), "the rest is there to be read");
}

/// What stands in `.env.example`, commented-out lines included, as far as they are `NAME=value`.
fn example() -> Vec<(String, String, bool)> {
    let lines = include_str!("../../../../.env.example").lines();
    let pairs = lines.filter_map(|line| {
        let (commented, line) = line.strip_prefix("# ").map_or((false, line), |rest| (true, rest));
        let (name, value) = line.split_once('=')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        is_name.then(|| (name.to_owned(), value.trim_matches('\'').to_owned(), commented))
    });
    pairs.collect()
}

#[test]
fn the_example_file_names_every_setting_with_its_default() {
    let sources = [
        include_str!("../../src/settings/load.rs"),
        include_str!("../../src/settings/fields.rs"),
        include_str!("../../src/settings/finance.rs"),
        include_str!("../../src/settings/reader.rs"),
    ];
    let names: std::collections::BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split('"'))
        .filter(|word| word.len() > 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect();
    let example = example();
    let listed: std::collections::BTreeSet<&str> = example.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(listed, names);

    // Loading the file gives the same as loading nothing but the required settings.
    let required = [
        ("DATABASE_URL", "sqlite://x.db"),
        ("CRM_API_BASE_URL", "http://crm"),
        ("CRM_API_TOKEN", "t"),
        ("FINANCE_API_BASE_URL", "http://finance"),
        ("FINANCE_USERNAME", "u"),
        ("FINANCE_PASSWORD", "p"),
        ("REDIS_URL", "redis://127.0.0.1:6379"),
    ];
    let bare = Settings::from_pairs(required, Needs::DISTRIBUTED).unwrap();
    let mut pairs: Vec<(String, String)> = example
        .into_iter()
        .filter(|(_, value, commented)| !commented && !value.is_empty())
        .map(|(name, value, _)| (name, value))
        .collect();
    for (name, value) in required {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name.to_owned(), value.to_owned()));
    }
    let copied = Settings::from_pairs(pairs, Needs::DISTRIBUTED).unwrap();
    let words =
        |settings: &Settings| format!("{settings:?}").replace("filter: Some(\"info\")", "filter: None");
    assert_eq!(words(&copied), words(&bare));
}
