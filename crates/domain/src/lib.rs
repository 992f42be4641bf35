//! What a customer and a document are: fields, forms, matching, merging; the ports that connectors implement; the
//! entity models and the link and audit store. How they are brought in step is the `engine`'s.
//!
//! The domain never knows HTTP, a vendor, or which queue rang.

pub mod base;
pub mod breaker;
pub mod change;
pub mod clock;
pub mod company;
pub mod customer;
pub mod document;
pub mod entity;
pub mod fields;
pub mod forms;
pub mod in_flight;
pub mod index;
pub mod letters;
pub mod link;
pub mod matching;
pub mod mend;
pub mod merge;
pub mod message;
pub mod outside;
pub mod phone;
pub mod polls;
pub mod ports;
pub mod side;
pub mod store;
pub mod story;
pub mod text;
