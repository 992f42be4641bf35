//! Issuing pre-invoices.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::document::{Document, DocumentKind, Row, Totals};
use domain::ports::{Finance, PortError};
use serde_json::json;
use simulator::{FaultKind as Fault, FaultRule, Simulator, System};
use testkit::calls::{Said, logged};

use crate::support::{client, config, simulated, stubbed};

fn quote() -> Document {
    let row = |code: &str, count: &str, price: &str| Row {
        product_code: code.to_owned(),
        unit: "کیلو".to_owned(),
        count: count.parse().unwrap(),
        unit_price: price.parse().unwrap(),
        discount: "0.50".parse().unwrap(),
        ..Row::default()
    };
    Document {
        kind: DocumentKind::Quote,
        number: "100-1404/7".to_owned(),
        object_type: "PI_5".to_owned(),
        customer: "c".to_owned(),
        subject: "فروش".to_owned(),
        description: "شرح|sl_sanad.codemoshtari=1\nx".to_owned(),
        date: "2025-03-20".parse().ok(),
        state: String::new(),
        related_quote: None,
        totals: Totals::default(),
        rows: vec![
            row("500102014", "0.001", "1234567890123.45"),
            row("5", "1.0000", "0"),
        ],
    }
}

async fn with_customer() -> (Simulator, siagh::Siagh, String) {
    let (simulator, finance) = simulated().await;
    let code = simulator.finance().seed(json!({"Name": "علی"})).unwrap();
    (simulator, finance, code.to_string())
}

#[tokio::test]
async fn a_pre_invoice_is_issued_to_the_digit() {
    let (simulator, finance, customer) = with_customer().await;
    simulator.finance().configure(|config| config.fiscal_year = 1402);
    let issued = finance.issue(&quote(), &customer).await.unwrap();
    assert_eq!((issued.id.as_str(), issued.number.as_str()), ("5001", "2488"));
    let documents = simulator.finance().documents();
    let document = &documents[0];
    assert_eq!(document.customer.to_string(), customer);
    let header = |name: &str| document.header[name].as_str();
    assert_eq!(
        [
            header("salmali"),
            header("codesalemodel"),
            header("codemarkazforush"),
            header("hssanadstate")
        ],
        ["1402", "5", "5", "8"]
    );
    assert_eq!(header("tozihat"), "شرح/sl_sanad.codemoshtari=1 x");
    assert_eq!(header("namenoesanad"), "پیش فاکتور فروش");
    let cells = |name: &str| {
        let rows = document.rows.iter();
        rows.map(|row| row[name].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(cells("price"), ["1234567890123.45", "0"]);
    assert_eq!(cells("qty"), ["0.001", "1"]);
    assert_eq!(cells("mabtakhfif"), ["0.5", "0.5"]);
    assert_eq!(cells("nameunit"), [r#""کیلو""#, r#""کیلو""#]);
    assert_eq!(cells("radif"), [r#""1""#, r#""2""#]);
    // What the audit row keeps is what arrived.
    assert_eq!(issued.sent["rows"], json!(document.rows));
    assert_eq!(issued.sent["header"], json!(document.header));
    assert_eq!(issued.sent["suid"], json!(document.suid));
}

#[tokio::test]
async fn a_fiscal_year_that_was_opened_since_the_login_is_known_within_an_hour() {
    let (simulator, finance, customer) = with_customer().await;
    simulator.finance().configure(|config| config.fiscal_year = 1404);
    finance.issue(&quote(), &customer).await.unwrap();
    // Nothing ends the session.
    simulator.finance().configure(|config| config.fiscal_year = 1405);
    for minutes in [30, 31, 1] {
        simulator.clock().advance(TimeDelta::minutes(minutes));
        finance.issue(&quote(), &customer).await.unwrap();
    }
    let documents = simulator.finance().documents();
    let years: Vec<_> = documents
        .iter()
        .map(|held| held.header["salmali"].as_str())
        .collect();
    assert_eq!(years, ["1404", "1404", "1405", "1405"]);
    assert_eq!(
        simulator.finance().stats().event_count("login_ok"),
        2,
        "one login an hour"
    );
}

#[tokio::test]
async fn every_form_has_an_id_of_its_own_and_persian_numbers_are_read() {
    let (simulator, finance, customer) = with_customer().await;
    simulator
        .finance()
        .configure(|config| config.persian_digits = true);
    for number in ["2488", "2489", "2490"] {
        assert_eq!(finance.issue(&quote(), &customer).await.unwrap().number, number);
    }
    let documents = simulator.finance().documents();
    let suids: BTreeSet<_> = documents.iter().map(|document| &document.suid).collect();
    let uids: BTreeSet<_> = documents
        .iter()
        .flat_map(|document| document.rows.iter().map(|row| row["__uid"].to_string()))
        .collect();
    assert_eq!((suids.len(), uids.len()), (3, 6));
}

#[tokio::test]
async fn the_codes_of_an_installation_are_sent() {
    let (simulator, _, customer) = with_customer().await;
    let mut config = config(simulator.finance_url());
    config.pre_invoices = siagh::PreInvoices {
        state: 3,
        document_type: 4,
        type_name: "پیش‌فاکتور".to_owned(),
        sale_model: 9,
        payment_type: 1,
        sale_type: 6,
        intermediary: 7,
    };
    let finance = client(config, simulator.clock());
    let document = Document {
        object_type: "quote".to_owned(),
        ..quote()
    };
    finance.issue(&document, &customer).await.unwrap();
    let header = &simulator.finance().documents()[0].header;
    for (name, value) in [
        ("hssanadstate", "3"),
        ("codenoeesanad", "4"),
        ("namenoesanad", "پیش‌فاکتور"),
        ("codesalemodel", "9"),
        ("codemarkazforush", "9"),
        ("codenoeepardakht", "1"),
        ("codenoeeforush", "6"),
        ("codevaseteh", "7"),
        ("codecontact", ""),
    ] {
        assert_eq!(header[name], value, "{name}");
    }
    assert!(logged().contains("FINANCE_SALE_MODEL=9"));
}

#[tokio::test]
async fn refusals_keep_siaghs_words_and_issue_nothing() {
    let (simulator, finance, customer) = with_customer().await;
    let refused = async |document: &Document, customer: &str| {
        let outcome = finance.issue(document, customer).await;
        let Err(PortError::Refused(words)) = outcome else {
            panic!("{outcome:?}")
        };
        words
    };
    let mut document = quote();
    document.rows[1].unit_price = "-1".parse().unwrap();
    let words = refused(&document, &customer).await;
    assert!(words.contains("قیمت ردیف 2 درست وارد نشده است"), "{words}");
    document = quote();
    document.rows[0].product_code = "999999999".to_owned();
    let words = refused(&document, &customer).await;
    assert!(
        words.contains("RUNTIME ERROR") && words.contains("Field 'Code' not found"),
        "{words}"
    );
    assert!(refused(&quote(), "4711").await.contains("4711"));
    assert!(refused(&quote(), "no code").await.contains("no code"));
    assert!(simulator.finance().documents().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_never_sent_again() {
    let (simulator, finance, customer) = with_customer().await;
    finance.fiscal_year().await.unwrap();
    for fault in [
        Fault::CommitThenHang,
        Fault::CommitThenDrop,
        Fault::Error500After,
        Fault::Unavailable,
        Fault::TruncatedJson,
        Fault::Html200,
        Fault::EmptyAnswer,
    ] {
        simulator.faults().clear();
        simulator.reset_stats();
        simulator
            .faults()
            .add(FaultRule::always(System::Finance, "SaveFormData", fault).ms(3000));
        let outcome = finance.issue(&quote(), &customer).await;
        assert!(
            matches!(outcome, Err(PortError::UnknownOutcome { .. })),
            "{fault:?}: {outcome:?}"
        );
        assert_eq!(simulator.finance().stats().calls("SaveFormData"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_and_one_document_is_issued() {
    let (simulator, finance, customer) = with_customer().await;
    finance.fiscal_year().await.unwrap();
    simulator.finance().expire_sessions();
    simulator.reset_stats();
    finance.issue(&quote(), &customer).await.unwrap();
    assert_eq!(simulator.finance().stats().calls("LoginUser"), 1);
    assert_eq!(simulator.finance().documents().len(), 1);
}

#[tokio::test]
async fn a_success_without_number_has_its_id_and_one_without_id_is_unknown() {
    let silent = r#"{"Errors":[],"FinalMessages":[],"ReturnValue":true,"ReturnCode":"71"}"#;
    let (_stub, finance) = stubbed(&[Said(200, &[], silent)]).await;
    let issued = finance.issue(&quote(), "5").await.unwrap();
    assert_eq!((issued.id.as_str(), issued.number.as_str()), ("71", "71"));
    assert!(logged().contains("names no number of the pre-invoice 71"));
    // The stub's login says the year 1404; a login that says none leaves it to the document's date.
    assert_eq!(issued.sent["header"]["salmali"], "1404");
    for code in ["", "0"] {
        let answer = format!(
            r#"{{"FinalMessages":["به شماره 2488 ثبت گردید"],"ReturnValue":true,"ReturnCode":"{code}"}}"#
        );
        let (_stub, finance) = stubbed(&[Said(200, &[], answer.leak())]).await;
        let outcome = finance.issue(&quote(), "5").await;
        assert!(
            matches!(&outcome, Err(PortError::UnknownOutcome { message: words, .. }) if words.contains("2488")),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_document_is_not_issued_after_a_slow_login() {
    let (simulator, finance, customer) = with_customer().await;
    finance.fiscal_year().await.unwrap();
    // The login is too old to know of the fiscal year.
    simulator.clock().advance(chrono::TimeDelta::hours(2));
    let slow = FaultRule::always(System::Finance, "LoginUser", Fault::Slow);
    simulator.faults().add(slow.ms(300));
    let document = quote();
    let login = async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        simulator.clock().advance(chrono::TimeDelta::seconds(6));
    };
    let outcome = tokio::join!(finance.issue(&document, &customer), login).0;
    assert!(
        matches!(&outcome, Err(PortError::Transient { message, .. }) if message.contains("was not sent")),
        "{outcome:?}"
    );
    assert!(simulator.finance().documents().is_empty());
    finance.issue(&document, &customer).await.unwrap();
}
