//! What unconfirmed saves leave behind: who is late, who is overtaken, who is forgotten.

use domain::change::{Change, Reason};
use domain::customer::Field;
use domain::in_flight::{InFlight, Sent, Update, Write};
use domain::side::Side;
use engine::customer::ours::{doubted, forget, leaves, overtake, recognise, settle_pending};

use super::{at, base, named, out, project, save};

const NAME: Field = Field::Name;

/// That save sends an edit of its side along instead.
fn pending(mut save: Update) -> Update {
    for sent in save.fields.values_mut() {
        (sent.written, sent.pending) = (false, true);
    }
    save
}

fn of(out: &InFlight, n: usize) -> (&Update, &Sent) {
    match &out.0[n] {
        Write::Update(update) => (update, &update.fields[&NAME]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_sent_along_comes_back_to_the_letter_or_as_the_system_holds_it() {
    let sent = save(Side::Finance, 0, &base(&[]), "علی|رضا").fields[&NAME].clone();
    let along = Sent {
        written: false,
        ..sent.clone()
    };
    for (now, as_written, as_sent_along) in [
        ("علی|رضا", true, true),
        ("علی رضا", true, true),
        ("علي رضا", true, false),
        ("علی", false, false),
    ] {
        assert_eq!(
            leaves(&project, Side::Finance, NAME, &sent, now),
            as_written,
            "{now}"
        );
        assert_eq!(
            leaves(&project, Side::Finance, NAME, &along, now),
            as_sent_along,
            "{now}"
        );
    }
}

#[test]
fn of_two_saves_that_are_seen_on_both_sides_the_older_one_was_late() {
    for (into_crm, into_finance, late) in [(9, 0, Side::Finance), (0, 9, Side::Crm)] {
        let then = base(&[(NAME, "a")]);
        let mut saves = out(&[
            save(Side::Crm, into_crm, &then, "y"),
            save(Side::Finance, into_finance, &then, "x"),
        ]);
        let mut known = base(&[(NAME, "c")]);
        let sides = [Some(&named("y")), Some(&named("x"))];
        let landed = recognise(&mut known, &mut saves, sides, &project);
        assert_eq!(known.put_back.get(&NAME), Some(&late));
        assert_eq!(landed.len(), 2, "both have landed");
    }
}

#[test]
fn a_save_that_was_answered_overtakes_the_earlier_ones_of_its_side() {
    let then = base(&[(NAME, "a")]);
    let answered = save(Side::Finance, 5, &then, "z");
    let mut saves = out(&[
        save(Side::Finance, 0, &then, "x"),
        pending(save(Side::Finance, 1, &then, "y")),
        save(Side::Crm, 2, &then, "x"),
        answered.clone(),
        save(Side::Finance, 9, &then, "x"),
    ]);
    let before = saves.clone();
    overtake(&mut saves, &answered);
    let (first, sent) = of(&saves, 0);
    assert!(first.overtaken);
    assert_eq!(sent.base, Some((None, None)), "whatever is agreed on is newer");
    let (second, sent) = of(&saves, 1);
    assert!(second.overtaken && sent.pending);
    assert_eq!(sent.base, Some(then.pair(NAME)), "it may be that edit still");
    assert_eq!(saves.0[2..], before.0[2..]);
}

#[test]
fn an_edit_that_was_sent_along_before_an_agreement_is_settled_by_it() {
    let then = base(&[(NAME, "a")]);
    for (agreed, is_settled) in [(8, false), (9, false), (10, true)] {
        let mut saves = out(&[pending(save(Side::Finance, 9, &then, "edit"))]);
        settle_pending(&mut saves, NAME, at(agreed));
        let (_, sent) = of(&saves, 0);
        assert_eq!(sent.pending, !is_settled, "{agreed}");
        assert_eq!(sent.base == Some((None, None)), is_settled, "{agreed}");
    }
}

/// How many saves are out after a look at finance in that second.
fn left(saves: &[Update], finance: &str, second: i64) -> usize {
    let mut out = out(saves);
    let finance = named(finance);
    let settle = chrono::Duration::seconds(120);
    forget(
        &mut out,
        [None, Some(&finance)],
        [None, Some(at(second))],
        settle,
        &project,
    );
    out.0.len()
}

#[test]
fn a_save_is_forgotten_when_it_was_seen_whole_or_can_land_no_more() {
    let then = base(&[(NAME, "a")]);
    let into_finance = |second, leaves| save(Side::Finance, second, &then, leaves);
    assert_eq!(left(&[into_finance(0, "b")], "a", 119), 1);
    assert_eq!(
        left(&[into_finance(0, "b")], "a", 120),
        1,
        "it may land in this moment"
    );
    assert_eq!(left(&[into_finance(0, "b")], "a", 121), 0);
    // Which of two that leave the same was seen, nobody can say.
    assert_eq!(left(&[into_finance(0, "b"), into_finance(5, "c")], "b", 60), 1);
    assert_eq!(left(&[into_finance(0, "b"), into_finance(5, "b")], "b", 60), 2);
}

#[test]
fn once_a_save_is_known_to_have_landed_what_younger_ones_sent_along_and_differs_was_an_edit() {
    let then = base(&[(NAME, "a")]);
    let along = |leaves: &str| {
        let mut save = save(Side::Finance, 5, &then, leaves);
        save.fields.values_mut().for_each(|sent| sent.written = false);
        save
    };
    let younger_is_pending = |younger: Update| {
        let mut saves = out(&[save(Side::Finance, 0, &then, "x"), younger]);
        let mut known = then.clone();
        recognise(
            &mut known,
            &mut saves,
            [Some(&named("x")), Some(&named("x"))],
            &project,
        );
        of(&saves, 1).1.pending
    };
    assert!(younger_is_pending(along("y")));
    assert!(!younger_is_pending(along("x")), "as it was brought");
    assert!(
        !younger_is_pending(save(Side::Finance, 5, &then, "y")),
        "it was asked for"
    );
}

#[test]
fn what_a_save_neither_leaves_nor_wrote_over_came_after_it() {
    let then = base(&[(NAME, "c")]);
    let mut lost = save(Side::Finance, 7, &then, "x");
    lost.decided = vec![Change {
        field: NAME,
        crm: "x".into(),
        finance: "c".into(),
        winner: Some(Side::Crm),
        reason: Reason::OnlyThisChanged,
    }];
    for (now, since) in [("c", None), ("x", None), ("z", Some(at(7)))] {
        assert_eq!(
            doubted(&out(&[lost.clone()]), &named(now), NAME, &project),
            since,
            "{now}"
        );
    }
}
