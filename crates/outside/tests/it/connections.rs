//! A connection is made once and used again: one costs as much as several calls.

use std::sync::Arc;

use domain::clock::SystemClock;
use futures::future::join_all;
use outside::Intent::{Read, Write};
use testkit::calls::{Said, Stub};
use testkit::memory::MemoryOutside;

use crate::support::{Process, quick};

const AT_A_TIME: usize = 16;

#[tokio::test]
async fn calls_go_on_the_connections_of_those_before_them() {
    let answers = [Said(200, &[], "{}"), Said(400, &[], "no"), Said(200, &[], "{}")];
    let (stub, url) = Stub::start(&answers, None).await.unwrap();
    let shared = MemoryOutside::new(Arc::new(SystemClock));
    let process = Process::new(&url, quick(), &shared, Arc::new(SystemClock));
    for intent in [Read, Write, Read, Write] {
        process.call(intent).await.unwrap();
    }
    assert_eq!(stub.connections(), 1, "one after the other, a refusal among them");
    for _ in 0..5 {
        join_all((0..AT_A_TIME).map(|_| process.call(Read))).await;
    }
    assert_eq!(stub.paths().len(), 4 + 5 * AT_A_TIME);
    assert!(stub.connections() <= AT_A_TIME, "{}", stub.connections());
}
