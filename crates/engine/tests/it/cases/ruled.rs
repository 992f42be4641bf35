//! What an operator says about a doubt.

use domain::customer::Field as F;
use domain::entity::EntityRef;
use domain::ports::Side;
use domain::store::Status;

use super::person;
use crate::world::{ALL, Fault, World};

async fn ended(w: &World, ring: &domain::ports::Ring) -> Status {
    w.engine.run(ring).await.unwrap();
    w.row(ring).await.status
}

/// Two records of which nobody can say whether they are one: the CRM's id and finance's code.
async fn in_doubt(w: &World) -> (String, String) {
    let ali = |name| person(&[(F::Name, name), (F::Mobile, "09123451237")]);
    let code = w.finance.add(ali("رضا کریمی"));
    let id = w.crm.add(ali("محمدرضا کریمی"));
    w.look().await;
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
    (id, code)
}

#[tokio::test]
async fn two_that_are_two_are_never_asked_about_again() {
    for on in ALL {
        let w = World::new(on).await;
        let (id, code) = in_doubt(&w).await;
        assert_eq!(w.sync(Side::Finance, &code).await, Status::Conflict);
        let entity = EntityRef::customer(Side::Crm, &id);
        let ring = w.engine.separate(&entity, None).await.unwrap();
        assert_eq!(ended(&w, &ring).await, Status::Success, "{on:?}");
        assert_eq!(w.finance.ids().len(), 2, "it is made there");
        // From the other end, too: only what was made of it is a candidate, which is linked.
        w.look().await;
        let status = w.sync(Side::Finance, &code).await;
        let said = w.rows().await.pop().and_then(|row| row.error_message);
        assert_eq!(status, Status::Success, "{on:?}: {said:?}");
        assert_eq!(w.crm.ids().len(), 2);
        let nothing = w.engine.separate(&entity, None).await;
        assert!(
            nothing.unwrap_err().to_string().contains("is not in doubt"),
            "{on:?}"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_an_operator_links_is_linked_whatever_the_evidence_says() {
    for on in ALL {
        let w = World::new(on).await;
        let (id, code) = in_doubt(&w).await;
        let ring = w.engine.link(&id, &code, None).await.unwrap();
        assert_eq!(ended(&w, &ring).await, Status::Success);
        assert_eq!(w.links().await.len(), 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_code_that_is_given_again_after_the_word_is_not_linked_by_it() {
    for on in ALL {
        let w = World::new(on).await;
        let (id, code) = in_doubt(&w).await;
        let ring = w.engine.link(&id, &code, None).await.unwrap();
        let nima = person(&[(F::Name, "نیما صادقی"), (F::Mobile, "09350000123")]);
        w.finance.restore(&code, nima);
        let saves = (w.crm.saves(), w.finance.saves());
        assert_eq!(ended(&w, &ring).await, Status::Conflict, "{on:?}");
        let row = w.row(&ring).await;
        assert_eq!(row.error_code.as_deref(), Some("not_linked_another"));
        assert_eq!((w.crm.saves(), w.finance.saves()), saves, "nothing is written");
        let is_linked = |link: &domain::store::entities::link::Model| {
            link.crm_id.as_ref() == Some(&id) && link.finance_id.is_some()
        };
        assert!(!w.links().await.iter().any(is_linked));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn who_is_another_than_was_last_seen_is_linked_when_it_is_said_again() {
    for on in ALL {
        let w = World::new(on).await;
        let (id, code) = in_doubt(&w).await;
        let nima = person(&[(F::Name, "نیما صادقی"), (F::Mobile, "09350000123")]);
        w.finance.restore(&code, nima);
        let refused = w.engine.link(&id, &code, None).await.unwrap_err().to_string();
        assert!(refused.contains("نیما صادقی"), "{on:?}: {refused}");
        assert_eq!(
            w.links()
                .await
                .iter()
                .filter(|link| link.crm_id.is_some())
                .count(),
            1
        );
        let ring = w.engine.link(&id, &code, None).await.unwrap();
        assert_eq!(ended(&w, &ring).await, Status::Success, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_may_have_been_made_of_whom_it_was_is_not_left_to_be_nobodys() {
    for on in ALL {
        let w = World::new(on).await;
        let code = w
            .finance
            .add(person(&[(F::Name, "رضا کریمی"), (F::Mobile, "09123451237")]));
        w.crm.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Finance, &code).await;
        assert_eq!(ended(&w, &ring).await, Status::Pending, "{on:?}");
        // Before anyone knows, the code is given to Nima, whom the CRM has as well.
        let nima = [(F::Name, "نیما صادقی"), (F::Mobile, "09350000123")];
        w.finance.restore(&code, person(&nima));
        let id = w.crm.add(person(&nima));
        w.look().await;
        let refused = w.engine.link(&id, &code, None).await.unwrap_err().to_string();
        assert!(refused.contains("رضا کریمی"), "{on:?}: {refused}");
        // What was made of Reza is found as his, who is gone; and is not made in finance anew.
        assert_eq!(w.sync(Side::Finance, &code).await, Status::Conflict, "{on:?}");
        let reza = w.crm.ids().into_iter().find(|one| *one != id).unwrap();
        w.sync(Side::Crm, &reza).await;
        assert_eq!(w.finance.ids().len(), 1, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn who_may_just_have_been_created_is_linked_with_nobody_who_was_there_before() {
    for on in ALL {
        let w = World::new(on).await;
        let (id, code) = in_doubt(&w).await;
        assert_eq!(w.sync(Side::Finance, &code).await, Status::Conflict, "{on:?}");
        // The operator says that they are two, changes his mind, and is too late.
        let entity = EntityRef::customer(Side::Finance, &code);
        let ring = w.engine.separate(&entity, None).await.unwrap();
        w.crm.fail(Fault::LostAnswer);
        assert_eq!(ended(&w, &ring).await, Status::Pending, "{on:?}");
        assert_eq!(w.crm.ids().len(), 2, "{on:?}");
        let refused = w.engine.link(&id, &code, None).await.unwrap_err().to_string();
        assert!(
            refused.contains("may just have been created"),
            "{on:?}: {refused}"
        );
        // It is its own counterpart's.
        assert_eq!(w.sync(Side::Finance, &code).await, Status::Success, "{on:?}");
        let made = w.crm.ids().into_iter().find(|one| *one != id);
        let links = w.links().await;
        let link = links
            .iter()
            .find(|link| link.finance_id.as_deref() == Some(&code));
        assert_eq!(link.and_then(|link| link.crm_id.clone()), made, "{on:?}");
        w.drop_it().await;
    }
}
