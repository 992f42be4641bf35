//! Documents that wait for their customer, and the end of that.

use chrono::{DateTime, Utc};
use domain::ports::{Ring, Side};
use domain::store::{Awaited, EntityRef, EntityType};

use crate::memory::own::Own;
use crate::memory::tables::{Tables, micros};

/// Makes due what waits for that customer.
pub(super) fn wake(tables: &mut Tables, customer: &str, now: DateTime<Utc>) -> Vec<Ring> {
    let mut woken = Vec::new();
    for retry in tables.retries.values_mut() {
        if retry.waits_for.as_deref() == Some(customer) {
            retry.next_retry_at = micros(now);
            retry.waits_for = None;
            let row = tables.log.get(&retry.sync_log_id);
            woken.push(Ring {
                row: retry.sync_log_id,
                traceparent: row.and_then(|row| row.trace_parent.clone()),
            });
        }
    }
    woken
}

/// Whether the customer still stands as the document's run has found it.
pub(super) fn still_awaited(own: &Own, tables: &Tables, awaited: &Awaited) -> bool {
    let customer = EntityRef::customer(Side::Crm, &awaited.customer);
    let link = tables.link_of(&customer, own.company);
    let runs = || {
        let mut rows = tables.open.iter().filter_map(|id| tables.log.get(id));
        rows.any(|row| {
            row.entity_type == EntityType::Customer
                && row.source_system == "CRM"
                && row.source_entity_id == awaited.customer
        })
    };
    match awaited.version {
        Some(version) => link.is_some_and(|link| link.version == version),
        None => runs() || !awaited.enqueued && link.is_none(),
    }
}
