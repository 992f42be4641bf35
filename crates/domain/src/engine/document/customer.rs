//! Customer first: a document waits until its customer stands in finance, and goes on by itself.

use super::{DocumentRun, Stop};
use crate::ports::{Ring, Side};
use crate::store::{EntityRef, EntityType, Event, LastRun, Mapping, MappingState, Status};

impl DocumentRun<'_> {
    /// Finance's code of the customer.
    pub(super) async fn customer(&mut self, id: &str) -> Result<String, Stop> {
        let store = &self.engine.store;
        let entity = EntityRef {
            entity_type: EntityType::Customer,
            side: Side::Crm,
            id: id.to_owned(),
        };
        let mapping = store.mapping(&entity).await?;
        let last = match &mapping {
            Some(mapping) => store.last_run(mapping.id).await?,
            None => None,
        };
        match standing(mapping.as_ref(), last) {
            Standing::Code(code) => Ok(code),
            Standing::Waits(why) => Err(Stop::Wait(format!("its customer {id} {why}"))),
            Standing::Unmet => {
                self.hear_customer(entity).await?;
                Err(Stop::Wait(format!("its customer {id} is synced first")))
            }
        }
    }

    /// One row per document: looking again makes no second one.
    async fn hear_customer(&mut self, entity: EntityRef) -> Result<(), Stop> {
        let event = Event {
            row: self.engine.clock.id(),
            entity,
            trigger: self.work.lead.trigger,
            event_id: Some(format!("customer-of:{}", self.work.lead.id)),
            payload: serde_json::json!({ "customerOfDocument": self.work.lead.id }),
            traceparent: None,
            rung: true,
        };
        let row = event.row;
        if self.engine.store.hear(&[event]).await? == [true] {
            self.also.push(Ring {
                row,
                traceparent: None,
            });
        }
        Ok(())
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
}

fn standing(mapping: Option<&Mapping>, last: Option<LastRun>) -> Standing {
    let Some(mapping) = mapping else {
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
    match (mapping.state, &mapping.finance_id) {
        (MappingState::Active, Some(code)) => Standing::Code(code.clone()),
        (MappingState::Conflict, _) => {
            Standing::Waits("waits for a human itself: see `siaghsync log --entity`".to_owned())
        }
        (MappingState::Closed, _) => Standing::Waits("was deleted in one of the systems".to_owned()),
        (MappingState::New | MappingState::Active, _) => Standing::Unmet,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_a_settled_customer_has_a_code() {
        let mut mapping = Mapping::unmet(EntityType::Customer);
        assert_eq!(standing(None, None), Standing::Unmet);
        assert_eq!(standing(Some(&mapping), None), Standing::Unmet);
        mapping.finance_id = Some("22".to_owned());
        mapping.state = MappingState::Active;
        let ended = |status| {
            Some(LastRun {
                row: Uuid::nil(),
                status,
                message: Some("تکراری".to_owned()),
            })
        };
        assert_eq!(
            standing(Some(&mapping), ended(Status::Skipped)),
            Standing::Code("22".to_owned())
        );
        let failed = standing(Some(&mapping), ended(Status::Failed));
        assert!(
            matches!(failed, Standing::Waits(why) if why.contains("تکراری") && why.contains("siaghsync retry"))
        );
        for state in [MappingState::Conflict, MappingState::Closed] {
            mapping.state = state;
            assert!(matches!(standing(Some(&mapping), None), Standing::Waits(_)));
        }
    }
}
