//! What many syncs ask of the database at once, in one go: at once when nobody else asks, together with whoever has waited
//! meanwhile when someone does.
//!
//! There is no task of its own for it: of those who wait, one carries out what all of them ask. A group that fails is
//! undone whole, and each of it is told to go alone; so is whoever waited for someone that was dropped.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, DbErr, RuntimeErr, TransactionTrait};
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use super::SqlStore;
use crate::company::Company;
use crate::index::Sighting;
use crate::store::words::{self, words};
use crate::store::{Claim, Commit, Committed, Lease, StoreError, StoreResult, Work};

/// So many are carried out together at most.
const LARGEST: usize = 64;
/// So many groups of one kind are on their way at the same time: while one is, the next one gathers.
const AT_A_TIME: usize = 2;

/// The operations that are carried out in groups.
#[derive(Default)]
pub(in crate::store) struct Groups {
    pub(in crate::store) claims: Group<Claiming, Claim>,
    pub(in crate::store) intents: Group<Intending, ()>,
    pub(in crate::store) commits: Group<(Work, Commit), Committed>,
    pub(in crate::store) notes: Group<Vec<Sighting>, ()>,
}

/// Who asks for the entity of a row, and until when.
#[derive(Debug, Clone)]
pub(in crate::store) struct Claiming {
    pub(in crate::store) row: Uuid,
    pub(in crate::store) owner: String,
    pub(in crate::store) until: DateTime<Utc>,
}

/// What is about to be sent, and known by then.
#[derive(Debug, Clone)]
pub(in crate::store) struct Intending {
    pub(in crate::store) lease: Lease,
    pub(in crate::store) in_flight: Option<Value>,
    pub(in crate::store) base: Option<Value>,
    pub(in crate::store) until: DateTime<Utc>,
    /// Where it is sent to, if it is finance: who is killed now must know.
    pub(in crate::store) company: Company,
}

struct Waiting<R, A> {
    request: R,
    answer: oneshot::Sender<StoreResult<A>>,
}

/// Requests of one kind.
pub(in crate::store) struct Group<R, A> {
    waiting: Mutex<VecDeque<Waiting<R, A>>>,
    places: Semaphore,
}

impl<R, A> Default for Group<R, A> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            places: Semaphore::new(AT_A_TIME),
        }
    }
}

impl<R, A> Group<R, A> {
    /// Has the request carried out by `together`, which answers each in the order in which it is given them. `None`: it is to
    /// be done alone.
    pub(in crate::store) async fn run<F>(
        &self,
        request: R,
        together: impl Fn(Vec<R>) -> F + Send,
    ) -> Option<StoreResult<A>>
    where
        F: Future<Output = StoreResult<Vec<StoreResult<A>>>> + Send,
    {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push_back(Waiting { request, answer });
        loop {
            let place = tokio::select! {
                biased;
                done = &mut answered => return done.ok(),
                place = self.places.acquire() => place.ok()?,
            };
            // Whoever is about to ask, since what they waited for has come at the same time, asks along.
            tokio::task::yield_now().await;
            let (requests, answers) = self.take();
            if requests.is_empty() {
                drop(place);
                // Someone is about it.
                return answered.await.ok();
            }
            tell(answers, together(requests).await);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting<R, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next ones, without those that nobody waits for any more.
    fn take(&self) -> (Vec<R>, Vec<oneshot::Sender<StoreResult<A>>>) {
        let mut waiting = self.waiting();
        let next = std::iter::from_fn(|| waiting.pop_front());
        next.filter(|one| !one.answer.is_closed())
            .take(LARGEST)
            .map(|one| (one.request, one.answer))
            .unzip()
    }
}

/// What the database itself has refused may be one's fault: each goes alone. One that can't be reached is so for all.
fn tell<A>(answers: Vec<oneshot::Sender<StoreResult<A>>>, done: StoreResult<Vec<StoreResult<A>>>) {
    match done {
        // Whoever was dropped meanwhile does not hear it.
        Ok(done) => answers.into_iter().zip(done).for_each(|(answer, done)| {
            let _ = answer.send(done);
        }),
        Err(StoreError::Database(error)) if words::is_away(&error) => {
            let why = words(&error);
            for answer in answers {
                let error = DbErr::Conn(RuntimeErr::Internal(why.clone()));
                let _ = answer.send(Err(StoreError::Database(error)));
            }
        }
        Err(error) => {
            tracing::debug!("a group of {} is done again one by one: {error}", answers.len());
        }
    }
}

/// SQLite's way: one transaction, so that the disk is waited for once, in which each is carried out or undone by itself.
pub(in crate::store) async fn one_by_one<R, A>(
    store: &SqlStore,
    requests: Vec<R>,
    one: for<'a> fn(&'a SqlStore, &'a DatabaseTransaction, &'a R) -> BoxFuture<'a, StoreResult<A>>,
) -> StoreResult<Vec<StoreResult<A>>>
where
    R: Send + Sync,
    A: Send,
{
    let all = store.begin_to_write().await?;
    let mut done = Vec::with_capacity(requests.len());
    for request in &requests {
        let by_itself = all.begin().await?;
        let answer = one(store, &by_itself, request).await;
        match &answer {
            Ok(_) => by_itself.commit().await?,
            Err(_) => by_itself.rollback().await?,
        }
        done.push(answer);
    }
    all.commit().await?;
    Ok(done)
}

/// How a statement names its rows, so that the planner knows how many they may be: it takes a text of JSON for a hundred
/// rows, and reads a whole table for those.
pub(in crate::store) fn limit(rows: usize) -> &'static str {
    match rows {
        1 => "LIMIT 1",
        2..=8 => "LIMIT 8",
        _ => "LIMIT 64",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    type Tens = Group<u32, u32>;

    async fn tens(asked: Vec<u32>) -> StoreResult<Vec<StoreResult<u32>>> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(asked.into_iter().map(|one| Ok(one * 10)).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_while_others_are_served_is_served_with_those_that_wait() {
        let (group, groups) = (Arc::new(Tens::default()), Arc::new(AtomicUsize::new(0)));
        let asking: Vec<_> = (0..200)
            .map(|one| {
                let (group, groups) = (group.clone(), groups.clone());
                tokio::spawn(async move {
                    let counted = |asked: Vec<u32>| {
                        groups.fetch_add(1, Ordering::Relaxed);
                        assert!(asked.len() <= LARGEST);
                        tens(asked)
                    };
                    group.run(one, counted).await
                })
            })
            .collect();
        for (one, asking) in (0..).zip(asking) {
            assert!(
                matches!(asking.await, Ok(Some(Ok(ten))) if ten == one * 10),
                "{one}"
            );
        }
        let groups = groups.load(Ordering::Relaxed);
        assert!((4..=6).contains(&groups), "{groups}");
    }

    #[tokio::test]
    async fn of_a_group_that_was_refused_each_goes_alone_and_of_one_that_found_nobody_none_does() {
        let refused = |_| async {
            let error = DbErr::Custom("a value".to_owned());
            Err(StoreError::Database(error))
        };
        assert!(Tens::default().run(1, refused).await.is_none());
        let away = |_| async {
            let error = DbErr::Conn(RuntimeErr::Internal("no answer".to_owned()));
            Err(StoreError::Database(error))
        };
        let told = Tens::default().run(1, away).await;
        assert!(
            matches!(told, Some(Err(StoreError::Database(DbErr::Conn(_))))),
            "{told:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_dropped_is_not_served_and_leaves_those_that_it_serves_to_themselves() {
        let group = Arc::new(Tens::default());
        let never = |_| std::future::pending();
        let leaders: Vec<_> = (0..AT_A_TIME)
            .map(|_| {
                let group = group.clone();
                tokio::spawn(async move { group.run(0, never).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let gives_up = tokio::time::timeout(Duration::from_millis(1), group.run(1, tens));
        assert!(gives_up.await.is_err());
        let stays = tokio::spawn({
            let group = group.clone();
            async move {
                group
                    .run(2, |asked| {
                        assert_eq!(asked, [2], "nobody waits for the other one any more");
                        tens(asked)
                    })
                    .await
            }
        });
        tokio::task::yield_now().await;
        leaders.iter().for_each(tokio::task::JoinHandle::abort);
        assert!(matches!(stays.await, Ok(Some(Ok(20)))));
    }
}
