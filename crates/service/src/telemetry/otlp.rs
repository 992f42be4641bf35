//! The exporter: OTLP over HTTP, protobuf, in batches from a thread of its own. It uses reqwest's blocking
//! client, because with the async one the batch thread panics and every span is lost (pitfalls).

use std::{sync::mpsc, thread, time::Duration};

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};

use crate::settings::Sampling;

/// How long spans wait for company.
const DELAY: Duration = Duration::from_secs(1);
/// How many may wait, a few seconds of a busy process: beyond that they are dropped, not piled up.
const WAITING: usize = 16_384;
/// How long the collector may take for one batch.
const EXPORT: Duration = Duration::from_secs(5);
/// How long the end of the process may be held up by the last batch.
const FLUSH: Duration = Duration::from_secs(5);

/// Sends what is left when it is dropped, within a bounded time.
#[derive(Debug)]
#[must_use = "spans are lost when it is dropped early"]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Guard {
    pub(super) fn none() -> Self {
        Self { provider: None }
    }

    /// Sends what is left and stops the exporter; at most about five seconds, also when the collector hangs.
    pub fn shutdown(mut self) {
        self.flush();
    }

    /// In a thread: the blocking client must neither run nor be dropped inside an async context.
    fn flush(&mut self) {
        let Some(provider) = self.provider.take() else {
            return;
        };
        let (done, wait) = mpsc::channel();
        let flusher = thread::Builder::new()
            .name("otlp-flush".to_owned())
            .spawn(move || {
                let _ = provider.shutdown_with_timeout(FLUSH);
                drop(provider);
                let _ = done.send(());
            });
        if flusher.is_ok() {
            let _ = wait.recv_timeout(FLUSH + Duration::from_millis(500));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.flush();
    }
}

fn sampler(sampling: Sampling) -> Sampler {
    let share = match sampling.share {
        all if all >= 1.0 => Sampler::AlwaysOn,
        none if none <= 0.0 => Sampler::AlwaysOff,
        share => Sampler::TraceIdRatioBased(share),
    };
    if sampling.parent_based {
        Sampler::ParentBased(Box::new(share))
    } else {
        share
    }
}

/// A tracer that sends to `endpoint` + `/v1/traces`, and its guard.
pub(super) fn tracer(
    service_name: &str,
    endpoint: &str,
    sampling: Sampling,
) -> anyhow::Result<(SdkTracer, Guard)> {
    crate::crypto::install();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT)
        .build()
        .context("the OTLP exporter can't be built (OTEL_EXPORTER_OTLP_ENDPOINT)")?;
    let batches = BatchSpanProcessor::builder(exporter)
        .with_batch_config(
            BatchConfigBuilder::default()
                .with_scheduled_delay(DELAY)
                .with_max_queue_size(WAITING)
                .build(),
        )
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(
            Resource::builder()
                .with_service_name(service_name.to_owned())
                .build(),
        )
        .with_sampler(sampler(sampling))
        .with_span_processor(batches)
        .build();
    let tracer = provider.tracer("siaghsync");
    Ok((
        tracer,
        Guard {
            provider: Some(provider),
        },
    ))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Instant};

    use opentelemetry::trace::Tracer as _;

    use super::*;

    #[test]
    fn a_share_of_the_traces_is_sampled_unless_the_caller_has_decided() {
        use opentelemetry::trace::{
            Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId,
        };

        let sampled = |parent_based, share, parent: Option<TraceFlags>| {
            let (tracer, guard) =
                tracer("test", "http://127.0.0.1:1", Sampling { parent_based, share }).unwrap();
            let mut context = opentelemetry::Context::new();
            if let Some(flags) = parent {
                let (trace, span) = (TraceId::from(7_u128), SpanId::from(7_u64));
                let remote = SpanContext::new(trace, span, flags, true, Default::default());
                context = context.with_remote_span_context(remote);
            }
            let count = (0..200)
                .filter(|_| {
                    tracer
                        .start_with_context("span", &context)
                        .span_context()
                        .is_sampled()
                })
                .count();
            std::mem::forget(guard);
            count
        };
        assert_eq!(sampled(true, 1.0, None), 200);
        assert_eq!(sampled(true, 0.0, None), 0);
        let some = sampled(true, 0.3, None);
        assert!((20..120).contains(&some), "{some} of 200");
        assert_eq!(sampled(true, 0.0, Some(TraceFlags::SAMPLED)), 200);
        assert_eq!(sampled(true, 1.0, Some(TraceFlags::default())), 0);
        assert_eq!(sampled(false, 1.0, Some(TraceFlags::default())), 200);
    }

    #[tokio::test]
    async fn a_collector_that_hangs_or_is_not_there_holds_nobody_up_for_long() {
        // Accepts connections into its backlog and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let (tracer, guard) = tracer("test", &endpoint, Sampling::default()).unwrap();
        drop(tracer.start("span"));
        let start = Instant::now();
        guard.shutdown();
        assert!(
            start.elapsed() < FLUSH + Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );

        let (tracer, guard) = super::tracer("test", "http://127.0.0.1:1", Sampling::default()).unwrap();
        drop(tracer.start("span"));
        let start = Instant::now();
        drop(guard);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}
