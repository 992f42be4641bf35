//! The match report: what the import would do with each of finance's contacts, and why. Pure.
//!
//! It decides nothing for good: each contact is looked for afresh in the CRM before anything is created.

use std::collections::HashMap;

use domain::customer::Field;
use domain::meeting::{self, Numbering, Verdict};
use domain::ports::{Side, Snapshot};
use domain::store::LinkState;

use super::directory::Directory;

/// What becomes of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// To be linked with this CRM identity.
    Link(String),
    /// To be created in the CRM.
    Create,
    /// In doubt: left to a human. Why.
    Ambiguous(String),
    /// Left alone: linked already, or not to be imported. Why.
    Skip(String),
}

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) fate: Fate,
}

/// What is known of a contact's link.
pub(super) struct Known {
    pub(super) crm_id: Option<String>,
    pub(super) state: LinkState,
}

/// "This value as that system would hold it", for one task while another may run.
pub(super) type Projection<'a> = &'a (dyn Fn(Side, Field, &str) -> String + Sync);

/// Builds the report, contact by contact.
pub(super) struct Matcher<'a> {
    pub(super) directory: Directory,
    /// Links by finance's code.
    pub(super) known: HashMap<String, Known>,
    pub(super) numbering: Numbering,
    pub(super) project: Projection<'a>,
    entries: Vec<Entry>,
    /// Which contacts would be linked with an identity.
    links: HashMap<String, Vec<usize>>,
}

/// How a contact that is to be created stands in the directory, so that its double is found.
fn new_from(code: &str) -> String {
    format!("the new customer from finance {code}")
}

impl<'a> Matcher<'a> {
    pub(super) fn new(
        directory: Directory,
        known: HashMap<String, Known>,
        numbering: Numbering,
        project: Projection<'a>,
    ) -> Self {
        Self {
            directory,
            known,
            numbering,
            project,
            entries: Vec::new(),
            links: HashMap::new(),
        }
    }

    /// Decides about one contact.
    pub(super) fn take(&mut self, contact: &Snapshot) {
        let fate = self.fate(contact);
        match &fate {
            Fate::Link(id) => self.links.entry(id.clone()).or_default().push(self.entries.len()),
            Fate::Create => self.directory.add(&new_from(&contact.id), &contact.customer),
            _ => {}
        }
        self.entries.push(Entry {
            code: contact.id.clone(),
            name: contact.customer.get(Field::Name).to_owned(),
            fate,
        });
    }

    fn fate(&self, contact: &Snapshot) -> Fate {
        if let Some(Known {
            crm_id: Some(id),
            state,
        }) = self.known.get(&contact.id)
        {
            return Fate::Skip(match state {
                LinkState::Closed => {
                    format!("it was linked with CRM {id}, and one of the two was deleted since")
                }
                LinkState::Conflict => format!("linked with CRM {id} already; it waits for a human"),
                LinkState::New | LinkState::Active => format!("linked with CRM {id} already"),
            });
        }
        if contact.customer.get(Field::Name).is_empty() {
            return Fate::Skip("it has no name in finance".to_owned());
        }
        let keys = meeting::keys(&contact.customer, Side::Finance, self.numbering);
        let candidates = self.directory.find(&keys);
        let project = |side: Side, field: Field, value: &str| (self.project)(side, field, value);
        let numbering = self.numbering;
        match meeting::judge(&contact.customer, Side::Finance, &candidates, numbering, &project) {
            Verdict::Apart => Fate::Create,
            Verdict::Doubt(doubt) => Fate::Ambiguous(doubt.message(Side::Crm).english()),
            Verdict::Link(id) if id.starts_with("the new") => {
                Fate::Ambiguous(format!("it has the same keys as {id}: a double?"))
            }
            Verdict::Link(id) => Fate::Link(id),
        }
    }

    /// All contacts, by code. An identity that several contacts would be linked with is nobody's.
    pub(super) fn finish(mut self) -> Vec<Entry> {
        let taken: HashMap<&str, &str> = self
            .known
            .iter()
            .filter_map(|(code, known)| Some((known.crm_id.as_deref()?, code.as_str())))
            .collect();
        for (id, places) in &self.links {
            let codes: Vec<_> = places
                .iter()
                .map(|place| self.entries[*place].code.clone())
                .collect();
            let why = match taken.get(id.as_str()) {
                Some(code) => {
                    format!("CRM {id} has the same keys but is linked with finance {code}: a double?")
                }
                None if codes.len() > 1 => {
                    format!(
                        "finance {} all match CRM {id}: which of them is it?",
                        codes.join(", ")
                    )
                }
                None => continue,
            };
            for place in places {
                self.entries[*place].fate = Fate::Ambiguous(why.clone());
            }
        }
        self.entries
            .sort_by_key(|entry| (entry.code.parse::<i64>().unwrap_or(i64::MAX), entry.code.clone()));
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use domain::customer::{Customer, Kind};

    use super::*;

    fn person(name: &str, mobile: &str, national_id: &str) -> Customer {
        Customer::new(Kind::Person)
            .with(Field::Name, name)
            .with(Field::Mobile, mobile)
            .with(Field::NationalId, national_id)
    }

    fn contact(code: &str, customer: Customer) -> Snapshot {
        Snapshot {
            id: code.to_owned(),
            customer: customer.with(Field::FinanceCode, code),
            modified_at: None,
            whole: serde_json::Value::Null,
        }
    }

    fn report(identities: &[(&str, Customer)], known: &[(&str, &str)], contacts: &[Snapshot]) -> Vec<Entry> {
        let mut directory = Directory::default();
        identities
            .iter()
            .for_each(|(id, customer)| directory.add(id, customer));
        let linked = |id: &str| Known {
            crm_id: Some(id.to_owned()),
            state: LinkState::Active,
        };
        let known = known
            .iter()
            .map(|(code, id)| ((*code).to_owned(), linked(id)))
            .collect();
        let numbering = Numbering {
            company: 100,
            offset: 0,
        };
        let project = |_: Side, _: Field, value: &str| value.to_owned();
        let mut matcher = Matcher::new(directory, known, numbering, &project);
        contacts.iter().for_each(|contact| matcher.take(contact));
        matcher.finish()
    }

    fn fates(entries: &[Entry]) -> Vec<&Fate> {
        entries.iter().map(|entry| &entry.fate).collect()
    }

    #[test]
    fn a_contact_is_linked_created_or_left_as_at_a_first_meeting() {
        let identities = [
            ("a", person("علی کریمی", "0912 111 1111", "")),
            ("b", person("رضا", "", "0012345679")),
            ("c1", person("نیما", "09123333333", "")),
            ("c2", person("نیما", "09123333333", "")),
        ];
        let contacts = [
            contact("10", person("علي كريمي", "+98 912 111 1111", "")),
            contact("9", person("هر نامی", "", "۰۰۱۲۳۴۵۶۷۹")),
            contact("11", person("نیما", "09123333333", "")),
            contact("12", person("مینا کریمی", "09121111111", "")),
            contact(
                "13",
                Customer::new(Kind::Person).with(Field::Mobile, "09125555555"),
            ),
        ];
        let entries = report(&identities, &[], &contacts);
        assert_eq!(entries[0].code, "9", "by code");
        let [nine, ten, eleven, twelve, thirteen] = fates(&entries)[..] else {
            panic!("{entries:?}")
        };
        assert_eq!(*nine, Fate::Link("b".to_owned()));
        assert_eq!(*ten, Fate::Link("a".to_owned()));
        assert!(matches!(eleven, Fate::Ambiguous(why) if why.contains("c1, c2")));
        assert_eq!(*twelve, Fate::Create, "a sister with the same telephone");
        assert!(matches!(thirteen, Fate::Skip(why) if why.contains("no name")));
    }

    #[test]
    fn doubles_in_finance_are_never_created_nor_linked_twice() {
        let identities = [("a", person("علی", "09121111111", ""))];
        let contacts = [
            contact("1", person("علی", "09121111111", "")),
            contact("2", person("علی", "09121111111", "")),
            contact("3", person("سارا", "09122222222", "0499370899")),
            contact("4", person("سارا", "09122222222", "0499370899")),
        ];
        let entries = report(&identities, &[], &contacts);
        let [one, two, three, four] = fates(&entries)[..] else {
            panic!("{entries:?}")
        };
        assert!(
            matches!(one, Fate::Ambiguous(why) if why.contains("1, 2")),
            "{one:?}"
        );
        assert_eq!(one, two);
        assert_eq!(*three, Fate::Create);
        assert!(
            matches!(four, Fate::Ambiguous(why) if why.contains("finance 3")),
            "{four:?}"
        );
    }

    #[test]
    fn what_is_linked_is_left_alone_and_its_identity_is_not_given_away() {
        let identities = [("a", person("علی", "09121111111", ""))];
        let contacts = [
            contact("1", person("علی", "09121111111", "")),
            contact("2", person("علی", "09121111111", "")),
        ];
        let entries = report(&identities, &[("1", "a")], &contacts);
        assert!(matches!(&entries[0].fate, Fate::Skip(why) if why.contains("already")));
        assert!(matches!(&entries[1].fate, Fate::Ambiguous(why) if why.contains("linked with finance 1")));
    }
}
