//! Data as people and systems really have it (`cases.md`): a record whose run can't be stored says so at once, and one that
//! can't be read makes no second one.

use domain::customer::Field;
use domain::message::{Code, Message};
use domain::ports::{PortError, SetAside, Side};
use domain::store::{LinkState, Status, message_of};

use crate::world::{ALL, On, Read, World, person};

async fn failed_at_once(w: &World, id: &str) {
    let ring = w.enqueue(Side::Crm, id).await;
    w.engine.run(&ring).await.unwrap();
    let row = w.row(&ring).await;
    assert_eq!(
        (row.status, row.error_class.as_deref()),
        (Status::Failed, Some("invalid")),
        "{row:?}"
    );
    assert_eq!(message_of(&row).unwrap().code, Code::NotStorable);
    assert!(w.retries().await.is_empty());
}

#[tokio::test]
async fn case_10_a_run_that_cant_be_stored_fails_at_once_and_names_itself() {
    let w = World::new(On::Postgres).await;
    // Past the connectors, which take it out: no text of PostgreSQL holds a NUL.
    let new = w.crm.add(person("علی\0", "09123451237"));
    failed_at_once(&w, &new).await;
    assert!(w.finance.ids().is_empty(), "nothing was sent");
    let link = w.links().await.remove(0);
    assert!(
        link.finance_id.is_none() && link.base.is_none(),
        "and nothing is known"
    );

    let linked = w.crm.add(person("مینا", "09121234568"));
    assert_eq!(w.sync(Side::Crm, &linked).await, Status::Success);
    w.crm.edit(&linked, Field::Description, "a\0b");
    failed_at_once(&w, &linked).await;
    let link = &w.links().await[1];
    assert_eq!(
        (link.state, link.finance_id.as_deref()),
        (LinkState::Active, Some("1"))
    );
    assert!(link.lease_owner.is_none(), "the record is free");
    // It goes on when it was corrected.
    w.crm.edit(&linked, Field::Description, "ab");
    assert_eq!(w.sync(Side::Crm, &linked).await, Status::Success);
    assert_eq!(w.finance.get("1", Field::Description), "ab");
    w.drop_it().await;
}

#[tokio::test]
async fn case_10_a_doubt_whose_run_cant_be_stored_is_the_failed_rows() {
    let w = World::new(On::Postgres).await;
    for _ in 0..2 {
        w.finance.add(person("علی", "09123450017"));
    }
    let id = w.crm.add(person("علی", "09123450017"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
    w.crm.edit(&id, Field::Description, "a\0b");
    failed_at_once(&w, &id).await;
    let rows = w.rows().await;
    assert!(rows.iter().all(|row| row.status != Status::Conflict), "{rows:?}");
    w.crm.edit(&id, Field::Description, "ab");
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict, "asked anew");
    w.drop_it().await;
}

#[tokio::test]
async fn case_10_an_email_of_6000_letters_is_its_own_records_fault_at_most() {
    for on in ALL {
        let w = World::new(on).await;
        // Letters that no index can press together.
        let mut state = 7_u64;
        let letters = (0..6000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
        });
        let email: String = letters.collect();
        let odd = w
            .crm
            .add(person("پارس", "09123451237").with(Field::Email, format!("{email}@b.ir")));
        let good = w.crm.add(person("مینا", "09121234568"));
        let ring = w.enqueue(Side::Crm, &odd).await;
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        let said = (row.status, row.error_class.as_deref());
        assert!(
            matches!(said, (Status::Success, None) | (Status::Failed, Some("invalid"))),
            "{on:?}: {row:?}"
        );
        assert_eq!(w.sync(Side::Crm, &good).await, Status::Success);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_10_a_record_that_cant_be_read_fails_with_its_reason_and_no_retry() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123451237"));
        let why = Message::new(Code::AsideUnreadable).with("properties", "subject");
        let aside = SetAside { id: id.clone(), why };
        w.crm.next_read(Read::Fails(PortError::SetAside(aside)));
        let ring = w.enqueue(Side::Crm, &id).await;
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        assert_eq!(
            (row.status, row.error_class.as_deref()),
            (Status::Failed, Some("invalid"))
        );
        let said = row.error_message.unwrap();
        assert!(said.contains(&id) && said.contains("subject"), "{said}");
        w.drop_it().await;
    }
}
