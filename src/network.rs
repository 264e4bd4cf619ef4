//! Whether the machine is still in the network it was in.
//!
//! A laptop that changes from one network to another keeps connections that are dead and do not know
//! it. The kernel shows its addresses and default routes in a few small files; the daemon compares
//! what they say at each heartbeat and has every mailbox looked at when it changed. Only what tells
//! one network from another is compared: no counters, and no link-local addresses, which come and go
//! with every container.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

/// Most of a file that is read; a router's tables are long and tell nothing more.
const MOST: u64 = 256 * 1024;

/// The machine's addresses and default routes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Network(BTreeSet<String>);

impl Network {
    /// Looks at it as it is now. What cannot be read, as in some containers, counts for nothing.
    #[must_use]
    pub fn now() -> Network {
        Network::of([
            &text("/proc/net/route"),
            &text("/proc/net/fib_trie"),
            &text("/proc/net/ipv6_route"),
            &text("/proc/net/if_inet6"),
        ])
    }

    fn of([route, fib_trie, ipv6_route, if_inet6]: [&str; 4]) -> Network {
        let mut known = BTreeSet::new();
        known.extend(route.lines().filter_map(default_route));
        known.extend(addresses(fib_trie));
        known.extend(ipv6_route.lines().filter_map(default_route_6));
        known.extend(if_inet6.lines().filter_map(address_6));
        Network(known)
    }
}

fn text(path: &str) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
    read.map_or_else(|_| String::new(), |_| text)
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hexadecimal.
fn default_route(line: &str) -> Option<String> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [interface, "00000000", gateway, _, _, _, _, "00000000", ..] => {
            Some(format!("{interface} {gateway}"))
        }
        _ => None,
    }
}

/// A line `|-- 192.0.2.7` names an address; one of this machine is followed by `/32 host LOCAL`.
fn addresses(fib_trie: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut last = "";
    for line in fib_trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address;
        } else if line == "/32 host LOCAL" && !last.starts_with("127.") {
            found.insert(last.to_owned());
        }
    }
    found
}

/// `destination length source length next-hop metric reference-counter use flags interface`.
fn default_route_6(line: &str) -> Option<String> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        // What the kernel rejects goes through `lo`.
        [_, _, _, _, _, _, _, _, _, "lo"] => None,
        [to, "00", _, _, next_hop, _, _, _, _, interface] if to.bytes().all(|b| b == b'0') => {
            Some(format!("{interface} {next_hop}"))
        }
        _ => None,
    }
}

/// `address index length scope flags interface`; scope 00 is global. The flags change with age.
fn address_6(line: &str) -> Option<String> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [address, _, _, "00", _, interface] => Some(format!("{interface} {address}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0102000A\t0003\t0\t17\t600\t00000000\t0\t0\t0
wlan0\t0002000A\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
";
    const FIB_TRIE: &str = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 10.0.2.0/24 2 0 2
           |-- 10.0.2.15
              /32 host LOCAL
           |-- 10.0.2.255
              /32 link BROADCAST
";
    const IPV6_ROUTE: &str = "\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000258 00000001 00000007 00000003    wlan0
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000258 00000001 00000000 00000001    wlan0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";
    const IF_INET6: &str = "\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000015 02 40 00 00    wlan0
fe800000000000000000000000000015 02 40 20 80    wlan0
";
    const HOME: [&str; 4] = [ROUTE, FIB_TRIE, IPV6_ROUTE, IF_INET6];

    #[test]
    fn addresses_and_default_routes_are_read_and_nothing_else() {
        let expected = [
            "10.0.2.15",
            "wlan0 0102000A",
            "wlan0 20010db8000000000000000000000015",
            "wlan0 fe800000000000000000000000000001",
        ];
        assert_eq!(Network::of(HOME), Network(expected.map(str::to_owned).into()));
        assert_eq!(Network::of([""; 4]), Network::default());
        assert_eq!(Network::of(["x\n\0 y"; 4]), Network::default());
    }

    /// Replaces `old` by `new` in one of the files and says whether that is another network.
    fn check(file: usize, old: &str, new: &str, expected: bool) {
        let changed = HOME[file].replace(old, new);
        assert_ne!(changed, HOME[file]);
        let mut texts = HOME;
        texts[file] = &changed;
        assert_eq!(Network::of(texts) != Network::of(HOME), expected, "{old} became {new}");
    }

    #[test]
    fn another_gateway_or_address_is_another_network_and_a_counter_is_not() {
        check(0, "0102000A", "FE01A8C0", true);
        check(0, "wlan0\t00000000", "eth0\t00000000", true);
        check(1, "10.0.2.15", "10.0.2.16", true);
        check(2, "fe800000000000000000000000000001", "fe800000000000000000000000000002", true);
        check(3, "20010db8000000000000000000000015", "20010db8000000000000000000000016", true);
        check(0, "\t17\t", "\t18\t", false);
        check(2, "00000001 00000007", "00000002 00000008", false);
        check(3, "40 00 00", "40 00 80", false);
        check(3, "fe800000000000000000000000000015", "fe800000000000000000000000000016", false);
    }
}
