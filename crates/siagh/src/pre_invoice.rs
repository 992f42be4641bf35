//! From the canonical document to form `43D81`, and the number out of its answer. Pure: nothing here calls anything.
//!
//! Money and counts stay the decimals that they are: no float, no rounding.

use domain::document::{Document, Row};
use domain::letters::latin_digit;
use domain::ports::{PortError, PortResult};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value, json};
use uuid::Uuid;

use crate::config::PreInvoices;
use crate::ctrl::{CtrlValues, Held};
use crate::jalali;

const PREFIX: &str = "sl_sanad.";

/// The form, filled in.
pub(crate) struct Form {
    pub(crate) ctrl_values: CtrlValues,
    pub(crate) parameters: String,
    pub(crate) data_rows: String,
    /// The same, value by value, for the audit row.
    pub(crate) sent: Value,
}

/// The form that issues this document. `id` gives one that nothing else has, for the form and for each row.
pub(crate) fn form(
    document: &Document,
    customer: i64,
    login_year: Option<i32>,
    config: &PreInvoices,
    id: impl Fn() -> Uuid,
) -> PortResult<Form> {
    let guid = || id().to_string().to_uppercase();
    let header = header(document, customer, login_year, config)?;
    let suid = guid();
    let rows = document.rows.iter().enumerate();
    let rows: Vec<Cells> = rows
        .map(|(index, row)| cells(index + 1, row, guid()))
        .collect::<PortResult<_>>()?;
    let mut ctrl_values = CtrlValues::default();
    for (name, value) in &header {
        ctrl_values.push(PREFIX, name, value);
    }
    let grid = [Grid {
        name: "dbgrid1",
        entity: "sl_rizsanad",
        key_field: "coderiz",
        data: &rows,
    }];
    let data_rows = serde_json::to_string(&grid)
        .map_err(|error| PortError::Refused(format!("the rows can't be written as JSON: {error}")))?;
    let header: Map<_, _> = header
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let rows: Vec<Value> = rows.into_iter().map(Cells::plain).collect();
    Ok(Form {
        sent: json!({ "suid": suid, "header": header, "rows": rows }),
        ctrl_values,
        parameters: format!("_In_EditKeys=|_In_Suid={suid}|nocheck="),
        data_rows,
    })
}

/// The header's controls in the contract's order.
fn header(
    document: &Document,
    customer: i64,
    login_year: Option<i32>,
    config: &PreInvoices,
) -> PortResult<[(&'static str, Held); 12]> {
    let year = login_year
        .or_else(|| document.date.and_then(jalali::year))
        .ok_or_else(|| {
            PortError::Refused(format!(
                "the {} has no date and finance's login says no fiscal year: give it a date",
                document.kind.name()
            ))
        })?;
    let model = sale_model(&document.object_type).unwrap_or_else(|| {
        tracing::warn!(
            number = document.number,
            code = document.object_type,
            "the type code '{}' of {} {} names no sale model (as PI_5 does): FINANCE_SALE_MODEL={} is taken",
            document.object_type,
            document.kind.name(),
            document.number,
            config.sale_model
        );
        config.sale_model
    });
    let number = |number: u32| Held::new(&number.to_string());
    Ok([
        ("hssanadstate", number(config.state)),
        ("codenoeesanad", number(config.document_type)),
        ("codesalemodel", number(model)),
        ("salmali", Held::new(&year.to_string())),
        ("codenoeepardakht", number(config.payment_type)),
        ("codemarkazforush", number(model)),
        ("codecontact", Held::new("")),
        ("codemoshtari", Held::new(&customer.to_string())),
        ("codenoeeforush", number(config.sale_type)),
        ("codevaseteh", number(config.intermediary)),
        ("tozihat", Held::new(&description(document)).fitted(None)),
        ("namenoesanad", Held::new(&config.type_name).fitted(None)),
    ])
}

/// What an accountant reads: the description, else the subject and the CRM's number.
fn description(document: &Document) -> String {
    if document.description.trim().is_empty() {
        format!("{} {}", document.subject.trim(), document.number.trim())
    } else {
        document.description.clone()
    }
}

/// The number in `PI_5` and the like: letters, an underline, digits.
fn sale_model(code: &str) -> Option<u32> {
    let (letters, digits) = code.trim().split_once('_')?;
    let known = !letters.is_empty()
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    known
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|model| *model > 0)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grid<'a> {
    name: &'static str,
    entity: &'static str,
    key_field: &'static str,
    data: &'a [Cells],
}

/// A row of the grid, in the contract's order; each cell travels as a pair of its old and its new value.
struct Cells([(&'static str, Value); 14]);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cell<'a> {
    old_value: Option<&'a Value>,
    new_value: &'a Value,
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| {
            let of_the_grid = matches!(*name, "__uid" | "_status");
            let cell = Cell {
                old_value: of_the_grid.then_some(value),
                new_value: value,
            };
            (name, cell)
        }))
    }
}

impl Cells {
    fn plain(self) -> Value {
        let cells = self.0.into_iter();
        Value::Object(cells.map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

fn cells(position: usize, row: &Row, uid: String) -> PortResult<Cells> {
    let count = exact(row.count)?;
    Ok(Cells([
        ("__uid", uid.into()),
        ("_status", "inserted".into()),
        ("codekala", row.product_code.trim().into()),
        ("nameunit", Held::new(&row.unit).fitted(None).as_str().into()),
        ("qty", count.clone()),
        ("mabtakhfif", exact(row.discount)?),
        ("vazn", "0".into()),
        ("hajm", "0".into()),
        ("price", exact(row.unit_price)?),
        ("radif", position.to_string().into()),
        ("finalqty", count),
        ("takhfif", Value::Null),
        ("sumamelinc", Value::Null),
        ("sumameldec", Value::Null),
    ]))
}

/// The decimal as a JSON number, digit by digit, without zeros that say nothing.
fn exact(decimal: Decimal) -> PortResult<Value> {
    let text = decimal.normalize().to_string();
    let number: Number = text
        .parse()
        .map_err(|error| PortError::Refused(format!("{text} can't be written as a JSON number: {error}")))?;
    Ok(Value::Number(number))
}

/// The number after `شماره` in the words of a success, its digits of whatever script as Latin ones.
pub(crate) fn number(message: &str) -> Option<String> {
    message.split("شماره").skip(1).find_map(|after| {
        let after = after.trim_start_matches(|c: char| !c.is_alphanumeric());
        let number: String = after.chars().map_while(latin).collect();
        let number = number.trim_end_matches(['/', '-']);
        (!number.is_empty()).then(|| number.to_owned())
    })
}

/// A digit, or what may stand between the digits of a number.
fn latin(c: char) -> Option<char> {
    Some(latin_digit(c)).filter(|c| c.is_ascii_digit() || matches!(c, '/' | '-'))
}

#[cfg(test)]
#[path = "pre_invoice_tests.rs"]
mod tests;
