//! What an outside system answered, and what that says of the system itself.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// The system is known to be down, of which this answer is a sign: no use asking before.
    pub held: Option<Duration>,
    /// Empty when it went into a sink.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is a web page: of something that stands before the system, which answers JSON.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }
    /// Whether it comes from a system that does not do its work: overload, a fault of its own, or a web page of
    /// something that stands before it. A refusal is none of these: it lives.
    pub(crate) fn is_down(&self) -> bool {
        let status = self.status;
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => self.is_page(),
            _ => {
                status.is_server_error() || status.is_redirection() || (status.is_success() && self.is_page())
            }
        }
    }

    /// Whether no record can be the cause of it.
    pub(crate) fn is_surely_down(&self) -> bool {
        matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        )
    }
}

/// `Retry-After` in either of its forms: seconds, or an HTTP date. At most an hour: it may be back long before.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(3600);
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    let wait = (at.with_timezone(&Utc) - now).to_std().unwrap_or_default();
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let wait = |text: &str| {
            retry_after(
                &HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]),
                now,
            )
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Thu, 01 Jan 2026 00:01:30 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(wait("Wed, 31 Dec 2025 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        for far in ["18446744073709551615", "Fri, 01 Jan 2100 00:00:00 GMT"] {
            assert_eq!(wait(far), Some(Duration::from_secs(3600)), "{far}");
        }
    }
}
