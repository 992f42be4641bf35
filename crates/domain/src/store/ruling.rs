//! What an operator has ruled about an entity. It stands in the row that he has heard (`triggerPayload`), so that
//! whoever claims the row carries it out, also after a crash or a retry.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Trigger;
use crate::customer::{Field, Values};
use crate::document::Document;
use crate::ports::Side;

/// Where it stands in the payload.
const KEY: &str = "resolve";

/// What records were told by when a ruling was made of them.
pub type Stood = BTreeMap<Side, Values>;

/// A decision that only a human can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ruling {
    /// Where both sides have changed a field, this side's value stands.
    Keep(Side),
    /// What came back altered from a save is how that system writes it: no edit, for this record.
    Form,
    /// The same of these columns, for every record: whatever comes back there from a save is how it is written.
    Columns {
        /// Which.
        columns: Vec<(Side, Field)>,
    },
    /// The records under the two linked ids are the same as ever, whatever has changed in them. As an earlier version wrote
    /// it down.
    Same,
    /// The same, said of what stood there then: another who is given the id after that is none of them.
    SameAs {
        /// What they were told by.
        stood: Stood,
    },
    /// These two records are one customer, whatever their keys say.
    Link {
        /// The CRM's id.
        crm: String,
        /// Finance's code.
        finance: String,
        /// What the two were told by when that was said; another who is given the id after that is none of them.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        stood: Stood,
    },
    /// This record is another than each of these of the other side, which it was in doubt with.
    Separate {
        /// Their ids.
        others: Vec<String>,
    },
    /// The document that was sent at that time, without an answer, stands in finance under this number.
    Exists {
        /// When the intent was committed.
        sent_at: DateTime<Utc>,
        /// The pre-invoice's number.
        number: String,
    },
    /// The document that was sent at that time, without an answer, is not in finance: send it again.
    SendAgain {
        /// When the intent was committed.
        sent_at: DateTime<Utc>,
    },
    /// The issued document may be as it is now: whatever finance needs was done by hand.
    Accept {
        /// As it was when the operator saw it.
        document: Box<Document>,
    },
}

impl Ruling {
    /// The payload of the row that carries it.
    #[must_use]
    pub fn payload(&self) -> Value {
        serde_json::json!({ KEY: self })
    }

    /// What a row carries: only an operator's may.
    #[must_use]
    pub fn of(trigger: Trigger, payload: Option<&Value>) -> Option<Self> {
        let ruled = payload.filter(|_| trigger == Trigger::Manual)?.get(KEY)?;
        serde_json::from_value(ruled.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_only_from_an_operators_row() {
        let link = Ruling::Link {
            crm: "a".to_owned(),
            finance: "22".to_owned(),
            stood: Stood::new(),
        };
        let stood = Stood::from([(Side::Finance, Values::from([(Field::Name, "b".to_owned())]))]);
        let columns = Ruling::Columns {
            columns: vec![(Side::Finance, Field::Address)],
        };
        for ruling in [
            Ruling::Keep(Side::Finance),
            Ruling::Form,
            columns,
            Ruling::Same,
            Ruling::SameAs { stood },
            link,
        ] {
            let payload = ruling.payload();
            assert_eq!(Ruling::of(Trigger::Manual, Some(&payload)), Some(ruling));
            assert_eq!(Ruling::of(Trigger::Webhook, Some(&payload)), None);
        }
        assert_eq!(
            Ruling::of(Trigger::Manual, Some(&serde_json::json!({"command": "sync"}))),
            None
        );
    }
}
