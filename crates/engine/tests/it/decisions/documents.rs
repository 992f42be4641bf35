//! Documents.

use domain::document::{Document, DocumentKind, DocumentSnapshot};
use domain::in_flight::{InFlight, Issue, Write};
use domain::link::{IssuedDocument, Link, LinkState};
use domain::message::Code;
use domain::side::Side;
use domain::store::{Awaited, Ruling};
use engine::seen::{Seen, Sight};
use engine::step::{Ending, Step};

use super::{at, base, decide_document, half, linked, out, save};
use crate::desk::document;

fn quote() -> (Link, Document) {
    let mut link = Link::unmet(domain::entity::EntityType::PreInvoice);
    link.crm_id = Some("q".to_owned());
    (link, document(DocumentKind::Quote, "c"))
}

fn snapshot(document: &Document, ref_id: &str) -> DocumentSnapshot {
    DocumentSnapshot {
        id: "q".to_owned(),
        document: document.clone(),
        ref_id: ref_id.to_owned(),
        created_at: None,
        modified_at: None,
        whole: serde_json::Value::Null,
    }
}

fn seen(link: &Link, record: DocumentSnapshot) -> Seen {
    let mut seen = Seen::nothing(Side::Crm, link.clone(), at(9));
    seen.document = Sight::Here { record, at: at(9) };
    seen
}

#[test]
fn a_document_that_was_edited_while_its_number_was_noted_is_looked_at_again() {
    let (mut link, document) = quote();
    link.issued = Some(Box::new(IssuedDocument {
        number: "2001".to_owned(),
        at: at(0),
        document: document.clone(),
        accepted: None,
        disputed: None,
    }));
    let mut before = document.clone();
    before.subject = "مقوا".to_owned();
    for (noted, ref_id, again) in [
        (&document, "2001", false),
        (&document, " 2001 ", false),
        (&document, "7", true),
        (&before, "2001", true),
        (&before, "7", true),
    ] {
        let mut seen = seen(&link, snapshot(&document, ref_id));
        seen.noted = Some(snapshot(noted, ""));
        let (known, step) = decide_document(&link, &seen);
        assert!(matches!(step, Step::End(Ending::Issued)), "{step:?}");
        assert_eq!(known.look_again, again, "{} {ref_id}", noted.subject);
    }
}

#[test]
fn a_ruling_is_about_the_request_that_was_seen_and_about_no_later_one() {
    let (mut link, document) = quote();
    let sent = Issue {
        at: at(5),
        document: document.clone(),
        customer_code: "22".to_owned(),
        said_to_be: None,
        answer: None,
        again: false,
    };
    link.in_flight = InFlight(vec![Write::Issue(Box::new(sent))]);
    for (second, number) in [(5, Some("77")), (4, None)] {
        let mut seen = seen(&link, snapshot(&document, ""));
        seen.ruling = Some(Ruling::Exists {
            sent_at: at(second),
            number: "77".to_owned(),
        });
        let (known, _) = decide_document(&link, &seen);
        let issued = known.link.issued.as_ref().map(|issued| issued.number.as_str());
        assert_eq!(issued, number);
        seen.ruling = Some(Ruling::SendAgain { sent_at: at(second) });
        let (known, _) = decide_document(&link, &seen);
        let again = known.link.in_flight.issue().map(|sent| sent.again);
        assert_eq!(again, Some(number.is_some()));
    }
}

/// A quote whose customer is no one's contact yet: its own row is there already, or was just made, and the CRM has it.
fn of_customer(customer: Option<Link>, enqueued: bool) -> Seen {
    let (link, document) = quote();
    let mut seen = seen(&link, snapshot(&document, ""));
    seen.standing = Some((customer, None));
    seen.enqueued = Some(enqueued);
    seen.asked.insert((Side::Crm, "c".to_owned()), true);
    seen
}

fn awaits(seen: &Seen) -> (Code, Awaited) {
    match decide_document(&quote().0, seen).1 {
        Step::End(Ending::Awaits(why, awaited)) => (why.code, awaited),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_awaits_the_row_of_its_customer_whoever_has_made_it() {
    for enqueued in [true, false] {
        let (why, awaited) = awaits(&of_customer(None, enqueued));
        assert_eq!((why, awaited.enqueued), (Code::CustomerIsSyncedFirst, enqueued));
        assert_eq!((awaited.customer.as_str(), awaited.version), ("c", None));
    }
}

#[test]
fn only_a_customer_who_is_nobody_and_was_never_met_ends_its_document() {
    let mut nobodys = of_customer(None, false);
    nobodys.nobodys.insert((Side::Crm, "c".to_owned()));
    let step = decide_document(&quote().0, &nobodys).1;
    assert!(
        matches!(&step, Step::End(Ending::Invalid(why)) if why[0].code == Code::CustomerIsNobody),
        "{step:?}"
    );
    nobodys.standing = Some((Some(half(Side::Crm)), None));
    assert_eq!(awaits(&nobodys).0, Code::CustomerIsSyncedFirst);
}

#[test]
fn who_bears_the_number_of_a_company_that_is_not_served_is_its_own_unless_something_stands_here() {
    let step = |customer: Option<Link>| {
        let mut seen = of_customer(customer, false);
        let other = domain::company::Company::of(300).unwrap();
        seen.unserved.insert("c".to_owned(), other);
        decide_document(&quote().0, &seen).1
    };
    let awaits = |step: Step| matches!(step, Step::End(Ending::Awaits(..)));
    assert!(!awaits(step(None)) && !awaits(step(Some(half(Side::Crm)))));
    let mut sent = half(Side::Crm);
    sent.in_flight = out(&[save(Side::Finance, 0, &base(&[]), "a")]);
    assert!(awaits(step(Some(sent))));
    let mut whole = linked(None);
    whole.state = LinkState::Conflict;
    assert!(awaits(step(Some(whole))));
}
