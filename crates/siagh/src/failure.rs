//! What finance's failures are called, and which statuses have a meaning of its own ([`outside`] has the others).

use domain::ports::{PortError, Side};
use outside::{Answer, Call, System};
use reqwest::StatusCode;

use crate::wire;

/// Finance, as messages speak of it.
pub(crate) const FINANCE: System = System {
    side: Side::Finance,
    name: "finance",
    address: "FINANCE_API_BASE_URL",
    late: |call, _| {
        format!(
            "finance did not answer {} {} in time (HTTP_TIMEOUT_SECONDS)",
            call.method, call.path
        )
    },
};

/// A status other than success.
pub(crate) fn status(call: &Call<'_>, answer: &Answer) -> PortError {
    let head = FINANCE.answered(call, answer.status);
    let words = wire::words_of(&answer.body);
    if !call.markup.is_empty() && answer.is_page() {
        return FINANCE.status(call, answer, words);
    }
    match answer.status {
        StatusCode::UNAUTHORIZED => PortError::Session(format!(
            "{head} right after a login: check the rights of FINANCE_USERNAME, and that no one else logs in with it"
        )),
        // In its own words it is about this record; a proxy's is not.
        StatusCode::FORBIDDEN if words.is_some() => FINANCE.status(call, answer, words),
        StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => PortError::Session(format!(
            "{head}: FINANCE_USERNAME may not do this; give it the right in Siagh"
        )),
        _ => FINANCE.status(call, answer, words),
    }
}
