//! The HTTP face of finance.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{answer, contact_form, document_form, form, form::Form, system::Finance};
use crate::json::{holds_markup, refuses_markup, with_raw_texts};

const SAVE: &str = "/BpmsApi/SaveFormData";
const GET_ALL: &str = "/api/Sgh/GEN/Gn_Web_Users/GetAll";

/// `POST /BpmsApi/SaveFormData#2BFDA/create`; other endpoints by method and path.
pub(crate) fn label(parts: &Parts, body: &Bytes) -> String {
    let path = parts.uri.path();
    let form = if path == SAVE { form::label(body) } else { None };
    match form {
        Some(form) => format!("{} {path}#{form}", parts.method),
        None => format!("{} {path}", parts.method),
    }
}

pub(crate) fn internal_error() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "An error has occurred.")
}

/// All paths end in one handler: this system's routing is by path and strict by itself.
pub(crate) fn router(finance: Arc<Finance>) -> Router {
    Router::new().fallback(handle).with_state(finance)
}

async fn handle(
    State(finance): State<Arc<Finance>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    if path == "/GeneralApi/LoginUser" {
        return login(&finance, &method, &body);
    }
    let config = finance.config();
    let now = finance.clock.now();
    let known = finance.sessions().check(&headers, &config, now);
    if !known {
        finance.stats.event("unauthorized");
        return message(
            StatusCode::UNAUTHORIZED,
            "Authorization has been denied for this request.",
        );
    }
    match path {
        GET_ALL if method == Method::GET => read(&finance, None),
        GET_ALL if method == Method::POST => read(&finance, Some(&body)),
        SAVE if method == Method::POST => save(&finance, &headers, &body),
        GET_ALL | SAVE => wrong_method(&method),
        _ => message(
            StatusCode::NOT_FOUND,
            "No HTTP resource was found that matches the request URI.",
        ),
    }
}

fn login(finance: &Finance, method: &Method, body: &[u8]) -> Response {
    if method != Method::POST {
        return wrong_method(method);
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return message(StatusCode::BAD_REQUEST, "The request is invalid.");
    };
    let answer = finance
        .sessions()
        .login(&body, &finance.config(), finance.clock.now());
    match answer {
        Some(answer) => {
            finance.stats.event("login_ok");
            json_response(StatusCode::OK, answer.to_string())
        }
        None => {
            finance.stats.event("login_failed");
            message(StatusCode::UNAUTHORIZED, "Invalid username or password")
        }
    }
}

fn read(finance: &Finance, body: Option<&[u8]>) -> Response {
    let config = finance.config();
    let filter = match body {
        None | Some([]) => Value::Null,
        Some(body) => match serde_json::from_slice::<Value>(body) {
            Ok(filter @ Value::Object(_)) => filter,
            _ => return message(StatusCode::BAD_REQUEST, "The request is invalid."),
        },
    };
    let filter = filter
        .as_object()
        .filter(|filter| !filter.is_empty() && !config.ignore_filters);
    let answer = match filter {
        None => finance.store().read_all(&config),
        Some(filter) => {
            let rows = finance.store().read(filter, &config);
            Bytes::from(Value::Array(rows).to_string())
        }
    };
    if config.raw_texts.is_empty() {
        return json_response(StatusCode::OK, answer);
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    json_response(StatusCode::OK, with_raw_texts(text, &config.raw_texts))
}

fn save(finance: &Finance, headers: &HeaderMap, body: &[u8]) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json")) {
        return message(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The request entity's media type is not supported for this resource.",
        );
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return message(StatusCode::BAD_REQUEST, "The request is invalid.");
    };
    let config = finance.config();
    if config.refuses_markup_with > 0 && holds_markup(&body) {
        finance.stats.event("refused_by_server");
        return refuses_markup(config.refuses_markup_with);
    }
    let answer = match Form::parse(&body) {
        Ok(form) => match form.id.as_str() {
            "2BFDA" => contact_form::save(finance, &form, &config),
            "43D81" => document_form::save(finance, &form, &config),
            other => answer::refused(&format!("RUNTIME ERROR: form '{other}' not found."), &config),
        },
        Err(reason) => answer::refused(&reason, &config),
    };
    if answer.pointer("/Errors/0/ErrorCode") == Some(&json!(-1)) {
        finance.stats.event("refused");
    }
    json_response(StatusCode::OK, answer.to_string())
}

fn wrong_method(method: &Method) -> Response {
    let text = format!("The requested resource does not support http method '{method}'.");
    message(StatusCode::METHOD_NOT_ALLOWED, &text)
}

fn message(status: StatusCode, text: &str) -> Response {
    json_response(status, json!({"Message": text}).to_string())
}

fn json_response(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body.into()).into_response()
}
