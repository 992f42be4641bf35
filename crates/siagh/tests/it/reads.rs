//! Finding contacts where filters are honoured and where they are ignored.

use domain::ports::changes::for_each;
use domain::ports::{Customers, MatchKeys};
use futures::future::join_all;
use serde_json::json;
use simulator::{FaultKind, FaultRule, Simulator, System};

use crate::support::simulated;

async fn seeded(ignore_filters: bool) -> (Simulator, siagh::Siagh) {
    let (simulator, finance) = simulated().await;
    simulator
        .finance()
        .configure(|config| config.ignore_filters = ignore_filters);
    let seed = |columns| simulator.finance().seed(columns).unwrap();
    seed(json!({"Code": 5, "Name": "الف", "NationalCode": "0012345679"}));
    seed(json!({"Code": 6, "Name": "ب", "MobileNo": "+989123451237"}));
    seed(json!({"Code": 505, "Name": "ج", "Email": "J@example.com", "TowardType": true}));
    seed(json!({"Code": 7, "Name": "مدیر", "IsAdminUser": true, "NationalCode": "0012345679"}));
    for code in 1000..1040 {
        seed(json!({"Code": code, "Name": format!("n{code}")}));
    }
    (simulator, finance)
}

/// Keys by their names, and whom they find.
type Found = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const BY_KEY: [Found; 8] = [
    (&[("id", "۵")], &["5"]),
    (&[("national_id", "۰۰۱۲۳۴۵۶۷۹")], &["5"]),
    (&[("mobile", "0912 345 1237")], &["6"]),
    (&[("number", "100-505"), ("email", "x@y.ir")], &["505"]),
    (&[("number", "200-505")], &[]),
    (&[("id", "7")], &[]),
    (
        &[("id", "5"), ("mobile", "09123451237"), ("number", "100-505")],
        &["5", "6", "505"],
    ),
    (&[("id", "not a code")], &[]),
];

fn keys(named: &[(&str, &str)]) -> MatchKeys {
    let mut keys = MatchKeys::default();
    for (name, value) in named {
        let key = match *name {
            "id" => &mut keys.id,
            "national_id" => &mut keys.national_id,
            "mobile" => &mut keys.mobile,
            "number" => &mut keys.customer_number,
            "email" => &mut keys.email,
            other => panic!("no key: {other}"),
        };
        *key = Some((*value).to_owned());
    }
    keys
}

#[tokio::test]
async fn contacts_are_found_by_any_key_whether_filters_are_honoured_or_not() {
    for ignore_filters in [false, true] {
        let (simulator, finance) = seeded(ignore_filters).await;
        for (named, expected) in BY_KEY {
            simulator.reset_stats();
            let found = finance.find(&keys(named)).await.unwrap();
            let ids: Vec<_> = found
                .records
                .iter()
                .map(|snapshot| snapshot.id.as_str())
                .collect();
            assert_eq!(ids, expected, "{named:?}, ignored: {ignore_filters}");
            assert!(simulator.finance().stats().calls("GetAll") <= 8, "{named:?}");
        }
        assert_eq!(finance.read("7", None).await.unwrap(), None);
        assert_eq!(finance.read("99999", None).await.unwrap(), None);
        assert_eq!(finance.read("abc", None).await.unwrap(), None);
        let said = finance.check().await.unwrap();
        assert_eq!(said.contains("ignores filters"), ignore_filters, "{said}");
    }
}

#[tokio::test]
async fn where_filters_are_ignored_concurrent_reads_share_full_reads() {
    let (simulator, finance) = seeded(true).await;
    finance.check().await.unwrap();
    simulator.reset_stats();
    simulator
        .faults()
        .add(FaultRule::always(System::Finance, "GetAll", FaultKind::Slow).ms(50));
    let codes: Vec<String> = (1000..1040).map(|code| code.to_string()).collect();
    let reads = join_all(codes.iter().map(|code| finance.read(code, None))).await;
    for (code, read) in codes.iter().zip(reads) {
        assert_eq!(read.unwrap().unwrap().id, *code);
    }
    let full_reads = simulator.finance().stats().calls("GetAll");
    assert!((1..=2).contains(&full_reads), "{full_reads}");
}

#[tokio::test]
async fn a_read_never_joins_a_full_read_under_way() {
    let (simulator, finance) = seeded(true).await;
    finance.check().await.unwrap();
    simulator.reset_stats();
    simulator
        .faults()
        .add(FaultRule::next(System::Finance, "GetAll", FaultKind::CommitThenHang, 1).ms(300));
    let early = finance.read("5", None);
    let late = async {
        while simulator.finance().stats().calls("GetAll") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        simulator.finance().edit(6, json!({"Name": "نو"})).unwrap();
        finance.read("6", None).await
    };
    let (early, late) = tokio::join!(early, late);
    assert!(early.unwrap().is_some());
    assert_eq!(late.unwrap().unwrap().whole["Name"], "نو");
    assert_eq!(simulator.finance().stats().calls("GetAll"), 2);
}

#[tokio::test]
async fn a_reader_who_goes_away_leaves_no_one_waiting() {
    let (simulator, finance) = seeded(true).await;
    finance.check().await.unwrap();
    simulator
        .faults()
        .add(FaultRule::next(System::Finance, "GetAll", FaultKind::Slow, 1).ms(600));
    let gone = async {
        let read = finance.read("5", None);
        tokio::time::timeout(std::time::Duration::from_millis(100), read).await
    };
    let others = join_all(["6", "505"].map(|code| finance.read(code, None)));
    let (gone, others) = tokio::join!(gone, others);
    assert!(gone.is_err());
    assert!(others.into_iter().all(|read| read.unwrap().is_some()));
}

#[tokio::test]
async fn all_contacts_are_handed_over_without_finances_own_users() {
    let (_simulator, finance) = seeded(false).await;
    let mut ids = Vec::new();
    let seen = for_each(&finance, |snapshot| ids.push(snapshot.id))
        .await
        .unwrap();
    assert_eq!((seen.seen, ids.len()), (43, 43));
    assert!(!ids.contains(&"7".to_owned()));
}
