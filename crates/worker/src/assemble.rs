//! From settings to an engine with its connectors: the one place that knows them all.

use std::sync::Arc;

use domain::engine::{Config, Engine};
use domain::merge::Policy;
use domain::store::sql::SqlStore;
use payamgostar::Payamgostar;
use service::settings::{CrmCredentials, Settings};
use siagh::Siagh;

/// The CRM's client.
///
/// # Errors
/// When its settings are missing, or its address is none.
pub fn crm(settings: &Settings, store: &SqlStore) -> anyhow::Result<Payamgostar> {
    let crm = settings.crm()?;
    let credentials = match &crm.credentials {
        CrmCredentials::Token(token) => payamgostar::Credentials::Token(token.clone()),
        CrmCredentials::Password { username, password } => payamgostar::Credentials::Password {
            username: username.clone(),
            password: password.clone(),
        },
    };
    let config = payamgostar::Config {
        timezone: crm.timezone,
        timeout: settings.http.timeout,
        ..payamgostar::Config::new(crm.base_url.clone(), credentials)
    };
    Ok(Payamgostar::new(config, store.clock())?)
}

/// Finance's client.
///
/// # Errors
/// When its settings are missing, or its address is none.
pub fn finance(settings: &Settings, store: &SqlStore) -> anyhow::Result<Siagh> {
    let finance = settings.finance()?;
    let config = siagh::Config {
        company_code: finance.company_code,
        timeout: settings.http.timeout,
        ..siagh::Config::new(
            finance.base_url.clone(),
            finance.username.clone(),
            finance.password.clone(),
        )
    };
    Ok(Siagh::new(config, store.clock())?)
}

/// The engine between the two, under a name that no other worker has.
///
/// # Errors
/// As [`crm`] and [`finance`].
pub fn engine(settings: &Settings, store: &SqlStore) -> anyhow::Result<Engine> {
    let sync = &settings.sync;
    Ok(Engine {
        crm: Arc::new(crm(settings, store)?),
        finance: Arc::new(finance(settings, store)?),
        store: Arc::new(store.clone()),
        clock: store.clock(),
        config: Config {
            policy: Policy {
                strategy: sync.conflict_strategy,
                tie_breaker: sync.tie_breaker,
            },
            lease: sync.lease,
            http_timeout: settings.http.timeout,
            create_settle: sync.create_settle,
            max_retries: sync.max_retry_attempts,
            retry_base: sync.retry_base,
            company_code: settings.finance()?.company_code.into(),
        },
        owner: format!("worker-{}-{:08x}", std::process::id(), rand::random::<u32>()),
    })
}
