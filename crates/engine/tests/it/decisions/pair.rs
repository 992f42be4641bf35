//! Two records that are linked.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::change::Reason;
use domain::customer::{Customer, Field};
use domain::in_flight::{Create, InFlight, Sent, Write};
use domain::link::{Link, LinkState};
use domain::matching::told_by;
use domain::merge::Times;
use domain::message::Code;
use domain::ports::PortError;
use domain::side::Side;
use domain::store::{Ruling, Status, Stood};
use engine::seen::Sight;
use engine::step::{Ending, Step};
use engine::{Config, Ran};

use super::{at, base, config, decide, decide_by, ends, linked, named, out, save, seen, update};
use crate::world::{Fault, On, World, person};

const NAME: Field = Field::Name;

#[test]
fn a_second_record_that_an_update_has_made_keeps_its_side_from_being_written_until_somebody_rules() {
    let mut link = linked(Some(base(&[(NAME, "a")])));
    let mut answered = save(Side::Finance, 0, &base(&[(NAME, "a")]), "x");
    answered.answered = Some("99".to_owned());
    link.in_flight = out(&[answered]);
    let mut seen = seen(&link, 200, Some(named("b")), Some(named("a")));
    seen.fresh = Some(Side::Finance);
    let (_, step) = decide(&link, &seen);
    assert!(
        matches!(&step, Step::Ask(Side::Finance, id) if id == "99"),
        "{step:?}"
    );

    let asked = (Side::Finance, "99".to_owned());
    seen.asked.insert(asked.clone(), true);
    assert_eq!(ends(&decide(&link, &seen).1).1, Code::SecondRecordStands);
    seen.asked.insert(asked, false);
    assert_eq!(update(decide(&link, &seen).1).side, Side::Finance);

    seen.asked.clear();
    seen.ruling = Some(Ruling::Keep(Side::Crm));
    let (known, step) = decide(&link, &seen);
    assert_eq!(update(step).side, Side::Finance);
    assert!(known.link.in_flight.is_empty());
}

#[test]
fn the_later_edit_wins_by_what_looks_and_polls_tell() {
    let link = linked(Some(base(&[(NAME, "a")])));
    let reason = |crm_modified: i64, change: fn(&mut engine::seen::Seen)| {
        let mut seen = seen(&link, 100, Some(named("b")), Some(named("c")));
        seen.fresh = Some(Side::Crm);
        seen.narrowed = Some(Times::default());
        if let Sight::Here { record, .. } = &mut seen.customers[Side::Crm as usize] {
            record.modified_at = Some(at(crm_modified));
        }
        change(&mut seen);
        let (_, step) = decide(&link, &seen);
        match step {
            // It is read again before it is written.
            Step::Read(Side::Finance) => (Side::Crm, None),
            step => {
                let update = update(step);
                (update.side.other(), Some(update.decided[0].reason))
            }
        }
    };
    let later = Some(Reason::LaterWins);
    // Finance still held its base after the CRM's edit: a poll says so, or the last run.
    let polled = |seen: &mut engine::seen::Seen| {
        seen.narrowed = Some(Times {
            finance_last_seen: Some(at(50)),
            ..Times::default()
        });
    };
    assert_eq!(reason(40, polled), (Side::Finance, later));
    let claimed = |seen: &mut engine::seen::Seen| seen.claimed.finance_updated_at = Some(at(50));
    assert_eq!(reason(40, claimed), (Side::Finance, later));
    assert_eq!(reason(60, claimed), (Side::Crm, None), "a tie: the CRM's");
    // A CRM's date that is still to come says nothing.
    let heard = |seen: &mut engine::seen::Seen| {
        seen.finance_heard_at = Some(at(50));
        seen.fresh = Some(Side::Finance);
    };
    assert_eq!(reason(60, heard), (Side::Crm, later));
    assert_eq!(reason(101, heard), (Side::Crm, Some(Reason::Tie)));
}

#[test]
fn what_is_typed_into_a_side_that_was_written_already_is_for_the_next_run() {
    let link = linked(Some(base(&[(NAME, "a")])));
    let mut seen = seen(&link, 100, Some(named("b")), Some(named("a")));
    seen.written[Side::Finance as usize] = true;
    let (known, step) = decide(&link, &seen);
    assert!(matches!(step, Step::End(Ending::InStep)), "{step:?}");
    assert!(known.look_again);
    seen.customers[Side::Crm as usize] = seen.customers[Side::Finance as usize].clone();
    assert!(!decide(&link, &seen).0.look_again, "they say the same");
}

/// A create in finance that was committed in second 0.
fn create_of(fields: BTreeMap<Field, Sent>) -> Create {
    Create {
        side: Side::Finance,
        at: at(0),
        fields,
        not_ours: Vec::new(),
        empty_looks: 0,
        made: None,
        places: None,
        decided: Vec::new(),
    }
}

#[test]
fn a_record_of_ours_is_not_shown_yet_for_as_long_as_a_create_may_take() {
    let mut link = linked(None);
    link.in_flight = InFlight(vec![Write::Create(create_of([].into()))]);
    let step = |second| decide(&link, &seen(&link, second, Some(named("a")), None)).1;
    assert_eq!(ends(&step(119)), ("wait", Code::NotShownYet));
    assert_eq!(ends(&step(120)), ("wait", Code::NotShown));
}

#[test]
fn case_17_a_linked_record_is_gone_when_that_was_heard_or_no_look_has_shown_it_for_two_minutes() {
    let link = linked(Some(base(&[(NAME, "a")])));
    let step = |heard: bool, since: Option<i64>, link: &Link| {
        let mut seen = seen(link, 500, Some(named("a")), None);
        seen.gone_heard[Side::Finance as usize] = heard;
        seen.not_shown_since[Side::Finance as usize] = since.map(|ago| at(500 - ago));
        decide(link, &seen).1
    };
    for (since, next) in [
        (None, 2),
        (Some(0), 2),
        (Some(2), 8),
        (Some(29), 1),
        (Some(119), 1),
    ] {
        match step(false, since, &link) {
            Step::End(Ending::Wait(why, wait)) => {
                assert_eq!((why.code, wait.as_secs()), (Code::NotShown, next), "{since:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let gone = |step: Step| matches!(step, Step::End(Ending::Gone(Side::Finance)));
    assert!(gone(step(false, Some(120), &link)) && gone(step(true, None, &link)));
    let closed = Link {
        state: LinkState::Closed,
        ..link.clone()
    };
    assert!(gone(step(false, None, &closed)), "it was gone before");
    // Of a half link that is no more than its rows, nothing is known; of one that may have made something, it is.
    let mut half = super::half(Side::Crm);
    let not_shown = |half: &Link| decide(half, &seen(half, 500, None, None)).1;
    assert!(matches!(not_shown(&half), Step::End(Ending::Gone(Side::Crm))));
    half.in_flight = out(&[save(Side::Finance, 400, &base(&[]), "a")]);
    assert_eq!(ends(&not_shown(&half)), ("wait", Code::NotShown));
}

#[test]
fn what_has_set_a_contact_inactive_is_confirmed_by_its_answer_and_nothing_else_is() {
    let mut link = linked(Some(base(&[(NAME, "a")])));
    let known = base(&[(NAME, "a")]);
    let (earlier, ours) = (
        save(Side::Finance, 0, &known, "x"),
        save(Side::Finance, 9, &known, "a"),
    );
    link.in_flight = out(&[earlier.clone(), ours.clone()]);
    let finance = named("a").with(Field::Active, "0");
    let mut seen = seen(&link, 10, None, Some(finance));
    seen.gone_heard[Side::Crm as usize] = true;
    seen.written[Side::Finance as usize] = true;
    seen.answered = Some(Write::Update(ours.clone()));
    let deactivate = Config {
        deactivate: true,
        ..config()
    };
    let (known, step) = decide_by(&deactivate, &link, &seen);
    assert!(matches!(step, Step::End(Ending::Gone(Side::Crm))), "{step:?}");
    assert_eq!(known.confirmed, [Write::Update(ours)]);
    assert_eq!(known.link.in_flight, out(&[earlier]));
}

/// 120 seconds from when it was sent, and one: a row of its own that nobody need remember.
#[tokio::test]
async fn a_run_that_leaves_a_save_on_its_way_looks_again_when_it_can_land_no_more() {
    let w = World::new(On::Memory).await;
    let id = w.crm.add(person("علی رضایی", "09121234567"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    w.crm.edit(&id, Field::Email, "a@b.ir");
    w.finance.fail(Fault::Before(PortError::unknown("broken")));
    let ring = w.enqueue(Side::Crm, &id).await;
    let mut waits = Vec::new();
    let mut next = Some((ring, Duration::ZERO));
    while let Some((ring, wait)) = next {
        w.clock.turn(wait);
        waits.push(wait);
        next = match w.engine.run(&ring).await.unwrap() {
            Ran::Ended { next, .. } => next,
            other => panic!("{other:?}"),
        };
        assert!(waits.len() < 9, "{waits:?}");
    }
    // The first try, the second that carries it over, and the look that ends it.
    assert_eq!(waits.len(), 3, "{waits:?}");
    assert_eq!(waits[1] + waits[2], Duration::from_secs(121), "{waits:?}");
    assert_eq!(w.finance.get("1", Field::Email), "a@b.ir");
}

#[tokio::test]
async fn a_plan_names_the_customer_as_the_side_holds_it_that_is_asked_first() {
    let w = World::new(On::Memory).await;
    let id = w.crm.add(person("علی رضایی", "09121234567"));
    let mut link = super::half(Side::Crm);
    link.crm_id = Some(id);
    assert_eq!(w.engine.plan(&link, Side::Crm).await.name, "علی رضایی");
}

#[test]
fn two_that_were_linked_and_never_looked_at_together_say_who_each_other_is() {
    let link = linked(None);
    let ali = person_of("علی رضایی", "09123450017");
    let mina = person_of("مینا کریمی", "09350000123");
    let met = seen(&link, 0, Some(ali.clone()), Some(mina.clone()));
    assert_eq!(ends(&decide(&link, &met).1).1, Code::AnotherRecord);
    // Whoever shares a key may have been renamed.
    let renamed = mina.clone().with(Field::Mobile, "09123450017");
    let renamed = seen(&link, 0, Some(ali.clone()), Some(renamed));
    assert!(!matches!(decide(&link, &renamed).1, Step::End(_)));
    let mut ruled = met;
    let link_by_hand = |stood: Stood| Ruling::Link {
        crm: "c".into(),
        finance: "1".into(),
        stood,
    };
    ruled.ruling = Some(link_by_hand(Stood::new()));
    assert!(!matches!(decide(&link, &ruled).1, Step::End(_)), "a human knows");
    let told = |one: &Customer| Stood::from([(Side::Crm, told_by(&ali)), (Side::Finance, told_by(one))]);
    let [of_mina, of_ali] = [told(&mina), told(&ali)];
    let same_as = |stood| Ruling::SameAs { stood };
    for (ruling, holds) in [
        (link_by_hand(of_mina.clone()), true),
        (link_by_hand(of_ali.clone()), false),
        (same_as(of_mina), true),
        (same_as(of_ali), false),
    ] {
        ruled.ruling = Some(ruling);
        let step = decide(&link, &ruled).1;
        assert_eq!(
            !matches!(step, Step::End(_)),
            holds,
            "it is said of who stood there"
        );
    }
}

#[test]
fn where_nothing_of_what_was_sent_just_now_is_there_another_record_is() {
    let known = base(&[(NAME, "علی رضایی"), (Field::Mobile, "09123450017")]);
    let link = linked(Some(known.clone()));
    let mut update = save(Side::Finance, 0, &known, "علی رضایی");
    let mobile = update.fields[&NAME].clone();
    update.fields.insert(
        Field::Mobile,
        Sent {
            leaves: "09123450018".into(),
            ..mobile
        },
    );
    let ali = person_of("علی رضایی", "09123450018");
    let after = |finance| {
        let mut link = link.clone();
        link.in_flight = out(&[update.clone()]);
        let mut seen = seen(&link, 1, Some(ali.clone()), Some(finance));
        seen.answered = Some(Write::Update(update.clone()));
        decide(&link, &seen).1
    };
    let mina = person_of("مینا کریمی", "09350000123");
    assert_eq!(ends(&after(mina)).1, Code::AnotherRecord);
    // One of the values in a form that nobody knows is held, as ever.
    let step = after(person_of("ALI REZAEI, TEHRAN", "09123450018"));
    assert!(!matches!(&step, Step::End(Ending::Conflict(_))), "{step:?}");
}

/// A create of the CRM's customer "c" that was answered with finance's "1", and what both hold now; nothing was found there
/// before.
fn after_a_create(sent: &[(Field, &str)], crm: Customer, finance: Customer) -> Step {
    let of_it = save(Side::Finance, 0, &base(&[]), "").fields[&NAME].clone();
    let field = |(field, leaves): &(Field, &str)| {
        let leaves = (*leaves).to_owned();
        let sent = Sent {
            source: Some(leaves.clone()),
            leaves,
            base: None,
            ..of_it.clone()
        };
        (*field, sent)
    };
    let create = create_of(sent.iter().map(field).collect());
    let mut link = linked(None);
    link.in_flight = InFlight(vec![Write::Create(create.clone())]);
    let mut seen = seen(&super::half(Side::Crm), 1, Some(crm), Some(finance));
    seen.answered = Some(Write::Create(create));
    seen.narrowed = Some(Times::default());
    decide(&link, &seen).1
}

#[test]
fn where_nothing_of_what_was_just_created_is_there_another_record_is() {
    let ali = person_of("علی رضایی", "09123450018");
    let sent = [(NAME, "علی رضایی"), (Field::Mobile, "09123450018")];
    let mina = person_of("مینا کریمی", "09350000123");
    let step = after_a_create(&sent, ali.clone(), mina);
    assert_eq!(ends(&step).1, Code::AnotherRecord);
    let step = after_a_create(&sent, ali.clone(), ali.clone());
    assert!(!matches!(step, Step::End(Ending::Conflict(_))), "{step:?}");
    // One value alone may have come back in a form that nobody knows.
    let step = after_a_create(&sent[..1], named("علی رضایی"), named("TEHRAN LTD"));
    assert!(
        !matches!(&step, Step::End(Ending::Conflict(why)) if why.code == Code::AnotherRecord),
        "{step:?}"
    );
}

#[test]
fn a_save_of_which_a_part_is_there_has_arrived() {
    let known = base(&[
        (NAME, "حسن مرادی"),
        (Field::Mobile, "09123450017"),
        (Field::Address, "الف"),
    ]);
    let update = {
        let mut update = save(Side::Finance, 0, &known, "علی رضایی");
        let of_it = update.fields[&NAME].clone();
        for (field, leaves) in [(Field::Mobile, "09123450018"), (Field::Address, "ب")] {
            let leaves = leaves.to_owned();
            update.fields.insert(
                field,
                Sent {
                    leaves,
                    ..of_it.clone()
                },
            );
        }
        update
    };
    let of = |name, mobile, address| person_of(name, mobile).with(Field::Address, address);
    let sent = of("علی رضایی", "09123450018", "ب");
    let is_another = |crm: Customer, finance: Customer| {
        let mut link = linked(Some(known.clone()));
        link.in_flight = out(std::slice::from_ref(&update));
        let mut seen = seen(&link, 1, Some(crm), Some(finance));
        seen.answered = Some(Write::Update(update.clone()));
        seen.narrowed = Some(Times::default());
        let step = decide(&link, &seen).1;
        matches!(&step, Step::End(Ending::Conflict(why)) if why.code == Code::AnotherRecord)
    };
    assert!(!is_another(sent.clone(), sent.clone()));
    // Typed back in finance at that moment: what else was sent is there, so the save has arrived.
    assert!(!is_another(sent.clone(), of("حسن مرادی", "09123450017", "ب")));
    assert!(is_another(sent, of("مینا کریمی", "09350000123", "پ")));
}

#[test]
fn a_placeholder_that_both_have_makes_no_record_the_one_to_which_it_was_sent() {
    for (field, sent, there) in [
        (Field::Mobile, "09120000000", "0912-000-0000"),
        (Field::NationalId, "1111111111", "1111111111"),
        (Field::Phone, "0", "0"),
        (Field::PostalCode, "0000000000", "0000000000"),
        (Field::Email, "ندارد", "ندارد"),
    ] {
        let known = base(&[(NAME, "علی"), (field, "")]);
        let mut update = save(Side::Finance, 0, &known, "علی رضایی");
        let of_it = Sent {
            leaves: sent.into(),
            ..update.fields[&NAME].clone()
        };
        update.fields.insert(field, of_it);
        let mut link = linked(Some(known));
        link.in_flight = out(&[update.clone()]);
        let ali = named("علی رضایی").with(field, sent);
        let mina = named("مینا کریمی").with(field, there);
        let mut seen = seen(&link, 1, Some(ali), Some(mina));
        seen.answered = Some(Write::Update(update));
        assert_eq!(ends(&decide(&link, &seen).1).1, Code::AnotherRecord, "{field:?}");
    }
}

fn person_of(name: &str, mobile: &str) -> domain::customer::Customer {
    named(name).with(Field::Mobile, mobile)
}
