//! The control server: the hands of both systems' users and administrators, over HTTP under `/sim`.
//! It only calls what the Rust handles offer.

mod answer;
mod crm;
mod finance;
mod machine;

use axum::{
    Json, Router,
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

use crate::handles::Handles;

pub(crate) fn router(handles: Handles) -> Router {
    Router::new()
        .route("/sim", get(index))
        .route("/sim/crm", get(crm::list))
        .route(
            "/sim/crm/{key}",
            get(crm::get)
                .post(crm::create)
                .patch(crm::edit)
                .delete(crm::delete),
        )
        .route("/sim/crm/{id}/announce", post(crm::announce))
        .route("/sim/crm/{id}/restore", post(crm::restore))
        .route("/sim/crm/{id}/dates", put(crm::dates))
        .route("/sim/webhooks", get(crm::webhooks))
        .route("/sim/finance/contacts", get(finance::list).post(finance::create))
        .route(
            "/sim/finance/contacts/{code}",
            get(finance::get).patch(finance::edit).delete(finance::delete),
        )
        .route("/sim/finance/documents", get(finance::documents))
        .route(
            "/sim/faults",
            get(machine::faults)
                .put(machine::replace_faults)
                .post(machine::add_fault)
                .delete(machine::clear_faults),
        )
        .route("/sim/faults/{id}", delete(machine::remove_fault))
        .route(
            "/sim/outage/{system}",
            put(machine::outage).delete(machine::lift_outage),
        )
        .route("/sim/stats", get(machine::stats).delete(machine::reset_stats))
        .route("/sim/saves", get(machine::saves))
        .route("/sim/requests", get(machine::requests))
        .route("/sim/config", get(machine::config).put(machine::set_config))
        .route("/sim/clock", get(machine::clock).put(machine::set_clock))
        .route("/sim/actions/{name}", post(machine::action))
        .route("/sim/sample", post(machine::sample))
        .with_state(handles)
}

async fn index() -> Json<Value> {
    Json(json!({"service": "siagh-simulator", "status": "ok", "help": "see the crate's README"}))
}
