//! The answer of a form save, always with status 200.

use serde_json::{Value, json};

use super::config::{FinanceConfig, RefusalShape};

fn entry(kind: &str, description: &str, code: i32) -> Value {
    json!({
        "ColName": "", "Group": "", "ErrorType": kind, "Description": description, "ErrorCode": code,
        "MessageText": "", "Solution": "", "HelpIndex": "",
    })
}

pub(crate) fn saved(code: i64, message: &str, config: &FinanceConfig) -> Value {
    let mut errors = vec![entry("ErrSuccs", "عملیات با موفقیت انجام شد", 0)];
    if config.warn_on_save {
        errors.push(entry("ErrWarning", "برخی از اطلاعات تکمیل نشده است", 0));
    }
    json!({
        "Errors": errors,
        "FinalMessages": [message],
        "ReturnValue": true,
        "ReturnCode": code.to_string(),
        "ReturnParams": code.to_string(),
    })
}

pub(crate) fn refused(reason: &str, config: &FinanceConfig) -> Value {
    let (kind, flag) = match config.refusal_shape {
        RefusalShape::Both => ("ErrError", false),
        RefusalShape::FlagOnly => ("ErrWarning", false),
        RefusalShape::EntryOnly => ("ErrError", true),
    };
    json!({
        "Errors": [entry(kind, reason, -1)],
        "FinalMessages": [],
        "ReturnValue": flag,
        "ReturnCode": "",
        "ReturnParams": "",
    })
}
