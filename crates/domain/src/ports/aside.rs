//! What a system shows and nobody can read as a record: it is set aside, with its id and the reason, and stops nobody.

use super::Snapshot;
use crate::message::Message;

/// A record that can't be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its id, as far as it can be told; empty: it can't.
    pub id: String,
    /// Why. Never a value of the record: it may be personal data.
    pub why: Message,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.id.as_str() {
            "" => write!(f, "a record without an id that can be told: {}", self.why),
            id => write!(f, "record {id}: {}", self.why),
        }
    }
}

/// The answer to a question for several customers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Those that could be read.
    pub records: Vec<Snapshot>,
    /// Those that could not.
    pub aside: Vec<SetAside>,
}

impl From<Vec<Snapshot>> for Listed {
    fn from(records: Vec<Snapshot>) -> Self {
        Self {
            records,
            aside: Vec::new(),
        }
    }
}

/// The answer to a question for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many were handed over.
    pub seen: u64,
    /// Those that could not be read. They are there, all the same.
    pub aside: Vec<SetAside>,
}
