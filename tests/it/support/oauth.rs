//! A provider of OAuth 2.0 on this machine: authorization, device, token, revocation and introspection
//! endpoints, with faults to plan. It answers one question per connection.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dovecot::USER;

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who signs in.
    pub who: &'static str,
    /// Whether it says so.
    pub names: bool,
    /// What is allowed.
    pub scope: &'static str,
    /// How long access tokens live, and how long it says so, in seconds.
    pub life: u64,
    /// What it says of that; lives and clocks may differ.
    pub life_told: u64,
    /// How long a permission lasts, where it says so, in seconds.
    pub refresh_life: Option<u64>,
    /// Whether each refresh gives a new refresh token and ends the old one.
    pub rotates: bool,
    /// The status that the token endpoint answers everything with; 0 for none.
    pub status: u16,
    /// Whether the token endpoint does its work and keeps the answer to itself.
    pub swallows: bool,
    /// What the next questions about a device's code are answered with, in their order.
    pub device: Vec<&'static str>,
}

/// A running provider.
#[derive(Debug)]
pub struct Provider {
    /// Its port.
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    port: u16,
    n_made: u32,
    /// Each code with the challenge and the address that it belongs to.
    codes: BTreeMap<String, (String, String)>,
    /// Good refresh tokens.
    refresh: BTreeSet<String>,
    /// Access tokens: until when, what for, whose.
    access: BTreeMap<String, (Instant, String, String)>,
    secrets: Vec<String>,
    n_refreshed: u32,
    n_polls: Vec<Instant>,
    n_revoked: u32,
}

impl Provider {
    /// Starts one that gives whatever is asked for.
    pub fn start() -> Provider {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Plan {
            who: USER,
            names: false,
            scope: "imap",
            life: 3600,
            life_told: 3600,
            refresh_life: None,
            rotates: true,
            status: 0,
            swallows: false,
            device: Vec::new(),
        };
        let shared = Arc::new(Mutex::new(Shared {
            plan,
            port,
            n_made: 0,
            codes: BTreeMap::new(),
            refresh: BTreeSet::new(),
            access: BTreeMap::new(),
            secrets: Vec::new(),
            n_refreshed: 0,
            n_polls: Vec::new(),
            n_revoked: 0,
        }));
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&known);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Provider { port, shared }
    }

    /// Changes how it behaves.
    pub fn plan(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.lock().plan);
    }

    /// Takes every permission back, and every token with it.
    pub fn take_back(&self) {
        let mut shared = self.lock();
        shared.refresh.clear();
        shared.access.clear();
    }

    /// Ends every access token, of which it has told another life.
    pub fn end_tokens(&self) {
        self.lock().access.clear();
    }

    /// Returns whether every access token has ended.
    pub fn is_spent(&self) -> bool {
        self.lock().access.values().all(|(until, ..)| *until < Instant::now())
    }

    /// Returns how often a token was renewed.
    pub fn n_refreshed(&self) -> u32 {
        self.lock().n_refreshed
    }

    /// Returns how often a permission was given back.
    pub fn n_revoked(&self) -> u32 {
        self.lock().n_revoked
    }

    /// Returns the times between questions about a device's code.
    pub fn pauses(&self) -> Vec<Duration> {
        self.lock().n_polls.windows(2).map(|two| two[1] - two[0]).collect()
    }

    /// Panics where `text` has any code or token.
    #[track_caller]
    pub fn is_silent(&self, text: &str) {
        for secret in &self.lock().secrets {
            assert!(!text.contains(secret.as_str()), "{secret} stands in {text}");
        }
        assert!(!text.contains("hunter2-shared"), "{text}");
    }

    /// Returns the table of a mailbox's OAuth, with `more` lines.
    pub fn table(&self, more: &str) -> String {
        let url = format!("http://127.0.0.1:{}", self.port);
        format!(
            r#"
            [mailbox.oauth]
            authorization-url = "{url}/authorize"
            device-url = "{url}/device"
            token-url = "{url}/token"
            revocation-url = "{url}/revoke"
            scopes = ["imap", "offline_access"]
            client-id = "acewatch-test"
            client-secret = "hunter2-shared"
            {more}
            "#
        )
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Shared {
    fn make(&mut self, kind: &str) -> String {
        self.n_made += 1;
        let secret =
            format!("{kind}-{}-{:016x}", self.n_made, u64::from(self.n_made) * 0x9e37_79b9);
        self.secrets.push(secret.clone());
        secret
    }

    fn tokens(&mut self, refresh: Option<String>) -> Value {
        let access = self.make("access");
        let Plan { life, life_told, who, names, scope, refresh_life, .. } = self.plan.clone();
        let until = Instant::now() + Duration::from_secs(life);
        self.access.insert(access.clone(), (until, scope.to_owned(), who.to_owned()));
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": life_told,
            "scope": format!("{scope} offline_access"),
        });
        if let Some(refresh) = refresh {
            self.refresh.insert(refresh.clone());
            answer["refresh_token"] = json!(refresh);
        }
        if names {
            let claims = base64url(json!({ "email": who }).to_string().as_bytes());
            answer["id_token"] = json!(format!("e30.{claims}.x"));
        }
        if let Some(seconds) = refresh_life {
            answer["refresh_token_expires_in"] = json!(seconds);
        }
        answer
    }

    fn token(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        let of = |name: &str| form.get(name).map_or("", String::as_str);
        let refused = |code: &str| {
            // Words of a provider may hold anything.
            (400, json!({ "error": code, "error_description": "no \u{1b}[31m\r\nsuch grant" }))
        };
        if of("client_id") != "acewatch-test" || of("client_secret") != "hunter2-shared" {
            return refused("invalid_client");
        }
        match of("grant_type") {
            "authorization_code" => {
                let Some((challenge, redirect)) = self.codes.remove(of("code")) else {
                    return refused("invalid_grant");
                };
                if base64url(&Sha256::digest(of("code_verifier"))) != challenge
                    || of("redirect_uri") != redirect
                {
                    return refused("invalid_grant");
                }
                let refresh = self.make("refresh");
                (200, self.tokens(Some(refresh)))
            }
            "refresh_token" => {
                let old = of("refresh_token").to_owned();
                if !self.refresh.contains(&old) {
                    return refused("invalid_grant");
                }
                self.n_refreshed += 1;
                let new = self.plan.rotates.then(|| self.make("refresh"));
                if new.is_some() {
                    self.refresh.remove(&old);
                }
                (200, self.tokens(new))
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                self.n_polls.push(Instant::now());
                if !self.plan.device.is_empty() {
                    return refused(self.plan.device.remove(0));
                }
                let refresh = self.make("refresh");
                (200, self.tokens(Some(refresh)))
            }
            _ => refused("unsupported_grant_type"),
        }
    }

    fn introspect(&self, token: &str) -> Value {
        match self.access.get(token) {
            Some((until, scope, who)) if Instant::now() < *until => {
                json!({ "active": true, "scope": scope, "email": who })
            }
            _ => json!({ "active": false }),
        }
    }
}

fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut asked = Vec::new();
    let mut chunk = [0; 4096];
    let (head, body) = loop {
        let Ok(n @ 1..) = stream.read(&mut chunk) else { return };
        asked.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&asked).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if length.unwrap_or(0) <= body.len() {
            break (head.to_owned(), body.to_owned());
        }
    };
    let target = head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let form = |text: &str| -> BTreeMap<String, String> {
        text.split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    };
    let (query, body) = (form(query), form(&body));
    let mut location = String::new();
    let (status, answer) = {
        let mut shared = shared.lock().unwrap();
        let plan = shared.plan.clone();
        match path {
            "/authorize" => {
                let code = shared.make("code");
                let redirect = query["redirect_uri"].clone();
                assert_eq!(query["code_challenge_method"], "S256");
                assert_eq!(query["login_hint"], USER);
                shared
                    .codes
                    .insert(code.clone(), (query["code_challenge"].clone(), redirect.clone()));
                location = format!("{redirect}?code={code}&state={}", query["state"]);
                (302, json!({}))
            }
            "/device" => {
                let code = shared.make("device");
                let port = shared.port;
                let url = format!("http://127.0.0.1:{port}/verify");
                let answer = json!({
                    "device_code": code, "user_code": "WDJB-MJHT", "verification_uri": url,
                    "expires_in": 600, "interval": 1,
                });
                (200, answer)
            }
            "/token" if plan.status != 0 => (plan.status, json!("out of order")),
            "/token" => {
                let answer = shared.token(&body);
                if plan.swallows {
                    drop(shared);
                    // Until whoever asked is gone.
                    let _ = stream.read(&mut chunk);
                    return;
                }
                answer
            }
            "/revoke" => {
                shared.n_revoked += u32::from(shared.refresh.remove(&body["token"]));
                (200, json!({}))
            }
            "/introspect" => (200, shared.introspect(&body["token"])),
            _ => (404, json!({})),
        }
    };
    let answer = answer.to_string();
    let location = if location.is_empty() { location } else { format!("location: {location}\r\n") };
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{location}content-length: {}\r\n\
         connection: close\r\n\r\n{answer}",
        answer.len()
    );
}

/// Does what a browser does at `url`: goes where the provider sends it. Returns the last page.
pub fn browse(url: &str) -> String {
    let to = go(url).1.expect("the provider sends the browser on");
    go(&to).0
}

/// Returns the page at `url`, and where it sends the browser instead.
pub fn go(url: &str) -> (String, Option<String>) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut answer = agent.get(url).call().unwrap();
    let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.body_mut().read_to_string().unwrap(), location)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
