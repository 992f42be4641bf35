//! From settings to an engine.

use std::sync::Arc;

use domain::matching::Numbering;
use domain::merge::Policy;
use domain::store::sql::SqlStore;
use engine::document::DocumentRules;
use engine::{Config, Engine};
use service::clients;
use service::gates::Gates;
use service::settings::{DeletePolicy, Settings};

/// The engine between the two, each behind its gate, under a name that no other worker has.
///
/// # Errors
/// When settings of an outside system are missing, or its address is none.
pub fn engine(settings: &Settings, store: &SqlStore, gates: &Gates) -> anyhow::Result<Engine> {
    let sync = &settings.sync;
    // A sync holds a lease while it waits for its turn: it may not wait as long as a poll.
    let gates = gates.for_syncs(settings);
    Ok(Engine {
        crm: Arc::new(clients::crm(settings, store.clock(), Some(gates.crm.clone()))?),
        finance: Arc::new(clients::finance(
            settings,
            store.clock(),
            Some(gates.finance.clone()),
        )?),
        store: Arc::new(store.clone()),
        index: Arc::new(store.clone()),
        polls: Some(Arc::new(store.clone())),
        clock: store.clock(),
        config: Config {
            policy: Policy {
                strategy: sync.conflict_strategy,
                tie_breaker: sync.tie_breaker,
                to_finance: sync.to_finance,
                to_crm: sync.to_crm,
                directions: sync.directions,
            },
            lease: sync.lease,
            // What is about to be sent may have to wait for its turn first.
            http_timeout: settings.http.timeout + gates.patience,
            create_settle: sync.create_settle,
            max_retries: sync.max_retry_attempts,
            retry_base: sync.retry_base,
            numbering: Numbering {
                company: settings.finance()?.company_code.into(),
                offset: sync.number_offset,
            },
            deactivate: sync.delete_policy == DeletePolicy::Deactivate,
        },
        documents: DocumentRules {
            states: settings.polling.document_states.clone(),
            services: sync.service_rows,
            rounding: sync.document_rounding.into(),
            write_back: sync.write_back_number,
        },
        owner: format!("worker-{}-{:08x}", std::process::id(), rand::random::<u32>()),
    })
}
