//! What the machine is called, where it stands, and what its environment says.

use fluent_compat::time::Zone;
use jiff::tz::TimeZone;

/// The host's name, as `Socket.gethostname` gives it; `localhost` where it has none.
pub fn hostname() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    match name.as_ref() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// The environment variables that are valid text.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// An environment variable, if it is set and valid text.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The host's time zone: `TZ`, or what the system is set to; UTC where it is set to none.
pub fn local_zone() -> Zone {
    Zone::Named(TimeZone::try_system().unwrap_or(TimeZone::UTC))
}

/// Whether a terminal may be written to in colours: `NO_COLOR` is not set, or empty.
pub fn wants_color() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
