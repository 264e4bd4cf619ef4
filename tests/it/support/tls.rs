//! A server that shows a certificate of long ago.

use std::fs;
use std::process::{Command, Stdio};

use super::dovecot::{accepts, certify, free_ports};
use super::{Server, needed, output_of, scratch, until};

/// The server; it ends with its value.
#[derive(Debug)]
pub struct Expired {
    directory: tempfile::TempDir,
    /// Where it listens.
    pub port: u16,
    _server: Server,
}

impl Expired {
    /// Starts it.
    pub fn start() -> Expired {
        let directory = scratch();
        certify(directory.path());
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write(
            "ca.conf",
            "[ca]\ndefault_ca = x\n[x]\ndatabase = index\nrand_serial = yes\n\
             default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n",
        );
        write("index", "");
        let line = "ca -config ca.conf -batch -notext -cert ca.pem -keyfile ca.key -in leaf.csr \
                    -out old.pem -outdir . -startdate 20240101000000Z -enddate 20240201000000Z \
                    -extfile leaf.ext";
        let openssl = || {
            let mut openssl = Command::new(needed("openssl", "openssl"));
            openssl.current_dir(directory.path());
            openssl
        };
        output_of(openssl().args(line.split_whitespace()));
        let port = free_ports().0;
        let mut server = openssl();
        server
            .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")])
            .args(["-cert", "old.pem", "-key", "leaf.key"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Server(server.spawn().unwrap());
        until("it listens", || match accepts(port) {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        });
        Expired { directory, port, _server: server }
    }

    /// Returns the authority's certificate, for `ca-file`.
    pub fn ca_file(&self) -> String {
        self.directory.path().join("ca.pem").display().to_string()
    }
}
