//! How many connections each address has open, so that nobody alone takes all the places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// One address may have this part of the places.
const SHARE: usize = 4;

/// Network and host in an IPv6 address: whoever has one has a whole network of them.
const NETWORK_V6: u128 = !0 << 64;

pub(super) struct Addresses {
    open: Mutex<HashMap<IpAddr, usize>>,
    each_max: usize,
    /// They speak for many, and may have every place.
    proxies: Vec<IpAddr>,
}

impl Addresses {
    pub fn new(connections_max: usize, proxies: Vec<IpAddr>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), each_max: (connections_max / SHARE).max(1), proxies })
    }

    /// Counts one more connection for as long as the answer lives; None where the address has its share.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let address = address.to_canonical();
        let key = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & NETWORK_V6).into(),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        if *count >= self.each_max && !self.proxies.contains(&address) {
            return None;
        }
        *count += 1;
        Some(Admitted { addresses: Arc::clone(self), key })
    }

    fn leave(&self, key: IpAddr) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

/// One connection of an address.
pub(super) struct Admitted {
    addresses: Arc<Addresses>,
    key: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.addresses.leave(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let addresses = Addresses::new(8, vec![[127, 0, 0, 1].into()]);
        let admit = |address: &str| addresses.admit(address.parse().unwrap());
        let first = admit("10.0.0.1").unwrap();
        let mapped = admit("::ffff:10.0.0.1").unwrap();
        assert!(admit("10.0.0.1").is_none());
        let other = admit("10.0.0.2");
        assert!(other.is_some());
        drop(first);
        assert!(admit("10.0.0.1").is_some());
        drop((mapped, other));
        assert!(addresses.open.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_counts_as_one_and_a_proxy_not() {
        let addresses = Addresses::new(4, vec![[127, 0, 0, 1].into(), "fd00::1".parse().unwrap()]);
        let admit = |address: &str| addresses.admit(address.parse().unwrap());
        let held = admit("2001:db8::1");
        assert!(held.is_some() && admit("2001:db8::ffff:2").is_none());
        assert!(admit("2001:db8:0:1::1").is_some());
        let proxied: Vec<_> = (0..4).map(|_| (admit("127.0.0.1"), admit("fd00::1"))).collect();
        assert!(proxied.iter().all(|(v4, v6)| v4.is_some() && v6.is_some()));
    }
}
