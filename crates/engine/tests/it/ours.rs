//! Rule 2 of a customer ("Ours?") case by case: what is in flight, what a look shows, what becomes of the base.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::customer::{Customer, Field, Kind};
use domain::entity::EntityType;
use domain::in_flight::{Create, InFlight, Sent, Update, Write};
use domain::link::{Link, LinkState};
use domain::merge::Times;
use domain::message::Code;
use domain::ports::Snapshot;
use domain::side::Side;
use engine::customer::{decide, forget, ours, saving};
use engine::document::DocumentRules;
use engine::seen::{Known, Seen, Sight};
use engine::step::{Ending, Sending, Step};
use engine::{Config, Rules};

use crate::decisions::config;

pub fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

pub fn project(_: Side, _: Field, value: &str) -> String {
    value.to_owned()
}

pub fn with_rules<T>(call: impl FnOnce(&Rules<'_>) -> T) -> T {
    with_rules_of(&config(), call)
}

/// [`with_rules`] of other settings.
pub fn with_rules_of<T>(config: &Config, call: impl FnOnce(&Rules<'_>) -> T) -> T {
    call(&Rules {
        served: &domain::company::Companies::default(),
        config,
        documents: &DocumentRules::default(),
        project: &project,
    })
}

/// Both sides were known to hold these.
pub fn base(crm: &str, finance: &str) -> Base {
    let mut base = Base::new(Kind::Person);
    base.agree(Field::Name, crm, finance);
    base
}

pub fn named(name: &str) -> Customer {
    Customer::new(Kind::Person).with(Field::Name, name)
}

/// A save into finance, sent in that second over that base; it leaves this name, taken from the same in the CRM.
pub fn save(second: i64, base: &Base, leaves: &str) -> Update {
    let sent = Sent {
        leaves: leaves.to_owned(),
        source: Some(leaves.to_owned()),
        base: Some(base.pair(Field::Name)),
        written: true,
        pending: false,
    };
    Update {
        side: Side::Finance,
        at: at(second),
        fields: [(Field::Name, sent)].into(),
        overtaken: false,
        answered: None,
        decided: Vec::new(),
    }
}

/// One that sends along an edit of finance which both sides have not agreed on.
fn save_with_pending(second: i64, base: &Base, edit: &str) -> Update {
    let mut save = save(second, base, edit);
    for sent in save.fields.values_mut() {
        (sent.written, sent.pending, sent.source) = (false, true, None);
    }
    save
}

pub fn in_flight(saves: &[Update]) -> InFlight {
    InFlight(saves.iter().cloned().map(Write::Update).collect())
}

fn pair(crm: &str, finance: &str) -> (Option<String>, Option<String>) {
    (Some(crm.to_owned()), Some(finance.to_owned()))
}

/// A look at both sides.
fn look(base: &mut Base, out: &mut InFlight, crm: &str, finance: &str) {
    let (crm, finance) = (named(crm), named(finance));
    ours::recognise(base, out, [Some(&crm), Some(&finance)], &project);
}

fn out_after(out: &InFlight, finance: &Customer, read: i64) -> usize {
    let mut out = out.clone();
    let settle = chrono::Duration::seconds(120);
    let sides = [None, Some(finance)];
    ours::forget(&mut out, sides, [None, Some(at(read))], settle, &project);
    out.0.len()
}

#[test]
fn a_save_is_confirmed_or_late_by_what_was_agreed_on_since() {
    let then = base("a", "a");
    let mut known = then.clone();
    look(&mut known, &mut in_flight(&[save(0, &then, "b")]), "b", "b");
    assert_eq!(
        (known.pair(Field::Name), known.put_back.len()),
        (pair("b", "b"), 0)
    );
    let mut known = base("c", "c");
    look(&mut known, &mut in_flight(&[save(0, &then, "b")]), "c", "b");
    assert_eq!(known.put_back.get(&Field::Name), Some(&Side::Finance));
}

#[test]
fn a_second_late_save_over_what_the_first_put_back_is_late_too() {
    let (first, second) = (base("a", "a"), base("b", "b"));
    let mut out = in_flight(&[save(0, &first, "x"), save(9, &second, "y")]);
    let mut known = base("c", "c");
    look(&mut known, &mut out, "c", "x");
    look(&mut known, &mut out, "c", "y");
    assert_eq!(known.pair(Field::Name), pair("c", "y"), "nobody has typed y");
    assert_eq!(known.put_back.get(&Field::Name), Some(&Side::Finance));
}

#[test]
fn what_is_owed_and_has_arrived_without_an_answer_is_owed_no_more() {
    let mut known = base("c", "c");
    known.put_back(Side::Finance, Field::Name, "x");
    let mut out = in_flight(&[save(20, &known, "c")]);
    // The other side was edited meanwhile: the only edit.
    look(&mut known, &mut out, "d", "c");
    assert_eq!(
        (known.pair(Field::Name), known.put_back.len()),
        (pair("c", "c"), 0)
    );
}

#[test]
fn an_edit_that_was_sent_along_and_then_written_over_is_a_late_landing_when_it_is_seen_again() {
    let first = base("a", "a");
    let mut out = in_flight(&[save_with_pending(0, &first, "edit")]);
    let mut known = first.clone();
    look(&mut known, &mut out, "a", "edit");
    assert_eq!(known, first, "it is still that edit");
    // It lost against one of the CRM; a save has written that, and was answered.
    known.agree(Field::Name, "b", "b");
    ours::settle_pending(&mut out, Field::Name, at(9));
    look(&mut known, &mut out, "b", "edit");
    assert_eq!(known.put_back.get(&Field::Name), Some(&Side::Finance));
}

#[test]
fn a_save_that_was_sent_before_settles_nothing_about_an_edit_that_was_sent_along_later() {
    let first = base("a", "a");
    let mut into_crm = save(0, &first, "b");
    into_crm.side = Side::Crm;
    let mut out = in_flight(&[into_crm, save_with_pending(9, &first, "edit")]);
    let mut known = first;
    // The first one is confirmed now: finance held "b" when it was sent.
    look(&mut known, &mut out, "b", "edit");
    assert_eq!(known.pair(Field::Name), pair("b", "b"));
    look(&mut known, &mut out, "b", "edit");
    assert!(
        known.put_back.is_empty(),
        "an edit of finance, to be carried over"
    );
}

#[test]
fn a_later_save_that_was_answered_leaves_open_whether_an_edit_sent_along_is_that_edit() {
    let first = base("a", "a");
    let mut out = in_flight(&[save_with_pending(0, &first, "edit")]);
    ours::overtake(&mut out, &save_with_pending(9, &first, "edit"));
    let mut known = first.clone();
    look(&mut known, &mut out, "a", "edit");
    assert_eq!(known, first);
}

#[test]
fn what_was_sent_along_since_a_save_that_is_now_seen_to_have_landed_late_is_an_edit_of_what_it_brought() {
    // "b" of finance is sent to the CRM, nobody hears of it; someone takes "b" out of finance again, which looks as if
    // nothing had been; a save of another field sends that along; then the first one lands.
    let then = base("a", "a");
    let to_crm = Update {
        side: Side::Crm,
        ..save(0, &then, "b")
    };
    let mut along = save(9, &then, "a");
    along.fields.values_mut().for_each(|sent| sent.written = false);
    for overtaken in [false, true] {
        let (mut known, mut out) = (then.clone(), in_flight(&[to_crm.clone(), along.clone()]));
        if overtaken {
            ours::overtake(&mut out, &save(10, &then, "a"));
        }
        for _ in 0..2 {
            look(&mut known, &mut out, "b", "a");
            let (found, put_back) = (known.pair(Field::Name), known.put_back.len());
            assert_eq!(
                (found, put_back),
                (pair("b", "b"), 0),
                "finance's \"a\" is an edit"
            );
        }
    }
}

#[test]
fn what_comes_back_altered_is_owed_where_an_earlier_save_has_landed_in_between() {
    let first = base("a", "a");
    for (came, owed) in [("x", true), ("typed", false)] {
        let (earlier, now) = (save(0, &first, "x"), save(9, &first, "b"));
        let mut known = first.clone();
        known.alter(Side::Finance, Field::Name, came, "b");
        ours::landed_between(
            &mut known,
            &in_flight(&[earlier, now.clone()]),
            &now,
            &named(came),
            &project,
        );
        assert_eq!(known.put_back.contains_key(&Field::Name), owed, "{came}");
        assert_eq!(known.altered.contains_key(&Field::Name), !owed, "{came}");
    }
}

#[test]
fn a_save_that_changes_nothing_which_its_side_shows_is_forgotten_by_time_alone() {
    let first = base("a", "a");
    let mut sends_along = save(0, &first, "a");
    sends_along
        .fields
        .values_mut()
        .for_each(|sent| sent.written = false);
    let number = Sent {
        leaves: "100-501".to_owned(),
        ..save(0, &first, "").fields[&Field::Name].clone()
    };
    sends_along.fields.insert(Field::CustomerNumber, number);
    let mut finance = named("a");
    finance.hidden.push(Field::CustomerNumber);
    let out = in_flight(&[sends_along]);
    assert_eq!(
        out_after(&out, &finance, 60),
        1,
        "it looks the same landed or not"
    );
    assert_eq!(out_after(&out, &finance, 121), 0);
    assert_eq!(
        out_after(&in_flight(&[save(0, &first, "b")]), &named("b"), 60),
        0,
        "seen whole"
    );
    // Sent as it was typed, since it stands there escaped: it comes back as it stands.
    let escaped = base("a & b", "a &amp; b");
    let out = in_flight(&[save(0, &escaped, "a & b")]);
    assert_eq!(
        out_after(&out, &named("a &amp; b"), 60),
        1,
        "nothing was to change"
    );
    assert_eq!(out_after(&out, &named("a &amp; b"), 121), 0);
}

#[test]
fn what_a_run_saw_of_one_side_alone_is_left_to_the_next() {
    let first = base("a", "a");
    let mut link = Link::unmet(EntityType::Customer);
    (link.crm_id, link.finance_id) = (Some("c".into()), Some("1".into()));
    link.in_flight = in_flight(&[save(0, &first, "b")]);
    let mut seen = Seen::nothing(Side::Finance, link.clone(), at(500));
    let here = |id: &str| Sight::Here {
        record: Snapshot {
            id: id.to_owned(),
            customer: named("b"),
            modified_at: None,
            whole: serde_json::Value::Null,
        },
        at: at(500),
    };
    seen.customers[Side::Finance as usize] = here("1");
    // What is merely not shown was not judged either.
    for (crm, gone, left) in [
        (Sight::Unread, false, 1),
        (Sight::Absent, false, 1),
        (Sight::Absent, true, 0),
        (here("c"), false, 0),
    ] {
        seen.customers[Side::Crm as usize] = crm;
        let mut known = Known::of(link.clone());
        with_rules(|rules| forget(&mut known, &seen, gone, rules));
        assert_eq!(known.link.in_flight.0.len(), left);
    }
}

#[test]
fn who_waits_for_what_another_has_sent_long_ago_needs_a_human() {
    let mut theirs = Link::unmet(EntityType::Customer);
    (theirs.finance_id, theirs.state) = (Some("1".into()), LinkState::New);
    theirs.in_flight = InFlight(vec![Write::Create(Create {
        side: Side::Crm,
        at: at(0),
        fields: [].into(),
        not_ours: Vec::new(),
        empty_looks: 0,
        made: None,
        places: None,
        decided: Vec::new(),
    })]);
    let mut link = Link::unmet(EntityType::Customer);
    link.crm_id = Some("c".into());
    for (second, asks) in [(599, false), (601, true)] {
        let mut seen = Seen::nothing(Side::Crm, link.clone(), at(second));
        seen.customers[Side::Crm as usize] = Sight::Here {
            record: Snapshot {
                id: "c".into(),
                customer: named("a"),
                modified_at: None,
                whole: serde_json::Value::Null,
            },
            at: at(second),
        };
        seen.not_linked = Some((Side::Finance, "1".into(), false, Some(theirs.clone())));
        let (_, step) = with_rules(|rules| decide(Known::of(link.clone()), &seen, rules));
        match step {
            Step::End(Ending::Conflict(why)) => assert!(asks && why.code == Code::WaitedForLong, "{why:?}"),
            Step::End(Ending::Wait(..)) => assert!(!asks),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_typed_into_a_field_that_a_create_left_empty_is_an_edit_and_into_another_is_held() {
    let then = base("a", "a");
    let name = save(0, &then, "a").fields[&Field::Name].clone();
    let mut description = name.clone();
    (description.leaves, description.source, description.written) =
        (String::new(), Some(String::new()), false);
    let create = Create {
        side: Side::Finance,
        at: at(0),
        fields: [(Field::Name, name), (Field::Description, description)].into(),
        not_ours: Vec::new(),
        empty_looks: 0,
        made: None,
        places: None,
        decided: Vec::new(),
    };
    let mut link = Link::unmet(EntityType::Customer);
    (link.crm_id, link.finance_id) = (Some("c".into()), Some("1".into()));
    link.in_flight = InFlight(vec![Write::Create(create.clone())]);
    let mut seen = Seen::nothing(Side::Crm, link.clone(), at(1));
    seen.answered = Some(Write::Create(create));
    seen.narrowed = Some(Times::default());
    seen.fresh = Some(Side::Crm);
    seen.columns = Some(BTreeSet::new());
    let finance = named("b").with(Field::Description, "typed");
    for (side, id, customer) in [(Side::Crm, "c", named("a")), (Side::Finance, "1", finance)] {
        seen.customers[side as usize] = Sight::Here {
            record: Snapshot {
                id: id.to_owned(),
                customer,
                modified_at: None,
                whole: serde_json::Value::Null,
            },
            at: at(1),
        };
    }
    let (known, step) = with_rules(|rules| decide(Known::of(link), &seen, rules));
    let Step::Write(sending) = step else {
        panic!("{step:?}")
    };
    let Sending::Update(update) = *sending else {
        panic!("{sending:?}")
    };
    assert_eq!(update.side, Side::Crm);
    let written = saving::asked(&update.fields);
    assert_eq!(
        written.get(&Field::Description).map(String::as_str),
        Some("typed")
    );
    assert!(!written.contains_key(&Field::Name));
    let altered = known.link.base.unwrap().altered;
    assert_eq!(altered.get(&Field::Name), Some(&Side::Finance));
}
