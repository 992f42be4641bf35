//! What a sync would do, and why, without doing it: the same reads, the same first meeting, the same merge.
//!
//! It writes nothing, neither outside nor in the store.

use serde::Serialize;
use uuid::Uuid;

use super::run::{Run, Stop};
use super::{Engine, meet};
use crate::fields::{Flow, TABLE};
use crate::merge::{Base, agrees};
use crate::ports::{Side, Snapshot};
use crate::store::{Change, ClaimedRow, Lease, Link, Trigger, Work};

/// What a sync of one customer would come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The CRM's id, if there is one.
    pub crm_id: Option<String>,
    /// Finance's code, if there is one.
    pub finance_id: Option<String>,
    /// The name, as the side that was asked first holds it.
    pub name: String,
    /// What would be done.
    pub step: Step,
    /// Per field: what would be written where, or held, and why.
    pub changes: Vec<Change>,
    /// Fields on which the two sides differ now, as far as each can hold the other's value.
    pub differences: Vec<Difference>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "do", content = "with")]
pub enum Step {
    /// Nothing: both sides are in step.
    Nothing,
    /// Fields would be written.
    Write,
    /// Fields would be held for a human, others written.
    Hold,
    /// It would be linked with this record of the other side.
    Link(String),
    /// It would be created on this side.
    Create(Side),
    /// It would wait for a human: why.
    Conflict(String),
    /// It does not exist on this side (any more).
    Gone(Side),
    /// It can't be said: a system did not answer.
    Unknown(String),
}

/// A field on which the sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The field.
    pub field: crate::customer::Field,
    /// The CRM's value.
    pub crm: String,
    /// Finance's value.
    pub finance: String,
}

impl Engine {
    /// Says what a sync of this entity would do, asked from the side `heard`. For a record that was never met,
    /// `link` holds just its id.
    pub async fn plan(&self, link: &Link, heard: Side) -> Plan {
        let now = self.clock.now();
        let lead = ClaimedRow {
            id: Uuid::nil(),
            side: heard,
            trigger: Trigger::Manual,
            heard_at: now,
            retry_count: 0,
            scheduled: false,
            lapses: 0,
            ruling: None,
        };
        let lease = Lease {
            link: link.id,
            token: 0,
        };
        let work = Work {
            lease,
            link: link.clone(),
            lead,
            covered: Vec::new(),
        };
        let mut run = Run::new(self, &work, self.clock.monotonic());
        let step = run.foresee().await.unwrap_or_else(|stop| match stop {
            Stop::Gone(side) => Step::Gone(side),
            Stop::Off(_) => Step::Nothing,
            Stop::Conflict(why) | Stop::Wait(why, _) => Step::Conflict(why),
            Stop::Port(side, error) => Step::Unknown(format!("{side}: {error}")),
            Stop::Store(error) => Step::Unknown(error.to_string()),
            Stop::LeaseTooShort => Step::Unknown(String::new()),
        });
        let held = |side: Side| run.snapshot(side).map(|s| s.id.clone());
        let name = run
            .snapshot(heard)
            .or(run.snapshot(heard.other()))
            .map(|s| s.customer.get(crate::customer::Field::Name));
        Plan {
            crm_id: held(Side::Crm).or_else(|| link.crm_id.clone()),
            finance_id: held(Side::Finance).or_else(|| link.finance_id.clone()),
            name: name.unwrap_or_default().to_owned(),
            differences: run.differences(),
            changes: std::mem::take(&mut run.changes),
            step,
        }
    }
}

impl Run<'_> {
    async fn foresee(&mut self) -> Result<Step, Stop> {
        let (heard, other) = (self.known_events(), self.known_events().other());
        self.look(heard).await?;
        let step = if self.link.id_on(other).is_some() {
            self.look(other).await?;
            None
        } else {
            let met = self
                .snapshot(heard)
                .map(|s| s.customer.clone())
                .ok_or(Stop::Gone(heard))?;
            let (meeting, found) = self.decide(other, &met).await?;
            match meeting {
                meet::Meeting::Create => return Ok(Step::Create(other)),
                meet::Meeting::Conflict(why) => return Err(Stop::Conflict(why)),
                meet::Meeting::Link(id) => {
                    self.link.base = Some(Base::new(met.kind));
                    let linked: Option<Snapshot> = found.into_iter().find(|candidate| candidate.id == id);
                    if let Some(linked) = linked {
                        self.keep(linked, other, self.engine.clock.now());
                    }
                    Some(Step::Link(id))
                }
            }
        };
        self.recognise_our_own();
        let merged = self.merge();
        self.changes
            .extend(merged.decisions.iter().map(super::run::change));
        Ok(
            step.unwrap_or(match (merged.decisions.is_empty(), merged.held().next()) {
                (true, _) => Step::Nothing,
                (false, None) => Step::Write,
                (false, Some(_)) => Step::Hold,
            }),
        )
    }

    /// Fields that travel both ways and on which the sides differ now, whatever was edited since when.
    fn differences(&self) -> Vec<Difference> {
        let (Some(crm), Some(finance)) = (&self.crm, &self.finance) else {
            return Vec::new();
        };
        let project = |side: Side, field, value: &str| self.engine.port(side).project(field, value);
        let fields = TABLE
            .iter()
            .filter(|spec| spec.flow == Flow::Both)
            .map(|spec| spec.field);
        fields
            .map(|field| (field, crm.customer.get(field), finance.customer.get(field)))
            .filter(|(field, crm, finance)| !agrees(&project, *field, crm, finance))
            .map(|(field, crm, finance)| Difference {
                field,
                crm: crm.to_owned(),
                finance: finance.to_owned(),
            })
            .collect()
    }
}
