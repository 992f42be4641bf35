//! From settings to an engine.

use std::sync::Arc;

use domain::engine::{Config, Engine};
use domain::merge::Policy;
use domain::store::sql::SqlStore;
use service::clients;
use service::settings::Settings;

/// The engine between the two, under a name that no other worker has.
///
/// # Errors
/// When settings of an outside system are missing, or its address is none.
pub fn engine(settings: &Settings, store: &SqlStore) -> anyhow::Result<Engine> {
    let sync = &settings.sync;
    Ok(Engine {
        crm: Arc::new(clients::crm(settings, store.clock())?),
        finance: Arc::new(clients::finance(settings, store.clock())?),
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
