//! The record index: what was seen is found by whatever it holds, and by nothing that it held.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::company::Company;
use domain::customer::{Customer, Field, Kind};
use domain::index::{COUNTED, Indexed, Reading, Sighting};
use domain::matching::{Form, Holders, Key, Numbering};
use domain::polls::{FINANCE_CONTACTS, Harvest};
use domain::ports::{Side, Snapshot};
use domain::store::entities::link;
use domain::store::{LinkState, Status};

use crate::polls::{RHYTHM, contact, turn_of};
use crate::world::{World, contract, ending, stored, take};

contract![
    what_a_record_holds_now_leads_to_it_and_nothing_else_does,
    holders_are_names_and_counted_as_far_as_it_matters,
    what_was_read_later_is_not_written_over_and_what_is_gone_leads_nowhere,
    pairs_that_are_two_are_not_held_against_each_other,
    what_stands_on_one_side_only_is_named,
    a_run_and_a_poll_leave_what_they_saw,
    what_is_gone_for_long_is_forgotten_but_its_counter,
    a_column_is_ruled_of_seen_and_taken_back,
];

const NUMBERING: Numbering = Numbering::of_one(Company::DEFAULT, 0);

pub fn sighting(side: Side, id: &str, values: &[(Field, &str)], at: DateTime<Utc>) -> Sighting {
    let customer = values
        .iter()
        .fold(Customer::new(Kind::Person), |c, (field, value)| {
            c.with(*field, *value)
        });
    let snapshot = Snapshot {
        id: id.to_owned(),
        customer,
        modified_at: None,
        whole: serde_json::Value::Null,
    };
    let reading = Reading {
        numbering: NUMBERING,
        project: &|_, _, value| value.to_owned(),
    };
    Sighting::of(&snapshot, side, reading, at)
}

fn form(key: Key, value: &str) -> Form {
    Form {
        key,
        value: value.to_owned(),
    }
}

fn ids(found: &[Indexed]) -> Vec<&str> {
    found.iter().map(|one| one.id.as_str()).collect()
}

async fn by_mobile(w: &World, side: Side, mobile: &str) -> Vec<String> {
    let found = w
        .index
        .holding(side, &[form(Key::Mobile, mobile)], "nobody")
        .await;
    found.unwrap().into_iter().map(|one| one.id).collect()
}

async fn what_a_record_holds_now_leads_to_it_and_nothing_else_does(w: &World) {
    let now = w.clock.now();
    let long = "خیابان ولیعصر کوچه نیلوفر ".repeat(6) + "پلاک 12";
    let ali = [
        (Field::Name, "علی رضایی"),
        (Field::Mobile, "0912 111 2345 - 0935 222 1346"),
        (Field::Address, long.as_str()),
        (Field::Email, "a\0li@example.ir"),
    ];
    let seen = [
        sighting(Side::Finance, "22", &ali, now),
        sighting(Side::Finance, "23", &[(Field::Mobile, "+989121112345")], now),
        sighting(Side::Crm, "c", &[(Field::Mobile, "09121112345")], now),
        sighting(Side::Crm, "no\nid", &[(Field::Mobile, "09121112345")], now),
    ];
    w.index.note(&seen).await.unwrap();
    w.index.note(&seen).await.unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9121112345").await, ["22", "23"]);
    assert_eq!(by_mobile(w, Side::Finance, "9352221346").await, ["22"]);
    assert_eq!(by_mobile(w, Side::Crm, "9121112345").await, ["c"]);
    let Some(held) = &seen[0].held else { panic!() };
    let forms = domain::matching::forms(&held.profile);
    assert_eq!(forms.len(), 6, "{forms:?}");
    for one in &forms {
        let found = w
            .index
            .holding(Side::Finance, std::slice::from_ref(one), "")
            .await
            .unwrap();
        let ali = found.iter().find(|one| one.id == "22").unwrap();
        assert_eq!(ali.profile.as_ref(), Some(&held.profile), "{one:?}");
    }
    let all = w.index.holding(Side::Finance, &forms, "").await.unwrap();
    assert_eq!(ids(&all), ["22", "23"], "each once");

    w.clock.turn(RHYTHM.interval);
    let moved = sighting(Side::Finance, "22", &[(Field::Name, "علی رضایی")], w.clock.now());
    w.index.note(std::slice::from_ref(&moved)).await.unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9121112345").await, ["23"]);
    assert!(by_mobile(w, Side::Finance, "9352221346").await.is_empty());
    assert!(w.index.holding(Side::Finance, &[], "").await.unwrap().is_empty());
}

async fn holders_are_names_and_counted_as_far_as_it_matters(w: &World) {
    let now = w.clock.now();
    let mut seen = Vec::new();
    for n in 0..40 {
        let name = format!("مشتری شماره {n}");
        let values = [(Field::Name, name.as_str()), (Field::Phone, "021-88451236")];
        seen.push(sighting(Side::Finance, &n.to_string(), &values, now));
    }
    let twice = [
        (Field::Name, "سارا نیک"),
        (Field::Mobile, "09123451237"),
        (Field::NationalId, "0499370899"),
    ];
    seen.push(sighting(Side::Crm, "a", &twice, now));
    seen.push(sighting(Side::Crm, "b", &twice, now));
    seen.push(sighting(
        Side::Crm,
        "nameless",
        &[(Field::Mobile, "09123451237")],
        now,
    ));
    w.index.note(&seen).await.unwrap();
    let asked = [
        form(Key::Landline, "88451236"),
        form(Key::Mobile, "9123451237"),
        form(Key::NationalId, "0499370899"),
    ];
    let tally = w.index.holders(&asked).await.unwrap();
    let holders = |side, n: usize| tally.holders(side, asked[n].key, &asked[n].value);
    assert_eq!(holders(Side::Finance, 0), usize::try_from(COUNTED).unwrap());
    assert_eq!(holders(Side::Crm, 0), 0);
    assert_eq!(holders(Side::Crm, 1), 2, "one name, and one without a name");
    assert_eq!(holders(Side::Crm, 2), 2, "records");
    assert_eq!(
        w.index
            .holders(&[])
            .await
            .unwrap()
            .holders(Side::Crm, Key::Name, ""),
        0
    );
    // More forms than one statement takes.
    let many: Vec<Form> = (0..200).map(|n| form(Key::Mobile, &format!("9{n:09}"))).collect();
    let many = [many, asked.to_vec()].concat();
    let tally = w.index.holders(&many).await.unwrap();
    assert_eq!(tally.holders(Side::Crm, Key::Mobile, "9123451237"), 2);
}

async fn what_was_read_later_is_not_written_over_and_what_is_gone_leads_nowhere(w: &World) {
    let at = |n: i64| w.clock.now() + chrono::Duration::seconds(n);
    let with = |mobile, n| sighting(Side::Finance, "22", &[(Field::Mobile, mobile)], at(n));
    w.index.note(&[with("09121112345", 10)]).await.unwrap();
    w.index.note(&[with("09352221346", 5)]).await.unwrap();
    assert_eq!(
        by_mobile(w, Side::Finance, "9121112345").await,
        ["22"],
        "an older read"
    );
    w.index
        .note(&[Sighting::gone(Side::Finance, Company::DEFAULT, "22", at(9))])
        .await
        .unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9121112345").await, ["22"]);
    w.index.note(&[with("09352221346", 10)]).await.unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9352221346").await, ["22"]);
    let gone = [
        Sighting::gone(Side::Finance, Company::DEFAULT, "22", at(20)),
        Sighting::gone(Side::Finance, Company::DEFAULT, "never seen", at(20)),
    ];
    w.index.note(&gone).await.unwrap();
    assert!(by_mobile(w, Side::Finance, "9352221346").await.is_empty());
    let gone_since = async |id| w.index.gone_since(Side::Finance, id).await.unwrap();
    let since = gone_since("22").await.map(|since| (since - at(20)).num_seconds());
    assert_eq!((since, gone_since("never seen").await), (Some(0), None));
    let counted = w.index.holders(&[form(Key::Mobile, "9352221346")]).await.unwrap();
    assert_eq!(counted.holders(Side::Finance, Key::Mobile, "9352221346"), 0);
    w.index.note(&[with("09352221346", 30)]).await.unwrap();
    assert_eq!(
        by_mobile(w, Side::Finance, "9352221346").await,
        ["22"],
        "it is back as it was"
    );
    assert_eq!(gone_since("22").await, None);
}

async fn pairs_that_are_two_are_not_held_against_each_other(w: &World) {
    let now = w.clock.now();
    let values = [(Field::Mobile, "09121112345")];
    let seen = ["1", "2", "3"].map(|code| sighting(Side::Finance, code, &values, now));
    w.index.note(&seen).await.unwrap();
    let others = ["1".to_owned(), "3".to_owned()];
    w.index.separate(Side::Crm, "c", &others).await.unwrap();
    w.index.separate(Side::Crm, "c", &others).await.unwrap();
    w.index
        .separate(Side::Finance, "2", &["d".to_owned()])
        .await
        .unwrap();
    let asked = [form(Key::Mobile, "9121112345")];
    let of = async |than: &str| w.index.holding(Side::Finance, &asked, than).await.unwrap();
    assert_eq!(ids(&of("c").await), ["2"]);
    assert_eq!(ids(&of("d").await), ["1", "3"]);
    assert_eq!(ids(&of("e").await), ["1", "2", "3"]);
}

async fn what_stands_on_one_side_only_is_named(w: &World) {
    let now = w.clock.now();
    let all = ["a", "b", "c", "d", "e"].map(|id| sighting(Side::Crm, id, &[(Field::Name, id)], now));
    w.index.note(&all).await.unwrap();
    let link = |id: &str, finance: Option<&str>, state| link::Model {
        crm_id: Some(id.to_owned()),
        finance_id: finance.map(str::to_owned),
        base: None,
        state,
        ..stored(w, serde_json::Value::Null, None)
    };
    w.put_link(link("a", Some("1"), LinkState::Active)).await;
    w.put_link(link("b", Some("2"), LinkState::Closed)).await;
    w.put_link(link("c", None, LinkState::Conflict)).await;
    w.index
        .note(&[Sighting::gone(Side::Crm, Company::DEFAULT, "e", now)])
        .await
        .unwrap();
    assert_eq!(
        ids(&w.index.unlinked(Side::Crm, "", 10).await.unwrap()),
        ["c", "d"]
    );
    assert_eq!(ids(&w.index.unlinked(Side::Crm, "c", 10).await.unwrap()), ["d"]);
    assert_eq!(ids(&w.index.unlinked(Side::Crm, "", 1).await.unwrap()), ["c"]);
    let asked = [form(Key::Name, "a"), form(Key::Name, "b"), form(Key::Name, "c")];
    let found = w.index.holding(Side::Crm, &asked, "").await.unwrap();
    let linked: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.linked)).collect();
    assert_eq!(linked, [("a", true), ("b", true), ("c", false)]);
}

async fn a_run_and_a_poll_leave_what_they_saw(w: &World) {
    let row = w.enqueue(Side::Crm, "c").await;
    let work = take(w, row).await;
    let mut commit = ending(&work, Status::Success);
    commit.seen = vec![sighting(
        Side::Crm,
        "c",
        &[(Field::Mobile, "09121112345")],
        w.clock.now(),
    )];
    w.store.commit(&work, &commit).await.unwrap();
    assert_eq!(by_mobile(w, Side::Crm, "9121112345").await, ["c"]);

    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let values = [(Field::Mobile, "09121112345")];
    let harvest = Harvest {
        contacts: vec![contact("22", 1, &values), contact("23", 1, &values)],
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9121112345").await, ["22", "23"]);
    assert!(w.polls.contacts_but(&HashSet::new()).await.unwrap()["22"].indexed);

    // A run has read one of them since: the next look must see that the index holds something else than the look.
    w.clock.turn(RHYTHM.interval);
    let read = sighting(
        Side::Finance,
        "22",
        &[(Field::Mobile, "09352221346")],
        w.clock.now(),
    );
    w.index.note(&[read]).await.unwrap();
    let seen = w.polls.contacts_but(&HashSet::new()).await.unwrap();
    assert!(!seen["22"].indexed && seen["23"].indexed);
    assert_eq!(
        seen["22"].checksum, harvest.contacts[0].checksum,
        "what the look saw"
    );

    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let harvest = Harvest {
        missing: vec!["23".to_owned()],
        gone: vec!["23".to_owned()],
        seen: vec![contact("22", 1, &values).sighting(Company::DEFAULT, turn.started_at)],
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    assert_eq!(by_mobile(w, Side::Finance, "9121112345").await, ["22"]);
    let seen = w.polls.contacts_but(&HashSet::new()).await.unwrap();
    assert!(seen["22"].indexed && seen["22"].changes == 1);
    assert!(seen["23"].gone && seen["23"].gone_since.is_some());
}

async fn what_is_gone_for_long_is_forgotten_but_its_counter(w: &World) {
    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let values = [(Field::Name, "علی رضایی")];
    let contacts = vec![contact("22", 4, &values), contact("23", 1, &values)];
    let harvest = Harvest {
        contacts,
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    for again in [false, true] {
        w.clock.turn(RHYTHM.interval);
        let turn = turn_of(w, FINANCE_CONTACTS).await;
        let (missing, gone) = (vec!["22".to_owned()], vec!["22".to_owned()]);
        let harvest = Harvest {
            missing: if again { Vec::new() } else { missing },
            gone: if again { gone } else { Vec::new() },
            ..Harvest::default()
        };
        w.polls.finish(&turn, &harvest).await.unwrap();
        let seen = w.polls.contacts_but(&HashSet::new()).await.unwrap();
        assert!(seen["22"].gone && seen["22"].gone_since.is_some() == again);
    }
    w.store.prune(RHYTHM.interval, 10).await.unwrap();
    w.clock.turn(RHYTHM.interval * 2);
    w.store.prune(RHYTHM.interval, 10).await.unwrap();
    let seen = w.polls.contacts_but(&HashSet::new()).await.unwrap();
    assert_eq!(
        (seen["22"].changes, seen["22"].gone, seen["22"].indexed),
        (5, true, false)
    );
    assert!(seen["23"].indexed);
}

async fn a_column_is_ruled_of_seen_and_taken_back(w: &World) {
    let (finance, crm) = ((Side::Finance, Field::Address), (Side::Crm, Field::Address));
    assert_eq!(w.index.columns().await.unwrap(), []);
    let known = |altered: &str| serde_json::json!({ "kind": "person", "altered": { "address": altered } });
    for (id, base, state) in [
        ("a", known("FINANCE"), LinkState::Conflict),
        ("b", known("CRM"), LinkState::Conflict),
        ("c", known("FINANCE"), LinkState::Active),
        ("d", serde_json::json!({ "kind": "person" }), LinkState::Conflict),
    ] {
        let mut row = stored(w, base, None);
        (row.crm_id, row.finance_id, row.state) = (Some(id.to_owned()), Some(format!("f{id}")), state);
        w.put_link(row).await;
    }
    assert_eq!(
        w.index.accept_columns(&[finance]).await.unwrap(),
        ["a"],
        "who is held for it"
    );
    assert_eq!(
        w.index.accept_columns(&[finance]).await.unwrap(),
        ["a"],
        "ruled twice"
    );
    let ruled = w.index.columns().await.unwrap();
    let columns: Vec<_> = ruled.iter().map(|column| (column.side, column.field)).collect();
    assert_eq!(columns, [finance]);
    assert!(!w.index.hold_column(crm.0, crm.1).await.unwrap());
    assert!(w.index.hold_column(finance.0, finance.1).await.unwrap());
    assert!(!w.index.hold_column(finance.0, finance.1).await.unwrap(), "once");
    assert_eq!(w.index.columns().await.unwrap(), []);
    w.index.accept_columns(&[finance, crm]).await.unwrap();
    assert_eq!(w.index.columns().await.unwrap().len(), 2);
}
