//! The users of the CRM who write quotes and invoices, and the log of every version that they typed.

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use simulator::{Kind, Simulator};

use super::field::text;
use super::users::{Users, in_crm};

/// Chance that someone writes or changes a document whenever a customer is typed or changed.
const SHARE: f64 = 0.4;
/// Type codes of quotes: each is a sale model of its own in finance.
pub const QUOTE_TYPES: [&str; 2] = ["PI_5", "PI_3"];
/// What finance's login says; not the year of the clock.
pub const FISCAL_YEAR: i32 = 1404;
const INVOICE_TYPE: &str = "SI_5";

/// A row as it was typed; numbers as texts, so that no digit is lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Empty: it was forgotten.
    pub product: String,
    pub unit: &'static str,
    pub count: String,
    pub price: String,
    pub discount: String,
}

/// All that a document said from a moment on.
#[derive(Clone, Debug)]
pub struct Version {
    pub at: DateTime<Utc>,
    pub customer: usize,
    pub description: String,
    pub items: Vec<Item>,
}

impl Version {
    /// Whether it says the same.
    pub fn is_like(&self, other: &Version) -> bool {
        (self.customer, &self.description, &self.items) == (other.customer, &other.description, &other.items)
    }
}

/// A document of the CRM.
pub struct TypedDocument {
    pub kind: Kind,
    pub id: String,
    pub type_code: &'static str,
    /// The quote that an invoice was made from.
    pub quote: Option<usize>,
    pub versions: Vec<Version>,
    pub deleted: bool,
}

impl TypedDocument {
    pub fn last(&self) -> &Version {
        self.versions.last().unwrap()
    }
}

/// What a user is about to do with a document.
#[derive(Clone, Copy)]
enum Intent {
    Change,
    /// Writes the product code that was forgotten.
    Mend,
}

pub struct Documents {
    rng: StdRng,
    pub all: Vec<TypedDocument>,
    /// Edits of documents after their first version, those that change nothing, and deletions.
    pub changes: usize,
    pub idle_edits: usize,
    next: Vec<(DateTime<Utc>, usize, Intent)>,
}

impl Documents {
    pub fn new(seed: u64) -> Self {
        Self {
            // Not the sequence of those who type customers.
            rng: StdRng::seed_from_u64(seed ^ 0x0070_6170_6572),
            all: Vec::new(),
            changes: 0,
            idle_edits: 0,
            next: Vec::new(),
        }
    }

    /// Perhaps someone writes a document, or changes one.
    pub fn act(&mut self, sim: &Simulator, users: &Users) {
        let now = sim.clock().now();
        if let Some(due) = self.next.iter().position(|intent| intent.0 <= now) {
            let (_, document, intent) = self.next.swap_remove(due);
            return self.carry_out(sim, users, document, intent);
        }
        if !self.rng.random_bool(SHARE) {
            return;
        }
        let alive: Vec<usize> = (0..self.all.len()).filter(|n| !self.all[*n].deleted).collect();
        let document = alive.choose(&mut self.rng).copied();
        match (self.rng.random_range(0..100), document) {
            (60..85, Some(document)) => self.carry_out(sim, users, document, Intent::Change),
            // Saved again: no more than a date and a state have changed.
            (85..93, Some(document)) => {
                self.idle_edits += 1;
                let state = ["Draft", "Approved"].choose(&mut self.rng).unwrap();
                let patch = json!({ "billableObjectState": state });
                sim.crm().edit(&self.all[document].id, patch).unwrap();
            }
            (93..97, Some(document)) => {
                self.changes += 1;
                self.all[document].deleted = true;
                sim.crm().delete(&self.all[document].id).unwrap();
            }
            _ => self.write(sim, users),
        }
    }

    /// Who forgot a product's code has written it by now.
    pub fn finish(&mut self, sim: &Simulator, users: &Users) {
        for (_, document, intent) in std::mem::take(&mut self.next) {
            if matches!(intent, Intent::Mend) {
                self.carry_out(sim, users, document, intent);
            }
        }
    }

    /// Each document that is there is changed once more.
    pub fn change_all(&mut self, sim: &Simulator, users: &Users) {
        for document in 0..self.all.len() {
            self.carry_out(sim, users, document, Intent::Change);
        }
    }

    fn write(&mut self, sim: &Simulator, users: &Users) {
        let Some(customer) = self.customer(sim, users) else {
            return;
        };
        let quotes: Vec<usize> = (0..self.all.len())
            .filter(|n| self.all[*n].kind == Kind::Quote)
            .collect();
        // Often the newest one: it may be on its way just now.
        let quote = match self.rng.random_range(0..100) {
            0..12 => quotes.last().copied(),
            12..22 => quotes.choose(&mut self.rng).copied(),
            _ => None,
        };
        let invoice = quote.is_some() || self.rng.random_bool(0.15);
        let (kind, type_code) = if invoice {
            (Kind::Invoice, INVOICE_TYPE)
        } else {
            (Kind::Quote, *QUOTE_TYPES.choose(&mut self.rng).unwrap())
        };
        let number = self.all.len() + 1;
        let mut items: Vec<_> = (0..self.rng.random_range(1..=3)).map(|_| self.item()).collect();
        let now = sim.clock().now();
        if self.rng.random_bool(0.08) {
            items[0].product.clear();
            let later = now + TimeDelta::milliseconds(self.rng.random_range(500..6_000));
            self.next.push((later, number - 1, Intent::Mend));
        } else if self.rng.random_bool(0.2) {
            // While its first version is on its way.
            let later = now + TimeDelta::milliseconds(self.rng.random_range(0..600));
            self.next.push((later, number - 1, Intent::Change));
        }
        let version = Version {
            at: now,
            customer,
            description: format!("{} | فوری", token(number - 1)),
            items,
        };
        let mut object = json!({
            "subject": "سفارش", "crmObjectTypeCode": type_code, "billableObjectState": "Draft",
            "extendedProperties": [{"userKey": "Grade", "value": unmapped(number - 1)}],
        });
        let date = if invoice { "invoiceDate" } else { "quoteDate" };
        object[date] = "2025-12-21T10:00:00".into();
        if let Some(quote) = quote {
            object["relatedQuoteId"] = self.all[quote].id.as_str().into();
        }
        let said = object.as_object_mut().unwrap();
        said.extend(patch(sim, users, &version).as_object().unwrap().clone());
        let id = sim.crm().create(kind, object).unwrap();
        self.all.push(TypedDocument {
            kind,
            id,
            type_code,
            quote,
            versions: vec![version],
            deleted: false,
        });
    }

    /// Someone whom the CRM has; often the newest, whom no sync knows yet.
    fn customer(&mut self, sim: &Simulator, users: &Users) -> Option<usize> {
        let there = |n: &usize| in_crm(sim, &users.people[*n].sample).is_some();
        let known: Vec<usize> = (0..users.people.len()).filter(there).collect();
        if self.rng.random_bool(0.4) {
            known.last().copied()
        } else {
            known.choose(&mut self.rng).copied()
        }
    }

    fn carry_out(&mut self, sim: &Simulator, users: &Users, document: usize, intent: Intent) {
        if self.all[document].deleted {
            return;
        }
        self.changes += 1;
        let mut version = self.all[document].last().clone();
        match intent {
            Intent::Mend => version.items[0].product = self.item().product,
            Intent::Change => match self.rng.random_range(0..10) {
                0..3 => version.description = format!("{}، تغییر {}", token(document), self.changes),
                3..5 => version.items.push(self.item()),
                5 => version.customer = self.customer(sim, users).unwrap(),
                6 if version.items.len() > 1 => version.items.truncate(version.items.len() - 1),
                _ => {
                    let (new, last) = (self.item(), version.items.len() - 1);
                    let old = &mut version.items[last];
                    (old.count, old.price) = (new.count, new.price);
                }
            },
        }
        let patch = patch(sim, users, &version);
        sim.crm().edit(&self.all[document].id, patch).unwrap();
        version.at = sim.clock().now();
        self.all[document].versions.push(version);
    }

    /// Fractions, and amounts that no float holds.
    fn item(&mut self) -> Item {
        let n = self.rng.random_range(0..1_000_000_000_u64);
        let fraction = *["", ".5", ".25", ".45"].choose(&mut self.rng).unwrap();
        let count = *["1", "2.5", "0.001", "12", "1000.125"]
            .choose(&mut self.rng)
            .unwrap();
        let discount = *["0", "0", "0.5", "1"].choose(&mut self.rng).unwrap();
        Item {
            product: format!("5001{:05}", n % 100_000),
            unit: ["عدد", "بسته", "کارتن"].choose(&mut self.rng).unwrap(),
            count: count.to_owned(),
            price: format!("{}{n:09}{fraction}", 1 + n % 1234),
            discount: discount.to_owned(),
        }
    }
}

/// What stands in each version of the description, and in no other document's.
pub fn token(document: usize) -> String {
    format!("سفارش {document}.")
}

/// What no sync maps, in a document.
pub fn unmapped(document: usize) -> String {
    format!("document {document}")
}

/// What the CRM's user saves.
fn patch(sim: &Simulator, users: &Users, version: &Version) -> Value {
    let customer = in_crm(sim, &users.people[version.customer].sample).unwrap();
    json!({
        "identityId": text(&customer["crmId"]), "description": version.description,
        "details": version.items.iter().map(details).collect::<Vec<_>>(),
    })
}

/// A row as the CRM holds it.
pub fn details(item: &Item) -> Value {
    let zeros = if item.count.contains('.') { "0" } else { ".0000" };
    json!({
        "productCode": item.product, "productName": "کاغذ A4", "isService": false,
        "baseUnitPrice": number(&item.price), "count": number(&format!("{}{zeros}", item.count)),
        "totalDiscount": number(&item.discount), "totalVat": 0, "totalToll": 0, "productUnitTypeName": item.unit,
    })
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
