//! Documents where two companies are served.

use domain::company::Company;
use domain::customer::Field;
use domain::document::DocumentKind::{Invoice, Quote};
use domain::ports::Side;
use domain::store::{EntityType, Status};

use super::{sync, words};
use crate::desk::document;
use crate::world::{ALL, World, person};

/// It would wait for ever for a customer that nobody syncs.
#[tokio::test]
async fn a_document_of_a_customer_whom_nobody_serves_is_left_alone() {
    for on in ALL {
        let w = World::new(on).await;
        let customer = person("علی رضایی", "09123450017").with(Field::CustomerNumber, "300-500");
        let crm = w.crm.add(customer);
        let of_it = |number: &str| {
            let mut quote = document(Quote, &crm);
            quote.number = number.to_owned();
            quote
        };
        // A document without a company's number belongs to its customer's.
        w.crm.desk.add("q", of_it("7"));
        let row = sync(&w, EntityType::PreInvoice, "q").await;
        assert_eq!(row.status, Status::Skipped, "{on:?}: {row:?}");
        assert!(
            words(&row).contains("company 300, which is not served"),
            "{on:?}: {row:?}"
        );
        w.crm.desk.add("q2", of_it("100-7"));
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
