//! A record of the other side that may be this customer and can't be read: nothing is created beside it. Pure.

use std::time::Duration;

use domain::message::{Code, Message};
use domain::ports::SetAside;
use domain::side::Side;

use crate::seen::Seen;
use crate::step::{Ending, Sending, Step};

/// It is looked at again so often, until somebody has corrected it.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// The step, unless it would create a customer where one may stand that can't be read. Whoever is linked, or found, goes
/// on whatever else can't be read.
pub(crate) fn not_beside(step: Step, seen: &Seen) -> Step {
    let Step::Write(sending) = &step else { return step };
    let Sending::Create(create, _) = &**sending else {
        return step;
    };
    waits(create.side, &seen.aside).map_or(step, Step::End)
}

/// Until those can be read: nobody knows whether one of them is it.
pub(super) fn waits(side: Side, aside: &[SetAside]) -> Option<Ending> {
    let first = aside.first()?;
    let ids: Vec<&str> = aside
        .iter()
        .map(|aside| match aside.id.as_str() {
            "" => "a record without an id",
            id => id,
        })
        .collect();
    let why = Message::new(Code::CandidatesSetAside)
        .with("side", side)
        .with("ids", ids.join(", "))
        .with_message("why", &first.why);
    Some(Ending::Wait(why, LOOK_AGAIN))
}
