//! Who is asked for the DNS, and for how long.

use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::system_conf::read_system_conf;

use crate::config::Resolver;

/// The configuration that asks whom `resolver` says, and has an answer or none within `limit`.
///
/// # Errors
///
/// `/etc/resolv.conf` cannot be read.
pub fn configuration(
    resolver: Resolver,
    limit: Duration,
) -> Result<(ResolverConfig, ResolverOpts), NetError> {
    let (config, mut options) = match resolver {
        Resolver::System => read_system_conf()?,
        Resolver::At(address) => {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            (ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default())
        }
    };
    // A lost packet is asked for again within the limit.
    options.timeout = limit / 2;
    options.attempts = 1;
    Ok((config, options))
}
