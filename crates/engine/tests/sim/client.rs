//! A process's connections to the database, what it has sent, and what may happen to it on the way.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::customer::Values;
use domain::in_flight::{InFlight, Write};
use domain::ports::{PortError, PortResult, Side, Snapshot};
use domain::store::{StoreError, StoreResult};
use sea_orm::DbErr;
use testkit::memory::Wire;

use crate::sched::{MS, SECOND, Time};
use crate::sent::Sent;
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
    /// When it last read a contact, and each record of the CRM.
    pub contact_at: AtomicU64,
    pub crm_at: Mutex<BTreeMap<String, Time>>,
    /// Its outside calls so far.
    pub calls: AtomicU64,
    /// What it read last of each side.
    pub read: Mutex<[String; 2]>,
    /// What it has sent since its last commit: places in `All::sent`.
    pub sent: Mutex<Vec<usize>>,
    /// What had no time left when it looked, and which sides its run has seen since it wrote there: what one alone shows is
    /// not judged.
    pub over: Mutex<Vec<usize>>,
    pub looked: Mutex<[bool; 2]>,
    /// Only for a deliberate bug: what its run saw first of each record.
    pub first: Mutex<BTreeMap<(Side, String), Snapshot>>,
}

impl Client {
    pub fn new(world: &Shared, name: &str, mortal: bool) -> Self {
        Self {
            world: world.clone(),
            name: name.to_owned(),
            mortal,
            found_at: Default::default(),
            intended_at: AtomicU64::new(0),
            contact_at: AtomicU64::new(0),
            crm_at: Mutex::default(),
            calls: AtomicU64::new(0),
            read: Mutex::default(),
            sent: Mutex::default(),
            over: Mutex::default(),
            looked: Mutex::default(),
            first: Mutex::default(),
        }
    }

    pub fn tell(&self, line: impl FnOnce() -> String) {
        self.world.sim.tell(|| format!("{:<6} {}", self.name, line()));
    }

    /// `kill -9`, here and now.
    pub async fn may_be_killed(&self, doing: &str) {
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
                *self.looked.lock().unwrap() = [false; 2];
            }
            "link" => {
                let links = self.world.links();
                let now = self.world.sim.time();
                let mut all = self.world.lock();
                for link in links {
                    let (Some(crm), Some(finance)) = (&link.crm_id, &link.finance_id) else {
                        continue;
                    };
                    let both = [(Side::Crm, crm), (Side::Finance, finance)];
                    let who =
                        both.map(|(side, id)| all.systems[side as usize].records.get(id).map(|r| r.person));
                    // Under the code of another stands nobody who was linked.
                    for (side, id) in both.into_iter().filter(|_| who[0] == who[1]) {
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
                let judged = *self.looked.lock().unwrap() == [true; 2];
                for sent in self.over.lock().unwrap().drain(..).filter(|_| judged) {
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
    pub fn sends(&self) -> usize {
        let place = *self.sent.lock().unwrap().last().unwrap();
        self.world.lock().sent[place].left = true;
        place
    }

    pub fn was_answered(&self, place: usize, answer: &PortResult<String>) {
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
