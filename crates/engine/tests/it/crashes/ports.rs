//! The two systems, before, during and after each call of which a run may be killed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::customer::{Customer, Field, Kind, Values};
use domain::document::{Document, DocumentKind, DocumentSnapshot, Issued};
use domain::fields::TABLE;
use domain::ports::{Crm, Customers, Finance, Listed, MatchKeys, PortError, PortResult, Side, Snapshot};

use super::fate::Fate;
use crate::world::System;

/// What was sent.
#[derive(Debug, Clone)]
pub enum Request {
    Create(Customer),
    Update(Snapshot, Values),
    Issue(Document, String),
    Note(DocumentSnapshot, String),
}

/// What a system answers to every write, until it is told otherwise: a fault of one call would be spent by the run that
/// is killed.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    #[default]
    Willing,
    /// Nothing is done.
    Fails(PortError),
    /// A save makes another record of it.
    MakesSecond,
    /// The next one times out, and arrives late.
    NextIsLate,
    /// This field is kept in a form of the system's own.
    Alters(Field, &'static str),
}

/// One system as a run sees it.
#[derive(Debug, Clone)]
pub struct Port {
    pub side: Side,
    pub system: System,
    pub fate: Arc<Fate>,
    pub mood: Arc<Mutex<Mood>>,
}

impl Port {
    pub fn new(side: Side, system: System, fate: Arc<Fate>) -> Self {
        Self {
            side,
            system,
            fate,
            mood: Arc::default(),
        }
    }

    fn named(&self, call: &str) -> String {
        format!("{}.{call}", self.side)
    }

    async fn around<T>(&self, call: &str, ask: impl Future<Output = T>) -> T {
        let what = self.named(call);
        self.fate.point("before", &what).await;
        let answer = ask.await;
        self.fate.point("after", &what).await;
        answer
    }

    /// Sends what `call` does; it may also arrive after its sender is dead.
    async fn send<T>(
        &self,
        name: &str,
        request: Request,
        call: impl Future<Output = PortResult<T>>,
    ) -> PortResult<T> {
        let what = self.named(name);
        self.fate.point("before", &what).await;
        let mood = self.mood.lock().unwrap().clone();
        if !matches!(mood, Mood::Fails(_)) {
            self.fate.has_sent();
        }
        self.fate.in_transit(self.side, &what, &request).await;
        let answer = match (mood, &request) {
            (Mood::NextIsLate, _) => {
                *self.mood.lock().unwrap() = Mood::Willing;
                self.fate.is_late(self.side, &request);
                Err(PortError::unknown("timed out"))
            }
            (Mood::Fails(error), _) => Err(error),
            (Mood::MakesSecond, Request::Update(current, values)) => Err(self.second_of(current, values)),
            _ => call.await,
        };
        self.alter(&request);
        self.fate.point("landed", &what).await;
        answer
    }

    fn second_of(&self, current: &Snapshot, values: &Values) -> PortError {
        let mut second = current.customer.clone();
        for (field, value) in values {
            second.set(*field, value.as_str());
        }
        PortError::Integrity {
            sent: current.id.clone(),
            answered: self.system.add(second),
        }
    }

    fn alter(&self, request: &Request) {
        if let (Mood::Alters(field, value), Request::Update(current, values)) =
            (&*self.mood.lock().unwrap(), request)
            && values.contains_key(field)
        {
            self.system.edit(&current.id, *field, value);
        }
    }

    /// What was on its way arrives: a save with the whole object as it was read. Nobody hears the answer.
    pub async fn arrives(&self, request: Request) {
        let mood = self.mood.lock().unwrap().clone();
        match request {
            _ if matches!(mood, Mood::Fails(_)) => {}
            Request::Update(current, values) if matches!(mood, Mood::MakesSecond) => {
                self.second_of(&current, &values);
            }
            Request::Create(customer) => {
                if let Ok(id) = self.system.create(&customer).await {
                    self.fate.was_written(self.side, &id);
                }
            }
            Request::Update(current, values) => {
                if !self.system.ids().contains(&current.id) {
                    return;
                }
                let read = |field: &Field| {
                    let hidden = current.customer.hidden.contains(field);
                    (!hidden && *field != Field::FinanceCode).then(|| current.customer.get(*field).to_owned())
                };
                let along = TABLE.iter().map(|spec| spec.field);
                let mut whole: Values = along.filter_map(|field| Some((field, read(&field)?))).collect();
                whole.extend(values.clone());
                let saved = self.system.update(&current, &whole).await;
                self.alter(&Request::Update(current.clone(), values));
                if saved.is_ok() {
                    self.fate.was_written(self.side, &current.id);
                }
            }
            Request::Issue(document, code) => drop(self.system.issue(&document, &code).await),
            Request::Note(current, number) => drop(self.system.note_issued(&current, &number).await),
        }
    }
}

#[async_trait]
impl Customers for Port {
    async fn read(&self, id: &str, kind: Option<Kind>) -> PortResult<Option<Snapshot>> {
        self.around("read", self.system.read(id, kind)).await
    }

    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed> {
        self.around("find", self.system.find(keys)).await
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        let call = async {
            let before = self.system.ids();
            let answer = self.system.create(customer).await;
            let made = self.system.ids().into_iter().find(|id| !before.contains(id));
            made.iter().for_each(|id| self.fate.was_written(self.side, id));
            answer
        };
        self.send("create", Request::Create(customer.clone()), call).await
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        let call = async {
            let answer = self.system.update(current, changes).await;
            self.fate.was_written(self.side, &current.id);
            answer
        };
        let request = Request::Update(current.clone(), changes.clone());
        self.send("update", request, call).await
    }

    fn project(&self, field: Field, value: &str) -> String {
        self.system.project(field, value)
    }

    async fn check(&self) -> PortResult<String> {
        self.system.check().await
    }
}

#[async_trait]
impl Crm for Port {
    async fn register_webhook(&self, url: &str, events: &[&str]) -> PortResult<bool> {
        self.system.register_webhook(url, events).await
    }

    async fn webhooks(&self) -> PortResult<Option<Vec<String>>> {
        self.system.webhooks().await
    }

    async fn read_document(&self, kind: DocumentKind, id: &str) -> PortResult<Option<DocumentSnapshot>> {
        self.around("read_document", self.system.read_document(kind, id))
            .await
    }

    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()> {
        let request = Request::Note(current.clone(), number.to_owned());
        self.send("note_issued", request, self.system.note_issued(current, number))
            .await
    }
}

#[async_trait]
impl Finance for Port {
    async fn fiscal_year(&self) -> PortResult<Option<i32>> {
        self.system.fiscal_year().await
    }

    async fn issue(&self, document: &Document, customer_code: &str) -> PortResult<Issued> {
        let request = Request::Issue(document.clone(), customer_code.to_owned());
        self.send("issue", request, self.system.issue(document, customer_code))
            .await
    }
}
