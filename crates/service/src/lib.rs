//! The plumbing that every SiaghSync process shares: settings, telemetry, health and metrics over HTTP,
//! shutdown, and the doorbell between ingest and the workers.
//!
//! It never knows what a customer is: a process hands it what to check and what to run.

pub mod clients;
pub mod crypto;
pub mod database;
pub mod doorbell;
pub mod gates;
pub mod http;
pub mod metrics;
pub mod process;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
