//! What became of one field, and why: what an audit row says.

use serde::{Deserialize, Serialize};

use crate::customer::Field;
use crate::message::Code;
use crate::side::Side;

/// Changes of one field in an audit row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The field.
    pub field: Field,
    /// The CRM's value before.
    pub crm: String,
    /// Finance's value before.
    pub finance: String,
    /// Whose value was taken; `None`: held for a human.
    pub winner: Option<Side>,
    /// Why.
    pub reason: Reason,
}

/// Why a field is treated as it is; stands in the audit row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Only this side changed.
    OnlyThisChanged,
    /// First meeting: the other side has no value.
    OtherIsEmpty,
    /// Both changed; this side's change is the later.
    LaterWins,
    /// Both changed, it can't be said which is the later; the tie-breaker names this side.
    Tie,
    /// Both changed; the strategy names this side.
    Priority,
    /// Both changed; a human decides.
    HeldForHuman,
    /// The CRM deleted the customer: finance's contact is set inactive (`DELETE_POLICY=deactivate`).
    DeletedInCrm,
    /// Written by an earlier run whose answer was lost; seen to have landed. (Rows of version 0.1.)
    ConfirmedLater,
    /// An old write of ours, landing late, had put the other side's field back: it gets this side's value again.
    TakenBack,
    /// Written back and forth between the same values: a human decides.
    Oscillates,
    /// What was written came back in a form that nobody knows: it may be an edit of that moment. A human decides.
    Altered,
    /// An operator has said whose value stands (`siaghsync resolve --keep`).
    SettledByHand,
    /// This field travels in one direction only.
    OneWay,
}

impl Reason {
    /// The code by which it is written out.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::OnlyThisChanged => Code::BecauseOnlyThisChanged,
            Self::OtherIsEmpty => Code::BecauseOtherIsEmpty,
            Self::LaterWins => Code::BecauseLaterWins,
            Self::Tie => Code::BecauseTie,
            Self::Priority => Code::BecausePriority,
            Self::HeldForHuman => Code::BecauseHeldForHuman,
            Self::DeletedInCrm => Code::BecauseDeletedInCrm,
            Self::ConfirmedLater => Code::BecauseConfirmedLater,
            Self::TakenBack => Code::BecauseTakenBack,
            Self::Oscillates => Code::BecauseOscillates,
            Self::Altered => Code::BecauseAltered,
            Self::SettledByHand => Code::BecauseSettledByHand,
            Self::OneWay => Code::BecauseOneWay,
        }
    }

    /// Whether both sides had changed, so that one value loses.
    #[must_use]
    pub fn is_conflict(self) -> bool {
        matches!(
            self,
            Self::LaterWins
                | Self::Tie
                | Self::Priority
                | Self::HeldForHuman
                | Self::SettledByHand
                | Self::Oscillates
                | Self::Altered
        )
    }
}
