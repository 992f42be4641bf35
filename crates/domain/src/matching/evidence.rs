//! What agrees between two records and what contradicts, in points.
//!
//! Points are about ten times the logarithm (base 30) of how much more often a thing is seen between two records of one
//! customer than between records of two, rounded by hand (`design.md`, "First meeting"). No arithmetic replaces
//! [`super::Unidentified`]: what a household or an office shares never links two names that merely look alike.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::likeness::Likeness;
use super::pair::Pair;
use crate::customer::Kind;

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Witness {
    Kind,
    Name,
    NationalId,
    Mobile,
    Email,
    Landline,
    PostalCode,
    Address,
    /// The CRM's `refId`, against finance's code.
    Reference,
    /// The CRM's customer number, read as a code, against finance's.
    CustomerNumber,
}

/// What the comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Finding {
    /// It agrees; a reference or a number names the other.
    Agrees,
    /// National ids agree, and fail their check digit.
    AgreesImplausibly,
    /// National ids differ by one slip.
    Slip,
    /// Names are alike.
    Alike,
    /// A part of the name agrees.
    Part,
    /// Another name but half of it, under one national id: many are called otherwise than their papers say.
    Half,
    /// It is another; a reference names another.
    Another,
}

/// A reason, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was compared.
    pub what: Witness,
    /// What was found.
    pub finding: Finding,
    /// What it is worth.
    pub points: i32,
    /// Of a name that agrees: how many further records carry it, of both systems.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn found(what: Witness, finding: Finding, points: i32) -> Evidence {
    Evidence {
        what,
        finding,
        points,
        others: 0,
    }
}

/// All evidence between two records; `others`: how many further records carry the name.
pub(super) fn evidence(pair: &Pair<'_>, others: usize) -> Vec<Evidence> {
    let (f, c) = (pair.finance, pair.crm);
    let kind = (f.kind != c.kind).then(|| found(Witness::Kind, Finding::Another, -8));
    let landline =
        (!f.landlines.is_disjoint(&c.landlines)).then(|| found(Witness::Landline, Finding::Agrees, 5));
    let reference = |named: bool| {
        if named {
            found(Witness::Reference, Finding::Agrees, 5)
        } else {
            found(Witness::Reference, Finding::Another, -1)
        }
    };
    let number = !c.customer_number.is_empty() && c.customer_number == f.code;
    let all = [
        kind,
        name(pair, others),
        national_id(pair),
        one_of(Witness::Mobile, &f.mobiles, &c.mobiles),
        one_of(Witness::Email, &f.emails, &c.emails),
        landline,
        place(pair),
        (!c.reference.is_empty()).then(|| reference(c.reference == f.code)),
        number.then(|| found(Witness::CustomerNumber, Finding::Agrees, 4)),
    ];
    all.into_iter().flatten().collect()
}

fn name(pair: &Pair<'_>, others: usize) -> Option<Evidence> {
    let (finding, points) = match pair.name {
        Likeness::Agree => {
            let base = match pair.finance.kind {
                Kind::Organization => 6,
                Kind::Person if pair.finance.name.words.len() > 1 => 5,
                Kind::Person => 2,
            };
            let points = base - i32::from(others > 0) - i32::from(others > 2);
            return Some(Evidence {
                others,
                ..found(Witness::Name, Finding::Agrees, points)
            });
        }
        Likeness::Alike => (Finding::Alike, 2),
        Likeness::Part => (Finding::Part, 0),
        Likeness::Unlike if pair.one_id() && pair.half_of_name() => (Finding::Half, -3),
        Likeness::Unlike => (Finding::Another, -7),
        Likeness::Unknown => return None,
    };
    Some(found(Witness::Name, finding, points))
}

/// A valid id is never weighed against one that is not: it was mistyped in its own way.
fn national_id(pair: &Pair<'_>) -> Option<Evidence> {
    let (a, b) = pair.national_ids()?;
    let (finding, points) = match (a.plausible && b.plausible, a.digits == b.digits, a.is_near(b)) {
        (true, true, _) => (Finding::Agrees, 11),
        (true, false, true) => (Finding::Slip, -1),
        (true, false, false) => (Finding::Another, -9),
        (false, true, _) => (Finding::AgreesImplausibly, 6),
        (false, false, true) => (Finding::Slip, 6),
        (false, false, false) => return None,
    };
    Some(found(Witness::NationalId, finding, points))
}

/// Mobiles, e-mail addresses: one in common agrees, none is a weak contradiction.
fn one_of(what: Witness, a: &BTreeSet<String>, b: &BTreeSet<String>) -> Option<Evidence> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    Some(if a.is_disjoint(b) {
        found(what, Finding::Another, -1)
    } else {
        found(what, Finding::Agrees, 6)
    })
}

/// The postal code where it agrees, else the address.
fn place(pair: &Pair<'_>) -> Option<Evidence> {
    if pair.one_postal_code() {
        return Some(found(Witness::PostalCode, Finding::Agrees, 5));
    }
    let same = pair.finance.address.is_same_place(&pair.crm.address)?;
    Some(if same {
        found(Witness::Address, Finding::Agrees, 5)
    } else {
        found(Witness::Address, Finding::Another, -1)
    })
}
