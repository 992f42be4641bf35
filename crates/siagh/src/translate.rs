//! Between Siagh's contact and the canonical customer, both ways. Pure: nothing here calls anything.
//!
//! Which column and control hold which field stands in [`crate::columns`]. What that table does not name is sent
//! back as it was read, since a save writes every control of the form.

use domain::customer::{Customer, Field, Kind, Values};
use domain::message::{Code, Message};
use domain::ports::{SetAside, Snapshot};
use serde_json::{Map, Value};

use crate::columns::{self, COLUMNS};
use crate::config::{Config, UnshownProvince};
use crate::ctrl::{CtrlValues, Held};
use crate::rows::Row;
use crate::wire::flag;

/// What a control of form `2BFDA` is filled with.
enum Control {
    /// A field of the table.
    Field(Field),
    /// A code of one of Siagh's own tables, as the first of these columns that the read shows has it.
    Kept(&'static str, &'static [&'static str]),
    /// The province's code: kept like those, where a read shows it.
    Province,
    /// 0 a person, 1 an organization. The setting that turns `TowardType` round is about what a read shows, and
    /// does not reach the form (**unverified**: no inverted installation was seen).
    Kind,
}

/// The form's controls, in the contract's order.
///
const FORM: [Control; 16] = [
    Control::Field(Field::Active),
    Control::Kept("gender", &["Gender"]),
    Control::Field(Field::Website),
    Control::Field(Field::PostalCode),
    Control::Province,
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

/// The column of `codeostan` is **unverified**: the contract names none, so the likely ones are tried.
const PROVINCE: &[&str] = &["CodeOstan", "OstanCode", "ProvinceCode", "StateCode"];

/// Whether a read hides the province: it shows empty columns as null, and none that could be the province's. (One that
/// leaves empty columns out shows no province where there is none.)
pub(crate) fn hides_province(row: &Row) -> bool {
    row.0.values().any(Value::is_null) && PROVINCE.iter().all(|column| row.column(column).is_none())
}

/// What a row says.
///
/// # Errors
/// It can't be taken as it stands.
pub(crate) fn snapshot(row: Row, config: &Config) -> Result<Snapshot, SetAside> {
    let Some(id) = row.code().map(|code| code.to_string()) else {
        let shows = !row.text("Code").trim().is_empty();
        let code = if shows { Code::AsideBadId } else { Code::AsideNoId };
        return Err(SetAside {
            id: String::new(),
            why: Message::new(code),
        });
    };
    if let Some(why) = misshapen(&row) {
        return Err(SetAside { id, why });
    }
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
    Ok(Snapshot {
        id,
        customer,
        modified_at: None,
        whole: Value::Object(row.0),
    })
}

/// Why a row can't be taken: a column that is read, or sent back, holds what is no value. To take it for empty would
/// clear it.
fn misshapen(row: &Row) -> Option<Message> {
    let kept = FORM.iter().flat_map(|control| match control {
        Control::Kept(_, columns) => *columns,
        Control::Province => PROVINCE,
        _ => &[],
    });
    let read = COLUMNS.iter().map(|column| column.read);
    let bad = |name: &&str| matches!(row.column(name), Some(Value::Array(_) | Value::Object(_)));
    let column = read.chain(kept.copied()).chain([TOWARD]).find(bad)?;
    Some(
        Message::new(Code::AsideBadValue)
            .with("property", column)
            .with("what", "a list or an object, and no value"),
    )
}

/// Which kind of customer it is.
const TOWARD: &str = "TowardType";

/// `TowardType`: `false` a person, `true` an organization, or the other way round by the setting; without one, a
/// person.
fn kind_of(row: &Row, config: &Config) -> Kind {
    match flag(row.column(TOWARD)) {
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
            Control::Kept(name, columns) => (*name, Held::new(&shown(whole, columns).unwrap_or_default())),
            Control::Province => ("codeostan", Held::new(&province_to_write(whole, config))),
            Control::Kind => ("taraftype", Held::new(kind_to_write(kind, whole))),
        };
        values.push(PREFIX, name, &value);
    }
    values
}

/// The first of these columns that the read shows.
fn shown(whole: &Row, columns: &[&str]) -> Option<String> {
    let column = columns.iter().find(|column| whole.column(column).is_some())?;
    Some(whole.text(column))
}

/// The province of a contact that is made.
pub(crate) fn province_made(config: &Config) -> String {
    province_to_write(&Row::default(), config)
}

/// Has a read that hides the province show that one.
pub(crate) fn show_province(columns: &mut Map<String, Value>, province: &str) {
    let row = Row(std::mem::take(columns));
    let hides = hides_province(&row);
    *columns = row.0;
    if let (true, Some(column)) = (hides, PROVINCE.first()) {
        columns.insert((*column).to_owned(), province.into());
    }
}

/// As it was read; where that does not show it, as the setting says.
fn province_to_write(whole: &Row, config: &Config) -> String {
    match (shown(whole, PROVINCE), config.unshown_province) {
        (Some(code), _) => code,
        (None, UnshownProvince::Code(code)) if whole.0.is_empty() || hides_province(whole) => {
            code.to_string()
        }
        (None, _) => String::new(),
    }
}

/// Where the contact that is saved shows no kind, none is written into it; one that is created gets its own.
fn kind_to_write(kind: Kind, whole: &Row) -> &'static str {
    match kind {
        _ if !whole.0.is_empty() && flag(whole.column(TOWARD)).is_none() => "",
        Kind::Organization => "1",
        Kind::Person => "0",
    }
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
