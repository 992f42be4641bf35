//! The client over real HTTP: against the simulator, and against a stub for what the simulator never does.

mod customers;
mod errors;
mod sessions;
mod support;
