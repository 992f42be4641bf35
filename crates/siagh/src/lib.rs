#![doc = include_str!("../README.md")]

mod client;
mod columns;
mod config;
mod ctrl;
mod failure;
mod jalali;
mod keys;
mod port;
mod pre_invoice;
mod reads;
mod rows;
mod session;
mod translate;
mod wire;

pub use config::{Config, ConfigError, PreInvoices, REFUSAL_PAUSE, UnshownProvince};
pub use port::Siagh;
