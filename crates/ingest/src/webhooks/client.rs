//! Whose request it is, for the rate limits: the address of the connection, or, behind a reverse proxy that
//! `TRUSTED_PROXIES` names, the one that this proxy saw. What anybody else writes into the headers is not believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, header::FORWARDED},
};
use service::settings::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address.
pub(super) fn address(request: &Request, trusted: &[Network]) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    behind(peer, request.headers(), trusted)
}

/// From the connection backwards, hop by hop, up to the first that is not ours.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_ours(peer) {
        return peer;
    }
    let first_stranger = |hops: Vec<Option<IpAddr>>| {
        let mut last = peer;
        for hop in hops.into_iter().rev() {
            // Whatever a proxy of ours could not name stays its own.
            let Some(hop) = hop else { break };
            last = hop;
            if !is_ours(hop) {
                break;
            }
        }
        last
    };
    let hops = |name: &HeaderName, read: fn(&str) -> Option<IpAddr>| -> Vec<Option<IpAddr>> {
        let lines = headers.get_all(name).iter();
        lines
            .flat_map(|line| line.to_str().unwrap_or("unreadable").split(','))
            .map(read)
            .collect()
    };
    let plain = hops(&X_FORWARDED_FOR, |hop| parse(hop.trim()));
    let standard = hops(&FORWARDED, forwarded);
    match (plain.is_empty(), standard.is_empty()) {
        (true, true) => peer,
        (false, true) => first_stranger(plain),
        (true, false) => first_stranger(standard),
        // A proxy writes one of them and may pass the other on as a stranger wrote it: which one can't be known.
        (false, false) => {
            let (plain, standard) = (first_stranger(plain), first_stranger(standard));
            if plain == standard { plain } else { peer }
        }
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239).
fn forwarded(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut node = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, node) = node.next()?;
    parse(node.trim().trim_matches('"'))
}

/// An address, with or without a port and brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    address
        .ok()
        .or_else(|| bare.and_then(|text| text.parse().ok()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.5";

    fn seen(peer: &str, headers: &[(&HeaderName, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted = [
            Network::parse("10.0.0.0/8").unwrap(),
            Network::parse("::1").unwrap(),
        ];
        behind(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let said = [(&X_FORWARDED_FOR, "1.1.1.1"), (&FORWARDED, "for=1.1.1.1")];
        assert_eq!(seen("203.0.113.9", &said), "203.0.113.9");
        assert_eq!(seen(PROXY, &[]), PROXY, "nothing was said");
    }

    #[test]
    fn of_what_a_proxy_says_only_its_own_part_counts() {
        for (line, client) in [
            ("203.0.113.1", "203.0.113.1"),
            // The client wrote the beginning, the proxies the end.
            ("1.1.1.1, 203.0.113.1", "203.0.113.1"),
            ("10.9.9.9, 203.0.113.1, 10.0.0.7", "203.0.113.1"),
            ("10.0.0.8, 10.0.0.7", "10.0.0.8"),
            ("203.0.113.1:5123", "203.0.113.1"),
            ("::ffff:203.0.113.1", "203.0.113.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:99", "2001:db8::1"),
            ("1.1.1.1, nonsense", PROXY),
            ("1.1.1.1, nonsense, 10.0.0.7", "10.0.0.7"),
            ("1.1.1.1,", PROXY),
        ] {
            assert_eq!(seen(PROXY, &[(&X_FORWARDED_FOR, line)]), client, "{line}");
        }
        // Two lines are one list.
        let lines = [(&X_FORWARDED_FOR, "1.1.1.1"), (&X_FORWARDED_FOR, "203.0.113.1")];
        assert_eq!(seen(PROXY, &lines), "203.0.113.1");
    }

    #[test]
    fn the_standard_header_too() {
        for (line, client) in [
            ("for=203.0.113.1;proto=https;by=10.0.0.5", "203.0.113.1"),
            ("For=1.1.1.1, FOR=\"203.0.113.1:4711\"", "203.0.113.1"),
            ("proto=https; for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=1.1.1.1, for=unknown", PROXY),
            ("for=\"x, for=203.0.113.1", "203.0.113.1"),
            ("proto=https", PROXY),
        ] {
            assert_eq!(seen(PROXY, &[(&FORWARDED, line)]), client, "{line}");
        }
        let both = |plain, standard| seen(PROXY, &[(&X_FORWARDED_FOR, plain), (&FORWARDED, standard)]);
        assert_eq!(both("203.0.113.1", "for=203.0.113.1"), "203.0.113.1");
        assert_eq!(
            both("1.1.1.1", "for=203.0.113.1"),
            PROXY,
            "one of them is a stranger's"
        );
    }
}
