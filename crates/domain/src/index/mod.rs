//! The record index, `"RecordIndex"`: what both systems were last known to hold, in the normal forms of
//! [`crate::matching`].
//!
//! Polls write down what they read, and each run what it read and wrote. Whoever asks who is who asks it: a first meeting,
//! the import, `verify`. It is never the last word: what it says of a record may be older than the record.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::company::{Companies, Company};
use crate::customer::{Customer, Field, Kind};
use crate::matching::{Form, Numbering, Profile, Tally, forms};
use crate::merge::Project;
use crate::polls::checksum;
use crate::ports::Snapshot;
use crate::side::Side;
use crate::store::StoreResult;

mod value;

pub use value::{Value, stored, values};

/// So many records that hold one form are looked at; of a value more of whose holders are nobody's, none.
pub const MOST: u64 = 200;

/// Holders are counted so far; no value needs more to be nobody's.
pub const COUNTED: u64 = 24;

/// An id that is longer is none.
const LONGEST_ID: usize = 64;

/// What a look at a record of one side has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which system.
    pub side: Side,
    /// The company that it belongs to.
    pub company: Company,
    /// Its id there.
    pub id: String,
    /// When the read began: what was seen may be newer, and is no older.
    pub read_at: DateTime<Utc>,
    /// What it held; `None`: it was not there.
    pub held: Option<Held>,
}

/// What a record held, as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// [`checksum`] of it.
    pub checksum: String,
    /// Its normal forms.
    pub profile: Profile,
}

/// How records are read for matching.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// How customer numbers name finance codes.
    pub numbering: Numbering,
    /// "This value as that system would hold it."
    pub project: Project<'a>,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({:?})", self.numbering)
    }
}

impl Reading<'_> {
    /// The normal forms of a record: of the CRM's as finance would hold it, since what finance cuts off or can't write is
    /// no contradiction.
    #[must_use]
    pub fn profile(&self, id: &str, customer: &Customer, side: Side) -> Profile {
        let numbering = Numbering {
            company: self.company(customer, side),
            ..self.numbering
        };
        if side == Side::Finance {
            return Profile::of_record(id, customer, side, numbering);
        }
        let mut poorest = Customer::new(customer.kind);
        for (field, value) in &customer.values {
            poorest.set(*field, (self.project)(Side::Finance, *field, value));
        }
        Profile::of_record(id, &poorest, side, numbering)
    }

    /// The company that a record of that side belongs to.
    #[must_use]
    pub fn company(&self, customer: &Customer, side: Side) -> Company {
        match side {
            Side::Finance => self.numbering.company,
            Side::Crm => self.numbering.company_of(customer.get(Field::CustomerNumber)),
        }
    }

    /// The forms that a record of that side is found by for the sake of this value.
    #[must_use]
    pub fn forms(&self, field: Field, value: &str, side: Side) -> Vec<Form> {
        forms(&self.profile("", &Customer::new(Kind::Person).with(field, value), side))
    }

    /// What a record held, as the index keeps it.
    #[must_use]
    pub fn held(&self, id: &str, customer: &Customer, side: Side) -> Held {
        Held {
            checksum: checksum(customer),
            profile: self.profile(id, customer, side),
        }
    }
}

impl Sighting {
    /// What a read has shown.
    #[must_use]
    pub fn of(snapshot: &Snapshot, side: Side, reading: Reading<'_>, read_at: DateTime<Utc>) -> Self {
        Self {
            side,
            company: reading.company(&snapshot.customer, side),
            id: snapshot.id.clone(),
            read_at,
            held: Some(reading.held(&snapshot.id, &snapshot.customer, side)),
        }
    }

    /// It was asked for and is not there.
    #[must_use]
    pub fn gone(side: Side, company: Company, id: &str, read_at: DateTime<Utc>) -> Self {
        Self {
            side,
            company,
            id: id.to_owned(),
            read_at,
            held: None,
        }
    }

    /// Whether a database can keep it: what is no id stands in no index.
    #[must_use]
    pub fn can_be_kept(&self) -> bool {
        !self.id.is_empty() && self.id.chars().count() <= LONGEST_ID && !self.id.chars().any(char::is_control)
    }
}

/// The last sighting of each record, in the order in which all of them are written.
#[must_use]
pub fn last_of_each<'a>(sightings: impl IntoIterator<Item = &'a Sighting>) -> Vec<&'a Sighting> {
    let kept = sightings.into_iter().filter(|one| one.can_be_kept());
    let last = last_by(kept, |one| (one.side, one.company, one.id.as_str()));
    let mut all: Vec<_> = last.into_values().collect();
    // Always in one order, so that two that write the same records wait for each other and don't block each other.
    all.sort_unstable_by(|a, b| (a.company, a.side, &a.id).cmp(&(b.company, b.side, &b.id)));
    all
}

/// Of what was read at the same time, what was seen last.
fn last_by<'a, K: std::hash::Hash + Eq>(
    sightings: impl IntoIterator<Item = &'a Sighting>,
    key: impl Fn(&'a Sighting) -> K,
) -> HashMap<K, &'a Sighting> {
    let mut last = HashMap::new();
    for one in sightings {
        let known = last.entry(key(one)).or_insert(one);
        if one.read_at >= known.read_at {
            *known = one;
        }
    }
    last
}

/// A record of the CRM stands in the index of one company: from that of every other that is served it is gone.
#[must_use]
pub fn gone_elsewhere(sightings: &[Sighting], served: &Companies) -> Vec<Sighting> {
    let of_crm = sightings.iter().filter(|one| one.side == Side::Crm);
    let last = last_by(of_crm, |one| one.id.as_str());
    let elsewhere = last.into_values().flat_map(|one| {
        let others = served.iter().filter(|company| *company != one.company);
        others.map(|company| Sighting::gone(one.side, company, &one.id, one.read_at))
    });
    elsewhere.collect()
}

/// A record as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Its id.
    pub id: String,
    /// Its normal forms; `None`: only some of its keys are known, from an earlier version's snapshot.
    pub profile: Option<Profile>,
    /// Whether it is linked with a record of the other side, or was.
    pub linked: bool,
}

/// A column of one system whose values are as that system writes them, whatever comes back from a save: so an operator has
/// ruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The system.
    pub side: Side,
    /// The field that it keeps there.
    pub field: Field,
    /// Since when.
    pub ruled_at: DateTime<Utc>,
}

/// What is asked of the index.
#[async_trait]
pub trait IndexStore: Send + Sync {
    /// Writes down what was seen. Nothing is written of a record that holds what it held, or that was read later since.
    async fn note(&self, sightings: &[Sighting]) -> StoreResult<()>;

    /// Who holds these forms, on either side, counted up to [`COUNTED`].
    async fn holders(&self, forms: &[Form]) -> StoreResult<Tally>;

    /// The records of that side that hold one of the forms, at most [`MOST`] of each form, without those that were ruled
    /// to be another than the other side's `than`. By id.
    async fn holding(&self, side: Side, forms: &[Form], than: &str) -> StoreResult<Vec<Indexed>>;

    /// Remembers that these records of the other side are others than that side's `id`: they are never held against each
    /// other again.
    async fn separate(&self, side: Side, id: &str, others: &[String]) -> StoreResult<()>;

    /// From now on what comes back from a save into these columns is how they are written. Says which customers, by the
    /// CRM's id, are held for one of them.
    async fn accept_columns(&self, columns: &[(Side, Field)]) -> StoreResult<Vec<String>>;

    /// The columns of which that was ruled.
    async fn columns(&self) -> StoreResult<Vec<Column>>;

    /// That ruling is taken back; `false`: there is none.
    async fn hold_column(&self, side: Side, field: Field) -> StoreResult<bool>;

    /// Records of that side that are there and were never linked with one of the other side, by id, behind `after`.
    async fn unlinked(&self, side: Side, after: &str, limit: u64) -> StoreResult<Vec<Indexed>>;

    /// Since when no look has shown that record; `None`: the last one did, or it was never seen.
    async fn gone_since(&self, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>>;
}
