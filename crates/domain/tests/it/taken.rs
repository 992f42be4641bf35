//! A row that ended since another record holds a value of its own: it is open again when that one does not, and not before.

use std::time::Duration;

use domain::customer::Field;
use domain::index::Sighting;
use domain::matching::{Form, Key};
use domain::polls::{FINANCE_CONTACTS, Harvest};
use domain::ports::Side;
use domain::store::{Commit, Status, TAKEN, Withheld, Work};
use uuid::Uuid;

use crate::index::sighting;
use crate::polls::turn_of;
use crate::world::{World, contract, ending, take};

contract![
    it_waits_until_the_holder_holds_it_no_more,
    it_waits_until_the_holder_is_gone,
    what_was_given_free_while_it_ran_is_seen_when_it_ends,
    whichever_of_the_two_is_written_first,
    a_conflict_about_it_and_a_look_of_a_poll,
    what_waits_no_more_is_left_alone,
    case_26_what_is_old_waits_for_nobodys_value_any_more,
];

const MOBILE: &str = "09123451237";

fn holds(w: &World, mobile: &str) -> Sighting {
    let at = domain::clock::Clock::now(&*w.clock);
    sighting(Side::Finance, "22", &[(Field::Mobile, mobile)], at)
}

/// A row of `crm` ends so: finance 22 has its mobile.
async fn ended(w: &World, crm: &str, status: Status, seen: Vec<Sighting>) -> Uuid {
    let (work, commit) = about_to_end(w, crm, status, seen).await;
    w.store.commit(&work, &commit).await.unwrap();
    work.lead.id
}

async fn about_to_end(w: &World, crm: &str, status: Status, seen: Vec<Sighting>) -> (Box<Work>, Commit) {
    let row = w.enqueue(Side::Crm, crm).await;
    let work = take(w, row).await;
    let mut commit = Commit {
        seen,
        ..ending(&work, status)
    };
    commit.outcome.error_class = Some(TAKEN);
    commit.outcome.withheld = vec![Withheld {
        side: Side::Finance,
        holder: "22".to_owned(),
        form: Form {
            key: Key::Mobile,
            value: MOBILE[1..].to_owned(),
        },
    }];
    (work, commit)
}

async fn status(w: &World, row: Uuid) -> Status {
    w.row(row).await.status
}

async fn it_waits_until_the_holder_holds_it_no_more(w: &World) {
    let row = ended(w, "a", Status::Failed, vec![holds(w, MOBILE)]).await;
    let other = ended(w, "b", Status::Failed, vec![]).await;
    assert_eq!(status(w, row).await, Status::Failed);
    w.clock.turn(Duration::from_secs(1));
    let edited = sighting(
        Side::Finance,
        "22",
        &[(Field::Mobile, MOBILE), (Field::Name, "مینا")],
        domain::clock::Clock::now(&*w.clock),
    );
    w.index.note(&[edited]).await.unwrap();
    assert_eq!(status(w, row).await, Status::Failed, "it holds it still");
    w.clock.turn(Duration::from_secs(1));
    w.index.note(&[holds(w, "09352221346")]).await.unwrap();
    for row in [row, other] {
        let open = w.row(row).await;
        assert_eq!((open.status, open.completed_at), (Status::Pending, None));
    }
    let rung = w.store.sweep(10, Duration::from_secs(60)).await.unwrap();
    assert!(
        rung.iter().any(|ring| ring.row == row),
        "the sweeper rings for it"
    );
    let work = take(w, row).await;
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    w.index.note(&[holds(w, "")]).await.unwrap();
    assert_eq!(status(w, row).await, Status::Success, "once");
}

async fn it_waits_until_the_holder_is_gone(w: &World) {
    let row = ended(w, "a", Status::Failed, vec![holds(w, MOBILE)]).await;
    w.clock.turn(Duration::from_secs(1));
    let gone = Sighting::gone(
        Side::Finance,
        domain::company::Company::DEFAULT,
        "22",
        domain::clock::Clock::now(&*w.clock),
    );
    w.index.note(&[gone]).await.unwrap();
    assert_eq!(status(w, row).await, Status::Pending);
}

async fn what_was_given_free_while_it_ran_is_seen_when_it_ends(w: &World) {
    let read = holds(w, MOBILE);
    w.clock.turn(Duration::from_secs(1));
    w.index.note(&[holds(w, "09352221346")]).await.unwrap();
    let row = ended(w, "a", Status::Failed, vec![read]).await;
    assert_eq!(status(w, row).await, Status::Pending);
}

async fn whichever_of_the_two_is_written_first(w: &World) {
    for n in 0..40 {
        let held = holds(w, MOBILE);
        w.index.note(std::slice::from_ref(&held)).await.unwrap();
        w.clock.turn(Duration::from_secs(1));
        let (work, waits) = about_to_end(w, &format!("a{n}"), Status::Failed, vec![held]).await;
        // The holder's own run ends in the same moment: it has just been given another number.
        let holders = w.enqueue(Side::Finance, "22").await;
        let holders = take(w, holders).await;
        let frees = Commit {
            seen: vec![holds(w, "")],
            ..ending(&holders, Status::Success)
        };
        let later = async {
            tokio::time::sleep(Duration::from_micros(100 * n)).await;
            w.store.commit(&holders, &frees).await
        };
        let (ended, freed) = tokio::join!(w.store.commit(&work, &waits), later);
        ended.unwrap();
        freed.unwrap();
        assert_eq!(status(w, work.lead.id).await, Status::Pending, "{n}");
        w.clock.turn(Duration::from_secs(1));
    }
}

async fn a_conflict_about_it_and_a_look_of_a_poll(w: &World) {
    let row = ended(w, "a", Status::Conflict, vec![holds(w, MOBILE)]).await;
    w.clock.turn(Duration::from_secs(1));
    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let harvest = Harvest {
        gone: vec!["22".to_owned()],
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    assert_eq!(status(w, row).await, Status::Pending);
}

async fn what_waits_no_more_is_left_alone(w: &World) {
    let row = ended(w, "a", Status::Failed, vec![holds(w, MOBILE)]).await;
    w.store.retry(Some(row)).await.unwrap();
    let work = take(w, row).await;
    w.store
        .commit(&work, &ending(&work, Status::Failed))
        .await
        .unwrap();
    w.clock.turn(Duration::from_secs(1));
    w.index.note(&[holds(w, "09352221346")]).await.unwrap();
    assert_eq!(
        status(w, row).await,
        Status::Failed,
        "it failed for another reason"
    );
}

async fn case_26_what_is_old_waits_for_nobodys_value_any_more(w: &World) {
    let old = ended(w, "a", Status::Failed, vec![holds(w, MOBILE)]).await;
    w.clock.turn(Duration::from_secs(100));
    let young = ended(w, "b", Status::Failed, vec![holds(w, MOBILE)]).await;
    w.store.prune(Duration::from_secs(50), 10).await.unwrap();
    w.clock.turn(Duration::from_secs(1));
    w.index.note(&[holds(w, "")]).await.unwrap();
    assert_eq!(status(w, old).await, Status::Failed);
    assert_eq!(status(w, young).await, Status::Pending);
}
