//! Sales documents: the CRM's users type quotes and invoices, finance issues each at most once and can't be asked, and
//! an operator says truthfully what became of a request whose answer was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::clock::Clock;
use domain::document::{Document, DocumentKind, DocumentSnapshot, Row, Totals};
use domain::ports::{PortResult, Side};
use domain::store::entities::log;
use domain::store::{EntityRef, EntityType, Status};
use uuid::Uuid;

use crate::client::Client;
use crate::companies::third;
use crate::sched::{SECOND, Time};
use crate::worker;
use crate::world::{All, Shared, ring, tell};

/// A document of the CRM.
#[derive(Debug)]
pub struct InCrm {
    pub document: Document,
    pub ref_id: String,
    pub alive: bool,
    pub modified: Time,
    /// All that it ever was.
    versions: Vec<Document>,
}

/// A pre-invoice of finance.
#[derive(Debug)]
pub struct PreInvoice {
    pub document: String,
    pub number: String,
}

/// The documents of both systems.
#[derive(Debug, Default)]
pub struct Documents {
    pub crm: BTreeMap<String, InCrm>,
    pub finance: Vec<PreInvoice>,
    /// What an operator has said.
    pub rulings: u64,
}

impl Documents {
    pub fn show(&self, kind: DocumentKind, id: &str) -> Option<DocumentSnapshot> {
        let record = self
            .crm
            .get(id)
            .filter(|record| record.alive && record.document.kind == kind)?;
        Some(DocumentSnapshot {
            id: id.to_owned(),
            document: record.document.clone(),
            ref_id: record.ref_id.clone(),
            created_at: None,
            modified_at: None,
            whole: serde_json::Value::Null,
        })
    }

    pub fn number_of(&self, id: &str) -> Option<&str> {
        let mut issued = self.finance.iter();
        issued
            .find(|one| one.document == id)
            .map(|one| one.number.as_str())
    }

    /// The quote that a document is about, and whether it is the quote itself.
    fn order(&self, id: &str) -> Option<(String, DocumentKind)> {
        let document = &self.crm.get(id)?.document;
        let quote = match document.kind {
            DocumentKind::Quote => id.to_owned(),
            DocumentKind::Invoice => document.related_quote.clone()?,
        };
        Some((quote, document.kind))
    }

    /// Whether the same order is issued as the other kind.
    fn issued_otherwise(&self, id: &str) -> bool {
        let Some((quote, kind)) = self.order(id) else {
            return false;
        };
        let mut others = self.finance.iter().filter_map(|one| self.order(&one.document));
        others.any(|other| other.0 == quote && other.1 != kind)
    }
}

fn entity(kind: DocumentKind, id: &str) -> EntityRef {
    EntityRef {
        entity_type: kind.entity_type(),
        side: Side::Crm,
        id: id.to_owned(),
    }
}

/// What a user of the CRM does with documents.
pub fn act(world: &Shared) {
    let ids: Vec<String> = {
        let all = world.lock();
        let alive = all.documents.crm.iter().filter(|(_, record)| record.alive);
        alive.map(|(id, _)| id.clone()).collect()
    };
    match (world.sim.below(10), world.sim.pick(&ids)) {
        (6..9, Some(id)) => change(world, id, false),
        (9, Some(id)) => change(world, id, true),
        _ => make(world),
    }
}

fn make(world: &Shared) {
    let sim = &world.sim;
    let mut guard = world.lock();
    let all = &mut *guard;
    let customers: Vec<String> = all.systems[0].alive().map(|(id, _)| id.clone()).collect();
    let Some(customer) = sim.pick(&customers).cloned() else {
        return;
    };
    let quotes: Vec<String> = all
        .documents
        .crm
        .keys()
        .filter(|id| id.starts_with('q'))
        .cloned()
        .collect();
    let quote = sim.pick(&quotes).filter(|_| sim.odds(600)).cloned();
    let kind = match quote {
        Some(_) => DocumentKind::Invoice,
        None if sim.odds(200) => DocumentKind::Invoice,
        None => DocumentKind::Quote,
    };
    let letter = if kind == DocumentKind::Quote { 'q' } else { 'i' };
    let id = format!("{letter}{}", all.documents.crm.len() + 1);
    let row = Row {
        product_code: "500102014".to_owned(),
        count: (1 + sim.below(9)).into(),
        unit_price: (1000 + sim.below(9000)).into(),
        ..Row::default()
    };
    let document = Document {
        kind,
        number: id.clone(),
        object_type: "PI_5".to_owned(),
        customer,
        subject: String::new(),
        description: String::new(),
        date: Some(sim.now().date_naive()),
        state: "Approved".to_owned(),
        related_quote: quote,
        totals: Totals::default(),
        rows: vec![row],
    };
    sim.tell(|| {
        format!(
            "user   writes {id} of {}, {:?}",
            document.customer, document.related_quote
        )
    });
    let record = InCrm {
        versions: vec![document.clone()],
        document,
        ref_id: String::new(),
        alive: true,
        modified: sim.time(),
    };
    all.documents.crm.insert(id.clone(), record);
    drop(guard);
    tell(world, entity(kind, &id));
}

fn change(world: &Shared, id: &str, deletes: bool) {
    let kind = {
        let mut all = world.lock();
        let record = all.documents.crm.get_mut(id).unwrap();
        if deletes {
            record.alive = false;
        } else {
            record.document.rows[0].count = (1 + world.sim.below(9)).into();
            record.versions.push(record.document.clone());
        }
        record.modified = world.sim.time();
        record.document.kind
    };
    world
        .sim
        .tell(|| format!("user   {} {id}", if deletes { "deletes" } else { "changes" }));
    tell(world, entity(kind, id));
}

/// A pre-invoice arrives in finance. Here is checked what must never arrive.
pub fn land(client: &Client, document: &Document, code: &str) -> PortResult<String> {
    let world = &client.world;
    let mut guard = world.lock();
    let all = &mut *guard;
    let id = document.number.clone();
    let mut problems = Vec::new();
    if let Some(number) = all.documents.number_of(&id) {
        problems.push(format!("{id} is issued a second time: it is {number} already"));
    }
    if all.documents.issued_otherwise(&id) {
        problems.push(format!(
            "{id} is issued, and its order is already as the other kind"
        ));
    }
    if !all.documents.crm[&id].versions.contains(document) {
        problems.push(format!("{id} is issued as no one ever typed it: {document:?}"));
    }
    // A code that is given again in between, nobody can know of.
    let seen_at = client.contact_at.load(Ordering::Relaxed);
    let seen = all.systems[1]
        .bearers(code)
        .find(|record| record.born <= seen_at)
        .map(|record| record.person);
    let customer = all.systems[0]
        .records
        .get(&document.customer)
        .map(|record| record.person);
    if seen.is_none() || seen != customer {
        problems.push(format!("{id} of {} is issued to {code}", document.customer));
    }
    let number = (2001 + all.documents.finance.len()).to_string();
    all.documents.finance.push(PreInvoice {
        document: id,
        number: number.clone(),
    });
    drop(guard);
    for problem in problems {
        world.violation(problem);
    }
    Ok(number)
}

/// The operator: looks after a while at what waits for a human, and says what is true.
pub async fn operate(world: Shared) {
    loop {
        world.sim.sleep(world.sim.between(30, 150) * SECOND).await;
        let (one, busy) = (world.clone(), world.busy());
        world.sim.spawn(async move {
            rule(&one).await;
            drop(busy);
        });
    }
}

async fn rule(world: &Shared) {
    let engine = worker::engine(world, &Arc::new(Client::new(world, "human", false)));
    let waits = |row: &log::Model| row.status == Status::Conflict && row.entity_type != EntityType::Customer;
    for row in world.store.rows().into_iter().filter(waits) {
        let entity = EntityRef {
            entity_type: row.entity_type,
            side: Side::Crm,
            id: row.source_entity_id.clone(),
        };
        let number = world.lock().documents.number_of(&entity.id).map(str::to_owned);
        let since = world.sim.now() - row.completed_at.unwrap_or(row.started_at);
        let settled = since
            .to_std()
            .is_ok_and(|since| since > world.config.create_settle);
        let ruled = match (row.error_class.as_deref(), number) {
            (Some("unknown_outcome"), Some(number)) => engine.exists(&entity, &number, None).await,
            // Whoever looks too early does not know yet.
            (Some("unknown_outcome"), None) if settled => engine.send_again(&entity, None).await,
            (Some("conflict"), _) => engine.accept(&entity, None).await,
            _ => continue,
        };
        world
            .sim
            .tell(|| format!("human  rules on {}: {:?}", entity.id, ruled.is_ok()));
        if let Ok(rung) = ruled {
            world.lock().documents.rulings += 1;
            ring(world, rung.row);
        }
    }
}

/// Rows of documents that wait for someone to mend their customer, or for another of the same order that does: they may
/// do so for ever.
pub fn stuck(all: &All, rows: &[log::Model]) -> BTreeSet<Uuid> {
    let documents = rows.iter().filter(|row| row.entity_type != EntityType::Customer);
    let waits_for = |row: &log::Model, reasons: &[&str]| {
        let why = row.error_message.as_deref().unwrap_or_default();
        row.status == Status::Pending && reasons.iter().any(|reason| why.contains(reason))
    };
    let order = |row: &log::Model| all.documents.order(&row.source_entity_id).map(|(quote, _)| quote);
    let for_customer: Vec<_> = documents
        .clone()
        .filter(|row| waits_for(row, &["could not be synced", "waits for a human itself"]))
        .collect();
    let orders: BTreeSet<String> = for_customer.iter().filter_map(|row| order(row)).collect();
    let for_order = documents.filter(|row| {
        waits_for(row, &["another document of the same order"])
            && order(row).is_some_and(|order| orders.contains(&order))
    });
    for_customer
        .into_iter()
        .chain(for_order)
        .map(|row| row.id)
        .collect()
}

/// What does not hold of documents in the end.
pub fn check(all: &All, rows: &[log::Model]) -> Vec<String> {
    let mut found = Vec::new();
    let stuck = stuck(all, rows);
    for (id, record) in &all.documents.crm {
        let mut of_it = rows.iter().filter(|row| row.source_entity_id == *id);
        let unsettled = of_it.clone().find(|row| row.status == Status::Conflict);
        // A human has ruled, and what he ruled waits for the customer.
        let ruled = of_it.clone().any(|row| stuck.contains(&row.id));
        if let Some(row) = unsettled.filter(|_| !ruled) {
            found.push(format!(
                "{id} waits for a human for ever: {:?}",
                row.error_message
            ));
        }
        let customer = all.systems[0].records.get(&record.document.customer);
        let said_to_be_gone = of_it.clone().any(|row| {
            let why = row.error_message.as_deref().unwrap_or_default();
            row.status == Status::Failed && why.contains("is not in the CRM")
        });
        if said_to_be_gone && customer.is_some_and(|customer| customer.alive) {
            found.push(format!("{id} ends for want of a customer who is there"));
        }
        // Nobody issues what is a customer's whom nobody serves, and it is not looked at again when that was a slip.
        let unserved = customer.is_some_and(|customer| customer.named(third(), 0));
        let excused = unserved || of_it.any(|row| row.status == Status::Failed || stuck.contains(&row.id));
        let number = all.documents.number_of(id);
        let wanted = record.alive && !excused;
        if wanted && number.is_none() && !all.documents.issued_otherwise(id) {
            found.push(format!("{id} was never issued"));
        }
        if !record.ref_id.is_empty() && number != Some(record.ref_id.as_str()) {
            found.push(format!("{id} says {:?}, and finance {number:?}", record.ref_id));
        }
        if wanted && number.is_some() && record.ref_id.is_empty() {
            found.push(format!("{id} does not say that it is {number:?}"));
        }
    }
    found
}
