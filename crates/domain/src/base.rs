//! What each side was last known to hold, per field: what is equal to it was not edited since. That is what stops the
//! echo of our own writes, too.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::customer::{Customer, Field, Kind};
use crate::side::Side;

/// Known values of one side: an empty string is known to be empty, an absent key is not known at all.
pub type Known = BTreeMap<Field, String>;

/// What the two sides were last known to hold of one field: (CRM, finance); `None`: not known.
pub type Pair = (Option<String>, Option<String>);

/// What each side was last known to hold when the two agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Person or organization: the hint that saves a call when the CRM is read.
    pub kind: Kind,
    /// The CRM's values.
    #[serde(default)]
    pub crm: Known,
    /// Finance's values.
    #[serde(default)]
    pub finance: Known,
    /// Fields that a late write of ours put back on that side: no edit of anyone. The other side's value is owed to it,
    /// whatever that is, unless someone types into this side first.
    #[serde(default, rename = "taken_back", skip_serializing_if = "BTreeMap::is_empty")]
    pub put_back: BTreeMap<Field, Side>,
    /// Fields that came back from a save into that side in a form that nobody knows: held until one side changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub altered: BTreeMap<Field, Side>,
    /// Where a side keeps what is known of it, in its connector's own terms: of several telephones, the one that is linked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<Side, Value>,
    /// What we wrote of late, oldest first: shows a value that is being written back and forth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<Written>,
}

/// A value that we wrote into a field of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The field.
    pub field: Field,
    /// The side that was written.
    pub side: Side,
    /// The value, in normal form.
    pub value: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Base {
    /// A base that knows nothing yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            crm: Known::new(),
            finance: Known::new(),
            put_back: BTreeMap::new(),
            altered: BTreeMap::new(),
            places: BTreeMap::new(),
            written: Vec::new(),
        }
    }

    fn side(&mut self, side: Side) -> &mut Known {
        match side {
            Side::Crm => &mut self.crm,
            Side::Finance => &mut self.finance,
        }
    }

    /// What that side was last known to hold.
    #[must_use]
    pub fn of(&self, side: Side, field: Field) -> Option<&str> {
        self.all(side).get(&field).map(String::as_str)
    }

    /// All that a side was last known to hold.
    #[must_use]
    pub fn all(&self, side: Side) -> &Known {
        match side {
            Side::Crm => &self.crm,
            Side::Finance => &self.finance,
        }
    }

    /// What that side holds of this field is not known any more.
    pub fn lose(&mut self, side: Side, field: Field) {
        self.side(side).remove(&field);
    }

    /// What the record that stands on that side is told by: its marks (see [`Field::MARKS`]), and its name as long as the two
    /// have not agreed on it.
    pub fn mark(&mut self, side: Side, holds: &Customer) {
        if !self.all(side).contains_key(&Field::Name) && !holds.get(Field::Name).is_empty() {
            self.side(side)
                .insert(Field::CALLED, holds.get(Field::Name).to_owned());
        }
        for mark in Field::MARKS {
            if !holds.get(mark).is_empty() {
                self.side(side).insert(mark, holds.get(mark).to_owned());
            }
        }
    }

    /// What the record that stood on that side was told by when it was last looked at; `None`: no name of it is known.
    #[must_use]
    pub fn identity(&self, side: Side) -> Option<Known> {
        let mut known = self.all(side).clone();
        if !known.contains_key(&Field::Name) {
            let called = known.get(&Field::CALLED)?.clone();
            known.insert(Field::Name, called);
        }
        Some(known)
    }

    /// What both were last known to hold.
    #[must_use]
    pub fn pair(&self, field: Field) -> Pair {
        (self.crm.get(&field).cloned(), self.finance.get(&field).cloned())
    }

    /// Both sides agree on this field now.
    pub fn agree(&mut self, field: Field, crm: &str, finance: &str) {
        self.crm.insert(field, crm.to_owned());
        self.finance.insert(field, finance.to_owned());
        self.put_back.remove(&field);
        self.altered.remove(&field);
    }

    /// [`Self::agree`], told from one side: it holds `here`, the other one `there`.
    pub fn agree_on(&mut self, side: Side, field: Field, here: &str, there: &str) {
        match side {
            Side::Crm => self.agree(field, here, there),
            Side::Finance => self.agree(field, there, here),
        }
    }

    /// A late write of ours put this field back to `holds` on that side: what the other one holds is owed to it.
    pub fn put_back(&mut self, side: Side, field: Field, holds: &str) {
        self.side(side).insert(field, holds.to_owned());
        self.altered.remove(&field);
        self.put_back.insert(field, side);
    }

    /// A save into that side came back as `holds`, in no form that is known; the other side's value was `source`.
    pub fn alter(&mut self, side: Side, field: Field, holds: &str, source: &str) {
        self.agree_on(side, field, holds, source);
        self.altered.insert(field, side);
    }

    /// How often this value was written into that side's field since then though no one can have asked for it anew: it was
    /// written there last, or something was written to the other side in between. A user who types two values in turns
    /// into one side is none of that.
    #[must_use]
    pub fn returns(&self, field: Field, side: Side, value: &str, since: DateTime<Utc>) -> usize {
        let of_it: Vec<_> = self
            .written
            .iter()
            .filter(|w| w.field == field && w.at > since)
            .collect();
        let typed = |n: usize| n > 0 && of_it[n - 1].side == side && of_it[n - 1].value != value;
        let again = |(n, w): &(usize, &&Written)| w.side == side && w.value == value && !typed(*n);
        of_it.iter().enumerate().filter(again).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_version_knows_and_what_an_older_one_wrote_is_read() {
        let stored = r#"{"kind":"person","crm":{"name":"a","taxOffice":"7"},"finance":{"name":"a"},"taken_back":{"name":"FINANCE"}}"#;
        let base: Base = serde_json::from_str(stored).unwrap();
        assert_eq!(base.of(Side::Crm, Field::named("taxOffice")), Some("7"));
        assert_eq!(base.put_back.get(&Field::Name), Some(&Side::Finance));
        let again: Base = serde_json::from_str(&serde_json::to_string(&base).unwrap()).unwrap();
        assert_eq!(again, base);
    }

    #[test]
    fn a_record_is_told_by_its_name_agreed_on_or_not() {
        let mut base = Base::new(Kind::Person);
        assert_eq!(base.identity(Side::Crm), None);
        let named = |name| Customer::new(Kind::Person).with(Field::Name, name);
        base.mark(Side::Crm, &named("a"));
        base.mark(Side::Crm, &named("b"));
        let called = |base: &Base| base.identity(Side::Crm).unwrap()[&Field::Name].clone();
        assert_eq!(called(&base), "b");
        assert_eq!(base.of(Side::Crm, Field::Name), None, "that is no agreement");
        base.agree(Field::Name, "c", "c");
        base.mark(Side::Crm, &named("d"));
        assert_eq!(called(&base), "c");
    }

    #[test]
    fn whatever_is_agreed_on_ends_what_was_owed_or_held() {
        let mut base = Base::new(Kind::Person);
        base.agree(Field::Name, "a", "a");
        base.put_back(Side::Finance, Field::Name, "old");
        assert_eq!(base.pair(Field::Name), (Some("a".into()), Some("old".into())));
        base.alter(Side::Crm, Field::Name, "x", "y");
        assert!(base.put_back.is_empty() && base.altered.contains_key(&Field::Name));
        base.agree_on(Side::Finance, Field::Name, "f", "c");
        assert!(base.altered.is_empty());
        assert_eq!(base.pair(Field::Name), (Some("c".into()), Some("f".into())));
    }
}
