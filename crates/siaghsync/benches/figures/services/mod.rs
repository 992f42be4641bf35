//! All that runs beside the bench itself, each part ended and removed when it is dropped.

mod database;
mod deployment;
mod program;
mod simulator;
mod stage;

pub use deployment::{Database, Deployment, Roster, Setup};
pub use simulator::Sim;
pub use stage::Stage;
