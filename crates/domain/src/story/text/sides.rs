//! What each side held.

use super::{document, list, quoted};
use crate::customer::Field;
use crate::side::Side;
use crate::story::{Counterpart, Sides, Story};

/// Before anything was written.
pub(super) fn held(story: &Story) -> Vec<String> {
    match &story.sides {
        Sides::Nothing => vec!["it was not looked at".to_owned()],
        Sides::One {
            side,
            holds,
            counterpart,
        } => {
            let other = side.other();
            let counterpart = match counterpart {
                Counterpart::NotRead { id } => format!("{other} {id} was not read"),
                Counterpart::NotLinked => format!("no record of {other} was linked with it"),
            };
            let fields = list(holds.values.keys().copied());
            vec![format!("{side} held {fields}; {counterpart}")]
        }
        Sides::Both {
            crm,
            finance,
            same,
            different,
        } => {
            let mut lines = vec![match same.is_empty() {
                true if !story.decided.fields.is_empty() => {
                    "no other field was the same on both sides".to_owned()
                }
                true => "the two sides had nothing in common".to_owned(),
                false => format!("the same on both sides: {}", list(same.iter().copied())),
            }];
            let held = |side, field| match side {
                Side::Crm => format!("{side} {}", quoted(crm.get(field))),
                Side::Finance => format!("{side} {}", quoted(finance.get(field))),
            };
            let (here, there) = (story.source.side, story.target.side);
            let pair = |field: &Field| {
                format!(
                    "different: {field}, {}, {}",
                    held(here, *field),
                    held(there, *field)
                )
            };
            lines.extend(different.iter().map(pair));
            lines
        }
        Sides::Document { document } => document::held(document),
    }
}
