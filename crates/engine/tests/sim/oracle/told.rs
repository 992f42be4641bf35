//! What the audit rows tell of fields: whose value lost, or is held.

use domain::change::{Change, Reason};
use domain::customer::Field;
use domain::ports::Side;
use domain::store::entities::log;
use domain::text::normal;
use uuid::Uuid;

use crate::people::Edit;
use crate::sched::{Time, time_of};

/// A value that an audit row says has lost, or is held.
pub struct Loss {
    link: Option<Uuid>,
    field: Field,
    side: Side,
    /// In normal form.
    value: String,
    told: Time,
    /// The row speaks of a conflict, or of a first meeting.
    pub as_conflict: bool,
    /// A human has said which side's value stands.
    pub by_hand: bool,
}

impl Loss {
    /// Whether this tells that the edit has lost.
    pub fn is_of(&self, link: Uuid, edit: &Edit) -> bool {
        self.link == Some(link)
            && edit.field == Some(self.field)
            && self.side == edit.side
            && self.value == normal(self.field, &edit.value)
            && self.told >= edit.at
    }
}

/// The values that a change takes from a side. At a first meeting nothing tells a field that was emptied from one that was
/// never filled.
fn losers(change: &Change) -> &'static [Side] {
    match (change.reason, change.winner) {
        (Reason::DeletedInCrm | Reason::OneWay, _) => &[],
        (_, Some(Side::Crm)) => &[Side::Finance],
        (_, Some(Side::Finance)) => &[Side::Crm],
        (_, None) => &[Side::Crm, Side::Finance],
    }
}

pub fn losses(row: &log::Model) -> Vec<Loss> {
    let told = row.completed_at.map_or(0, time_of);
    let mut losses = Vec::new();
    for change in changes(row) {
        for &side in losers(&change) {
            let value = match side {
                Side::Crm => &change.crm,
                Side::Finance => &change.finance,
            };
            losses.push(Loss {
                link: row.entity_mapping_id,
                field: change.field,
                side,
                value: normal(change.field, value),
                told,
                by_hand: change.reason == Reason::SettledByHand,
                as_conflict: change.reason.is_conflict() || change.reason == Reason::OtherIsEmpty,
            });
        }
    }
    losses
}

pub fn changes(row: &log::Model) -> Vec<Change> {
    let json = row.changes.clone();
    json.and_then(|json| serde_json::from_value(json).ok())
        .unwrap_or_default()
}
