//! One HTTP call to an outside system: sent once, within its time, seen in the trace; what its failure means for
//! a read and for a write; and one session renewal at a time.
//!
//! It knows no path, no body and no login of either system: those are the connectors' matter.

mod failure;
mod http;
mod renewal;

pub use failure::System;
pub use http::{Answer, Call, Http, Intent, Sink, address};
pub use renewal::{Grant, LoginFailed, Renewal};
