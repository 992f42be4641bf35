use super::*;
use crate::customer::Kind;

mod one_field;
mod properties;

/// A finance system that holds no `|`, no line break and at most 12 characters; a CRM that holds anything.
fn lossy(side: Side, _: Field, value: &str) -> String {
    match side {
        Side::Crm => value.to_owned(),
        Side::Finance => value.replace(['|', '\n'], " ").chars().take(12).collect(),
    }
}

fn person(values: &[(Field, &str)]) -> Customer {
    values
        .iter()
        .fold(Customer::new(Kind::Person), |c, (field, value)| {
            c.with(*field, *value)
        })
}

fn base(values: &[(Field, &str)]) -> Base {
    let mut base = Base::new(Kind::Person);
    for spec in &TABLE {
        let value = values
            .iter()
            .find(|(f, _)| *f == spec.field)
            .map_or("", |(_, v)| v);
        base.agree(spec.field, value, value);
    }
    base
}

fn at(second: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(second, 0)
}

fn run(base: &Base, crm: &Customer, finance: &Customer, times: Times) -> Merge {
    merge(base, crm, finance, &|_| times, Policy::default(), &lossy)
}

#[test]
fn an_edit_on_one_side_goes_to_the_other() {
    let base = base(&[(Field::Name, "علی"), (Field::Email, "a@b.ir")]);
    let crm = person(&[(Field::Name, "علی"), (Field::Email, "new@b.ir")]);
    let finance = person(&[(Field::Name, "علی رضا"), (Field::Email, "a@b.ir")]);
    let merged = run(&base, &crm, &finance, Times::default());
    assert_eq!(
        merged.writes_to(Side::Finance),
        Values::from([(Field::Email, "new@b.ir".into())])
    );
    assert_eq!(
        merged.writes_to(Side::Crm),
        Values::from([(Field::Name, "علی رضا".into())])
    );
}

#[test]
fn clearing_is_an_edit_once_the_base_is_known() {
    let merged = run(
        &base(&[(Field::Email, "a@b.ir")]),
        &person(&[]),
        &person(&[(Field::Email, "a@b.ir")]),
        Times::default(),
    );
    assert_eq!(
        merged.writes_to(Side::Finance),
        Values::from([(Field::Email, String::new())])
    );
    let first = run(
        &Base::new(Kind::Person),
        &person(&[]),
        &person(&[(Field::Email, "a@b.ir")]),
        Times::default(),
    );
    assert_eq!(
        first.writes_to(Side::Crm),
        Values::from([(Field::Email, "a@b.ir".into())])
    );
    assert!(first.writes_to(Side::Finance).is_empty());
}

#[test]
fn what_a_late_write_of_ours_put_back_is_owed_until_someone_types_there() {
    let mut base = base(&[(Field::Email, "a@b.ir")]);
    base.put_back(Side::Crm, Field::Email, "");
    let (empty, held) = (person(&[]), person(&[(Field::Email, "a@b.ir")]));
    let merged = run(&base, &empty, &held, Times::default());
    assert_eq!(merged.decisions[0].reason, Reason::TakenBack);
    assert_eq!(
        merged.writes_to(Side::Crm),
        Values::from([(Field::Email, "a@b.ir".into())])
    );
    // What is owed is whatever the other side holds now; whoever types where it was put back has edited it.
    let typed = person(&[(Field::Email, "new@b.ir")]);
    let merged = run(&base, &typed, &held, Times::default());
    let decision = &merged.decisions[0];
    assert_eq!(
        (decision.reason, decision.winner),
        (Reason::OnlyThisChanged, Some(Side::Crm))
    );
    let merged = run(&base, &empty, &typed, Times::default());
    assert_eq!(merged.decisions[0].reason, Reason::TakenBack);
    assert_eq!(
        merged.writes_to(Side::Crm),
        Values::from([(Field::Email, "new@b.ir".into())])
    );
    // Once they agree, it is over.
    base.agree(Field::Email, "a@b.ir", "a@b.ir");
    assert!(base.put_back.is_empty());
}

#[test]
fn what_came_back_altered_is_held_until_one_side_changes() {
    let mut base = base(&[]);
    base.alter(Side::Finance, Field::Name, "came", "sent");
    let named = |name| person(&[(Field::Name, name)]);
    let (sent, came, typed) = (named("sent"), named("came"), named("typed"));
    let of = |crm, finance| {
        let merged = run(&base, crm, finance, Times::default());
        (merged.decisions[0].reason, merged.decisions[0].winner)
    };
    assert_eq!(of(&sent, &came), (Reason::Altered, None));
    assert_eq!(of(&sent, &typed), (Reason::OnlyThisChanged, Some(Side::Finance)));
    // What came back may be an edit of that moment: it must not be lost without a word.
    assert_eq!(of(&typed, &came), (Reason::Tie, Some(Side::Crm)));
    assert_eq!(of(&typed, &named("other")), (Reason::Tie, Some(Side::Crm)));
    assert!(run(&base, &sent, &sent, Times::default()).decisions.is_empty());
}

#[test]
fn a_time_in_the_future_says_nothing() {
    let base = base(&[(Field::Name, "0")]);
    let (crm, finance) = (person(&[(Field::Name, "1")]), person(&[(Field::Name, "2")]));
    let times = |now| Times {
        now: at(now),
        crm_modified: at(30),
        finance_change_seen: at(25),
        ..Times::default()
    };
    let reason = |times| run(&base, &crm, &finance, times).decisions[0].reason;
    assert_eq!(reason(times(30)), Reason::LaterWins);
    assert_eq!(reason(times(29)), Reason::Tie);
}

#[test]
fn the_later_edit_wins_and_an_unknown_order_is_a_tie() {
    let base = base(&[(Field::Name, "0")]);
    let (crm, finance) = (person(&[(Field::Name, "1")]), person(&[(Field::Name, "2")]));
    let winner = |times| {
        let merged = run(&base, &crm, &finance, times);
        (merged.decisions[0].winner, merged.decisions[0].reason)
    };
    let times = |crm, last, first| Times {
        now: None,
        crm_modified: at(crm),
        finance_last_seen: at(last),
        finance_change_seen: first,
    };
    assert_eq!(
        winner(times(10, 20, None)),
        (Some(Side::Finance), Reason::LaterWins)
    );
    assert_eq!(
        winner(times(30, 20, at(25))),
        (Some(Side::Crm), Reason::LaterWins)
    );
    assert_eq!(winner(times(22, 20, at(25))), (Some(Side::Crm), Reason::Tie));
    assert_eq!(winner(times(30, 20, None)), (Some(Side::Crm), Reason::Tie));
    let finance_first = Policy {
        tie_breaker: Side::Finance,
        ..Policy::default()
    };
    let merged = merge(
        &base,
        &crm,
        &finance,
        &|_| Times::default(),
        finance_first,
        &lossy,
    );
    assert_eq!(merged.decisions[0].winner, Some(Side::Finance));
}

#[test]
fn manual_holds_the_disputed_field_only() {
    let base = base(&[(Field::Name, "0"), (Field::Email, "e")]);
    let crm = person(&[(Field::Name, "1"), (Field::Email, "f")]);
    let finance = person(&[(Field::Name, "2"), (Field::Email, "e")]);
    let policy = Policy {
        strategy: ConflictStrategy::Manual,
        tie_breaker: Side::Crm,
        ..Policy::default()
    };
    let merged = merge(&base, &crm, &finance, &|_| Times::default(), policy, &lossy);
    assert_eq!(merged.held().map(|d| d.field).collect::<Vec<_>>(), [Field::Name]);
    assert_eq!(
        merged.writes_to(Side::Finance),
        Values::from([(Field::Email, "f".into())])
    );
}

#[test]
fn the_richer_side_keeps_its_value() {
    let known = base(&[]);
    let crm = person(&[(Field::Name, "الف|ب و یک نام بسیار بلند")]);
    let held = lossy(Side::Finance, Field::Name, crm.get(Field::Name));
    let merged = run(&known, &crm, &person(&[(Field::Name, &held)]), Times::default());
    assert!(merged.decisions.is_empty(), "{merged:?}");
    assert!(
        merged
            .agreed
            .iter()
            .any(|(f, c, v)| *f == Field::Name && c == crm.get(Field::Name) && *v == held)
    );
}

#[test]
fn the_finance_code_only_fills_an_empty_ref_id_and_the_number_only_goes_to_finance() {
    let finance = person(&[(Field::FinanceCode, "22")]);
    let mut hidden = finance.clone();
    hidden.hidden.push(Field::CustomerNumber);
    let crm = person(&[(Field::CustomerNumber, "100-7")]);
    let merged = run(&Base::new(Kind::Person), &crm, &hidden, Times::default());
    assert_eq!(
        merged.writes_to(Side::Crm),
        Values::from([(Field::FinanceCode, "22".into())])
    );
    assert_eq!(
        merged.writes_to(Side::Finance),
        Values::from([(Field::CustomerNumber, "100-7".into())])
    );
    let taken = crm.with(Field::FinanceCode, "other");
    assert!(
        run(&Base::new(Kind::Person), &taken, &hidden, Times::default())
            .writes_to(Side::Crm)
            .is_empty()
    );
}

#[test]
fn a_direction_that_is_switched_off_carries_nothing() {
    let base = base(&[(Field::Name, "0"), (Field::Email, "0")]);
    let crm = person(&[
        (Field::Name, "1"),
        (Field::Email, "0"),
        (Field::CustomerNumber, "100-7"),
    ]);
    let finance = person(&[
        (Field::Name, "0"),
        (Field::Email, "2"),
        (Field::FinanceCode, "22"),
    ]);
    let only_finance = Policy {
        to_crm: false,
        ..Policy::default()
    };
    let merged = merge(&base, &crm, &finance, &|_| Times::default(), only_finance, &lossy);
    assert!(merged.writes_to(Side::Crm).is_empty());
    assert_eq!(merged.writes_to(Side::Finance).len(), 2);
    let only_crm = Policy {
        to_finance: false,
        ..Policy::default()
    };
    let merged = merge(&base, &crm, &finance, &|_| Times::default(), only_crm, &lossy);
    assert!(merged.writes_to(Side::Finance).is_empty());
    assert_eq!(merged.writes_to(Side::Crm).len(), 2);
}

#[test]
fn a_field_whose_direction_is_closed_stays_as_it_is_there_and_nobody_is_asked_about_one_that_goes_nowhere() {
    let fields = [Field::Website, Field::Description, Field::Email];
    let (known, website, description, email) = (
        base(&fields.map(|field| (field, "0"))),
        fields[0],
        fields[1],
        fields[2],
    );
    let values = |value: &str| person(&fields.map(|field| (field, value)));
    let mut policy = Policy {
        strategy: ConflictStrategy::Manual,
        ..Policy::default()
    };
    for to in Side::BOTH {
        policy.directions.close(website, to);
    }
    policy.directions.close(description, Side::Crm);
    let writes = |crm: &Customer, finance: &Customer| {
        let merged = merge(&known, crm, finance, &|_| Times::default(), policy, &lossy);
        let to = Side::BOTH.map(|side| merged.writes_to(side).into_keys().collect::<Vec<_>>());
        (to, merged.held().map(|d| d.field).collect::<Vec<_>>())
    };
    assert_eq!(
        writes(&values("1"), &values("0")),
        ([vec![], vec![description, email]], vec![])
    );
    assert_eq!(
        writes(&values("0"), &values("1")),
        ([vec![email], vec![]], vec![])
    );
    let ([to_crm, to_finance], mut held) = writes(&values("1"), &values("2"));
    held.sort();
    assert!(to_crm.is_empty() && to_finance.is_empty());
    assert_eq!(held, [description, email], "the website is nobody's question");
}
