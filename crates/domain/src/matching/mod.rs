//! First meeting: is one of these records the customer that was met, or is it new there? Pure.

mod legal;
mod likeness;
mod names;
mod plain;

pub use likeness::{Likeness, likeness};
pub use names::{Form as NameForm, Name};
pub use plain::plain;
