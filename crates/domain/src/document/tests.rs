use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn row(code: &str, count: &str, price: &str) -> Row {
    Row {
        product_code: code.to_owned(),
        product_name: "کاغذ".to_owned(),
        unit: "بسته".to_owned(),
        count: d(count),
        unit_price: d(price),
        ..Row::default()
    }
}

fn quote(rows: Vec<Row>) -> Document {
    Document {
        kind: DocumentKind::Quote,
        number: "100-1404/1".to_owned(),
        object_type: "PI_5".to_owned(),
        customer: "c".to_owned(),
        subject: "کاغذ".to_owned(),
        description: String::new(),
        date: NaiveDate::from_ymd_opt(2026, 3, 20),
        state: "Draft".to_owned(),
        related_quote: None,
        totals: Totals::default(),
        rows,
    }
}

fn says(document: &Document, words: &str) {
    let problems = problems(document, false, Decimal::ZERO);
    assert!(
        problems.iter().any(|p| p.english().contains(words)),
        "{words}: {problems:?}"
    );
}

#[test]
fn a_good_document_has_no_problems() {
    let mut good = quote(vec![
        row("500102014", "10", "1500000"),
        row("500102015", "0.5", "1234567890123.45"),
    ]);
    assert_eq!(problems(&good, false, Decimal::ZERO), []);
    good.rows[0].discount = d("1000000");
    good.rows[0].vat = d("1260000");
    good.totals = Totals {
        total: Some(d("617298945061.725")),
        discount: Some(d("1000000")),
        vat: Some(d("1260000")),
        toll: Some(Decimal::ZERO),
        additional_costs: None,
        final_value: Some(d("617299205062")),
    };
    assert_eq!(problems(&good, false, Decimal::ZERO), []);
}

#[test]
fn each_problem_names_its_row() {
    says(&quote(vec![]), "no rows");
    says(
        &quote(vec![row("1", "1", "1"), row(" ", "1", "1")]),
        "row 2: the product \"کاغذ\" has no code",
    );
    says(&quote(vec![row("1", "0", "1")]), "row 1: the count is 0");
    says(&quote(vec![row("1", "1", "-5")]), "row 1: the price is -5");
    let mut service = quote(vec![row("1", "1", "1")]);
    service.rows[0].is_service = true;
    says(&service, "row 1: \"کاغذ\" is a service");
    assert!(problems(&service, true, Decimal::ZERO).is_empty());
    let mut discount = quote(vec![row("1", "2", "50")]);
    discount.rows[0].discount = d("102");
    says(&discount, "row 1: the discount 102 is more than the price 100");
    discount.rows[0].discount = d("101");
    assert_eq!(
        problems(&discount, false, Decimal::ZERO),
        [],
        "the price may be rounded by one"
    );
    let mut total = quote(vec![row("1", "2", "50")]);
    total.rows[0].total_price = Some(d("150"));
    says(&total, "row 1: the total is 150, but 2 times 50 is 100");
}

#[test]
fn totals_must_add_up_within_rounding() {
    let mut rounded = quote(vec![row("1", "3", "33.4"), row("2", "1", "0.5")]);
    rounded.totals.total = Some(d("100"));
    assert_eq!(problems(&rounded, false, Decimal::ZERO), []);
    let mut one_row = quote(vec![row("1", "2", "50")]);
    one_row.totals.total = Some(d("101"));
    assert_eq!(problems(&one_row, false, Decimal::ZERO), [], "one for the row");
    one_row.totals.total = Some(d("102"));
    says(&one_row, "the header's total is 102, but the rows add up to 100");
    rounded.totals.total = Some(d("104"));
    says(
        &rounded,
        "the header's total is 104, but the rows add up to 100.7",
    );
    rounded.totals.total = None;
    rounded.totals.discount = Some(d("50"));
    says(&rounded, "the header's discount is 50, but the rows add up to 0");
    rounded.totals.discount = None;
    rounded.totals.additional_costs = Some(d("7"));
    says(&rounded, "additional costs of 7");
    rounded.totals.additional_costs = None;
    rounded.totals.final_value = Some(d("200"));
    says(&rounded, "the header's final value is 200");
}

#[test]
fn what_can_not_be_reckoned_with_is_said_and_does_not_panic() {
    let huge = "79228162514264337593543950335";
    says(
        &quote(vec![row("1", huge, huge)]),
        "more than can be reckoned with",
    );
    says(
        &quote(vec![row("1", "1", huge), row("2", "1", huge)]),
        "more than can be reckoned with",
    );
}

#[test]
fn differences_name_row_and_value_and_leave_what_may_change() {
    let issued = quote(vec![row("1", "1.0000", "10"), row("2", "2", "20")]);
    let mut now = issued.clone();
    now.state = "Approved".to_owned();
    now.number = "other".to_owned();
    now.rows[0].count = d("1");
    assert_eq!(differences(&issued, &now), []);
    now.rows[1].unit_price = d("25");
    now.rows.push(row("3", "1", "1"));
    let found = differences(&issued, &now);
    assert_eq!(found[0].to_string(), "row 2: price \"20\" → \"25\"");
    assert!(
        found
            .iter()
            .any(|f| f.row == Some(3) && f.field == "product" && f.now == "3" && f.issued.is_empty())
    );
    now.rows.truncate(1);
    let found = differences(&issued, &now);
    assert!(
        found
            .iter()
            .any(|f| f.row == Some(2) && f.field == "product" && f.issued == "2" && f.now.is_empty())
    );
}

type Change = fn(&mut Document);

#[test]
fn each_part_that_changes_is_named_with_what_it_was_and_is() {
    let mut issued = quote(vec![row("1", "2", "50")]);
    issued.customer = "C".to_owned();
    let changes: [(&str, &str, &str, Change); 20] = [
        ("customer", "c", "d", |it| it.customer = "D".to_owned()),
        ("type", "PI_5", "PI_6", |it| it.object_type = "PI_6".to_owned()),
        ("date", "2026-03-20", "", |it| it.date = None),
        ("subject", "کاغذ", "مقوا", |it| {
            it.subject = "مقوا".to_owned()
        }),
        ("description", "", "x", |it| it.description = " x ".to_owned()),
        ("total", "", "100", |it| it.totals.total = Some(d("100.0"))),
        ("discount", "", "5", |it| it.totals.discount = Some(d("5"))),
        ("VAT", "", "9", |it| it.totals.vat = Some(d("9"))),
        ("toll", "", "1", |it| it.totals.toll = Some(d("1"))),
        ("additional costs", "", "0", |it| {
            it.totals.additional_costs = Some(d("0"))
        }),
        ("final value", "", "7", |it| it.totals.final_value = Some(d("7"))),
        ("product", "1", "2", |it| it.rows[0].product_code = "2".to_owned()),
        ("service", "no", "yes", |it| it.rows[0].is_service = true),
        ("unit", "بسته", "برگ", |it| {
            it.rows[0].unit = "برگ".to_owned()
        }),
        ("count", "2", "3", |it| it.rows[0].count = d("3")),
        ("price", "50", "49.5", |it| it.rows[0].unit_price = d("49.50")),
        ("total", "", "100", |it| it.rows[0].total_price = Some(d("100"))),
        ("discount", "0", "1", |it| it.rows[0].discount = d("1")),
        ("VAT", "0", "9", |it| it.rows[0].vat = d("9")),
        ("toll", "0", "3", |it| it.rows[0].toll = d("3")),
    ];
    for (at, (field, was, is, change)) in changes.into_iter().enumerate() {
        let mut now = issued.clone();
        change(&mut now);
        let expected = Difference {
            row: (at > 10).then_some(1),
            field: field.to_owned(),
            issued: was.to_owned(),
            now: is.to_owned(),
        };
        assert_eq!(differences(&issued, &now), [expected], "{field}");
    }
}

#[test]
fn a_documents_value_is_the_headers_word_or_else_reckoned_from_its_rows() {
    let mut document = quote(vec![row("1", "2", "50"), row("2", "1", "30")]);
    document.rows[0].discount = d("10");
    document.rows[0].vat = d("9");
    document.rows[1].toll = d("1");
    assert_eq!(document.value(), Some(d("130")));
    document.totals.final_value = Some(d("129"));
    assert_eq!(document.value(), Some(d("129")));
}

#[test]
fn kinds_have_a_type_and_a_word() {
    for (kind, entity_type, name) in [
        (DocumentKind::Quote, EntityType::PreInvoice, "quote"),
        (DocumentKind::Invoice, EntityType::Invoice, "invoice"),
    ] {
        assert_eq!((kind.entity_type(), kind.name()), (entity_type, name));
        assert_eq!(DocumentKind::of(entity_type), Some(kind));
    }
    assert_eq!(DocumentKind::of(EntityType::Customer), None);
}

#[test]
fn money_survives_json_exactly() {
    let mut document = quote(vec![row("1", "0.001", "1234567890123.45")]);
    document.totals.final_value = Some(d("9999999999999999.99"));
    let json = serde_json::to_string(&document).unwrap();
    assert!(json.contains("\"1234567890123.45\""), "{json}");
    assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
}

fn amounts() -> impl Strategy<Value = Decimal> {
    (1_i64..1_000_000_000_000, 0_u32..4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

mod amounts;

proptest! {
    /// Whatever the CRM rounds to whole rials, the sums of its rows still add up.
    #[test]
    fn rounded_sums_are_believed(parts in proptest::collection::vec((amounts(), 1_i64..1000), 1..20)) {
        let rows: Vec<Row> = parts.iter().map(|(price, count)| Row {
            product_code: "1".to_owned(),
            count: Decimal::from(*count),
            unit_price: *price,
            total_price: Some((price * Decimal::from(*count)).round()),
            ..Row::default()
        }).collect();
        let mut document = quote(rows);
        let sum: Decimal = document.rows.iter().filter_map(|row| row.total_price).sum();
        document.totals.total = Some(sum);
        document.totals.final_value = Some(sum);
        prop_assert_eq!(problems(&document, false, Decimal::ZERO), vec![]);
        // An amount that is off by more than rounding is not.
        document.totals.final_value = Some(sum + Decimal::from(1000 * document.rows.len()));
        prop_assert_eq!(problems(&document, false, Decimal::ZERO).len(), 1);
    }

    /// A document differs from itself in nothing, and in one thing from one that was changed in one place.
    #[test]
    fn one_change_is_one_difference(rows in 1_usize..8, at in 0_usize..8, price in amounts()) {
        let issued = quote(vec![row("1", "1", "7.5"); rows]);
        prop_assert_eq!(differences(&issued, &issued.clone()), []);
        let mut now = issued.clone();
        let at = at % rows;
        now.rows[at].unit_price += price;
        let found = differences(&issued, &now);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].row, Some(at + 1));
    }
}
