//! The documents of both systems and their rows against the log of what users typed.

use std::collections::HashSet;

use domain::store::entities::log;
use domain::store::{EntityType, LinkState, Status};
use serde_json::Value;
use simulator::Document as Issued;

use super::document_files::{Files, is_of, is_row_of};
use super::documents::{Documents, TypedDocument, unmapped};
use super::field::text;
use super::users::Users;
use super::verdict::Verdict;
use super::windows::Windows;
use crate::deployment::Deployment;

/// What became of the documents, in numbers.
#[derive(Default)]
pub struct Figures {
    pub issued: usize,
    /// Their order is issued as the other kind.
    pub skipped: usize,
    /// Deleted, and never issued.
    pub gone: usize,
    /// Issued, and said otherwise later.
    pub changed: usize,
    pub doubled: usize,
    /// Edits that no program could have kept.
    pub exempt: usize,
}

/// Adds to the verdict what does not hold of documents.
pub async fn judge(d: &Deployment, users: &Users, documents: &Documents, verdict: &mut Verdict) -> Figures {
    let links = d.links().await;
    let files = Files {
        d,
        users,
        documents,
        windows: Windows::of(&d.sim, &links),
        rows: d.rows().await,
        links,
        held: d.sim.finance().documents(),
    };
    let mut judge = Judge {
        files: &files,
        verdict,
        figures: Figures::default(),
    };
    judge.strangers();
    for number in 0..documents.all.len() {
        judge.document(number);
    }
    judge.control_totals();
    judge.figures
}

struct Judge<'a> {
    files: &'a Files<'a>,
    verdict: &'a mut Verdict,
    figures: Figures,
}

impl Judge<'_> {
    /// The product's own account: all that was issued was sent, and the CRM has all of it that was not deleted.
    fn control_totals(&mut self) {
        let (code, said) = self.files.d.siaghsync(&["verify", "--documents", "--json"]);
        let day: Value = said
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .unwrap_or_default();
        let documents = self.files.documents.all.iter().enumerate();
        let issued = documents.filter(|(number, _)| self.files.held.iter().any(|held| is_of(held, *number)));
        let deleted = issued.filter(|(_, document)| document.deleted).count();
        let counts = [day["sent"]["count"].as_u64(), day["crm"]["count"].as_u64()];
        let expected = [self.figures.issued, self.figures.issued - deleted].map(|n| u64::try_from(n).ok());
        let named = day["documents"].as_array().map(Vec::len);
        let agrees = if deleted == 0 { Some(0) } else { Some(3) };
        if counts != expected || code != agrees || named != Some(deleted) {
            self.verdict.lost.push(format!(
                "verify --documents: {code:?} {said}, {deleted} of {} are deleted",
                self.figures.issued
            ));
        }
    }

    /// Whatever nobody typed.
    fn strangers(&mut self) {
        for held in &self.files.held {
            let known = (0..self.files.documents.all.len()).any(|number| is_of(held, number));
            if !known {
                let said = &held.header["tozihat"];
                self.verdict
                    .invented
                    .push(format!("pre-invoice {}: {said:?}", held.number));
            }
        }
        let known: HashSet<&String> = self
            .files
            .documents
            .all
            .iter()
            .map(|document| &document.id)
            .collect();
        let links = self
            .files
            .links
            .iter()
            .filter(|m| m.entity_type != EntityType::Customer);
        for link in links.filter(|m| m.crm_id.as_ref().is_none_or(|id| !known.contains(id))) {
            self.verdict
                .invented
                .push(format!("a document's link {:?}", link.crm_id));
        }
    }

    fn document(&mut self, number: usize) {
        let document = &self.files.documents.all[number];
        let held: Vec<Issued> = self
            .files
            .held
            .iter()
            .filter(|held| is_of(held, number))
            .cloned()
            .collect();
        if held.len() > 1 {
            let numbers: Vec<_> = held.iter().map(|held| (held.number, held.at)).collect();
            self.figures.doubled += 1;
            let story = self.files.story(document);
            self.verdict
                .duplicated
                .push(format!("document {number} is issued as {numbers:?}\n{story}"));
        }
        for held in &held {
            let mut typed_before = document.versions.iter().filter(|version| version.at <= held.at);
            if !typed_before.any(|version| self.files.is(held, document, version)) {
                self.verdict.invented.push(format!(
                    "document {number} is issued as nobody typed it: {held:?}"
                ));
            }
        }
        let otherwise = self.files.issued_otherwise(document);
        if !held.is_empty() && otherwise {
            self.figures.doubled += 1;
            let story = self.files.story(document);
            self.verdict
                .duplicated
                .push(format!("the order of document {number} is issued twice\n{story}"));
        }
        self.ended(number, document, &held, otherwise);
        self.at_rest(number, document, held.first());
        self.in_crm(number, document, held.first());
    }

    /// It is issued, or there is a reason why not.
    fn ended(&mut self, number: usize, document: &TypedDocument, held: &[Issued], otherwise: bool) {
        if !held.is_empty() {
            self.figures.issued += 1;
        } else if otherwise {
            self.figures.skipped += 1;
        } else if document.deleted {
            self.figures.gone += 1;
        } else {
            let story = self.files.story(document);
            self.verdict.lost.push(format!(
                "document {number} ({}) was never issued\n{story}",
                document.id
            ));
        }
    }

    /// Neither its rows nor its link wait for anything.
    fn at_rest(&mut self, number: usize, document: &TypedDocument, held: Option<&Issued>) {
        let of_it = self.files.rows.iter().filter(|row| is_row_of(row, document));
        let mended = |row: &&log::Model| {
            let forgotten = document
                .versions
                .iter()
                .any(|v| v.items.iter().any(|item| item.product.is_empty()));
            forgotten && row.error_class.as_deref() == Some("invalid") && row.status == Status::Failed
        };
        let stuck = of_it
            .clone()
            .filter(|row| !matches!(row.status, Status::Success | Status::Skipped));
        for row in stuck.filter(|row| !mended(row)) {
            self.verdict.stuck.push(format!(
                "document {number}, row {}: {:?} {:?}: {:?}",
                row.id, row.status, row.error_class, row.error_message
            ));
        }
        let link = self
            .files
            .links
            .iter()
            .find(|m| m.crm_id.as_ref() == Some(&document.id));
        let noted = link
            .and_then(|m| m.base.as_ref())
            .map(|base| text(&base["number"]));
        let in_flight = link.and_then(|m| m.in_flight.as_ref());
        let waits = link.is_some_and(|m| m.lease_owner.is_some() || m.state == LinkState::Conflict)
            || in_flight.is_some_and(|sent| sent.as_object().is_none_or(|sent| !sent.is_empty()));
        if waits || noted != held.map(|held| held.number.to_string()) {
            self.verdict.stuck.push(format!(
                "document {number} is {:?} in finance, its link says {noted:?}: {link:?}",
                held.map(|held| held.number)
            ));
        }
        let Some(held) = held else { return };
        let last = &document.versions[self.files.stands(document)];
        let changed = !self.files.is(held, document, last) && !document.deleted;
        self.figures.changed += usize::from(changed);
        // Changed back to what was told of before, and accepted: that is no news.
        let mut as_last = document.versions.iter().filter(|version| version.is_like(last));
        let said = as_last.any(|version| of_it.clone().any(|row| self.files.tells_of(row, version)));
        if changed && !said {
            let story = self.files.story(document);
            self.verdict.lost.push(format!(
                "nobody was told that document {number} says {last:?} by now\n{story}"
            ));
        }
    }

    /// The CRM says what was typed last, and the number; nothing else was touched.
    fn in_crm(&mut self, number: usize, document: &TypedDocument, held: Option<&Issued>) {
        let Some(object) = self.files.d.sim.crm().get(&document.id) else {
            if !document.deleted {
                self.verdict
                    .lost
                    .push(format!("document {number} is not in the CRM any more"));
            }
            return;
        };
        let standing = self.files.standing(document);
        self.figures.exempt += document.versions.len() - 1 - standing;
        let found =
            (standing..document.versions.len()).find(|at| self.files.says(&object, &document.versions[*at]));
        if found.is_none() {
            let story = self.files.story(document);
            self.verdict
                .lost
                .push(format!("document {number} says in the CRM {object}\n{story}"));
        }
        if object["extendedProperties"][0]["value"] != unmapped(number) {
            self.verdict
                .invented
                .push(format!("document {number}: what is not mapped was changed"));
        }
        let noted = text(&object["refId"]);
        if noted != held.map(|held| held.number.to_string()).unwrap_or_default() {
            let story = self.files.story(document);
            self.verdict.lost.push(format!(
                "document {number} has the refId {noted:?}, and is {:?} in finance\n{story}",
                held.map(|held| held.number)
            ));
        }
    }
}
