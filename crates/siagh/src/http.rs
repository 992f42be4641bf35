//! One HTTP exchange with finance: sent once, within its time, seen in the trace.
//!
//! It never repeats a request, never follows a redirect, and never logs a header or a body.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::PortResult;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::config::{Config, ConfigError};
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
    /// Path below the base address, with a leading slash; never holds data.
    pub(crate) path: &'static str,
    /// The JSON text.
    pub(crate) body: &'a [u8],
    pub(crate) intent: Intent,
}

/// What came back, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// Empty when it went into a sink.
    pub(crate) body: Vec<u8>,
}

/// Takes the body of a success piece by piece, so that it need not be held in memory; says why it is unreadable.
pub(crate) type Sink<'a> = &'a mut (dyn FnMut(&[u8]) -> Result<(), String> + Send);

/// The connection pool and the address.
pub(crate) struct Http {
    client: reqwest::Client,
    base: String,
    host: String,
    timeout: Duration,
    full_read_timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// The one place where the HTTP client of this crate is built.
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let url =
            Url::parse(config.base_url.trim()).map_err(|error| ConfigError::BaseUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConfigError::BaseUrl("only http and https are known".to_owned()));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout.min(config.timeout))
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("SiaghSync/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            host: url.host_str().unwrap_or_default().to_owned(),
            base: url.as_str().trim_end_matches('/').to_owned(),
            timeout: config.timeout,
            full_read_timeout: config.full_read_timeout.max(config.timeout),
            clock,
        })
    }

    /// Sends the call and reads the whole answer; the body of a success goes into the sink, if there is one.
    ///
    /// # Errors
    /// Only for answers that did not come (or that the sink can't read): a status of failure is an answer.
    pub(crate) async fn exchange(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
        sink: Option<Sink<'_>>,
    ) -> PortResult<Answer> {
        let span = tracing::info_span!(
            "http.client",
            otel.name = %format_args!("POST {}", call.path),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = "POST",
            url.path = call.path,
            server.address = self.host.as_str(),
            http.response.status_code = Empty,
            error = Empty,
        );
        async {
            let result = self.sent(call, authorization, sink).await;
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

    async fn sent(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
        sink: Option<Sink<'_>>,
    ) -> PortResult<Answer> {
        let whole = if sink.is_some() {
            self.full_read_timeout
        } else {
            self.timeout
        };
        let mut request = self
            .client
            .request(Method::POST, format!("{}{}", self.base, call.path))
            .timeout(whole)
            .header(CONTENT_TYPE, "application/json")
            .body(call.body.to_vec());
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let response = self.in_time(call, request.send()).await?;
        let span = Span::current();
        span.record("http.response.status_code", response.status().as_u16());
        if response.status().is_client_error() || response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        self.answer(call, response, sink).await
    }

    async fn answer(
        &self,
        call: &Call<'_>,
        mut response: Response,
        sink: Option<Sink<'_>>,
    ) -> PortResult<Answer> {
        let status = response.status();
        let retry_after = retry_after(response.headers(), self.clock.now());
        let mut body = Vec::new();
        let mut sink = sink.filter(|_| status.is_success());
        while let Some(chunk) = self.in_time(call, response.chunk()).await? {
            match &mut sink {
                Some(sink) => sink(&chunk).map_err(|why| failure::unreadable(call, why))?,
                None => body.extend_from_slice(&chunk),
            }
        }
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }

    /// Waits for the next sign of life no longer than a call may take.
    async fn in_time<T>(
        &self,
        call: &Call<'_>,
        future: impl Future<Output = reqwest::Result<T>>,
    ) -> PortResult<T> {
        match timeout(self.timeout, future).await {
            Ok(result) => result.map_err(|error| failure::no_answer(call, error)),
            Err(_) => Err(failure::silence(call)),
        }
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
