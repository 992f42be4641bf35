//! Sales documents: reading, and noting their number.

use domain::document::DocumentKind::{Invoice, Quote};
use domain::ports::{Crm, PortError};
use payamgostar::Payamgostar;
use serde_json::{Value, json};
use simulator::config::UnknownId;
use simulator::{FaultKind, FaultRule, Kind as Made, Simulator, System};
use testkit::calls::Said;

use crate::support::{simulated, stubbed};

/// Numbers as the CRM's database writes them, and properties that this system does not know.
const QUOTE: &str = r#"{
    "number": "100-1404/7", "subject": "فروش", "description": "شرح", "quoteDate": "2025-03-20T00:00:00",
    "identityId": "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11", "crmObjectTypeCode": "PI_5", "billableObjectState": "Draft",
    "totalValue": 1234567890123.45, "finalValue": 1.5E+3, "custom": {"deep": [{"rate": 0.10}]},
    "details": [
        {"productCode": "500102014", "productName": "کاغذ", "count": 1.0000, "baseUnitPrice": 1234567890123.45,
         "totalUnitPrice": 1234567890123.45, "totalDiscount": 0.5, "productUnitTypeName": "بسته", "serial": "7"},
        {"productCode": "5", "isService": true, "count": 0.001, "baseUnitPrice": 0}
    ]}"#;

fn quote() -> Value {
    serde_json::from_str(QUOTE).unwrap()
}

async fn seeded() -> (Simulator, Payamgostar, String) {
    let (simulator, crm) = simulated().await;
    let id = simulator.crm().seed(Made::Quote, quote()).unwrap();
    (simulator, crm, id)
}

fn without_dates(mut object: Value) -> Value {
    for of_the_server in ["modifyDate", "rowVersion"] {
        object.as_object_mut().unwrap().remove(of_the_server);
    }
    object
}

#[tokio::test]
async fn a_quote_and_an_invoice_are_read_exactly_in_either_spelling() {
    let (simulator, crm, id) = seeded().await;
    let mut object = quote();
    object["relatedQuoteId"] = json!(id);
    object["invoiceDate"] = json!("2025-03-20T20:30:00Z");
    object["crmObjectTypeCode"] = json!("SI_5");
    let invoice = simulator.crm().seed(Made::Invoice, object).unwrap();
    for pascal in [false, true] {
        simulator.crm().configure(|config| config.pascal_case = pascal);
        let read = crm
            .read_document(Quote, &id.to_uppercase())
            .await
            .unwrap()
            .unwrap();
        let document = &read.document;
        assert_eq!((read.id.as_str(), document.kind), (id.as_str(), Quote));
        assert_eq!(document.number, "100-1404/7");
        assert_eq!(
            (document.object_type.as_str(), document.state.as_str()),
            ("PI_5", "Draft")
        );
        assert_eq!(document.customer, "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11");
        assert_eq!(document.date, "2025-03-20".parse().ok());
        assert_eq!(document.related_quote, None);
        let text = |row: usize| {
            let row = &document.rows[row];
            [row.count, row.unit_price, row.discount].map(|amount| amount.to_string())
        };
        assert_eq!(text(0), ["1.0000", "1234567890123.45", "0.5"]);
        assert_eq!(text(1), ["0.001", "0", "0"]);
        assert!(document.rows[1].is_service && !document.rows[0].is_service);
        let final_value = document.totals.final_value.unwrap();
        assert_eq!(final_value.to_string(), "1500");
        let skew = read.created_at.unwrap() - simulator.clock().now();
        assert!(skew.num_seconds().abs() < 60, "{skew}");
        let read = crm.read_document(Invoice, &invoice).await.unwrap().unwrap();
        assert_eq!(read.document.related_quote.as_deref(), Some(id.as_str()));
        assert_eq!(
            read.document.date,
            "2025-03-21".parse().ok(),
            "midnight in Tehran"
        );
    }
    // A quote is no invoice.
    assert!(crm.read_document(Invoice, &id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_there_is_none_in_each_form() {
    let (simulator, crm, _) = seeded().await;
    for form in [UnknownId::NotFound, UnknownId::BadRequest, UnknownId::EmptyOk] {
        simulator.crm().configure(|config| config.unknown_id = form);
        let read = crm
            .read_document(Quote, "11111111-6f7e-4d0c-9a2e-2f1c6d1f0a11")
            .await;
        assert!(read.unwrap().is_none(), "{form:?}");
    }
}

#[tokio::test]
async fn an_amount_that_can_not_be_held_is_refused_by_name() {
    let body = r#"{"crmId":"a","details":[{"count":1,"baseUnitPrice":"1"},{"count":1e-40}]}"#;
    let (_stub, crm) = stubbed(&[Said(200, &[], body)]).await;
    let read = crm.read_document(Invoice, "a").await;
    let Err(PortError::Refused(words)) = read else {
        panic!("{read:?}")
    };
    assert!(
        words.starts_with("row 2 of the invoice: count is '1e-40'"),
        "{words}"
    );
}

#[tokio::test]
async fn noting_the_number_changes_nothing_but_the_reference() {
    for pascal in [false, true] {
        let (simulator, crm, id) = seeded().await;
        simulator.crm().configure(|config| config.pascal_case = pascal);
        let mut expected = without_dates(simulator.crm().get_as_answered(&id).unwrap());
        let current = crm.read_document(Quote, &id).await.unwrap().unwrap();
        assert_eq!(current.ref_id, "");
        crm.note_issued(&current, "2488").await.unwrap();
        let stored = without_dates(simulator.crm().get_as_answered(&id).unwrap());
        expected["refId"] = json!("2488");
        assert_eq!(stored, expected, "pascal: {pascal}");
        assert!(
            stored.to_string().contains("1.5e+3"),
            "numbers stay as they were written"
        );
        let noted = crm.read_document(Quote, &id).await.unwrap().unwrap();
        assert_eq!(
            (noted.ref_id.as_str(), noted.document),
            ("2488", current.document)
        );
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_note_is_unknown_and_a_part_is_never_sent() {
    let (simulator, crm, id) = seeded().await;
    let mut current = crm.read_document(Quote, &id).await.unwrap().unwrap();
    simulator.faults().add(FaultRule::always(
        System::Crm,
        "quote/sales/update",
        FaultKind::CommitThenDrop,
    ));
    let noted = crm.note_issued(&current, "2488").await;
    assert!(
        matches!(noted, Err(PortError::UnknownOutcome { .. })),
        "{noted:?}"
    );
    assert_eq!(simulator.crm().stats().calls("quote/sales/update"), 1);
    current.whole = Value::Null;
    let noted = crm.note_issued(&current, "2488").await;
    assert!(matches!(noted, Err(PortError::Refused(_))), "{noted:?}");
    assert_eq!(simulator.crm().stats().calls("quote/sales/update"), 1);
}
