//! Documents. One that was killed between its request and the answer waits for an operator, who looks into finance.

use domain::customer::Field;
use domain::document::DocumentKind;
use domain::ports::{PortError, Side};
use domain::store::{EntityRef, EntityType};

use super::play::Play;
use super::scenarios;
use crate::desk::document;
use crate::world::{Fault, person};

scenarios! {
    a_quote_is_issued
    an_invoice_of_an_issued_quote
    a_quote_and_its_invoice_at_once
    a_quote_whose_answer_is_lost_and_that_is_there
    a_quote_whose_answer_is_lost_and_that_is_not_there
    a_quote_that_is_changed_after_issue
    a_quote_whose_customer_comes_first
    a_number_that_cannot_be_noted_at_once
    ;
    on_postgres:
    a_quote_is_issued
    a_quote_whose_customer_comes_first
}

const QUOTE: EntityType = EntityType::PreInvoice;

async fn is_synced(p: &Play) {
    p.syncs_document(QUOTE, "q").await;
}

fn ali() -> domain::customer::Customer {
    person("علی کریمی", "09123450017").with(Field::NationalId, "0499370899")
}

pub async fn a_quote_is_issued(p: &mut Play) {
    p.quote(ali()).await;
    p.begins();
    is_synced(p).await;
    is_synced(p).await;
}

/// An invoice that was made of the quote.
fn invoice(p: &Play, customer: &str) {
    let mut invoice = document(DocumentKind::Invoice, customer);
    invoice.related_quote = Some("q".to_owned());
    p.w.crm.desk.add("i", invoice);
}

async fn an_invoice_of_an_issued_quote(p: &mut Play) {
    let quote = p.quote(ali()).await;
    invoice(p, &quote.customer);
    p.begins();
    is_synced(p).await;
    p.syncs_document(EntityType::Invoice, "i").await;
}

async fn a_quote_and_its_invoice_at_once(p: &mut Play) {
    let quote = p.quote(ali()).await;
    invoice(p, &quote.customer);
    p.begins();
    for (entity_type, id) in p.in_either_order([(QUOTE, "q"), (EntityType::Invoice, "i")]) {
        p.hears_of(entity_type, id).await;
    }
    p.quiet().await;
}

async fn a_quote_whose_answer_is_lost_and_that_is_there(p: &mut Play) {
    p.quote(ali()).await;
    p.begins();
    p.w.finance.fail(Fault::LostAnswer);
    is_synced(p).await;
}

async fn a_quote_whose_answer_is_lost_and_that_is_not_there(p: &mut Play) {
    p.quote(ali()).await;
    p.begins();
    p.w.finance.fail(Fault::Before(PortError::unknown("broken")));
    is_synced(p).await;
}

async fn a_quote_that_is_changed_after_issue(p: &mut Play) {
    p.quote(ali()).await;
    p.begins();
    is_synced(p).await;
    let more = |quote: &mut domain::document::DocumentSnapshot| {
        quote.document.rows[0].count = "11".parse().unwrap();
    };
    p.w.crm.desk.edit("q", more);
    is_synced(p).await;
    let entity = EntityRef {
        entity_type: QUOTE,
        side: Side::Crm,
        id: "q".to_owned(),
    };
    p.operator().accept(&entity, None).await.unwrap();
    p.quiet().await;
}

async fn a_quote_whose_customer_comes_first(p: &mut Play) {
    let crm = p.w.crm.add(ali());
    p.w.crm.desk.add("q", document(DocumentKind::Quote, &crm));
    p.begins();
    is_synced(p).await;
}

async fn a_number_that_cannot_be_noted_at_once(p: &mut Play) {
    p.quote(ali()).await;
    p.begins();
    let down = PortError::Transient {
        message: "503".to_owned(),
        retry_after: None,
    };
    p.w.crm.fail(Fault::Before(down));
    is_synced(p).await;
}
