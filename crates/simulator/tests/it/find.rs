//! `find`: conditions, orders, pages.

use serde_json::{Value, json};
use simulator::Kind;

use crate::support::{World, world};

async fn find(world: &World, queries: Value, orders: Value, page: u64, size: u64) -> (Vec<String>, u64) {
    let body = json!({"typeKey": "person", "queries": queries, "orders": orders,
        "pageNumber": page, "pageSize": size});
    let answer = world.crm_ok("crmobject/person/find", body).await;
    let names = answer["data"].as_array().unwrap().iter();
    let names = names.map(|object| object["nickName"].as_str().unwrap().to_owned());
    (names.collect(), answer["total"].as_u64().unwrap())
}

fn query(field: &str, operator: u8, value: Value) -> Value {
    json!({"logicalOperator": 0, "field": field, "operator": operator, "value": value})
}

async fn three() -> (World, Vec<String>) {
    let world = world().await;
    let mut ids = Vec::new();
    for (name, email, day) in [("b", "b@x.ir", 1), ("a", "a@x.ir", 2), ("c", "C@y.ir", 3)] {
        let object = json!({"nickName": name, "email": email, "refId": format!("7{day}")});
        let id = world.sim.crm().seed(Kind::Person, object).unwrap();
        let date = format!("2025-12-0{day}T10:00:00.500").parse().unwrap();
        world.sim.crm().set_dates(&id, None, Some(date)).unwrap();
        ids.push(id);
    }
    (world, ids)
}

#[tokio::test]
async fn pages_by_modify_date() {
    let (world, _) = three().await;
    let order = json!([{"field": "ModifyDate", "order": 0}]);
    let since = |operator: u8, value: &str| json!([query("ModifyDate", operator, json!(value))]);
    let at = "2025-12-02T10:00:00.5";
    let run =
        async |queries: Value, page: u64, size: u64| find(&world, queries, order.clone(), page, size).await;
    assert_eq!(run(json!([]), 1, 2).await, (vec!["b".into(), "a".into()], 3));
    assert_eq!(run(json!([]), 2, 2).await, (vec!["c".into()], 3));
    assert_eq!(run(json!([]), 3, 2).await, (vec![], 3));
    assert_eq!(run(since(2, at), 1, 9).await.1, 2);
    assert_eq!(run(since(1, at), 1, 9).await.0, ["c"]);
    assert_eq!(run(since(0, at), 1, 9).await.0, ["a"]);
    assert_eq!(run(since(4, at), 1, 9).await.0, ["b"]);
    assert_eq!(run(since(5, at), 1, 9).await.1, 2);
    let range = json!([
        query("ModifyDate", 1, json!("2025-12-01T10:00:00.500")),
        query("ModifyDate", 4, json!("2025-12-03"))
    ]);
    assert_eq!(run(range, 1, 9).await.0, ["a"]);
    let descending = json!([{"field": "ModifyDate", "order": 1}]);
    assert_eq!(
        find(&world, json!([]), descending, 1, 1).await,
        (vec!["c".into()], 3)
    );
    let by_name = json!([{"field": "NickName", "order": 0}]);
    assert_eq!(find(&world, json!([]), by_name, 1, 9).await.0, ["a", "b", "c"]);
}

#[tokio::test]
async fn operators() {
    let (world, ids) = three().await;
    let names = async |queries: Value| find(&world, queries, json!([]), 1, 9).await.0;
    assert_eq!(names(json!([query("Email", 0, json!("c@Y.ir"))])).await, ["c"]);
    assert_eq!(names(json!([query("RefId", 0, json!("72"))])).await, ["a"]);
    assert_eq!(
        names(json!([query("RefId", 3, json!("72,73"))])).await,
        ["a", "c"]
    );
    assert_eq!(
        names(json!([query("RefId", 7, json!(["72", "73"]))])).await,
        ["b"]
    );
    assert_eq!(names(json!([query("RefId", 6, json!("72"))])).await, ["b", "c"]);
    assert_eq!(names(json!([query("Email", 11, json!("a@"))])).await, ["a"]);
    assert_eq!(names(json!([query("Email", 12, json!("x.i"))])).await, ["b", "a"]);
    assert_eq!(names(json!([query("Email", 13, json!("y.ir"))])).await, ["c"]);
    assert_eq!(names(json!([query("NationalCode", 0, json!(""))])).await.len(), 3);
    let or = json!([
        query("Email", 0, json!("a@x.ir")),
        {"logicalOperator": 1, "field": "RefId", "operator": 0, "value": "73"},
    ]);
    assert_eq!(names(or).await, ["a", "c"]);
    let alternatives = |last: Value| {
        let or = |field: &str, value: &str| json!({"logicalOperator": 1, "field": field, "operator": 0, "value": value});
        json!([or("Email", "a@x.ir"), or("RefId", "72"), last])
    };
    let same = json!({"logicalOperator": 1, "field": "RefId", "operator": 0, "value": "71"});
    assert_eq!(
        names(alternatives(same)).await,
        ["b", "a"],
        "one that two of them find stands there once"
    );
    let begins = json!({"logicalOperator": 1, "field": "Email", "operator": 11, "value": "c@"});
    assert_eq!(
        names(alternatives(begins)).await,
        ["a", "c"],
        "one that no index answers"
    );
    // The index follows edits.
    world
        .sim
        .crm()
        .edit(&ids[0], json!({"email": "new@x.ir"}))
        .unwrap();
    assert_eq!(names(json!([query("Email", 0, json!("new@x.ir"))])).await, ["b"]);
    assert!(
        names(json!([query("Email", 0, json!("b@x.ir"))]))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_find_may_not_say() {
    let (world, _) = three().await;
    let good = json!({"typeKey": "person", "queries": [], "orders": [], "pageNumber": 1, "pageSize": 10});
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        world.crm("crmobject/person/find", body).await.0.as_u16()
    };
    assert_eq!(refused(&|_| {}).await, 200);
    assert_eq!(refused(&|body| body["pageNumber"] = json!(0)).await, 400);
    assert_eq!(refused(&|body| body["typeKey"] = json!("PI_5")).await, 400);
    assert_eq!(refused(&|body| body["typeKey"] = Value::Null).await, 400);
    let date = |text: &str| json!([query("ModifyDate", 2, json!(text))]);
    assert_eq!(
        refused(&|body| body["queries"] = date("2025-12-21T14:00:00Z")).await,
        400
    );
    assert_eq!(
        refused(&|body| body["queries"] = json!([query("modifyDate", 2, json!("2025-12-21"))])).await,
        400
    );
    assert_eq!(
        refused(&|body| body["queries"] = json!([query("Email", 9, json!("x"))])).await,
        400
    );
    world.sim.crm().configure(|config| config.max_page_size = 2);
    assert_eq!(find(&world, json!([]), json!([]), 1, 100).await.0.len(), 2);
}
