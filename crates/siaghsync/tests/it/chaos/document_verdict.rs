//! The documents of both systems and their rows against the log of what users typed.

use std::collections::HashSet;

use domain::store::entities::{link, log};
use domain::store::{EntityType, LinkState, Status};
use serde_json::Value;
use simulator::{Document as Issued, Kind, System};

use super::documents::{Documents, FISCAL_YEAR, Item, TypedDocument, Version, details, token, unmapped};
use super::field::text;
use super::users::{Users, in_crm};
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
    let mut judge = Judge {
        d,
        users,
        documents,
        windows: Windows::of(&d.sim, &links),
        rows: d.rows().await,
        links,
        held: d.sim.finance().documents(),
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
    d: &'a Deployment,
    users: &'a Users,
    documents: &'a Documents,
    windows: Windows,
    rows: Vec<log::Model>,
    links: Vec<link::Model>,
    held: Vec<Issued>,
    verdict: &'a mut Verdict,
    figures: Figures,
}

impl Judge<'_> {
    /// The product's own account: all that was issued was sent, and the CRM has all of it that was not deleted.
    fn control_totals(&mut self) {
        let (code, said) = self.d.siaghsync(&["verify", "--documents", "--json"]);
        let day: Value = said
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .unwrap_or_default();
        let documents = self.documents.all.iter().enumerate();
        let issued = documents.filter(|(number, _)| self.held.iter().any(|held| is_of(held, *number)));
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
        for held in &self.held {
            let known = (0..self.documents.all.len()).any(|number| is_of(held, number));
            if !known {
                let said = &held.header["tozihat"];
                self.verdict
                    .invented
                    .push(format!("pre-invoice {}: {said:?}", held.number));
            }
        }
        let known: HashSet<&String> = self.documents.all.iter().map(|document| &document.id).collect();
        let links = self
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
        let document = &self.documents.all[number];
        let held: Vec<Issued> = self
            .held
            .iter()
            .filter(|held| is_of(held, number))
            .cloned()
            .collect();
        if held.len() > 1 {
            let numbers: Vec<_> = held.iter().map(|held| (held.number, held.at)).collect();
            self.figures.doubled += 1;
            let story = self.story(document);
            self.verdict
                .duplicated
                .push(format!("document {number} is issued as {numbers:?}\n{story}"));
        }
        for held in &held {
            let mut typed_before = document.versions.iter().filter(|version| version.at <= held.at);
            if !typed_before.any(|version| self.is(held, document, version)) {
                self.verdict.invented.push(format!(
                    "document {number} is issued as nobody typed it: {held:?}"
                ));
            }
        }
        let otherwise = self.issued_otherwise(document);
        if !held.is_empty() && otherwise {
            self.figures.doubled += 1;
            let story = self.story(document);
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
            let story = self.story(document);
            self.verdict.lost.push(format!(
                "document {number} ({}) was never issued\n{story}",
                document.id
            ));
        }
    }

    /// Neither its rows nor its link wait for anything.
    fn at_rest(&mut self, number: usize, document: &TypedDocument, held: Option<&Issued>) {
        let of_it = self.rows.iter().filter(|row| is_row_of(row, document));
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
        let last = &document.versions[self.stands(document)];
        let changed = !self.is(held, document, last) && !document.deleted;
        self.figures.changed += usize::from(changed);
        let said = of_it.clone().any(|row| self.tells_of(row, last));
        if changed && !said {
            let story = self.story(document);
            self.verdict.lost.push(format!(
                "nobody was told that document {number} says {last:?} by now\n{story}"
            ));
        }
    }

    /// Whether the row told, after that version was typed, that the document has changed to what it says.
    fn tells_of(&self, row: &log::Model, version: &Version) -> bool {
        let changes = row.changes.as_ref().and_then(Value::as_array);
        let changes = changes.into_iter().flatten();
        // The number that was noted in refId is no such change.
        let mut changes = changes.filter(|change| change["field"] != "refId").peekable();
        let later = row.completed_at.is_some_and(|ended| ended > version.at);
        later && changes.peek().is_some() && changes.all(|change| self.holds(change, version))
    }

    /// Whether that is what the version says of the field.
    fn holds(&self, change: &Value, version: &Version) -> bool {
        let now = change["now"].as_str();
        let customer = in_crm(&self.d.sim, &self.users.people[version.customer].sample);
        let typed = match (change["row"].as_u64(), change["field"].as_str()) {
            (None, Some("customer")) => {
                customer.map(|customer| text(&customer["crmId"]).to_ascii_lowercase())
            }
            (None, Some("description")) => Some(version.description.clone()),
            (Some(row), Some(field)) => {
                let at = usize::try_from(row).unwrap() - 1;
                version
                    .items
                    .get(at)
                    .map_or(Some(String::new()), |item| match field {
                        "product" => Some(item.product.clone()),
                        "unit" => Some(item.unit.to_owned()),
                        "count" => Some(plain(&item.count).to_owned()),
                        "price" => Some(plain(&item.price).to_owned()),
                        "discount" => Some(plain(&item.discount).to_owned()),
                        // Of a new row also what nobody types.
                        _ => now.map(str::to_owned),
                    })
            }
            _ => None,
        };
        typed.is_some() && typed.as_deref() == now
    }

    /// The version that the CRM says, if it is the last one that stands or a later one.
    fn stands(&self, document: &TypedDocument) -> usize {
        let standing = self.standing(document);
        let object = self.d.sim.crm().get(&document.id);
        let says = |at: &usize| {
            object
                .as_ref()
                .is_some_and(|object| self.says(object, &document.versions[*at]))
        };
        (standing..document.versions.len())
            .find(says)
            .unwrap_or(document.versions.len() - 1)
    }

    /// The CRM says what was typed last, and the number; nothing else was touched.
    fn in_crm(&mut self, number: usize, document: &TypedDocument, held: Option<&Issued>) {
        let Some(object) = self.d.sim.crm().get(&document.id) else {
            if !document.deleted {
                self.verdict
                    .lost
                    .push(format!("document {number} is not in the CRM any more"));
            }
            return;
        };
        let standing = self.standing(document);
        self.figures.exempt += document.versions.len() - 1 - standing;
        let found =
            (standing..document.versions.len()).find(|at| self.says(&object, &document.versions[*at]));
        if found.is_none() {
            let story = self.story(document);
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
            let story = self.story(document);
            self.verdict.lost.push(format!(
                "document {number} has the refId {noted:?}, and is {:?} in finance\n{story}",
                held.map(|held| held.number)
            ));
        }
    }

    /// The last version that was not typed between the read and the landing of a save.
    fn standing(&self, document: &TypedDocument) -> usize {
        let exempt = |version: &Version| self.windows.hold(System::Crm, &document.id, version.at);
        let later = document
            .versions
            .iter()
            .rev()
            .take_while(|version| exempt(version))
            .count();
        document.versions.len() - 1 - later.min(document.versions.len() - 1)
    }

    fn issued_otherwise(&self, document: &TypedDocument) -> bool {
        let own = |other: &TypedDocument| std::ptr::eq(other, document);
        let order = order(&self.documents.all, document);
        let others = self.documents.all.iter().enumerate().filter(|(_, other)| {
            !own(other)
                && other.kind != document.kind
                && order.is_some()
                && self::order(&self.documents.all, other) == order
        });
        let mut others = others.map(|(number, _)| number);
        others.any(|number| self.held.iter().any(|held| is_of(held, number)))
    }

    /// Header and rows, value by value.
    fn is(&self, held: &Issued, document: &TypedDocument, version: &Version) -> bool {
        let year = FISCAL_YEAR.to_string();
        let customer = in_crm(&self.d.sim, &self.users.people[version.customer].sample);
        let code = customer
            .map(|customer| text(&customer["refId"]))
            .unwrap_or_default();
        let (_, model) = document.type_code.split_once('_').unwrap();
        let description = version.description.replace('|', "/");
        let header = [
            ("hssanadstate", "8"),
            ("codenoeesanad", "2"),
            ("codesalemodel", model),
            ("salmali", &year),
            ("codenoeepardakht", "2"),
            ("codemarkazforush", model),
            ("codecontact", ""),
            ("codemoshtari", &code),
            ("codenoeeforush", "1"),
            ("codevaseteh", "31"),
            ("tozihat", &description),
        ];
        let header = header
            .iter()
            .all(|(name, value)| held.header.get(*name).is_some_and(|held| held == value));
        let rows = held.rows.iter().zip(&version.items).enumerate();
        let mut rows = rows.map(|(at, (row, item))| is_row(row, at + 1, item));
        header && held.rows.len() == version.items.len() && rows.all(|same| same)
    }

    /// Whether the CRM's object says that.
    fn says(&self, object: &Value, version: &Version) -> bool {
        let customer = in_crm(&self.d.sim, &self.users.people[version.customer].sample).unwrap();
        let rows: Vec<_> = version.items.iter().map(details).collect();
        // Numbers are compared by their digits.
        let same = |name: &str, value: &Value| object[name] == *value;
        same("identityId", &customer["crmId"])
            && same("description", &version.description.as_str().into())
            && same("details", &Value::Array(rows))
    }

    fn story(&self, document: &TypedDocument) -> String {
        let mut told: Vec<_> = self.windows.about([&Some(document.id.clone()), &None], None);
        told.extend(
            document
                .versions
                .iter()
                .map(|version| (version.at, format!("typed {version:?}"))),
        );
        let of_it = self.rows.iter().filter(|row| is_row_of(row, document));
        told.extend(of_it.map(|row| {
            let line = format!(
                "row {} {} {:?} {:?} lapses {} ended {:?}: {:?}",
                row.id,
                row.direction,
                row.status,
                row.error_class,
                row.lapses,
                row.completed_at,
                row.error_message
            );
            (row.started_at, line)
        }));
        told.sort();
        let lines = told
            .into_iter()
            .map(|(at, line)| format!("    {} {line}", at.format("%H:%M:%S%.3f")));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The quote that a document is about.
fn order(all: &[TypedDocument], document: &TypedDocument) -> Option<usize> {
    match document.kind {
        Kind::Quote => all.iter().position(|other| std::ptr::eq(other, document)),
        _ => document.quote,
    }
}

fn is_of(held: &Issued, number: usize) -> bool {
    held.header["tozihat"].contains(&token(number))
}

fn is_row_of(row: &log::Model, document: &TypedDocument) -> bool {
    let ids = [Some(&row.source_entity_id), row.target_entity_id.as_ref()];
    row.entity_type != EntityType::Customer && ids.contains(&Some(&document.id))
}

fn is_row(row: &Value, position: usize, item: &Item) -> bool {
    let numbers = [
        ("qty", &item.count),
        ("finalqty", &item.count),
        ("price", &item.price),
        ("mabtakhfif", &item.discount),
    ];
    let exact = |(name, typed): &(&str, &String)| row[*name].is_number() && text(&row[*name]) == plain(typed);
    numbers.iter().all(exact)
        && row["codekala"] == item.product.as_str()
        && row["nameunit"] == item.unit
        && text(&row["radif"]) == position.to_string()
}

/// Without zeros that say nothing.
fn plain(typed: &str) -> &str {
    if typed.contains('.') {
        typed.trim_end_matches('0').trim_end_matches('.')
    } else {
        typed
    }
}
