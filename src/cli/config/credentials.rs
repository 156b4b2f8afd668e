//! Credentials of providers: as written in the configuration, or from the environment.

use secrecy::SecretString;

use crate::cli::config::file::{ConfigFile, SecretText, variable_in_words};
use crate::cli::error::{CliError, Exit};
use crate::provider::EndpointError;

/// Returns the error for a provider whose credential is not configured at all.
pub(super) fn no_credential(name: &str, key: &str) -> CliError {
    CliError::new(
        Exit::Environment,
        format!(
            "provider `{name}` has no credential; set `{key}` in campaigner.toml to the name of an environment variable, \
             and put the credential in that variable"
        ),
    )
}

/// Returns a secret of a provider: as written, or from the variable that is named; `None` if there is neither. `what`
/// is its name for people, `key` the one in campaigner.toml.
///
/// # Errors
/// When the variable is not set.
pub(super) fn secret(
    name: &str,
    what: &str,
    key: &str,
    written: Option<&SecretText>,
    variable: Option<&str>,
) -> Result<Option<SecretString>, CliError> {
    if let Some(SecretText(secret)) = written {
        return Ok(Some(secret.clone()));
    }
    let Some(variable) = variable else { return Ok(None) };
    match std::env::var(variable) {
        Ok(secret) if !secret.trim().is_empty() => Ok(Some(SecretString::from(secret))),
        _ => Err(CliError::new(
            Exit::Environment,
            format!(
                "provider `{name}` has no {what}; set the environment variable {}",
                variable_in_words(variable, &format!("{key}_env"))
            ),
        )),
    }
}

/// Returns an environment variable that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Returns why a base URL or a credential cannot be used, without quoting either. `url` is what sets the URL, and
/// `default` is the provider's own.
pub(super) fn unusable(error: &EndpointError, url: &str, default: &str) -> String {
    match error {
        EndpointError::BadUrl(_) => format!("the value of {url} is not a base URL; write one such as {default}"),
        EndpointError::Insecure(_) => format!(
            "with this {url}, the credential and the numbers would be sent unencrypted; use https:// (http:// is allowed \
             only for this machine)"
        ),
        EndpointError::Password
        | EndpointError::BadCredential(_)
        | EndpointError::BadPhoneNumberId
        | EndpointError::BadWabaId => error.to_string(),
    }
}

/// Returns what sets the address of an account: a variable for a built-in one, a key for any other.
pub(in crate::cli) fn url_setting(name: &str, configured: &ConfigFile) -> &'static str {
    match name {
        "incs" if !configured.providers.contains_key(name) => "INCS_BASE_URL",
        "meta" if !configured.providers.contains_key(name) => "META_BASE_URL",
        _ => "`base_url`",
    }
}
