//! Amounts as a CRM shows them: rounded prices and totals, goods that came back, rows in another order.

use super::*;

fn total(count: &str, price: &str, total: &str) -> Document {
    let mut one = quote(vec![row("1", count, price)]);
    one.totals.total = Some(d(total));
    one.rows[0].total_price = Some(d(total));
    one
}

#[test]
fn case_14_a_price_that_is_shown_rounded_goes_into_the_sum_once_for_each_piece() {
    for (count, price, said, fine) in [
        ("3000", "47.83", "143499", true),
        // Half of the last digit, three thousand times: 15 rial, and no more.
        ("3000", "47.83", "143505", true),
        ("3000", "47.83", "143505.5", false),
        ("3000", "47.8300", "143499", true),
        ("3000", "47.830000", "143520", false),
        // A price without a fraction is rounded to whole rials.
        ("100", "48", "4850", true),
        ("100", "48", "4851", false),
        // Never less than one rial.
        ("1", "47.83", "48.83", true),
        ("1", "47.83", "48.84", false),
    ] {
        let document = total(count, price, said);
        let found = problems(&document, false, Decimal::ZERO);
        assert_eq!(found.is_empty(), fine, "{count} × {price} = {said}: {found:?}");
    }
}

#[test]
fn the_header_may_differ_by_what_its_rows_may() {
    let mut two = quote(vec![row("1", "1000", "1.5"), row("2", "1000", "2.25")]);
    // 50 of the first row and 5 of the second.
    for (said, fine) in [("3805", true), ("3695", true), ("3806", false), ("3694", false)] {
        two.totals.total = Some(d(said));
        assert_eq!(problems(&two, false, Decimal::ZERO).is_empty(), fine, "{said}");
    }
}

#[test]
fn a_final_value_that_the_crm_has_rounded_is_taken_and_told() {
    let mut one = quote(vec![row("1", "3", "333334")]);
    for (said, rounding, fine, told) in [
        ("1000002", "1000", true, false),
        ("1000000", "1000", true, true),
        ("1001001", "1000", true, true),
        ("1001002", "1000", false, false),
        ("999003", "1000", true, true),
        ("1000000", "0", true, false),
        ("1000000", "1", true, false),
        ("1000010", "0", false, false),
    ] {
        one.totals.final_value = Some(d(said));
        let (found, note) = (problems(&one, false, d(rounding)), rounded(&one, d(rounding)));
        // Three pieces may be 1.5 rial off; 2 rial are not, unless totals may be rounded.
        let fine = fine && !(said == "1000000" && rounding != "1000");
        assert_eq!(found.is_empty(), fine, "{said} {rounding}: {found:?}");
        assert_eq!(note.is_some(), told, "{said} {rounding}");
    }
    one.totals.final_value = Some(d("1000000"));
    let note = rounded(&one, d("1000")).unwrap().english();
    assert!(note.contains("1000000") && note.contains("1000002"), "{note}");
    one.totals.total = Some(d("1000000"));
    assert_eq!(
        problems(&one, false, d("1000")).len(),
        1,
        "only what is to be paid is rounded"
    );
}

#[test]
fn case_9_what_was_given_back_is_refused_before_and_a_difference_after_the_issue() {
    let issued = quote(vec![row("1", "1", "10"), row("2", "5", "20")]);
    let mut now = issued.clone();
    now.rows[1].returned = d("2.0000");
    says(&now, "row 2: 2 of it were given back");
    let found = differences(&issued, &now);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "row 2: returned \"0\" → \"2\"");
    assert_eq!(differences(&now, &now.clone()), []);
    // What an older version has issued knows nothing of it.
    let old = serde_json::to_value(&issued).unwrap();
    assert!(!old.to_string().contains("returned"));
    let old: Document = serde_json::from_value(old).unwrap();
    assert_eq!(differences(&old, &issued), []);
}

#[test]
fn case_15_rows_in_another_order_are_no_change() {
    let issued = quote(vec![
        row("1", "1", "10"),
        row("2", "2", "20"),
        row("2", "3", "20"),
        row("4", "1", "1"),
    ]);
    let mut now = issued.clone();
    now.rows.reverse();
    assert_eq!(differences(&issued, &now), []);
    // One of two rows of a product has changed, and is named by its place in what was issued.
    now.rows[1].count = d("7");
    let found: Vec<String> = differences(&issued, &now)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, ["row 3: count \"3\" → \"7\""]);
    // One was taken away, one came.
    now.rows.remove(3);
    now.rows.insert(0, row("9", "1", "1"));
    let found = differences(&issued, &now);
    assert!(
        found
            .iter()
            .any(|f| f.row == Some(1) && f.field == "product" && f.now == "9"),
        "{found:?}"
    );
    now.rows.remove(0);
    let found = differences(&issued, &now);
    assert!(
        found
            .iter()
            .any(|f| f.row == Some(1) && f.field == "product" && f.now.is_empty()),
        "{found:?}"
    );
}

#[test]
fn what_the_rows_explain_to_the_last_rial_is_no_rounding_of_the_total() {
    let mut four = quote(vec![row("1", "4", "1000")]);
    for (said, told) in [
        ("4000", false),
        ("4002", false),
        ("3998", false),
        ("3997.5", true),
    ] {
        four.totals.final_value = Some(d(said));
        assert_eq!(rounded(&four, d("1000")).is_some(), told, "{said}");
    }
}
