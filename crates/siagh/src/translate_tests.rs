//! Translation, on an answer that was recorded as JSON.

use domain::customer::Field as F;
use secrecy::SecretString;

use super::*;
use crate::rows::Splitter;

const CONTACTS: &[u8] = include_bytes!("../tests/fixtures/contacts.json");

fn config() -> Config {
    Config::new("http://finance.test", "u", SecretString::from("p"))
}

fn rows() -> Vec<Row> {
    let (mut splitter, mut rows) = (Splitter::new(), Vec::new());
    splitter.feed(CONTACTS, |row| rows.push(row.unwrap())).unwrap();
    splitter.finish().unwrap();
    rows
}

fn pairs(values: CtrlValues) -> Vec<(String, String)> {
    let text = values.into_string();
    text.split('|')
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .unwrap()
        })
        .collect()
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn contacts_are_read_by_the_table() {
    let rows = rows();
    let read = snapshot(rows[0].clone(), &config()).unwrap();
    assert_eq!((read.id.as_str(), read.modified_at), ("22", None));
    let all = Customer::new(Kind::Organization)
        .with(F::Name, "شرکت آریا")
        .with(F::Mobile, "۰۹۱۲۱۱۱۲۲۳۳")
        .with(F::Phone, "02188776655")
        .with(F::Email, "info@arya.ir")
        .with(F::Website, "https://arya.ir/?q=1")
        .with(F::NationalId, "10101234567")
        .with(F::Description, "a=b=c")
        .with(F::Address, "تهران\nخیابان زند | پلاک ۲")
        .with(F::PostalCode, "1234567890")
        .with(F::CustomerNumber, "100-10255")
        .with(F::FinanceCode, "22")
        .with(F::Active, "1")
        .with(F::MARKS[0], "1402/01/01")
        .with(F::MARKS[1], "5");
    assert_eq!(read.customer, all);
    assert!(!read.whole.to_string().contains("SIM-SECRET"));
    assert!(rows[1].is_admin_user());

    let sparse = snapshot(rows[2].clone(), &config()).unwrap();
    let mut few = Customer::new(Kind::Person)
        .with(F::Name, "علی رضایی")
        .with(F::FinanceCode, "23")
        .with(F::Active, "0");
    few.hidden.push(F::CustomerNumber);
    assert_eq!(sparse.customer, few);

    let inverted = Config {
        toward_type_inverted: true,
        ..config()
    };
    let kinds: Vec<_> = rows.iter().map(|row| kind_of(row, &inverted)).collect();
    assert_eq!(kinds, [Kind::Person, Kind::Person, Kind::Organization]);
}

#[test]
fn a_save_sends_back_all_that_does_not_change() {
    let changes = Values::from([(F::Mobile, "0912".to_owned()), (F::Email, String::new())]);
    let sent = pairs(changed(22, Kind::Organization, &rows()[0], &changes, &config()));
    let all = expected(&[
        ("Param1", "22"),
        ("NickName", "dbgrid1.#nickname#"),
        ("gn_web_users.isactive", "1"),
        ("gn_web_users.gender", "1"),
        ("gn_web_users.websiteaddress", "https://arya.ir/?q=1"),
        ("gn_web_users.pocode", "1234567890"),
        ("gn_web_users.codeostan", "8"),
        ("gn_web_users.address", "تهران خیابان زند / پلاک ۲"),
        ("gn_web_users.codeshahr", "301"),
        ("gn_web_users.countrycode", "98"),
        ("gn_web_users.email", ""),
        ("gn_web_users.fullname", "شرکت آریا"),
        ("gn_web_users.mobileno", "0912"),
        ("gn_web_users.telno", "02188776655"),
        ("gn_web_users.passno", "10101234567"),
        ("gn_web_users.tmpid", "100-10255"),
        ("gn_web_users.tozihat", "a=b=c"),
        ("gn_web_users.taraftype", "1"),
    ]);
    assert_eq!(sent, all);
}

#[test]
fn activity_changes_only_when_asked_clearly() {
    let value = |row: &Row, asked: Option<&str>| {
        let changes = asked
            .map(|value| (F::Active, value.to_owned()))
            .into_iter()
            .collect();
        pairs(changed(1, Kind::Person, row, &changes, &config()))[2]
            .1
            .clone()
    };
    let rows = rows();
    assert_eq!(
        [
            value(&rows[0], None),
            value(&rows[2], None),
            value(&rows[2], Some(""))
        ],
        ["1", "0", "0"]
    );
    assert_eq!(
        [
            value(&rows[0], Some("0")),
            value(&rows[2], Some("1")),
            value(&rows[1], None)
        ],
        ["0", "1", "1"]
    );
    let null = Row([("IsActive".to_owned(), Value::Null)].into_iter().collect());
    assert_eq!(value(&null, None), "");
}

#[test]
fn a_new_contact_has_every_control_and_no_value_forges_one() {
    let customer = Customer::new(Kind::Person)
        .with(F::Name, "علی|gn_web_users.isactive=0\r\ngn_web_users.taraftype=1")
        .with(F::CustomerNumber, "100-7")
        .with(F::FinanceCode, "9");
    let sent = pairs(created(&customer, &config()));
    assert_eq!(sent.len(), 17);
    let value = |name: &str| {
        sent.iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        value("gn_web_users.fullname"),
        ["علی/gn_web_users.isactive=0 gn_web_users.taraftype=1"]
    );
    assert_eq!(value("gn_web_users.isactive"), ["1"]);
    assert_eq!(value("gn_web_users.taraftype"), ["0"]);
    assert_eq!(value("gn_web_users.tmpid"), ["100-7"]);
}

#[test]
fn the_form_has_a_control_for_every_field_that_is_written_and_each_once() {
    for column in &COLUMNS {
        let controls = FORM
            .iter()
            .filter(|control| matches!(control, Control::Field(field) if *field == column.field));
        let expected = usize::from(!column.written.is_empty());
        assert_eq!(controls.count(), expected, "{}", column.field);
    }
}
