//! What the configuration takes from the process it runs in, as plain values.
//!
//! Everything else here is a function of these values and of the file, so that a test needs
//! no environment of its own. The directories follow the XDG Base Directory Specification,
//! which wants relative paths in its variables ignored.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::domain::zone::Zone;

/// Where the user's files are, and which zone the machine is in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Environment {
    /// `$XDG_CONFIG_HOME`, else `~/.config`.
    pub config_home: PathBuf,
    /// `$XDG_DATA_HOME`, else `~/.local/share`.
    pub data_home: PathBuf,
    /// `$CREDENTIALS_DIRECTORY`, set by systemd for a service that was given credentials.
    pub credentials_directory: Option<PathBuf>,
    /// The name of the system's time zone as written in `$TZ` or known to the system, not yet
    /// checked to be one.
    pub system_zone: Option<String>,
}

impl Environment {
    /// Looks the values up in this process. Meant to be called once, at the edge.
    pub fn from_process() -> Self {
        let system_zone = || iana_time_zone::get_timezone().ok();
        Self::from_variables(|name| env::var_os(name), env::home_dir(), system_zone)
    }

    /// Makes the values from variables, the home directory and the system's zone.
    fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
        home: Option<PathBuf>,
        system_zone: impl FnOnce() -> Option<String>,
    ) -> Self {
        let directory =
            |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        // Who has no home gets paths under the root. They fail with a path in the error, which
        // tells more than a complaint about a variable that most people never set.
        let home = home.unwrap_or_else(|| PathBuf::from("/"));
        // POSIX allows a colon before the name; a rule such as `EST5EDT,M3.2.0` names no zone
        // and falls through to the system's.
        let from_variable = variable("TZ")
            .and_then(|zone| zone.into_string().ok())
            .map(|zone| zone.trim_start_matches(':').to_owned())
            .filter(|zone| Zone::named(zone).is_some());
        Self {
            config_home: directory("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            data_home: directory("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
            credentials_directory: directory("CREDENTIALS_DIRECTORY"),
            system_zone: from_variable.or_else(system_zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: [Option<&str>; 4]) {
        let environment = Environment::from_variables(
            |name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()),
            Some(PathBuf::from("/home/ops")),
            || Some("Etc/UTC".to_owned()),
        );
        let [config_home, data_home, credentials_directory, zone] = expected;
        let expected = Environment {
            config_home: config_home.unwrap_or("/home/ops/.config").into(),
            data_home: data_home.unwrap_or("/home/ops/.local/share").into(),
            credentials_directory: credentials_directory.map(PathBuf::from),
            system_zone: Some(zone.unwrap_or("Etc/UTC").to_owned()),
        };
        assert_eq!(environment, expected, "{variables:?}");
    }

    #[test]
    fn an_empty_environment_gives_the_places_below_home() {
        check(&[], [None; 4]);
    }

    #[test]
    fn variables_win_over_the_places_below_home() {
        check(
            &[
                ("XDG_CONFIG_HOME", "/c"),
                ("XDG_DATA_HOME", "/d"),
                ("CREDENTIALS_DIRECTORY", "/run/credentials/x"),
                ("TZ", ":America/Denver"),
            ],
            [Some("/c"), Some("/d"), Some("/run/credentials/x"), Some("America/Denver")],
        );
    }

    #[test]
    fn relative_and_empty_variables_are_ignored() {
        check(&[("XDG_CONFIG_HOME", "c"), ("XDG_DATA_HOME", "")], [None; 4]);
    }

    #[test]
    fn a_zone_rule_is_no_zone_name() {
        check(&[("TZ", "EST5EDT,M3.2.0,M11.1.0")], [None; 4]);
    }
}
