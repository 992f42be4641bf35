//! The service that carries out what was enqueued: takes rung rows, runs the engine, sweeps for what was lost.
//!
//! It holds no state: any number of workers may run, on any machine. It hears nothing by itself.

pub mod assemble;
mod backlog;
mod handle;
mod outside;
mod prune;
mod run;
mod sweep;

pub use handle::Handler;
pub use outside::greet;
pub use prune::Pruner;
pub use run::{Parts, run};
pub use sweep::Sweeper;
