//! What was sent and is not confirmed: one typed value per write, stored with the link before anything is sent.
//!
//! Only what each is stands here; what it means for what is seen later is the engine's rule.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Pair;
use crate::change::Change;
use crate::customer::Field;
use crate::document::{Document, Issued};
use crate::side::Side;

mod legacy;

/// A write that was sent, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "write", rename_all = "camelCase")]
pub enum Write {
    /// A record was to be created.
    Create(Create),
    /// One was to be saved.
    Update(Update),
    /// A document was to be issued.
    Issue(Box<Issue>),
}

/// A create whose outcome is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Create {
    /// Where.
    pub side: Side,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// What was sent.
    pub fields: BTreeMap<Field, Sent>,
    /// Ids that its keys found before it was sent: they are not what it has made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_ours: Vec<String>,
    /// Searches since that did not find it.
    #[serde(default)]
    pub empty_looks: u32,
    /// The id that it was answered with, where that could not be linked at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// What its side's connector knows of a record that it makes, in its own terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Value>,
    /// What is to be told of it, by the run that commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Change>,
}

/// A save whose outcome is not known. It leaves the whole object as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// Where.
    pub side: Side,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// Every field that travels both ways, and whatever else was written.
    pub fields: BTreeMap<Field, Sent>,
    /// A later save of that side was answered: what is as this one leaves it may be the later one's work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overtaken: bool,
    /// The other id that it was answered with. It has made a second record, as long as that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// What is to be told of it, by the run that commits: every value that it writes over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Change>,
}

/// One field of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// What the write leaves there.
    pub leaves: String,
    /// What the other side held when it was sent; of a field that was not written, what it was last known to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What both were last known to hold when it was sent; absent where version 0.1 sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Pair>,
    /// It was asked for. The rest of the object was sent along as it had been read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub written: bool,
    /// It was sent along while it held an edit that both sides had not agreed on: seeing it again proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

impl Sent {
    /// What `side` was last known to hold when it was sent; `None`: not known.
    #[must_use]
    pub fn was(&self, side: Side) -> Option<&str> {
        let (crm, finance) = self.base.as_ref()?;
        match side {
            Side::Crm => crm.as_deref(),
            Side::Finance => finance.as_deref(),
        }
    }
}

/// A document that was sent to be issued. Finance can't be asked what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// As it was read.
    pub document: Document,
    /// Finance's code of its customer.
    pub customer_code: String,
    /// Nothing was sent: the CRM's `refId` named this number before, and only a human knows why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_to_be: Option<String>,
    /// The answer, once there is one: a run that is killed before its commit must not forget it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Issued>,
    /// An operator says that it is not in finance: it may be sent again.
    #[serde(default)]
    pub again: bool,
}

impl Create {
    /// Whether that record may be what it has made.
    #[must_use]
    pub fn may_have_made(&self, id: &str) -> bool {
        match &self.made {
            Some(made) => made == id,
            None => !self.not_ours.iter().any(|one| one == id),
        }
    }
}

impl Issue {
    /// Whether it may stand in finance, as far as anyone knows.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.answer.is_none() && !self.again
    }
}

impl Write {
    /// The side that is written.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::Create(create) => create.side,
            Self::Update(update) => update.side,
            Self::Issue(_) => Side::Finance,
        }
    }

    /// When it was committed.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Create(create) => create.at,
            Self::Update(update) => update.at,
            Self::Issue(issue) => issue.at,
        }
    }

    /// What is to be told of it.
    pub fn decided(&mut self) -> Vec<Change> {
        match self {
            Self::Create(create) => std::mem::take(&mut create.decided),
            Self::Update(update) => std::mem::take(&mut update.decided),
            Self::Issue(_) => Vec::new(),
        }
    }
}

/// All writes of an entity that are on their way, oldest first. Several, since a write whose answer was lost may still
/// land after a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InFlight(pub Vec<Write>);

impl InFlight {
    /// Nothing is on its way.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Write> {
        self.0.iter()
    }

    /// The last create of that side.
    #[must_use]
    pub fn create(&self, side: Side) -> Option<&Create> {
        self.0.iter().rev().find_map(|write| match write {
            Write::Create(create) if create.side == side => Some(create),
            _ => None,
        })
    }

    /// The saves of that side.
    pub fn updates(&self, side: Side) -> impl DoubleEndedIterator<Item = &Update> {
        self.0.iter().filter_map(move |write| match write {
            Write::Update(update) if update.side == side => Some(update),
            _ => None,
        })
    }

    /// The document that was sent.
    #[must_use]
    pub fn issue(&self) -> Option<&Issue> {
        self.0.iter().rev().find_map(|write| match write {
            Write::Issue(issue) => Some(&**issue),
            _ => None,
        })
    }

    /// Whether a record or a document was to be made, and it is not known what became of it.
    #[must_use]
    pub fn is_making(&self) -> bool {
        self.0.iter().any(|write| !matches!(write, Write::Update(_)))
    }
}

impl<'a> IntoIterator for &'a InFlight {
    type Item = &'a Write;
    type IntoIter = std::slice::Iter<'a, Write>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de> Deserialize<'de> for InFlight {
    /// A list; or the object that version 0.1 stored, by side.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            list @ serde_json::Value::Array(_) => serde_json::from_value(list).map(Self),
            old => legacy::read(old).map(Self),
        }
        .map_err(serde::de::Error::custom)
    }
}
