//! What operators type to name a customer.

use domain::ports::Side;
use domain::store::{EntityRef, EntityType};
use uuid::Uuid;

/// By its CRM id or its finance code.
///
/// # Errors
/// It is neither.
pub(crate) fn customer(id: &str) -> anyhow::Result<EntityRef> {
    let id = id.trim();
    let (side, id) = if let Ok(code) = id.parse::<u64>() {
        (Side::Finance, code.to_string())
    } else if let Ok(guid) = id.parse::<Uuid>() {
        (Side::Crm, guid.to_string())
    } else {
        anyhow::bail!("{id:?} is neither a CRM id (a guid) nor a finance code (a number)");
    };
    Ok(EntityRef {
        entity_type: EntityType::Customer,
        side,
        id,
    })
}
