//! The two systems, as everything else names them.

use serde::{Deserialize, Serialize};

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// The CRM.
    Crm,
    /// The finance system.
    Finance,
}

impl Side {
    /// Both, the CRM first.
    pub const BOTH: [Self; 2] = [Self::Crm, Self::Finance];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Crm => Self::Finance,
            Self::Finance => Self::Crm,
        }
    }

    /// The name for messages: `CRM`, `finance`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crm => "CRM",
            Self::Finance => "finance",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
