//! `[on_done]` in the configuration: the hook that is called when a run has finished.
//!
//! It is set only in the configuration, never in a campaign. A command is allowed only in a configuration that the
//! user names, so that no file that happens to be in a folder runs a program.

use secrecy::SecretString;

use crate::cli::config::file::{self, RawHook, variable_in_words};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::hook::Hook;

/// Returns the configured hook, if any. It is checked before anything is sent.
pub(in crate::cli) async fn hook(global: &Global) -> Result<Option<Hook>, CliError> {
    let Some(RawHook { url, command, secret_env }) = file::read(global).await?.on_done else { return Ok(None) };
    let invalid = |words: &str| CliError::new(Exit::Wrong, format!("`on_done` in the configuration {words}"));
    let wrong = |words: &str| CliError::new(Exit::Wrong, format!("`on_done` in the configuration: {words}"));
    let secret = || secret_env.as_deref().map(secret).transpose();
    match (url, command) {
        (Some(url), None) => Hook::url(&url, secret()?).map(Some).map_err(|error| wrong(&format!("`url`: {error}"))),
        (None, Some(_)) if global.config.is_none() => Err(wrong(
            "`command` works only in a configuration that you name, so that a file that happens to be in the folder \
             cannot run programs; add `--config campaigner.toml`, or set CAMPAIGNER_CONFIG",
        )),
        (None, Some(command)) => match command.split_first() {
            Some((program, arguments)) => Ok(Some(Hook::command(program.clone(), arguments.to_vec(), secret()?))),
            None => Err(wrong("`command` is empty; write `command = [\"/usr/local/bin/notify\", \"--team\"]`")),
        },
        (Some(_), Some(_)) => Err(invalid("has both `url` and `command`; remove one")),
        (None, None) => Err(invalid("has neither `url` nor `command`; add one")),
    }
}

fn secret(name: &str) -> Result<SecretString, CliError> {
    match std::env::var(name) {
        Ok(secret) if !secret.trim().is_empty() => Ok(SecretString::from(secret)),
        _ => Err(CliError::new(
            Exit::Environment,
            format!(
                "`on_done` has no secret, because the environment variable {} is not set; set it, or remove `secret_env` \
                 to send without a signature",
                variable_in_words(name, "secret_env")
            ),
        )),
    }
}
