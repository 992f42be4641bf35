//! A running simulator and a client that speaks to it as a connector would.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use simulator::{Simulator, SimulatorConfig};

pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) client: reqwest::Client,
    session: String,
}

pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

pub(crate) async fn world_with(change: impl FnOnce(&mut SimulatorConfig)) -> World {
    let mut config = SimulatorConfig::default();
    change(&mut config);
    let sim = Simulator::start(config).await.unwrap();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .unwrap();
    let mut world = World {
        sim,
        client,
        session: String::new(),
    };
    world.login_finance().await;
    world.sim.reset_stats();
    world
}

pub(crate) const API_TOKEN: &str = "Bearer simulator-api-token";

impl World {
    pub(crate) fn crm_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sim.crm_url());
        self.client
            .request(method, url)
            .header("authorization", API_TOKEN)
    }

    /// The answer to a `POST` with the ready token.
    pub(crate) async fn crm(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.crm_request(Method::POST, &format!("/api/v2/{path}"));
        answer(request.json(&body)).await
    }

    pub(crate) async fn crm_ok(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.crm(path, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn create_person(&self, object: Value) -> String {
        let answer = self.crm_ok("crmobject/person/create", object).await;
        answer["crmId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn person(&self, id: &str) -> Value {
        self.crm_ok("crmobject/person/get", json!({"id": id})).await
    }

    pub(crate) fn finance_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sim.finance_url());
        self.client
            .request(method, url)
            .header("authorization", &self.session)
    }

    pub(crate) async fn login_finance(&mut self) {
        let hash = md5_upper("finance-password");
        let body = json!({"UserName": "مدیر سیستم", "Password": hash});
        let url = format!("{}/GeneralApi/LoginUser", self.sim.finance_url());
        let (status, answer) = answer(self.client.post(url).json(&body)).await;
        assert_eq!(status, 200);
        self.session = answer["SessionId"].as_str().unwrap().to_owned();
    }

    pub(crate) async fn read_contacts(&self, filter: Value) -> Vec<Value> {
        let request = self.finance_request(Method::POST, "/api/Sgh/GEN/Gn_Web_Users/GetAll");
        let (status, rows) = answer(request.json(&filter)).await;
        assert_eq!(status, 200);
        rows.as_array().unwrap().clone()
    }

    pub(crate) async fn save_form(&self, body: &Value) -> Value {
        let request = self.finance_request(Method::POST, "/BpmsApi/SaveFormData");
        let (status, answer) = answer(request.json(body)).await;
        assert_eq!(status, 200);
        answer
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}/sim{path}", self.sim.control_url());
        let request = self.client.request(method, url);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        answer(request).await
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) fn md5_upper(text: &str) -> String {
    use md5::Digest;
    hex::encode_upper(md5::Md5::digest(text.as_bytes()))
}

/// A contact form with these values; an update when a code is given.
pub(crate) fn contact_form(code: Option<i64>, values: &[(&str, &str)]) -> Value {
    let mut controls = Vec::new();
    if let Some(code) = code {
        controls.push(format!("Param1={code}"));
    }
    controls.push("NickName=dbgrid1.#nickname#".to_owned());
    for control in [
        "isactive",
        "gender",
        "websiteaddress",
        "pocode",
        "codeostan",
        "address",
        "codeshahr",
        "countrycode",
        "email",
        "fullname",
        "mobileno",
        "telno",
        "passno",
        "tmpid",
        "tozihat",
        "taraftype",
    ] {
        let value = values.iter().find(|(name, _)| *name == control);
        let value = value.map_or("", |(_, value)| value);
        controls.push(format!("gn_web_users.{control}={value}"));
    }
    let code = code.map(|code| code.to_string()).unwrap_or_default();
    json!({
        "formId": "2BFDA", "ctrlValues": controls.join("|"), "parameters": format!("CodeMain={code}"),
        "dataRows": "[]", "attachments": "[]", "postCode": "1110", "flowId": "",
    })
}

pub(crate) fn code_of(answer: &Value) -> i64 {
    assert_eq!(answer["ReturnValue"], true, "{answer}");
    answer["ReturnCode"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn refusal_of(answer: &Value) -> &str {
    assert_eq!(answer["ReturnValue"], false, "{answer}");
    assert_eq!(answer["Errors"][0]["ErrorCode"], -1);
    assert_eq!(answer["Errors"][0]["ErrorType"], "ErrError");
    answer["Errors"][0]["Description"].as_str().unwrap()
}
