//! One life of an apalis worker: from its start until it is stopped, or until its backend fails. Knows
//! neither Redis nor channels; whoever calls it decides whether to start another one.

use std::{panic::AssertUnwindSafe, time::Duration};

use apalis::prelude::WorkerBuilder;
use apalis_core::{
    backend::{Backend, BackendConfig},
    task::Task,
    worker::{context::WorkerContext, lifecycle::LifecycleService},
};
use domain::ports::Ring;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};
use tracing::warn;

use super::{
    crew::{Crew, CrewService},
    delivery::Delivery,
};

/// Runs one worker named `name` until `shutdown` (then it drains and says `Ok`), or until it fails.
pub(super) async fn live<B, H, F>(
    name: &str,
    backend: B,
    crew: &Crew<H>,
    shutdown: &CancellationToken,
) -> Result<(), String>
where
    B: Backend<Task = Task<Delivery>>
        + BackendConfig<Args = Delivery, Kind = apalis_core::backend::finalize::Ephemeral>
        + Send
        + Unpin
        + 'static,
    B::Layer: Layer<LifecycleService<CrewService<H>>>,
    <B::Layer as Layer<LifecycleService<CrewService<H>>>>::Service: Service<Task<Delivery>> + Send + 'static,
    <<B::Layer as Layer<LifecycleService<CrewService<H>>>>::Service as Service<Task<Delivery>>>::Future: Send,
    <<B::Layer as Layer<LifecycleService<CrewService<H>>>>::Service as Service<Task<Delivery>>>::Error:
        Into<Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    <<B::Layer as Layer<LifecycleService<CrewService<H>>>>::Service as Service<Task<Delivery>>>::Response:
        Send + Sync + 'static,
    H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let context = WorkerContext::new(name);
    let worker = WorkerBuilder::new(&context)
        .backend(backend)
        .build(crew.service());
    // apalis has panics of its own (`unreachable!`, `unwrap`); one of them must not end the process's work.
    let mut running = Box::pin(AssertUnwindSafe(worker.run()).catch_unwind());
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = shutdown.cancelled() => match context.stop() {
            Ok(()) => running.await,
            // It has not even started.
            Err(_) => return Ok(()),
        },
    };
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the worker panicked".to_owned()),
    }
}

/// Waits for `work`, and cancels `over` when `grace` has passed since `shutdown`: `work` has to end then.
pub(super) async fn within_grace(
    work: impl Future<Output = ()>,
    grace: Duration,
    shutdown: &CancellationToken,
    over: &CancellationToken,
) {
    let timer = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
        warn!(
            seconds = grace.as_secs(),
            "some syncs did not end in time and are cut off"
        );
        over.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = work => {}
        () = timer => {}
    }
}
