//! What holds of every merge, whatever both sides hold.

use proptest::prelude::*;

use super::*;

/// Applies the writes as the two systems would hold them.
fn apply(merged: &Merge, crm: &mut Customer, finance: &mut Customer) {
    for (side, customer) in [(Side::Crm, crm), (Side::Finance, finance)] {
        for (field, value) in merged.writes_to(side) {
            customer.set(field, lossy(side, field, &value));
        }
    }
}

fn values() -> impl Strategy<Value = Customer> {
    let both = TABLE
        .iter()
        .filter(|s| s.flow == Flow::Both)
        .map(|s| s.field)
        .collect::<Vec<_>>();
    let value = prop_oneof![
        Just(String::new()),
        Just("علی".to_owned()),
        Just("علي".to_owned()),
        Just("a|b".to_owned()),
        Just("نامی که بلند است".to_owned()),
        "[a-c0-2|]{1,14}",
    ];
    proptest::collection::btree_map(proptest::sample::select(both), value, 0..9).prop_map(|values| {
        values
            .into_iter()
            .fold(Customer::new(Kind::Person), |c, (f, v)| c.with(f, v))
    })
}

fn finance_values() -> impl Strategy<Value = Customer> {
    values().prop_map(|c| {
        c.values.iter().fold(Customer::new(Kind::Person), |n, (f, v)| {
            n.with(*f, lossy(Side::Finance, *f, v))
        })
    })
}

fn bases() -> impl Strategy<Value = Base> {
    (values(), proptest::bool::ANY).prop_map(|(customer, known)| {
        let mut base = Base::new(Kind::Person);
        if known {
            for spec in &TABLE {
                let value = customer.get(spec.field);
                base.agree(spec.field, value, &lossy(Side::Finance, spec.field, value));
            }
        }
        base
    })
}

proptest! {
    /// After the writes both sides agree on every field that travels both ways and had changed, and merging
    /// again asks for nothing; every value that is written stood on the other side; the value of a field that
    /// only one side edited survives.
    #[test]
    fn converges_loses_nothing_invents_nothing(base in bases(), crm in values(), finance in finance_values(), crm_at in 0i64..9, seen in 0i64..9) {
        let times = Times { now: None, crm_modified: at(crm_at), finance_last_seen: at(seen), finance_change_seen: None };
        let merged = run(&base, &crm, &finance, times);
        for decision in &merged.decisions {
            prop_assert_ne!(&decision.crm, &decision.finance);
            let (crm_changed, finance_changed) = (
                base.of(Side::Crm, decision.field).is_none_or(|b| !same(decision.field, b, &decision.crm)),
                base.of(Side::Finance, decision.field).is_none_or(|b| !same(decision.field, b, &decision.finance)),
            );
            match decision.winner {
                Some(Side::Crm) => prop_assert!(crm_changed),
                Some(Side::Finance) => prop_assert!(finance_changed),
                None => prop_assert!(false, "held under last write wins"),
            }
            prop_assert!(decision.is_conflict() == (crm_changed && finance_changed && decision.reason != Reason::OtherIsEmpty));
        }
        let (mut crm_after, mut finance_after) = (crm.clone(), finance.clone());
        apply(&merged, &mut crm_after, &mut finance_after);
        let mut settled = base.clone();
        for spec in TABLE.iter().filter(|s| s.flow == Flow::Both) {
            let (c, f) = (crm_after.get(spec.field), finance_after.get(spec.field));
            let untouched = base.of(Side::Crm, spec.field).is_some_and(|b| same(spec.field, b, c))
                && base.of(Side::Finance, spec.field).is_some_and(|b| same(spec.field, b, f));
            prop_assert!(agrees(&lossy, spec.field, c, f) || untouched, "{}: {c:?} / {f:?}", spec.field);
            if agrees(&lossy, spec.field, c, f) {
                settled.agree(spec.field, c, f);
            }
        }
        prop_assert!(run(&settled, &crm_after, &finance_after, times).decisions.is_empty());
        // The echo: even with the old base nothing is left to write.
        prop_assert!(run(&base, &crm_after, &finance_after, times).decisions.is_empty());
    }

    /// Each field is decided on its own: which other fields differ, and which side is looked at first, is of no
    /// consequence.
    #[test]
    fn fields_are_independent(base in bases(), crm in values(), finance in finance_values()) {
        let all = run(&base, &crm, &finance, Times::default());
        for spec in &TABLE {
            let only = |c: &Customer| person(&[(spec.field, c.get(spec.field))]);
            let alone = run(&base, &only(&crm), &only(&finance), Times::default());
            let pick = |m: &Merge| m.decisions.iter().find(|d| d.field == spec.field).cloned();
            prop_assert_eq!(pick(&all), pick(&alone));
        }
    }
}
