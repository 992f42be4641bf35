//! Reading contacts where the server may ignore filters.
//!
//! As long as filters are honoured, a read asks with them. Once an answer has shown that one is not, reads that
//! come at the same time share one full read: each joins the next that has **not yet started**, never one under
//! way, since what it is told must be younger than its question. It never remembers a contact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::customer::Field;
use domain::ports::PortResult;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex as PollLease, oneshot};

use crate::client::Client;
use crate::columns;
use crate::keys::{Keys, Looked};
use crate::rows::Row;

/// What one caller waits for.
struct Want {
    keys: Keys,
    reply: oneshot::Sender<PortResult<Vec<Row>>>,
}

pub(crate) struct Reads {
    client: Arc<Client>,
    /// Columns whose filter has been seen to be ignored; for the life of the process.
    ignored: Mutex<BTreeSet<Field>>,
    /// Those who will share the next full read.
    waiting: Mutex<Vec<Want>>,
    turn: PollLease<()>,
}

impl Reads {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            ignored: Mutex::default(),
            waiting: Mutex::default(),
            turn: PollLease::default(),
        }
    }

    /// Whether a filter has been seen to be ignored.
    pub(crate) fn filters_ignored(&self) -> bool {
        !locked(&self.ignored).is_empty()
    }

    /// The contacts that have at least one of the keys, each once, by code; read after this was called.
    pub(crate) async fn having(&self, keys: &Keys) -> PortResult<Vec<Row>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let filters = keys.filters();
        if filters
            .iter()
            .any(|filter| locked(&self.ignored).contains(&filter.field))
        {
            return self.shared(keys).await;
        }
        let mut found = BTreeMap::new();
        for filter in &filters {
            let keep = |row: Row| {
                if Looked::new(&row).has_one_of(keys)
                    && let Some(code) = row.code()
                {
                    found.insert(code, row);
                }
            };
            let strangers = self.client.contacts(Some(filter), keep).await?;
            if strangers > 0 {
                let column = columns::read(filter.field);
                tracing::warn!(
                    column,
                    strangers,
                    "finance ignores the filter on {column}: reads of contacts are full reads from now on"
                );
                locked(&self.ignored).insert(filter.field);
                if filters.len() > 1 {
                    // What came may be less than everything (a filter read in another way).
                    return self.shared(keys).await;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Joins the next full read, and carries it out when no one else does.
    async fn shared(&self, keys: &Keys) -> PortResult<Vec<Row>> {
        loop {
            let (reply, mut answer) = oneshot::channel();
            locked(&self.waiting).push(Want {
                keys: keys.clone(),
                reply,
            });
            let turn = tokio::select! {
                biased;
                // An error: whoever read for us was dropped. Ask again.
                answered = &mut answer => match answered {
                    Ok(rows) => return rows,
                    Err(_) => continue,
                },
                turn = self.turn.lock() => turn,
            };
            match answer.try_recv() {
                Ok(rows) => return rows,
                Err(TryRecvError::Closed) => continue,
                Err(TryRecvError::Empty) => {}
            }
            let wants = std::mem::take(&mut *locked(&self.waiting));
            self.read_for(wants).await;
            drop(turn);
            // Ours was among them.
            if let Ok(rows) = answer.try_recv() {
                return rows;
            }
        }
    }

    /// One full read for all of them.
    async fn read_for(&self, mut wants: Vec<Want>) {
        wants.retain(|want| !want.reply.is_closed());
        let mut found: Vec<Vec<Row>> = vec![Vec::new(); wants.len()];
        let keep = |row: Row| {
            let looked = Looked::new(&row);
            for (want, found) in wants.iter().zip(&mut found) {
                if looked.has_one_of(&want.keys) {
                    found.push(row.clone());
                }
            }
        };
        let outcome = self.client.contacts(None, keep).await;
        for (want, rows) in wants.into_iter().zip(found) {
            // Whoever no longer waits needs no answer.
            let _ = want.reply.send(outcome.clone().map(|_| rows));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
