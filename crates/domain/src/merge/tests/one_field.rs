//! One field at a time: what both sides were known to hold, what they hold now, and what is right then.

use super::*;

/// What comes of a field.
#[derive(Debug, PartialEq)]
enum Then {
    /// The sides say the same.
    Agree,
    /// They do not, and stay as they are.
    Stay,
    /// This side gets that value.
    Write(Side, &'static str, Reason),
}

/// `known`: what the CRM and finance were last known to hold.
fn then(field: Field, known: Option<(&str, &str)>, crm: &str, finance: &str) -> Then {
    let mut base = Base::new(Kind::Person);
    if let Some((crm, finance)) = known {
        base.agree(field, crm, finance);
    }
    let (crm, finance) = (person(&[(field, crm)]), person(&[(field, finance)]));
    said(field, &run(&base, &crm, &finance, Times::default()))
}

fn said(field: Field, merged: &Merge) -> Then {
    let decision = merged.decisions.iter().find(|decision| decision.field == field);
    match decision.map(|decision| (decision.write(), decision.reason)) {
        Some((Some((side, value)), reason)) => Then::Write(side, value.to_owned().leak(), reason),
        Some((None, reason)) => panic!("held: {reason:?}"),
        None if merged.agreed.iter().any(|(agreed, ..)| *agreed == field) => Then::Agree,
        None => Then::Stay,
    }
}

#[test]
fn a_field_that_travels_both_ways() {
    use Reason as R;
    use Side::{Crm, Finance};
    use Then::{Agree, Stay, Write};
    for (known, crm, finance, expected) in [
        (Some(("a", "a")), "b", "b", Agree),
        (
            Some(("a", "a")),
            "b",
            "a",
            Write(Finance, "b", R::OnlyThisChanged),
        ),
        (Some(("a", "a")), "a", "c", Write(Crm, "c", R::OnlyThisChanged)),
        // They were known to differ, and nobody has typed since: nothing is to be carried over.
        (Some(("a", "b")), "a", "b", Stay),
        // Both typed: a conflict, also where one of them cleared the field.
        (Some(("a", "a")), "b", "c", Write(Finance, "b", R::Tie)),
        (Some(("a", "a")), "b", "", Write(Finance, "b", R::Tie)),
        (Some(("a", "a")), "", "c", Write(Finance, "", R::Tie)),
        // A first meeting: a value fills an empty field, two values are a conflict.
        (None, "a", "a", Agree),
        (None, "a", "", Write(Finance, "a", R::OtherIsEmpty)),
        (None, "", "a", Write(Crm, "a", R::OtherIsEmpty)),
        (None, "a", "b", Write(Finance, "a", R::Tie)),
    ] {
        assert_eq!(
            then(Field::Email, known, crm, finance),
            expected,
            "{known:?}: {crm}, {finance}"
        );
    }
}

#[test]
fn the_customer_number_goes_to_finance_and_clears_nothing_there() {
    let number = |known, crm, finance| then(Field::CustomerNumber, known, crm, finance);
    let to_finance = Then::Write(Side::Finance, "100-7", Reason::OneWay);
    assert_eq!(number(None, "100-7", ""), to_finance);
    assert_eq!(number(Some(("100-8", "100-8")), "100-7", "100-8"), to_finance);
    assert_eq!(number(Some(("100-7", "100-7")), "100-7", "100-9"), to_finance);
    assert_eq!(number(None, "", "100-7"), Then::Stay);
    assert_eq!(number(Some(("100-7", "100-7")), "", "100-7"), Then::Stay);
}

#[test]
fn the_finance_code_replaces_only_what_was_finances_and_is_no_more() {
    let code = |known, crm, finance| then(Field::FinanceCode, known, crm, finance);
    let to_crm = |code| Then::Write(Side::Crm, code, Reason::OneWay);
    assert_eq!(code(None, "", "22"), to_crm("22"));
    assert_eq!(code(Some(("22", "22")), "22", "23"), to_crm("23"));
    // Typed by someone; or finance's, as far as anybody knows; or finance shows none.
    assert_eq!(code(None, "99", "22"), Then::Stay);
    assert_eq!(code(Some(("22", "22")), "99", "23"), Then::Stay);
    assert_eq!(code(Some(("22", "23")), "22", "23"), Then::Stay);
    assert_eq!(code(Some(("22", "22")), "22", ""), Then::Stay);
}

#[test]
fn into_a_field_that_finance_does_not_show_only_what_goes_there_alone_is_carried() {
    let of = |field, crm, to_finance| {
        let mut finance = person(&[]);
        finance.hidden.push(field);
        let policy = Policy {
            to_finance,
            ..Policy::default()
        };
        let known = Base::new(Kind::Person);
        let crm = person(&[(field, crm)]);
        let merged = merge(&known, &crm, &finance, &|_| Times::default(), policy, &lossy);
        said(field, &merged)
    };
    let number = Then::Write(Side::Finance, "100-7", Reason::OneWay);
    assert_eq!(of(Field::CustomerNumber, "100-7", true), number);
    assert_eq!(of(Field::CustomerNumber, "100-7", false), Then::Stay);
    assert_eq!(of(Field::CustomerNumber, "", true), Then::Stay);
    // What is there may be another value that nobody shows us.
    assert_eq!(of(Field::Email, "a@b.ir", true), Then::Stay);
    assert_eq!(of(Field::FinanceCode, "22", true), Then::Stay);
}

/// The CRM's dates may be whole seconds: of two changes in one second nobody knows the later.
#[test]
fn a_change_in_the_second_of_a_look_is_a_tie() {
    let known = base(&[(Field::Name, "0")]);
    let (crm, finance) = (person(&[(Field::Name, "1")]), person(&[(Field::Name, "2")]));
    let reason = |crm_modified, finance_last_seen, finance_change_seen| {
        let times = Times {
            now: None,
            crm_modified: at(crm_modified),
            finance_last_seen: at(finance_last_seen),
            finance_change_seen: at(finance_change_seen),
        };
        run(&known, &crm, &finance, times).decisions[0].reason
    };
    assert_eq!(reason(19, 20, 25), Reason::LaterWins);
    assert_eq!(reason(20, 20, 25), Reason::Tie);
    assert_eq!(reason(25, 20, 25), Reason::Tie);
    assert_eq!(reason(26, 20, 25), Reason::LaterWins);
}
