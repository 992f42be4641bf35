//! A second record, which an update of ours has made. Pure.

use domain::in_flight::{InFlight, Write};
use domain::side::Side;
use domain::store::Ruling;

use crate::seen::{Known, Seen};
use crate::step::Step;

/// An update that was answered with another id has made a second record, and would make a third: nothing is sent there
/// while that one stands, unless an operator says so.
pub(super) fn record(known: &mut Known, seen: &Seen) -> Option<Step> {
    for side in Side::BOTH {
        let Some(answered) = id(&known.link.in_flight, side) else {
            continue;
        };
        let stands = match &seen.ruling {
            Some(Ruling::Keep(_)) => false,
            _ => match seen.asked.get(&(side, answered.clone())) {
                Some(stands) => *stands,
                None => return Some(Step::Ask(side, answered)),
            },
        };
        if !stands {
            let out = |write: &Write| matches!(write, Write::Update(update) if update.side == side && update.answered.is_some());
            known.link.in_flight.0.retain(|write| !out(write));
        }
    }
    None
}

/// The id of the second record that an update of that side has made.
pub(super) fn id(in_flight: &InFlight, side: Side) -> Option<String> {
    in_flight
        .updates(side)
        .filter_map(|update| update.answered.clone())
        .next_back()
}
