//! The control server: a user's and an administrator's hands over HTTP, under `/sim`.

use axum::Router;

use crate::simulator::Handles;

pub(crate) fn router(handles: Handles) -> Router {
    Router::new().with_state(handles)
}
