//! First meeting: is one of these candidates the customer, or is it new there? Pure: candidates in, verdict with reasons
//! out.
//!
//! Families and offices share phones, and both systems number by themselves; so a mobile, an e-mail or the
//! reading of a customer number counts only when the name or another key agrees (design, "First meeting").

use crate::customer::{Customer, Field, Kind};
use crate::fields::{Flow, TABLE};
pub use crate::matching::Numbering;
use crate::merge::{Project, agrees};
use crate::message::{Code, Message};
use crate::ports::{MatchKeys, Snapshot};
use crate::side::Side;
use crate::text::normal;

/// What a first meeting comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is this one.
    Link(String),
    /// It is not there yet.
    Apart,
    /// A human must say.
    Doubt(Doubt),
}

/// Why it can't be said, and who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub why: Why,
    /// Who may be it.
    pub ids: Vec<String>,
}

/// What speaks against a link though keys agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is of this kind there.
    Kind(Kind),
    /// It has another national id there.
    NationalId,
    /// There are several.
    Several,
}

impl Doubt {
    /// As people are told of it. `side`: where those are that may be it.
    #[must_use]
    pub fn message(&self, side: Side) -> Message {
        let code = match self.why {
            Why::Kind(Kind::Person) => Code::DoubtIsPerson,
            Why::Kind(Kind::Organization) => Code::DoubtIsOrganization,
            Why::NationalId => Code::DoubtNationalId,
            Why::Several => Code::DoubtSeveral,
        };
        Message::new(code)
            .with("side", side)
            .with("ids", self.ids.join(", "))
    }
}

/// The keys by which `customer`, held by `side`, may be found on the other side.
#[must_use]
pub fn keys(customer: &Customer, side: Side, numbering: Numbering) -> MatchKeys {
    let some = |field| Some(customer.get(field).trim().to_owned()).filter(|value| !value.is_empty());
    MatchKeys {
        // The CRM's refId is finance's id; finance's own code is looked for in the CRM's refId.
        id: some(Field::FinanceCode),
        customer_number: some(Field::CustomerNumber).or_else(|| {
            let code = some(Field::FinanceCode).filter(|_| side == Side::Finance)?;
            numbering.number(&code)
        }),
        national_id: some(Field::NationalId),
        mobile: some(Field::Mobile),
        email: some(Field::Email),
    }
}

/// Whether `side` can be asked by any of the keys. Finance can't be asked for the CRM's number (`tmpid`).
#[must_use]
pub fn findable(keys: &MatchKeys, side: Side) -> bool {
    let number = keys.id.is_some() || keys.customer_number.is_some();
    keys.national_id.is_some()
        || keys.mobile.is_some()
        || keys.email.is_some()
        || (side == Side::Crm && number)
}

/// Digests of everything by which `customer` may meet another record, or be taken for one: two that may be linked,
/// twins of one person, and what a create of it makes, share at least one. Reserved before anything is looked for.
#[must_use]
pub fn locks(customer: &Customer, side: Side, numbering: Numbering, project: Project<'_>) -> Vec<String> {
    let poorest = |field: Field| {
        let value = project(
            Side::Finance,
            field,
            &project(Side::Crm, field, customer.get(field)),
        );
        normal(field, &value)
    };
    let number = keys(customer, side, numbering)
        .customer_number
        .unwrap_or_default();
    let number = normal(Field::CustomerNumber, &number);
    let both_ways = TABLE.iter().filter(|spec| spec.flow == Flow::Both);
    let all: Vec<_> = both_ways.map(|spec| poorest(spec.field)).collect();
    let keys = [
        ("code", poorest(Field::FinanceCode)),
        ("number", number),
        ("national id", poorest(Field::NationalId)),
        ("mobile", poorest(Field::Mobile)),
        ("name", poorest(Field::Name)),
        ("email", poorest(Field::Email)),
        ("all", all.join("\u{1}")),
    ];
    let there = keys.iter().filter(|(_, value)| !value.is_empty());
    there.map(|(name, value)| digest(name, value)).collect()
}

fn digest(name: &str, value: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(format!("{name}\u{2}{value}")))
}

/// Which keys of the two agree.
fn agreeing(crm: &Customer, finance: &Customer, numbering: Numbering) -> (u32, u32) {
    let agrees = |field| {
        let value = normal(field, crm.get(field));
        !value.is_empty() && value == normal(field, finance.get(field))
    };
    let strong = [Field::FinanceCode, Field::CustomerNumber, Field::NationalId];
    let reading = numbering.number(finance.get(Field::FinanceCode));
    let read_number = reading
        .is_some_and(|reading| normal(Field::CustomerNumber, crm.get(Field::CustomerNumber)) == reading);
    let weak = u32::from(agrees(Field::Mobile)) + u32::from(agrees(Field::Email)) + u32::from(read_number);
    (
        strong.into_iter().map(|field| u32::from(agrees(field))).sum(),
        weak,
    )
}

/// Whether a key that both have points to two different people.
fn contradicts(crm: &Customer, finance: &Customer) -> bool {
    let (a, b) = (
        normal(Field::NationalId, crm.get(Field::NationalId)),
        normal(Field::NationalId, finance.get(Field::NationalId)),
    );
    !a.is_empty() && !b.is_empty() && a != b
}

/// Judges a first meeting of `met`, held by `side`, with what the other side was found to hold. Names are compared as far
/// as each side can hold them.
#[must_use]
pub fn judge(
    met: &Customer,
    side: Side,
    candidates: &[Snapshot],
    numbering: Numbering,
    project: Project<'_>,
) -> Verdict {
    let mut matches = Vec::new();
    for candidate in candidates {
        let (crm, finance) = match side {
            Side::Crm => (met, &candidate.customer),
            Side::Finance => (&candidate.customer, met),
        };
        let (strong, weak) = agreeing(crm, finance, numbering);
        let names = (crm.get(Field::Name), finance.get(Field::Name));
        let name = agrees(project, Field::Name, names.0, names.1);
        if strong > 0 || weak > 1 || (weak == 1 && name) {
            matches.push((candidate, contradicts(crm, finance)));
        }
    }
    let why = match matches.as_slice() {
        [] => return Verdict::Apart,
        [(one, _)] if one.customer.kind != met.kind => Why::Kind(one.customer.kind),
        [(_, true)] => Why::NationalId,
        [(one, false)] => return Verdict::Link(one.id.clone()),
        _ => Why::Several,
    };
    let ids = matches
        .iter()
        .map(|(candidate, _)| candidate.id.clone())
        .collect();
    Verdict::Doubt(Doubt { why, ids })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(values: &[(Field, &str)]) -> Customer {
        values
            .iter()
            .fold(Customer::new(Kind::Person), |c, (f, v)| c.with(*f, *v))
    }

    fn contact(code: &str, values: &[(Field, &str)]) -> Snapshot {
        let customer = customer(values).with(Field::FinanceCode, code);
        Snapshot {
            id: code.into(),
            customer,
            modified_at: None,
            whole: serde_json::Value::Null,
        }
    }

    fn meet(met: &Customer, candidates: &[Snapshot]) -> Verdict {
        judge(
            met,
            Side::Crm,
            candidates,
            Numbering {
                company: 100,
                offset: 0,
            },
            &|_, _, value| value.to_owned(),
        )
    }

    #[test]
    fn a_strong_key_links_whatever_the_name() {
        let met = customer(&[(Field::Name, "علی"), (Field::NationalId, "۰۰۱۲۳۴۵۶۷۹")]);
        let found = [contact(
            "22",
            &[(Field::Name, "رضا"), (Field::NationalId, "0012345679")],
        )];
        assert_eq!(meet(&met, &found), Verdict::Link("22".into()));
        let by_ref = customer(&[(Field::Name, "x"), (Field::FinanceCode, "22")]);
        assert_eq!(meet(&by_ref, &found), Verdict::Link("22".into()));
    }

    #[test]
    fn a_shared_phone_alone_is_no_match() {
        let met = customer(&[(Field::Name, "علی کریمی"), (Field::Mobile, "09121111111")]);
        let sister = [contact(
            "22",
            &[(Field::Name, "مینا کریمی"), (Field::Mobile, "+98 912 111 1111")],
        )];
        assert_eq!(meet(&met, &sister), Verdict::Apart);
        let himself = [contact(
            "22",
            &[(Field::Name, "علي  كريمي"), (Field::Mobile, "+98 912 111 1111")],
        )];
        assert_eq!(meet(&met, &himself), Verdict::Link("22".into()));
    }

    #[test]
    fn numbers_that_coincide_are_strangers() {
        let met = customer(&[(Field::Name, "علی"), (Field::CustomerNumber, "100-505")]);
        assert_eq!(
            meet(&met, &[contact("505", &[(Field::Name, "شرکت پارس")])]),
            Verdict::Apart
        );
        assert_eq!(
            meet(&met, &[contact("505", &[(Field::Name, "علی")])]),
            Verdict::Link("505".into())
        );
    }

    #[test]
    fn doubt_is_a_conflict() {
        let met = customer(&[
            (Field::Name, "علی"),
            (Field::NationalId, "1"),
            (Field::Mobile, "09121111111"),
        ]);
        let two = [
            contact("1", &[(Field::NationalId, "1")]),
            contact("2", &[(Field::Name, "علی"), (Field::Mobile, "09121111111")]),
        ];
        assert!(
            matches!(meet(&met, &two), Verdict::Doubt(doubt) if doubt.why == Why::Several && doubt.ids == ["1", "2"])
        );
        let mut company = contact("1", &[(Field::NationalId, "1")]);
        company.customer.kind = Kind::Organization;
        assert!(
            matches!(meet(&met, &[company]), Verdict::Doubt(doubt) if doubt.why == Why::Kind(Kind::Organization))
        );
        let other_id = [contact(
            "3",
            &[
                (Field::Name, "علی"),
                (Field::NationalId, "9"),
                (Field::Mobile, "09121111111"),
            ],
        )];
        assert!(matches!(meet(&met, &other_id), Verdict::Doubt(doubt) if doubt.why == Why::NationalId));
    }
}
