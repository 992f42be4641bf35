//! What lies between the store's client and its statements.

use async_trait::async_trait;
use domain::store::StoreResult;

/// What lies between the store's client and its statements.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Before a statement or transaction reaches the database. An error: it never does.
    async fn before(&self, statement: &'static str) -> StoreResult<()>;

    /// After it was carried out. An error: the answer is lost.
    async fn after(&self, statement: &'static str) -> StoreResult<()>;
}

/// A wire that never breaks.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoodWire;

#[async_trait]
impl Wire for GoodWire {
    async fn before(&self, _: &'static str) -> StoreResult<()> {
        Ok(())
    }

    async fn after(&self, _: &'static str) -> StoreResult<()> {
        Ok(())
    }
}
