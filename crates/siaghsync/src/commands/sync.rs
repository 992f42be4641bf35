//! `siaghsync sync <crm-id|finance-code>`: one customer, now, in this process.

use std::process::ExitCode;

use domain::engine::Ran;
use domain::ports::{Ring, Side};
use domain::store::{EntityRef, EntityType, Event, Status, Store, Trigger};
use service::settings::Settings;
use uuid::Uuid;

/// Arguments of `sync`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The CRM's id (a guid), or finance's code (a number)
    id: String,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    let entity = entity(&arguments.id)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let engine = worker::assemble::engine(&settings, &store)?;
        let traceparent = Some(service::telemetry::traceparent_or_new());
        let row = Uuid::now_v7();
        let event = Event {
            row,
            entity,
            trigger: Trigger::Manual,
            event_id: None,
            payload: serde_json::json!({ "command": "sync" }),
            traceparent: traceparent.clone(),
            rung: true,
        };
        store.hear(&[event]).await?;
        let mut ring = Ring { row, traceparent };
        loop {
            match engine.run(&ring).await? {
                Ran::Ended {
                    next: Some((next, wait)),
                    ..
                } if wait.is_zero() => ring = next,
                Ran::Ended { outcome, .. } => {
                    let why = outcome.message.unwrap_or_default();
                    println!("{:?}: {why}", outcome.status);
                    let good = matches!(outcome.status, Status::Success | Status::Skipped);
                    return Ok(if good {
                        ExitCode::SUCCESS
                    } else {
                        ExitCode::FAILURE
                    });
                }
                _ => {
                    println!("A worker has this customer at the moment, and will see to row {row}.");
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
    })
}

/// A CRM id or a finance code, as it was typed.
pub(crate) fn entity(id: &str) -> anyhow::Result<EntityRef> {
    let id = id.trim();
    let (side, id) = if let Ok(code) = id.parse::<u64>() {
        (Side::Finance, code.to_string())
    } else if let Ok(guid) = id.parse::<Uuid>() {
        (Side::Crm, guid.to_string())
    } else {
        anyhow::bail!("{id:?} is neither a CRM id (a guid) nor a finance code (a number)");
    };
    Ok(EntityRef {
        entity_type: EntityType::Customer,
        side,
        id,
    })
}
