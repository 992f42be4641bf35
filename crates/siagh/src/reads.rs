//! Reading contacts where the server may ignore filters.
//!
//! As long as filters are honoured, a read asks with them. Once an answer has shown that one is not, reads that
//! come at the same time share one full read: each joins the next that has **not yet started**, never one under
//! way, since what it is told must be younger than its question. It never remembers a contact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::customer::Field;
use domain::ports::{PortResult, SetAside};
use futures::stream::{self, StreamExt as _};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex as PollLease, oneshot};

use crate::client::Client;
use crate::columns;
use crate::keys::{Filter, Keys, Looked};
use crate::rows::{Odd, Row};

/// So many filters of one read are asked for at the same time.
const AT_ONCE: usize = 4;

/// The contacts that have one of the keys.
#[derive(Clone, Default)]
pub(crate) struct Having {
    /// Each once, by code.
    pub(crate) rows: Vec<Row>,
    /// Those that may have one, and can't be read.
    pub(crate) aside: Vec<SetAside>,
}

/// What one caller waits for.
struct Want {
    keys: Keys,
    reply: oneshot::Sender<PortResult<Having>>,
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
    pub(crate) async fn having(&self, keys: &Keys) -> PortResult<Having> {
        if keys.is_empty() {
            return Ok(Having::default());
        }
        let filters = keys.filters();
        if filters
            .iter()
            .any(|filter| locked(&self.ignored).contains(&filter.field))
        {
            return self.shared(keys).await;
        }
        // Once the first has been honoured, so that one that is not is found out by one full answer.
        let all = filters.len();
        let mut rest = filters.into_iter();
        let first: Vec<_> = rest.by_ref().take(1).collect();
        let mut answers = Vec::with_capacity(all);
        for some in [first, rest.collect()] {
            let asked = some.into_iter().map(|filter| self.filtered(filter, keys));
            let mut asked = stream::iter(asked).buffered(AT_ONCE);
            while let Some(answer) = asked.next().await {
                let (having, honoured) = answer?;
                if !honoured && all > 1 {
                    // What came may be less than everything (a filter read in another way).
                    return self.shared(keys).await;
                }
                answers.push(having);
            }
        }
        let (mut found, mut aside) = (BTreeMap::new(), Vec::new());
        for having in answers {
            found.extend(having.rows.into_iter().filter_map(|row| Some((row.code()?, row))));
            for one in having.aside {
                once(&mut aside, one);
            }
        }
        Ok(Having {
            rows: found.into_values().collect(),
            aside,
        })
    }

    /// What one filter finds, and whether it was honoured.
    async fn filtered(&self, filter: Filter, keys: &Keys) -> PortResult<(Having, bool)> {
        let mut having = Having::default();
        let mut keep = |row: Result<Row, Odd>| match row {
            Ok(row) => {
                if Looked::new(&row).has_one_of(keys) {
                    having.rows.push(row);
                }
            }
            Err(odd) => once(&mut having.aside, SetAside::from(odd)),
        };
        let strangers = self.client.contacts(Some(&filter), &mut keep).await?;
        if strangers > 0 {
            let column = columns::read(filter.field);
            tracing::warn!(
                column,
                strangers,
                "finance ignores the filter on {column}: reads of contacts are full reads from now on"
            );
            locked(&self.ignored).insert(filter.field);
        }
        Ok((having, strangers == 0))
    }

    /// Joins the next full read, and carries it out when no one else does.
    async fn shared(&self, keys: &Keys) -> PortResult<Having> {
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
        let mut found = vec![Having::default(); wants.len()];
        let mut keep = |row: Result<Row, Odd>| {
            let shown = row.as_ref().unwrap_or_else(|odd| &odd.shown);
            let looked = Looked::new(shown);
            for (want, found) in wants.iter().zip(&mut found) {
                match &row {
                    Ok(row) if looked.has_one_of(&want.keys) => found.rows.push(row.clone()),
                    Err(odd) if may_have(&looked, odd, &want.keys) => {
                        once(&mut found.aside, SetAside::from(odd.clone()));
                    }
                    _ => {}
                }
            }
        };
        let outcome = self.client.contacts(None, &mut keep).await;
        for (want, having) in wants.into_iter().zip(found) {
            // Whoever no longer waits needs no answer.
            let _ = want.reply.send(outcome.clone().map(|_| having));
        }
    }
}

/// Whether a row of all may be one that was asked for. One that does not tell its code may be any; one that shows nothing
/// at all is no contact.
fn may_have(looked: &Looked<'_>, odd: &Odd, keys: &Keys) -> bool {
    let nameless = keys.are_of_codes() && odd.shown.code().is_none() && !odd.shown.0.is_empty();
    nameless || looked.has_one_of(keys)
}

fn once(all: &mut Vec<SetAside>, one: SetAside) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
