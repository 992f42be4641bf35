#![doc = include_str!("../README.md")]

mod clock;
pub mod config;
mod control;
mod crm;
mod error;
pub mod faults;
mod finance;
mod front;
mod handles;
pub mod jalali;
mod json;
mod net;
pub mod sample;
mod simulator;
mod stats;

pub use clock::Clock;
pub use config::{CrmConfig, FinanceConfig, SimulatorConfig};
pub use crm::{CrmHandle, Kind, RegisteredHook, WebhookStats};
pub use error::SimError;
pub use faults::{FaultKind, FaultRule, Faults, System};
pub use finance::{Backup, Document, FinanceHandle, LEAK_MARKER};
pub use simulator::Simulator;
pub use stats::{RequestRecord, Saves, Stats, StatsSnapshot};
