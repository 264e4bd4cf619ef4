//! Where the session bus of this user may be.

/// The bus itself (D-Bus Specification, "Message Bus Messages").
pub const BUS: &str = "org.freedesktop.DBus";

/// The addresses to try, in their order: where the environment says, and where logind puts it, which
/// a login that came after the start of this process may use alone.
#[must_use]
pub fn addresses() -> Vec<String> {
    let named = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|text| !text.is_empty());
    let runtime = std::env::var("XDG_RUNTIME_DIR").ok().filter(|text| !text.is_empty());
    let usual = runtime.map(|directory| format!("unix:path={directory}/bus"));
    // A user without either has no session; the library would look at the usual place for them.
    let mut found: Vec<String> = named.into_iter().chain(usual).collect();
    found.dedup();
    found
}
