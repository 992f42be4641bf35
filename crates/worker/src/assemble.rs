//! From settings to engines.

use std::sync::Arc;

use domain::company::Company;
use domain::merge::Policy;
use domain::ports::Crm;
use domain::store::sql::SqlStore;
use engine::document::DocumentRules;
use engine::{Config, Engine};
use service::clients;
use service::gates::Gates;
use service::settings::{DeletePolicy, Settings};

/// The engine of the first company, with those of the others; each system behind its gate, under a name that no other
/// worker has.
///
/// # Errors
/// When settings of an outside system are missing, or its address is none.
pub fn engine(settings: &Settings, store: &SqlStore, gates: &Gates) -> anyhow::Result<Engine> {
    // A sync holds a lease while it waits for its turn: it may not wait as long as a poll.
    let gates = gates.for_syncs(settings);
    let crm: Arc<dyn Crm> = Arc::new(clients::crm(settings, store.clock(), Some(gates.crm.clone()))?);
    let owner = format!("worker-{}-{:08x}", std::process::id(), rand::random::<u32>());
    let of = |company| of_company(settings, company, store, &gates, (&crm, &owner));
    let first = settings.companies.first();
    let others = settings.companies.iter().filter(|company| *company != first);
    Ok(Engine {
        others: others
            .map(|company| Ok((company, of(company)?)))
            .collect::<anyhow::Result<_>>()?,
        ..of(first)?
    })
}

fn of_company(
    settings: &Settings,
    company: Company,
    store: &SqlStore,
    gates: &Gates,
    (crm, owner): (&Arc<dyn Crm>, &str),
) -> anyhow::Result<Engine> {
    let store = store.of(company);
    let gate = gates.finance(company).cloned();
    Ok(Engine {
        crm: crm.clone(),
        finance: Arc::new(clients::finance(settings, company, store.clock(), gate)?),
        store: Arc::new(store.clone()),
        index: Arc::new(store.clone()),
        polls: Some(Arc::new(store.clone())),
        clock: store.clock(),
        config: config(settings, company, gates),
        documents: DocumentRules {
            states: settings.polling.document_states.clone(),
            services: settings.sync.service_rows,
            rounding: settings.sync.document_rounding.into(),
            write_back: settings.sync.write_back_number,
        },
        served: settings.companies.clone(),
        others: std::collections::BTreeMap::new(),
        owner: owner.to_owned(),
    })
}

fn config(settings: &Settings, company: Company, gates: &Gates) -> Config {
    let sync = &settings.sync;
    Config {
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
        numbering: settings.numbering(company),
        deactivate: sync.delete_policy == DeletePolicy::Deactivate,
    }
}
