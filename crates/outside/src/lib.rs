//! One HTTP call to an outside system: sent once, within its time, seen in the trace; what its failure means for
//! a read and for a write; one session renewal at a time; and the gate before each system, with its circuit breaker
//! and its ceiling of calls.
//!
//! It knows no path, no body and no login of either system: those are the connectors' matter.

mod answer;
mod call;
mod failure;
mod gate;
mod http;
mod pace;
pub mod record;
mod renewal;
mod side;

pub use answer::Answer;
pub use call::{Call, Intent, Sink, holds_markup};
pub use failure::System;
pub use gate::{Gate, Limits};
pub use http::{Http, address};
pub use renewal::{Grant, LoginFailed, Renewal};
