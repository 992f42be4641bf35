//! Sales quotes and invoices: those made since `DOCUMENTS_SINCE` that are not issued as they are now.
//!
//! Which of them may be issued (their state, their customer, their sums) is the engine's matter. Each type of the
//! CRM is read by itself and has a place of its own in the cursor, so that a type which is added later, or an
//! earlier `DOCUMENTS_SINCE`, is read from the beginning.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::document::{Document, DocumentKind, differences};
use domain::polls::{PollLease, document_checksum};
use domain::ports::{PortError, PortResult};
use domain::store::IssuedDocument;
use payamgostar::{ChangedDocument, ChangedPage, Position, Walk};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::{OVERLAP, PAGE, Records, Stamp, gather, harvest, is_plain, next_cursor, overlap};
use crate::pollers::judge::Read;
use crate::pollers::{Failure, Pollers};

/// What `"PollCursor".value` holds, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Documents made before were not looked at.
    since: DateTime<Utc>,
    /// By the type's code: the newest `ModifyDate` that was seen.
    types: BTreeMap<String, String>,
}

struct Documents<'a> {
    pollers: &'a Pollers,
    kind: DocumentKind,
    type_key: &'a str,
    since: DateTime<Utc>,
}

pub(in crate::pollers) async fn read(
    pollers: &Pollers,
    kind: DocumentKind,
    turn: &PollLease,
    wide: bool,
) -> Result<Read, Failure> {
    let since = match pollers.documents.since {
        Some(day) => pollers.crm.beginning_of(day),
        None => pollers.store.installed_at().await?,
    };
    let mut cursor = Cursor::resumed(turn.cursor.as_deref(), since);
    let mut changes = Vec::new();
    for type_key in pollers.documents.types(kind) {
        let position = match cursor.types.get(type_key) {
            Some(seen) => pollers.crm.position_before(seen, overlap(wide)),
            // Whatever was made since was changed since.
            None => pollers.crm.position_at(since, OVERLAP),
        };
        let records = Documents {
            pollers,
            kind,
            type_key,
            since,
        };
        let gathered = gather(&records, Walk::from(position)).await?;
        changes.extend(gathered.changes.into_values());
        if let Some(newest) = gathered.newest {
            let newest = next_cursor(pollers, turn, newest);
            cursor.types.insert(type_key.clone(), newest);
        }
    }
    let cursor = serde_json::to_string(&cursor).ok();
    harvest(pollers, turn, changes, cursor).await
}

impl Cursor {
    /// What was stored, unless documents from before are wanted now.
    fn resumed(stored: Option<&str>, since: DateTime<Utc>) -> Self {
        let stored = stored.and_then(|text| serde_json::from_str::<Self>(text).ok());
        let types = stored
            .filter(|cursor| cursor.since <= since)
            .map_or_else(BTreeMap::new, |cursor| cursor.types);
        Self { since, types }
    }
}

impl Records for Documents<'_> {
    type Row = ChangedDocument;

    async fn page(&self, position: &Position) -> PortResult<ChangedPage<ChangedDocument>> {
        let crm = &self.pollers.crm;
        let page = crm.documents_changed_since(self.kind, self.type_key, position, PAGE);
        page.await.map_err(|error| match error {
            // The type is all that a search can be refused for.
            PortError::Refused(words) => PortError::Refused(format!(
                "{words}; check that the CRM has the type '{}' of {}",
                self.type_key,
                setting(self.kind)
            )),
            other => other,
        })
    }

    fn stamp(row: &ChangedDocument) -> Stamp {
        Stamp {
            id: row.id.clone(),
            date: row.modify_date.clone(),
            at: row.modified_at,
        }
    }

    async fn changed(&self, rows: &[ChangedDocument]) -> Result<Vec<Option<String>>, Failure> {
        let undated = rows.iter().filter(|row| row.created_at.is_none()).count();
        if undated > 0 {
            warn!(
                undated,
                "the CRM shows {undated} documents of type {} without a date of creation: taken for history, not issued",
                self.type_key
            );
        }
        let ids = rows.iter().map(|row| row.id.as_str());
        let ids: Vec<&str> = ids.filter(|id| is_plain(id)).collect();
        let issued = self.pollers.store.issued(self.kind, &ids).await?;
        let sums = rows.iter().map(|row| {
            let known = issued.get(&row.id);
            let recent = row.created_at.is_some_and(|at| at >= self.since);
            // One that was issued is watched however old it is.
            if known.is_none() && !recent {
                return None;
            }
            match &row.document {
                Ok(document) => {
                    let same = known.is_some_and(|known| differences(as_known(known), document).is_empty());
                    (!same).then(|| document_checksum(document))
                }
                // Its run says what is wrong.
                Err(why) => Some(hex::encode(&Sha256::digest(why)[..16])),
            }
        });
        Ok(sums.collect())
    }
}

/// What was last made of it: a change that is disputed already is no new one, but its way back is.
fn as_known(issued: &IssuedDocument) -> &Document {
    let later = issued.disputed.as_ref().or(issued.accepted.as_ref());
    later.unwrap_or(&issued.document)
}

/// The setting that names the types.
pub(in crate::pollers) fn setting(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Quote => "CRM_QUOTE_TYPES",
        DocumentKind::Invoice => "CRM_INVOICE_TYPES",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_unless_more_of_the_past_is_wanted() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let cursor = Cursor {
            since: at("2025-03-21T00:00:00Z"),
            types: BTreeMap::from([("PI_5".to_owned(), "2025-12-21T14:06:17.173".to_owned())]),
        };
        let stored = serde_json::to_string(&cursor).unwrap();
        let resumed = |since| Cursor::resumed(Some(&stored), at(since));
        assert_eq!(resumed("2025-03-21T00:00:00Z"), cursor);
        assert_eq!(resumed("2025-04-01T00:00:00Z").types, cursor.types);
        assert!(resumed("2025-03-20T23:59:59Z").types.is_empty());
        assert!(Cursor::resumed(None, cursor.since).types.is_empty());
        assert!(
            Cursor::resumed(Some("2025-12-21T14:06:17"), cursor.since)
                .types
                .is_empty()
        );
    }
}
