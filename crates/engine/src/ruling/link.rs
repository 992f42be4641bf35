//! Two records that an operator links by hand.

use chrono::{DateTime, Utc};
use domain::customer::Field;
use domain::entity::EntityRef;
use domain::index::Sighting;
use domain::link::LinkState;
use domain::matching::{Form, Key, another, is_another, told_by};
use domain::message::{Code, Message};
use domain::ports::{Ring, Snapshot};
use domain::side::Side;
use domain::store::{Ruling, Stood};

use super::{NotRuled, refused};
use crate::Engine;
use crate::customer::saving::asked;

/// How a record stands that is to be linked by hand.
#[derive(Debug, Clone, Copy)]
enum Linkable {
    /// Nobody's.
    Free,
    /// It has something on its way, which must not be forgotten.
    Sends,
    /// Its counterpart is gone, and the link is closed.
    LeftBehind,
}

impl Engine {
    /// The two records are one customer. Says the row to run.
    ///
    /// # Errors
    /// When one of them does not exist, is linked with another, or is another than was last seen; or when something else may
    /// just have been made of it, or of another that it was: that would be nobody's.
    pub async fn link(
        &self,
        crm: &str,
        finance: &str,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let mut stood = Stood::new();
        let on_crm = self.linkable(Side::Crm, crm, finance, &mut stood).await?;
        let on_finance = self.linkable(Side::Finance, finance, crm, &mut stood).await?;
        let both = |code| Message::new(code).with("crm", crm).with("finance", finance);
        use Linkable as L;
        // What one of them has sent must not be forgotten: it takes over the other. Whoever has outlived its counterpart
        // keeps to the closed link until the other takes it over.
        let lead = match (on_crm, on_finance) {
            (L::LeftBehind, L::LeftBehind) => return refused(both(Code::RuledBothLeftBehind)),
            (L::Sends, L::Sends) => return refused(both(Code::RuledBothAreBeingCreated)),
            (L::Sends, _) | (_, L::LeftBehind) => Side::Crm,
            (_, L::Sends) | (L::LeftBehind, _) => Side::Finance,
            (L::Free, L::Free) => Side::Crm,
        };
        let ruling = Ruling::Link {
            crm: crm.to_owned(),
            finance: finance.to_owned(),
            stood,
        };
        let id = match lead {
            Side::Crm => crm,
            Side::Finance => finance,
        };
        self.enqueue_ruling(EntityRef::customer(lead, id), ruling, traceparent)
            .await
    }

    /// How that record stands, and by what it is told now.
    async fn linkable(
        &self,
        side: Side,
        id: &str,
        other: &str,
        stood: &mut Stood,
    ) -> Result<Linkable, NotRuled> {
        let about = |code| Message::new(code).with("side", side).with("id", id);
        let at = self.clock.now();
        let Some(record) = self.record(side, id).await? else {
            return refused(about(Code::RuledNoSuchCustomer));
        };
        if self.is_another_now(side, &record, at).await? {
            let now = record.customer.get(Field::Name);
            return refused(about(Code::RuledAnotherNow).with("now", now));
        }
        stood.insert(side, told_by(&record.customer));
        let Some(link) = self.store.find_link(&EntityRef::customer(side, id)).await? else {
            return Ok(Linkable::Free);
        };
        if let Some(linked) = link.id_on(side.other()) {
            if link.state == LinkState::Closed && self.record(side.other(), linked).await?.is_none() {
                return Ok(Linkable::LeftBehind);
            }
            let code = match linked == other {
                true => Code::RuledLinkedAlready,
                false => Code::RuledLinkedWithAnother,
            };
            return refused(about(code).with("other", side.other()).with("linked", linked));
        }
        if let Some(create) = link.in_flight.create(side.other()) {
            if !create.may_have_made(other) {
                return refused(about(Code::RuledIsBeingCreated).with("other", side.other()));
            }
            let sent = asked(&create.fields);
            if another(&sent, &record.customer).is_some() {
                let was = sent.get(&Field::Name).map_or("", String::as_str);
                return refused(about(Code::RuledAnotherIsBeingCreated).with("was", was));
            }
        }
        Ok(match link.in_flight.is_empty() {
            true => Linkable::Free,
            false => Linkable::Sends,
        })
    }

    /// Whether it is another record than the one that was last seen under its code, which the operator means; from now on
    /// this one is that.
    async fn is_another_now(
        &self,
        side: Side,
        record: &Snapshot,
        at: DateTime<Utc>,
    ) -> Result<bool, NotRuled> {
        let now = self.with_rules(|rules| Sighting::of(record, side, rules.reading(), at));
        let code = Form {
            key: Key::Code,
            value: record.id.clone(),
        };
        let all = self.index.holding(side, &[code], "").await?;
        let was = all.into_iter().find(|one| one.id == record.id);
        self.index.note(std::slice::from_ref(&now)).await?;
        let both = was.and_then(|was| was.profile).zip(now.held);
        Ok(both.is_some_and(|(was, now)| is_another(&was, &now.profile)))
    }
}
