//! Bodies of every malformed kind, well signed: never a 5xx, and what is accepted is stored.

use proptest::{
    collection::{btree_map, vec},
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::site::{ENGINES, GUID, Site, event, read};

fn changed(field: &str, value: Value) -> String {
    let mut body = event("e", &json!(GUID));
    body[field] = value;
    body.to_string()
}

/// A good event whose data are nested so deep.
fn deep(n: usize) -> String {
    changed("data", json!({"x": "HERE"})).replace("\"HERE\"", &format!("{}1{}", "[".repeat(n), "]".repeat(n)))
}

/// A good event, otherwise in one place of its text.
fn raw(from: &str, to: &str) -> Vec<u8> {
    let text = event("e", &json!(GUID)).to_string();
    text.replacen(from, to, 1).into_bytes()
}

/// What is no JSON, or none that can be kept, with a word of the answer.
fn no_json() -> Vec<(Vec<u8>, &'static str)> {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    vec![
        (b"".to_vec(), "JSON"),
        (b"{\"eventId\": \"e\", ".to_vec(), "JSON"),
        (b"null".to_vec(), "object"),
        (b"[]".to_vec(), "object"),
        (b"\"text\"".to_vec(), "object"),
        (b"{}".to_vec(), "eventId"),
        (b"{} {}".to_vec(), "JSON"),
        (vec![0xff, 0xfe, 0x7b], "JSON"),
        (b"{\"eventId\": \"\xff\"}".to_vec(), "JSON"),
        (nested.into_bytes(), "JSON"),
        (deep(1000).into_bytes(), "JSON"),
        (raw("1.5", "1e999999"), "number"),
        (raw("1.5", "-1.5E-99999999999999999999"), "number"),
        (raw("1.5", &"9".repeat(5000)), "number"),
        (raw("1.5", "{\"$serde_json::private::Number\":\"x\"}"), "JSON"),
        (raw("مریم", "\\u0000"), "NUL"),
        (raw("nickName", "nick\\u0000"), "NUL"),
        (raw("مریم", "\\ud800"), "JSON"),
    ]
}

/// JSON that is no event.
fn no_event() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (changed("eventId", json!("")).into(), "eventId"),
        (changed("eventId", json!(" ")).into(), "eventId"),
        (changed("eventId", json!("x".repeat(201))).into(), "eventId"),
        (changed("eventId", json!(5)).into(), "eventId"),
        (changed("eventId", Value::Null).into(), "eventId"),
        (changed("entityId", json!("")).into(), "entityId"),
        (changed("entityId", json!("x".repeat(100_000))).into(), "entityId"),
        (changed("entityId", json!("505")).into(), "entityId"),
        (changed("entityId", json!(505)).into(), "entityId"),
        (changed("entityId", json!({"id": GUID})).into(), "entityId"),
        (changed("entityType", json!("PRODUCT")).into(), "entityType"),
        (changed("entityType", json!(["CUSTOMER"])).into(), "entityType"),
        (changed("entityType", json!("QUOTE")).into(), "entityType"),
        (changed("eventType", json!(true)).into(), "eventType"),
        (changed("action", json!("exploded")).into(), "action"),
        (changed("action", json!(1)).into(), "action"),
        (changed("timestamp", json!(1700000000)).into(), "timestamp"),
        (changed("data", json!("text")).into(), "data"),
    ]
}

#[tokio::test]
async fn each_malformed_kind_is_named() {
    let cases = [no_json(), no_event()].concat();
    for engine in ENGINES {
        let site = Site::on(engine).await;
        for (body, word) in &cases {
            let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            let (code, answer) = read(site.send("/webhook/crm", body.clone()).await).await;
            assert_eq!(code, 400, "{shown}: {answer}");
            assert!(
                answer["error"].as_str().unwrap().contains(word),
                "{shown}: {answer}"
            );
        }
        assert!(site.rows().await.is_empty());
        // At the edge of what is taken.
        for (n, body) in [
            deep(100),
            changed("data", json!({"x": 1})).replace("\"x\":1", "\"x\":-12.5e1000,\"y\":1e-1000"),
        ]
        .into_iter()
        .enumerate()
        {
            let body = body.replace("\"e\"", &format!("\"edge-{n}\""));
            let (code, answer) = read(site.send("/webhook/crm", body).await).await;
            assert_eq!(code, 202, "{answer}");
        }
        site.end().await;
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        Just(GUID.to_owned()),
        Just("customer.updated".to_owned()),
        Just("\u{0}".to_owned()),
        vec(any::<char>(), 0..300).prop_map(|chars| chars.into_iter().collect()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4).prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let fields = [
        "eventId",
        "eventType",
        "entityType",
        "entityId",
        "action",
        "timestamp",
        "data",
        "extra",
    ];
    let field = (0..fields.len()).prop_map(move |n| fields[n]);
    let changed = (any::<u64>(), vec((field, any_json()), 0..3)).prop_map(|(id, changes)| {
        let mut body = event(&id.to_string(), &json!(GUID));
        for (field, value) in changes {
            body[field] = value;
        }
        body.to_string().into_bytes()
    });
    let cut = (changed, any::<(bool, u16, u8)>()).prop_map(|(mut body, (whole, at, byte))| {
        if !whole {
            let at = usize::from(at) % body.len();
            body[at] = byte;
        }
        body
    });
    prop_oneof![6 => cut, 1 => vec(any::<u8>(), 0..200), 1 => any_json().prop_map(|json| json.to_string().into_bytes())]
}

#[tokio::test]
async fn no_body_is_a_reason_to_fail() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let mut runner = TestRunner::default();
        let strategy = any_body();
        let mut taken = 0;
        for _ in 0..600 {
            let body = strategy.new_tree(&mut runner).unwrap().current();
            for path in ["/webhook/crm", "/webhook/finance", "/webhook/crm/older/identity"] {
                let (code, answer) = read(site.send(path, body.clone()).await).await;
                let shown = String::from_utf8_lossy(&body);
                assert!(matches!(code, 202 | 400), "{path} {code} {answer}: {shown}");
                taken += usize::from(code == 202 && answer["duplicate"] == json!(false));
            }
        }
        assert!(taken > 50, "{taken}");
        assert_eq!(site.rows().await.len(), taken);
        println!("{engine:?}: {taken} of 1,800 were accepted and are stored");
        site.end().await;
    }
}
