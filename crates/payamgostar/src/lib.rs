#![doc = include_str!("../README.md")]

mod changes;
mod client;
mod config;
mod contacts;
mod cursor;
mod dates;
mod decimals;
mod documents;
mod extended;
mod failure;
mod linked;
mod listed;
mod matching;
mod places;
mod port;
mod reading;
mod session;
mod translate;
mod walk;
mod wire;

pub use config::{Config, ConfigError, Credentials, LOCK_OUT, REFUSAL_PAUSE};
pub use places::Extended;
pub use port::Payamgostar;
