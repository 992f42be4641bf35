//! The cursors that pollers store for us: of customers the newest `ModifyDate` that was seen, in the server's own text;
//! of documents the same for each type, and from which day on they were read, as JSON.
//!
//! Version 0.1 stored the same texts: they must always be understood.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The cursor of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Documents {
    /// Documents made before were not looked at.
    since: DateTime<Utc>,
    /// By the type's code: the newest `ModifyDate` that was seen.
    types: BTreeMap<String, String>,
}

impl Documents {
    /// What was stored, unless documents from before are wanted now.
    pub(crate) fn resumed(stored: Option<&str>, since: DateTime<Utc>) -> Self {
        let stored = stored.and_then(|text| serde_json::from_str::<Self>(text).ok());
        let types = stored
            .filter(|cursor| cursor.since <= since)
            .map_or_else(BTreeMap::new, |cursor| cursor.types);
        Self { since, types }
    }

    /// Documents made before are not looked at.
    pub(crate) fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// The newest value that was seen of that type; `None`: it was never read.
    pub(crate) fn seen(&self, type_key: &str) -> Option<&str> {
        self.types.get(type_key).map(String::as_str)
    }

    /// That type was read up to there.
    pub(crate) fn note(&mut self, type_key: &str, newest: String) {
        self.types.insert(type_key.to_owned(), newest);
    }

    /// As it is stored.
    pub(crate) fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// The newest `ModifyDate` of some records: by instant, since texts of different lengths don't sort by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Newest(Option<(DateTime<Utc>, String)>);

impl Newest {
    /// Takes one more into account.
    pub(crate) fn note(&mut self, at: DateTime<Utc>, text: &str) {
        if self.0.as_ref().is_none_or(|(newest, _)| at > *newest) {
            self.0 = Some((at, text.to_owned()));
        }
    }

    /// Its text; `None`: there was no record that bears a date.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_ref().map(|(_, text)| text.as_str())
    }

    /// When that was.
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        self.0.as_ref().map(|(at, _)| *at)
    }

    /// How far it lies ahead of our clock, if by more than a clock may be wrong.
    pub(crate) fn ahead(&self, now: DateTime<Utc>, tolerated: TimeDelta) -> Option<TimeDelta> {
        let (at, _) = self.0.as_ref()?;
        Some(*at - now).filter(|ahead| *ahead > tolerated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_cursor_goes_on_unless_more_of_the_past_is_wanted() {
        // As version 0.1 stored it.
        let stored = r#"{"since":"2025-03-21T00:00:00Z","types":{"PI_5":"2025-12-21T14:06:17.173"}}"#;
        let resumed = |since| Documents::resumed(Some(stored), at(since));
        let cursor = resumed("2025-03-21T00:00:00Z");
        assert_eq!(cursor.seen("PI_5"), Some("2025-12-21T14:06:17.173"));
        assert_eq!(cursor.seen("PI_6"), None);
        assert_eq!(cursor.text().as_deref(), Some(stored), "and stores the same text");
        assert_eq!(resumed("2025-04-01T00:00:00Z").types, cursor.types);
        assert!(resumed("2025-03-20T23:59:59Z").types.is_empty());
        for strange in [None, Some("2025-12-21T14:06:17"), Some("")] {
            let cursor = Documents::resumed(strange, at("2025-03-21T00:00:00Z"));
            assert!(cursor.types.is_empty(), "{strange:?}");
        }
    }

    #[test]
    fn the_newest_is_the_latest_instant_and_the_future_is_noticed() {
        let mut newest = Newest::default();
        assert_eq!(newest.text(), None);
        newest.note(at("2025-12-21T10:36:17.5Z"), "2025-12-21T14:06:17.5");
        newest.note(at("2025-12-21T10:36:17.45Z"), "2025-12-21T14:06:17.45");
        assert_eq!(newest.text(), Some("2025-12-21T14:06:17.5"));
        let tolerated = TimeDelta::minutes(2);
        assert_eq!(newest.ahead(at("2025-12-21T10:34:18Z"), tolerated), None);
        let ahead = newest.ahead(at("2025-12-21T09:36:17.5Z"), tolerated);
        assert_eq!(ahead, Some(TimeDelta::hours(1)));
        assert_eq!(
            Newest::default().ahead(at("2025-12-21T09:36:17Z"), tolerated),
            None
        );
    }
}
