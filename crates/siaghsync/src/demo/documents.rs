//! The demo's quote, and whether finance issued it as it was typed.

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};
use simulator::{CrmHandle, FinanceHandle};

/// Two rows, one with a price that no float holds.
pub(super) fn quote(customer: &str) -> Value {
    let row = |code: &str, name: &str, count: f64, price: Value| {
        json!({
            "productCode": code, "productName": name, "isService": false, "count": count, "baseUnitPrice": price,
            "totalDiscount": 0, "totalVat": 0, "totalToll": 0, "productUnitTypeName": "عدد",
        })
    };
    let exact: Value = serde_json::from_str("1234567890123.45").unwrap_or_default();
    json!({
        "subject": "پیش فاکتور لوازم اداری", "description": "تحویل درب انبار", "identityId": customer,
        "crmObjectTypeCode": "PI_5", "quoteDate": "2025-12-21T10:00:00", "billableObjectState": "Draft",
        "details": [
            row("500102014", "کاغذ A4", 10.0, json!(1_500_000)),
            row("500102015", "خط تولید", 2.5, exact),
        ],
    })
}

/// Each quote beside its pre-invoice; and whether each stands in finance once, row by row as it was typed.
pub(super) fn compare(crm: &CrmHandle, finance: &FinanceHandle) -> (Table, bool) {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(150);
    table.set_header([
        "quote",
        "rows in the CRM",
        "pre-invoice",
        "rows in finance",
        "agree?",
    ]);
    let (quotes, documents) = (crm.documents(), finance.documents());
    let mut all = quotes.len() == documents.len();
    for quote in &quotes {
        let typed = rows(&quote["details"], ["productCode", "count", "baseUnitPrice"]);
        let noted = quote["refId"].as_str().unwrap_or_default();
        let issued = documents
            .iter()
            .find(|document| document.number.to_string() == noted);
        let held = issued.map(|document| rows(&json!(document.rows), ["codekala", "qty", "price"]));
        let agree = held.as_ref() == Some(&typed);
        all &= agree;
        table.add_row([
            quote["number"].as_str().unwrap_or_default().to_owned(),
            typed.join("\n"),
            noted.to_owned(),
            held.unwrap_or_default().join("\n"),
            if agree { "✅" } else { "❌" }.to_owned(),
        ]);
    }
    (table, all)
}

fn rows(rows: &Value, [code, count, price]: [&str; 3]) -> Vec<String> {
    let rows = rows.as_array().into_iter().flatten();
    let number = |value: &Value| {
        let text = value.to_string();
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    };
    rows.map(|row| {
        let code = row[code].as_str().unwrap_or_default();
        format!("{code}: {} × {}", number(&row[count]), number(&row[price]))
    })
    .collect()
}
