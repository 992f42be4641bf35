//! Ports for what must know its port before it listens there: processes of a test, and servers that are restarted.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the kernel gives to outgoing connections and to listeners that ask for any: such a port could be
/// somebody else's by the time it is used.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port where nobody listens, and that is given to nobody else in this process.
///
/// # Panics
/// When all are taken.
#[must_use]
pub fn free() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    // Tests that run at the same time in other processes begin elsewhere.
    let next = NEXT.get_or_init(|| {
        let (random, ..) = uuid::Uuid::new_v4().as_fields();
        AtomicU16::new((random % u32::from(COUNT)) as u16)
    });
    (0..COUNT)
        .map(|_| FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok())
        .unwrap_or_else(|| panic!("no port is free"))
}
