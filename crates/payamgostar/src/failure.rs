//! What the CRM's failures are called, and which statuses have a meaning of its own ([`outside`] has the others).

use domain::ports::{PortError, Side};
use outside::{Answer, Call, System};
use reqwest::StatusCode;

use crate::wire;

/// The CRM, as messages speak of it.
pub(crate) const CRM: System = System {
    side: Side::Crm,
    name: "the CRM",
    address: "CRM_API_BASE_URL",
    late: |call, cause| {
        format!(
            "the CRM did not answer in time (HTTP_TIMEOUT_SECONDS) ({} {}): {cause}",
            call.method, call.path
        )
    },
};

/// A status other than success.
pub(crate) fn status(call: &Call<'_>, answer: &Answer) -> PortError {
    let head = CRM.answered(call, answer.status);
    let words = wire::words_of(&answer.body);
    if !call.markup.is_empty() && answer.is_page() {
        return CRM.status(call, answer, words);
    }
    match answer.status {
        StatusCode::UNAUTHORIZED => PortError::Session(format!(
            "{head}: it does not accept the session; check the API user's rights"
        )),
        StatusCode::PAYMENT_REQUIRED => PortError::Session(format!(
            "{head}: its API module is not licensed; ask the CRM's vendor"
        )),
        // In its own words it is about this record; a proxy's is not.
        StatusCode::FORBIDDEN if words.is_none() => PortError::Session(format!(
            "{head}: the API user may not do this; give it the right in the CRM"
        )),
        _ => CRM.status(call, answer, words),
    }
}
