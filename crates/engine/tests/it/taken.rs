//! What the engine promises where a value is another record's already.

use domain::customer::Field as F;
use domain::message::Code;
use domain::ports::{PortError, Side};
use domain::store::{Status, TAKEN, message_of};

use crate::world::{Fault, World, person};

promises! {
    nobody_seen_to_hold_it_is_tried_again_and_then_given_up
    a_customer_is_made_without_it_only_beside_someone_else
    whoever_may_be_the_same_customer_is_a_doubt
    a_number_that_was_double_before_stops_the_save_and_says_so
    an_edit_meanwhile_is_carried_and_the_value_is_not_forgotten
}

fn taken() -> Fault {
    Fault::Before(PortError::Taken {
        fields: vec![F::Mobile, F::Phone],
        words: "شماره تلفن نمی تواند تکراری باشد.".into(),
    })
}

async fn nobody_seen_to_hold_it_is_tried_again_and_then_given_up(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, F::Mobile, "09352221346");
    // Given free between the save and the look.
    w.finance.fail(taken());
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.get("1", F::Mobile), "09352221346");
    w.crm.edit(&id, F::Mobile, "09121234569");
    for _ in 0..8 {
        w.finance.fail(taken());
    }
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Failed);
    let row = w.rows().await.pop().unwrap();
    let said = (row.error_class.as_deref(), message_of(&row).unwrap().code);
    assert_eq!(said, (Some(TAKEN), Code::TakenByNobody));
}

async fn a_customer_is_made_without_it_only_beside_someone_else(w: &World) {
    w.finance.takes_no_number_twice();
    w.finance.add(person("مینا کریمی", "09123450017"));
    let id = w
        .crm
        .add(person("علی رضایی", "09123450017").with(F::NationalId, "0499370899"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Failed);
    assert_eq!(w.finance.ids(), ["1", "2"]);
    assert_eq!(
        (
            w.finance.get("2", F::Name).as_str(),
            w.finance.get("2", F::Mobile).as_str()
        ),
        ("علی رضایی", "")
    );
    let row = w
        .rows()
        .await
        .into_iter()
        .find(|row| row.status == Status::Failed)
        .unwrap();
    assert_eq!(row.error_class.as_deref(), Some(TAKEN));
    assert!(row.error_message.unwrap().contains("finance 1 (\"مینا کریمی\")"));
    // Nobody is seen to hold it: it may be this very customer.
    let other = w.crm.add(person("زهرا اکبری", "09121234569"));
    for _ in 0..4 {
        w.finance.fail(taken());
    }
    assert_eq!(w.sync(Side::Crm, &other).await, Status::Failed);
    assert_eq!(w.finance.ids(), ["1", "2"], "not made");
}

async fn whoever_may_be_the_same_customer_is_a_doubt(w: &World) {
    w.finance.takes_no_number_twice();
    w.finance.add(person("رضایی", "09123450017"));
    let id = w.crm.add(person("علی رضایی", "09123450017"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
    assert_eq!((w.finance.ids().len(), w.finance.saves()), (1, 0));
}

async fn a_number_that_was_double_before_stops_the_save_and_says_so(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.finance.add(person("مینا کریمی", "09123450017"));
    w.finance.takes_no_number_twice();
    w.look().await;
    w.crm.edit(&id, F::Email, "ali@example.com");
    let saves = w.finance.calls();
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Failed);
    assert!(w.finance.calls() - saves < 10);
    let row = w.rows().await.pop().unwrap();
    let message = message_of(&row).unwrap();
    assert_eq!(message.code, Code::TakenForAll);
    assert!(message.english().contains("finance 2 (\"مینا کریمی\")"));
}

async fn an_edit_meanwhile_is_carried_and_the_value_is_not_forgotten(w: &World) {
    w.finance.takes_no_number_twice();
    let ids = [("علی رضایی", "09123450017"), ("مینا کریمی", "09352221346")]
        .map(|(name, mobile)| w.crm.add(person(name, mobile)));
    for id in &ids {
        w.sync(Side::Crm, id).await;
    }
    w.crm.edit(&ids[1], F::Mobile, "09123450017");
    for (field, value) in [(F::Email, "mina@example.com"), (F::Description, "مشتری خوب")] {
        w.crm.edit(&ids[1], field, value);
        assert_eq!(w.sync(Side::Crm, &ids[1]).await, Status::Failed);
        assert_eq!(w.finance.get("2", field), value);
    }
    // The accountant edits the same contact: that arrives in the CRM, and the CRM's mobile stands.
    w.finance.edit("2", F::Website, "https://mina.example");
    assert_eq!(w.sync(Side::Finance, "2").await, Status::Failed);
    assert_eq!(w.crm.get(&ids[1], F::Website), "https://mina.example");
    assert_eq!(w.crm.get(&ids[1], F::Mobile), "09123450017");
    w.crm.edit(&ids[0], F::Mobile, "");
    assert_eq!(w.sync(Side::Crm, &ids[0]).await, Status::Success);
    for ring in w.store.sweep(10, std::time::Duration::ZERO).await.unwrap() {
        w.engine.run(&ring).await.unwrap();
    }
    assert_eq!(w.finance.get("2", F::Mobile), "09123450017");
    let left = w
        .rows()
        .await
        .into_iter()
        .filter(|row| row.status == Status::Failed);
    assert_eq!(left.count(), 0);
}
