//! Between Siagh's contact and the canonical customer, both ways. Pure: nothing here calls anything.
//!
//! Which column and control hold which field stands in [`crate::columns`]. What that table does not name is sent
//! back as it was read, since a save writes every control of the form.

use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::Snapshot;
use serde_json::Value;

use crate::columns::{self, COLUMNS};
use crate::config::Config;
use crate::ctrl::{CtrlValues, Held};
use crate::rows::Row;
use crate::wire::flag;

/// What a control of form `2BFDA` is filled with.
enum Control {
    /// A field of the table.
    Field(Field),
    /// A code of one of Siagh's own tables, as the first of these columns that the read shows has it.
    Kept(&'static str, &'static [&'static str]),
    /// 0 a person, 1 an organization. The setting that turns `TowardType` round is about what a read shows, and
    /// does not reach the form (**unverified**: no inverted installation was seen).
    Kind,
}

/// The form's controls, in the contract's order.
///
/// `codeostan`'s column is **unverified**: the contract names none, so the likely ones are tried. Where the read
/// shows none of them, it is sent empty.
const FORM: [Control; 16] = [
    Control::Field(Field::Active),
    Control::Kept("gender", &["Gender"]),
    Control::Field(Field::Website),
    Control::Field(Field::PostalCode),
    Control::Kept(
        "codeostan",
        &["CodeOstan", "OstanCode", "ProvinceCode", "StateCode"],
    ),
    Control::Field(Field::Address),
    Control::Kept("codeshahr", &["CityCode"]),
    Control::Kept("countrycode", &["CountryCode"]),
    Control::Field(Field::Email),
    Control::Field(Field::Name),
    Control::Field(Field::Mobile),
    Control::Field(Field::Phone),
    Control::Field(Field::NationalId),
    Control::Field(Field::CustomerNumber),
    Control::Field(Field::Description),
    Control::Kind,
];

const PREFIX: &str = "gn_web_users.";

/// What a row says; `None` for a row without a code.
pub(crate) fn snapshot(row: Row, config: &Config) -> Option<Snapshot> {
    let id = row.code()?.to_string();
    let mut customer = Customer::new(kind_of(&row, config));
    for column in &COLUMNS {
        let value = match column.field {
            Field::FinanceCode => id.clone(),
            Field::Active => active(&row),
            _ => row.text(column.read),
        };
        customer.set(column.field, value);
    }
    for (mark, column) in columns::MARKS {
        customer.set(mark, row.text(column));
    }
    // Not shown is not empty: nothing is known about it.
    if row.column(columns::read(Field::CustomerNumber)).is_none() {
        customer.hidden.push(Field::CustomerNumber);
    }
    Some(Snapshot {
        id,
        customer,
        modified_at: None,
        whole: Value::Object(row.0),
    })
}

/// `TowardType`: `false` a person, `true` an organization, or the other way round by the setting; without one, a
/// person.
fn kind_of(row: &Row, config: &Config) -> Kind {
    match flag(row.column("TowardType")) {
        Some(toward) if toward != config.toward_type_inverted => Kind::Organization,
        _ => Kind::Person,
    }
}

/// `IsActive` as `1` or `0`; as it stands when it is neither.
fn active(row: &Row) -> String {
    let column = columns::read(Field::Active);
    flag(row.column(column)).map_or_else(|| row.text(column), |active| u8::from(active).to_string())
}

/// The form that creates this customer.
pub(crate) fn created(customer: &Customer, config: &Config) -> CtrlValues {
    filled(
        CtrlValues::default(),
        customer.kind,
        &Row::default(),
        &customer.values,
        config,
    )
}

/// The form that saves these changes into the contact that was read as `whole`.
pub(crate) fn changed(code: i64, kind: Kind, whole: &Row, changes: &Values, config: &Config) -> CtrlValues {
    let mut values = CtrlValues::default();
    values.push("", "Param1", &Held::new(&code.to_string()));
    filled(values, kind, whole, changes, config)
}

fn filled(mut values: CtrlValues, kind: Kind, whole: &Row, changes: &Values, config: &Config) -> CtrlValues {
    values.push("", "NickName", &Held::new("dbgrid1.#nickname#"));
    for control in &FORM {
        let (name, value) = match control {
            Control::Field(Field::Active) => (
                columns::written(Field::Active),
                Held::new(&active_to_write(whole, changes)),
            ),
            Control::Field(field) => (
                columns::written(*field),
                text_to_write(*field, whole, changes, config),
            ),
            Control::Kept(name, columns) => {
                let shown = columns.iter().find(|column| whole.column(column).is_some());
                (
                    *name,
                    Held::new(&shown.map_or(String::new(), |column| whole.text(column))),
                )
            }
            Control::Kind => (
                "taraftype",
                Held::new(if kind == Kind::Organization { "1" } else { "0" }),
            ),
        };
        values.push(PREFIX, name, &value);
    }
    values
}

/// A changed value is projected; one that stays is sent as it was read, as far as the form can carry it.
fn text_to_write(field: Field, whole: &Row, changes: &Values, config: &Config) -> Held {
    match changes.get(&field) {
        Some(value) => projected(field, value, config),
        None => Held::new(&whole.text(columns::read(field))),
    }
}

/// Only a clear `0` or `1` changes it; a contact whose read shows no such column (as none that is created does) is
/// active.
fn active_to_write(whole: &Row, changes: &Values) -> String {
    let asked = changes
        .get(&Field::Active)
        .and_then(|value| flag(Some(&Value::from(value.as_str()))));
    match (asked, whole.column(columns::read(Field::Active))) {
        (Some(active), _) => u8::from(active).to_string(),
        (None, Some(_)) => active(whole),
        (None, None) => "1".to_owned(),
    }
}

/// The value as Siagh would hold it.
pub(crate) fn projected(field: Field, value: &str, config: &Config) -> Held {
    Held::new(value).fitted(config.max_lengths.get(&field).copied())
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
