//! Pre-invoices.

use serde_json::{Map, Value, json};

use crate::support::{World, code_of, refusal_of, world};

fn pair(value: Value) -> Value {
    json!({"oldValue": null, "newValue": value})
}

fn row(product: &str, price: Value) -> Value {
    let mut row = Map::new();
    let uid = "6F9619FF-8B86-D011-B42D-00C04FC964FF";
    row.insert("__uid".into(), json!({"oldValue": uid, "newValue": uid}));
    row.insert(
        "_status".into(),
        json!({"oldValue": "inserted", "newValue": "inserted"}),
    );
    let fields = json!({
        "codekala": product, "nameunit": "عدد", "qty": 1, "mabtakhfif": 0, "vazn": "0", "hajm": "0", "price": price,
        "radif": "1", "finalqty": 1, "takhfif": null, "sumamelinc": null, "sumameldec": null,
    });
    for (field, value) in fields.as_object().unwrap() {
        row.insert(field.clone(), pair(value.clone()));
    }
    Value::Object(row)
}

fn form(customer: i64, rows: &[Value]) -> Value {
    let controls = format!(
        "sl_sanad.hssanadstate=8|sl_sanad.codenoeesanad=2|sl_sanad.codesalemodel=5|sl_sanad.salmali=1404|\
         sl_sanad.codenoeepardakht=2|sl_sanad.codemarkazforush=5|sl_sanad.codecontact=|\
         sl_sanad.codemoshtari={customer}|sl_sanad.codenoeeforush=1|sl_sanad.codevaseteh=31|\
         sl_sanad.tozihat=شرح|sl_sanad.namenoesanad=پیش فاکتور فروش"
    );
    let grid = json!([{"name": "dbgrid1", "entity": "sl_rizsanad", "keyField": "coderiz", "data": rows}]);
    json!({
        "formId": "43D81", "ctrlValues": controls,
        "parameters": "_In_EditKeys=|_In_Suid=6F9619FF-8B86-D011-B42D-00C04FC964FF|nocheck=",
        "dataRows": grid.to_string(), "attachments": "[]", "postCode": "1110", "flowId": "",
    })
}

async fn with_customer() -> (World, i64) {
    let world = world().await;
    let customer = world.sim.finance().create(json!({"Name": "a"})).unwrap();
    (world, customer)
}

#[tokio::test]
async fn a_pre_invoice_is_stored_exactly() {
    let (world, customer) = with_customer().await;
    let price: Value = serde_json::from_str("1250000.0075").unwrap();
    let saved = world
        .save_form(&form(customer, &[row("500102014", price), row("5", json!(0))]))
        .await;
    assert_eq!(code_of(&saved), 5001);
    let message = saved["FinalMessages"][0].as_str().unwrap();
    assert!(message.contains("به شماره 2488 ثبت گردید"), "{message}");
    let documents = world.sim.finance().documents();
    let document = &documents[0];
    assert_eq!(
        (document.id, document.number, document.customer),
        (5001, 2488, customer)
    );
    assert_eq!(document.header["salmali"], "1404");
    assert_eq!(document.header["tozihat"], "شرح");
    assert_eq!(document.rows.len(), 2);
    assert_eq!(document.rows[0]["price"].to_string(), "1250000.0075");
    assert_eq!(world.sim.finance().stats().saves("document:5001").api, 1);
    assert_eq!(world.sim.finance().stats().calls("SaveFormData#43D81"), 1);
    world
        .sim
        .finance()
        .configure(|config| config.persian_digits = true);
    let saved = world.save_form(&form(customer, &[row("1", json!(1))])).await;
    assert!(saved["FinalMessages"][0].as_str().unwrap().contains("شماره ۲۴۸۹"));
}

#[tokio::test]
async fn what_is_refused() {
    let (world, customer) = with_customer().await;
    let refused = async |form: Value| {
        let answer = world.save_form(&form).await;
        refusal_of(&answer).to_owned()
    };
    let text = refused(form(customer, &[row("999999999", json!(1))])).await;
    assert!(
        text.contains("RUNTIME ERROR") && text.contains("Field 'Code' not found"),
        "{text}"
    );
    for price in [json!(null), json!("1000"), json!(-1)] {
        let text = refused(form(customer, &[row("1", price)])).await;
        assert_eq!(text, "قیمت ردیف 1 درست وارد نشده است");
    }
    let second = refused(form(customer, &[row("1", json!(1)), row("1", json!(null))])).await;
    assert_eq!(second, "قیمت ردیف 2 درست وارد نشده است");
    refused(form(4711, &[row("1", json!(1))])).await;
    refused(form(customer, &[])).await;
    let good = form(customer, &[row("1", json!(1))]);
    let mut lower = good.clone();
    lower["parameters"] = json!("_In_EditKeys=|_In_Suid=6f9619ff-8b86-d011-b42d-00c04fc964ff|nocheck=");
    refused(lower).await;
    let mut missing = good.clone();
    missing["ctrlValues"] = json!(
        good["ctrlValues"]
            .as_str()
            .unwrap()
            .replace("|sl_sanad.codevaseteh=31", "")
    );
    assert!(refused(missing).await.contains("codevaseteh"));
    let mut bare = row("1", json!(1));
    bare["qty"] = json!(1);
    refused(form(customer, &[bare])).await;
    world
        .sim
        .finance()
        .configure(|config| config.products = vec!["7".into()]);
    refused(good).await;
    assert!(world.sim.finance().documents().is_empty());
}
