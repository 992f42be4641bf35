//! A worker's connections to the world: both systems and the database, with everything that may go wrong on the way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Clock;
use domain::customer::{Customer, Field, Kind, Values};
use domain::document::{Document, DocumentKind, DocumentSnapshot, Issued};
use domain::in_flight::{InFlight, Write};
use domain::ports::{Crm, Customers, Finance, MatchKeys, PortError, PortResult, Side, Snapshot};
use domain::store::{StoreError, StoreResult};
use sea_orm::DbErr;
use testkit::memory::Wire;

use crate::bugs::Bug;
use crate::landing::{Request, land};
use crate::sched::{MS, SECOND, Time};
use crate::systems::{Sent, project};
use crate::world::Shared;

/// One process's end of its connections.
pub struct Client {
    pub world: Shared,
    pub name: String,
    /// Whether faults may kill or stop it.
    mortal: bool,
    /// When it last looked for candidates on each side, and committed an intent.
    pub found_at: [AtomicU64; 2],
    pub intended_at: AtomicU64,
    /// Its outside calls so far.
    pub calls: AtomicU64,
    /// What it read last of each side.
    read: Mutex<[String; 2]>,
    /// What it has sent since its last commit: places in `All::sent`.
    sent: Mutex<Vec<usize>>,
    /// What had no time left when it looked.
    over: Mutex<Vec<usize>>,
    /// Only for a deliberate bug: what its run saw first of each record.
    first: Mutex<BTreeMap<(Side, String), Snapshot>>,
}

impl Client {
    pub fn new(world: &Shared, name: &str, mortal: bool) -> Self {
        Self {
            world: world.clone(),
            name: name.to_owned(),
            mortal,
            found_at: Default::default(),
            intended_at: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            read: Mutex::default(),
            sent: Mutex::default(),
            over: Mutex::default(),
            first: Mutex::default(),
        }
    }

    pub fn tell(&self, line: impl FnOnce() -> String) {
        self.world.sim.tell(|| format!("{:<6} {}", self.name, line()));
    }

    /// `kill -9`, here and now.
    async fn may_be_killed(&self, doing: &str) {
        if self.mortal && self.world.breaks(|rates| rates.crash) {
            self.tell(|| format!("is killed{doing}"));
            self.world.sim.die().await;
        }
    }

    /// Which writes are over, and which records are linked, once a statement is done.
    fn has_done(&self, statement: &str) {
        match statement {
            "claim: take" => {
                self.first.lock().unwrap().clear();
                self.over.lock().unwrap().clear();
            }
            "link" => {
                let links = self.world.store.links();
                let now = self.world.sim.time();
                let mut all = self.world.lock();
                for link in links {
                    let (Some(crm), Some(finance)) = (&link.crm_id, &link.finance_id) else {
                        continue;
                    };
                    for (side, id) in [(Side::Crm, crm), (Side::Finance, finance)] {
                        if let Some(record) = all.systems[side as usize].records.get_mut(id) {
                            record.linked.get_or_insert(now);
                        }
                    }
                }
            }
            "commit" => {
                let mut all = self.world.lock();
                for sent in self.sent.lock().unwrap().drain(..) {
                    let sent = &mut all.sent[sent];
                    sent.over = sent.seen;
                }
                for sent in self.over.lock().unwrap().drain(..) {
                    all.sent[sent].over = true;
                }
            }
            _ => {}
        }
    }

    /// From its intent on, nobody but the sender knows whether a write was sent.
    pub fn intends(&self, in_flight: &InFlight) {
        let Some(write) = in_flight.iter().max_by_key(|write| write.at()) else {
            return;
        };
        let (side, intended) = (write.side(), write.at());
        let (values, whole) = asked_and_along(write);
        // An update follows its read immediately.
        let id = self.read.lock().unwrap()[side as usize].clone();
        let now = self.world.sim.time();
        let mut all = self.world.lock();
        // The lease may be renewed with what is out already.
        if all
            .sent
            .iter()
            .any(|sent| sent.side == side && sent.intended == intended && sent.values == values)
        {
            return;
        }
        all.sent.push(Sent {
            at: now,
            intended,
            until: now + self.world.config.create_settle.as_micros() as Time,
            side,
            record: if matches!(write, Write::Update(_)) {
                id
            } else {
                String::new()
            },
            values,
            whole,
            left: false,
            seen: false,
            answered: false,
            over: false,
            landed: None,
            masked: false,
        });
        self.sent.lock().unwrap().push(all.sent.len() - 1);
    }

    /// Its newest intent is sent.
    fn sends(&self) -> usize {
        let place = *self.sent.lock().unwrap().last().unwrap();
        self.world.lock().sent[place].left = true;
        place
    }

    fn was_answered(&self, place: usize, answer: &PortResult<String>) {
        let sent = &mut self.world.lock().sent[place];
        sent.answered = answer.is_ok();
        sent.seen = answer
            .as_ref()
            .is_err_and(|error| !matches!(error, PortError::UnknownOutcome { .. }));
    }

    /// An await point: time goes by, others come in between; the process may be stopped or killed here.
    pub async fn step(&self) {
        let sim = &self.world.sim;
        self.may_be_killed("").await;
        let mut span = sim.between(MS / 10, 20 * MS);
        if self.world.strikes(|rates| rates.slow) {
            span += sim.between(0, 4 * SECOND);
        }
        if self.mortal && self.world.breaks(|rates| rates.pause) {
            let pause = sim.between(50, 90) * SECOND;
            self.tell(|| format!("stands still for {} s", pause / SECOND));
            span += pause;
        }
        sim.sleep(span).await;
    }
}

#[async_trait]
impl Wire for Client {
    async fn before(&self, statement: &'static str) -> StoreResult<()> {
        if statement == "intend" {
            self.intended_at.store(self.world.sim.time(), Ordering::Relaxed);
        }
        self.step().await;
        if self.world.breaks(|rates| rates.database) {
            self.tell(|| format!("{statement}: the database is down"));
            return Err(StoreError::Database(DbErr::Custom("down".into())));
        }
        Ok(())
    }

    async fn after(&self, statement: &'static str) -> StoreResult<()> {
        self.tell(|| format!("{statement}: done"));
        self.has_done(statement);
        self.step().await;
        if self.world.breaks(|rates| rates.database) {
            self.tell(|| format!("{statement}: the answer is lost"));
            return Err(StoreError::Database(DbErr::Custom("the answer is lost".into())));
        }
        Ok(())
    }
}

/// What a write asks for, and the object that it replaces, as it was read.
fn asked_and_along(write: &Write) -> (Values, Values) {
    let (fields, decided) = match write {
        Write::Create(create) => (&create.fields, &[][..]),
        Write::Update(update) => (&update.fields, update.decided.as_slice()),
        Write::Issue(_) => return (Values::new(), Values::new()),
    };
    let of = |written: bool| -> Values {
        let fields = fields.iter().filter(|(_, sent)| sent.written == written);
        fields
            .map(|(field, sent)| (*field, sent.leaves.clone()))
            .collect()
    };
    let mut whole = match write {
        Write::Update(_) => of(false),
        _ => Values::new(),
    };
    whole.extend(decided.iter().map(|change| match write.side() {
        Side::Crm => (change.field, change.crm.clone()),
        Side::Finance => (change.field, change.finance.clone()),
    }));
    (of(true), whole)
}

/// One system as one worker reaches it.
pub struct Port {
    pub side: Side,
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
                let result = land(&client, request);
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

#[async_trait]
impl Customers for Port {
    async fn read(&self, id: &str, _: Option<Kind>) -> PortResult<Option<Snapshot>> {
        if let Some(pretended) = self.pretended.lock().unwrap().take() {
            return Ok(Some(pretended));
        }
        self.call("read").await?;
        let world = &self.client.world;
        let read = {
            let mut guard = world.lock();
            let all = &mut *guard;
            let system = &all.systems[self.side as usize];
            let modified = system.records.get(id).map_or(0, |record| record.modified);
            let at =
                world.sim.now() - chrono::Duration::microseconds((world.sim.time() - modified).cast_signed());
            let now = (self.client.calls.load(Ordering::Relaxed), world.sim.time());
            let read = system.show(id, &mut all.reads, now, at);
            let is_over = |sent: &Sent| sent.side == self.side && sent.record == id && sent.until <= now.1;
            let over = (0..all.sent.len()).filter(|n| is_over(&all.sent[*n]));
            self.client.over.lock().unwrap().extend(over);
            for sent in self.client.sent.lock().unwrap().iter() {
                let sent = &mut all.sent[*sent];
                if let Some(read) = read
                    .as_ref()
                    .filter(|_| sent.side == self.side && sent.record == id)
                {
                    sent.read_back(&read.customer.values);
                }
            }
            read
        };
        if let Some(read) = &read {
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

    async fn find(&self, keys: &MatchKeys) -> PortResult<Vec<Snapshot>> {
        self.call("find").await?;
        let world = &self.client.world;
        let now = world.sim.time();
        self.client.found_at[self.side as usize].store(now, Ordering::Relaxed);
        let found: Vec<_> = {
            let mut guard = world.lock();
            let all = &mut *guard;
            let system = &all.systems[self.side as usize];
            let ids = system.matching(keys);
            let now = (self.client.calls.load(Ordering::Relaxed), now);
            let show = |id: &String| system.show(id, &mut all.reads, now, world.sim.now());
            ids.iter().filter_map(show).collect()
        };
        self.client.tell(|| {
            let ids: Vec<_> = found.iter().map(|f| f.id.as_str()).collect();
            format!("finds on {} {ids:?} by {keys:?}", self.side)
        });
        self.client.step().await;
        Ok(found)
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        self.client
            .tell(|| format!("creates on {}: {:?}", self.side, customer.values));
        let found_at = self.client.found_at[self.side as usize].load(Ordering::Relaxed);
        let place = self.client.sends();
        let request = Request::Create(self.side, customer.clone(), found_at, place);
        let answer = self.send(request).await;
        self.client.was_answered(place, &answer);
        answer
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        self.client
            .tell(|| format!("updates {} {}: {changes:?}", self.side, current.id));
        let world = &self.client.world;
        let stale = (world.bug == Some(Bug::StaleSnapshot)).then(|| {
            let first = self.client.first.lock().unwrap();
            first.get(&(self.side, current.id.clone())).cloned()
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
        let place = self.client.sends();
        let sent = self
            .send(Request::Update(self.side, current.clone(), changes.clone()))
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
        let read = self.client.world.lock().papers.show(kind, id);
        self.client
            .tell(|| format!("reads {id}: {:?}", read.as_ref().map(|r| &r.ref_id)));
        self.client.step().await;
        Ok(read)
    }

    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()> {
        self.call("note").await?;
        let world = &self.client.world;
        if let Some(paper) = world
            .lock()
            .papers
            .crm
            .get_mut(&current.id)
            .filter(|paper| paper.alive)
        {
            paper.ref_id = number.to_owned();
            paper.modified = world.sim.time();
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
        let request = Request::Issue(document.clone(), code.to_owned());
        let number = self.send(request).await?;
        Ok(Issued {
            id: format!("f{number}"),
            number,
            sent: serde_json::Value::Null,
        })
    }
}
