//! siagh-simulator.
fn main() {}
