//! What an outside system answered, and what that says of the system itself.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::breaker::LONGEST_ASKED;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

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

    /// Whether a web server refuses what was sent, with a page of its own, before the system saw it. `markup`: something in
    /// it can be the reason. A status in the 400s says that nothing was done; a 500 only where the page says why.
    pub(crate) fn refuses_markup(&self, markup: &str) -> bool {
        let says_why = || {
            let page = String::from_utf8_lossy(&self.body).to_lowercase();
            ["potentially dangerous", "request validation", "validaterequest"]
                .iter()
                .any(|words| page.contains(words))
        };
        !markup.is_empty()
            && self.is_page()
            && match self.status {
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => false,
                StatusCode::INTERNAL_SERVER_ERROR => says_why(),
                status => status.is_client_error() && status != StatusCode::UNAUTHORIZED,
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

/// `Retry-After` in either of its forms: seconds, or an HTTP date, which is by the clock that the answer states itself (else
/// by ours). At most an hour: it may be back long before.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_ASKED));
    }
    let now = headers.get(DATE).and_then(time).unwrap_or(now);
    let wait = (DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now).to_std();
    Some(wait.unwrap_or_default().min(LONGEST_ASKED))
}

/// An HTTP date.
pub(crate) fn time(value: &HeaderValue) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc2822(value.to_str().ok()?.trim()).ok()?;
    Some(at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn case_19_a_date_is_by_the_clock_of_whoever_says_it() {
        let ours = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let said = |text: &'static str| HeaderValue::from_static(text);
        let headers = HeaderMap::from_iter([
            (RETRY_AFTER, said("Thu, 01 Jan 2026 01:00:30 GMT")),
            (DATE, said("Thu, 01 Jan 2026 01:00:00 GMT")),
        ]);
        assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(30)));
    }

    #[test]
    fn case_29_a_page_about_what_was_sent_is_told_from_one_about_the_server() {
        let page = |status, body: &str| Answer {
            status,
            retry_after: None,
            held: None,
            body: body.as_bytes().to_vec(),
        };
        let dangerous = "<title>A potentially dangerous Request.Form value was detected</title>";
        for (status, body, refuses) in [
            (StatusCode::BAD_REQUEST, "<html>", true),
            (StatusCode::FORBIDDEN, "<html>", true),
            (StatusCode::NOT_FOUND, "<html>", true),
            (StatusCode::INTERNAL_SERVER_ERROR, dangerous, true),
            (StatusCode::INTERNAL_SERVER_ERROR, "<html>Runtime Error", false),
            (StatusCode::BAD_GATEWAY, dangerous, false),
            (StatusCode::TOO_MANY_REQUESTS, "<html>", false),
            (StatusCode::OK, "<html>", false),
            (StatusCode::BAD_REQUEST, "{}", false),
        ] {
            assert_eq!(
                page(status, body).refuses_markup("Description"),
                refuses,
                "{status} {body}"
            );
            assert!(
                !page(status, body).refuses_markup(""),
                "nothing in it can be the reason"
            );
        }
    }

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
