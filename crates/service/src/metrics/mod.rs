//! The Prometheus recorder of the process. Its figures are read by [`render`], which `/metrics` answers;
//! it never opens a port of its own.

use std::{sync::OnceLock, time::Duration};

mod catalogue;

pub use catalogue::{By, FIGURES, Figure, Kind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of every histogram whose name ends in `_seconds`: from a queue hand-over (a millisecond) to the
/// longest outside call.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// How often histograms are folded, so that they don't grow when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder is process-wide by the `metrics` crate's own design, and so is its handle.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder. Harmless when called again. Inside a tokio runtime it also keeps histograms small.
///
/// # Errors
/// When another recorder was installed by someone else.
pub fn install() -> anyhow::Result<()> {
    if HANDLE.get().is_some() {
        return Ok(());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        // Another thread may have been here between the look and now.
        anyhow::ensure!(
            HANDLE.get().is_some(),
            "another metrics recorder is installed already"
        );
        return Ok(());
    }
    describe();
    if HANDLE.set(handle.clone()).is_ok()
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        runtime.spawn(async move {
            let mut tick = tokio::time::interval(UPKEEP);
            loop {
                tick.tick().await;
                handle.run_upkeep();
            }
        });
    }
    Ok(())
}

/// `# HELP` of each figure.
fn describe() {
    for figure in FIGURES {
        match figure.kind {
            Kind::Counter => metrics::describe_counter!(figure.name, figure.meaning),
            Kind::Gauge => metrics::describe_gauge!(figure.name, figure.meaning),
            Kind::Histogram => metrics::describe_histogram!(figure.name, figure.meaning),
        }
    }
}

/// The figures in Prometheus' text form; empty when no recorder is installed.
#[must_use]
pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}
