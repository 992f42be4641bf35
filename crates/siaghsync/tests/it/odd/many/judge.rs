//! Both systems and the tables against the log of what was typed.

use std::collections::{BTreeSet, HashMap};

use domain::store::Status;
use domain::store::entities::log;
use serde_json::Value;
use simulator::{Simulator, System};

use super::field::{FIELDS, Field, text};
use super::owners::Owners;
use super::people::{Customer, Fate, Told};
use super::report::Line;

/// What was seen when all was over.
pub struct Seen<'a> {
    pub sim: &'a Simulator,
    pub rows: Vec<log::Model>,
    /// The import's report, by finance's code.
    pub report: HashMap<String, Line>,
    /// What the import said besides, and `siaghsync check`.
    pub import: String,
    pub check: String,
}

/// All that is not as it should be, and of which customers.
#[derive(Default)]
pub struct Verdict {
    pub wrong: Vec<String>,
    pub customers: BTreeSet<usize>,
}

pub fn judge(all: &[Customer], seen: &Seen<'_>) -> Verdict {
    let owners = Owners::of(all);
    let mut verdict = Verdict::default();
    let wrong = &mut verdict.wrong;
    let mut records = vec![(Vec::new(), Vec::new()); all.len()];
    for contact in seen.sim.finance().contacts() {
        match owners.of_contact(&contact) {
            Some(owner) => records[owner].0.push(contact),
            None => wrong.push(format!("nobody typed the contact {contact}")),
        }
    }
    for identity in seen.sim.crm().customers() {
        match owners.of_identity(&identity) {
            Some(owner) => records[owner].1.push(identity),
            None => wrong.push(format!("nobody typed the identity {identity}")),
        }
    }
    let rows = last_rows(&seen.rows);
    for (place, (customer, (contacts, identities))) in all.iter().zip(&records).enumerate() {
        let mut judge = Judge {
            customer,
            contacts,
            identities,
            seen,
            rows: &rows,
            wrong: Vec::new(),
        };
        judge.all();
        let who = || format!("{:?} {:?} {:?}: ", customer.odd, customer.codes, customer.ids);
        verdict
            .customers
            .extend((!judge.wrong.is_empty()).then_some(place));
        verdict
            .wrong
            .extend(judge.wrong.into_iter().map(|what| who() + &what));
    }
    verdict
}

/// The last row of each record that was led by it.
fn last_rows(rows: &[log::Model]) -> HashMap<&str, &log::Model> {
    let led = rows
        .iter()
        .filter(|row| row.covered_by.is_none() && row.trigger_payload.is_some());
    led.map(|row| (row.source_entity_id.as_str(), row)).collect()
}

struct Judge<'a> {
    customer: &'a Customer,
    contacts: &'a [Value],
    identities: &'a [Value],
    seen: &'a Seen<'a>,
    rows: &'a HashMap<&'a str, &'a log::Model>,
    wrong: Vec<String>,
}

impl Judge<'_> {
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    fn all(&mut self) {
        self.nothing_of_anybody_else();
        self.what_was_typed_stands();
        match self.customer.fate {
            Fate::InStep(but) => self.in_step(but),
            Fate::Alone => {
                let (codes, ids) = (self.customer.codes.len(), self.customer.ids.len());
                self.count(codes, ids);
            }
            Fate::Doubled => self.count(2, 1),
        }
        for told in &self.customer.told {
            self.told(told);
        }
        self.kind();
        if self.customer.is_good() {
            self.good();
        }
    }

    fn count(&mut self, contacts: usize, identities: usize) {
        let found = (self.contacts.len(), self.identities.len());
        if found != (contacts, identities) {
            let rows: Vec<_> = self
                .rows_of()
                .iter()
                .map(|row| (row.status, row.error_message.clone()))
                .collect();
            self.wrong(format!(
                "{found:?} records in finance and the CRM instead of {:?}; its rows: {rows:?}",
                (contacts, identities)
            ));
        }
    }

    /// No value stands in a record that was typed for another customer, or by nobody.
    fn nothing_of_anybody_else(&mut self) {
        for field in FIELDS {
            let of_contacts = self.contacts.iter().map(|contact| field.of_contact(contact));
            let of_identities = self.identities.iter().map(|identity| field.of_identity(identity));
            let typed = |held: &String| {
                let mut typed = self.customer.typed.iter().filter(|typed| typed.field == field);
                held.is_empty() || typed.any(|typed| field.meant(&typed.value) == field.meant(held))
            };
            let strange: Vec<String> = of_contacts
                .chain(of_identities)
                .filter(|held| !typed(held))
                .collect();
            for held in strange {
                self.wrong(format!("{field:?} holds {held:?}, which was never typed there"));
            }
        }
    }

    /// What a user typed last into a record is there, letter by letter, unless something else was typed for this customer since.
    fn what_was_typed_stands(&mut self) {
        let alone = matches!(self.customer.fate, Fate::Alone | Fate::Doubled);
        for field in FIELDS {
            let last = field.meant(self.customer.last(field));
            let mut check = |side, record: &str, held: String| {
                let Some(typed) = self.customer.last_of(side, record, field) else {
                    return;
                };
                let stands = alone || (!typed.is_empty() && field.meant(typed) == last);
                // What no form can hold may go; all else stays as it was typed.
                let mended = typed.contains(['\0']) || typed.contains(super::people::HALF);
                let same = match mended {
                    true => field.meant(typed) == field.meant(&held),
                    false => typed == held,
                };
                if stands && !same {
                    self.wrong.push(format!(
                        "{side:?} {record}: {field:?} was {typed:?} and is {held:?}"
                    ));
                }
            };
            for contact in self.contacts {
                check(
                    System::Finance,
                    &text(&contact["Code"]),
                    field.of_contact(contact),
                );
            }
            for identity in self.identities {
                check(
                    System::Crm,
                    &text(&identity["crmId"]),
                    field.of_identity(identity),
                );
            }
        }
    }

    /// One record on each side, which hold what was typed last.
    fn in_step(&mut self, but: &[Field]) {
        self.count(1, 1);
        let ([contact], [identity]) = (self.contacts, self.identities) else {
            return;
        };
        let code = text(&contact["Code"]);
        let old_reference =
            self.customer.odd == Some(super::odd::Odd::OldReference) && !self.customer.ids.is_empty();
        if text(&identity["refId"]) != code && !old_reference {
            self.wrong(format!("contact {code} is noted as {}", identity["refId"]));
        }
        let mut missing = false;
        for field in FIELDS {
            let last = field.meant(self.customer.last(field));
            let (here, there) = (
                field.meant(&field.of_identity(identity)),
                field.meant(&field.of_contact(contact)),
            );
            if here == last && there.is_empty() && !last.is_empty() && but.contains(&field) {
                missing = true;
            } else if here != last || there != last {
                self.wrong(format!(
                    "{field:?}: {last:?} was typed; the CRM has {here:?}, finance {there:?}"
                ));
            }
        }
        if missing {
            self.told(&Told::OneRow(Status::Failed, "taken_"));
        }
    }

    /// Nobody waits, and nothing has failed.
    fn good(&mut self) {
        let waits = |row: &&&log::Model| {
            matches!(row.status, Status::Failed | Status::Conflict) || !row.status.is_final()
        };
        let waiting: Vec<String> = self
            .rows_of()
            .iter()
            .filter(waits)
            .map(|row| format!("{:?} {:?}", row.status, row.error_message))
            .collect();
        self.wrong.extend(waiting);
        let what = if self.customer.ids.is_empty() {
            "create"
        } else {
            "link"
        };
        self.told(&Told::Report(what, ""));
    }

    /// A kind that finance does not say is never written.
    fn kind(&mut self) {
        if self.customer.odd == Some(super::odd::Odd::NoKind)
            && let Some(kind) = self.contacts.iter().find_map(|contact| contact.get("TowardType"))
        {
            self.wrong(format!("its kind is {kind} now"));
        }
    }

    fn rows_of(&self) -> Vec<&log::Model> {
        let codes = self.contacts.iter().map(|contact| text(&contact["Code"]));
        let ids = self.identities.iter().map(|identity| text(&identity["crmId"]));
        codes
            .chain(ids)
            .filter_map(|id| self.rows.get(id.as_str()).copied())
            .collect()
    }

    fn told(&mut self, told: &Told) {
        match *told {
            Told::Report(what, why) => self.in_report(what, why),
            Told::Check(why) => {
                for id in self.typed_records() {
                    let named =
                        |line: &str| line.contains("set aside") && line.contains(&id) && line.contains(why);
                    if !self.seen.check.lines().any(named) || !self.seen.import.contains(&id) {
                        self.wrong(format!("`check`, or the import, does not name {id} with {why:?}"));
                    }
                }
            }
            Told::Row(status, code) => {
                for id in self.typed_records() {
                    let row = self.rows.get(id.as_str()).copied();
                    if !row.is_some_and(|row| says(row, status, code)) {
                        let is =
                            row.map(|row| (row.status, row.error_code.clone(), row.error_message.clone()));
                        self.wrong(format!("the last row of {id} is {is:?}, not {status:?} {code}"));
                    }
                }
            }
            Told::OneRow(status, code) => {
                let rows = self.rows_of();
                if !rows.iter().any(|row| says(row, status, code)) {
                    let are: Vec<_> = rows
                        .iter()
                        .map(|row| (row.status, row.error_message.clone()))
                        .collect();
                    self.wrong(format!("no row is {status:?} {code}: {are:?}"));
                }
            }
        }
    }

    fn in_report(&mut self, what: &str, why: &str) {
        for code in &self.customer.codes {
            let Some(line) = self.seen.report.get(&code.to_string()) else {
                self.wrong.push(format!("the report does not name {code}"));
                continue;
            };
            // Whom it names is this very customer.
            let named = line.crm_ids.iter().all(|id| self.customer.ids.contains(id));
            let asked = what != "ask" || !line.crm_ids.is_empty() && !line.why.is_empty();
            if line.what != what || !line.why.contains(why) || !named || !asked {
                self.wrong
                    .push(format!("the report says {line:?}, not {what} {why}"));
            }
        }
    }

    /// The records that users have entered.
    fn typed_records(&self) -> Vec<String> {
        let codes = self.customer.codes.iter().map(i64::to_string);
        codes.chain(self.customer.ids.iter().cloned()).collect()
    }
}

fn says(row: &log::Model, status: Status, code: &str) -> bool {
    let coded = row
        .error_code
        .as_deref()
        .is_some_and(|named| named.starts_with(code));
    row.status == status
        && coded
        && row
            .error_message
            .as_deref()
            .is_some_and(|words| !words.is_empty())
}
