//! What a customer is, how two versions of one merge, and the engine that keeps them in step.
//!
//! The domain never knows HTTP or a vendor's wire format: connectors implement its ports
//! ([`ports::Crm`], [`ports::Finance`]), the services ring its rows ([`ports::Doorbell`]).

pub mod breaker;
pub mod clock;
pub mod customer;
pub mod document;
pub mod engine;
pub mod fields;
pub mod matching;
pub mod merge;
pub mod outside;
pub mod phone;
pub mod polls;
pub mod ports;
pub mod store;
pub mod subscriptions;
pub mod text;
