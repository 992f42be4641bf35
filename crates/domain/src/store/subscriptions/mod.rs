//! `"WebhookSubscription"`: which address the CRM was told to call, and whether it does.
//!
//! A note for people and for the next start; what counts is what the CRM itself lists.

mod called;
mod list;
mod note;

pub use called::called;
pub use list::list;
pub use note::note;

/// What the events of an address are about.
pub const ENTITY_TYPES: [&str; 3] = ["CUSTOMER", "PREINVOICE", "INVOICE"];
