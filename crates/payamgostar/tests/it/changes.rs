//! What changed, as pollers read it: to the end whatever the pages hold, from where the last read ended, and never a
//! part for the whole.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::customer::Kind;
use domain::document::DocumentKind::{self, Invoice, Quote};
use domain::ports::changes::{Changed, Changes as _, DocumentFeed, End, Part, Parts, ShownDocument, Since};
use domain::ports::{PortError, PortResult};
use payamgostar::Payamgostar;
use serde_json::{Value, json};
use simulator::{FaultKind, FaultRule, Kind as Made, Simulator, System};

use crate::support::simulated;

/// A server that cuts pages to this size.
const PAGE: u64 = 10;

async fn small_pages() -> (Simulator, Payamgostar) {
    let (simulator, crm) = simulated().await;
    simulator.crm().configure(|config| {
        config.max_page_size = PAGE;
        config.quote_types = vec!["PI_5".to_owned(), "PI_7".to_owned()];
    });
    simulator
        .clock()
        .freeze("2025-12-21T10:36:17.173Z".parse().unwrap());
    (simulator, crm)
}

fn person(simulator: &Simulator, name: &str) -> String {
    let object = json!({ "nickName": name });
    simulator.crm().create(Made::Person, object).unwrap()
}

fn modified(simulator: &Simulator, id: &str) -> String {
    let object = simulator.crm().get(id).unwrap();
    object["modifyDate"].as_str().unwrap().to_owned()
}

/// Reads to the end.
async fn all<T>(mut parts: Box<dyn Parts<T> + '_>) -> PortResult<(Vec<Changed<T>>, End)> {
    let mut records = Vec::new();
    for _ in 0..100 {
        match parts.next().await? {
            Part::Records(page) => {
                assert!(!page.is_empty());
                records.extend(page);
            }
            Part::End(end) => return Ok((records, end)),
        }
    }
    panic!("it goes round");
}

async fn persons(crm: &Payamgostar, cursor: Option<&str>, wide: bool) -> (BTreeSet<String>, End) {
    let since = Since { cursor, wide };
    let (records, end) = all(crm.customer_changes(Kind::Person, since)).await.unwrap();
    let ids: BTreeSet<_> = records.iter().map(|shown| shown.id.clone()).collect();
    assert_eq!(ids.len(), records.len(), "each once");
    (ids, end)
}

#[tokio::test]
async fn all_are_read_even_when_more_rows_than_a_page_bear_the_same_date() {
    let (simulator, crm) = small_pages().await;
    let mut expected = BTreeSet::new();
    for index in 0..63 {
        if !(5..=35).contains(&index) {
            simulator.clock().advance(TimeDelta::milliseconds(7));
        }
        expected.insert(person(&simulator, &format!("n{index}")));
    }
    let (ids, end) = persons(&crm, None, false).await;
    assert_eq!((ids, end.ahead), (expected, None));
    assert_eq!(end.cursor.unwrap(), "2025-12-21T14:06:17.397");
    let none = all(crm.customer_changes(Kind::Organization, Since::default())).await;
    assert_eq!(none.unwrap(), (vec![], End::default()), "where this one began");
}

#[tokio::test]
async fn a_read_goes_on_where_the_last_one_ended_less_an_overlap() {
    let (simulator, crm) = small_pages().await;
    let ids: Vec<String> = [0, 60, 58, 3]
        .into_iter()
        .map(|minutes| {
            simulator.clock().advance(TimeDelta::minutes(minutes));
            person(&simulator, "n")
        })
        .collect();
    let of = |range: std::ops::RangeFrom<usize>| ids[range].iter().cloned().collect::<BTreeSet<_>>();
    // The newest that version 0.1 saw of the first three, as it stored it, and in other spellings of the server.
    for cursor in [
        "2025-12-21T16:04:17.173",
        "2025-12-21T16:04:17.1730000",
        "2025-12-21T16:04:17",
    ] {
        let (seen, end) = persons(&crm, Some(cursor), false).await;
        assert_eq!(seen, of(2..), "{cursor}");
        assert_eq!(end.cursor, Some(modified(&simulator, &ids[3])), "{cursor}");
    }
    let (seen, _) = persons(&crm, Some("2025-12-21T16:04:17.173"), true).await;
    assert_eq!(seen, of(0..), "125 minutes back");
    let newest = modified(&simulator, &ids[3]);
    let (seen, end) = persons(&crm, Some(&newest), false).await;
    assert_eq!((seen, end.cursor), (of(3..), Some(newest)));
}

#[tokio::test]
async fn a_date_of_the_future_hides_nothing_that_comes_before_it() {
    let (simulator, crm) = small_pages().await;
    let id = person(&simulator, "n");
    let future = "2025-12-21T15:06:17.173".parse().unwrap();
    simulator.crm().set_dates(&id, None, Some(future)).unwrap();
    let (seen, end) = persons(&crm, None, false).await;
    assert_eq!(seen, BTreeSet::from([id]));
    assert_eq!(end.cursor.as_deref(), Some("2025-12-21T14:06:17.173"), "now");
    assert_eq!(end.ahead, Some(TimeDelta::hours(1)));
}

#[tokio::test]
async fn a_read_that_breaks_has_no_end() {
    let (simulator, crm) = small_pages().await;
    for index in 0..30 {
        simulator.clock().advance(TimeDelta::milliseconds(7));
        person(&simulator, &format!("n{index}"));
    }
    let mut parts = crm.customer_changes(Kind::Person, Since::default());
    assert!(matches!(parts.next().await, Ok(Part::Records(_))));
    let fault = FaultRule::always(System::Crm, "/find", FaultKind::TruncatedJson);
    simulator.faults().add(fault);
    assert!(matches!(parts.next().await, Err(PortError::Transient { .. })));
}

fn quote(type_key: &str) -> Value {
    json!({
        "subject": "فروش", "crmObjectTypeCode": type_key, "quoteDate": "2025-03-20T00:00:00",
        "details": [{"productCode": "5", "count": 1.0000, "baseUnitPrice": "1234567890123.45"}],
    })
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn documents(
    crm: &Payamgostar,
    kind: DocumentKind,
    types: &[&str],
    made_since: &str,
    cursor: Option<&str>,
) -> PortResult<(Vec<Changed<ShownDocument>>, End)> {
    let types: Vec<String> = types.iter().map(|key| (*key).to_owned()).collect();
    let feed = DocumentFeed {
        kind,
        types: &types,
        made_since: at(made_since),
    };
    all(crm.document_changes(feed, Since { cursor, wide: false })).await
}

#[tokio::test]
async fn each_type_of_documents_is_read_by_itself_and_has_its_place_in_the_cursor() {
    const MADE: &str = "2025-12-21T10:30:00Z";
    let (simulator, crm) = small_pages().await;
    let make = |type_key| simulator.crm().create(Made::Quote, quote(type_key)).unwrap();
    let mut expected = BTreeSet::new();
    for index in 0..33 {
        if !(5..=25).contains(&index) {
            simulator.clock().advance(TimeDelta::milliseconds(7));
        }
        expected.insert(make("PI_5"));
    }
    let other = make("PI_7");
    let (shown, end) = documents(&crm, Quote, &["PI_5"], MADE, None).await.unwrap();
    let ids: BTreeSet<_> = shown.iter().map(|shown| shown.id.clone()).collect();
    assert_eq!((shown.len(), ids), (33, expected));
    for Changed { modified, record, .. } in &shown {
        assert!(modified.starts_with("2025-12-21T14:06:17.") && record.created_at.is_some());
        let document = record.document.as_ref().unwrap();
        assert_eq!(document.rows[0].unit_price.to_string(), "1234567890123.45");
        assert_eq!((&*record.object_type, &*document.object_type), ("PI_5", "PI_5"));
    }
    let cursor = end.cursor.unwrap();
    assert_eq!(
        cursor,
        r#"{"since":"2025-12-21T10:30:00Z","types":{"PI_5":"2025-12-21T14:06:17.257"}}"#
    );
    // An hour later: of the one type what is new, of the other everything.
    simulator.clock().advance(TimeDelta::hours(1));
    let new = make("PI_5");
    let (shown, end) = documents(&crm, Quote, &["PI_5", "PI_7"], MADE, Some(&cursor))
        .await
        .unwrap();
    let overlap = 33;
    assert_eq!(shown.len(), overlap + 2);
    let of = |type_key| {
        shown
            .iter()
            .filter(move |shown| shown.record.object_type == type_key)
    };
    assert!(of("PI_5").any(|shown| shown.id == new));
    assert_eq!(of("PI_7").map(|shown| &shown.id).collect::<Vec<_>>(), [&other]);
    // And then of both what is new: nothing but the overlap.
    let (shown, _) = documents(&crm, Quote, &["PI_5", "PI_7"], MADE, end.cursor.as_deref())
        .await
        .unwrap();
    assert_eq!(shown.len(), 2);
    let none = documents(&crm, Invoice, &["SI_5"], MADE, None).await.unwrap();
    assert!(none.0.is_empty());
    assert_eq!(
        none.1.cursor.as_deref(),
        Some(r#"{"since":"2025-12-21T10:30:00Z","types":{}}"#)
    );
}

#[tokio::test]
async fn a_type_that_the_crm_does_not_have_is_told_with_the_setting_that_names_it() {
    let (_simulator, crm) = small_pages().await;
    let unknown = documents(&crm, Quote, &["PI_9"], "2020-01-01T00:00:00Z", None).await;
    let Err(PortError::Refused(words)) = unknown else {
        panic!("{unknown:?}");
    };
    assert!(
        words.ends_with("; check that the CRM has the type 'PI_9' of CRM_QUOTE_TYPES"),
        "{words}"
    );
}
