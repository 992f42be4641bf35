//! What the engine promises of documents, one by one: with the store in memory and on a real database.

use std::sync::Arc;
use std::time::Duration;

use domain::document::DocumentKind::{Invoice, Quote};
use domain::in_flight::{InFlight, Issue, Write};
use domain::ports::{PortError, Ring, Side};
use domain::store::entities::log;
use domain::store::{Claim, EntityRef, EntityType, Status};
use engine::document::DocumentRules;
use engine::{Engine, Ran};

use crate::desk::document;
use crate::world::{Fault, World, intended, person};

macro_rules! promises {
    ($($promise:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(&super::World::new(crate::world::On::Memory).await).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $promise() {
                let world = super::World::new(crate::world::On::Sqlite).await;
                super::$promise(&world).await;
                world.drop_it().await;
            })*
        }
    };
}

promises! {
    a_quote_is_issued_once_and_its_number_noted
    a_quote_waits_for_its_customer_and_goes_on_by_itself
    a_quote_of_a_customer_in_trouble_waits_visibly
    a_quote_whose_customer_was_never_there_or_is_gone_ends_and_says_what_to_do
    a_quote_that_gets_another_customer_while_it_waits_waits_for_that_one
    a_quote_whose_customer_only_seemed_to_be_gone_is_issued
    a_lost_answer_waits_for_a_human_and_is_never_sent_again_by_itself
    an_operator_says_that_it_is_there
    an_operator_says_that_it_is_not_there
    a_second_loss_after_send_again_waits_for_a_human_again
    a_run_killed_after_the_intent_waits_for_a_human
    a_run_killed_after_the_answer_knows_it
    a_request_that_did_not_go_out_is_tried_again
    a_refusal_is_the_targets_own_words_and_a_mended_document_goes
    a_document_that_is_wrong_is_not_sent_and_says_each_row
    a_changed_document_waits_with_its_differences_until_accepted
    an_echo_does_nothing
    a_number_that_could_not_be_noted_is_noted_later
    nothing_is_noted_when_that_is_off_or_the_field_is_taken
    a_document_that_someone_else_has_issued_is_asked_about
    an_invoice_of_an_issued_quote_is_skipped_and_the_other_way_round
    an_invoice_waits_while_its_quote_is_in_doubt
    a_quote_that_is_not_there_and_cannot_be_sent_gives_its_order_back
    states_limit_what_is_issued
    a_deleted_document_stays_in_finance
    rulings_about_nothing_are_refused
}

/// A customer that both systems know, with finance's code.
async fn customer(w: &World) -> (String, String) {
    let crm = w.crm.add(person("علی رضایی", "09121234567"));
    assert_eq!(w.sync(Side::Crm, &crm).await, Status::Success);
    let code = w.finance.ids().pop().unwrap();
    (crm, code)
}

async fn a_quote(w: &World) -> String {
    let (crm, _) = customer(w).await;
    w.crm.desk.add("q", document(Quote, &crm));
    "q".to_owned()
}

fn entity(entity_type: EntityType, id: &str) -> EntityRef {
    EntityRef {
        entity_type,
        side: Side::Crm,
        id: id.to_owned(),
    }
}

/// Runs the row, and what it asks for, until it is final or nothing but a wait remains for `patience` looks.
async fn run(w: &World, ring: Ring, patience: u32) -> log::Model {
    run_by(w, &w.engine, ring, patience).await
}

async fn run_by(w: &World, engine: &Engine, ring: Ring, patience: u32) -> log::Model {
    let lead = ring.clone();
    let mut rings = vec![ring];
    for _ in 0..=patience {
        let Some(ring) = rings.pop() else { break };
        match engine.run(&ring).await.unwrap() {
            Ran::Ended { next, also, .. } => {
                if let Some((next, wait)) = next {
                    w.clock.turn(wait);
                    rings.push(next);
                }
                rings.extend(also);
            }
            Ran::Done => {}
            other => panic!("{other:?}"),
        }
    }
    w.row(&lead).await
}

async fn sync(w: &World, entity_type: EntityType, id: &str) -> log::Model {
    let ring = w.hear_of(entity_type, Side::Crm, id).await;
    run(w, ring, 20).await
}

async fn quote(w: &World) -> log::Model {
    sync(w, EntityType::PreInvoice, "q").await
}

fn words(row: &log::Model) -> &str {
    row.error_message.as_deref().unwrap_or_default()
}

fn class(row: &log::Model) -> &str {
    row.error_class.as_deref().unwrap_or_default()
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
    // Mended by hand: the document goes on by itself.
    assert_eq!(w.sync(Side::Crm, &crm).await, Status::Success);
    w.clock.turn(Duration::from_secs(61));
    assert_eq!(run(w, ring, 20).await.status, Status::Success);
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
    w.clock.turn(Duration::from_secs(61));
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
    // Nobody else has heard of them either.
    w.clock.turn(Duration::from_secs(61));
    assert_eq!(run(w, ring, 20).await.status, Status::Success);
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
