//! What can be set, at the start and while running.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

pub use crate::{crm::config::*, finance::config::*};

/// Everything that is decided when a [`crate::Simulator`] starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Where the CRM listens; port 0 takes a free one.
    pub crm_addr: SocketAddr,
    /// Where finance listens.
    pub finance_addr: SocketAddr,
    /// Where the control server listens; none: no control server.
    pub control_addr: Option<SocketAddr>,
    /// Seed of ids, faults and webhook disturbances.
    pub seed: u64,
    /// Loads the sample data of [`crate::sample`].
    pub sample_data: bool,
    /// Latest requests that are remembered, per system.
    pub keep_requests: usize,
    /// Bytes of a body that are remembered.
    pub keep_body_bytes: usize,
    /// The CRM's own settings; can be changed while running.
    pub crm: CrmConfig,
    /// Finance's own settings; can be changed while running.
    pub finance: FinanceConfig,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            crm_addr: any,
            finance_addr: any,
            control_addr: Some(any),
            seed: 1,
            sample_data: false,
            keep_requests: 1000,
            keep_body_bytes: 64 * 1024,
            crm: CrmConfig::default(),
            finance: FinanceConfig::default(),
        }
    }
}
