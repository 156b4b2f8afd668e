//! Who gives an order, for the store's records.

/// What an order over HTTP is recorded as: the service knows a token, not a person.
pub(in crate::cli) const OVER_HTTP: &str = "the service's HTTP API";

/// The person who runs this command, as the system names them.
pub(in crate::cli) fn runs_this() -> String {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
