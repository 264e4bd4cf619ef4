//! The two questions to the DNS: where a domain's mail goes (RFC 5321 §5), and where it is read
//! (RFC 2782, RFC 6186).

use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use crate::config::{self, Resolver};
use crate::dns;

/// One who is asked.
pub(super) struct Dns(TokioResolver);

/// A host that offers a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Service {
    pub host: String,
    pub port: u16,
}

impl Dns {
    /// Whoever `resolver` says, with `limit` for each question.
    pub(super) fn new(resolver: Resolver, limit: Duration) -> Result<Dns, NetError> {
        let (config, options) = dns::configuration(resolver, limit)?;
        let provider = TokioRuntimeProvider::default();
        let builder = TokioResolver::builder_with_config(config, provider).with_options(options);
        builder.build().map(Dns)
    }

    /// The hosts that take in a domain's mail, the preferred one first. A "null MX" (RFC 7505) is none.
    pub(super) async fn exchangers(&self, domain: &str) -> Result<Vec<String>, String> {
        let mut found: Vec<(u16, String)> = answers(self.0.mx_lookup(absolute(domain)).await)?
            .iter()
            .filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, name(&mx.exchange))),
                _ => None,
            })
            .filter(|(_, host)| !host.is_empty())
            .collect();
        found.sort();
        Ok(found.into_iter().map(|(_, host)| host).collect())
    }

    /// The first host that offers a service; a target of "." says that nobody does.
    pub(super) async fn service(&self, service: &str) -> Result<Option<Service>, String> {
        let mut found: Vec<(u16, u16, Service)> =
            answers(self.0.srv_lookup(absolute(service)).await)?
                .iter()
                .filter_map(|data| match data {
                    RData::SRV(srv) => {
                        let heavier_first = u16::MAX - srv.weight;
                        let service = Service { host: name(&srv.target), port: srv.port };
                        Some((srv.priority, heavier_first, service))
                    }
                    _ => None,
                })
                .filter(|(_, _, service)| config::is_host(&service.host) && service.port != 0)
                .collect();
        found.sort_by(|a, b| (a.0, a.1, &a.2.host).cmp(&(b.0, b.1, &b.2.host)));
        Ok(found.into_iter().next().map(|(_, _, service)| service))
    }
}

/// A name from the root, to which no search list is added.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn name(name: &impl ToString) -> String {
    name.to_string().trim_end_matches('.').to_ascii_lowercase()
}

/// The records found; that there are none is an answer too.
fn answers(looked_up: Result<Lookup, NetError>) -> Result<Vec<RData>, String> {
    match looked_up {
        Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.clone()).collect()),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{MX, SRV};
    use hickory_resolver::proto::rr::{Name, Record};
    use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server that knows these records, and says of every other name that it does not exist.
    async fn name_server(known: Vec<(&'static str, RData)>) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut question = [0; 4096];
            while let Ok((n, from)) = socket.recv_from(&mut question).await {
                let asked = Message::from_bytes(&question[..n]).unwrap();
                let mut answer = Message::response(asked.id, asked.op_code);
                answer.metadata.message_type = MessageType::Response;
                answer.metadata.recursion_available = true;
                for query in &asked.queries {
                    answer.add_query(query.clone());
                    for (name, data) in &known {
                        let name = Name::from_ascii(name).unwrap();
                        if name == *query.name() && data.record_type() == query.query_type() {
                            answer.add_answer(Record::from_rdata(name, 60, data.clone()));
                        }
                    }
                }
                if answer.answers.is_empty() {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                }
                socket.send_to(&answer.to_bytes().unwrap(), from).await.unwrap();
            }
        });
        address
    }

    fn mx(preference: u16, host: &str) -> RData {
        RData::MX(MX::new(preference, Name::from_ascii(host).unwrap()))
    }

    fn srv(priority: u16, weight: u16, port: u16, host: &str) -> RData {
        RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(host).unwrap()))
    }

    #[tokio::test]
    async fn the_preferred_host_comes_first() {
        let server = name_server(vec![
            ("broker.example.", mx(20, "backup.example.")),
            ("broker.example.", mx(10, "ASPMX.L.Google.com.")),
            ("null.example.", mx(0, ".")),
            ("_imaps._tcp.broker.example.", srv(5, 1, 993, "second.example.")),
            ("_imaps._tcp.broker.example.", srv(1, 1, 1993, "light.example.")),
            ("_imaps._tcp.broker.example.", srv(1, 9, 993, "imap.broker.example.")),
            ("_imap._tcp.broker.example.", srv(0, 0, 0, ".")),
        ])
        .await;
        let dns = Dns::new(Resolver::At(server), Duration::from_secs(5)).unwrap();
        assert_eq!(
            dns.exchangers("broker.example").await.unwrap(),
            ["aspmx.l.google.com", "backup.example"]
        );
        assert_eq!(dns.exchangers("null.example").await, Ok(Vec::new()));
        assert_eq!(dns.exchangers("nothing.example").await, Ok(Vec::new()));
        assert_eq!(
            dns.service("_imaps._tcp.broker.example").await,
            Ok(Some(Service { host: "imap.broker.example".to_owned(), port: 993 }))
        );
        assert_eq!(dns.service("_imap._tcp.broker.example").await, Ok(None));
        assert_eq!(dns.service("_imaps._tcp.nothing.example").await, Ok(None));
    }

    #[tokio::test]
    async fn the_way_from_an_address_to_its_server_is_told() {
        let server = name_server(vec![
            ("broker.example.", mx(10, "broker-example.mail.protection.outlook.com.")),
            ("own.example.", mx(10, "mx.own.example.")),
            ("_imaps._tcp.own.example.", srv(0, 0, 993, "imap.own.example.")),
            ("_imap._tcp.hosted.example.", srv(0, 0, 143, "imap.hoster.example.")),
        ])
        .await;
        let resolver = Resolver::At(server);
        let found = async |address: &str| {
            let dns = Dns::new(resolver, Duration::from_secs(5)).unwrap();
            let providers = crate::provider::built_in().unwrap();
            let (_, domain) = address.split_once('@').unwrap();
            let found = super::super::by_dns(&dns, &providers, address, domain).await;
            found.map(|found| {
                let server = &found.server;
                let consent = if found.needs_consent { ", if you agree" } else { "" };
                format!(
                    "{}:{} {:?}: {}{consent}",
                    server.host, server.port, server.tls, found.because
                )
            })
        };
        for (address, expected) in [
            (
                "ops@broker.example",
                "outlook.office365.com:993 Implicit: the mail of broker.example goes to broker-example.mail.protection.outlook.com",
            ),
            (
                "ops@own.example",
                "imap.own.example:993 Implicit: the SRV record _imaps._tcp.own.example",
            ),
            (
                "ops@hosted.example",
                "imap.hoster.example:143 StartTls: the SRV record _imap._tcp.hosted.example, if you agree",
            ),
        ] {
            assert_eq!(found(address).await.as_deref(), Ok(expected));
        }
        assert_eq!(
            found("ops@nothing.example").await.unwrap_err(),
            [
                "nothing.example has no MX record",
                "there is no SRV record _imaps._tcp.nothing.example",
                "there is no SRV record _imap._tcp.nothing.example"
            ]
        );
    }
}
