//! What a save consists of, and what is remembered of it.

use domain::base::Written;
use domain::customer::Field;
use domain::in_flight::{Create, InFlight, Write};
use domain::merge::Times;
use domain::side::Side;
use domain::text::normal;
use engine::customer::saving::asked;
use engine::step::Step;

use super::{at, base, decide, linked, named, out, person, save, seen, update};

const NAME: Field = Field::Name;

#[test]
fn a_save_asks_for_what_changed_and_sends_the_rest_along_with_edits_marked_as_such() {
    let before = [
        (NAME, "a"),
        (Field::Address, "تهران"),
        (Field::Description, "d"),
        (Field::Website, "w"),
    ];
    let link = linked(Some(base(&before)));
    let crm = person(&before).with(NAME, "b");
    let mut finance = person(&before).with(Field::Description, "typed");
    finance.values.remove(&Field::Website);
    finance.hidden.push(Field::Website);
    let mut seen = seen(&link, 1, Some(crm), Some(finance));
    seen.fresh = Some(Side::Finance);
    let save = update(decide(&link, &seen).1);
    assert_eq!(save.side, Side::Finance);
    assert_eq!(
        asked(&save.fields),
        person(&[(NAME, "b")]).values,
        "what finance does not show is not asked for"
    );
    let along = |field| (save.fields[&field].leaves.as_str(), save.fields[&field].pending);
    assert_eq!(along(Field::Address), ("تهران", false));
    assert_eq!(along(Field::Description), ("typed", true), "an edit of finance");
    assert!(!save.fields[&NAME].pending);
}

/// Else the system would escape once more what it has escaped.
#[test]
fn what_stands_there_escaped_is_sent_as_it_was_typed_unless_somebody_has_edited_it() {
    let typed = [
        (NAME, "R&D|x"),
        (Field::Description, "a & b"),
        (Field::Address, "x"),
        (Field::Website, "a"),
        (Field::Email, "a&b@c.ir"),
    ];
    let shown = [
        (NAME, "R&amp;D x"),
        (Field::Description, "a &amp; b"),
        (Field::Address, "x"),
        (Field::Website, "a"),
        (Field::Email, "a&amp;b@c.ir"),
    ];
    let mut known = base(&[]);
    for ((field, crm), (_, finance)) in typed.iter().zip(&shown) {
        known.agree(*field, crm, finance);
    }
    let link = linked(Some(known));
    let crm = person(&typed).with(Field::Website, "b");
    let finance = person(&shown).with(Field::Description, "c &amp; d");
    // Escaped once more by somebody's save.
    let finance = finance.with(Field::Email, "a&amp;amp;b@c.ir");
    let mut seen = seen(&link, 1, Some(crm), Some(finance));
    seen.fresh = Some(Side::Finance);
    let save = update(decide(&link, &seen).1);
    assert_eq!(
        asked(&save.fields),
        person(&[(NAME, "R&D|x"), (Field::Website, "b")]).values,
        "an edit of finance stays as it is"
    );
    assert_eq!(save.decided.len(), 1, "only the website's change is told");
}

/// What is written of late is remembered for ten minutes, to see what is written back and forth.
#[test]
fn a_save_that_is_read_back_is_remembered_for_ten_minutes() {
    for (second, is_left) in [(599, true), (600, false)] {
        let mut known = base(&[(NAME, "a")]);
        let earlier = Written {
            field: NAME,
            side: Side::Finance,
            value: "x".to_owned(),
            at: at(0),
        };
        known.written.push(earlier.clone());
        let mut ours = save(Side::Finance, 590, &known, "b");
        let mut along = ours.fields[&NAME].clone();
        along.written = false;
        ours.fields.insert(Field::Address, along);
        let mut link = linked(Some(known));
        link.in_flight = out(std::slice::from_ref(&ours));
        let mut seen = seen(&link, second, Some(named("b")), Some(named("b")));
        seen.answered = Some(Write::Update(ours));
        let written = decide(&link, &seen).0.link.base.unwrap().written;
        let now = Written {
            value: normal(NAME, "b"),
            at: at(second),
            ..earlier.clone()
        };
        let expected = if is_left { vec![earlier, now] } else { vec![now] };
        assert_eq!(written, expected, "{second}");
    }
}

#[test]
fn a_create_writes_nothing_back_and_forth() {
    let sent = save(Side::Finance, 0, &base(&[]), "a").fields;
    let create = Create {
        side: Side::Finance,
        at: at(0),
        fields: sent,
        not_ours: Vec::new(),
        empty_looks: 0,
        made: None,
        places: None,
        decided: Vec::new(),
    };
    let mut link = linked(None);
    link.in_flight = InFlight(vec![Write::Create(create.clone())]);
    let mut seen = seen(&link, 1, Some(named("a")), Some(named("a")));
    seen.answered = Some(Write::Create(create));
    seen.narrowed = Some(Times::default());
    let known = decide(&link, &seen).0.link.base.unwrap();
    assert_eq!(known.of(Side::Finance, NAME), Some("a"));
    assert_eq!(known.written, []);
}

/// Asked only when something has come back altered; of the other side's column, or another field's, nothing follows.
#[test]
fn what_comes_back_altered_is_taken_where_its_column_is_ruled_of() {
    let known = base(&[(NAME, "a")]);
    let ours = save(Side::Finance, 0, &known, "b");
    let mut link = linked(Some(known));
    link.in_flight = out(std::slice::from_ref(&ours));
    for (came, columns, step) in [
        ("b", None, "in step"),
        ("b stamped", None, "asks"),
        ("b stamped", Some([(Side::Finance, NAME)]), "in step"),
        ("b stamped", Some([(Side::Crm, NAME)]), "held"),
        ("b stamped", Some([(Side::Finance, Field::Address)]), "held"),
    ] {
        let mut seen = seen(&link, 1, Some(named("b")), Some(named(came)));
        seen.answered = Some(Write::Update(ours.clone()));
        seen.columns = columns.map(|columns| columns.into());
        let (known, next) = decide(&link, &seen);
        let base = known.link.base.unwrap();
        let found = match next {
            Step::Columns => "asks",
            _ if base.altered.is_empty() => "in step",
            _ => "held",
        };
        assert_eq!(found, step, "{came} {:?}", seen.columns);
        assert_eq!(base.pair(NAME), (Some("b".into()), Some(came.into())));
    }
}
