//! Two systems full of records, with the index by which they find each other.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::company::Company;
use domain::customer::{Customer, Field, Kind};
use domain::matching::{Form, Met, Numbering, Profile, Tally, Verdict, contender, forms, judge, ways};
use domain::ports::Side;

pub const NUMBERING: Numbering = Numbering::of_one(Company::DEFAULT, 0);

/// A verdict by the places of the records.
pub type Judged = Verdict<usize>;

/// The records of both systems.
pub struct World {
    pub contacts: Vec<Profile>,
    pub customers: Vec<Profile>,
    /// What is linked already.
    linked: HashSet<(Side, usize)>,
    index: HashMap<(Side, Form), Vec<usize>>,
    tally: Tally,
}

impl World {
    pub fn new(contacts: Vec<Profile>, customers: Vec<Profile>) -> Self {
        let tally = Tally::over(contacts.iter().chain(&customers));
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for records in [&contacts, &customers] {
            for (k, record) in records.iter().enumerate() {
                for form in forms(record) {
                    index.entry((record.side, form)).or_default().push(k);
                }
            }
        }
        Self {
            contacts,
            customers,
            linked: HashSet::new(),
            index,
            tally,
        }
    }

    fn records(&self, side: Side) -> &[Profile] {
        match side {
            Side::Finance => &self.contacts,
            Side::Crm => &self.customers,
        }
    }

    pub fn is_linked(&self, side: Side, k: usize) -> bool {
        self.linked.contains(&(side, k))
    }

    /// Links a record of `side` with one of the other side.
    pub fn link(&mut self, side: Side, k: usize, other: usize) {
        self.linked.extend([(side, k), (side.other(), other)]);
    }

    /// The records of `side` that the ways of `one` lead to.
    pub fn found(&self, side: Side, one: &Profile) -> BTreeSet<usize> {
        let ways = ways(one, &self.tally).into_iter();
        ways.filter_map(|form| self.index.get(&(side, form)))
            .flatten()
            .copied()
            .collect()
    }

    fn met(&self, side: Side, found: BTreeSet<usize>) -> Vec<Met<'_, usize>> {
        let met = |k| Met {
            id: k,
            profile: &self.records(side)[k],
            linked: self.is_linked(side, k),
        };
        found.into_iter().map(met).collect()
    }

    /// The verdict on a record, met from its end.
    pub fn judge(&self, side: Side, k: usize) -> Judged {
        let one = &self.records(side)[k];
        let other = side.other();
        let candidates = self.met(other, self.found(other, one));
        let mut rivals = Vec::new();
        if let Some(best) = contender(one, &candidates, &self.tally) {
            let mut found = self.found(side, &self.records(other)[best]);
            found.remove(&k);
            rivals = self.met(side, found);
        }
        judge(one, &candidates, &rivals, &self.tally)
    }

    /// All verdicts in short, from both ends: contacts, then customers.
    pub fn short(&self) -> (Vec<String>, Vec<String>) {
        let all = |side| {
            (0..self.records(side).len())
                .map(|k| short(&self.judge(side, k)))
                .collect()
        };
        (all(Side::Finance), all(Side::Crm))
    }
}

/// A verdict as `link 0`, `doubt 0 2`, `apart`, `nobody`.
pub fn short(verdict: &Judged) -> String {
    match verdict {
        Verdict::Link(candidate) => format!("link {}", candidate.id),
        Verdict::Doubt(doubt) => {
            let ids: Vec<_> = doubt.candidates.iter().map(|one| one.id.to_string()).collect();
            format!("doubt {}", ids.join(" "))
        }
        Verdict::Apart => "apart".into(),
        Verdict::Nobody => "nobody".into(),
    }
}

/// A record as one types it: `name / field=value / …`, fields by [`field`].
pub fn record(side: Side, kind: Kind, typed: &str) -> Profile {
    let mut parts = typed.split(" / ");
    let mut customer = Customer::new(kind).with(Field::Name, parts.next().unwrap());
    for part in parts {
        let (name, value) = part.split_once('=').unwrap();
        customer.set(field(name), value);
    }
    Profile::of(&customer, side, NUMBERING)
}

fn field(name: &str) -> Field {
    match name {
        "mobile" => Field::Mobile,
        "phone" => Field::Phone,
        "email" => Field::Email,
        "id" => Field::NationalId,
        "address" => Field::Address,
        "zip" => Field::PostalCode,
        "number" => Field::CustomerNumber,
        "code" => Field::FinanceCode,
        other => panic!("no field {other}"),
    }
}

/// Contacts and customers of one kind.
pub fn world(kind: Kind, contacts: &[&str], customers: &[&str]) -> World {
    let all = |side, typed: &[&str]| typed.iter().map(|typed| record(side, kind, typed)).collect();
    World::new(all(Side::Finance, contacts), all(Side::Crm, customers))
}

/// The verdict on one contact and one customer of that kind, the same from either end: `link`, `doubt`, `apart`.
pub fn pair(kind: Kind, contact: &str, customer: &str) -> String {
    let (contacts, customers) = world(kind, &[contact], &[customer]).short();
    assert_eq!(contacts, customers, "{contact} / {customer}");
    contacts[0].trim_end_matches(" 0").to_owned()
}

/// Checks a table of pairs.
pub fn check(kind: Kind, rows: &[(&str, &str, &str)]) {
    for (contact, customer, verdict) in rows {
        assert_eq!(pair(kind, contact, customer), *verdict, "{contact} | {customer}");
    }
}

/// What an office or a household shares.
pub const OFFICE: &str = "mobile=09123451827 / phone=02188453312 / email=info@nik.ir / zip=1431965483";

/// A record of that name with what they share.
pub fn at_office(name: &str) -> String {
    format!("{name} / {OFFICE}")
}
