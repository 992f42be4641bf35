//! The columns of a contact: how they are read, written and shown.

use serde_json::{Value, json};

use super::{config::FinanceConfig, lossy};
use crate::json::Object;

/// `Password`, `img` and `Picture` of every row begin with this, so that a test can look for leaks.
pub const LEAK_MARKER: &str = "SIM-SECRET";

/// What an answer always has, null when empty. `Code`, `Password`, `img`, `Picture` and `tmpid` are
/// treated apart.
const SHOWN: &[&str] = &[
    "Name",
    "NickName",
    "NationalCode",
    "MobileNo",
    "MobileNo2",
    "TelNo",
    "TelNo2",
    "Email",
    "Email2",
    "Address",
    "PostalCode",
    "CityCode",
    "ProvinceCode",
    "CountryCode",
    "Gender",
    "BirthDate",
    "FatherName",
    "Description",
    "WebSiteAddress",
    "IsActive",
    "IsAdminUser",
    "TowardType",
    "RegDate",
    "ParentCode",
    "AccountPartyCode",
    "RecordId",
];

#[derive(Clone, Copy)]
enum Type {
    Text,
    Code,
    Flag,
    Toward,
}

/// The controls of form 2BFDA with their columns. The province's column is not in the contract.
const CONTROLS: &[(&str, &str, Type)] = &[
    ("isactive", "IsActive", Type::Flag),
    ("gender", "Gender", Type::Code),
    ("websiteaddress", "WebSiteAddress", Type::Text),
    ("pocode", "PostalCode", Type::Text),
    ("codeostan", "ProvinceCode", Type::Code),
    ("address", "Address", Type::Text),
    ("codeshahr", "CityCode", Type::Code),
    ("countrycode", "CountryCode", Type::Code),
    ("email", "Email", Type::Text),
    ("fullname", "Name", Type::Text),
    ("mobileno", "MobileNo", Type::Text),
    ("telno", "TelNo", Type::Text),
    ("passno", "NationalCode", Type::Text),
    ("tmpid", "tmpid", Type::Text),
    ("tozihat", "Description", Type::Text),
    ("taraftype", "TowardType", Type::Toward),
];

/// Writes all controls of the form into a row: one that is missing or empty clears its column.
pub(crate) fn write_form(
    row: &mut Object,
    controls: &[(String, String)],
    config: &FinanceConfig,
) -> Result<(), String> {
    for (name, _) in controls {
        if let Some(control) = name.to_lowercase().strip_prefix("gn_web_users.")
            && !CONTROLS.iter().any(|(known, _, _)| *known == control)
        {
            return Err(field_not_found(control));
        }
    }
    for (control, column, kind) in CONTROLS {
        let wanted = format!("gn_web_users.{control}");
        // Of two controls with one name the later wins: that is how a field is forged.
        let given = controls
            .iter()
            .rev()
            .find(|(name, _)| name.to_lowercase() == wanted);
        let text = given.map_or("", |(_, value)| value.as_str());
        let value = convert(column, text, *kind, config)?;
        row.insert((*column).to_owned(), value);
    }
    row.retain(|_, value| !value.is_null());
    Ok(())
}

fn convert(column: &str, text: &str, kind: Type, config: &FinanceConfig) -> Result<Value, String> {
    if text.is_empty() {
        let empty_text = matches!(kind, Type::Text) && config.clear_to_empty_text;
        return Ok(if empty_text { json!("") } else { Value::Null });
    }
    let flag = || match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(conversion_failed(text, "bit")),
    };
    Ok(match kind {
        Type::Text => json!(lossy::store(column, text, &config.lossy)),
        Type::Code => match text.parse::<i64>() {
            Ok(code) => json!(code),
            Err(_) => return Err(conversion_failed(text, "int")),
        },
        Type::Flag => json!(flag()?),
        Type::Toward => json!(flag()? != config.toward_inverted),
    })
}

/// A row as `GetAll` shows it.
pub(crate) fn show(code: i64, row: &Object, config: &FinanceConfig) -> Value {
    let mut shown = row.clone();
    if !config.show_tmpid {
        shown.remove("tmpid");
    }
    if !config.omit_nulls {
        for column in SHOWN {
            if !shown.contains_key(*column) {
                shown.insert((*column).to_owned(), Value::Null);
            }
        }
    }
    for hidden in &config.hidden_columns {
        shown.remove(hidden);
    }
    shown.insert("Code".into(), code.into());
    for column in ["Password", "img", "Picture"] {
        shown.insert(column.into(), format!("{LEAK_MARKER}-{column}-{code}").into());
    }
    Value::Object(shown)
}

pub(crate) fn field_not_found(field: &str) -> String {
    format!("RUNTIME ERROR: [SaveForm.Script:118] Field '{field}' not found in dataset 'qryTemp'.")
}

fn conversion_failed(text: &str, to: &str) -> String {
    format!("RUNTIME ERROR: Conversion failed when converting the nvarchar value '{text}' to data type {to}.")
}
