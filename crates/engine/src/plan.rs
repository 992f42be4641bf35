//! What a sync would do, and why, without doing it: the same loop, with an executor that notes instead of sending.
//!
//! It writes nothing outside; in the store, nothing but what it has seen (the record index).

use domain::change::Change;
use domain::company::Company;
use domain::customer::Field;
use domain::fields::{Flow, TABLE};
use domain::link::Link;
use domain::merge::{Decision, agrees};
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::{ClaimedRow, Lease, Trigger, Work};
use serde::Serialize;
use uuid::Uuid;

use crate::Engine;
use crate::customer::saving::asked;
use crate::ending::in_words;
use crate::executor::{Executor, Stop};
use crate::seen::{Known, Sight};
use crate::step::{Ending, Sending};

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
    pub step: Doing,
    /// Per field: what would be written where, or held, and why.
    pub changes: Vec<Change>,
    /// Fields on which the two sides differ now, as far as each can hold the other's value.
    pub differences: Vec<Difference>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "do", content = "with")]
pub enum Doing {
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
    Conflict(Message),
    /// It does not exist on this side (any more).
    Gone(Side),
    /// It can't be said: a system did not answer.
    Unknown(Message),
}

/// A field on which the sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The field.
    pub field: Field,
    /// The CRM's value.
    pub crm: String,
    /// Finance's value.
    pub finance: String,
}

impl Engine {
    /// Says what a sync of this customer would do, asked from the side `source`. For a record that was never met, `link`
    /// holds just its id.
    pub async fn plan(&self, link: &Link, source: Side) -> Plan {
        let mut company = link.company;
        loop {
            match self.of(company).unwrap_or(self).plan_as(link, source).await {
                Ok(plan) => return plan,
                Err(other) => company = other,
            }
        }
    }

    /// The plan of this company's engine, or whose it is.
    async fn plan_as(&self, link: &Link, source: Side) -> Result<Plan, Company> {
        let work = Work {
            lease: Lease {
                link: link.id,
                token: 0,
            },
            link: link.clone(),
            lead: ClaimedRow {
                id: Uuid::nil(),
                side: source,
                trigger: Trigger::Manual,
                heard_at: self.clock.now(),
                retry_count: 0,
                scheduled: false,
                lapses: 0,
                ruling: None,
                gone: false,
            },
            covered: Vec::new(),
        };
        let mut run = Executor::new(self, &work, self.clock.monotonic());
        run.noted = Some(Vec::new());
        let ended = run.run().await;
        let step = match &ended {
            Err(Stop::OfCompany(company)) => return Err(*company),
            Err(Stop::Store(error)) => Doing::Unknown(Message::new(Code::StoreFailed).with("words", error)),
            Ok(Ending::Gone(side)) => Doing::Gone(*side),
            Ok(Ending::Conflict(why) | Ending::Wait(why, _)) => Doing::Conflict(why.clone()),
            Ok(Ending::Failed(side, error)) => Doing::Unknown(in_words(*side, error)),
            Ok(_) => run.doing(link),
        };
        let id = |side: Side| run.seen.snapshot(side).map(|snapshot| snapshot.id.clone());
        let held = run.known.held.held().map(Decision::change);
        Ok(Plan {
            crm_id: id(Side::Crm).or_else(|| link.crm_id.clone()),
            finance_id: id(Side::Finance).or_else(|| link.finance_id.clone()),
            name: crate::customer::name(&run.seen),
            differences: run.differences(),
            changes: run.noted.iter().flatten().cloned().chain(held).collect(),
            step,
        })
    }
}

impl Executor<'_> {
    /// Notes what would be written, as if the other side had taken it.
    pub(crate) fn note(&mut self, sending: Sending) -> Option<Ending> {
        match sending {
            Sending::Create(create, _) => {
                self.known.has_done(
                    Message::new(Code::Created)
                        .with("side", create.side)
                        .with("id", ""),
                );
                Some(Ending::Off(create.side))
            }
            Sending::Update(update) => {
                let side = update.side as usize;
                if let Some(noted) = &mut self.noted {
                    noted.extend(update.decided.iter().cloned());
                }
                self.seen.written[side] = true;
                self.seen.fresh = None;
                if let Sight::Here { record, .. } = &mut self.seen.customers[side] {
                    for (field, value) in asked(&update.fields) {
                        record.customer.set(field, value);
                    }
                }
                None
            }
            Sending::Issue(_) | Sending::Note(_) => Some(Ending::Issued),
        }
    }

    fn doing(&self, link: &Link) -> Doing {
        let Known {
            held,
            done,
            link: now,
            ..
        } = &self.known;
        let target = self.seen.source.other();
        let would_create = done.iter().any(|message| message.code == Code::Created);
        match (link.id_on(target), now.id_on(target)) {
            (None, _) if would_create => return Doing::Create(target),
            (None, Some(id)) => return Doing::Link(id.to_owned()),
            _ => {}
        }
        match (held.held().next(), self.noted.iter().flatten().next()) {
            (Some(_), _) => Doing::Hold,
            (None, Some(_)) => Doing::Write,
            (None, None) => Doing::Nothing,
        }
    }

    /// Fields that travel both ways and on which the sides differ now, whatever was edited since when.
    fn differences(&self) -> Vec<Difference> {
        let sides = Side::BOTH.map(|side| self.before[side as usize].as_ref());
        let [Some(crm), Some(finance)] = sides else {
            return Vec::new();
        };
        let project = |side: Side, field, value: &str| self.engine.port(side).project(field, value);
        let fields = TABLE
            .iter()
            .filter(|spec| spec.flow == Flow::Both)
            .map(|spec| spec.field);
        fields
            .map(|field| (field, crm.get(field), finance.get(field)))
            .filter(|(field, crm, finance)| !agrees(&project, *field, crm, finance))
            .map(|(field, crm, finance)| Difference {
                field,
                crm: crm.to_owned(),
                finance: finance.to_owned(),
            })
            .collect()
    }
}
