//! First meeting: is one of these records the customer that was met, or is it new there? Pure.

mod address;
mod legal;
mod likeness;
mod names;
mod nobody;
mod numbering;
mod phones;
mod plain;
mod profile;
mod values;

pub use address::Address;
pub use likeness::{Likeness, likeness};
pub use names::{Form as NameForm, Name};
pub use nobody::{Form, Holders, Key, Tally, forms, ways};
pub use numbering::Numbering;
pub use phones::numbers;
pub use plain::plain;
pub use profile::Profile;
pub use values::{NationalId, emails, is_plausible, postal_code};
