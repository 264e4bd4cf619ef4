//! Answers that are not shown while they are typed.
//!
//! For that time the terminal shows nothing and turns no key into a signal, and a process that ends by one
//! would leave it so: its user would type on unseen. `rpassword` puts the terminal back when it has been
//! answered, but not when a signal comes, and at Ctrl-C it raises one itself.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::OnceLock;

use secrecy::zeroize::Zeroizing;

/// The signals by which a process at a terminal is ended.
const ENDING: [libc::c_int; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// The terminal of this process, and how it was set before the first question.
static TERMINAL: OnceLock<(File, libc::termios)> = OnceLock::new();

/// Asks at the terminal of the process, and reads a line there. A signal that ends the process meanwhile
/// leaves the terminal as it was.
///
/// # Errors
///
/// There is no terminal, or nobody answers there.
pub(crate) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    if TERMINAL.get().is_none() {
        let terminal = File::open("/dev/tty")?;
        let settings = settings(&terminal)?;
        // Whoever was first has seen the same.
        let _ = TERMINAL.set((terminal, settings));
    }
    let _guards = ENDING.map(Guard::new);
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

#[expect(unsafe_code, reason = "the C library alone knows a terminal's settings")]
fn settings(terminal: &File) -> io::Result<libc::termios> {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: the descriptor is open, and the settings are used only where tcgetattr(3) has written them.
    unsafe {
        match libc::tcgetattr(terminal.as_raw_fd(), settings.as_mut_ptr()) {
            0 => Ok(settings.assume_init()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Puts the terminal back, and lets the signal do what it does.
#[expect(unsafe_code, reason = "a handler of signals can do nothing else")]
extern "C" fn put_back(signal: libc::c_int) {
    if let Some((terminal, settings)) = TERMINAL.get() {
        // What was typed and not read yet may be half a password, which is not for the shell to show.
        // SAFETY: tcsetattr(3) may be called by a handler; the descriptor is never closed.
        unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSAFLUSH, settings) };
    }
    // SAFETY: raise(3) may be called by a handler. SA_RESETHAND has made the default the signal's action,
    // which it takes when this returns.
    unsafe { libc::raise(signal) };
}

/// Has a signal put the terminal back, as long as it lives.
struct Guard {
    signal: libc::c_int,
    /// What is to be done with the signal otherwise; none where it is ignored, and stays so.
    before: Option<libc::sigaction>,
}

impl Guard {
    #[expect(unsafe_code, reason = "the C library alone sets a handler that goes away again")]
    fn new(signal: libc::c_int) -> Guard {
        let handler: extern "C" fn(libc::c_int) = put_back;
        // SAFETY: a `sigaction` of zeros is a valid one; sigaction(2) and sigfillset(3) write to those they are
        // given, and `put_back` does only what a handler may.
        let before = unsafe {
            let mut before = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            let mut action = before;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESETHAND;
            // A process in the background would be stopped for touching the terminal.
            libc::sigfillset(&raw mut action.sa_mask);
            let is_known = libc::sigaction(signal, ptr::null(), &raw mut before) == 0;
            let is_set = is_known
                && before.sa_sigaction != libc::SIG_IGN
                && libc::sigaction(signal, &raw const action, ptr::null_mut()) == 0;
            is_set.then_some(before)
        };
        Guard { signal, before }
    }
}

impl Drop for Guard {
    #[expect(unsafe_code, reason = "the C library alone sets a handler")]
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: this is what sigaction(2) told before.
            unsafe { libc::sigaction(self.signal, before, ptr::null_mut()) };
        }
    }
}
