//! A worker's connections to both systems, with everything that may go wrong on the way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Clock;
use domain::company::Company;
use domain::customer::{Customer, Field, Kind, Values};
use domain::document::{Document, DocumentKind, DocumentSnapshot, Issued};
use domain::ports::{Crm, Customers, Finance, Listed, MatchKeys, PortError, PortResult, Side, Snapshot};

use crate::bugs::Bug;
use crate::client::Client;
use crate::companies::{code_of, key_on, owner_of};
use crate::landing::{Request, Sender, land};
use crate::manner::project;
use crate::sched::{MS, SECOND, Time};
use crate::sent::Sent;

/// One system as one worker reaches it.
pub struct Port {
    pub side: Side,
    /// Of which company's engine; finance is that one's.
    pub company: Company,
    pub client: Arc<Client>,
    /// Only for a deliberate bug: what an update sent is shown instead of a read-back.
    pub pretended: Mutex<Option<Snapshot>>,
}

impl Port {
    /// A call that may fail before it has any effect.
    pub async fn call(&self, what: &str) -> PortResult<()> {
        let client = &self.client;
        client.calls.fetch_add(1, Ordering::Relaxed);
        client.step().await;
        if !client.world.breaks(|rates| rates.call) {
            return Ok(());
        }
        let error = match client.world.sim.below(3) {
            0 => PortError::Session("the session has expired, and the login was refused".into()),
            1 => PortError::Transient {
                message: "429".into(),
                retry_after: Some(Duration::from_secs(5)),
            },
            _ => PortError::Transient {
                message: "503".into(),
                retry_after: None,
            },
        };
        client.tell(|| format!("{what}: {error}"));
        Err(error)
    }

    /// Sends a write. It lands by itself, whatever becomes of the sender meanwhile.
    async fn send(&self, request: Request) -> PortResult<String> {
        let (client, sim) = (&self.client, &self.client.world.sim);
        let sender = self.sender();
        self.call("write").await?;
        let timeout = self.client.world.config.http_timeout.as_micros() as Time;
        // No request outlives this: the assumption that CREATE_SETTLE_SECONDS stands for.
        let settle = self.client.world.config.create_settle.as_micros() as Time;
        let latest = client.intended_at.load(Ordering::Relaxed) + settle - SECOND;
        let now = sim.time();
        let quick = sim.between(MS, 40 * MS);
        let unknown = |why: &str| Err(PortError::unknown(why));
        let trouble = client.world.breaks(|rates| rates.call);
        let (lands, answer) = match sim.below(4) {
            _ if now + quick >= latest => (None, Some("sent too late to arrive")),
            _ if !trouble => (Some(quick), None),
            0 => (None, Some("never arrived")),
            1 => (Some(quick), Some("the answer was lost")),
            _ => (
                Some(
                    sim.between(timeout, latest.saturating_sub(now).max(timeout))
                        .min(latest - now),
                ),
                Some("timed out"),
            ),
        };
        let answered = Arc::new(Mutex::new(None));
        if let Some(span) = lands {
            let (client, slot, busy) = (client.clone(), answered.clone(), client.world.busy());
            sim.spawn(async move {
                client.world.sim.sleep(span).await;
                let result = land(&client, sender, request);
                *slot.lock().unwrap() = Some(result);
                drop(busy);
            });
        }
        client.may_be_killed(" with a write on its way").await;
        match answer {
            None => {
                sim.sleep(quick + sim.between(MS, 40 * MS)).await;
                client.step().await;
                answered
                    .lock()
                    .unwrap()
                    .take()
                    .unwrap_or_else(|| unknown("no answer"))
            }
            Some(why) => {
                let wait = if sim.odds(500) && why != "timed out" {
                    quick
                } else {
                    timeout
                };
                sim.sleep(wait).await;
                client.tell(|| format!("write to {}: {why}", self.side));
                unknown(why)
            }
        }
    }
}

impl Port {
    fn sender(&self) -> Sender {
        Sender {
            company: self.company,
            crm_at: self.client.crm_at.lock().unwrap().clone(),
        }
    }

    /// Where the record of that id stands.
    fn key(&self, id: &str) -> String {
        key_on(self.side, self.company, id)
    }

    /// Whether what stands under that key can be reached here.
    pub fn reaches(&self, key: &str) -> bool {
        self.side == Side::Crm || owner_of(key) == self.company
    }

    /// What is shown of that record now; saves that it proves to be over are, and those that it shows are read back.
    fn shown(&self, id: &str) -> Option<Snapshot> {
        let world = &self.client.world;
        let mut guard = world.lock();
        let all = &mut *guard;
        let system = &all.systems[self.side as usize];
        let modified = system.records.get(id).map_or(0, |record| record.modified);
        let at =
            world.sim.now() - chrono::Duration::microseconds((world.sim.time() - modified).cast_signed());
        let now = (self.client.calls.load(Ordering::Relaxed), world.sim.time());
        let mut read = system.show(id, &mut all.reads, now, at);
        if world.bug == Some(Bug::FirstNumber)
            && let (Some(read), Some(record)) = (&mut read, system.records.get(id))
            && let Some((_, number)) = record.numbers.first()
        {
            read.customer.set(Field::CustomerNumber, number);
        }
        let of_it = |sent: &Sent| sent.side == self.side && sent.record == id;
        let over = (0..all.sent.len()).filter(|n| of_it(&all.sent[*n]) && all.sent[*n].until <= now.1);
        self.client.over.lock().unwrap().extend(over);
        let manner = system.manner;
        for sent in self.client.sent.lock().unwrap().iter() {
            let sent = &mut all.sent[*sent];
            if let Some(read) = read.as_ref().filter(|_| of_it(sent)) {
                sent.read_back(manner, &read.customer.values);
            }
        }
        read
    }
}

#[async_trait]
impl Customers for Port {
    async fn read(&self, id: &str, _: Option<Kind>) -> PortResult<Option<Snapshot>> {
        if let Some(pretended) = self.pretended.lock().unwrap().take() {
            return Ok(Some(pretended));
        }
        self.call("read").await?;
        let (world, key) = (&self.client.world, self.key(id));
        let id = key.as_str();
        // Finance's answer may be half of what it holds, also to a question for one.
        if self.side == Side::Finance && world.strikes(|rates| rates.half) {
            self.client
                .tell(|| format!("reads {} {id}: it is not shown", self.side));
            self.client.step().await;
            return Ok(None);
        }
        let aside = world.lock().systems[self.side as usize].aside(id);
        if let Some(aside) = aside {
            self.client.tell(|| format!("reads {} {aside}", self.side));
            self.client.step().await;
            return Err(PortError::SetAside(aside));
        }
        let read = self.shown(id);
        if let Some(read) = &read {
            self.client.looked.lock().unwrap()[self.side as usize] = true;
            if self.side == Side::Finance {
                self.client.contact_at.store(world.sim.time(), Ordering::Relaxed);
            } else {
                let mut read = self.client.crm_at.lock().unwrap();
                read.insert(id.to_owned(), world.sim.time());
            }
            id.clone_into(&mut self.client.read.lock().unwrap()[self.side as usize]);
            let mut first = self.client.first.lock().unwrap();
            first
                .entry((self.side, id.to_owned()))
                .or_insert_with(|| read.clone());
        }
        self.client.tell(|| {
            format!(
                "reads {} {id}: {:?}",
                self.side,
                read.as_ref().map(|r| &r.customer.values)
            )
        });
        self.client.step().await;
        Ok(read)
    }

    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed> {
        self.call("find").await?;
        let world = &self.client.world;
        if world.strikes(|rates| rates.half) {
            self.client
                .tell(|| format!("finds more on {} than it is shown", self.side));
            return Err(PortError::Incomplete("it goes on behind these".into()));
        }
        let now = world.sim.time();
        self.client.found_at[self.side as usize].store(now, Ordering::Relaxed);
        let (found, aside): (Vec<_>, Vec<_>) = {
            let mut guard = world.lock();
            let all = &mut *guard;
            let system = &all.systems[self.side as usize];
            let ids = system.matching(self.company, keys);
            let now = (self.client.calls.load(Ordering::Relaxed), now);
            let show = |id: &String| system.show(id, &mut all.reads, now, world.sim.now());
            // Whether it is one that is looked for, nobody can tell of what can't be read.
            let reached = system.records.keys().filter(|id| self.reaches(id));
            let aside: Vec<_> = reached.filter_map(|id| system.aside(id)).collect();
            let can_be_read = |id: &&String| aside.iter().all(|one| one.id != code_of(id));
            (ids.iter().filter(can_be_read).filter_map(show).collect(), aside)
        };
        self.client.tell(|| {
            let ids: Vec<_> = found.iter().map(|f| f.id.as_str()).collect();
            format!("finds on {} {ids:?} by {keys:?}", self.side)
        });
        self.client.step().await;
        Ok(Listed {
            records: found,
            aside,
        })
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        self.client
            .tell(|| format!("creates on {}: {:?}", self.side, customer.values));
        let found_at = self.client.found_at[self.side as usize].load(Ordering::Relaxed);
        let place = self.client.sends();
        let request = Request::Create(self.side, customer.clone(), found_at, place);
        let answer = self.send(request).await;
        self.client.was_answered(place, &answer);
        answer.map(|key| code_of(&key).to_owned())
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        self.client
            .tell(|| format!("updates {} {}: {changes:?}", self.side, self.key(&current.id)));
        self.client.looked.lock().unwrap()[self.side as usize] = false;
        let world = &self.client.world;
        let stale = (world.bug == Some(Bug::StaleSnapshot)).then(|| {
            let first = self.client.first.lock().unwrap();
            first.get(&(self.side, self.key(&current.id))).cloned()
        });
        let stale = stale.flatten();
        let current = stale.as_ref().unwrap_or(current);
        let read_by = world.lock().reads[current.whole.as_u64().unwrap() as usize].call;
        if read_by != self.client.calls.load(Ordering::Relaxed) {
            world.violation(format!(
                "{} {} is saved as it was some calls ago",
                self.side, current.id
            ));
        }
        let at_its_key = Snapshot {
            id: self.key(&current.id),
            ..current.clone()
        };
        let place = self.client.sends();
        let sent = self
            .send(Request::Update(self.side, at_its_key, changes.clone()))
            .await;
        self.client.was_answered(place, &sent);
        if self.client.world.bug == Some(Bug::NoReadBack) {
            let mut pretended = current.clone();
            pretended.customer.values.extend(changes.clone());
            *self.pretended.lock().unwrap() = Some(pretended);
        }
        sent.map(drop)
    }

    fn project(&self, field: Field, value: &str) -> String {
        project(self.side, field, value)
    }

    async fn check(&self) -> PortResult<String> {
        Ok(String::new())
    }
}

#[async_trait]
impl Crm for Port {
    async fn register_webhook(&self, _: &str, _: &[&str]) -> PortResult<bool> {
        Ok(false)
    }

    async fn webhooks(&self) -> PortResult<Option<Vec<String>>> {
        Ok(None)
    }

    async fn read_document(&self, kind: DocumentKind, id: &str) -> PortResult<Option<DocumentSnapshot>> {
        self.call("read").await?;
        let read = self.client.world.lock().documents.show(kind, id);
        self.client
            .tell(|| format!("reads {id}: {:?}", read.as_ref().map(|r| &r.ref_id)));
        self.client.step().await;
        Ok(read)
    }

    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()> {
        self.call("note").await?;
        let world = &self.client.world;
        if let Some(record) = world
            .lock()
            .documents
            .crm
            .get_mut(&current.id)
            .filter(|record| record.alive)
        {
            record.ref_id = number.to_owned();
            record.modified = world.sim.time();
        }
        self.client.tell(|| format!("notes {number} in {}", current.id));
        self.client.step().await;
        if world.breaks(|rates| rates.call) {
            return Err(PortError::unknown("the answer was lost"));
        }
        Ok(())
    }
}

#[async_trait]
impl Finance for Port {
    async fn fiscal_year(&self) -> PortResult<Option<i32>> {
        Ok(None)
    }

    async fn issue(&self, document: &Document, code: &str) -> PortResult<Issued> {
        let request = Request::Issue(document.clone(), self.key(code));
        let number = self.send(request).await?;
        Ok(Issued {
            id: format!("f{number}"),
            number,
            sent: serde_json::Value::Null,
        })
    }
}
