//! The form against the contract's example, and its numbers against any decimals.

use domain::document::{DocumentKind, Totals};
use proptest::prelude::*;

use super::*;

const SUID: &str = "6F9619FF-8B86-D011-B42D-00C04FC964FF";

fn document(rows: Vec<Row>) -> Document {
    Document {
        kind: DocumentKind::Quote,
        number: "100-1404/7".to_owned(),
        object_type: "PI_5".to_owned(),
        customer: "c".to_owned(),
        subject: "فروش".to_owned(),
        description: "شرح".to_owned(),
        date: "2025-11-25".parse().ok(),
        state: String::new(),
        related_quote: None,
        totals: Totals::default(),
        rows,
    }
}

fn row(count: &str, price: &str, discount: &str) -> Row {
    Row {
        product_code: " 500102014 ".to_owned(),
        unit: "عدد".to_owned(),
        count: count.parse().unwrap(),
        unit_price: price.parse().unwrap(),
        discount: discount.parse().unwrap(),
        ..Row::default()
    }
}

fn filled(document: &Document, year: Option<i32>) -> PortResult<Form> {
    form(document, 1234, year, &PreInvoices::default(), || {
        Uuid::parse_str(SUID).unwrap()
    })
}

fn pairs(form: Form) -> Vec<(String, String)> {
    let text = form.ctrl_values.into_string();
    let pairs = text.split('|').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn control(document: &Document, year: Option<i32>, name: &str) -> String {
    let pairs = pairs(filled(document, year).unwrap());
    let name = format!("sl_sanad.{name}");
    let mut found = pairs.into_iter().filter(|(key, _)| *key == name);
    let (_, value) = found.next().unwrap();
    assert!(found.next().is_none(), "{name} stands there twice");
    value
}

/// Values of a column of the rows, as they travel.
fn sent(form: &Form, column: &str) -> Vec<Value> {
    let grids: Value = serde_json::from_str(&form.data_rows).unwrap();
    let rows = grids[0]["data"].as_array().unwrap();
    rows.iter().map(|row| row[column]["newValue"].clone()).collect()
}

#[test]
fn the_form_is_the_contracts_to_the_letter() {
    let form = filled(&document(vec![row("1.0000", "1", "0")]), Some(1404)).unwrap();
    assert_eq!(form.parameters, format!("_In_EditKeys=|_In_Suid={SUID}|nocheck="));
    let pair = |name: &str, value: &str| format!(r#""{name}":{{"oldValue":null,"newValue":{value}}}"#);
    let own = |name: &str, value: &str| format!(r#""{name}":{{"oldValue":{value},"newValue":{value}}}"#);
    let row = [
        own("__uid", &format!(r#""{SUID}""#)),
        own("_status", r#""inserted""#),
        pair("codekala", r#""500102014""#),
        pair("nameunit", r#""عدد""#),
        pair("qty", "1"),
        pair("mabtakhfif", "0"),
        pair("vazn", r#""0""#),
        pair("hajm", r#""0""#),
        pair("price", "1"),
        pair("radif", r#""1""#),
        pair("finalqty", "1"),
        pair("takhfif", "null"),
        pair("sumamelinc", "null"),
        pair("sumameldec", "null"),
    ];
    assert_eq!(
        form.data_rows,
        format!(
            r#"[{{"name":"dbgrid1","entity":"sl_rizsanad","keyField":"coderiz","data":[{{{}}}]}}]"#,
            row.join(",")
        )
    );
    assert_eq!(form.sent["header"]["codemoshtari"], "1234");
    assert_eq!(form.sent["rows"][0]["codekala"], "500102014");
    assert_eq!(form.sent["suid"], SUID);
    assert_eq!(
        form.ctrl_values.into_string(),
        "sl_sanad.hssanadstate=8|sl_sanad.codenoeesanad=2|sl_sanad.codesalemodel=5|sl_sanad.salmali=1404|\
         sl_sanad.codenoeepardakht=2|sl_sanad.codemarkazforush=5|sl_sanad.codecontact=|sl_sanad.codemoshtari=1234|\
         sl_sanad.codenoeeforush=1|sl_sanad.codevaseteh=31|sl_sanad.tozihat=شرح|sl_sanad.namenoesanad=پیش فاکتور فروش"
    );
}

#[test]
fn numbers_travel_digit_by_digit() {
    let rows = [
        ("0.001", "1234567890123.45", "0.5"),
        ("1.0000", "79228162514264337593543950335", "0"),
        (
            "98765432109876543210.12345678",
            "0.0000000000000000000000000001",
            "1e3",
        ),
    ];
    let rows = rows.map(|(count, price, discount)| {
        let discount =
            Decimal::from_scientific(discount).map_or_else(|_| discount.to_owned(), |d| d.to_string());
        row(count, price, &discount)
    });
    let form = filled(&document(rows.to_vec()), Some(1404)).unwrap();
    let texts = |column: &str| {
        sent(&form, column)
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts("price"),
        [
            "1234567890123.45",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001"
        ]
    );
    assert_eq!(texts("qty"), ["0.001", "1", "98765432109876543210.12345678"]);
    assert_eq!(texts("finalqty"), texts("qty"));
    assert_eq!(texts("mabtakhfif"), ["0.5", "0", "1000"]);
    assert_eq!(texts("radif"), [r#""1""#, r#""2""#, r#""3""#]);
    assert!(
        form.data_rows
            .contains(r#""price":{"oldValue":null,"newValue":1234567890123.45}"#)
    );
}

#[test]
fn the_sale_model_is_the_number_of_the_type() {
    for (code, model) in [
        ("PI_5", "5"),
        ("SI_12", "12"),
        (" pi_007 ", "7"),
        ("PI", "1"),
        ("PI_", "1"),
        ("_5", "1"),
        ("PI_0", "1"),
        ("PI_5x", "1"),
        ("PI_5_6", "1"),
        ("PI_99999999999", "1"),
        ("quote", "1"),
        ("", "1"),
    ] {
        let document = Document {
            object_type: code.to_owned(),
            ..document(vec![row("1", "1", "0")])
        };
        assert_eq!(control(&document, Some(1404), "codesalemodel"), model, "{code}");
        assert_eq!(
            control(&document, Some(1404), "codemarkazforush"),
            model,
            "{code}"
        );
    }
}

#[test]
fn the_fiscal_year_is_the_logins_else_that_of_the_date() {
    let on = |day: &str| Document {
        date: day.parse().ok(),
        ..document(vec![row("1", "1", "0")])
    };
    assert_eq!(control(&on("2026-03-21"), Some(1404), "salmali"), "1404");
    assert_eq!(control(&on("2026-03-20"), None, "salmali"), "1404");
    assert_eq!(control(&on("2026-03-21"), None, "salmali"), "1405");
    let error = filled(&on("no day"), None).map(|_| ()).unwrap_err();
    assert!(
        matches!(&error, PortError::Refused(words) if words.contains("no date")),
        "{error:?}"
    );
}

#[test]
fn the_description_says_what_it_is_and_forges_nothing() {
    let described = |description: &str, subject: &str| {
        let document = Document {
            description: description.to_owned(),
            subject: subject.to_owned(),
            ..document(vec![row("1", "1", "0")])
        };
        assert_eq!(pairs(filled(&document, None).unwrap()).len(), 12);
        control(&document, None, "tozihat")
    };
    assert_eq!(
        described("a|sl_sanad.codemoshtari=1\r\nsl_sanad.salmali=1300", ""),
        "a/sl_sanad.codemoshtari=1 sl_sanad.salmali=1300"
    );
    assert_eq!(described("x=y", "s"), "x=y");
    assert_eq!(described(" \n ", "فروش | نقدی"), "فروش / نقدی 100-1404/7");
    assert_eq!(described("", ""), "100-1404/7");
}

#[test]
fn the_number_is_read_from_the_words() {
    for (words, expected) in [
        (
            "پیش فاکتور فروش با موفقیت به شماره 2488 ثبت گردید .",
            Some("2488"),
        ),
        ("با موفقیت به شماره ۲۴۸۸ ثبت گردید", Some("2488")),
        ("با موفقیت به شماره: ٢٤٨٨ثبت", Some("2488")),
        ("شماره\u{200c} (1404/2488)", Some("1404/2488")),
        ("شماره مشتری 12، به شماره 2488-", Some("2488")),
        ("به شماره ثبت گردید", None),
        ("2488", None),
        ("", None),
    ] {
        assert_eq!(number(words).as_deref(), expected, "{words}");
    }
}

fn decimals() -> impl Strategy<Value = Decimal> {
    let mantissa = prop_oneof![
        0..=79_228_162_514_264_337_593_543_950_335_i128,
        0..=1_000_000_i128
    ];
    (mantissa, 0_u32..=28).prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa, scale))
}

proptest! {
    #[test]
    fn what_the_form_says_is_what_the_document_said(values in proptest::collection::vec((decimals(), decimals(), decimals()), 1..5)) {
        let rows = values.iter().map(|(count, unit_price, discount)| Row {
            count: *count, unit_price: *unit_price, discount: *discount, ..Row::default()
        });
        let form = filled(&document(rows.collect()), Some(1404)).unwrap();
        // Through the whole body, as the server reads it.
        let body = serde_json::to_vec(&json!({ "dataRows": form.data_rows })).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let grids: Value = serde_json::from_str(body["dataRows"].as_str().unwrap()).unwrap();
        let data = grids[0]["data"].as_array().unwrap();
        prop_assert_eq!(data.len(), values.len());
        for (cells, (count, unit_price, discount)) in data.iter().zip(&values) {
            for (column, expected) in [("qty", count), ("finalqty", count), ("price", unit_price), ("mabtakhfif", discount)] {
                let Value::Number(number) = &cells[column]["newValue"] else { panic!("{column} is no number") };
                prop_assert_eq!(&number.as_str().parse::<Decimal>().unwrap(), expected);
            }
        }
    }
}
