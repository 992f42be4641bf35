//! Rate limits by client address, for strangers. Whoever shows a good signature or token is limited by nothing but what can
//! be stored. Memory is bounded: addresses that have been quiet are forgotten.
//!
//! Behind a reverse proxy all clients share one address, unless `TRUSTED_PROXIES` names it (see `client`).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

/// Refused requests of one address: 60 a minute, 30 at once.
const STRANGERS: Quota = Quota::per_minute(count(60)).allow_burst(count(30));
/// After how many looks the quiet addresses are forgotten.
const FORGET: u32 = 1024;

const fn count(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// All limits of one process.
#[derive(Debug)]
pub(super) struct Limits {
    strangers: DefaultKeyedRateLimiter<IpAddr>,
    /// Addresses that used up a stranger's limit, until when nothing of theirs is read.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
    looks: AtomicU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            strangers: RateLimiter::keyed(STRANGERS),
            blocked: Mutex::default(),
            looks: AtomicU32::new(0),
        }
    }
}

impl Limits {
    /// Counts a request that had no right to be heard; `Err`: one too many, how long to wait.
    pub(super) fn stranger(&self, address: IpAddr) -> Result<(), Duration> {
        let network = network(address);
        if self.looks.fetch_add(1, Ordering::Relaxed) % FORGET == FORGET - 1 {
            self.forget();
        }
        let now = DefaultClock::default();
        let checked = self.strangers.check_key(&network);
        let result = checked.map_err(|not_until| not_until.wait_time_from(now.now()));
        if let Err(wait) = result {
            self.blocked().insert(network, Instant::now() + wait);
        }
        result
    }

    /// Before work is done for a request that can show its right only afterwards: an address that used up a stranger's limit
    /// has to wait.
    pub(super) fn unproven(&self, address: IpAddr) -> Result<(), Duration> {
        let until = self.blocked().get(&network(address)).copied();
        let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
        wait.filter(|wait| !wait.is_zero()).map_or(Ok(()), Err)
    }

    fn forget(&self) {
        self.strangers.retain_recent();
        self.strangers.shrink_to_fit();
        let now = Instant::now();
        self.blocked().retain(|_, until| *until > now);
    }

    fn blocked(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's address; of IPv6 the /64, since a client owns all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(host: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host).into()
    }

    #[test]
    fn a_stranger_waits_after_thirty_and_is_not_worked_for() {
        let limits = Limits::default();
        for n in 0..30 {
            assert!(limits.unproven(v6(n)).is_ok());
            assert!(limits.stranger(v6(n)).is_ok(), "{n}");
        }
        let wait = limits.stranger(v6(99)).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
        assert!(limits.unproven(v6(100)).is_err());
        // Everyone else is heard.
        assert!(limits.unproven([127, 0, 0, 1].into()).is_ok());
    }

    #[test]
    fn addresses_that_are_quiet_are_forgotten() {
        let limits = Limits {
            strangers: RateLimiter::keyed(Quota::per_second(count(1_000_000))),
            ..Limits::default()
        };
        for n in 0..20_000_u32 {
            let _ = limits.stranger(IpAddr::from(n.to_be_bytes()));
        }
        assert!(
            limits.strangers.len() <= 2 * FORGET as usize,
            "{}",
            limits.strangers.len()
        );
    }

    #[test]
    fn an_ipv4_client_is_one_on_either_stack() {
        let v4: IpAddr = [192, 0, 2, 1].into();
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), v4);
        assert_eq!(network(v6(1)), network(v6(2)));
    }
}
