//! The HTTP face of the CRM. A token is looked at before anything else, so that a stranger learns
//! nothing; then the method, the content type, the body.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    config::{CrmConfig, UnknownId},
    find::Find,
    kind::Kind,
    prepare,
    shape::{self, ApiError, json_response},
    system::Crm,
    webhooks::RegisteredHook,
};
use crate::{
    json::{Object, capital_key, holds_markup, refuses_markup, text},
    stats::Author,
};

const OBJECTS: &str = "/api/v2/crmobject/";

/// `POST /api/v2/crmobject/person/update`.
pub(crate) fn label(parts: &Parts, _body: &Bytes) -> String {
    format!("{} {}", parts.method, parts.uri.path())
}

pub(crate) fn internal_error() -> Response {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "An error has occurred.").response(false)
}

/// All paths end in one handler: this system's routing is by path and strict by itself.
pub(crate) fn router(crm: Arc<Crm>) -> Router {
    Router::new().fallback(handle).with_state(crm)
}

type Answer = Result<Response, ApiError>;

async fn handle(
    State(crm): State<Arc<Crm>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let config = crm.config();
    let call = Call {
        crm: &crm,
        config: &config,
        method: &method,
        headers: &headers,
        body: &body,
    };
    call.route(uri.path())
        .unwrap_or_else(|error| error.response(config.pascal_case))
}

struct Call<'a> {
    crm: &'a Crm,
    config: &'a CrmConfig,
    method: &'a Method,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl Call<'_> {
    fn route(&self, path: &str) -> Answer {
        match path {
            "/api/v2/auth/login" => return self.login(),
            "/api/v2/auth/token/refresh" => return self.refresh(),
            _ => {}
        }
        let now = self.crm.clock.now();
        self.crm.auth().check(self.headers, self.config, now)?;
        if path == "/api/webhooks" {
            return self.webhooks();
        }
        let Some(rest) = path.strip_prefix(OBJECTS) else {
            return Ok(not_a_page());
        };
        if rest == "identity/search" {
            self.only_post()?;
            return self.identity_search();
        }
        let found = Kind::ALL.into_iter().find_map(|kind| {
            let verb = rest.strip_prefix(kind.path())?.strip_prefix('/')?;
            Some((kind, verb))
        });
        let Some((kind, verb)) = found else {
            return Ok(not_a_page());
        };
        self.only_post()?;
        if self.is_refused_by_the_server(verb) {
            return Ok(refuses_markup(self.config.refuses_markup_with));
        }
        match verb {
            "create" => self.create(kind),
            "get" => self.get(kind),
            "update" => self.update(kind),
            "delete" => self.delete(kind),
            "find" => self.find(kind),
            "make-approved" | "make-numbered" | "make-pending" | "make-rejected" if kind == Kind::Invoice => {
                self.make(kind, verb)
            }
            _ => Ok(not_a_page()),
        }
    }

    /// The web server in front of the CRM looks into what is saved.
    fn is_refused_by_the_server(&self, verb: &str) -> bool {
        self.config.refuses_markup_with > 0
            && ["create", "update"].contains(&verb)
            && serde_json::from_slice(self.body).is_ok_and(|body| holds_markup(&body))
    }

    fn login(&self) -> Answer {
        self.only_post()?;
        let body = self.json()?;
        let now = self.crm.clock.now();
        let (event, answer) = self.crm.auth().login(&body, self.config, now);
        self.crm.stats.event(event);
        Ok(self.ok(answer?))
    }

    fn refresh(&self) -> Answer {
        if !self.config.refresh_enabled {
            return Ok(not_a_page());
        }
        self.only_post()?;
        let body = self.json()?;
        let now = self.crm.clock.now();
        let answer = self.crm.auth().refresh(&body, self.config, now)?;
        self.crm.stats.event("token_refreshed");
        Ok(self.ok(answer))
    }

    fn identity_search(&self) -> Answer {
        let body = self.json()?;
        let page = body.get("pageNumber").and_then(Value::as_u64);
        let page = page.ok_or_else(|| ApiError::field("pageNumber", "The field pageNumber is required."))?;
        let size = body
            .get("pageSize")
            .and_then(Value::as_u64)
            .filter(|size| *size > 0);
        let size = size.ok_or_else(|| ApiError::field("pageSize", "The field pageSize is required."))?;
        let size = size.min(self.config.max_page_size);
        let term = body.get("searchTerm").and_then(Value::as_str).unwrap_or_default();
        let term = term.trim().to_lowercase();
        let skip = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
        let store = self.crm.store();
        let rows: Vec<Value> = store
            .with_term(&term)
            .filter(|record| record.kind.is_identity())
            .filter(|record| term.is_empty() || self.has_term(&record.object, &term))
            .skip(skip)
            .take(usize::try_from(size).unwrap_or(usize::MAX))
            .map(shape::identity)
            .collect();
        drop(store);
        Ok(self.answer("search", Value::Array(rows)))
    }

    fn has_term(&self, object: &Object, term: &str) -> bool {
        let contains = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| text.to_lowercase().contains(term))
        };
        self.config
            .search_fields
            .iter()
            .any(|field| match object.get(field) {
                Some(Value::Array(contacts)) => {
                    let mut numbers = contacts.iter().filter_map(|contact| contact.get("phoneNumber"));
                    numbers.any(contains)
                }
                Some(value) => contains(value),
                None => false,
            })
    }

    fn create(&self, kind: Kind) -> Answer {
        let object = self.object()?;
        if object.get("crmId").is_some_and(|id| !id.is_null() && id != "") {
            return Err(ApiError::field("crmId", "A new object must not have a crmId."));
        }
        let named = ["nickName", "firstName", "lastName"]
            .iter()
            .any(|name| !text(&object, name).trim().is_empty());
        if kind.is_identity() && !named {
            return Err(ApiError::field("nickName", "The nickName field is required."));
        }
        let record = self.crm.create(kind, object, Author::Api);
        Ok(self.answer("create", json!({"crmId": record.id.to_string()})))
    }

    fn get(&self, kind: Kind) -> Answer {
        let id = self.id(&self.json()?, "id")?;
        let record = self
            .crm
            .store()
            .get(id)
            .filter(|record| record.kind == kind)
            .cloned();
        match record {
            Some(record) => Ok(self.answer("get", shape::object(&record, self.config))),
            None => self.unknown(),
        }
    }

    fn update(&self, kind: Kind) -> Answer {
        let object = self.object()?;
        let id = self.id(&Value::Object(object.clone()), "crmId")?;
        if !self.exists(kind, id) {
            return self.unknown();
        }
        match self.crm.replace(id, object, Author::Api) {
            Some(record) => Ok(self.answer("update", json!({"crmId": record.id.to_string()}))),
            None => self.unknown(),
        }
    }

    fn delete(&self, kind: Kind) -> Answer {
        let body = self.json()?;
        let id = self.id(&body, "id")?;
        if body.get("option").and_then(Value::as_i64).is_none() {
            return Err(ApiError::field("option", "The option field is required."));
        }
        if !self.exists(kind, id) {
            return self.unknown();
        }
        match self.crm.delete(id, Author::Api) {
            Some(record) => Ok(self.ok(json!({"crmId": record.id.to_string()}))),
            None => self.unknown(),
        }
    }

    fn find(&self, kind: Kind) -> Answer {
        let find = Find::parse(&self.json()?, self.config)?;
        let (page, total) = find.run(&self.crm.store(), kind, self.config)?;
        let data: Vec<Value> = page
            .iter()
            .map(|record| shape::object(record, self.config))
            .collect();
        Ok(self.answer("find", json!({"data": data, "total": total})))
    }

    fn make(&self, kind: Kind, verb: &str) -> Answer {
        let id = self.id(&self.json()?, "id")?;
        if !self.exists(kind, id) {
            return self.unknown();
        }
        let state = verb.trim_start_matches("make-");
        self.crm.modify(id, Author::Api, |object| {
            object.insert("billableObjectState".into(), state.into());
        });
        Ok(self.ok(json!({"crmId": id.to_string()})))
    }

    fn webhooks(&self) -> Answer {
        if !self.config.webhooks.api_enabled {
            return Ok(not_a_page());
        }
        if self.method == Method::GET {
            let list = json!(self.crm.registered().clone());
            return Ok(self.ok(list));
        }
        self.only_post()?;
        let body = self.json()?;
        let url = body.get("url").and_then(Value::as_str).unwrap_or_default();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(ApiError::field("url", "The url field is not a valid URL."));
        }
        let Some(events) = body.get("events").and_then(Value::as_array) else {
            return Err(ApiError::field("events", "The events field is required."));
        };
        let hook = RegisteredHook {
            id: self.crm.store().new_id().to_string(),
            url: url.to_owned(),
            events: events
                .iter()
                .filter_map(|event| Some(event.as_str()?.to_owned()))
                .collect(),
            is_active: true,
        };
        // Registering twice gives two deliveries, as a real one would.
        self.crm.registered().push(hook.clone());
        Ok(self.ok(json!(hook)))
    }

    fn only_post(&self) -> Result<(), ApiError> {
        if self.method == Method::POST {
            return Ok(());
        }
        let message = format!(
            "The requested resource does not support http method '{}'.",
            self.method
        );
        Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message))
    }

    fn json(&self) -> Result<Value, ApiError> {
        let kind = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/json")
        }) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The content type application/json is expected.",
            ));
        }
        let body: Value = serde_json::from_slice(self.body)
            .map_err(|error| ApiError::bad(format!("Invalid JSON: {error}")))?;
        if !body.is_object() {
            return Err(ApiError::bad("A JSON object is expected."));
        }
        if !self.config.accept_pascal_requests
            && let Some(key) = capital_key(&body)
        {
            return Err(ApiError::field(
                &key,
                format!("The property '{key}' is not known."),
            ));
        }
        Ok(body)
    }

    fn object(&self) -> Result<Object, ApiError> {
        let mut body = self.json()?;
        if self.config.accept_pascal_requests {
            body = crate::json::camel_case(body);
        }
        let mut object = body.as_object().cloned().unwrap_or_default();
        prepare::check_types(&object)
            .map_err(|field| ApiError::field(field, format!("The value of '{field}' is not valid.")))?;
        for extra in prepare::EXTRAS {
            object.remove(*extra);
        }
        Ok(object)
    }

    fn id(&self, body: &Value, field: &str) -> Result<Uuid, ApiError> {
        let id = body.get(field).or_else(|| body.get(crate::json::pascal(field)));
        let id = id.and_then(Value::as_str).unwrap_or_default();
        Uuid::parse_str(id)
            .map_err(|_| ApiError::field(field, format!("The field {field} is not a valid id.")))
    }

    fn exists(&self, kind: Kind, id: Uuid) -> bool {
        self.crm.store().get(id).is_some_and(|record| record.kind == kind)
    }

    fn unknown(&self) -> Answer {
        const MESSAGE: &str = "The object was not found.";
        match self.config.unknown_id {
            UnknownId::NotFound => Err(ApiError::new(StatusCode::NOT_FOUND, MESSAGE)),
            UnknownId::BadRequest => Err(ApiError::bad(MESSAGE)),
            UnknownId::EmptyOk => Ok(StatusCode::OK.into_response()),
        }
    }

    fn answer(&self, verb: &str, body: Value) -> Response {
        shape::answer(verb, body, self.config)
    }

    fn ok(&self, body: Value) -> Response {
        json_response(StatusCode::OK, body, self.config.pascal_case)
    }
}

/// What a web server says of an address that it does not know.
fn not_a_page() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let page = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head></html>";
    (StatusCode::NOT_FOUND, kind, page).into_response()
}
