//! Customer first: a document waits until its customer stands in finance, and goes on by itself. Pure.
//!
//! One whose customer is gone waits for nobody: it ends, and says what its author can do.

use domain::company::Company;
use domain::link::{Link, LinkState};
use domain::matching::another;
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::{Awaited, LastRun, Status, TAKEN};

use super::customer_of;
use crate::seen::{Seen, Sight};
use crate::step::{Ending, Step};

/// What a document's customer is to finance.
#[derive(Debug, PartialEq)]
enum Standing {
    /// It stands there, under this code.
    Code(String),
    /// It must be synced first.
    Unmet,
    /// It waits for something itself.
    Waits(Message),
    /// It was deleted in one of the systems, as far as we know.
    Closed,
}

/// Why there is no code.
pub(super) enum Not {
    /// This is to be done first.
    Yet(Box<Step>),
    /// The customer stands in the finance system of that company, or belongs to it, and it is not served.
    Ours(Company),
}

impl From<Step> for Not {
    fn from(step: Step) -> Self {
        Self::Yet(Box::new(step))
    }
}

/// The customer's code in the finance system of `company`; or why there is none.
pub(super) fn code(seen: &Seen, id: &str, company: Company) -> Result<String, Not> {
    let Some((link, last)) = &seen.standing else {
        return Err(Step::Standing(customer_of(id)).into());
    };
    let elsewhere = link
        .as_ref()
        .filter(|link| link.is_whole() && link.company != company);
    if let Some(link) = elsewhere {
        return Err(Not::Ours(link.company));
    }
    let why = match standing(link.as_ref(), last.as_ref()) {
        Standing::Code(code) => match is_its(seen, link.as_ref()) {
            None => return Err(Step::Contact(code).into()),
            Some(true) => return Ok(code),
            // Whoever stands there instead, or why nobody does, its own run finds out.
            Some(false) if seen.enqueued.is_none() => {
                return Err(Step::Enqueue(customer_of(id)).into());
            }
            Some(false) => return Err(waits(Message::new(Code::CustomerIsSyncedFirst), seen, id).into()),
        },
        Standing::Waits(why) => why,
        Standing::Unmet => match seen.enqueued {
            None => return Err(Step::Enqueue(customer_of(id)).into()),
            Some(true) => return Err(waits(Message::new(Code::CustomerIsSyncedFirst), seen, id).into()),
            Some(false) => Message::new(Code::CustomerIsSyncedFirst),
        },
        Standing::Closed => match seen.enqueued {
            None => return Err(Step::Enqueue(customer_of(id)).into()),
            Some(_) => Message::new(Code::CustomerWasDeletedSomewhere),
        },
    };
    // Nobody syncs it: whoever waited for it would wait for ever.
    let is_unmet = |link: &Link| !link.is_whole() && link.in_flight.is_empty();
    if let Some(company) = seen
        .unserved
        .get(id)
        .filter(|_| link.as_ref().is_none_or(is_unmet))
    {
        return Err(Not::Ours(*company));
    }
    Err(still_there(seen, id, link.as_ref())
        .unwrap_or_else(|| waits(why, seen, id))
        .into())
}

fn waits(why: Message, seen: &Seen, id: &str) -> Step {
    let link = seen.standing.as_ref().and_then(|(link, _)| link.as_ref());
    let awaited = Awaited {
        customer: id.to_owned(),
        version: link.map(|link| link.version),
        enqueued: seen.enqueued == Some(true),
    };
    let why = Message { ..why }.with("customer", id);
    Step::End(Ending::Awaits(why, awaited))
}

/// Nobody settles a customer that is gone: its document ends, and waits for its author.
fn still_there(seen: &Seen, id: &str, link: Option<&Link>) -> Option<Step> {
    let asked = |side: Side, id: &str| match seen.asked.get(&(side, id.to_owned())) {
        Some(there) => Ok(*there),
        None => Err(Box::new(Step::Ask(side, id.to_owned()))),
    };
    let invalid = |why: Message| Some(Step::End(Ending::Invalid(vec![why])));
    match asked(Side::Crm, id) {
        Err(ask) => return Some(*ask),
        Ok(false) => return invalid(Message::new(Code::CustomerIsGone).with("customer", id)),
        // Nobody is synced, and will ever have a code.
        Ok(true) if link.is_none() && seen.nobodys.contains(&(Side::Crm, id.to_owned())) => {
            return invalid(Message::new(Code::CustomerIsNobody).with("customer", id));
        }
        Ok(true) => {}
    }
    let closed = link.filter(|link| link.state == LinkState::Closed);
    let code = closed.and_then(|link| link.finance_id.as_deref())?;
    match asked(Side::Finance, code) {
        Err(ask) => Some(*ask),
        Ok(true) => None,
        Ok(false) => {
            let why = Message::new(Code::CustomerWasDeletedInFinance);
            invalid(why.with("customer", id).with("code", code))
        }
    }
}

/// Whether the contact under the customer's code is still the one that it was; `None`: it was not looked at. One that was
/// never seen linked is not.
fn is_its(seen: &Seen, link: Option<&Link>) -> Option<bool> {
    let contact = match &seen.contact {
        Sight::Unread => return None,
        Sight::Absent => return Some(false),
        Sight::Here { record, .. } => &record.customer,
    };
    let base = link.and_then(|link| link.base.as_ref());
    let was = base.and_then(|base| base.identity(Side::Finance));
    Some(was.is_some_and(|was| another(&was, contact).is_none()))
}

fn standing(link: Option<&Link>, last: Option<&LastRun>) -> Standing {
    let Some(link) = link else {
        return Standing::Unmet;
    };
    // What another record holds of its values is no document's matter.
    let taken = |last: &&LastRun| last.class.as_deref() == Some(TAKEN) && link.finance_id.is_some();
    let stands = last.filter(taken).is_some();
    if let Some(failed) = last.filter(|last| last.status == Status::Failed && !stands) {
        let waits = Message::new(Code::CustomerFailed).with("row", failed.row);
        return Standing::Waits(match &failed.message {
            Some(why) => waits.with_message("why", why),
            None => waits.with("why", ""),
        });
    }
    match (link.state, &link.finance_id) {
        (LinkState::Active, Some(code)) => Standing::Code(code.clone()),
        (LinkState::Conflict, Some(code)) if stands => Standing::Code(code.clone()),
        (LinkState::Conflict, _) => Standing::Waits(Message::new(Code::CustomerWaitsForAHuman)),
        (LinkState::Closed, _) => Standing::Closed,
        (LinkState::New | LinkState::Active, _) => Standing::Unmet,
    }
}

#[cfg(test)]
mod tests {
    use domain::entity::EntityType;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_a_settled_customer_has_a_code() {
        let mut link = Link::unmet(EntityType::Customer);
        assert_eq!(standing(None, None), Standing::Unmet);
        assert_eq!(standing(Some(&link), None), Standing::Unmet);
        link.finance_id = Some("22".to_owned());
        link.state = LinkState::Active;
        let ended = |status| LastRun {
            row: Uuid::nil(),
            status,
            class: None,
            message: Some(Message::new(Code::Words).with("words", "تکراری")),
        };
        let code = standing(Some(&link), Some(&ended(Status::Skipped)));
        assert_eq!(code, Standing::Code("22".to_owned()));
        let failed = standing(Some(&link), Some(&ended(Status::Failed)));
        assert!(
            matches!(&failed, Standing::Waits(why) if why.english().contains("تکراری") && why.english().contains("siaghsync retry")),
            "{failed:?}"
        );
        let taken = |status| LastRun {
            class: Some(TAKEN.to_owned()),
            ..ended(status)
        };
        let code = Standing::Code("22".to_owned());
        assert_eq!(standing(Some(&link), Some(&taken(Status::Failed))), code);
        link.state = LinkState::Conflict;
        assert_eq!(standing(Some(&link), Some(&taken(Status::Conflict))), code);
        assert!(matches!(standing(Some(&link), None), Standing::Waits(_)));
        let unmet = Link::unmet(EntityType::Customer);
        let waits = standing(Some(&unmet), Some(&taken(Status::Failed)));
        assert!(
            matches!(waits, Standing::Waits(_)),
            "it has no code yet: {waits:?}"
        );
        link.state = LinkState::Closed;
        assert_eq!(standing(Some(&link), None), Standing::Closed);
    }
}
