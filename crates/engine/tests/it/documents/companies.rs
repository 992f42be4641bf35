//! Documents where two companies are served.

use domain::company::Company;
use domain::customer::Field;
use domain::document::Document;
use domain::document::DocumentKind::{Invoice, Quote};
use domain::ports::Side;
use domain::store::{EntityType, Status};
use engine::Ran;

use super::{sync, words};
use crate::desk::document;
use crate::world::{ALL, Fault, World, person};

fn numbered(number: &str, customer: &str) -> Document {
    Document {
        number: number.to_owned(),
        ..document(Quote, customer)
    }
}

/// It would wait for ever for a customer that nobody syncs.
#[tokio::test]
async fn a_document_of_a_customer_whom_nobody_serves_is_left_alone() {
    for on in ALL {
        let w = World::new(on).await;
        let customer = person("علی رضایی", "09123450017").with(Field::CustomerNumber, "300-500");
        let crm = w.crm.add(customer);
        // A document without a company's number belongs to its customer's.
        w.crm.desk.add("q", numbered("7", &crm));
        let row = sync(&w, EntityType::PreInvoice, "q").await;
        assert_eq!(row.status, Status::Skipped, "{on:?}: {row:?}");
        assert!(
            words(&row).contains("company 300, which is not served"),
            "{on:?}: {row:?}"
        );
        w.crm.desk.add("q2", numbered("100-7", &crm));
        let row = sync(&w, EntityType::PreInvoice, "q2").await;
        assert_eq!(
            row.error_code.as_deref(),
            Some("customer_of_other_company"),
            "{on:?}: {row:?}"
        );
        assert!(w.finance.desk.issued().is_empty() && w.finance.ids().is_empty());
        w.drop_it().await;
    }
}

/// Whoever is to settle that doubt finds out by the customer's own run that it is nobody's here.
#[tokio::test]
async fn a_document_is_left_alone_where_its_customer_was_in_doubt_before_it_got_another_companys_number() {
    for on in ALL {
        let w = World::new(on).await;
        let crm = w.crm.add(person("آیناز جلالی", "09123450017"));
        w.finance.add(person("جلالی", "09123450017"));
        assert_eq!(w.sync(Side::Crm, &crm).await, Status::Conflict, "{on:?}");
        w.crm.edit(&crm, Field::CustomerNumber, "300-500");
        w.crm.desk.add("q", numbered("7", &crm));
        let of_it = sync(&w, EntityType::PreInvoice, "q").await;
        assert_eq!(of_it.status, Status::Skipped, "{on:?}: {of_it:?}");
        assert_eq!(w.sync(Side::Crm, &crm).await, Status::Skipped, "{on:?}");
        // What is left of the doubt is a half link.
        w.crm.desk.add("q2", numbered("8", &crm));
        let of_it = sync(&w, EntityType::PreInvoice, "q2").await;
        assert_eq!(of_it.status, Status::Skipped, "{on:?}: {of_it:?}");
        w.drop_it().await;
    }
}

/// What was sent to a company that is served is for a human: nothing says that its customer is nobody's here.
#[tokio::test]
async fn a_document_waits_while_something_of_its_customer_may_have_been_created_here() {
    for on in ALL {
        let w = World::new(on).await;
        let crm = w.crm.add(person("علی رضایی", "09123450017"));
        w.finance.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Crm, &crm).await;
        let ran = w.engine.run(&ring).await.unwrap();
        assert!(matches!(ran, Ran::Ended { next: Some(_), .. }), "{on:?}: {ran:?}");
        w.crm.edit(&crm, Field::CustomerNumber, "300-500");
        w.crm.desk.add("q", numbered("7", &crm));
        let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        assert_eq!(row.status, Status::Pending, "{on:?}: {row:?}");
        w.drop_it().await;
    }
}

/// The quote was made for a customer of one company, its invoice goes to one of the other.
#[tokio::test]
async fn an_order_is_issued_by_one_company_only() {
    for on in ALL {
        let mut w = World::new(on).await;
        let second = w.serve(Company::of(200).unwrap()).await;
        let numbered = |number: &str, mobile| {
            let customer = person("علی رضایی", mobile);
            w.crm.add(customer.with(Field::CustomerNumber, number))
        };
        let of_first = numbered("100-500", "09123450017");
        let of_second = numbered("200-501", "09123450018");
        for customer in [&of_first, &of_second] {
            assert_eq!(w.sync(Side::Crm, customer).await, Status::Success, "{on:?}");
        }
        let invoice = |quote: &str| {
            let mut invoice = document(Invoice, &of_second);
            invoice.number = "200-1404/8".to_owned();
            invoice.related_quote = Some(quote.to_owned());
            invoice
        };
        w.crm.desk.add("q", document(Quote, &of_first));
        w.crm.desk.add("i", invoice("q"));
        let row = sync(&w, EntityType::PreInvoice, "q").await;
        assert_eq!(row.status, Status::Success, "{on:?}: {row:?}");
        let row = sync(&w, EntityType::Invoice, "i").await;
        assert_eq!(row.status, Status::Skipped, "{on:?}: {row:?}");
        assert!(words(&row).contains("issued already"), "{on:?}: {row:?}");
        // And the other way round.
        w.crm.desk.add("q2", document(Quote, &of_first));
        w.crm.desk.add("i2", invoice("q2"));
        let row = sync(&w, EntityType::Invoice, "i2").await;
        assert_eq!(row.status, Status::Success, "{on:?}: {row:?}");
        let row = sync(&w, EntityType::PreInvoice, "q2").await;
        assert_eq!(row.status, Status::Skipped, "{on:?}: {row:?}");
        assert_eq!(
            [&w.finance, &second].map(|finance| finance.desk.issued().len()),
            [1, 1]
        );
        w.drop_it().await;
    }
}
