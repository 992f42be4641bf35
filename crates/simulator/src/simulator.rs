//! Both systems together, with their servers.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{Router, middleware};

use crate::{
    clock::Clock,
    config::SimulatorConfig,
    control,
    crm::{self, Crm, CrmHandle},
    faults::{Faults, System},
    finance::{self, Finance, FinanceHandle},
    front::{Front, front},
    handles::Handles,
    net::Server,
    sample,
    stats::Stats,
};

/// Both simulated systems, running. They stop, with all of their connections, when it is dropped.
pub struct Simulator {
    handles: Handles,
    crm_server: Server,
    finance_server: Server,
    control_server: Option<Server>,
}

impl Simulator {
    /// Starts with the machine's clock.
    pub async fn start(config: SimulatorConfig) -> anyhow::Result<Self> {
        Self::start_with_clock(config, Clock::system()).await
    }

    /// Starts with that clock; keep a clone to move it.
    pub async fn start_with_clock(config: SimulatorConfig, clock: Clock) -> anyhow::Result<Self> {
        let seq = Arc::default();
        let stats = || {
            Arc::new(Stats::new(
                Arc::clone(&seq),
                config.keep_requests,
                config.keep_body_bytes,
            ))
        };
        let crm = Crm::new(config.crm.clone(), config.seed, clock.clone(), stats())?;
        let finance = Finance::new(config.finance.clone(), config.seed, clock.clone(), stats());
        let handles = Handles {
            crm: CrmHandle(Arc::new(crm)),
            finance: FinanceHandle(Arc::new(finance)),
            faults: Faults::new(config.seed),
            clock,
        };
        if config.sample_data {
            sample::load(&handles.crm, &handles.finance)?;
        }
        let crm_server = serve(config.crm_addr, crm_router(&handles), "CRM").await?;
        let finance_server = serve(config.finance_addr, finance_router(&handles), "finance").await?;
        let control_server = match config.control_addr {
            Some(addr) => Some(serve(addr, control::router(handles.clone()), "control").await?),
            None => None,
        };
        Ok(Self {
            handles,
            crm_server,
            finance_server,
            control_server,
        })
    }

    /// The CRM from inside.
    #[must_use]
    pub fn crm(&self) -> &CrmHandle {
        &self.handles.crm
    }

    /// Finance from inside.
    #[must_use]
    pub fn finance(&self) -> &FinanceHandle {
        &self.handles.finance
    }

    /// Faults of both systems.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.handles.faults
    }

    /// The clock of both systems.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.handles.clock
    }

    /// Where the CRM listens.
    #[must_use]
    pub fn crm_addr(&self) -> SocketAddr {
        self.crm_server.addr
    }

    /// Where finance listens.
    #[must_use]
    pub fn finance_addr(&self) -> SocketAddr {
        self.finance_server.addr
    }

    /// Where the control server listens.
    #[must_use]
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_server.as_ref().map(|server| server.addr)
    }

    /// `CRM_API_BASE_URL`.
    #[must_use]
    pub fn crm_url(&self) -> String {
        format!("http://{}", self.crm_addr())
    }

    /// `FINANCE_API_BASE_URL`.
    #[must_use]
    pub fn finance_url(&self) -> String {
        format!("http://{}", self.finance_addr())
    }

    /// The control server's base URL; empty without one.
    #[must_use]
    pub fn control_url(&self) -> String {
        self.control_addr()
            .map_or_else(String::new, |addr| format!("http://{addr}"))
    }

    /// Sets all counters of both systems to zero and forgets the requests.
    pub fn reset_stats(&self) {
        self.crm().stats().reset();
        self.finance().stats().reset();
    }

    /// Cuts all open connections to a system; new ones are accepted.
    pub fn cut_connections(&self, system: System) {
        match system {
            System::Crm => self.crm_server.cut_all(),
            System::Finance => self.finance_server.cut_all(),
        }
    }
}

async fn serve(addr: SocketAddr, router: Router, name: &str) -> anyhow::Result<Server> {
    Server::start(addr, router)
        .await
        .with_context(|| format!("the {name} server could not listen on {addr}"))
}

fn crm_router(handles: &Handles) -> Router {
    let tokens = handles.crm.clone();
    let state = Arc::new(Front {
        system: System::Crm,
        clock: handles.clock.clone(),
        faults: handles.faults.clone(),
        stats: Arc::clone(&handles.crm.0.stats),
        label: crm::label,
        expire: Box::new(move || tokens.expire_everything()),
        internal_error: crm::internal_error,
    });
    crm::router(Arc::clone(&handles.crm.0)).layer(middleware::from_fn_with_state(state, front))
}

fn finance_router(handles: &Handles) -> Router {
    let sessions = handles.finance.clone();
    let state = Arc::new(Front {
        system: System::Finance,
        clock: handles.clock.clone(),
        faults: handles.faults.clone(),
        stats: Arc::clone(&handles.finance.0.stats),
        label: finance::label,
        expire: Box::new(move || sessions.expire_sessions()),
        internal_error: finance::internal_error,
    });
    finance::router(Arc::clone(&handles.finance.0)).layer(middleware::from_fn_with_state(state, front))
}
