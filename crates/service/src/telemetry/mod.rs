//! Logs and traces of the process. Logs always; traces only when an OTLP endpoint is set, and then nothing
//! that was recorded is lost at shutdown. It never decides what is logged, and never logs by itself.

mod line;
mod otlp;
mod traceparent;

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, Targets, filter_fn},
    layer::{Filter, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

pub use otlp::Guard;
pub use traceparent::{
    current_traceparent, header_traceparent, new_traceparent, set_remote_parent, trace_id, traceparent_or_new,
};

use crate::settings::{LogFormat, TelemetrySettings};

/// Libraries whose lines are noise below `warn`, whatever the general level is: some of them would also
/// print what belongs in no log (headers, statements). Named in `RUST_LOG`, they speak again. `apalis_core` is
/// silent because the doorbell reports its failures in its own words, once.
const QUIET: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,hyper=warn,hyper_util=warn,reqwest=warn,\
                     h2=warn,tower=warn,tower_http=warn,rustls=warn,redis=warn,apalis=warn,apalis_redis=warn,\
                     apalis_core=off,opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry-otlp=warn";

/// Spans of single calls, for traces alone: each sync makes some twenty, and a line tells of the sync.
const CALLS: [&str; 2] = ["http.client", "database"];

/// What goes to the collector, independent of how chatty the log is.
const TRACED: &str = "info";

/// Sets up logging to standard error, and traces if the settings name an endpoint. Keep the guard until the
/// process ends, and call [`Guard::shutdown`], or drop it, last.
///
/// # Errors
/// When logging was set up before, or the exporter can't be built.
pub fn init(service_name: &str, settings: &TelemetrySettings) -> anyhow::Result<Guard> {
    let (traces, guard) = match &settings.otlp_endpoint {
        Some(endpoint) => {
            let (tracer, guard) = otlp::tracer(service_name, endpoint, settings.sampling)?;
            let layer = tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_filter(filter(TRACED)?);
            (Some(layer), guard)
        }
        None => (None, Guard::none()),
    };
    let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(coloured);
    let filter = filter(settings.filter.as_deref().unwrap_or("info"))?;
    let lines = match settings.log_format {
        // The readable line shows no span: unless traces want it, none is made.
        LogFormat::Pretty => lines
            .event_format(line::Line)
            .with_filter(filter.and(filter_fn(|of| !of.is_span())))
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_filter(filter.and(filter_fn(|of| !of.is_span() || !CALLS.contains(&of.name()))))
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(traces)
        .with(lines)
        .try_init()
        .context("logging was set up twice")?;
    Ok(guard)
}

/// One that looks at the target and the level alone is decided once per place in the code; one that names spans or fields
/// is asked for each line.
fn filter<S: Subscriber>(wanted: &str) -> anyhow::Result<Box<dyn Filter<S> + Send + Sync>> {
    let all = format!("{QUIET},{wanted}");
    let targets = all.split(',').map(str::trim).filter(|one| !one.is_empty());
    let targets = targets.collect::<Vec<_>>().join(",").parse::<Targets>();
    Ok(match targets {
        Ok(targets) if !all.contains('[') => Box::new(targets),
        _ => Box::new(EnvFilter::try_new(all).context("RUST_LOG is not a filter")?),
    })
}
