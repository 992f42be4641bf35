//! First meeting: is one of these records the customer that was met, or is it new there? Pure.
//!
//! Candidates in, verdict with reasons out. Each thing that agrees or contradicts has points ([`Evidence`]); the sum
//! decides between a link, a question to a person, and two customers ([`judge`]), and nothing is linked that is not
//! identified ([`Unidentified`]). The rule and its points are those of `design.md`, "First meeting"; what tries taught
//! stands where it is done. Never knows a store, a clock or a system: an index looks candidates up by [`ways`] and
//! says who holds a value ([`Holders`]); reasons are data, worded elsewhere.

mod address;
mod asking;
mod continuity;
mod evidence;
mod legal;
mod likeness;
mod names;
mod nobody;
mod numbering;
mod pair;
mod phones;
mod plain;
mod profile;
mod spellings;
mod values;
mod verdict;

pub use address::Address;
pub use asking::{findable, locks, search_keys, typed_keys};
pub use continuity::{Another, another, is_another, told_by};
pub use evidence::{Evidence, Finding, Witness};
pub use likeness::{Likeness, likeness};
pub use names::{Form as NameForm, Name};
pub use nobody::{Form, Holders, Key, Tally, forms, ways};
pub use numbering::{Numbering, company_of};
pub use pair::Unidentified;
pub use phones::numbers;
pub use plain::plain;
pub use profile::Profile;
pub use spellings::{mobile_spellings, national_id_spellings};
pub use values::{NationalId, emails, is_placeholder, is_plausible, postal_code};
pub use verdict::{ASK, Candidate, Doubt, LEAD, LINK, Met, Verdict, contender, judge};
