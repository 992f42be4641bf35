//! One HTTP exchange with an outside system: sent once, within its time, seen in the trace.
//!
//! It never repeats a request, never follows a redirect, and never logs a header or a body.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use metrics::{counter, histogram};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{Method, Response, Url};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::answer::{Answer, retry_after, time};
use crate::call::{Call, Intent, Sink};
use crate::failure::System;
use crate::gate::{Gate, Outcome, Pass};
use crate::side::Named;

/// A write is sent within this time after it was asked for, whatever its session takes: the caller's lease outlives one
/// call, not a login and the call repeated after it.
const SESSION_PATIENCE: Duration = Duration::from_secs(5);

/// The connection pool and the address.
pub struct Http {
    system: System,
    client: reqwest::Client,
    base: String,
    host: String,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    gate: Option<Gate>,
}

/// The address, with or without a final slash.
///
/// # Errors
/// Why it is none.
pub fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are known".to_owned());
    }
    Ok(url)
}

impl Http {
    /// The one place where the HTTP client of the connectors is built. With a `gate`, every call passes it.
    ///
    /// # Errors
    /// The HTTP client's own.
    pub fn new(
        system: System,
        base: &Url,
        timeout: Duration,
        connect_timeout: Duration,
        clock: Arc<dyn Clock>,
        gate: Option<Gate>,
    ) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(connect_timeout.min(timeout))
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("SiaghSync/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            system,
            client,
            base: base.as_str().trim_end_matches('/').to_owned(),
            host: base.host_str().unwrap_or_default().to_owned(),
            timeout,
            clock,
            gate,
        })
    }

    /// Whether calls are not sent at the moment.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::refuses)
    }

    /// By the monotonic clock: when a call is asked for, see [`Self::still_in_time`].
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Whether a call that was `asked` for then may be sent, now that there is a session for it.
    ///
    /// # Errors
    /// [`PortError::Transient`] for a write whose session took more than five seconds: it is not sent.
    pub fn still_in_time(&self, call: &Call<'_>, asked: Duration) -> PortResult<()> {
        if call.intent == Intent::Read || self.now().saturating_sub(asked) <= SESSION_PATIENCE {
            return Ok(());
        }
        Err(PortError::Transient {
            message: format!(
                "{} {} was not sent: {} took more than {} s to renew the session",
                call.method,
                call.path,
                self.system.name,
                SESSION_PATIENCE.as_secs()
            ),
            retry_after: None,
        })
    }

    /// Sends the call and reads the whole answer; the body of a success goes into the sink, if there is one.
    ///
    /// # Errors
    /// Only for answers that did not come (or that the sink can't read), and for calls that the gate did not let
    /// through: a status of failure is an answer.
    pub async fn exchange(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
        sink: Option<&mut dyn Sink>,
    ) -> PortResult<Answer> {
        let span = tracing::info_span!(
            "http.client",
            otel.name = %format_args!("{} {}", call.method, call.path),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = %call.method,
            url.path = call.path,
            server.address = self.host.as_str(),
            http.response.status_code = Empty,
            error = Empty,
        );
        async {
            let result = self.admitted(call, authorization, sink).await;
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

    /// Passes the gate, before and after, and counts.
    async fn admitted(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
        sink: Option<&mut dyn Sink>,
    ) -> PortResult<Answer> {
        let mut pass = match &self.gate {
            Some(gate) => Some(gate.admit(call.intent).await?),
            None => None,
        };
        let started = self.clock.monotonic();
        let result = self.sent(call, authorization, sink, &mut pass).await;
        let took = self.clock.monotonic().saturating_sub(started);
        self.count(call, &result, took);
        // What is about this one record says nothing of the system, neither that it lives nor that it does not.
        let of_record = matches!(&result, Ok(answer) if answer.refuses_markup(call.markup));
        match (&self.gate, pass) {
            (Some(gate), Some(pass)) if !of_record => {
                let held = self.settle(gate, pass, call, &result).await;
                with_outage(result, held)
            }
            _ => result,
        }
    }

    /// Tells the gate how the call ended. `Some`: no use asking before.
    async fn settle(
        &self,
        gate: &Gate,
        pass: Pass,
        call: &Call<'_>,
        result: &PortResult<Answer>,
    ) -> Option<Duration> {
        let outcome = match result {
            Ok(answer) if !answer.is_down() => Outcome::Up,
            Ok(answer) => Outcome::Down {
                why: &self.system.answered(call, answer.status),
                surely: answer.is_surely_down(),
                asked: answer.retry_after,
            },
            Err(error) => Outcome::Down {
                why: &error.to_string(),
                surely: true,
                asked: None,
            },
        };
        gate.settle(pass, outcome).await
    }

    fn count(&self, call: &Call<'_>, result: &PortResult<Answer>, took: Duration) {
        let named = || Named::of(self.system.side, None).label;
        let system = self
            .gate
            .as_ref()
            .map_or_else(named, |gate| gate.label().to_owned());
        let endpoint = call.path.to_owned();
        let result = match result {
            Ok(answer) if answer.refuses_markup(call.markup) => "refused",
            Ok(answer) if answer.is_down() => "unavailable",
            Ok(answer) if answer.status.is_success() => "success",
            Ok(_) => "refused",
            Err(_) => "no_answer",
        };
        histogram!("outside_call_duration_seconds", "system" => system.clone(), "endpoint" => endpoint.clone())
            .record(took);
        counter!("outside_calls_total", "system" => system, "endpoint" => endpoint, "result" => result)
            .increment(1);
    }

    async fn sent(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
        sink: Option<&mut dyn Sink>,
        pass: &mut Option<Pass>,
    ) -> PortResult<Answer> {
        let whole = sink
            .as_ref()
            .map_or(self.timeout, |sink| sink.within().max(self.timeout));
        let mut request = self
            .client
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .timeout(whole);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some(body) = call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        let watched = sink.is_some();
        let response = self.in_time(call, watched, request.send()).await?;
        let span = Span::current();
        span.record("http.response.status_code", response.status().as_u16());
        if response.status().is_client_error() || response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        if let (Some(gate), Some(pass)) = (&self.gate, pass)
            && watched
            && response.status().is_success()
        {
            // All contacts take their time; others need not wait for the last of them.
            gate.answers(pass).await;
        }
        self.answer(call, response, sink).await
    }

    /// The server's clock, as it stands in any of its answers; `None` when it states none. Exact to a second.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn server_time(&self) -> PortResult<Option<DateTime<Utc>>> {
        let call = Call {
            method: Method::HEAD,
            path: "/",
            body: None,
            intent: Intent::Read,
            markup: "",
        };
        let asked = self.client.head(format!("{}/", self.base)).timeout(self.timeout);
        let response = self.in_time(&call, false, asked.send()).await?;
        Ok(response.headers().get(DATE).and_then(time))
    }

    async fn answer(
        &self,
        call: &Call<'_>,
        mut response: Response,
        sink: Option<&mut dyn Sink>,
    ) -> PortResult<Answer> {
        let status = response.status();
        let retry_after = retry_after(response.headers(), self.clock.now());
        let watched = sink.is_some();
        let mut body = Vec::new();
        let mut sink = sink.filter(|_| status.is_success());
        while let Some(chunk) = self.in_time(call, watched, response.chunk()).await? {
            match &mut sink {
                Some(sink) => {
                    sink.feed(&chunk)
                        .map_err(|why| self.system.unreadable(call, why))?;
                    sink.has_room().await;
                }
                None => body.extend_from_slice(&chunk),
            }
        }
        Ok(Answer {
            status,
            retry_after,
            held: None,
            body,
        })
    }

    /// Where the whole may take longer than a call, waits for the next sign of life no longer than a call may take.
    async fn in_time<T>(
        &self,
        call: &Call<'_>,
        watched: bool,
        future: impl Future<Output = reqwest::Result<T>>,
    ) -> PortResult<T> {
        let result = if watched {
            match tokio::time::timeout(self.timeout, future).await {
                Ok(result) => result,
                Err(_) => return Err(self.system.silence(call)),
            }
        } else {
            future.await
        };
        result.map_err(|error| self.system.no_answer(call, error))
    }
}

/// What a failure means when the system is known to be down, or to fail at every write, for so long: the caller waits,
/// and no try is used up.
fn with_outage(result: PortResult<Answer>, held: Option<Duration>) -> PortResult<Answer> {
    match (result, held) {
        (Ok(mut answer), held) => {
            answer.held = held.filter(|_| answer.is_down());
            Ok(answer)
        }
        (Err(PortError::Transient { message, .. }), Some(retry_after)) => {
            Err(PortError::Unavailable { message, retry_after })
        }
        (Err(PortError::UnknownOutcome { message, .. }), Some(held)) => Err(PortError::UnknownOutcome {
            message,
            retry_after: Some(held),
            down: true,
        }),
        (result, _) => result,
    }
}
