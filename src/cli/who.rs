//! Who controls a run, for the store's records.

/// The name recorded for changes over HTTP: the service knows a token, not a person.
pub(in crate::cli) const OVER_HTTP: &str = "the service's HTTP API";

/// Returns the name of the user who runs this command.
pub(in crate::cli) fn user_name() -> String {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
