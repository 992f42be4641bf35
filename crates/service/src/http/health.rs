//! `/health`, `/health/ready`, `/metrics`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use chrono::SecondsFormat;
use domain::clock::Clock;
use serde::Serialize;

use super::readiness::{Check, Readiness};
use crate::metrics;

#[derive(Clone)]
struct Health {
    service: &'static str,
    clock: Arc<dyn Clock>,
    checks: Arc<[Arc<dyn Check>]>,
}

#[derive(Serialize)]
struct Body {
    status: &'static str,
    timestamp: String,
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Readiness>,
}

/// The routes that every process has; `service` is the name they answer with (`SiaghSync`), `checks` are the
/// parts without which the process is not ready.
pub fn router(service: &'static str, clock: Arc<dyn Clock>, checks: Vec<Arc<dyn Check>>) -> Router {
    let health = Health {
        service,
        clock,
        checks: checks.into(),
    };
    Router::new()
        .route("/health", get(alive))
        .route("/health/ready", get(ready))
        .route("/metrics", get(figures))
        .with_state(health)
}

impl Health {
    fn body(&self, status: &'static str, parts: Option<Readiness>) -> Body {
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        Body {
            status,
            timestamp,
            service: self.service,
            parts,
        }
    }
}

async fn alive(State(health): State<Health>) -> impl IntoResponse {
    Json(health.body("ok", None))
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let readiness = Readiness::look(&health.checks).await;
    let (code, status) = match readiness.all_up() {
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        true => (StatusCode::OK, "ok"),
    };
    (code, Json(health.body(status, Some(readiness))))
}

async fn figures() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics::render(),
    )
}
