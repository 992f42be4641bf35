//! One outside system in memory, with its faults, and a clock to turn.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::{Customers, Listed, MatchKeys, PortError, PortResult, Side, Snapshot};
use domain::text::same;
use futures::future::BoxFuture;

use crate::desk::Desk;

/// A clock that stands until it is turned.
#[derive(Debug, Clone)]
pub struct TestClock(pub Arc<AtomicI64>);

impl TestClock {
    pub fn turn(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (clock, until) = (self.clone(), self.monotonic() + time);
        Box::pin(async move {
            while clock.monotonic() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    }
}

/// What is to happen to the next save.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing is done; the call fails.
    Before(PortError),
    /// All is done; the answer is lost.
    LostAnswer,
    /// Someone edits the record between our save and our look.
    EditAfter(Field, String),
    /// The call times out; the whole object lands when [`System::land`] says so. Updates only.
    LandsLate,
}

#[derive(Debug, Default)]
struct Records {
    rows: BTreeMap<String, (Customer, DateTime<Utc>)>,
    next: u32,
    saves: u32,
    calls: u32,
    faults: Vec<Fault>,
    /// What the next reads by id come to.
    reads: Vec<Read>,
    /// How long the next search takes.
    slow: Duration,
    refuses: bool,
    /// A telephone number may be one record's only.
    single: bool,
    /// Whole objects that are still on their way.
    late: Vec<(String, Customer)>,
}

/// What a read by id comes to.
#[derive(Debug, Clone)]
pub enum Read {
    /// It fails.
    Fails(PortError),
    /// The record is not shown.
    Nothing,
    /// It takes so long.
    Slow(Duration),
}

/// One outside system. Finance cuts names to 20 characters, knows no `|`, and does not show `tmpid`.
#[derive(Debug, Clone)]
pub struct System {
    side: Side,
    clock: Arc<TestClock>,
    records: Arc<Mutex<Records>>,
    /// Its documents.
    pub desk: Desk,
}

impl System {
    pub fn new(side: Side, clock: Arc<TestClock>) -> Self {
        Self {
            side,
            clock,
            records: Arc::default(),
            desk: Desk::default(),
        }
    }

    pub fn add(&self, customer: Customer) -> String {
        let mut records = self.records.lock().unwrap();
        records.next += 1;
        let id = if self.side == Side::Crm {
            format!("crm-{}", records.next)
        } else {
            records.next.to_string()
        };
        records.rows.insert(id.clone(), (customer, self.clock.now()));
        id
    }

    pub fn edit(&self, id: &str, field: Field, value: &str) {
        let mut records = self.records.lock().unwrap();
        let row = records.rows.get_mut(id).unwrap();
        row.0.set(field, value);
        row.1 = self.clock.now();
    }

    pub fn delete(&self, id: &str) -> Customer {
        self.records.lock().unwrap().rows.remove(id).unwrap().0
    }

    /// What was deleted is there again.
    pub fn restore(&self, id: &str, customer: Customer) {
        let row = (customer, self.clock.now());
        self.records.lock().unwrap().rows.insert(id.to_owned(), row);
    }

    pub fn get(&self, id: &str, field: Field) -> String {
        self.records.lock().unwrap().rows[id].0.get(field).to_owned()
    }

    /// All that are there, as they are shown.
    pub fn all(&self) -> Vec<Snapshot> {
        let records = self.records.lock().unwrap();
        records.rows.iter().map(|(id, row)| self.show(id, row)).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        self.records.lock().unwrap().rows.keys().cloned().collect()
    }

    pub fn saves(&self) -> u32 {
        self.records.lock().unwrap().saves
    }

    pub fn calls(&self) -> u32 {
        self.records.lock().unwrap().calls
    }

    pub fn fail(&self, fault: Fault) {
        self.records.lock().unwrap().faults.push(fault);
    }

    /// What the next read by id comes to.
    pub fn next_read(&self, read: Read) {
        self.records.lock().unwrap().reads.push(read);
    }

    /// How long the next search takes.
    pub fn next_find(&self, slow: Duration) {
        self.records.lock().unwrap().slow = slow;
    }

    async fn take(&self, time: Duration) {
        for _ in 0..20 {
            self.clock.turn(time / 20);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What was on its way arrives: each a whole object, as it was when it was sent.
    pub fn land(&self) {
        let mut records = self.records.lock().unwrap();
        let now = self.clock.now();
        for (id, whole) in std::mem::take(&mut records.late) {
            records.saves += 1;
            records.rows.insert(id, (whole, now));
        }
    }

    /// From now on a telephone number is one record's only.
    pub fn takes_no_number_twice(&self) {
        self.records.lock().unwrap().single = true;
    }

    /// Why `id` can't be given these values.
    fn taken(&self, id: &str, values: &Values) -> PortResult<()> {
        const PHONES: [Field; 2] = [Field::Mobile, Field::Phone];
        let records = self.records.lock().unwrap();
        let own = records.rows.get(id).map(|row| row.0.clone());
        let mut whole = own.unwrap_or(Customer::new(Kind::Person));
        for (field, value) in values {
            whole.set(*field, self.project(*field, value));
        }
        let mut others = records.rows.iter().filter(|(other, _)| *other != id);
        let held = others.any(|(_, row)| {
            PHONES
                .iter()
                .any(|field| !whole.get(*field).is_empty() && whole.get(*field) == row.0.get(*field))
        });
        match records.single && held {
            true => Err(PortError::Taken {
                fields: PHONES.to_vec(),
                words: "شماره تلفن نمی تواند تکراری باشد.".to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// Known to be down, or not.
    pub fn refuse(&self, refuse: bool) {
        self.records.lock().unwrap().refuses = refuse;
    }

    pub(super) fn fault(&self) -> Result<Option<Fault>, PortError> {
        let mut records = self.records.lock().unwrap();
        records.calls += 1;
        if records.faults.is_empty() {
            return Ok(None);
        }
        match records.faults.remove(0) {
            Fault::Before(error) => Err(error),
            other => Ok(Some(other)),
        }
    }

    fn show(&self, id: &str, row: &(Customer, DateTime<Utc>)) -> Snapshot {
        let mut customer = row.0.clone();
        if self.side == Side::Finance {
            customer.values.remove(&Field::CustomerNumber);
            customer.hidden.push(Field::CustomerNumber);
            customer.set(Field::FinanceCode, id);
        }
        let modified_at = (self.side == Side::Crm).then_some(row.1);
        Snapshot {
            id: id.to_owned(),
            customer,
            modified_at,
            whole: serde_json::Value::Null,
        }
    }

    fn save(&self, id: &str, kind: Option<Kind>, values: &Values, fault: Option<Fault>) -> PortResult<()> {
        let mut records = self.records.lock().unwrap();
        records.saves += 1;
        let now = self.clock.now();
        if let Some(kind) = kind {
            records.rows.insert(id.to_owned(), (Customer::new(kind), now));
        }
        let row = records.rows.get_mut(id).unwrap();
        for (field, value) in values {
            row.0.set(*field, self.project(*field, value));
        }
        row.1 = now;
        match fault {
            Some(Fault::LostAnswer) => Err(PortError::unknown("timed out")),
            Some(Fault::EditAfter(field, value)) => {
                row.0.set(field, value);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Customers for System {
    async fn read(&self, id: &str, _: Option<Kind>) -> PortResult<Option<Snapshot>> {
        let read = {
            let mut records = self.records.lock().unwrap();
            records.calls += 1;
            (!records.reads.is_empty()).then(|| records.reads.remove(0))
        };
        match read {
            Some(Read::Fails(error)) => return Err(error),
            Some(Read::Nothing) => return Ok(None),
            Some(Read::Slow(time)) => self.take(time).await,
            None => {}
        }
        let records = self.records.lock().unwrap();
        Ok(records.rows.get(id).map(|row| self.show(id, row)))
    }

    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed> {
        let slow = std::mem::take(&mut self.records.lock().unwrap().slow);
        if !slow.is_zero() {
            self.take(slow).await;
        }
        let mut records = self.records.lock().unwrap();
        records.calls += 1;
        let agrees = |field, key: &Option<String>, customer: &Customer| {
            key.as_deref()
                .is_some_and(|key| !customer.get(field).is_empty() && same(field, key, customer.get(field)))
        };
        let found = records
            .rows
            .iter()
            .map(|(id, row)| self.show(id, row))
            .filter(|snapshot| {
                let customer = &snapshot.customer;
                keys.id.as_deref() == Some(&snapshot.id)
                    || agrees(Field::FinanceCode, &keys.id, customer)
                    || agrees(Field::CustomerNumber, &keys.customer_number, customer)
                    || agrees(Field::NationalId, &keys.national_id, customer)
                    || agrees(Field::Mobile, &keys.mobile, customer)
                    || agrees(Field::Email, &keys.email, customer)
            });
        Ok(found.collect::<Vec<_>>().into())
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        let fault = self.fault()?;
        self.taken("", &customer.values)?;
        let id = {
            let mut records = self.records.lock().unwrap();
            records.next += 1;
            if self.side == Side::Crm {
                format!("crm-{}", records.next)
            } else {
                records.next.to_string()
            }
        };
        self.save(&id, Some(customer.kind), &customer.values, fault)?;
        Ok(id)
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        let fault = self.fault()?;
        self.taken(&current.id, changes)?;
        if let Some(Fault::LandsLate) = fault {
            let mut whole = current.customer.clone();
            whole.hidden.clear();
            for (field, value) in changes {
                whole.set(*field, self.project(*field, value));
            }
            self.records
                .lock()
                .unwrap()
                .late
                .push((current.id.clone(), whole));
            return Err(PortError::unknown("timed out"));
        }
        if self.side == Side::Finance && !changes.contains_key(&Field::CustomerNumber) {
            // A form save writes all of its controls: what is not sent is cleared.
            self.records
                .lock()
                .unwrap()
                .rows
                .get_mut(&current.id)
                .unwrap()
                .0
                .set(Field::CustomerNumber, "");
        }
        self.save(&current.id, None, changes, fault)
    }

    fn project(&self, field: Field, value: &str) -> String {
        match (self.side, field) {
            (Side::Finance, Field::Name) => value.replace(['|', '\n'], " ").chars().take(20).collect(),
            _ => value.to_owned(),
        }
    }

    fn refuses(&self) -> bool {
        self.records.lock().unwrap().refuses
    }

    async fn check(&self) -> PortResult<String> {
        Ok(String::new())
    }
}

pub(super) fn lost(fault: Option<Fault>) -> PortResult<()> {
    match fault {
        Some(Fault::LostAnswer) => Err(PortError::unknown("timed out")),
        _ => Ok(()),
    }
}
