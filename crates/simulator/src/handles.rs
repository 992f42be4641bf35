//! What the control API works on.

use crate::clock::Clock;
use crate::crm::CrmHandle;
use crate::faults::Faults;
use crate::finance::FinanceHandle;

/// Everything of a simulator but its servers.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) crm: CrmHandle,
    pub(crate) finance: FinanceHandle,
    pub(crate) faults: Faults,
    pub(crate) clock: Clock,
}
