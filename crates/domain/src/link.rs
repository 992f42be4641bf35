//! The row that ties a CRM record to a finance record (`"EntityMapping"`), as the engine knows it.

use chrono::{DateTime, Utc};
use sea_orm::DeriveActiveEnum;
use sea_orm::entity::prelude::{EnumIter, StringLen};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::Base;
use crate::company::Company;
use crate::document::Document;
use crate::entity::{EntityRef, EntityType};
use crate::in_flight::InFlight;
use crate::side::Side;

/// `EntityMapping.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkState {
    /// Half a link: known on one side, not yet linked.
    New,
    /// Linked; kept in step.
    Active,
    /// A row of this entity waits for a human.
    Conflict,
    /// A tombstone: one side deleted it. Both ids are kept, so that the survivor is never met as new.
    Closed,
}

/// What is known of an entity across both systems.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// `EntityMapping.id`.
    pub id: Uuid,
    /// Its type.
    pub entity_type: EntityType,
    /// In whose finance system its other half stands.
    pub company: Company,
    /// The CRM's guid.
    pub crm_id: Option<String>,
    /// Finance's code.
    pub finance_id: Option<String>,
    /// Where it stands.
    pub state: LinkState,
    /// What each side was last known to hold; `None` before the first meeting.
    pub base: Option<Base>,
    /// What was sent and not confirmed.
    pub in_flight: InFlight,
    /// The CRM's `modifyDate` at the last read.
    pub crm_updated_at: Option<DateTime<Utc>>,
    /// The last read at which finance held its base.
    pub finance_updated_at: Option<DateTime<Utc>>,
    /// How many runs have ended it: a look at it is as fresh as that.
    pub version: i64,
    /// Documents only: what stands in finance. Kept in the `base` column.
    pub issued: Option<Box<IssuedDocument>>,
}

/// A document that stands in finance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedDocument {
    /// The pre-invoice's number, as people speak of it.
    pub number: String,
    /// When its answer came, or a human said so.
    pub at: DateTime<Utc>,
    /// As it was issued.
    pub document: Document,
    /// As the accountant has last accepted it, after it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Document>,
    /// As it was when a change of it was last held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disputed: Option<Document>,
}

impl Link {
    /// Of an entity that was never met; it stands in no table yet.
    #[must_use]
    pub fn unmet(entity_type: EntityType) -> Self {
        Self {
            id: Uuid::nil(),
            entity_type,
            company: Company::default(),
            crm_id: None,
            finance_id: None,
            state: LinkState::New,
            base: None,
            in_flight: InFlight::none(),
            crm_updated_at: None,
            finance_updated_at: None,
            version: 0,
            issued: None,
        }
    }

    /// The id on that side.
    #[must_use]
    pub fn id_on(&self, side: Side) -> Option<&str> {
        match side {
            Side::Crm => self.crm_id.as_deref(),
            Side::Finance => self.finance_id.as_deref(),
        }
    }

    /// Sets the id on that side.
    pub fn set_id(&mut self, side: Side, id: String) {
        match side {
            Side::Crm => self.crm_id = Some(id),
            Side::Finance => self.finance_id = Some(id),
        }
    }

    /// How that side names it, if it does.
    #[must_use]
    pub fn entity_on(&self, side: Side) -> Option<EntityRef> {
        self.id_on(side).map(|id| EntityRef {
            entity_type: self.entity_type,
            side,
            id: id.to_owned(),
        })
    }

    /// Whether it names a record on both sides.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.crm_id.is_some() && self.finance_id.is_some()
    }

    /// The row that waited for a human has ended.
    pub fn end_conflict(&mut self) {
        if self.state == LinkState::Conflict {
            self.state = if self.is_whole() {
                LinkState::Active
            } else {
                LinkState::New
            };
        }
    }

    /// Whether the keys that it has reserved stay its own: while something is being made, and, of a document that
    /// stands in finance, for good.
    #[must_use]
    pub fn keeps_its_locks(&self) -> bool {
        self.in_flight.is_making() || self.issued.is_some()
    }
}
