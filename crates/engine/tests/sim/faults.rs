//! How rough a history is. Each draws its own mixture, so that some know one kind of trouble only.

use crate::odd::Odd;
use crate::sched::Sim;

/// Per mille, at each opportunity.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// A worker is killed, at any await.
    pub crash: u64,
    /// A worker stands still past its lease, at any await.
    pub pause: u64,
    /// An outside call fails, one way or another.
    pub call: u64,
    /// A statement fails, or its answer is lost.
    pub database: u64,
    /// A ring is lost, repeated or late.
    pub bell: u64,
    /// A webhook is lost.
    pub webhook: u64,
    /// A call or statement takes seconds.
    pub slow: u64,
    /// An answer shows less than there is.
    pub half: u64,
}

impl Rates {
    pub fn draw(sim: &Sim, odd: Odd) -> Self {
        let some = |rates: [u64; 3]| *sim.pick(&rates).unwrap();
        Self {
            crash: some([0, 3, 12]),
            pause: some([0, 2, 8]),
            call: some([0, 30, 150]),
            database: some([0, 3, 15]),
            bell: some([0, 50, 300]),
            webhook: some([0, 50, 500]),
            slow: some([0, 20, 200]),
            half: if odd.partial { some([20, 60, 150]) } else { 0 },
        }
    }
}
