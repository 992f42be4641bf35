//! Documents.

use domain::document::{Document, DocumentKind, DocumentSnapshot};
use domain::in_flight::{InFlight, Issue, Write};
use domain::link::{IssuedDocument, Link};
use domain::side::Side;
use domain::store::Ruling;
use engine::seen::{Seen, Sight};
use engine::step::{Ending, Step};

use super::{at, decide_document};
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
