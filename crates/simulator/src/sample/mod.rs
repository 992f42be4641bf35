//! Realistic Persian sample data.

use crate::{crm::CrmHandle, error::SimError, finance::FinanceHandle};

/// Puts the sample data into both systems.
pub fn load(_crm: &CrmHandle, _finance: &FinanceHandle) -> Result<(), SimError> {
    Ok(())
}
