//! What an operator says of a document: it is there, it is not, or its change is handled. Pure.
//!
//! A ruling is about one thing that was seen: the request that was sent at that time, the document as it stood then.
//! It never applies to a later one, so that a run that is killed and taken up again does not send a third time.

use chrono::{DateTime, Utc};
use domain::in_flight::{Issue, Write};
use domain::message::{Code, Message};
use domain::store::Ruling;

use super::stands;
use crate::seen::{Known, Seen};

pub(super) fn carry_out(known: &mut Known, seen: &Seen) {
    match &seen.ruling {
        Some(Ruling::Exists { sent_at, number }) => {
            if let Some(sent) = unknown_since(known, *sent_at) {
                let document = sent.document.clone();
                known.has_done(Message::new(Code::SaidToExist).with("number", number));
                stands(known, seen, document, None, number.clone());
            }
        }
        Some(Ruling::SendAgain { sent_at }) => {
            if let Some(sent) = unknown_since(known, *sent_at) {
                sent.again = true;
                known.has_done(Message::new(Code::SaidNotToExist));
            }
        }
        Some(Ruling::Accept { document }) => {
            if let Some(issued) = &mut known.link.issued {
                issued.accepted = Some((**document).clone());
                issued.disputed = None;
                known.has_done(Message::new(Code::ChangeAccepted));
            }
        }
        Some(
            Ruling::Keep(_)
            | Ruling::Form
            | Ruling::Columns { .. }
            | Ruling::Same
            | Ruling::SameAs { .. }
            | Ruling::Link { .. }
            | Ruling::Separate { .. },
        )
        | None => {}
    }
}

/// What was sent at that time, if nothing else is known of it: an answer would have been taken over by now.
fn unknown_since(known: &mut Known, sent_at: DateTime<Utc>) -> Option<&mut Issue> {
    known.link.in_flight.0.iter_mut().find_map(|write| match write {
        Write::Issue(sent) if sent.at == sent_at => Some(&mut **sent),
        _ => None,
    })
}
