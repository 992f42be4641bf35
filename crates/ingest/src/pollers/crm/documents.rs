//! Sales quotes and invoices: those made since `DOCUMENTS_SINCE` that are not issued as they are now.
//!
//! Which of them may be issued (their state, their customer, their sums) is the engine's matter.

use chrono::{DateTime, Utc};
use domain::document::{Document, DocumentKind, differences};
use domain::polls::{PollLease, document_checksum};
use domain::ports::changes::{Changed, DocumentFeed, ShownDocument, Since};
use domain::store::IssuedDocument;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::{Records, gather, harvest, is_plain};
use crate::pollers::judge::Read;
use crate::pollers::{Failure, Pollers};

struct Documents<'a> {
    pollers: &'a Pollers,
    kind: DocumentKind,
    since: DateTime<Utc>,
}

pub(in crate::pollers) async fn read(
    pollers: &Pollers,
    kind: DocumentKind,
    turn: &PollLease,
    wide: bool,
) -> Result<Read, Failure> {
    let made_since = match pollers.documents.since {
        Some(day) => pollers.changes.beginning_of(day),
        None => pollers.store.installed_at().await?,
    };
    let feed = DocumentFeed {
        kind,
        types: pollers.documents.types(kind),
        made_since,
    };
    let since = Since {
        cursor: turn.cursor.as_deref(),
        wide,
    };
    let records = Documents {
        pollers,
        kind,
        since: made_since,
    };
    let before = pollers.store.set_aside_by(&turn.poll).await?;
    let changes = pollers.changes.document_changes(feed, since);
    let gathered = gather(&records, &before, changes).await?;
    harvest(pollers, turn, before, gathered).await
}

impl Records for Documents<'_> {
    type Record = ShownDocument;

    async fn changed(&self, records: &[Changed<ShownDocument>]) -> Result<Vec<Option<String>>, Failure> {
        tell_undated(records);
        let ids = records.iter().map(|shown| shown.id.as_str());
        let ids: Vec<&str> = ids.filter(|id| is_plain(id)).collect();
        let issued = self.pollers.store.issued(self.kind, &ids).await?;
        let sums = records
            .iter()
            .map(|shown| changed(&shown.record, issued.get(&shown.id), self.since));
        Ok(sums.collect())
    }
}

/// The checksum of a document that makes a row; `None`: it makes none.
fn changed(shown: &ShownDocument, known: Option<&IssuedDocument>, since: DateTime<Utc>) -> Option<String> {
    let recent = shown.created_at.is_some_and(|at| at >= since);
    // One that was issued is watched however old it is.
    if known.is_none() && !recent {
        return None;
    }
    match &shown.document {
        Ok(document) => {
            let same = known.is_some_and(|known| differences(as_known(known), document).is_empty());
            (!same).then(|| document_checksum(document))
        }
        // Its run says what is wrong.
        Err(why) => Some(hex::encode(&Sha256::digest(why)[..16])),
    }
}

fn tell_undated(records: &[Changed<ShownDocument>]) {
    let undated = || records.iter().filter(|shown| shown.record.created_at.is_none());
    if let Some(first) = undated().next() {
        let undated = undated().count();
        warn!(
            undated,
            "the CRM shows {undated} documents of type {} without a date of creation: taken for history, not issued",
            first.record.object_type
        );
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

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn shown(created: Option<&str>, document: Result<Document, String>) -> ShownDocument {
        ShownDocument {
            object_type: "PI_5".to_owned(),
            created_at: created.map(at),
            document,
        }
    }

    #[test]
    fn history_makes_no_row_and_what_cant_be_read_makes_one_for_each_reason() {
        let since = at("2025-03-21T00:00:00Z");
        let sum = |created, why: &str| changed(&shown(created, Err(why.to_owned())), None, since);
        assert_eq!(sum(None, "row 1"), None);
        assert_eq!(sum(Some("2025-03-20T23:59:59Z"), "row 1"), None);
        let first = sum(Some("2025-03-21T00:00:00Z"), "row 1");
        assert_eq!(first.as_ref().map(String::len), Some(32));
        assert_ne!(first, sum(Some("2025-03-21T00:00:00Z"), "row 2"));
    }
}
