//! The records of one system by what they hold, in memory: about 2 KB each. Pure.
//!
//! It answers as the record index does, so that a contact is matched by the same rule as at a first meeting, without asking
//! the database once per contact.

use std::collections::{BTreeSet, HashMap};

use domain::matching::{Form, Met, Profile, forms};

/// A record.
pub(super) struct Record {
    pub(super) id: String,
    pub(super) profile: Profile,
    /// Whether it is linked already, or is to be made for another.
    pub(super) linked: bool,
}

/// The records, and where each form leads.
#[derive(Default)]
pub(super) struct Directory {
    records: Vec<Record>,
    by_form: HashMap<Form, Vec<usize>>,
    by_id: HashMap<String, usize>,
}

impl Directory {
    /// Takes a record.
    pub(super) fn add(&mut self, record: Record) {
        for form in forms(&record.profile) {
            self.by_form.entry(form).or_default().push(self.records.len());
        }
        self.by_id.insert(record.id.clone(), self.records.len());
        self.records.push(record);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// All of them.
    pub(super) fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.records.iter().map(|record| &record.profile)
    }

    /// The profile of that record.
    pub(super) fn profile(&self, id: &str) -> Option<&Profile> {
        let place = self.by_id.get(id)?;
        self.records.get(*place).map(|record| &record.profile)
    }

    /// Those that hold one of the forms, but for the one with that id.
    pub(super) fn holding(&self, forms: &[Form], but: &str) -> Vec<Met<'_, String>> {
        let places = forms.iter().filter_map(|form| self.by_form.get(form)).flatten();
        let places: BTreeSet<usize> = places.copied().collect();
        let found = places.into_iter().filter_map(|place| self.records.get(place));
        let found = found.filter(|record| record.id != but).map(|record| Met {
            id: record.id.clone(),
            profile: &record.profile,
            linked: record.linked,
        });
        found.collect()
    }
}
