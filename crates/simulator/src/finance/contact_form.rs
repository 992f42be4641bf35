//! Form 2BFDA: a contact is created or saved.

use super::{
    answer, columns,
    config::FinanceConfig,
    form::Form,
    store::{PHONE_TAKEN, Store},
    system::Finance,
};
use crate::{json::Object, stats::Author};

/// Where a save goes.
struct Target {
    /// The row that is written; none: a new one.
    code: Option<i64>,
    /// The row whose phones do not count as taken.
    own: Option<i64>,
}

pub(crate) fn save(finance: &Finance, form: &Form, config: &FinanceConfig) -> serde_json::Value {
    let result = {
        let mut store = finance.store();
        write(finance, &mut store, form, config)
    };
    match result {
        Ok(code) => {
            finance.stats.saved(&code.to_string(), Author::Api);
            answer::saved(code, "اطلاعات با موفقیت ثبت گردید", config)
        }
        Err(reason) => answer::refused(&reason, config),
    }
}

fn write(finance: &Finance, store: &mut Store, form: &Form, config: &FinanceConfig) -> Result<i64, String> {
    let target = target(store, form, config)?;
    let mut row = target
        .code
        .and_then(|code| store.get(code).cloned())
        .unwrap_or_else(|| new_row(finance));
    columns::write_form(&mut row, &form.controls, config)?;
    if row
        .get("Name")
        .and_then(serde_json::Value::as_str)
        .is_none_or(|name| name.trim().is_empty())
    {
        return Err("نام را وارد نمایید".to_owned());
    }
    if store.phone_taken(&row, target.own) {
        return Err(PHONE_TAKEN.to_owned());
    }
    let code = match target.code {
        Some(code) => code,
        None => store.new_code(config),
    };
    row.insert("RecordId".into(), (code + 100_000).into());
    store.put(code, row);
    Ok(code)
}

fn target(store: &Store, form: &Form, config: &FinanceConfig) -> Result<Target, String> {
    let main = form
        .parameter("CodeMain")
        .ok_or_else(|| columns::field_not_found("CodeMain"))?;
    if main.is_empty() {
        return Ok(Target {
            code: None,
            own: None,
        });
    }
    let code: i64 = main.parse().map_err(|_| columns::field_not_found("Code"))?;
    if store.get(code).is_none() {
        return if config.unknown_code_creates {
            Ok(Target {
                code: None,
                own: None,
            })
        } else {
            Err("رکورد مورد نظر یافت نشد".to_owned())
        };
    }
    let first = form.controls.first();
    let named = first.is_some_and(|(name, value)| name == "Param1" && value == main);
    Ok(Target {
        // Without Param1 the server checks the old contact, and then writes a new one.
        code: (named && !config.updates_create).then_some(code),
        own: Some(code),
    })
}

pub(crate) fn new_row(finance: &Finance) -> Object {
    let mut row = Object::new();
    row.insert("RegDate".into(), finance.today().into());
    row.insert("IsAdminUser".into(), false.into());
    row
}
