//! Documents that are issued, that wait, that are refused, that change.

use std::sync::Arc;
use std::time::Duration;

use domain::document::DocumentKind::{Invoice, Quote};
use domain::ports::{PortError, Side};
use domain::store::{EntityType, Status};
use engine::document::DocumentRules;
use engine::{Engine, Ran};

use crate::desk::document;
use crate::world::{Fault, World, person};

use super::{a_quote, class, customer, entity, quote, run, run_by, sync, words};

promises! {
    a_quote_is_issued_once_and_its_number_noted
    a_quote_waits_for_its_customer_and_goes_on_by_itself
    a_quote_of_a_customer_in_trouble_waits_visibly
    a_quote_whose_customer_was_never_there_or_is_gone_ends_and_says_what_to_do
    a_quote_that_gets_another_customer_while_it_waits_waits_for_that_one
    a_quote_whose_customer_only_seemed_to_be_gone_is_issued
    a_request_that_did_not_go_out_is_tried_again
    a_refusal_is_the_targets_own_words_and_a_mended_document_goes
    a_document_that_is_wrong_is_not_sent_and_says_each_row
    a_changed_document_waits_with_its_differences_until_accepted
    an_echo_does_nothing
    a_number_that_could_not_be_noted_is_noted_later
    nothing_is_noted_when_that_is_off_or_the_field_is_taken
    an_invoice_of_an_issued_quote_is_skipped_and_the_other_way_round
    states_limit_what_is_issued
    a_deleted_document_stays_in_finance
}

async fn a_quote_is_issued_once_and_its_number_noted(w: &World) {
    let (crm, code) = customer(w).await;
    w.crm.desk.add("q", document(Quote, &crm));
    let row = quote(w).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    assert_eq!(w.finance.desk.issued(), [(document(Quote, &crm), code)]);
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "2001");
    assert_eq!(row.target_entity_id.as_deref(), Some("5001"));
    assert!(
        words(&row).contains("2001") && words(&row).contains("5001"),
        "{row:?}"
    );
    let audits: Vec<_> = w.rows().await;
    let noted = audits
        .iter()
        .find(|r| r.transaction_id == row.transaction_id && r.id != row.id);
    assert_eq!(noted.unwrap().direction, "FINANCE_TO_CRM");
    let link = w
        .links()
        .await
        .into_iter()
        .find(|m| m.entity_type == EntityType::PreInvoice);
    let link = link.unwrap();
    assert_eq!(link.finance_id.as_deref(), Some("5001"));
    assert_eq!(link.base.unwrap()["number"], "2001");
}

async fn an_echo_does_nothing(w: &World) {
    a_quote(w).await;
    quote(w).await;
    for _ in 0..3 {
        let row = quote(w).await;
        assert_eq!(row.status, Status::Skipped, "{row:?}");
    }
    assert_eq!((w.finance.desk.issued().len(), w.crm.desk.notes()), (1, 1));
}

async fn a_quote_waits_for_its_customer_and_goes_on_by_itself(w: &World) {
    let crm = w.crm.add(person("سارا", "09351112233"));
    w.crm.desk.add("q", document(Quote, &crm));
    let row = quote(w).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    let code = w.finance.ids().pop().unwrap();
    assert_eq!(w.finance.desk.issued(), [(document(Quote, &crm), code)]);
    let customers = w
        .rows()
        .await
        .into_iter()
        .filter(|r| r.entity_type == EntityType::Customer);
    let heard: Vec<_> = customers.filter(|r| r.event_id.is_some()).collect();
    assert_eq!(heard.len(), 1, "looking again hears nothing twice: {heard:?}");
}

async fn a_quote_of_a_customer_in_trouble_waits_visibly(w: &World) {
    let crm = w.crm.add(person("سارا", "09351112233"));
    w.crm.desk.add("q", document(Quote, &crm));
    w.finance
        .fail(Fault::Before(PortError::Refused("تکراری است".into())));
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    let row = run(w, ring.clone(), 8).await;
    assert_eq!((row.status, class(&row)), (Status::Pending, "dependency"));
    assert!(
        words(&row).contains("تکراری است") && words(&row).contains("siaghsync retry"),
        "{row:?}"
    );
    assert_eq!(w.finance.desk.issued(), []);
    // It asks nobody while it waits.
    assert_eq!(w.engine.run(&ring).await.unwrap(), Ran::NotDue);
    // Mended by hand: the document goes on by itself.
    let mended = w.enqueue(Side::Crm, &crm).await;
    assert_eq!(run(w, mended, 20).await.status, Status::Success);
    assert_eq!(w.row(&ring).await.status, Status::Success);
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn a_quote_whose_customer_was_never_there_or_is_gone_ends_and_says_what_to_do(w: &World) {
    let gone = async |says: &str| {
        let row = quote(w).await;
        assert_eq!((row.status, class(&row)), (Status::Failed, "invalid"), "{row:?}");
        assert!(
            words(&row).contains(says) && words(&row).contains("another customer"),
            "{row:?}"
        );
    };
    // Deleted before it was ever synced.
    let crm = w.crm.add(person("سارا", "09351112233"));
    w.crm.desk.add("q", document(Quote, &crm));
    w.crm.delete(&crm);
    gone("is not in the CRM").await;
    // One that could not be synced, and was deleted then.
    let crm = w.crm.add(person("مریم", "09351112234"));
    w.crm.desk.edit("q", |q| q.document.customer = crm.clone());
    w.finance
        .fail(Fault::Before(PortError::Refused("تکراری است".into())));
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    assert_eq!(run(w, ring.clone(), 8).await.status, Status::Pending);
    w.crm.delete(&crm);
    // Nobody has heard of that.
    w.clock.turn(Duration::from_secs(3600));
    let row = run(w, ring, 1).await;
    assert_eq!((row.status, class(&row)), (Status::Failed, "invalid"), "{row:?}");
    // Known to both systems once: deleted here, or there.
    let (crm, code) = customer(w).await;
    w.crm.desk.edit("q", |q| q.document.customer = crm.clone());
    w.finance.delete(&code);
    assert_eq!(w.sync(Side::Crm, &crm).await, Status::Skipped);
    gone(&format!("deleted in finance, where it was contact {code}")).await;
    w.crm.delete(&crm);
    gone("is not in the CRM").await;
    assert_eq!(w.finance.desk.issued(), []);
    assert!(
        w.links()
            .await
            .iter()
            .all(|m| m.entity_type == EntityType::Customer),
        "nothing is known of a quote that was never sent"
    );
    // Its author gives it another customer.
    let (crm, code) = customer(w).await;
    w.crm.desk.edit("q", |q| q.document.customer = crm.clone());
    assert_eq!(quote(w).await.status, Status::Success);
    assert_eq!(w.finance.desk.issued(), [(document(Quote, &crm), code)]);
}

async fn a_quote_that_gets_another_customer_while_it_waits_waits_for_that_one(w: &World) {
    let wrong = w.crm.add(person("سارا", "09351112233"));
    w.crm.desk.add("q", document(Quote, &wrong));
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    assert_eq!(run(w, ring.clone(), 0).await.status, Status::Pending);
    let right = w.crm.add(person("مریم", "09351112234"));
    w.crm.desk.edit("q", |q| q.document.customer = right.clone());
    assert_eq!(quote(w).await.status, Status::Success);
    assert_eq!(w.row(&ring).await.status, Status::Skipped);
    let code = w.finance.ids().pop().unwrap();
    assert_eq!(w.finance.desk.issued(), [(document(Quote, &right), code)]);
}

async fn a_quote_whose_customer_only_seemed_to_be_gone_is_issued(w: &World) {
    let (crm, code) = customer(w).await;
    w.crm.desk.add("q", document(Quote, &crm));
    let deleted = w.crm.delete(&crm);
    assert_eq!(w.sync(Side::Crm, &crm).await, Status::Skipped);
    w.crm.restore(&crm, deleted);
    assert_eq!(quote(w).await.status, Status::Success);
    assert_eq!(w.finance.desk.issued(), [(document(Quote, &crm), code)]);
}

async fn a_request_that_did_not_go_out_is_tried_again(w: &World) {
    a_quote(w).await;
    let down = PortError::Transient {
        message: "connection refused".into(),
        retry_after: None,
    };
    w.finance.fail(Fault::Before(down));
    let row = quote(w).await;
    assert_eq!((row.status, row.retry_count), (Status::Success, 1), "{row:?}");
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn a_refusal_is_the_targets_own_words_and_a_mended_document_goes(w: &World) {
    a_quote(w).await;
    let said = "قیمت ردیف 1 درست وارد نشده است";
    w.finance.fail(Fault::Before(PortError::Refused(said.into())));
    let row = quote(w).await;
    assert_eq!((row.status, class(&row)), (Status::Failed, "refused"));
    assert!(words(&row).contains(said));
    assert_eq!(quote(w).await.status, Status::Success);
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn a_document_that_is_wrong_is_not_sent_and_says_each_row(w: &World) {
    a_quote(w).await;
    w.crm.desk.edit("q", |q| {
        q.document.rows[0].product_code.clear();
        let mut second = q.document.rows[0].clone();
        second.product_code = "2".into();
        second.count = "0".parse().unwrap();
        q.document.rows.push(second);
    });
    let row = quote(w).await;
    assert_eq!((row.status, class(&row)), (Status::Failed, "invalid"));
    assert!(
        words(&row).contains("row 1:") && words(&row).contains("row 2:"),
        "{row:?}"
    );
    assert_eq!(w.finance.desk.issued(), []);
    w.crm.desk.edit("q", |q| {
        q.document.rows.truncate(1);
        q.document.rows[0].product_code = "500102014".into();
    });
    assert_eq!(quote(w).await.status, Status::Success);
}

async fn a_changed_document_waits_with_its_differences_until_accepted(w: &World) {
    a_quote(w).await;
    quote(w).await;
    w.crm
        .desk
        .edit("q", |q| q.document.rows[0].count = "11".parse().unwrap());
    let row = quote(w).await;
    assert_eq!((row.status, class(&row)), (Status::Conflict, "conflict"));
    assert!(words(&row).contains("row 1: count \"10\" → \"11\""), "{row:?}");
    let changes = row.changes.clone().unwrap();
    assert_eq!(
        (&changes[0]["row"], &changes[0]["field"]),
        (&1.into(), &"count".into())
    );
    // Taken back: nothing waits any more.
    w.crm
        .desk
        .edit("q", |q| q.document.rows[0].count = "10".parse().unwrap());
    assert_eq!(quote(w).await.status, Status::Skipped);
    assert!(w.rows().await.iter().all(|r| r.status != Status::Conflict));
    // Changed for good, and accepted.
    w.crm
        .desk
        .edit("q", |q| q.document.rows[0].count = "12".parse().unwrap());
    assert_eq!(quote(w).await.status, Status::Conflict);
    let ring = w
        .engine
        .accept(&entity(EntityType::PreInvoice, "q"), None)
        .await
        .unwrap();
    assert_eq!(run(w, ring, 5).await.status, Status::Success);
    assert_eq!(quote(w).await.status, Status::Skipped);
    w.crm
        .desk
        .edit("q", |q| q.document.rows[0].count = "13".parse().unwrap());
    let row = quote(w).await;
    assert!(words(&row).contains("\"12\" → \"13\""), "{row:?}");
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn a_number_that_could_not_be_noted_is_noted_later(w: &World) {
    a_quote(w).await;
    let down = PortError::Transient {
        message: "503".into(),
        retry_after: None,
    };
    w.crm.fail(Fault::Before(down));
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    let first = run(w, ring.clone(), 0).await;
    assert_eq!(
        (first.status, class(&first)),
        (Status::Pending, "transient"),
        "{first:?}"
    );
    assert!(words(&first).contains("issued as pre-invoice 2001"));
    let row = run(w, ring, 5).await;
    assert_eq!(row.status, Status::Success, "{row:?}");
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "2001");
    assert_eq!(w.finance.desk.issued().len(), 1);
}

async fn nothing_is_noted_when_that_is_off_or_the_field_is_taken(w: &World) {
    a_quote(w).await;
    let silent = Engine {
        documents: DocumentRules {
            write_back: false,
            ..DocumentRules::default()
        },
        ..w.engine.clone()
    };
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    assert_eq!(run_by(w, &silent, ring, 5).await.status, Status::Success);
    assert_eq!(w.crm.desk.notes(), 0);
    w.crm.desk.edit("q", |q| q.ref_id = "mine".into());
    assert_eq!(quote(w).await.status, Status::Skipped);
    assert_eq!(w.crm.desk.read(Quote, "q").unwrap().ref_id, "mine");
}

async fn an_invoice_of_an_issued_quote_is_skipped_and_the_other_way_round(w: &World) {
    let (crm, _) = customer(w).await;
    let of = |quote: &str| {
        let mut invoice = document(Invoice, &crm);
        invoice.related_quote = Some(quote.to_owned());
        invoice
    };
    w.crm.desk.add("q", document(Quote, &crm));
    w.crm.desk.add("i", of("Q"));
    quote(w).await;
    let row = sync(w, EntityType::Invoice, "i").await;
    assert_eq!(row.status, Status::Skipped, "{row:?}");
    assert!(words(&row).contains("issued already"));
    // Parts of one quote that was not issued itself; then the quote.
    for part in ["i1", "i2"] {
        w.crm.desk.add(part, of("q2"));
        assert_eq!(sync(w, EntityType::Invoice, part).await.status, Status::Success);
    }
    w.crm.desk.add("q2", document(Quote, &crm));
    let row = sync(w, EntityType::PreInvoice, "q2").await;
    assert_eq!(row.status, Status::Skipped, "{row:?}");
    assert_eq!(w.finance.desk.issued().len(), 3);
}

async fn states_limit_what_is_issued(w: &World) {
    a_quote(w).await;
    let picky = Engine {
        documents: DocumentRules {
            states: vec!["numbered".to_owned()],
            ..DocumentRules::default()
        },
        ..w.engine.clone()
    };
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    let row = run_by(w, &picky, ring, 5).await;
    assert_eq!(row.status, Status::Skipped);
    assert!(words(&row).contains("DOCUMENT_STATES"), "{row:?}");
    w.crm.desk.edit("q", |q| q.document.state = "Numbered".into());
    let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
    assert_eq!(run_by(w, &picky, ring, 5).await.status, Status::Success);
}

async fn a_deleted_document_stays_in_finance(w: &World) {
    a_quote(w).await;
    quote(w).await;
    w.crm.desk.delete("q");
    let row = quote(w).await;
    assert_eq!(row.status, Status::Skipped);
    assert!(
        words(&row).contains("pre-invoice 2001 stands in finance"),
        "{row:?}"
    );
    let row = sync(w, EntityType::PreInvoice, "never").await;
    assert_eq!(row.status, Status::Skipped);
    assert!(
        w.links()
            .await
            .iter()
            .all(|m| m.crm_id.as_deref() != Some("never"))
    );
}

/// Two workers at one document: one issues it.
#[tokio::test]
async fn two_workers_issue_one_document() {
    let w = World::new(crate::world::On::Postgres).await;
    a_quote(&w).await;
    let mut tasks = Vec::new();
    for worker in 0..4 {
        let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
        let engine = Arc::new(Engine {
            owner: format!("worker-{worker}"),
            ..w.engine.clone()
        });
        tasks.push(tokio::spawn(async move { engine.run(&ring).await.unwrap() }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(w.finance.desk.issued().len(), 1);
    w.drop_it().await;
}
