//! Which addresses a request may go to.
//!
//! Whoever may set the address of a warehouse must not reach, through the functions, what only the functions
//! can reach (OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"): themselves, the network around
//! them, and the places at which clouds give out credentials, such as `169.254.169.254`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses that a request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the internet, by HTTPS.
    Public,
    /// All, also those of this machine and of private networks, and also by HTTP without TLS.
    Anywhere,
}

/// A host that may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooNear {
    /// One of its addresses is not of the internet.
    #[error("the host's address {0} is not of the internet")]
    Address(IpAddr),
    /// It has no address.
    #[error("the host has no address")]
    None,
}

impl Reach {
    /// Checks all addresses of a host. One that may not be called is enough to refuse it: which of them a
    /// connection takes is left to chance.
    ///
    /// # Errors
    /// [`TooNear`].
    pub fn check(self, addresses: &[SocketAddr]) -> Result<(), TooNear> {
        if addresses.is_empty() {
            return Err(TooNear::None);
        }
        match (self, addresses.iter().map(SocketAddr::ip).find(|address| !is_public(*address))) {
            (Self::Public, Some(address)) => Err(TooNear::Address(address)),
            _ => Ok(()),
        }
    }
}

/// Whether the address is one of the internet, by the registries of the IANA ("IPv4 Special-Purpose Address
/// Registry" and "IPv6 Special-Purpose Address Registry").
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        // Addresses that providers share out among their customers (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        // Of protocols (RFC 6890), the former relays to IPv6 (RFC 7526), and benchmarks (RFC 2544).
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        // Reserved, and the broadcast.
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = v4_within(address) {
        return is_public_v4(within);
    }
    let [a, b, ..] = address.segments();
    // Only this part is given out for the internet (RFC 4291, section 2.4); it has no loopback, no link-local
    // and no private addresses.
    let is_global = a & 0xE000 == 0x2000;
    // Of protocols, with Teredo, which holds other addresses (RFC 2928, RFC 4380), and documentation (RFC
    // 3849, RFC 9637).
    let is_of_protocols = a == 0x2001 && b < 0x0200;
    let is_documentation = (a == 0x2001 && b == 0x0DB8) || (a == 0x3FFF && b < 0x1000);
    is_global && !is_of_protocols && !is_documentation
}

/// The IPv4 address that this one stands for: one that is mapped (`::ffff:0:0/96`) or translated
/// (`64:ff9b::/96`, RFC 6052; 6to4's `2002::/16`, RFC 3056).
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x0064, 0xFF9B, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn what_is_near_is_refused_in_every_form() {
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fd00:ec2::254",
        ] {
            assert!(!public(near), "{near}");
        }
    }

    #[test]
    fn the_internet_is_reached() {
        for far in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(public(far), "{far}");
        }
    }

    #[test]
    fn one_near_address_among_others_refuses_the_host_and_none_does_too() {
        let at = |address: &str| SocketAddr::new(address.parse().unwrap(), 443);
        let both = [at("1.1.1.1"), at("10.0.0.1")];
        assert_eq!(Reach::Public.check(&both), Err(TooNear::Address(both[1].ip())));
        assert_eq!(Reach::Anywhere.check(&both), Ok(()));
        assert_eq!(Reach::Public.check(&both[..1]), Ok(()));
        assert_eq!(Reach::Public.check(&[]), Err(TooNear::None));
        assert_eq!(Reach::Anywhere.check(&[]), Err(TooNear::None));
    }
}
