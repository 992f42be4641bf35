//! A unique value that another record holds.

use std::collections::BTreeMap;

use domain::customer::Field;
use domain::index::Reading;
use domain::matching::Profile;
use domain::message::Code;
use domain::ports::PortError;
use domain::side::Side;
use engine::seen::{Counterpart, Near, Seen, Sight, TakenBy};
use engine::step::{Ending, Step};

use super::meeting::{created, met};
use super::{base, config, decide, half, linked, person, project, seen, update};

const OLD: &str = "09352221346";
const WANTED: &str = "09123450017";

fn reading() -> Reading<'static> {
    Reading {
        numbering: config().numbering,
        project: &project,
    }
}

/// Finance's contact 2, which holds what is wanted.
fn holder(counterpart: Counterpart) -> TakenBy {
    named_holder("مینا کریمی", counterpart)
}

fn named_holder(name: &str, counterpart: Counterpart) -> TakenBy {
    let customer = person(&[(Field::Name, name), (Field::Mobile, WANTED)]);
    TakenBy {
        near: Near {
            id: "2".into(),
            profile: Profile::of_record("2", &customer, Side::Finance, config().numbering),
            linked: !matches!(counterpart, Counterpart::None),
            live: true,
        },
        name: name.into(),
        fields: BTreeMap::from([(
            Field::Mobile,
            reading().forms(Field::Mobile, WANTED, Side::Finance),
        )]),
        separate: false,
        counterpart,
    }
}

/// The CRM was given another mobile and another e-mail.
fn edited() -> Seen {
    let was = base(&[(Field::Name, "علی رضایی"), (Field::Mobile, OLD)]);
    let crm = person(&[
        (Field::Name, "علی رضایی"),
        (Field::Mobile, WANTED),
        (Field::Email, "ali@example.com"),
    ]);
    let finance = person(&[(Field::Name, "علی رضایی"), (Field::Mobile, OLD)]);
    let mut seen = seen(&linked(Some(was)), 10, Some(crm), Some(finance));
    seen.fresh = Some(Side::Finance);
    seen
}

/// Its save was refused in these words.
fn refused(seen: &mut Seen) {
    let (_, step) = decide(&seen.claimed.clone(), seen);
    let save = update(step);
    assert_eq!(save.fields[&Field::Mobile].leaves, WANTED);
    seen.note_taken(
        Side::Finance,
        "تکراری است",
        &[Field::Mobile, Field::Phone],
        &save.fields,
    );
    seen.fresh = None;
}

fn held_by(seen: &mut Seen, holders: Vec<TakenBy>) {
    seen.taken[Side::Finance as usize].as_mut().unwrap().holders = Some(holders);
}

fn next(seen: &Seen) -> Step {
    decide(&seen.claimed.clone(), seen).1
}

#[test]
fn whose_it_is_comes_first_and_then_the_rest_is_saved_once() {
    let mut seen = edited();
    refused(&mut seen);
    assert!(matches!(next(&seen), Step::Holders(Side::Finance)));
    held_by(&mut seen, vec![holder(Counterpart::None)]);
    assert!(
        matches!(next(&seen), Step::Read(Side::Finance)),
        "read last before it is written"
    );
    seen.fresh = Some(Side::Finance);
    let rest = update(next(&seen));
    let written: Vec<_> = rest.fields.iter().filter(|(_, sent)| sent.written).collect();
    assert_eq!(written.len(), 1);
    assert_eq!(rest.fields[&Field::Email].leaves, "ali@example.com");
    assert_eq!(rest.fields[&Field::Mobile].leaves, OLD, "as it stands there");
    assert!(rest.decided.iter().all(|change| change.field == Field::Email));
    // Refused once more: that was all.
    seen.note_taken(Side::Finance, "تکراری است", &[Field::Mobile], &rest.fields);
    let Step::End(Ending::Taken {
        why,
        withheld,
        in_exchange,
    }) = next(&seen)
    else {
        panic!("{:?}", next(&seen))
    };
    assert_eq!(
        (why.code, withheld.len(), in_exchange),
        (Code::TakenForAll, 1, false)
    );
}

#[test]
fn when_the_rest_is_there_the_row_says_whose_it_is_and_the_base_does_not_forget_it() {
    let mut seen = edited();
    refused(&mut seen);
    held_by(&mut seen, vec![holder(Counterpart::Gone("merged".into()))]);
    seen.written[Side::Finance as usize] = true;
    let (known, _) = decide(&seen.claimed.clone(), &seen);
    assert!(known.look_again, "an edit of this moment is looked at");
    if let Sight::Here { record, .. } = &mut seen.customers[Side::Finance as usize] {
        record.customer.set(Field::Email, "ali@example.com");
    }
    let (known, step) = decide(&seen.claimed.clone(), &seen);
    let Step::End(Ending::Taken { why, withheld, .. }) = step else {
        panic!("{step:?}")
    };
    assert_eq!(why.code, Code::TakenBy);
    assert!(
        why.english()
            .contains("finance 2 (\"مینا کریمی\"), whose CRM record merged is gone")
    );
    assert_eq!(withheld[0].holder, "2");
    assert!(!known.look_again, "it is not gone round for");
    let base = known.link.base.unwrap();
    assert_eq!(
        base.of(Side::Crm, Field::Mobile),
        Some(OLD),
        "the next look sees the difference"
    );
}

#[test]
fn where_nobody_holds_it_all_that_the_words_may_be_about_is_left_out_and_it_is_tried_again() {
    let mut seen = edited();
    refused(&mut seen);
    held_by(&mut seen, Vec::new());
    seen.fresh = Some(Side::Finance);
    let rest = update(next(&seen));
    assert!(!rest.fields[&Field::Mobile].written);
    seen.written[Side::Finance as usize] = true;
    let step = next(&seen);
    assert!(
        matches!(
            &step,
            Step::End(Ending::Failed(Side::Finance, PortError::Taken { .. }))
        ),
        "{step:?}"
    );
}

#[test]
fn nobodys_value_is_left_out_alone_and_keeps_nobody_from_being_made() {
    let nobodys = |seen: &mut Seen| {
        let taken = seen.taken[Side::Finance as usize].as_mut().unwrap();
        (taken.holders, taken.nobodys) = (Some(Vec::new()), [Field::Mobile].into());
    };
    let link = half(Side::Crm);
    let customer = person(&[
        (Field::Name, "علی رضایی"),
        (Field::Mobile, WANTED),
        (Field::Phone, "02188451236"),
    ]);
    let mut seen = met(&link, 10, customer, &[]);
    let (create, _) = created(decide(&link, &seen).1);
    let about = [Field::Mobile, Field::Phone];
    seen.note_taken(Side::Finance, "تکراری است", &about, &create.fields);
    nobodys(&mut seen);
    let (create, customer) = created(decide(&link, &seen).1);
    assert_eq!(customer.get(Field::Mobile), "");
    assert_eq!(
        customer.get(Field::Phone),
        "02188451236",
        "it is not about this one"
    );
    // Refused all the same: it is about the other one, of which nobody is seen to be the holder.
    seen.note_taken(Side::Finance, "تکراری است", &about, &create.fields);
    let step = decide(&link, &seen).1;
    assert!(
        matches!(&step, Step::End(Ending::Failed(_, PortError::Taken { .. }))),
        "{step:?}"
    );
    // Of a customer who is there all else is saved, and it is said once.
    let mut seen = edited();
    refused(&mut seen);
    nobodys(&mut seen);
    seen.fresh = Some(Side::Finance);
    assert!(!update(next(&seen)).fields[&Field::Mobile].written);
    seen.written[Side::Finance as usize] = true;
    let Step::End(Ending::Taken { why, withheld, .. }) = next(&seen) else {
        panic!()
    };
    assert_eq!((why.code, withheld.len()), (Code::TakenPlaceholder, 0));
}

#[test]
fn what_stood_there_before_can_not_be_left_out() {
    let was = base(&[(Field::Name, "علی رضایی"), (Field::Mobile, WANTED)]);
    let crm = person(&[(Field::Name, "علی رضایی نژاد"), (Field::Mobile, WANTED)]);
    let finance = person(&[(Field::Name, "علی رضایی"), (Field::Mobile, WANTED)]);
    let mut seen = seen(&linked(Some(was)), 10, Some(crm), Some(finance));
    seen.fresh = Some(Side::Finance);
    refused(&mut seen);
    held_by(&mut seen, vec![holder(Counterpart::None)]);
    let (known, step) = decide(&seen.claimed.clone(), &seen);
    let Step::End(Ending::Taken { why, .. }) = step else {
        panic!("{step:?}")
    };
    assert_eq!(why.code, Code::TakenForAll);
    assert!(!known.look_again, "nothing is gone round for");
}

#[test]
fn a_customer_is_made_without_it_unless_the_holder_may_be_that_customer() {
    let link = half(Side::Crm);
    let met_with = |name: &str, holder_is: &str, gone| {
        let customer = person(&[(Field::Name, name), (Field::Mobile, WANTED)]);
        let mut seen = met(&link, 10, customer, &[]);
        // Somebody else was found, who is not it.
        let stranger = person(&[(Field::Name, "پرویز صادقی")]);
        let candidates = &mut seen.gathered.as_mut().unwrap().candidates;
        candidates.push(Near {
            id: "3".into(),
            profile: Profile::of_record("3", &stranger, Side::Finance, config().numbering),
            linked: false,
            live: true,
        });
        let (create, _) = created(decide(&link, &seen).1);
        seen.note_taken(
            Side::Finance,
            "تکراری است",
            &[Field::Mobile, Field::Phone],
            &create.fields,
        );
        assert!(matches!(decide(&link, &seen).1, Step::Holders(Side::Finance)));
        let mut holder = named_holder(holder_is, gone);
        holder.separate = holder_is == "علی رضاییان";
        held_by(&mut seen, vec![holder]);
        decide(&link, &seen).1
    };
    let (create, customer) = created(met_with("علی رضایی", "مینا کریمی", Counterpart::None));
    assert_eq!(customer.get(Field::Mobile), "");
    assert!(
        !create.fields.contains_key(&Field::Mobile),
        "nothing is known of it then"
    );
    assert_eq!(
        create.not_ours,
        ["2"],
        "should its answer be lost, the holder is not it"
    );
    // Whoever is like it, and was said to be another.
    let (create, _) = created(met_with("علی رضایی", "علی رضاییان", Counterpart::None));
    assert_eq!(create.not_ours, ["2"]);
    // Typed into finance a moment ago: met anew, with all that belongs to it.
    let step = met_with("علی رضایی", "علی رضایی", Counterpart::None);
    assert!(
        matches!(&step, Step::End(Ending::Failed(_, PortError::Taken { .. }))),
        "{step:?}"
    );
    let step = met_with("علی رضایی", "رضایی", Counterpart::None);
    assert!(matches!(&step, Step::End(Ending::Conflict(_))), "{step:?}");
}

#[test]
fn two_that_want_each_others_value_are_told_of_both() {
    let partner = |wants: &str, waits| Counterpart::Here {
        id: "d".into(),
        customer: Box::new(person(&[(Field::Name, "مینا کریمی"), (Field::Mobile, wants)])),
        waits,
    };
    let mut seen = edited();
    refused(&mut seen);
    seen.written[Side::Finance as usize] = true;
    held_by(&mut seen, vec![holder(partner(OLD, false))]);
    let step = next(&seen);
    assert!(
        matches!(&step, Step::Enqueue(entity) if entity.id == "d" && entity.side == Side::Crm),
        "the other one is told, too: {step:?}"
    );
    seen.enqueued = Some(true);
    let exchange = |seen: &Seen| match next(seen) {
        Step::End(Ending::Taken { why, in_exchange, .. }) => (why.code, in_exchange),
        other => panic!("{other:?}"),
    };
    assert_eq!(exchange(&seen), (Code::TakenInExchange, true));
    seen.enqueued = None;
    held_by(&mut seen, vec![holder(partner(OLD, true))]);
    assert_eq!(
        exchange(&seen),
        (Code::TakenInExchange, true),
        "it knows by now: no circle"
    );
    held_by(&mut seen, vec![holder(partner(WANTED, false))]);
    assert_eq!(exchange(&seen), (Code::TakenBy, false), "it wants what it has");
}
