//! Customer first: a document waits until its customer stands in finance, and goes on by itself.
//!
//! One whose customer is gone waits for nobody: it ends, and says what its author can do.

use super::{DocumentRun, Stop};
use crate::ports::{Ring, Side};
use crate::store::{EntityRef, EntityType, Event, LastRun, Link, LinkState, Status};

impl DocumentRun<'_> {
    /// Finance's code of the customer.
    pub(super) async fn customer(&mut self, id: &str) -> Result<String, Stop> {
        let store = &self.engine.store;
        let entity = EntityRef {
            entity_type: EntityType::Customer,
            side: Side::Crm,
            id: id.to_owned(),
        };
        let link = store.find_link(&entity).await?;
        let last = match &link {
            Some(link) => store.last_run(link.id).await?,
            None => None,
        };
        let why = match standing(link.as_ref(), last) {
            Standing::Code(code) => return Ok(code),
            Standing::Waits(why) => why,
            Standing::Unmet => {
                if self.hear_customer(entity).await? {
                    return Err(Stop::Wait(format!("its customer {id} is synced first")));
                }
                "is synced first".to_owned()
            }
            Standing::Closed => {
                self.hear_customer(entity).await?;
                "was deleted in one of the systems, and is looked at again first".to_owned()
            }
        };
        self.still_there(id, link.as_ref()).await?;
        Err(Stop::Wait(format!("its customer {id} {why}")))
    }

    /// Nobody settles a customer that is gone: its document ends, and waits for its author.
    async fn still_there(&self, id: &str, link: Option<&Link>) -> Result<(), Stop> {
        let kind = link.and_then(|link| link.base.as_ref()).map(|base| base.kind);
        let gone = async |side: Side, id: &str| {
            let read = self.engine.port(side).read(id, kind).await;
            Ok::<_, Stop>(read.map_err(|error| Stop::Port(side, error))?.is_none())
        };
        let remedy = "give the document another customer in the CRM (that edit is heard by itself)";
        if gone(Side::Crm, id).await? {
            let why = format!(
                "its customer {id} is not in the CRM (any more): {remedy}, or bring that one back and `siaghsync \
                 retry` this row"
            );
            return Err(Stop::Invalid(vec![why]));
        }
        let closed = link.filter(|link| link.state == LinkState::Closed);
        let code = closed.and_then(|link| link.finance_id.as_deref());
        if let Some(code) = code
            && gone(Side::Finance, code).await?
        {
            let why = format!(
                "its customer {id} was deleted in finance, where it was contact {code}, and is not created again by \
                 itself: {remedy}"
            );
            return Err(Stop::Invalid(vec![why]));
        }
        Ok(())
    }

    /// One row per document and customer: looking again makes no second one, and says `false`.
    async fn hear_customer(&mut self, entity: EntityRef) -> Result<bool, Stop> {
        let event_id = format!("customer-of:{}:{}", self.work.lead.id, entity.id);
        let event = Event {
            row: self.engine.clock.id(),
            entity,
            trigger: self.work.lead.trigger,
            event_id: Some(event_id),
            payload: serde_json::json!({ "customerOfDocument": self.work.lead.id }),
            traceparent: None,
            rung: true,
        };
        let row = event.row;
        let heard = self.engine.store.enqueue(&[event]).await? == [true];
        if heard {
            self.also.push(Ring {
                row,
                traceparent: None,
            });
        }
        Ok(heard)
    }
}

/// What a document's customer is to finance.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It stands there, under this code.
    Code(String),
    /// It must be synced first.
    Unmet,
    /// It waits for something itself.
    Waits(String),
    /// It was deleted in one of the systems, as far as we know.
    Closed,
}

fn standing(link: Option<&Link>, last: Option<LastRun>) -> Standing {
    let Some(link) = link else {
        return Standing::Unmet;
    };
    if let Some(failed) = last.filter(|last| last.status == Status::Failed) {
        return Standing::Waits(format!(
            "could not be synced (row {}: {}): mend it, then `siaghsync retry {}`",
            failed.row,
            failed.message.as_deref().unwrap_or("it gives no reason"),
            failed.row
        ));
    }
    match (link.state, &link.finance_id) {
        (LinkState::Active, Some(code)) => Standing::Code(code.clone()),
        (LinkState::Conflict, _) => {
            Standing::Waits("waits for a human itself: see `siaghsync log --entity`".to_owned())
        }
        (LinkState::Closed, _) => Standing::Closed,
        (LinkState::New | LinkState::Active, _) => Standing::Unmet,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_a_settled_customer_has_a_code() {
        let mut link = Link::unmet(EntityType::Customer);
        assert_eq!(standing(None, None), Standing::Unmet);
        assert_eq!(standing(Some(&link), None), Standing::Unmet);
        link.finance_id = Some("22".to_owned());
        link.state = LinkState::Active;
        let ended = |status| {
            Some(LastRun {
                row: Uuid::nil(),
                status,
                message: Some("تکراری".to_owned()),
            })
        };
        assert_eq!(
            standing(Some(&link), ended(Status::Skipped)),
            Standing::Code("22".to_owned())
        );
        let failed = standing(Some(&link), ended(Status::Failed));
        assert!(
            matches!(failed, Standing::Waits(why) if why.contains("تکراری") && why.contains("siaghsync retry"))
        );
        link.state = LinkState::Conflict;
        assert!(matches!(standing(Some(&link), None), Standing::Waits(_)));
        link.state = LinkState::Closed;
        assert_eq!(standing(Some(&link), None), Standing::Closed);
    }
}
