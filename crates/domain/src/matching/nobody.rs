//! Values that are nobody's: what many names of one system hold is no evidence, and no way to candidates.
//!
//! An accountant's mobile, a mall's address, «تهران», `noemail@…`. Taken out before anything is weighed, which also
//! keeps hundreds of records from being held against hundreds.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use crate::ports::Side;

/// What a normal form is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Key {
    /// A national id's digits, plausible or not.
    NationalId,
    /// A mobile.
    Mobile,
    /// A landline.
    Landline,
    /// An e-mail address.
    Email,
    /// A postal code.
    PostalCode,
    /// [`super::Address::text`]. No way to candidates: alone it never makes a doubt that is worth a look.
    Address,
    /// [`super::Name::letters`].
    Name,
    /// A finance code: finance's own, or what a customer's reference or number names.
    Code,
}

impl Key {
    /// What more of one system hold (names; of a national id: records) is nobody's. A name and a code are somebody's
    /// however many have it.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::NationalId | Self::Mobile | Self::Email => 5,
            Self::Landline | Self::PostalCode | Self::Address => 20,
            Self::Name | Self::Code => usize::MAX,
        }
    }

    /// Whether names are counted, not records: an office's landline is held by all its people.
    #[must_use]
    pub fn counts_names(self) -> bool {
        !matches!(self, Self::NationalId | Self::Name | Self::Code)
    }

    /// As an index keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NationalId => "nationalId",
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Email => "email",
            Self::PostalCode => "postalCode",
            Self::Address => "address",
            Self::Name => "name",
            Self::Code => "code",
        }
    }
}

/// A normal form by which one record may find another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// What it is of.
    pub key: Key,
    /// The form; never empty.
    pub value: String,
}

/// Who holds a value: asked of the record index, in which the records that are judged stand too.
pub trait Holders {
    /// How many different names of that side hold this form, a record without a name counting as a name of its own; of
    /// a national id and of a name: how many records.
    fn holders(&self, side: Side, key: Key, value: &str) -> usize;
}

/// All normal forms of a record that an index keeps and counts.
#[must_use]
pub fn forms(profile: &Profile) -> Vec<Form> {
    let id = profile
        .national_id
        .iter()
        .map(|id| (Key::NationalId, id.digits.clone()));
    let set =
        |key, values: &BTreeSet<String>| values.iter().map(move |v| (key, v.clone())).collect::<Vec<_>>();
    let codes: BTreeSet<_> = [&profile.code, &profile.reference, &profile.customer_number]
        .into_iter()
        .collect();
    let single = [
        (Key::PostalCode, profile.postal_code.clone()),
        (Key::Address, profile.address.text()),
        (Key::Name, profile.name.letters()),
    ];
    id.chain(set(Key::Mobile, &profile.mobiles))
        .chain(set(Key::Landline, &profile.landlines))
        .chain(set(Key::Email, &profile.emails))
        .chain(single)
        .chain(codes.into_iter().map(|code| (Key::Code, code.clone())))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| Form { key, value })
        .collect()
}

/// The ways to candidates: the forms by which this record may find one of the other side, and be found by it. None
/// for a name that is nobody's.
#[must_use]
pub fn ways(profile: &Profile, holders: &impl Holders) -> Vec<Form> {
    if profile.name.nobody {
        return Vec::new();
    }
    let mut ways = forms(&without_nobodys(profile, holders));
    ways.retain(|form| form.key != Key::Address);
    ways
}

/// The record without the values that are nobody's on either side.
#[must_use]
pub(super) fn without_nobodys(profile: &Profile, holders: &impl Holders) -> Profile {
    let somebodys = |key: Key, value: &str| {
        let fits = |side| holders.holders(side, key, value) <= key.most();
        fits(Side::Finance) && fits(Side::Crm)
    };
    let mut own = profile.clone();
    own.national_id = own
        .national_id
        .filter(|id| somebodys(Key::NationalId, &id.digits));
    own.mobiles.retain(|value| somebodys(Key::Mobile, value));
    own.landlines.retain(|value| somebodys(Key::Landline, value));
    own.emails.retain(|value| somebodys(Key::Email, value));
    if !somebodys(Key::PostalCode, &own.postal_code) {
        own.postal_code.clear();
    }
    if !somebodys(Key::Address, &own.address.text()) {
        own.address = super::Address::default();
    }
    own
}

/// Holders counted in memory: of a whole import, or as far as an index was asked for them.
#[derive(Debug, Clone, Default)]
pub struct Tally(HashMap<(Side, Key), HashMap<String, usize>>);

impl Tally {
    /// Counts the holders among all records of both sides.
    #[must_use]
    pub fn over<'a>(profiles: impl IntoIterator<Item = &'a Profile>) -> Self {
        let mut names: HashMap<(Side, Key), HashMap<String, HashSet<String>>> = HashMap::new();
        for (k, profile) in profiles.into_iter().enumerate() {
            let record = format!("#{k}");
            let name = Some(profile.name.letters()).filter(|name| !name.is_empty());
            for Form { key, value } in forms(profile) {
                let holder = name.as_ref().filter(|_| key.counts_names()).unwrap_or(&record);
                let values = names.entry((profile.side, key)).or_default();
                values.entry(value).or_default().insert(holder.clone());
            }
        }
        let count = |values: HashMap<String, HashSet<String>>| {
            values
                .into_iter()
                .map(|(value, holders)| (value, holders.len()))
                .collect()
        };
        Self(
            names
                .into_iter()
                .map(|(key, values)| (key, count(values)))
                .collect(),
        )
    }

    /// Whether an index was asked for that form.
    #[must_use]
    pub fn knows(&self, form: &Form) -> bool {
        let of = |side| {
            let values = self.0.get(&(side, form.key));
            values.is_some_and(|values| values.contains_key(&form.value))
        };
        of(Side::Crm) && of(Side::Finance)
    }

    /// Adds what an index said of further forms.
    pub fn add(&mut self, further: Self) {
        for (key, values) in further.0 {
            self.0.entry(key).or_default().extend(values);
        }
    }

    /// Sets what an index said of one form.
    pub fn set(&mut self, side: Side, form: Form, holders: usize) {
        self.0
            .entry((side, form.key))
            .or_default()
            .insert(form.value, holders);
    }
}

impl Holders for Tally {
    fn holders(&self, side: Side, key: Key, value: &str) -> usize {
        self.0
            .get(&(side, key))
            .and_then(|values| values.get(value))
            .copied()
            .unwrap_or(0)
    }
}
