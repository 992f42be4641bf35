//! Whom a document is issued to.

use domain::customer::Field;
use domain::document::DocumentKind::Quote;
use domain::ports::Side;
use domain::store::Status;

use super::{customer, quote, words};
use crate::desk::document;
use crate::world::{ALL, Read, World, person};

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
