//! A document in both systems against its versions as they were typed.

use domain::store::EntityType;
use domain::store::entities::{link, log};
use serde_json::Value;
use simulator::{Document as Issued, Kind, System};

use super::documents::{Documents, FISCAL_YEAR, Item, TypedDocument, Version, details, token};
use super::field::text;
use super::users::{Users, in_crm};
use super::windows::Windows;
use crate::deployment::Deployment;

/// Both systems, the log of what was typed, and the audit rows.
pub struct Files<'a> {
    pub d: &'a Deployment,
    pub users: &'a Users,
    pub documents: &'a Documents,
    pub windows: Windows,
    pub rows: Vec<log::Model>,
    pub links: Vec<link::Model>,
    pub held: Vec<Issued>,
}

impl Files<'_> {
    /// Whether the row told, after that version was typed, that the document has changed to what it says.
    pub fn tells_of(&self, row: &log::Model, version: &Version) -> bool {
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
    pub fn stands(&self, document: &TypedDocument) -> usize {
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

    /// The last version that was not typed between the read and the landing of a save.
    pub fn standing(&self, document: &TypedDocument) -> usize {
        let exempt = |version: &Version| self.windows.hold(System::Crm, &document.id, version.at);
        let later = document
            .versions
            .iter()
            .rev()
            .take_while(|version| exempt(version))
            .count();
        document.versions.len() - 1 - later.min(document.versions.len() - 1)
    }

    pub fn issued_otherwise(&self, document: &TypedDocument) -> bool {
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
    pub fn is(&self, held: &Issued, document: &TypedDocument, version: &Version) -> bool {
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
    pub fn says(&self, object: &Value, version: &Version) -> bool {
        let customer = in_crm(&self.d.sim, &self.users.people[version.customer].sample).unwrap();
        let rows: Vec<_> = version.items.iter().map(details).collect();
        // Numbers are compared by their digits.
        let same = |name: &str, value: &Value| object[name] == *value;
        same("identityId", &customer["crmId"])
            && same("description", &version.description.as_str().into())
            && same("details", &Value::Array(rows))
    }

    pub fn story(&self, document: &TypedDocument) -> String {
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

pub fn is_of(held: &Issued, number: usize) -> bool {
    held.header["tozihat"].contains(&token(number))
}

pub fn is_row_of(row: &log::Model, document: &TypedDocument) -> bool {
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
