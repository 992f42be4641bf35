//! First meetings.

use domain::customer::{Customer, Field};
use domain::in_flight::{Create, InFlight, Sent, Write};
use domain::link::{Link, LinkState};
use domain::matching::{Profile, typed_keys};
use domain::message::{Code, Message};
use domain::ports::{MatchKeys, SetAside, Snapshot};
use domain::side::Side;
use domain::store::{Ruling, Stood};
use engine::seen::{Gathered, Known, Near, Searched, Seen, Sight};
use engine::step::{Ending, Sending, Step};

use super::{at, config, decide, decide_by, ends, half, linked, named, person, save, seen, snapshot};

const ALI: [(Field, &str); 2] = [(Field::Name, "علی رضایی"), (Field::Mobile, "09123451237")];

/// "c" was met in the CRM (or "1" in finance), its keys are reserved, and these were found by them.
pub(super) fn met(link: &Link, second: i64, customer: Customer, found: &[Snapshot]) -> Seen {
    let side = if link.crm_id.is_some() {
        Side::Crm
    } else {
        Side::Finance
    };
    let by = typed_keys(&customer, side, config().numbering);
    let mut seen = seen(link, second, None, None);
    seen.source = side;
    seen.customers[side as usize] = Sight::Here {
        record: snapshot(link.id_on(side).unwrap(), customer),
        at: at(second),
    };
    seen.reserved = Some(None);
    seen.holders = Some(domain::matching::Tally::default());
    seen.gathered = Some(Gathered::default());
    seen.searched = Some(Searched {
        by,
        records: found.to_vec(),
        at: at(second),
    });
    seen
}

/// A create of "c" in finance whose answer was lost.
fn lost(empty_looks: u32) -> Link {
    let fields = ALI.into_iter().map(|(field, value)| {
        let sent = Sent {
            leaves: value.to_owned(),
            source: Some(value.to_owned()),
            base: None,
            written: true,
            pending: false,
        };
        (field, sent)
    });
    let create = Create {
        side: Side::Finance,
        at: at(0),
        fields: fields.collect(),
        not_ours: Vec::new(),
        empty_looks,
        made: None,
        places: None,
        decided: Vec::new(),
    };
    let mut link = half(Side::Crm);
    link.in_flight = InFlight(vec![Write::Create(create)]);
    link
}

pub(super) fn created(step: Step) -> (Create, Customer) {
    match step {
        Step::Write(sending) => match *sending {
            Sending::Create(create, customer) => (create, customer),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_create_was_answered_with_is_linked_whatever_its_keys_find_since() {
    let mut link = lost(0);
    if let Write::Create(create) = &mut link.in_flight.0[0] {
        create.made = Some("7".to_owned());
    }
    let seen = met(&link, 1, person(&ALI), &[]);
    match decide(&link, &seen).1 {
        Step::Link {
            side, id, takes_over, ..
        } => {
            assert_eq!((side, id.as_str(), takes_over), (Side::Finance, "7", true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_create_may_have_made_what_it_was_answered_with_or_else_what_was_not_there_before() {
    let (mut link, ruled) = (lost(0), |id: &str| Ruling::Link {
        crm: "c".to_owned(),
        finance: id.to_owned(),
        stood: Stood::new(),
    });
    let mut ends = |made: Option<&str>, id: &str| {
        if let Write::Create(create) = &mut link.in_flight.0[0] {
            (create.made, create.not_ours) = (made.map(str::to_owned), vec!["5".to_owned()]);
        }
        let mut seen = met(&link, 1, person(&ALI), &[]);
        seen.ruling = Some(ruled(id));
        match decide(&link, &seen).1 {
            Step::Ask(..) => None,
            step => Some(super::ends(&step)),
        }
    };
    let not = Some(("conflict", Code::NotLinkedIsBeingCreated));
    assert_eq!(ends(None, "5"), not, "it was there before");
    assert_eq!(ends(None, "6"), None);
    assert_eq!(ends(Some("7"), "6"), not);
    assert_eq!(ends(Some("7"), "7"), None);
}

#[test]
fn what_was_found_by_other_keys_says_nothing() {
    let link = lost(0);
    let mut seen = met(&link, 1, person(&ALI), &[]);
    seen.searched.as_mut().unwrap().by = MatchKeys::default();
    let (_, step) = decide(&link, &seen);
    assert!(matches!(step, Step::Search(Side::Finance, _)), "{step:?}");
}

#[test]
fn a_record_that_is_new_and_not_surely_the_lost_one_is_for_a_human() {
    let namesake = person(&[
        (Field::Name, "مینا کریمی"),
        (Field::Mobile, "09123451237"),
        (Field::NationalId, "1273589467"),
    ]);
    let link = lost(0);
    let (_, step) = decide(&link, &met(&link, 1, person(&ALI), &[snapshot("7", namesake)]));
    assert_eq!(ends(&step), ("conflict", Code::LostCreateInDoubt));
}

#[test]
fn no_second_create_before_the_first_has_had_its_time_and_two_looks_found_nothing() {
    for (second, looks_before, waits) in [
        (10, 0, true),
        (10, 5, true),
        (119, 1, true),
        (500, 0, true),
        (120, 1, false),
    ] {
        let link = lost(looks_before);
        let (known, step) = decide(&link, &met(&link, second, person(&ALI), &[]));
        let left = known.link.in_flight.create(Side::Finance);
        if waits {
            assert_eq!(ends(&step), ("wait", Code::LostCreateNotThereYet), "{second}");
            assert_eq!(left.map(|create| create.empty_looks), Some(looks_before + 1));
        } else {
            created(step);
            assert_eq!(left, None, "the first one is forgotten");
        }
    }
}

#[test]
fn a_search_that_began_before_the_first_create_had_had_its_time_is_no_look_after_it() {
    let link = lost(5);
    let mut seen = met(&link, 119, person(&ALI), &[]);
    // The worker stood still between the search and its decision.
    seen.now = at(300);
    let (_, step) = decide(&link, &seen);
    assert_eq!(ends(&step), ("wait", Code::LostCreateNotThereYet));
}

#[test]
fn what_cannot_be_read_may_be_what_was_created() {
    let link = lost(5);
    let mut seen = met(&link, 300, person(&ALI), &[]);
    let why = Message::new(Code::Words).with("words", "half of a letter");
    seen.aside = vec![SetAside {
        id: "2".to_owned(),
        why,
    }];
    let (known, step) = decide(&link, &seen);
    assert_eq!(ends(&step), ("wait", Code::CandidatesSetAside));
    assert_eq!(known.link.in_flight, link.in_flight, "it is no empty look");
}

#[test]
fn who_names_a_contact_is_created_unless_that_one_is_no_more_or_waits() {
    let link = half(Side::Crm);
    let names = |code| person(&ALI).with(Field::FinanceCode, code);
    let (_, step) = decide(&link, &met(&link, 1, names(""), &[]));
    created(step);
    let mut seen = met(&link, 1, names("505"), &[]);
    let (_, step) = decide(&link, &seen);
    assert!(matches!(&step, Step::Owner(Side::Finance, code) if code == "505"));
    use LinkState::{Active, Closed, Conflict};
    let (gone, waits) = (Code::NamesADeletedOne, Code::CandidateWaitsForAHuman);
    for (state, stands, expected) in [
        (Some(Active), true, None),
        (None, false, None),
        (Some(Closed), true, Some(gone.clone())),
        // Its own link has not been looked at since.
        (Some(Active), false, Some(gone)),
        // Who stands there is not known.
        (Some(Conflict), true, Some(waits)),
    ] {
        let theirs = state.map(|state| Link {
            id: uuid::Uuid::from_u128(9),
            state,
            ..linked(None)
        });
        let there = stands.then(|| "505".to_owned()).into_iter().collect();
        seen.gathered = Some(Gathered {
            there,
            ..Gathered::default()
        });
        seen.owners.insert((Side::Finance, "505".to_owned()), theirs);
        let (_, step) = decide(&link, &seen);
        match expected {
            None => drop(created(step)),
            Some(why) => assert_eq!(ends(&step), ("conflict", why)),
        }
    }
    // A contact's own code names nobody else.
    let link = half(Side::Finance);
    let (_, step) = decide(&link, &met(&link, 1, names("1"), &[]));
    created(step);
}

#[test]
fn what_a_create_sends_is_what_goes_to_that_side() {
    let link = half(Side::Crm);
    let number = person(&ALI)
        .with(Field::FinanceCode, "505")
        .with(Field::Active, "1");
    let mut seen = met(&link, 1, number.clone(), &[]);
    seen.owners.insert((Side::Finance, "505".to_owned()), None);
    let (create, customer) = created(decide(&link, &seen).1);
    assert_eq!(customer.values, person(&ALI).values, "no code, and no number");
    assert!(create.fields[&Field::Name].written);
    assert!(!create.fields[&Field::Description].written, "left empty");

    let numbered = person(&ALI).with(Field::CustomerNumber, "100-7");
    let (_, customer) = created(decide(&link, &met(&link, 1, numbered.clone(), &[])).1);
    assert_eq!(customer.values, numbered.values);

    let link = half(Side::Finance);
    let (_, customer) = created(decide(&link, &met(&link, 1, number, &[])).1);
    let expected = person(&ALI)
        .with(Field::FinanceCode, "505")
        .with(Field::CustomerNumber, "100-505");
    assert_eq!(customer.values, expected.values);
}

#[test]
fn why_a_record_could_not_be_made_ours() {
    use LinkState::{Active, Closed, Conflict, New};
    let (wait, human) = ("wait", "conflict");
    for (state, whole, out, takes_over, expected) in [
        (New, false, false, false, (wait, Code::WorkedOnFromItsOtherEnd)),
        (New, false, true, false, (wait, Code::WorkedOnFromItsOtherEnd)),
        (
            Conflict,
            false,
            false,
            true,
            (wait, Code::WorkedOnFromItsOtherEnd),
        ),
        (
            Conflict,
            false,
            false,
            false,
            (human, Code::CandidateWaitsForAHuman),
        ),
        (
            Conflict,
            false,
            true,
            true,
            (human, Code::CandidateWaitsForAHuman),
        ),
        (Conflict, true, false, true, (human, Code::CandidateIsAnothers)),
        (Conflict, true, true, false, (human, Code::CandidateIsAnothers)),
        (Active, true, false, true, (human, Code::CandidateIsAnothers)),
        (Closed, true, false, true, (human, Code::CandidateIsLeftBehind)),
    ] {
        let link = half(Side::Crm);
        let mut theirs = if whole { linked(None) } else { half(Side::Finance) };
        theirs.state = state;
        if out {
            let save = save(Side::Finance, 0, &super::base(&[]), "a");
            theirs.in_flight = super::out(&[save]);
        }
        let mut seen = met(&link, 1, named("a"), &[]);
        seen.not_linked = Some((Side::Finance, "1".into(), takes_over, Some(theirs)));
        let (_, step): (Known, Step) = decide(&link, &seen);
        assert_eq!(ends(&step), expected, "{state:?} {whole} {out} {takes_over}");
        assert!(!matches!(step, Step::End(Ending::InStep)));
    }
}

#[test]
fn a_create_is_waited_for_five_times_as_long_as_it_may_take() {
    let mut theirs = lost(0);
    theirs.crm_id = None;
    theirs.finance_id = Some("1".into());
    for (second, expected) in [
        (600, ("wait", Code::WorkedOnFromItsOtherEnd)),
        (601, ("conflict", Code::WaitedForLong)),
    ] {
        let link = half(Side::Crm);
        let mut seen = met(&link, second, named("a"), &[]);
        seen.not_linked = Some((Side::Finance, "1".into(), false, Some(theirs.clone())));
        assert_eq!(ends(&decide(&link, &seen).1), expected);
    }
}

#[test]
fn whoever_is_created_has_a_name_and_nothing_whose_direction_is_closed() {
    let link = half(Side::Crm);
    let met_with = person(&ALI).with(Field::Website, "ali.ir");
    let mut closed = config();
    for field in [Field::Website, Field::Name] {
        closed.policy.directions.close(field, Side::Finance);
    }
    let (_, step) = decide_by(&closed, &link, &met(&link, 1, met_with, &[]));
    let (create, customer) = created(step);
    assert_eq!(customer.get(Field::Name), "علی رضایی");
    assert_eq!(customer.get(Field::Website), "");
    assert!(!create.fields[&Field::Website].written);
}

#[test]
fn who_was_given_the_code_between_the_search_and_the_look_is_not_who_was_found() {
    let ali = person(&ALI);
    let profile = Profile::of_record("1", &ali, Side::Finance, config().numbering);
    let stands = |there: Customer| {
        // The link is made as soon as the two are judged to be one, before the contact is read.
        let mut seen = seen(&linked(None), 10, Some(ali.clone()), Some(there));
        seen.claimed = half(Side::Crm);
        seen.fresh = Some(Side::Finance);
        seen.narrowed = Some(Default::default());
        seen.gathered = Some(Gathered {
            candidates: vec![Near {
                id: "1".into(),
                profile: profile.clone(),
                linked: false,
                live: true,
            }],
            ..Gathered::default()
        });
        decide(&linked(None), &seen)
    };
    let (known, step) = stands(person(&[
        (Field::Name, "مینا کریمی"),
        (Field::Email, "mina@b.ir"),
    ]));
    assert_eq!(ends(&step), ("conflict", Code::AnotherRecord));
    assert!(known.link.base.is_none(), "nothing is known of the two");
    let (_, step) = stands(person(&[ALI[0], ALI[1], (Field::Email, "ali@b.ir")]));
    assert!(!matches!(step, Step::End(Ending::Conflict(_))), "{step:?}");
}
