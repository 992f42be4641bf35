//! First meeting: is one of these records the customer that was met, or is it new there? Pure.

mod address;
mod legal;
mod likeness;
mod names;
mod phones;
mod plain;
mod values;

pub use address::Address;
pub use likeness::{Likeness, likeness};
pub use names::{Form as NameForm, Name};
pub use phones::numbers;
pub use plain::plain;
pub use values::{NationalId, emails, is_plausible, postal_code};
