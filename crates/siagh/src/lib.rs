#![doc = include_str!("../README.md")]

mod client;
mod config;
mod ctrl;
mod failure;
mod keys;
mod port;
mod reads;
mod rows;
mod session;
mod translate;
mod wire;

pub use config::{Config, ConfigError, REFUSAL_PAUSE};
pub use port::Siagh;
