//! Documents of which nobody knows whether they were issued: nothing is ever sent again by itself.

use std::time::Duration;

use domain::document::DocumentKind::{Invoice, Quote};
use domain::in_flight::{InFlight, Issue, Write};
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{Claim, EntityType, Status};

use crate::desk::document;
use crate::world::{Fault, World, intended};

use super::{a_quote, class, customer, entity, quote, run, words};

promises! {
    a_lost_answer_waits_for_a_human_and_is_never_sent_again_by_itself
    an_operator_says_that_it_is_there
    an_operator_says_that_it_is_not_there
    a_second_loss_after_send_again_waits_for_a_human_again
    a_run_killed_after_the_intent_waits_for_a_human
    a_run_killed_after_the_answer_knows_it
    a_document_that_someone_else_has_issued_is_asked_about
    an_invoice_waits_while_its_quote_is_in_doubt
    a_quote_that_is_not_there_and_cannot_be_sent_gives_its_order_back
    rulings_about_nothing_are_refused
}

/// A quote whose answer was lost.
async fn lost(w: &World) -> log::Model {
    a_quote(w).await;
    w.finance.fail(Fault::LostAnswer);
    let row = quote(w).await;
    assert_eq!(
        (row.status, class(&row)),
        (Status::Conflict, "unknown_outcome"),
        "{row:?}"
    );
    assert!(words(&row).contains("--exists") && words(&row).contains("--send-again"));
    row
}

async fn a_lost_answer_waits_for_a_human_and_is_never_sent_again_by_itself(w: &World) {
    lost(w).await;
    for _ in 0..3 {
        w.clock.turn(Duration::from_secs(3600));
        let row = quote(w).await;
        assert_eq!((row.status, class(&row)), (Status::Conflict, "unknown_outcome"));
    }
    assert_eq!(w.finance.desk.issued().len(), 1);
    let waiting = w
        .rows()
        .await
        .into_iter()
        .filter(|r| r.status == Status::Conflict);
    assert_eq!(waiting.count(), 1, "one conflict per entity");
}

async fn an_operator_says_that_it_is_there(w: &World) {
    let conflict = lost(w).await;
    let ring = w
        .engine
        .exists(&entity(EntityType::PreInvoice, "q"), " 2001 ", None)
        .await
        .unwrap();
    let row = run(w, ring, 5).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "2001");
    assert_eq!(w.finance.desk.issued().len(), 1);
    let rows = w.rows().await;
    let old = rows.iter().find(|r| r.id == conflict.id).unwrap();
    assert_eq!(old.status, Status::Skipped, "its conflict is settled");
    assert_eq!(quote(w).await.status, Status::Skipped);
}

async fn an_operator_says_that_it_is_not_there(w: &World) {
    lost(w).await;
    let it = entity(EntityType::PreInvoice, "q");
    let soon = w.engine.send_again(&it, None).await.unwrap_err().to_string();
    assert!(soon.contains("may still arrive"), "{soon}");
    w.clock.turn(Duration::from_secs(121));
    let ring = w.engine.send_again(&it, None).await.unwrap();
    let row = run(w, ring, 5).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    // The operator was wrong here, but it was the operator who sent it twice.
    assert_eq!(w.finance.desk.issued().len(), 2);
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "2002");
}

async fn a_second_loss_after_send_again_waits_for_a_human_again(w: &World) {
    lost(w).await;
    w.clock.turn(Duration::from_secs(121));
    let it = entity(EntityType::PreInvoice, "q");
    let ring = w.engine.send_again(&it, None).await.unwrap();
    w.finance.fail(Fault::LostAnswer);
    let row = run(w, ring.clone(), 5).await;
    assert_eq!((row.status, class(&row)), (Status::Conflict, "unknown_outcome"));
    // The same ruling, should its row ever be taken up again, is about the first request only.
    assert_eq!(w.store.retry(Some(ring.row)).await.unwrap(), 0);
    w.clock.turn(Duration::from_secs(121));
    assert_eq!(quote(w).await.status, Status::Conflict);
    assert_eq!(w.finance.desk.issued().len(), 2);
}

async fn intend(w: &World, answer: bool) -> Ring {
    let (crm, code) = customer(w).await;
    w.crm.desk.add("q", document(Quote, &crm));
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    let lease = Duration::from_secs(60);
    let Claim::Taken(work) = w.store.claim(ring.row, "killed", lease).await.unwrap() else {
        panic!("not taken");
    };
    let document = document(Quote, &crm);
    let sent = Issue {
        at: w.engine.clock.now(),
        answer: answer.then(|| w.finance.desk.issue(&document, &code)),
        document,
        customer_code: code,
        said_to_be: None,
        again: false,
    };
    let in_flight = InFlight(vec![Write::Issue(Box::new(sent))]);
    w.store
        .intend(&work.lease, intended(&in_flight), lease)
        .await
        .unwrap();
    w.clock.turn(Duration::from_secs(61));
    ring
}

async fn a_run_killed_after_the_intent_waits_for_a_human(w: &World) {
    let ring = intend(w, false).await;
    let row = run(w, ring, 5).await;
    assert_eq!(
        (row.status, class(&row)),
        (Status::Conflict, "unknown_outcome"),
        "{row:?}"
    );
    assert_eq!(w.finance.desk.issued(), []);
}

async fn a_run_killed_after_the_answer_knows_it(w: &World) {
    let ring = intend(w, true).await;
    let row = run(w, ring, 5).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    assert_eq!(w.finance.desk.issued().len(), 1);
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "2001");
}

async fn a_document_that_someone_else_has_issued_is_asked_about(w: &World) {
    a_quote(w).await;
    w.crm.desk.edit("q", |q| q.ref_id = "777".into());
    let row = quote(w).await;
    assert_eq!((row.status, class(&row)), (Status::Conflict, "unknown_outcome"));
    assert!(words(&row).contains("\"777\""), "{row:?}");
    assert_eq!(w.finance.desk.issued(), []);
    let it = entity(EntityType::PreInvoice, "q");
    let ring = w.engine.send_again(&it, None).await.unwrap();
    assert_eq!(run(w, ring, 5).await.status, Status::Success);
    assert_eq!(w.finance.desk.issued().len(), 1);
    assert_eq!(
        w.crm.desk.read(Quote, "q").unwrap().ref_id,
        "777",
        "it was not empty"
    );
}

async fn an_invoice_waits_while_its_quote_is_in_doubt(w: &World) {
    lost(w).await;
    let customer = w.crm.desk.read(Quote, "q").unwrap().document.customer;
    let mut invoice = document(Invoice, &customer);
    invoice.related_quote = Some("q".to_owned());
    w.crm.desk.add("i", invoice);
    let ring = w.hear_of(EntityType::Invoice, Side::Crm, "i").await;
    let row = run(w, ring.clone(), 3).await;
    assert_eq!(
        (row.status, class(&row)),
        (Status::Pending, "dependency"),
        "{row:?}"
    );
    let settled = w
        .engine
        .exists(&entity(EntityType::PreInvoice, "q"), "2001", None)
        .await
        .unwrap();
    run(w, settled, 5).await;
    w.clock.turn(Duration::from_secs(61));
    assert_eq!(run(w, ring, 5).await.status, Status::Skipped);
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn a_quote_that_is_not_there_and_cannot_be_sent_gives_its_order_back(w: &World) {
    lost(w).await;
    let customer = w.crm.desk.read(Quote, "q").unwrap().document.customer;
    let mut invoice = document(Invoice, &customer);
    invoice.related_quote = Some("q".to_owned());
    w.crm.desk.add("i", invoice);
    let waits = w.hear_of(EntityType::Invoice, Side::Crm, "i").await;
    assert_eq!(run(w, waits.clone(), 3).await.status, Status::Pending);
    // An operator says that finance does not have it; meanwhile its author has taken all its rows away.
    w.clock.turn(Duration::from_secs(121));
    w.crm.desk.edit("q", |quote| quote.document.rows.clear());
    let it = entity(EntityType::PreInvoice, "q");
    let ruled = w.engine.send_again(&it, None).await.unwrap();
    assert_eq!(run(w, ruled, 5).await.status, Status::Failed);
    w.clock.turn(Duration::from_secs(61));
    let row = run(w, waits, 5).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
}

async fn rulings_about_nothing_are_refused(w: &World) {
    a_quote(w).await;
    let it = entity(EntityType::PreInvoice, "q");
    let never = w.engine.exists(&it, "1", None).await.unwrap_err().to_string();
    assert!(never.contains("never sent"), "{never}");
    quote(w).await;
    let known = w.engine.send_again(&it, None).await.unwrap_err().to_string();
    assert!(known.contains("stands in finance as pre-invoice 2001"), "{known}");
    let same = w.engine.accept(&it, None).await.unwrap_err().to_string();
    assert!(same.contains("no change"), "{same}");
    let customer = entity(EntityType::Customer, "crm-1");
    let wrong = w.engine.accept(&customer, None).await.unwrap_err().to_string();
    assert!(wrong.contains("this is a customer"), "{wrong}");
    assert_eq!(w.finance.desk.issued().len(), 1);
}
