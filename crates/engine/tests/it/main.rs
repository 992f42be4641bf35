//! The engine between two systems in memory, on all stores.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test binary has no public side and may fail"
)]

/// Each promise is kept whatever the store is.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(&$crate::world::World::new($crate::world::On::Memory).await).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $promise() {
                let world = $crate::world::World::new($crate::world::On::Sqlite).await;
                super::$promise(&world).await;
                world.drop_it().await;
            })*
        }
    };
}

mod altered;
mod announced;
mod behind;
mod cases;
mod crashes;
mod decisions;
mod desk;
mod documents;
mod failures;
mod in_flight;
mod lost;
mod lost_creates;
mod lost_saves;
mod odd;
mod ours;
mod promises;
mod resolve;
mod same_record;
mod taken;
mod world;
