//! Form 43D81: a sales pre-invoice. It can be created and, as far as anyone knows, nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer, columns,
    config::FinanceConfig,
    form::Form,
    lossy,
    store::{Document, Store},
    system::Finance,
};
use crate::{json::Object, stats::Author};

const NUMBERS: &[&str] = &[
    "hssanadstate",
    "codenoeesanad",
    "codesalemodel",
    "salmali",
    "codenoeepardakht",
    "codemarkazforush",
    "codemoshtari",
    "codenoeeforush",
    "codevaseteh",
];
const TEXTS: &[&str] = &["codecontact", "tozihat", "namenoesanad"];
const ROW: &[&str] = &[
    "__uid",
    "_status",
    "codekala",
    "nameunit",
    "qty",
    "mabtakhfif",
    "vazn",
    "hajm",
    "price",
    "radif",
    "finalqty",
    "takhfif",
    "sumamelinc",
    "sumameldec",
];

pub(crate) fn save(finance: &Finance, form: &Form, config: &FinanceConfig) -> Value {
    let result = {
        let mut store = finance.store();
        write(finance, &mut store, form, config)
    };
    match result {
        Ok((id, number)) => {
            finance.stats.saved(&format!("document:{id}"), Author::Api);
            let mut message = format!("پیش فاکتور فروش با موفقیت به شماره {number} ثبت گردید .");
            if config.persian_digits {
                message = lossy::persian_digits(&message);
            }
            answer::saved(id, &message, config)
        }
        Err(reason) => answer::refused(&reason, config),
    }
}

fn write(
    finance: &Finance,
    store: &mut Store,
    form: &Form,
    config: &FinanceConfig,
) -> Result<(i64, i64), String> {
    let suid = parameters(form)?;
    let (header, customer) = header(form)?;
    if store.get(customer).is_none() {
        return Err(format!("RUNTIME ERROR: مشتری با کد {customer} یافت نشد"));
    }
    let rows = rows(&form.data_rows, config)?;
    let count = i64::try_from(store.documents.len()).unwrap_or(i64::MAX);
    let (id, number) = (
        config.first_document_id + count,
        config.first_document_number + count,
    );
    store.documents.push(Document {
        id,
        number,
        customer,
        header,
        rows,
        suid,
        at: finance.clock.now(),
    });
    Ok((id, number))
}

fn parameters(form: &Form) -> Result<String, String> {
    let get = |name: &str| {
        let value = form.parameter(name);
        value.ok_or_else(|| columns::field_not_found(name))
    };
    if !get("_In_EditKeys")?.is_empty() {
        return Err("RUNTIME ERROR: edit is not supported".to_owned());
    }
    get("nocheck")?;
    let suid = get("_In_Suid")?;
    let fits = Uuid::parse_str(suid).is_ok_and(|id| id.hyphenated().to_string().to_uppercase() == suid);
    if fits {
        Ok(suid.to_owned())
    } else {
        Err(format!("RUNTIME ERROR: '{suid}' is not a valid GUID value."))
    }
}

fn header(form: &Form) -> Result<(BTreeMap<String, String>, i64), String> {
    let mut header = BTreeMap::new();
    for (name, value) in &form.controls {
        if let Some(field) = name.to_lowercase().strip_prefix("sl_sanad.") {
            if !NUMBERS.contains(&field) && !TEXTS.contains(&field) {
                return Err(columns::field_not_found(field));
            }
            header.insert(field.to_owned(), value.clone());
        }
    }
    for field in NUMBERS {
        let value = header
            .get(*field)
            .ok_or_else(|| columns::field_not_found(field))?;
        if value.parse::<i64>().is_err() {
            return Err(format!(
                "RUNTIME ERROR: '{value}' is not a valid integer value for field '{field}'."
            ));
        }
    }
    for field in TEXTS {
        if !header.contains_key(*field) {
            return Err(columns::field_not_found(field));
        }
    }
    let customer = header.get("codemoshtari").and_then(|code| code.parse().ok());
    Ok((header, customer.unwrap_or_default()))
}

fn rows(text: &str, config: &FinanceConfig) -> Result<Vec<Value>, String> {
    let grids: Value =
        serde_json::from_str(text).map_err(|error| format!("RUNTIME ERROR: dataRows: {error}"))?;
    let grid = match grids.as_array().map(Vec::as_slice) {
        Some([grid]) => grid,
        _ => return Err("RUNTIME ERROR: dataRows must hold one grid".to_owned()),
    };
    for (name, value) in [
        ("name", "dbgrid1"),
        ("entity", "sl_rizsanad"),
        ("keyField", "coderiz"),
    ] {
        if grid.get(name) != Some(&json!(value)) {
            return Err(format!("RUNTIME ERROR: dataRows: unknown {name}"));
        }
    }
    let data = grid
        .get("data")
        .and_then(Value::as_array)
        .filter(|rows| !rows.is_empty());
    let data = data.ok_or_else(|| "سند بدون ردیف قابل ثبت نیست".to_owned())?;
    data.iter()
        .enumerate()
        .map(|(at, row)| row_values(row, at + 1, config))
        .collect()
}

fn row_values(row: &Value, number: usize, config: &FinanceConfig) -> Result<Value, String> {
    let row = row.as_object().ok_or_else(|| columns::field_not_found("__uid"))?;
    let mut values = Object::new();
    for field in ROW {
        let pair = row
            .get(*field)
            .and_then(Value::as_object)
            .filter(|pair| pair.contains_key("oldValue") && pair.contains_key("newValue"))
            .ok_or_else(|| columns::field_not_found(field))?;
        let (old, new) = (
            pair.get("oldValue"),
            pair.get("newValue").cloned().unwrap_or_default(),
        );
        let fits = match *field {
            "__uid" => old == Some(&new) && new.is_string(),
            "_status" => old == Some(&new) && new == "inserted",
            _ => old == Some(&Value::Null),
        };
        if !fits {
            return Err(format!(
                "RUNTIME ERROR: row {number}: bad value pair of '{field}'"
            ));
        }
        values.insert((*field).to_owned(), new);
    }
    if let Some(unknown) = row.keys().find(|key| !ROW.contains(&key.as_str())) {
        return Err(columns::field_not_found(unknown));
    }
    let product = values.get("codekala").and_then(Value::as_str).unwrap_or_default();
    let listed = config.products.is_empty() || config.products.iter().any(|known| known == product);
    if product.is_empty() || !listed || config.unknown_products.iter().any(|code| code == product) {
        return Err(columns::field_not_found("Code"));
    }
    if !positive(values.get("price"), true) {
        return Err(format!("قیمت ردیف {number} درست وارد نشده است"));
    }
    if !positive(values.get("qty"), false) || !positive(values.get("finalqty"), false) {
        return Err(format!("مقدار ردیف {number} درست وارد نشده است"));
    }
    if !positive(values.get("mabtakhfif"), true) {
        return Err(format!("تخفیف ردیف {number} درست وارد نشده است"));
    }
    Ok(Value::Object(values))
}

/// A JSON number, not a text, above zero or not below it.
fn positive(value: Option<&Value>, zero: bool) -> bool {
    let Some(Value::Number(number)) = value else {
        return false;
    };
    let number: f64 = number.to_string().parse().unwrap_or(-1.0);
    number > 0.0 || (zero && number == 0.0)
}
