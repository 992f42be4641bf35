//! What finance must hold, from what was typed: the generator's own words, never the merge or a connector.

use serde_json::Value;
use simulator::Simulator;
use simulator::sample::SampleCustomer;

/// Checks that each typed customer has exactly one contact with every mapped field right, and finance nothing else.
pub fn finance_holds_exactly(sim: &Simulator, typed: &[(String, SampleCustomer)]) {
    let contacts = sim.finance().contacts();
    assert_eq!(contacts.len(), typed.len(), "one contact per customer");
    for (id, customer) in typed {
        let found: Vec<&Value> = contacts
            .iter()
            .filter(|contact| contact["MobileNo"] == customer.mobile.as_str())
            .collect();
        let [contact] = found[..] else {
            panic!("{} contacts have {}", found.len(), customer.mobile)
        };
        let object = sim.crm().get(id).unwrap();
        let expected = customer.to_finance();
        for (column, value) in expected.as_object().unwrap() {
            let (held, value) = (text(&contact[column]), text(value));
            assert_eq!(held, value, "{column} of {}", customer.name);
        }
        assert_eq!(text(&contact["tmpid"]), text(&object["customerNumber"]));
        assert_eq!(
            text(&object["refId"]),
            text(&contact["Code"]),
            "the code came back"
        );
        // What no sync maps is as it was typed.
        let typed = customer.to_crm();
        for property in ["extendedProperties", "tags"] {
            assert_eq!(object[property], typed[property], "{property}");
        }
    }
}

/// `1` and `true`, `""` and `null` are one and the same here.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
