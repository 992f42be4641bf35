//! The operator: finds what waits for a human, looks into finance, and says what is true with the product's own command.
//!
//! One ruling at a time, also while everything breaks; it never says "send again" of what finance holds, nor before
//! a request that was sent can't arrive any more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::store::entities::log;
use domain::store::{EntityType, Status};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use simulator::Simulator;
use uuid::Uuid;

use super::documents::{Documents, token};
use super::plan::{CREATE_SETTLE, Plan};
use super::users::Users;
use crate::deployment::{Deployment, Process};

/// Between two looks at what waits.
const EVERY: Duration = Duration::from_millis(500);
/// A ruling that was taken may still be on its way: so long nobody rules on the same row.
const AGAIN: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Two records of one customer, whose name and numbers were typed anew before the two had met.
    Link,
    /// What was typed into a field in the moment between a save of ours and its read-back: whoever typed it knows.
    Keep,
    Exists,
    SendAgain,
    Accept,
}

/// The row, the ruling, and what is said to `siaghsync resolve`.
type Next = (Uuid, Ruling, Vec<String>);

#[derive(Default)]
pub struct Operator {
    at_work: Option<(Process, Ruling)>,
    looked: Option<Instant>,
    /// When each row was last ruled on.
    ruled: HashMap<Uuid, Instant>,
    /// Nobody types any more: nothing that is ruled on can be typed over meanwhile.
    calm: bool,
    /// Rulings that were taken.
    pub done: Vec<Ruling>,
    /// Those of them that were not carried out at once.
    pub later: usize,
    /// What the command refused or failed to do, with its words.
    pub refused: Vec<String>,
}

impl Operator {
    /// Takes note of the last ruling's end, and begins the next one if something waits for it.
    pub async fn look_after(&mut self, d: &Deployment, documents: &Documents, users: &Users) {
        self.take_note();
        if self.at_work.is_some() || self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        let next = match self.of_a_customer(d, users).await {
            None => self.of_a_document(d, documents).await,
            customer => customer,
        };
        if let Some((row, ruling, say)) = next {
            let say: Vec<&str> = say.iter().map(String::as_str).collect();
            let command = [&["resolve"], say.as_slice()].concat();
            self.at_work = Some((d.run("siaghsync", &command), ruling));
            self.ruled.insert(row, Instant::now());
        }
    }

    fn take_note(&mut self) {
        let Some((process, ruling)) = &mut self.at_work else {
            return;
        };
        let Some(code) = process.ended() else { return };
        let said = process.log();
        // What it says of a row that it has made: the ruling stands, whatever that row has come to so far.
        if code == Some(0) || said.contains("siaghsync show") {
            self.done.push(*ruling);
            self.later += usize::from(code != Some(0));
        } else {
            self.refused.push(format!("{ruling:?}: {}", said.trim()));
        }
        self.at_work = None;
    }

    fn may_rule_on(&self, row: &log::Model) -> bool {
        self.ruled.get(&row.id).is_none_or(|at| at.elapsed() >= AGAIN)
    }

    /// What whoever typed it knows.
    async fn of_a_customer(&self, d: &Deployment, users: &Users) -> Option<Next> {
        for row in in_doubt(d).await.iter().filter(|row| self.may_rule_on(row)) {
            if let Some((crm, code)) = users.pair(&d.sim, &row.source_entity_id) {
                return Some((row.id, Ruling::Link, vec!["--link".to_owned(), crm, code]));
            }
        }
        for row in altered(d)
            .await
            .iter()
            .filter(|row| self.calm && self.may_rule_on(row))
        {
            if let Some(side) = users.typed_last(&d.sim, row) {
                let say = [&row.id.to_string(), "--keep", side].map(str::to_owned);
                return Some((row.id, Ruling::Keep, say.to_vec()));
            }
        }
        None
    }

    /// What a look into finance shows.
    async fn of_a_document(&self, d: &Deployment, documents: &Documents) -> Option<Next> {
        let now = d.db.store.clock().now();
        for row in waiting(d).await.iter().filter(|row| self.may_rule_on(row)) {
            let mut all = documents.all.iter();
            let Some(document) = all.position(|document| document.id == row.source_entity_id) else {
                continue;
            };
            let since = now - row.completed_at.unwrap_or(row.started_at);
            let settled = since.to_std().is_ok_and(|since| since > CREATE_SETTLE);
            let (ruling, say) = match (row.error_class.as_deref(), in_finance(&d.sim, document)) {
                (Some("unknown_outcome"), Some(number)) => {
                    (Ruling::Exists, vec!["--exists".to_owned(), number])
                }
                (Some("unknown_outcome"), None) if settled => {
                    (Ruling::SendAgain, vec!["--send-again".to_owned()])
                }
                (Some("conflict"), _) => (Ruling::Accept, vec!["--accept".to_owned()]),
                _ => continue,
            };
            let say = std::iter::once(row.id.to_string()).chain(say);
            return Some((row.id, ruling, say.collect()));
        }
        None
    }

    /// Goes on until no row waits for anyone but a human who mends customers, or patience ends: then the verdict tells
    /// what is left.
    pub async fn settle(&mut self, d: &Deployment, documents: &Documents, users: &Users, plan: &Plan) {
        let begun = Instant::now();
        self.calm = true;
        let delivered = d.sim.crm().webhooks_settled(plan.patience).await;
        assert!(delivered, "webhooks are not delivered");
        while begun.elapsed() < plan.patience {
            self.look_after(d, documents, users).await;
            let open = log::Entity::find()
                .filter(log::Column::Status.is_in([Status::Pending, Status::InProgress]))
                .all(d.db.store.db());
            let open = open.await.unwrap();
            let settled = open.is_empty() || open.iter().all(for_customer) && customers_wait(d).await;
            let asked =
                waiting(d).await.is_empty() && in_doubt(d).await.is_empty() && altered(d).await.is_empty();
            if self.at_work.is_none() && settled && asked {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn times(&self, ruling: Ruling) -> usize {
        self.done.iter().filter(|done| **done == ruling).count()
    }
}

/// A document whose customer waits for a human, which nobody here mends.
fn for_customer(row: &log::Model) -> bool {
    let why = row.error_message.as_deref().unwrap_or_default();
    let customer_waits = why.contains("waits for a human itself") || why.contains("could not be synced");
    row.entity_type != EntityType::Customer && customer_waits
}

/// Whether a customer waits for a human.
async fn customers_wait(d: &Deployment) -> bool {
    let query = log::Entity::find()
        .filter(log::Column::Status.is_in([Status::Conflict, Status::Failed]))
        .filter(log::Column::EntityType.eq(EntityType::Customer));
    query.one(d.db.store.db()).await.unwrap().is_some()
}

/// Customers' rows that ask who is who.
async fn in_doubt(d: &Deployment) -> Vec<log::Model> {
    customers_in_conflict(d, &["match_doubt", "match_doubt_twice", "lost_create_in_doubt"]).await
}

/// Customers' rows that ask whether what came back from a save is an edit.
async fn altered(d: &Deployment) -> Vec<log::Model> {
    let mut held = customers_in_conflict(d, &["held_fields"]).await;
    held.retain(|row| {
        row.changes
            .as_ref()
            .is_some_and(|changes| altered_in(changes).next().is_some())
    });
    held
}

/// What an audit row holds back because it came back altered.
pub fn altered_in(changes: &Value) -> impl Iterator<Item = &Value> {
    let changes = changes.as_array().into_iter().flatten();
    changes.filter(|change| change["reason"] == "altered")
}

async fn customers_in_conflict(d: &Deployment, codes: &[&str]) -> Vec<log::Model> {
    let query = log::Entity::find()
        .filter(log::Column::Status.eq(Status::Conflict))
        .filter(log::Column::EntityType.eq(EntityType::Customer))
        .filter(log::Column::ErrorCode.is_in(codes.iter().copied()));
    // A connection may just have been ended on purpose.
    query.all(d.db.store.db()).await.unwrap_or_default()
}

/// Documents' rows that wait for a human.
async fn waiting(d: &Deployment) -> Vec<log::Model> {
    let query = log::Entity::find()
        .filter(log::Column::Status.eq(Status::Conflict))
        .filter(log::Column::EntityType.ne(EntityType::Customer));
    // A connection may just have been ended on purpose.
    query.all(d.db.store.db()).await.unwrap_or_default()
}

/// The number under which finance holds the document.
fn in_finance(sim: &Simulator, document: usize) -> Option<String> {
    let documents = sim.finance().documents();
    let held = documents
        .iter()
        .find(|held| held.header["tozihat"].contains(&token(document)));
    held.map(|held| held.number.to_string())
}
