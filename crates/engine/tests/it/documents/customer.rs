//! Whom a document is issued to.

use std::time::Duration;

use domain::customer::Field;
use domain::document::DocumentKind::Quote;
use domain::ports::Side;
use domain::store::{Claim, Status};

use super::{customer, quote, words};
use crate::desk::document;
use crate::world::{ALL, LEASE, Read, World, person};

#[tokio::test]
async fn nothing_is_issued_to_whoever_was_given_the_code_of_the_customer() {
    for on in ALL {
        let w = World::new(on).await;
        let (crm, code) = customer(&w).await;
        let ali = w.finance.delete(&code);
        w.finance.restore(&code, person("مینا کریمی", "09350000123"));
        w.crm.desk.add("q", document(Quote, &crm));
        let row = quote(&w).await;
        assert_eq!(row.status, Status::Pending, "{on:?}: {row:?}");
        assert!(
            words(&row).contains("waits for a human itself"),
            "{}",
            words(&row)
        );
        assert!(w.finance.desk.issued().is_empty());
        // It goes on when the customer is back.
        w.finance.restore(&code, ali);
        assert_eq!(w.sync(Side::Crm, &crm).await, Status::Skipped);
        assert_eq!(quote(&w).await.status, Status::Success, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_contact_that_is_not_shown_is_waited_for() {
    for on in ALL {
        let w = World::new(on).await;
        let (crm, _) = customer(&w).await;
        w.crm.desk.add("q", document(Quote, &crm));
        w.finance.next_read(Read::Nothing);
        assert_eq!(quote(&w).await.status, Status::Success, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_46_a_document_of_nobody_ends_and_says_why() {
    for on in ALL {
        let w = World::new(on).await;
        let crm = w.crm.add(person("مشتری متفرقه", ""));
        w.crm.desk.add("q", document(Quote, &crm));
        let row = quote(&w).await;
        assert_eq!(row.status, Status::Failed, "{on:?}: {row:?}");
        assert!(words(&row).contains("is nobody's"), "{}", words(&row));
        w.crm.edit(&crm, Field::Name, "علی رضایی");
        assert_eq!(quote(&w).await.status, Status::Success, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_document_whose_customer_was_given_up_names_the_row_that_failed() {
    for on in ALL {
        let w = World::new(on).await;
        let crm = w.crm.add(person("علی رضایی", "09123450017"));
        let ring = w.enqueue(Side::Crm, &crm).await;
        for _ in 0..10 {
            let claim = w.store.claim(ring.row, "killed", LEASE).await.unwrap();
            assert!(matches!(claim, Claim::Taken(_)));
            w.clock.turn(LEASE + Duration::from_secs(1));
        }
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.row(&ring).await.error_class.as_deref(), Some("poison"));
        w.crm.desk.add("q", document(Quote, &crm));
        let row = quote(&w).await;
        assert_eq!(row.status, Status::Pending, "{on:?}: {row:?}");
        assert!(words(&row).contains(&ring.row.to_string()), "{}", words(&row));
        // It goes on once somebody has retried that.
        w.store.retry(Some(ring.row)).await.unwrap();
        w.engine.run(&ring).await.unwrap();
        assert_eq!(quote(&w).await.status, Status::Success, "{on:?}");
        w.drop_it().await;
    }
}
