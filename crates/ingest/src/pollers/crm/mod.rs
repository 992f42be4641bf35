//! One look at the CRM: everything of a kind that changed since the cursor.
//!
//! What was heard before makes no row, so that what is read twice costs reading, and nothing else. What a change is,
//! and what only the echo of our own write, each kind of record says for itself ([`Records`]). How the CRM is asked, and
//! what a cursor says, it never knows.

use std::collections::{HashMap, HashSet};

use domain::index::Sighting;
use domain::message::{Code, Message};
use domain::polls::{Found, Harvest, PollLease};
use domain::ports::Side;
use domain::ports::changes::{Changed, End, Part, Parts};
use metrics::counter;
use serde_json::json;
use tracing::warn;

use super::aside::noted;
use super::judge::Read;
use super::{Failure, Pollers};

mod customers;
mod documents;

pub(super) use customers::read as customers;
pub(super) use documents::{read as documents, setting};

/// An id that is longer is none.
const LONGEST_ID: usize = 64;

/// A kind of the CRM's records: what of it is a change.
trait Records {
    /// As a read of changes shows it.
    type Record;

    /// For each record the checksum of its state; `None`: it is no change.
    async fn changed(&self, records: &[Changed<Self::Record>]) -> Result<Vec<Option<String>>, Failure>;

    /// What of these records is kept in the index.
    fn seen(&self, _records: &[Changed<Self::Record>]) -> Vec<Sighting> {
        Vec::new()
    }
}

/// What was read to the end.
#[derive(Debug, Default)]
struct Gathered {
    /// One entry per record: a later state takes the place of an earlier one.
    changes: HashMap<String, Found>,
    /// For the index.
    seen: Vec<Sighting>,
    /// Of those that were set aside before, what was read now.
    well: HashSet<String>,
    end: End,
}

/// Reads to the end, a page at a time. `before`: the ids of what was set aside until now.
async fn gather<R: Records>(
    records: &R,
    before: &HashSet<String>,
    mut parts: Box<dyn Parts<R::Record> + '_>,
) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    loop {
        let page = match parts.next().await? {
            Part::Records(page) => page,
            Part::End(end) => {
                gathered.end = end;
                return Ok(gathered);
            }
        };
        gathered.seen.extend(records.seen(&page));
        let read = page.iter().map(|shown| &shown.id);
        gathered
            .well
            .extend(read.filter(|id| before.contains(*id)).cloned());
        let sums = records.changed(&page).await?;
        for (Changed { id, modified, .. }, changed) in page.into_iter().zip(sums) {
            match changed {
                Some(sum) => {
                    let found = found(&id, &modified, &sum);
                    gathered.changes.insert(id, found);
                }
                None => {
                    gathered.changes.remove(&id);
                }
            }
        }
    }
}

/// The end of a look: what was not heard before, and where the next one goes on.
async fn harvest(
    pollers: &Pollers,
    turn: &PollLease,
    before: HashSet<String>,
    gathered: Gathered,
) -> Result<Read, Failure> {
    let Gathered {
        changes,
        seen,
        well,
        end,
    } = gathered;
    if let Some(ahead) = end.ahead {
        let ahead = ahead.num_minutes();
        warn!(
            poll = turn.poll,
            ahead,
            "the CRM shows a change {ahead} minutes ahead of this clock: CRM_TIMEZONE or a clock is wrong"
        );
    }
    let mut changes: Vec<Found> = changes.into_values().collect();
    changes.sort_unstable_by(|a, b| a.event_id.cmp(&b.event_id));
    let events: Vec<&str> = changes.iter().map(|change| change.event_id.as_str()).collect();
    let heard = pollers.store.known_events(Side::Crm, &events).await?;
    changes.retain(|change| !heard.contains(&change.event_id));
    let fresh = end.aside.iter().any(|aside| !before.contains(&aside.id));
    // Without an id nobody knows which of them was meant; a read of everything shows that there is none.
    let all = turn.cursor.is_none();
    let noted = noted(before, end.aside, |id| {
        well.contains(id) || (all && id.is_empty())
    });
    Ok(Read {
        harvest: Harvest {
            changes,
            cursor: end.cursor,
            seen,
            aside: noted.aside,
            well: noted.well,
            payload: json!({ "poll": turn.poll }),
            ..Harvest::default()
        },
        set_back: 0,
        aside: (noted.left, fresh),
    })
}

/// Whether a text may stand in a query: databases refuse some characters, and the whole look with them.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST_ID && !text.chars().any(char::is_control)
}

/// The change, with a key that says which state was seen: the CRM's dates may be whole seconds, and two edits of one
/// second are two changes.
fn found(id: &str, modified: &str, sum: &str) -> Found {
    if is_plain(id) && is_plain(modified) {
        return Found {
            id: id.to_owned(),
            event_id: format!("poll:{id}:{modified}:{}", &sum[..16]),
            vanished: false,
            problem: None,
        };
    }
    counter!("poll_records_set_aside_total", "system" => "crm").increment(1);
    let plain = id.chars().filter(|c| !c.is_control()).take(LONGEST_ID);
    Found {
        id: plain.collect(),
        event_id: format!("poll:aside:{sum}"),
        vanished: false,
        problem: Some(Message::new(Code::SetAside)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use domain::ports::{PortError, PortResult};

    use super::*;

    const SUM: &str = "0123456789abcdef0123456789abcdef";

    /// A read that was written down before: of each record its id, its time and the sum that it comes to.
    struct Scripted(VecDeque<PortResult<Part<Option<String>>>>);

    #[async_trait]
    impl Parts<Option<String>> for Scripted {
        async fn next(&mut self) -> PortResult<Part<Option<String>>> {
            self.0.pop_front().unwrap()
        }
    }

    struct AsWritten;

    impl Records for AsWritten {
        type Record = Option<String>;

        async fn changed(&self, records: &[Changed<Self::Record>]) -> Result<Vec<Option<String>>, Failure> {
            Ok(records.iter().map(|shown| shown.record.clone()).collect())
        }
    }

    fn page(records: &[(&str, &str, Option<&str>)]) -> PortResult<Part<Option<String>>> {
        let records = records.iter().map(|(id, modified, sum)| Changed {
            id: (*id).to_owned(),
            modified: (*modified).to_owned(),
            record: sum.map(str::to_owned),
        });
        Ok(Part::Records(records.collect()))
    }

    async fn gathered(
        parts: impl IntoIterator<Item = PortResult<Part<Option<String>>>>,
    ) -> Result<(Vec<String>, End), Failure> {
        let parts = Scripted(parts.into_iter().collect());
        let read = gather(&AsWritten, &HashSet::new(), Box::new(parts)).await?;
        let mut events: Vec<String> = read.changes.into_values().map(|found| found.event_id).collect();
        events.sort_unstable();
        Ok((events, read.end))
    }

    #[tokio::test]
    async fn a_later_state_takes_the_place_of_an_earlier_one_also_when_it_is_an_echo() {
        let end = End {
            cursor: Some("5".to_owned()),
            ..End::default()
        };
        let read = [
            page(&[("a", "1", Some(SUM)), ("b", "2", Some(SUM)), ("c", "3", None)]),
            page(&[("a", "4", Some(SUM)), ("b", "5", None)]),
            Ok(Part::End(end.clone())),
        ];
        let (events, ended) = gathered(read).await.unwrap();
        assert_eq!(events, ["poll:a:4:0123456789abcdef"]);
        assert_eq!(ended, end);
    }

    #[tokio::test]
    async fn a_read_that_breaks_brings_nothing() {
        let broken = Err(PortError::Session("no licence".to_owned()));
        let read = gathered([page(&[("a", "1", Some(SUM))]), broken]).await;
        assert!(matches!(read, Err(Failure::Port(PortError::Session(_)))));
    }

    #[test]
    fn two_states_of_one_second_are_two_events_and_one_state_is_one() {
        let id = "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11";
        let event = |sum| found(id, "2025-12-21T14:06:17", sum).event_id;
        assert_eq!(
            event(SUM),
            format!("poll:{id}:2025-12-21T14:06:17:0123456789abcdef")
        );
        assert_ne!(event(SUM), event("1123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn what_no_database_takes_is_set_aside_and_stops_nobody() {
        for (id, date) in [
            ("a\0b", "2025-12-21T14:06:17"),
            ("a", "2025\0"),
            (&*"x".repeat(100), ""),
        ] {
            let aside = found(id, date, SUM);
            assert!(aside.problem.is_some() && is_plain(&aside.id) && is_plain(&aside.event_id[..20]));
            assert!(!aside.event_id.contains('\0'));
        }
    }
}
