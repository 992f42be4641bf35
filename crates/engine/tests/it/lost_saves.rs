//! What stands in a field that a save without an answer was to write.

use domain::base::Base;
use domain::change::{Change, Reason};
use domain::customer::Field;
use domain::entity::EntityType;
use domain::in_flight::{Sent, Update};
use domain::link::Link;
use domain::merge::Times;
use domain::ports::Snapshot;
use domain::side::Side;
use engine::customer::ours::Forgotten;
use engine::customer::{decide, forget, ours};
use engine::seen::{Known, Seen, Sight};
use engine::step::{Ending, Sending, Step};

use crate::ours::{at, base, in_flight, named, save, with_rules};

/// What becomes of the name: a save of "c" from the CRM, over "a" in finance, was sent in second 10 and never answered.
fn after_a_lost_save(base: &Base, finance: &str, heard: i64, crm_at: i64) -> Change {
    let mut lost = save(10, base, "c");
    lost.decided = vec![Change {
        field: Field::Name,
        crm: "c".into(),
        finance: "a".into(),
        winner: Some(Side::Crm),
        reason: Reason::OnlyThisChanged,
    }];
    let mut link = Link::unmet(EntityType::Customer);
    (link.crm_id, link.finance_id) = (Some("c".into()), Some("1".into()));
    link.base = Some(base.clone());
    link.in_flight = in_flight(&[lost]);
    let mut seen = Seen::nothing(Side::Crm, link.clone(), at(20));
    seen.finance_heard_at = Some(at(heard));
    seen.narrowed = Some(Times::default());
    seen.fresh = Some(Side::Finance);
    for (side, customer) in [(Side::Crm, named("c")), (Side::Finance, named(finance))] {
        seen.customers[side as usize] = Sight::Here {
            record: Snapshot {
                id: link.id_on(side).unwrap().to_owned(),
                customer,
                modified_at: Some(at(crm_at)),
                whole: serde_json::Value::Null,
            },
            at: at(20),
        };
    }
    let (_, step) = with_rules(|rules| decide(Known::of(link.clone()), &seen, rules));
    match step {
        Step::Write(sending) => match *sending {
            Sending::Update(update) => update.decided[0].clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// It may have landed late, and what it took back would be taken for a user's word once the number is right again.
#[test]
fn a_lost_save_is_not_forgotten_while_the_customer_bears_another_companys_number() {
    let base = base("a", "a");
    let mut link = Link::unmet(EntityType::Customer);
    (link.crm_id, link.finance_id) = (Some("c".into()), Some("1".into()));
    link.base = Some(base.clone());
    link.in_flight = in_flight(&[save(10, &base, "c")]);
    let mut seen = Seen::nothing(Side::Finance, link.clone(), at(300));
    let moved = named("c").with(Field::CustomerNumber, "200-7");
    for (side, customer) in [(Side::Crm, moved), (Side::Finance, named("a"))] {
        let record = Snapshot {
            id: link.id_on(side).unwrap().to_owned(),
            customer,
            modified_at: Some(at(5)),
            whole: serde_json::Value::Null,
        };
        seen.customers[side as usize] = Sight::Here { record, at: at(300) };
    }
    let known = with_rules(|rules| {
        let (mut known, step) = decide(Known::of(link.clone()), &seen, rules);
        assert!(matches!(step, Step::End(Ending::Conflict(_))), "{step:?}");
        forget(&mut known, &seen, false, rules);
        known
    });
    assert_eq!(known.link.in_flight, link.in_flight);
}

#[test]
fn what_a_lost_save_neither_left_nor_wrote_over_came_after_it_whatever_was_heard_before() {
    let known = base("a", "a");
    for (finance, heard, crm_at, winner, reason) in [
        // Heard of before the save, which wrote over what was heard of: when this came, nobody knows.
        ("d", 3, 5, Side::Crm, Reason::Tie),
        ("d", 12, 5, Side::Crm, Reason::Tie),
        ("d", 10, 15, Side::Crm, Reason::Tie),
        // Heard of after it, and edited in the CRM after that.
        ("d", 12, 15, Side::Crm, Reason::LaterWins),
        // The save has not arrived: nothing but the CRM's edit is new.
        ("a", 3, 5, Side::Crm, Reason::OnlyThisChanged),
    ] {
        let change = after_a_lost_save(&known, finance, heard, crm_at);
        assert_eq!(
            (change.winner, change.reason),
            (Some(winner), reason),
            "{finance} {heard}"
        );
    }
}

#[test]
fn what_a_side_does_not_show_is_known_until_a_save_that_would_leave_something_else_is_forgotten() {
    let mut known = base("a", "a");
    known.agree(Field::CustomerNumber, "100-501", "100-501");
    let numbered = |at, number: &str| {
        let mut save = save(at, &known, "a");
        let sent = Sent {
            leaves: number.to_owned(),
            ..save.fields[&Field::Name].clone()
        };
        save.fields.insert(Field::CustomerNumber, sent);
        save
    };
    let (shown, mut hidden) = (named("a"), named("a"));
    hidden.hidden.push(Field::CustomerNumber);
    let other = numbered(0, "100-502");
    let later = numbered(5, "100-501");
    let unseen = |save: &Update| Forgotten {
        unseen: vec![save.clone()],
        ..Forgotten::default()
    };
    let seen = |save: &Update| Forgotten {
        seen: vec![save.clone()],
        ..Forgotten::default()
    };
    for (finance, forgotten, lost) in [
        (&hidden, unseen(&other), true),
        (&hidden, seen(&other), true),
        (&hidden, Forgotten::default(), false),
        (&hidden, unseen(&later), false),
        (&shown, unseen(&other), false),
    ] {
        let mut base = known.clone();
        let said = ours::lose_sight(&mut base, [None, Some(finance)], &forgotten);
        let number = base.of(Side::Finance, Field::CustomerNumber);
        assert_eq!((said, number.is_none()), (lost, lost), "{forgotten:?}");
        assert_eq!(base.of(Side::Crm, Field::CustomerNumber), Some("100-501"));
    }
}
