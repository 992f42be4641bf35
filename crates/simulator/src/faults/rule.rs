//! One fault: where, what, how often.

use serde::{Deserialize, Serialize};

/// One of the two simulated systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// The Payamgostar CRM.
    Crm,
    /// The Siagh finance system.
    Finance,
}

/// What happens to a call. "Done" means that the change is in the system's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Done; the answer comes only after `ms`, then correctly.
    CommitThenHang,
    /// Done; the connection breaks instead of an answer.
    CommitThenDrop,
    /// Not done; nothing comes for `ms`, then the connection breaks.
    Hang,
    /// Not done; the connection breaks.
    Drop,
    /// The connection breaks at once; it is done `ms` later.
    LateCommit,
    /// Not done; status 500 with the system's own error body.
    Error500Before,
    /// Done; status 500 with the system's own error body.
    Error500After,
    /// Not done; status 503 with an empty body.
    Unavailable,
    /// Not done; status 503 with `Retry-After: <retry_after_seconds>`.
    UnavailableFor,
    /// Not done; status 429 with `Retry-After: <retry_after_seconds>`.
    TooManyRequests,
    /// Done; the answer is cut in the middle, `Content-Length` fits what is sent.
    TruncatedJson,
    /// Done; the answer is cut in the middle, `Content-Length` promises all of it, then the
    /// connection breaks.
    TruncatedBody,
    /// Not done; status 502 with an HTML page.
    HtmlError,
    /// Done; status 502 with an HTML page.
    HtmlErrorAfter,
    /// Not done; status **200** with an HTML page (a proxy's own login page).
    Html200,
    /// Done; status 200 with an empty body.
    EmptyAnswer,
    /// Waits `ms`, then does it and answers.
    Slow,
    /// All sessions and tokens got by a login end before the call is looked at.
    SessionExpired,
    /// Begins an outage of `ms` (0: until lifted) with this call.
    Outage,
}

impl FaultKind {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CommitThenHang => "commit_then_hang",
            Self::CommitThenDrop => "commit_then_drop",
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::LateCommit => "late_commit",
            Self::Error500Before => "error500_before",
            Self::Error500After => "error500_after",
            Self::Unavailable => "unavailable",
            Self::UnavailableFor => "unavailable_for",
            Self::TooManyRequests => "too_many_requests",
            Self::TruncatedJson => "truncated_json",
            Self::TruncatedBody => "truncated_body",
            Self::HtmlError => "html_error",
            Self::HtmlErrorAfter => "html_error_after",
            Self::Html200 => "html200",
            Self::EmptyAnswer => "empty_answer",
            Self::Slow => "slow",
            Self::SessionExpired => "session_expired",
            Self::Outage => "outage",
        }
    }

    fn default_ms(self) -> u64 {
        match self {
            Self::CommitThenHang | Self::Hang => 35_000,
            Self::LateCommit | Self::Slow => 1_000,
            _ => 0,
        }
    }
}

/// A fault that waits for calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Given by the plan when the rule is added.
    #[serde(default)]
    pub id: u64,
    /// Which system; none means both.
    #[serde(default)]
    pub system: Option<System>,
    /// Which endpoints, see [`crate::faults::matches`].
    #[serde(default)]
    pub endpoint: String,
    /// What happens.
    pub kind: FaultKind,
    /// How likely each matching call is hit, 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// The rule is used up after hitting this often; none means never.
    #[serde(default)]
    pub times: Option<u64>,
    /// This many matching calls pass first.
    #[serde(default)]
    pub skip: u64,
    /// Milliseconds, for the kinds that take some; each has its own default.
    #[serde(default)]
    pub ms: Option<u64>,
    /// For [`FaultKind::TooManyRequests`] and [`FaultKind::UnavailableFor`].
    #[serde(default = "one_second")]
    pub retry_after_seconds: u64,
    /// `Retry-After` is a date, by the simulator's clock.
    #[serde(default)]
    pub retry_after_as_date: bool,
}

fn certain() -> f64 {
    1.0
}

fn one_second() -> u64 {
    1
}

impl FaultRule {
    /// Hits every call of that system whose endpoint fits the pattern.
    #[must_use]
    pub fn always(system: System, endpoint: &str, kind: FaultKind) -> Self {
        Self {
            id: 0,
            system: Some(system),
            endpoint: endpoint.to_owned(),
            kind,
            probability: 1.0,
            times: None,
            skip: 0,
            ms: None,
            retry_after_seconds: 1,
            retry_after_as_date: false,
        }
    }

    /// Hits the next `times` such calls.
    #[must_use]
    pub fn next(system: System, endpoint: &str, kind: FaultKind, times: u64) -> Self {
        Self {
            times: Some(times),
            ..Self::always(system, endpoint, kind)
        }
    }

    /// Hits each such call with that probability.
    #[must_use]
    pub fn random(system: System, endpoint: &str, kind: FaultKind, probability: f64) -> Self {
        Self {
            probability,
            ..Self::always(system, endpoint, kind)
        }
    }

    /// The same with another duration.
    #[must_use]
    pub fn ms(mut self, ms: u64) -> Self {
        self.ms = Some(ms);
        self
    }

    /// The same after letting `skip` matching calls pass.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// The same with another `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    /// The same with `Retry-After` as a date.
    #[must_use]
    pub fn as_date(mut self) -> Self {
        self.retry_after_as_date = true;
        self
    }

    pub(crate) fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ms.unwrap_or_else(|| self.kind.default_ms()))
    }
}
