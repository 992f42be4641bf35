//! Deliberate bugs, each a wrapper around the store or a port (never a switch in the engine): proof that the
//! invariants have teeth.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::customer::Field;
use domain::in_flight::Write;
use domain::polls::{Harvest, PollLease, PollStore};
use domain::ports::{Ring, Side};
use domain::store::{
    Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, LinkState,
    Outcome, Stats, Status, Store, StoreError, StoreResult, Work,
};
use testkit::memory::MemoryStore;
use uuid::Uuid;

use crate::client::Client;
use crate::companies::key_on;

mod index;

pub use index::index;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Every run is a first meeting: what each side held before is forgotten.
    NoBase,
    /// Leases end at once, and nobody asks for them.
    NoLease,
    /// A run that lost its lease writes on and commits over the newer run.
    NoFence,
    /// A create whose outcome is unknown is sent again, without a look whether it is there and without waiting.
    NoProbe,
    /// A document whose outcome is unknown is sent again by itself.
    SendsAgain,
    /// What was sent and never confirmed is forgotten: our own write looks like an edit.
    NoInFlight,
    /// What was sent is taken for what is there.
    NoReadBack,
    /// A save sends the object as the run saw it first.
    StaleSnapshot,
    /// A save sends the mapped half of the object only.
    PartialUpdate,
    /// A run closes rows that came in after its reads.
    CoversLateRows,
    /// A poll's cursor and snapshot are stored before its rows are.
    CursorBeforeDurable,
    /// The loser of a conflict is not written down.
    NoAudit,
    /// A closed link is forgotten: who survives is met as new.
    NoTombstone,
    /// Twins, and the two ends of a pair, are met at once.
    NoMatchLock,
    /// Who has a mobile in common with another is that one.
    SharedMobile,
    /// Whoever stands under a known id is the one who stood there.
    NoIdentity,
    /// Codes of finance are looked up without their company.
    NoCompany,
    /// Whose a customer is, is what its first number said, however it was corrected.
    FirstNumber,
}

/// Those that pour one person's data into another's record.
pub const POURING: [Bug; 2] = [Bug::SharedMobile, Bug::NoIdentity];

pub const ALL: [Bug; 18] = [
    Bug::NoBase,
    Bug::NoLease,
    Bug::NoFence,
    Bug::NoProbe,
    Bug::SendsAgain,
    Bug::NoInFlight,
    Bug::NoReadBack,
    Bug::StaleSnapshot,
    Bug::PartialUpdate,
    Bug::CoversLateRows,
    Bug::CursorBeforeDurable,
    Bug::NoAudit,
    Bug::NoTombstone,
    Bug::NoMatchLock,
    Bug::SharedMobile,
    Bug::NoIdentity,
    Bug::NoCompany,
    Bug::FirstNumber,
];

/// A worker's store, broken as asked for; it tells of each intent.
pub fn store(client: &Arc<Client>, good: MemoryStore) -> Arc<dyn Store> {
    let (client, bug) = (client.clone(), client.world.bug);
    Arc::new(Broken { client, good, bug })
}

/// The end of a look in the wrong order, and in two transactions.
pub async fn finish_cursor_first(
    store: &MemoryStore,
    turn: &PollLease,
    harvest: &Harvest,
    rows: &[Event],
) -> StoreResult<()> {
    let bare = Harvest {
        changes: Vec::new(),
        ..harvest.clone()
    };
    store.finish(turn, &bare).await?;
    store.enqueue(rows).await.map(drop)
}

struct Broken {
    client: Arc<Client>,
    good: MemoryStore,
    bug: Option<Bug>,
}

impl Broken {
    /// Whoever holds the entity now: what a store without fences would take a late run for.
    fn usurped(&self, lease: &Lease) -> Lease {
        if self.bug != Some(Bug::NoFence) {
            return lease.clone();
        }
        let mut links = self.good.links().into_iter();
        let now = links.find(|row| row.id == lease.link);
        Lease {
            link: lease.link,
            token: now.map_or(lease.token, |row| row.lease_token),
        }
    }
}

impl Broken {
    /// Its names, and marks, were always as they are now.
    fn is_as_ever(&self, link: &mut Link) {
        let all = self.client.world.lock();
        for side in Side::BOTH {
            let key = link.id_on(side).map(|id| key_on(side, link.company, id));
            let shown = key.and_then(|key| all.systems[side as usize].shown(&key));
            let (Some(shown), Some(base)) = (shown, &mut link.base) else {
                continue;
            };
            let known = match side {
                Side::Crm => &mut base.crm,
                Side::Finance => &mut base.finance,
            };
            known.insert(Field::Name, shown.get(Field::Name).to_owned());
            known.insert(Field::MARKS[0], shown.get(Field::MARKS[0]).to_owned());
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        self.good.enqueue(events).await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        let lease = if self.bug == Some(Bug::NoLease) {
            Duration::from_micros(1)
        } else {
            lease
        };
        let mut claim = self.good.claim(row, owner, lease).await?;
        if let Claim::Taken(work) = &mut claim {
            let link = &mut work.link;
            match self.bug {
                Some(Bug::NoBase) => {
                    if let Some(base) = &mut link.base {
                        base.crm.clear();
                        base.finance.clear();
                    }
                }
                Some(Bug::NoProbe) => link
                    .in_flight
                    .0
                    .retain(|write| !matches!(write, Write::Create(_))),
                Some(Bug::SendsAgain) => {
                    for write in &mut link.in_flight.0 {
                        if let Write::Issue(issue) = write {
                            issue.again = true;
                        }
                    }
                }
                Some(Bug::NoInFlight) => link
                    .in_flight
                    .0
                    .retain(|write| !matches!(write, Write::Update(_))),
                Some(Bug::NoIdentity) => self.is_as_ever(link),
                Some(Bug::NoTombstone) if link.state == LinkState::Closed => {
                    match work.lead.side {
                        Side::Crm => link.finance_id = None,
                        Side::Finance => link.crm_id = None,
                    }
                    link.state = LinkState::New;
                    link.base = None;
                }
                _ => {}
            }
        }
        Ok(claim)
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        self.client.intends(intended.in_flight);
        match self.good.intend(&self.usurped(lease), intended, duration).await {
            Err(StoreError::Fenced) if self.bug == Some(Bug::NoLease) => Ok(()),
            other => other,
        }
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        self.good.find_link(entity).await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        self.good.last_run(link).await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        if self.bug == Some(Bug::NoMatchLock) {
            return Ok(None);
        }
        self.good.lock(lease, keys).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        match self.good.link(&self.usurped(lease), entity).await {
            Err(StoreError::Fenced) if self.bug == Some(Bug::NoLease) => Ok(()),
            other => other,
        }
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.good.take_over(lease, entity).await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed> {
        let mut commit = commit.clone();
        if self.bug == Some(Bug::NoAudit) {
            commit.outcome.changes = None;
            commit.audits.clear();
        }
        let lease = self.usurped(&work.lease);
        let work = &Work {
            lease,
            ..work.clone()
        };
        let next = self.good.commit(work, &commit).await?;
        if let (Some(Bug::CoversLateRows), Some(late)) = (self.bug, &next.next)
            && let Claim::Taken(late) = self.good.claim(late.row, "bug", Duration::from_secs(60)).await?
        {
            let covered = Commit {
                link: Some(late.link.clone()),
                outcome: Outcome::new(Status::Skipped, None),
                retry: None,
                awaits: None,
                audits: Vec::new(),
                look_again: false,
                ..commit
            };
            return self.good.commit(&late, &covered).await;
        }
        Ok(next)
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        self.good.release(work).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        self.good.sweep(limit, quiet_for).await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        self.good.retry(row).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        self.good.prune(older_than, limit).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        self.good.stats().await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        self.good.backlog().await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.good.ping().await
    }
}
