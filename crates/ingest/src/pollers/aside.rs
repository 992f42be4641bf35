//! What a look could not read as a record, and what reads well again. Pure, but for the figures.

use std::collections::HashSet;

use domain::ports::SetAside;
use metrics::{counter, gauge};
use tracing::{debug, warn};

use super::Source;

/// So many are named in the log.
const NAMED: usize = 5;

/// What a look makes of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// What can't be read now, each once.
    pub(super) aside: Vec<SetAside>,
    /// What could not be read before, and can be now.
    pub(super) well: Vec<String>,
    /// How many stay set aside.
    pub(super) left: usize,
}

/// `before`: the ids that were set aside until now; `well`: whether this look has read that one.
pub(super) fn noted(before: HashSet<String>, aside: Vec<SetAside>, well: impl Fn(&str) -> bool) -> Noted {
    let mut now = HashSet::new();
    let aside: Vec<SetAside> = aside
        .into_iter()
        .filter(|aside| now.insert(aside.id.clone()))
        .collect();
    let is_well = |id: &String| !now.contains(id) && well(id);
    let (mut well, left): (Vec<String>, Vec<String>) = before.into_iter().partition(is_well);
    well.sort_unstable();
    let others = left.iter().filter(|id| !now.contains(*id)).count();
    Noted {
        left: now.len() + others,
        aside,
        well,
    }
}

/// The figures; and a line, when there is something new to tell.
pub(super) fn tell(source: Source, aside: &[SetAside], left: usize, fresh: bool) {
    let system = source.system().to_ascii_lowercase();
    counter!("poll_records_set_aside_total", "system" => system.clone()).increment(aside.len() as u64);
    let record = source.record();
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    gauge!("poll_records_set_aside", "system" => system, "record" => record).set(left as f64);
    let Some(first) = aside.first() else { return };
    let (poll, count) = (source.poll(), aside.len());
    if fresh {
        let ids: Vec<&str> = aside.iter().take(NAMED).map(|aside| aside.id.as_str()).collect();
        warn!(
            poll,
            count,
            ?ids,
            "{} shows {count} {record}s that can't be read: they are set aside, the others go on (`siaghsync check` \
             lists them); the first: {}",
            source.system(),
            first.why
        );
    } else {
        debug!(poll, count, "{count} {record}s can't be read, as before");
    }
}

#[cfg(test)]
mod tests {
    use domain::message::{Code, Message};

    use super::*;

    fn bad(id: &str) -> SetAside {
        SetAside {
            id: id.to_owned(),
            why: Message::new(Code::AsideNoId),
        }
    }

    fn ids(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn case_10_what_reads_well_again_is_no_longer_set_aside() {
        let before = ids(&["a", "b", "c"]);
        let noted = noted(before, vec![bad("b"), bad("d"), bad("d")], |id| id != "c");
        assert_eq!(noted.aside, [bad("b"), bad("d")]);
        assert_eq!(noted.well, ["a"]);
        assert_eq!(noted.left, 3, "c was not looked at");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(noted(HashSet::new(), Vec::new(), |_| true), Noted::default());
    }
}
