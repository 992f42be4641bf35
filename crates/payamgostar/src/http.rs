//! One HTTP exchange with the CRM: sent once, within its time, seen in the trace.
//!
//! It never repeats a request, never follows a redirect, and never logs a header or a body.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::PortResult;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::config::ConfigError;
use crate::failure;

/// Whether a lost answer may hide a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing changes over there.
    Read,
    /// Something may have changed once the request is out.
    Write,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path below the base address, with a leading slash; never holds data.
    pub(crate) path: &'a str,
    /// The JSON text, if any.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) intent: Intent,
}

/// What came back, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// The connection pool and the address.
pub(crate) struct Http {
    client: reqwest::Client,
    base: String,
    host: String,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// The one place where the HTTP client of this crate is built.
    pub(crate) fn new(
        base_url: &str,
        timeout: Duration,
        connect_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let url = Url::parse(base_url.trim()).map_err(|error| ConfigError::BaseUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConfigError::BaseUrl("only http and https are known".to_owned()));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(connect_timeout.min(timeout))
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("SiaghSync/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok(Self {
            client,
            base: url.as_str().trim_end_matches('/').to_owned(),
            host,
            timeout,
            clock,
        })
    }

    /// Sends the call and reads the whole answer.
    ///
    /// # Errors
    /// Only for answers that did not come: a status of failure is an answer.
    pub(crate) async fn exchange(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
    ) -> PortResult<Answer> {
        let span = self.span(call);
        async {
            let result = self.sent(call, authorization).await;
            if let Err(error) = &result {
                Span::current()
                    .record("otel.status_code", "ERROR")
                    .record("error", tracing::field::display(error));
            }
            result
        }
        .instrument(span)
        .await
    }

    async fn sent(&self, call: &Call<'_>, authorization: Option<&HeaderValue>) -> PortResult<Answer> {
        let mut request = self
            .client
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .timeout(self.timeout);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some(body) = call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        let response = request
            .send()
            .await
            .map_err(|error| failure::no_answer(call, error))?;
        let span = Span::current();
        span.record("http.response.status_code", response.status().as_u16());
        if response.status().is_client_error() || response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        self.answer(call, response).await
    }

    async fn answer(&self, call: &Call<'_>, response: Response) -> PortResult<Answer> {
        let status = response.status();
        let retry_after = retry_after(response.headers(), self.clock.now());
        let body = response
            .bytes()
            .await
            .map_err(|error| failure::no_answer(call, error))?;
        Ok(Answer {
            status,
            retry_after,
            body: body.into(),
        })
    }

    fn span(&self, call: &Call<'_>) -> Span {
        tracing::info_span!(
            "http.client",
            otel.name = %format_args!("{} {}", call.method, call.path),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = %call.method,
            url.path = call.path,
            server.address = self.host.as_str(),
            http.response.status_code = Empty,
            error = Empty,
        )
    }
}

/// `Retry-After` in either of its forms: seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

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
    }
}
