//! A record that is the same as ever, though it looks like another.

use domain::customer::{Customer, Field};
use domain::entity::EntityRef;
use domain::link::{Link, LinkState};
use domain::matching::{another, told_by};
use domain::message::{Code, Message};
use domain::ports::Ring;
use domain::side::Side;
use domain::store::{Ruling, Stood};
use serde_json::{Value, json};

use super::{NotRuled, refused};
use crate::Engine;

impl Engine {
    /// The records of this customer are the same as ever, though one looks like another. Said of the record that the
    /// operator was told of, and of none that has come under its id since. Says the row to run.
    ///
    /// # Errors
    /// When nobody takes it for another; when yet another stands there by now: that one is looked at, and told of; or when
    /// under both ids stand others, who are not one either.
    pub async fn same(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let Some((link, told)) = self.taken_for_another(entity).await? else {
            let why = Message::new(Code::RuledNotAnother);
            return refused(why.with("side", entity.side).with("id", &entity.id));
        };
        let mut here = [None, None];
        for side in Side::BOTH {
            if let Some(id) = link.id_on(side) {
                let record = self.record(side, id).await?;
                here[side as usize] = record.map(|record| record.customer);
            }
        }
        if let Some(side) = told_of(&told)
            && let (Some(id), Some(now)) = (link.id_on(side), &here[side as usize])
        {
            if !is_told(&told, "now", now.get(Field::Name)) {
                let about = EntityRef::customer(side, id);
                self.store.enqueue(&[self.look(about, json!({}))]).await?;
                let why = Message::new(Code::RuledAnotherNow);
                return refused(
                    why.with("side", side)
                        .with("id", id)
                        .with("now", now.get(Field::Name)),
                );
            }
            if are_others(&link, side, now, here[side.other() as usize].as_ref()) {
                let name = |side: Side| {
                    here[side as usize]
                        .as_ref()
                        .map_or("", |one| one.get(Field::Name))
                };
                let why = Message::new(Code::RuledBothAreOthers);
                return refused(
                    why.with("crm", name(Side::Crm))
                        .with("finance", name(Side::Finance)),
                );
            }
        }
        let stood = Side::BOTH.into_iter().zip(&here);
        let stood: Stood = stood
            .filter_map(|(side, now)| Some((side, told_by(now.as_ref()?))))
            .collect();
        self.enqueue_ruling(entity.clone(), Ruling::SameAs { stood }, traceparent)
            .await
    }

    /// Its link and what was told of it, if it waits since one of its records looks like another.
    async fn taken_for_another(&self, entity: &EntityRef) -> Result<Option<(Link, Message)>, NotRuled> {
        let last = self.last_run(entity).await?;
        let waits = last.filter(|(link, _)| link.state == LinkState::Conflict);
        let told = waits.and_then(|(link, last)| Some((link, last.message?)));
        Ok(told.filter(|(_, told)| told.code == Code::AnotherRecord))
    }
}

/// The side whose record the operator was told of.
fn told_of(told: &Message) -> Option<Side> {
    Side::BOTH
        .into_iter()
        .find(|side| is_told(told, "side", side.name()))
}

fn is_told(told: &Message, argument: &str, text: &str) -> bool {
    told.arguments.get(argument).and_then(Value::as_str) == Some(text)
}

/// Whether the record beside the one that looks like another looks like another, too, and the two are not one: of whom the
/// link was, neither is.
fn are_others(link: &Link, side: Side, now: &Customer, beside: Option<&Customer>) -> bool {
    let was = link.base.as_ref().and_then(|base| base.identity(side.other()));
    let both = was.zip(beside);
    both.is_some_and(|(was, beside)| {
        another(&was, beside).is_some() && another(&told_by(now), beside).is_some()
    })
}
