//! The match report: what the import would do with each of finance's contacts, and why. Pure.
//!
//! The rule is that of a first meeting, asked of both systems as they were read. It decides nothing for good: each contact
//! is looked for afresh in the CRM before anything is created.

use std::collections::HashMap;

use domain::matching::{Candidate, Doubt, Met, Tally, Verdict, contender, judge, ways};
use domain::message::{Code, Message, evidence};
use domain::store::LinkState;

use super::directory::{Directory, Record};

/// What becomes of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// To be linked with this CRM identity.
    Link(Candidate<String>),
    /// To be created in the CRM.
    Create,
    /// In doubt: left to a human.
    Ask(Doubt<String>),
    /// Linked with this identity already. What is to be said of it.
    Linked(String, &'static str),
    /// Not to be imported. Why.
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

/// How a contact that is to be created stands among the identities, so that its double is found.
const NEW_FROM: &str = "the new customer from finance ";

/// Whether that is an identity which does not exist yet.
pub(super) fn is_new(id: &str) -> bool {
    id.starts_with(NEW_FROM)
}

/// Builds the report, contact by contact.
pub(super) struct Matcher {
    crm: Directory,
    finance: Directory,
    holders: Tally,
    /// Links by finance's code.
    known: HashMap<String, Known>,
}

impl Matcher {
    pub(super) fn new(crm: Directory, finance: Directory, known: HashMap<String, Known>) -> Self {
        let holders = Tally::over(crm.profiles().chain(finance.profiles()));
        Self {
            crm,
            finance,
            holders,
            known,
        }
    }

    /// All contacts, by code. `contacts`: code and name of each.
    pub(super) fn report(mut self, mut contacts: Vec<(String, String)>) -> Vec<Entry> {
        contacts.sort_by_key(|(code, _)| (code.parse::<i64>().unwrap_or(i64::MAX), code.clone()));
        let entries = contacts.into_iter().map(|(code, name)| {
            let fate = self.fate(&code, &name);
            if let (Fate::Create, Some(profile)) = (&fate, self.finance.profile(&code)) {
                let mut profile = profile.clone();
                (profile.side, profile.reference) = (domain::ports::Side::Crm, code.clone());
                profile.code.clear();
                self.crm.add(Record {
                    id: format!("{NEW_FROM}{code}"),
                    profile,
                    linked: true,
                });
            }
            Entry { code, name, fate }
        });
        entries.collect()
    }

    fn fate(&self, code: &str, name: &str) -> Fate {
        if let Some(Known {
            crm_id: Some(id),
            state,
        }) = self.known.get(code)
        {
            return Fate::Linked(
                id.clone(),
                match state {
                    LinkState::Closed => "one of the two was deleted since",
                    LinkState::Conflict => "it waits for a human",
                    LinkState::New | LinkState::Active => "",
                },
            );
        }
        let Some(met) = self.finance.profile(code).filter(|_| !name.is_empty()) else {
            return Fate::Skip("it has no name in finance".to_owned());
        };
        let candidates = self.crm.holding(&ways(met, &self.holders), "");
        let best = contender(met, &candidates, &self.holders);
        let best = best.and_then(|id| candidates.iter().find(|one| one.id == id));
        let rivals = best.map(|best| self.rivals(best, code)).unwrap_or_default();
        match judge(met, &candidates, &rivals, &self.holders) {
            Verdict::Link(best) => Fate::Link(best),
            Verdict::Doubt(doubt) => Fate::Ask(doubt),
            Verdict::Apart => Fate::Create,
            Verdict::Nobody => Fate::Skip(Message::new(Code::NameOfNobody).english()),
        }
    }

    fn rivals(&self, best: &Met<'_, String>, code: &str) -> Vec<Met<'_, String>> {
        self.finance.holding(&ways(best.profile, &self.holders), code)
    }
}

/// What is done, with whom, for how many points, and why.
pub(super) struct Columns {
    pub(super) what: &'static str,
    pub(super) crm_id: String,
    pub(super) points: String,
    pub(super) why: String,
}

/// The columns of a contact's line. Two doubts of one pattern have one reason.
pub(super) fn columns(fate: &Fate) -> Columns {
    let line = |what, crm_id: &str, points: Option<i32>, why: String| Columns {
        what,
        crm_id: crm_id.to_owned(),
        points: points.map(|points| points.to_string()).unwrap_or_default(),
        why,
    };
    match fate {
        Fate::Link(best) => line("link", &best.id, Some(best.points), why(best)),
        Fate::Create => line("create", "", None, String::new()),
        Fate::Linked(id, why) => line("linked", id, None, (*why).to_owned()),
        Fate::Skip(why) => line("skip", "", None, why.clone()),
        Fate::Ask(doubt) => {
            let there = doubt.candidates.iter().filter(|one| !is_new(&one.id));
            let ids: Vec<&str> = there.map(|one| one.id.as_str()).collect();
            let best = doubt.candidates.first();
            line(
                "ask",
                &ids.join(" "),
                best.map(|best| best.points),
                doubted(doubt),
            )
        }
    }
}

fn why(candidate: &Candidate<String>) -> String {
    let reasons = evidence::reasons(candidate);
    let reasons: Vec<String> = reasons.iter().map(Message::english).collect();
    reasons.join("; ")
}

fn doubted(doubt: &Doubt<String>) -> String {
    let Some(best) = doubt.candidates.first() else {
        return String::new();
    };
    let mut parts = vec![why(best)];
    if is_new(&best.id) {
        parts.push(format!("it may be {}: a double?", best.id));
    } else if best.linked {
        parts.push("which is linked already: a double?".to_owned());
    }
    if doubt.candidates.len() > 1 {
        parts.push("there are several".to_owned());
    }
    if !doubt.rivals.is_empty() {
        let rivals: Vec<&str> = doubt.rivals.iter().map(|rival| rival.id.as_str()).collect();
        parts.push(format!(
            "finance {} may be it as well: a double?",
            rivals.join(", ")
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use domain::customer::{Customer, Field, Kind};
    use domain::matching::{Numbering, Profile};
    use domain::ports::Side;

    use super::*;

    fn person(name: &str, mobile: &str, national_id: &str) -> Customer {
        Customer::new(Kind::Person)
            .with(Field::Name, name)
            .with(Field::Mobile, mobile)
            .with(Field::NationalId, national_id)
    }

    fn directory(side: Side, all: &[(&str, Customer)], linked: &[&str]) -> Directory {
        let numbering = Numbering::of_one(domain::company::Company::DEFAULT, 0);
        let mut directory = Directory::default();
        for (id, customer) in all {
            directory.add(Record {
                id: (*id).to_owned(),
                profile: Profile::of_record(id, customer, side, numbering),
                linked: linked.contains(id),
            });
        }
        directory
    }

    fn report(crm: &[(&str, Customer)], known: &[(&str, &str)], finance: &[(&str, Customer)]) -> Vec<Entry> {
        let linked: Vec<&str> = known.iter().map(|(_, id)| *id).collect();
        let link = |id: &str| Known {
            crm_id: Some(id.to_owned()),
            state: LinkState::Active,
        };
        let known = known
            .iter()
            .map(|(code, id)| ((*code).to_owned(), link(id)))
            .collect();
        let contacts = finance
            .iter()
            .map(|(code, customer)| ((*code).to_owned(), customer.get(Field::Name).to_owned()));
        let contacts = contacts.collect();
        let (crm, finance) = (
            directory(Side::Crm, crm, &linked),
            directory(Side::Finance, finance, &[]),
        );
        Matcher::new(crm, finance, known).report(contacts)
    }

    fn lines(entries: &[Entry]) -> Vec<(String, &'static str, String, String)> {
        let line = |entry: &Entry| {
            let columns = columns(&entry.fate);
            (entry.code.clone(), columns.what, columns.crm_id, columns.why)
        };
        entries.iter().map(line).collect()
    }

    #[test]
    fn a_contact_is_linked_created_asked_about_or_left_as_at_a_first_meeting() {
        let identities = [
            ("a", person("علی کریمی", "0912 345 1237", "")),
            ("b", person("رضا احمدی", "", "0499370899")),
            ("c1", person("نیما صادقی", "09352221346", "")),
            ("c2", person("نیما صادقی", "09352221346", "")),
        ];
        let contacts = [
            ("10", person("علي كريمي", "+98 912 345 1237", "")),
            ("9", person("رضا احمدی", "", "۰۴۹۹۳۷۰۸۹۹")),
            ("11", person("نیما صادقی", "09352221346", "")),
            ("12", person("مینا کریمی", "09123451237", "")),
            (
                "13",
                Customer::new(Kind::Person).with(Field::Mobile, "09125555137"),
            ),
            ("14", person("مشتری متفرقه", "09123451237", "")),
        ];
        let lines = lines(&report(&identities, &[], &contacts));
        let short: Vec<_> = lines
            .iter()
            .map(|(code, what, id, _)| (code.as_str(), *what, id.as_str()))
            .collect();
        assert_eq!(
            short,
            [
                ("9", "link", "b"),
                ("10", "link", "a"),
                ("11", "ask", "c1 c2"),
                ("12", "create", ""),
                ("13", "skip", ""),
                ("14", "skip", "")
            ]
        );
        assert_eq!(lines[1].3, "the name agrees; the mobile agrees");
        assert!(lines[2].3.contains("there are several"), "{lines:?}");
    }

    /// Case 39: two lines, each naming that customer.
    #[test]
    fn doubles_in_finance_are_never_created_nor_linked_twice() {
        let identities = [("a", person("علی کریمی", "09123451237", ""))];
        let contacts = [
            ("1", person("علی کریمی", "09123451237", "")),
            ("2", person("علی کریمی", "09123451237", "")),
            ("3", person("سارا نیکو", "09352221346", "0499370899")),
            ("4", person("سارا نیکو", "09352221346", "0499370899")),
        ];
        let lines = lines(&report(&identities, &[], &contacts));
        assert_eq!((lines[0].1, lines[0].2.as_str()), ("ask", "a"));
        assert!(lines[0].3.contains("finance 2 may be it as well"), "{lines:?}");
        assert_eq!((lines[1].1, lines[1].2.as_str()), ("ask", "a"));
        assert_eq!(lines[2].1, "create");
        assert_eq!((lines[3].1, lines[3].2.as_str()), ("ask", ""));
        assert!(lines[3].3.contains("from finance 3: a double?"), "{lines:?}");
    }

    #[test]
    fn what_is_linked_is_left_alone_and_its_identity_is_not_given_away() {
        let identities = [("a", person("علی کریمی", "09123451237", ""))];
        let contacts = [
            ("1", person("علی کریمی", "09123451237", "")),
            ("2", person("علی کریمی", "09123451237", "")),
        ];
        let lines = lines(&report(&identities, &[("1", "a")], &contacts));
        assert_eq!((lines[0].1, lines[0].2.as_str()), ("linked", "a"));
        assert_eq!((lines[1].1, lines[1].2.as_str()), ("ask", "a"));
        assert!(lines[1].3.contains("linked already"), "{lines:?}");
    }

    #[test]
    fn doubts_of_one_reason_are_linked_together_where_there_is_one_candidate() {
        use super::super::alike::pairs;

        let named = |name| person(name, "", "");
        let identities = [
            ("a", named("کیارش دلاوریان")),
            ("b", named("پریناز سهرابیان")),
            ("c1", named("آرتین کاوسیان")),
            ("c2", named("آرتین کاوسیان")),
            ("d", person("بردیا نوروزیان", "09123451237", "")),
        ];
        let contacts = [
            ("1", named("کیارش دلاوریان")),
            ("2", named("پریناز سهرابیان")),
            ("3", named("آرتین کاوسیان")),
            ("4", person("نوروزیان", "09123451237", "")),
        ];
        let entries = report(&identities, &[], &contacts);
        let why = columns(&entries[0].fate).why;
        let found = |why: &str| -> Vec<(String, String)> {
            let all = pairs(&entries, why);
            all.iter()
                .map(|pair| (pair.code.to_owned(), pair.crm_id.to_owned()))
                .collect()
        };
        let pair = |code: &str, id: &str| (code.to_owned(), id.to_owned());
        assert_eq!(found(&why), [pair("1", "a"), pair("2", "b")], "{entries:?}");
        assert_eq!(found(&columns(&entries[2].fate).why), [], "two may be it");
        assert_eq!(found("the name"), [], "a part of a reason is none");
        assert_eq!(found(&columns(&entries[3].fate).why), [pair("4", "d")]);
    }
}
