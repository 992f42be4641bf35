//! Documents that wait for their customer: whose run wakes them, and that none of its endings is missed.

use std::time::Duration;

use domain::ports::Side;
use domain::store::{Awaited, Commit, Committed, EntityType, Event, LinkState, Outcome, Retry, Status, Work};
use uuid::Uuid;

use crate::world::{On, World, contract, ending, event, take, words};

contract![
    a_document_is_due_when_its_customers_run_ends,
    whatever_a_customer_comes_to_wakes_its_documents,
    a_customer_that_waits_itself_wakes_nobody,
    a_document_that_looked_before_the_end_is_due_at_once,
];

const AN_HOUR: chrono::Duration = chrono::Duration::hours(1);

fn quote(id: &str) -> Event {
    let mut heard = event(Side::Crm, id, None);
    heard.entity.entity_type = EntityType::PreInvoice;
    heard
}

fn of(version: Option<i64>, enqueued: bool) -> Awaited {
    Awaited {
        customer: "a".to_owned(),
        version,
        enqueued,
    }
}

/// A run of a document that ends waiting.
fn waiting(w: &World, work: &Work, awaited: Awaited) -> Commit {
    use domain::clock::Clock as _;
    let mut commit = ending(work, Status::Pending);
    let link = commit.link.as_mut().unwrap();
    (link.base, link.state) = (None, LinkState::New);
    commit.outcome = Outcome {
        error_class: Some("dependency"),
        ..Outcome::new(Status::Pending, words("waits"))
    };
    let at = w.clock.now() + AN_HOUR;
    commit.retry = Some(Retry { at, count: 0, max: 3 });
    commit.awaits = Some(awaited);
    commit
}

/// A quote that waits, and what was said to its run.
async fn waits(w: &World, id: &str, awaited: Awaited) -> (Uuid, Committed) {
    let heard = quote(id);
    w.store.enqueue(std::slice::from_ref(&heard)).await.unwrap();
    let work = take(w, heard.row).await;
    let said = w.store.commit(&work, &waiting(w, &work, awaited)).await.unwrap();
    (heard.row, said)
}

fn rows(committed: &Committed) -> Vec<Uuid> {
    let mut rows: Vec<_> = committed.woken.iter().map(|ring| ring.row).collect();
    rows.sort_unstable();
    rows
}

async fn a_document_is_due_when_its_customers_run_ends(w: &World) {
    let customer = w.enqueue(Side::Crm, "a").await;
    let (first, said) = waits(w, "q", of(None, true)).await;
    assert_eq!(said, Committed::default());
    let (second, _) = waits(w, "r", of(None, false)).await;
    assert!(
        w.retries()
            .await
            .iter()
            .all(|r| r.waits_for.as_deref() == Some("a"))
    );
    assert_eq!(
        w.store.sweep(10, Duration::ZERO).await.unwrap().len(),
        1,
        "the customer"
    );
    let other = w.enqueue(Side::Crm, "b").await;
    let work = take(w, other).await;
    let said = w
        .store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    assert_eq!(said, Committed::default(), "another customer");

    let work = take(w, customer).await;
    let said = w
        .store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    let mut both = [first, second];
    both.sort_unstable();
    assert_eq!(rows(&said), both);
    assert!(said.woken.iter().all(|ring| ring.traceparent.is_some()));
    assert!(w.retries().await.iter().all(|r| r.waits_for.is_none()));
    assert_eq!(
        w.store.sweep(10, Duration::ZERO).await.unwrap().len(),
        2,
        "a lost ring is found again"
    );
    let again = take(w, first).await;
    let done = w
        .store
        .commit(&again, &ending(&again, Status::Success))
        .await
        .unwrap();
    assert_eq!(done, Committed::default(), "a document wakes nobody");
    assert_eq!(w.retries().await.len(), 1);
}

async fn whatever_a_customer_comes_to_wakes_its_documents(w: &World) {
    let mut version = None;
    for status in [Status::Failed, Status::Conflict, Status::Skipped, Status::Success] {
        let customer = w.enqueue(Side::Crm, "a").await;
        let (document, said) = waits(w, &format!("{status:?}"), of(version, false)).await;
        assert_eq!(said, Committed::default(), "{status:?}");
        let work = take(w, customer).await;
        let mut end = ending(&work, status);
        end.link.as_mut().unwrap().state = match status {
            Status::Conflict => LinkState::Conflict,
            Status::Skipped => LinkState::Closed,
            _ => LinkState::Active,
        };
        let said = w.store.commit(&work, &end).await.unwrap();
        assert_eq!(rows(&said), [document], "{status:?}");
        version = Some(work.link.version + 1);
    }
    // There is no such customer.
    let customer = w.enqueue(Side::Crm, "b").await;
    let awaited = Awaited {
        customer: "b".to_owned(),
        ..of(None, true)
    };
    let (document, _) = waits(w, "q", awaited).await;
    let work = take(w, customer).await;
    let mut gone = ending(&work, Status::Skipped);
    gone.link = None;
    assert_eq!(rows(&w.store.commit(&work, &gone).await.unwrap()), [document]);
}

async fn a_customer_that_waits_itself_wakes_nobody(w: &World) {
    let customer = w.enqueue(Side::Crm, "a").await;
    let (document, _) = waits(w, "q", of(None, true)).await;
    let work = take(w, customer).await;
    let mut later = ending(&work, Status::Pending);
    later.link.as_mut().unwrap().state = LinkState::New;
    assert!(rows(&w.store.commit(&work, &later).await.unwrap()).is_empty());
    // It waits on, but finance has it.
    let work = take(w, customer).await;
    let mut later = ending(&work, Status::Pending);
    later.link.as_mut().unwrap().finance_id = Some("22".to_owned());
    assert_eq!(rows(&w.store.commit(&work, &later).await.unwrap()), [document]);
}

async fn a_document_that_looked_before_the_end_is_due_at_once(w: &World) {
    let at_once = async |id: &str, awaited: Awaited| {
        let (document, said) = waits(w, id, awaited).await;
        assert_eq!(said.next.map(|ring| ring.row), Some(document), "{id}");
        take(w, document).await;
    };
    // Its row has come to nothing.
    at_once("q1", of(None, true)).await;
    // No run of it is in sight: that was so when the document looked.
    assert_eq!(waits(w, "q2", of(None, false)).await.1, Committed::default());
    let customer = w.enqueue(Side::Crm, "a").await;
    let work = take(w, customer).await;
    // A run of it is under way.
    assert_eq!(waits(w, "q3", of(None, false)).await.1, Committed::default());
    assert_eq!(waits(w, "q4", of(Some(0), false)).await.1, Committed::default());
    let said = w
        .store
        .commit(&work, &ending(&work, Status::Failed))
        .await
        .unwrap();
    assert_eq!(said.woken.len(), 3);
    at_once("q5", of(None, false)).await;
    at_once("q6", of(Some(0), false)).await;
    assert_eq!(waits(w, "q7", of(Some(1), false)).await.1, Committed::default());
}

/// The last statements of both runs in any order, in sessions of their own.
#[tokio::test]
async fn no_end_of_a_customers_run_is_missed_by_a_document_that_ends_waiting_just_then() {
    let w = World::new(On::Postgres).await;
    for round in 0..150_u64 {
        // Never met; or met, and its run has failed before.
        let id = format!("a{}", round / 2);
        let customer = w.enqueue(Side::Crm, &id).await;
        let heard = quote(&format!("q{round}"));
        w.store.enqueue(std::slice::from_ref(&heard)).await.unwrap();
        let document = take(&w, heard.row).await;
        let met = (round % 2 == 1).then_some(1);
        let awaited = Awaited {
            customer: id,
            version: met,
            enqueued: met.is_none(),
        };
        let wait = waiting(&w, &document, awaited);
        let work = take(&w, customer).await;
        let failed = ending(&work, Status::Failed);
        let later = async |half_ms: u64| tokio::time::sleep(Duration::from_micros(500 * half_ms)).await;
        let of_customer = async {
            later(round % 5).await;
            w.store.commit(&work, &failed).await.unwrap()
        };
        let of_document = async {
            later(round / 5 % 5).await;
            w.store.commit(&document, &wait).await.unwrap()
        };
        let (customer, document) = tokio::join!(of_customer, of_document);
        let is_woken = rows(&customer) == [heard.row];
        // Or both: it was woken before it looked what waits.
        assert!(is_woken || document.next.is_some(), "round {round}: missed");
    }
    w.drop_it().await;
}
