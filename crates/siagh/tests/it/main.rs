//! The client over real HTTP: against the simulator, and against a stub for what the simulator never does.

mod contacts;
mod errors;
mod reads;
mod sessions;
mod support;
