//! What every process answers over HTTP: health, readiness, metrics; and how it serves, with an end that
//! nobody can hold up. It shows no business data, no secret and no address.

mod health;
mod readiness;
mod serve;

pub use health::router;
pub use readiness::Check;
pub use serve::{DRAIN, serve};
