//! Two records held against each other, always finance's against the CRM's, so that both ends give the same answer.

use serde::{Deserialize, Serialize};

use super::likeness::{Likeness, likeness};
use super::profile::Profile;
use super::values::NationalId;
use crate::customer::Kind;
use crate::ports::Side;

/// Why two records may not be linked by themselves, whatever their points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unidentified {
    /// A person and an organization: a shop and its owner share everything, often the name too.
    Kind,
    /// Something in the names tells two bearers apart: branches, heirs, a father's name, a shop and a company.
    Bearer,
    /// Two plausible national ids that differ by more than a slip.
    NationalId,
    /// One national id under another name: a relative under the householder's.
    Relative,
    /// One national id of an organization, and no phone, postal code or address in common: branches share an id.
    Branch,
    /// The names do not agree (a person's with two words at least), and nothing else names one by the other.
    Name,
}

/// Two records and what their names say.
pub(super) struct Pair<'a> {
    pub(super) finance: &'a Profile,
    pub(super) crm: &'a Profile,
    pub(super) name: Likeness,
}

impl<'a> Pair<'a> {
    /// The pair, whichever end it is met from.
    pub(super) fn of(one: &'a Profile, other: &'a Profile) -> Self {
        let (finance, crm) = if one.side == Side::Crm {
            (other, one)
        } else {
            (one, other)
        };
        let name = likeness(&finance.name.words, &crm.name.words);
        Self { finance, crm, name }
    }

    /// What keeps the two from being linked by themselves.
    pub(super) fn unidentified(&self) -> Option<Unidentified> {
        let (f, c) = (self.finance, self.crm);
        let organization = f.kind == Kind::Organization;
        let referred = !c.reference.is_empty() && c.reference == f.code;
        if f.kind != c.kind {
            return Some(Unidentified::Kind);
        }
        if !f.name.may_be_one_with(&c.name) {
            return Some(Unidentified::Bearer);
        }
        if self.plausible_ids().is_some_and(|(a, b)| !a.is_near(b)) {
            return Some(Unidentified::NationalId);
        }
        match self.name {
            Likeness::Agree if organization || f.name.words.len() > 1 => None,
            Likeness::Unlike if self.one_id() => Some(Unidentified::Relative),
            _ if self.one_id() && organization && !self.in_reach() => Some(Unidentified::Branch),
            _ if self.one_id() => None,
            Likeness::Unlike => Some(Unidentified::Name),
            _ if referred => None,
            _ => Some(Unidentified::Name),
        }
    }

    /// Both national ids, where both have one.
    pub(super) fn national_ids(&self) -> Option<(&'a NationalId, &'a NationalId)> {
        self.finance
            .national_id
            .as_ref()
            .zip(self.crm.national_id.as_ref())
    }

    fn plausible_ids(&self) -> Option<(&'a NationalId, &'a NationalId)> {
        self.finance.plausible_id().zip(self.crm.plausible_id())
    }

    /// Whether both have the same plausible national id.
    pub(super) fn one_id(&self) -> bool {
        self.plausible_ids().is_some_and(|(a, b)| a == b)
    }

    pub(super) fn one_postal_code(&self) -> bool {
        !self.finance.postal_code.is_empty() && self.finance.postal_code == self.crm.postal_code
    }

    /// Whether a word of more than two letters stands in both names.
    pub(super) fn half_of_name(&self) -> bool {
        let long = self
            .finance
            .name
            .words
            .iter()
            .filter(|word| word.chars().count() > 2);
        long.into_iter().any(|word| self.crm.name.words.contains(word))
    }

    /// A phone, an e-mail address, a postal code or an address in common.
    fn in_reach(&self) -> bool {
        let (f, c) = (self.finance, self.crm);
        !f.mobiles.is_disjoint(&c.mobiles)
            || !f.landlines.is_disjoint(&c.landlines)
            || !f.emails.is_disjoint(&c.emails)
            || self.one_postal_code()
            || f.address.is_same_place(&c.address) == Some(true)
    }
}
