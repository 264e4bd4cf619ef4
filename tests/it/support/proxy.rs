//! The network between acewatch and a server, under the test's control.
//!
//! A TCP proxy on the loopback interface: what it does with a connection follows from its present
//! [`Fault`], which may change at any time and then holds for the connections that are open, too.
//! Where it stalls, both ends keep a connection that looks alive.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use socket2::SockRef;

/// How long a thread waits for octets before it looks again at what it is to do.
const GLANCE: Duration = Duration::from_millis(50);

/// What becomes of what passes through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Nothing bad.
    None,
    /// Octets vanish in both directions, for good: a half-open connection. New connections are
    /// taken and stay as mute.
    Drop,
    /// Nothing moves; it goes on where it stopped once the fault is over.
    Stall,
    /// Connections end at once by FIN, new ones right after they were taken.
    Cut,
    /// The same by RST.
    Reset,
    /// So many octets a second come from the server.
    Throttle(usize),
    /// After so many more octets from the server inside a literal, all connections end once. What
    /// follows is without fault.
    CutInLiteral(usize),
    /// As [`Fault::CutInLiteral`], but from then on nothing moves in that connection.
    StallInLiteral(usize),
    /// Nobody listens.
    Refuse,
}

/// The proxy; it ends with its value.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    server: u16,
    fault: Mutex<Fault>,
    changed: Condvar,
    is_over: AtomicBool,
    is_listening: AtomicBool,
    n_open: AtomicUsize,
    n_most: AtomicUsize,
    n_all: AtomicUsize,
}

impl Proxy {
    /// Starts one in front of the port `server`.
    pub fn to(server: u16) -> Proxy {
        Proxy::with(server, Fault::None)
    }

    /// Starts one with a fault from the beginning.
    pub fn with(server: u16, fault: Fault) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            port,
            server,
            fault: Mutex::new(fault),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
            is_listening: AtomicBool::new(true),
            n_open: AtomicUsize::new(0),
            n_most: AtomicUsize::new(0),
            n_all: AtomicUsize::new(0),
        });
        let acceptor = Arc::clone(&shared);
        std::thread::spawn(move || acceptor.accept(listener));
        Proxy { port, shared }
    }

    /// Changes what becomes of what passes through.
    #[track_caller]
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
        self.shared.changed.notify_all();
        super::until("the proxy listens, or does not, as it should", || {
            match self.shared.is_listening.load(Ordering::Relaxed) == (fault != Fault::Refuse) {
                true => Ok(()),
                false => Err(format!("{fault:?}")),
            }
        });
    }

    /// Returns the fault as it is; those that happen once are then over.
    pub fn fault(&self) -> Fault {
        self.shared.fault()
    }

    /// Returns how many connections there were at most at the same time.
    pub fn n_most(&self) -> usize {
        self.shared.n_most.load(Ordering::Relaxed)
    }

    /// Returns how many connections its client holds at this moment, as the system sees it.
    pub fn n_held(&self) -> usize {
        const ESTABLISHED: &str = "01";
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let peer = format!(":{:04X}", self.port);
        let is_held = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.len() > 3 && words[2].ends_with(&peer) && words[3] == ESTABLISHED
        };
        table.lines().filter(|line| is_held(line)).count()
    }

    /// Returns how many connections there have been.
    pub fn n_all(&self) -> usize {
        self.shared.n_all.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Waits for another fault, or a moment.
    fn rest(&self, limit: Duration) {
        let fault = self.fault.lock().unwrap();
        drop(self.changed.wait_timeout(fault, limit).unwrap());
    }

    fn accept(self: Arc<Shared>, listener: TcpListener) {
        let mut listener = Some(listener);
        while !self.is_over() {
            if self.fault() == Fault::Refuse {
                listener = None;
            } else if listener.is_none() {
                // The port may still be in use by what is being closed.
                listener = reopened(self.port);
            }
            self.is_listening.store(listener.is_some(), Ordering::Relaxed);
            let Some(listener) = &listener else {
                self.rest(GLANCE);
                continue;
            };
            listener.set_nonblocking(true).unwrap();
            let Ok((client, _)) = listener.accept() else {
                self.rest(Duration::from_millis(10));
                continue;
            };
            client.set_nonblocking(false).unwrap();
            self.n_all.fetch_add(1, Ordering::Relaxed);
            let n_open = self.n_open.fetch_add(1, Ordering::Relaxed) + 1;
            self.n_most.fetch_max(n_open, Ordering::Relaxed);
            let shared = Arc::clone(&self);
            std::thread::spawn(move || {
                shared.serve(client);
                shared.n_open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    /// Carries octets both ways until one side, or a fault, ends it.
    fn serve(self: &Arc<Shared>, client: TcpStream) {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server));
        let Ok(server) = server else {
            return;
        };
        let is_ended = Arc::new(AtomicBool::new(false));
        let up = {
            let (shared, is_ended) = (Arc::clone(self), Arc::clone(&is_ended));
            let (client, server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || shared.carry(client, server, &is_ended, false))
        };
        self.carry(server, client, &is_ended, true);
        up.join().unwrap();
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, is_ended: &AtomicBool, is_down: bool) {
        from.set_read_timeout(Some(GLANCE)).unwrap();
        let mut literals = Literals::default();
        let mut is_stuck = false;
        let mut octets = [0; 16 * 1024];
        while !is_ended.load(Ordering::Relaxed) && !self.is_over() {
            let fault = self.fault();
            match fault {
                Fault::Cut | Fault::Reset | Fault::Refuse => {
                    if fault == Fault::Reset {
                        let client = if is_down { &to } else { &from };
                        let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
                    }
                    break;
                }
                Fault::Stall => {
                    self.rest(GLANCE);
                    continue;
                }
                _ if is_stuck => {
                    // A client that gave it up has to be noticed all the same.
                    let mut one = [0; 1];
                    to.set_read_timeout(Some(GLANCE)).unwrap();
                    if matches!(to.peek(&mut one), Ok(0)) {
                        break;
                    }
                    self.rest(GLANCE);
                    continue;
                }
                _ => {}
            }
            let most = match fault {
                Fault::Throttle(n) if is_down => (n / 20).max(1),
                _ => octets.len(),
            };
            let n_octets = match from.read(&mut octets[..most]) {
                Ok(0) => break,
                Ok(n_octets) => n_octets,
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            let mut passing = &octets[..n_octets];
            // What was on its way when the fault began is its first victim.
            match self.fault() {
                Fault::Drop => continue,
                Fault::Throttle(_) if is_down => self.rest(GLANCE),
                fault @ (Fault::CutInLiteral(after) | Fault::StallInLiteral(after)) if is_down => {
                    if let Some(end) = literals.passed(passing, after) {
                        passing = &passing[..end];
                        is_stuck = true;
                        *self.fault.lock().unwrap() = Fault::None;
                        if matches!(fault, Fault::CutInLiteral(_)) {
                            let _ = to.write_all(passing);
                            break;
                        }
                    }
                }
                _ => {}
            }
            if to.write_all(passing).is_err() {
                break;
            }
        }
        is_ended.store(true, Ordering::Relaxed);
        if self.fault() == Fault::Reset {
            // The last of the two threads to go closes it, without a farewell.
            return;
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}

fn reopened(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// Finds a place inside a literal in what a server sends.
#[derive(Debug, Default)]
struct Literals {
    line: Vec<u8>,
    /// Octets of the present literal that have passed and that are left.
    inside: Option<(usize, usize)>,
}

impl Literals {
    /// Returns where in `octets` a literal has so many octets behind it.
    fn passed(&mut self, octets: &[u8], after: usize) -> Option<usize> {
        for (at, octet) in octets.iter().enumerate() {
            match self.inside {
                Some((_, 0)) => self.inside = None,
                Some((gone, _)) if gone == after => return Some(at),
                Some((gone, left)) => {
                    self.inside = Some((gone + 1, left - 1));
                    continue;
                }
                None => {}
            }
            self.line.push(*octet);
            if *octet == b'\n' {
                let line = String::from_utf8_lossy(&self.line);
                let announced = line.trim_end().strip_suffix('}').and_then(|line| {
                    line.rsplit_once('{').and_then(|(_, size)| size.parse::<usize>().ok())
                });
                self.inside = announced.filter(|size| after < *size).map(|size| (0, size));
                self.line.clear();
            }
        }
        None
    }
}
