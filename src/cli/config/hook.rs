//! `[on_done]` in the configuration: who is told that a run is over.
//!
//! Only in the configuration, never in a campaign, and a command only in one that was named: what merely lies in a
//! folder runs nothing.

use secrecy::SecretString;

use crate::cli::config::file::{self, RawHook, variable_in_words};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::hook::Hook;

/// Who is told, if anybody. Looked at before anything is sent.
pub(in crate::cli) async fn hook(global: &Global) -> Result<Option<Hook>, CliError> {
    let Some(RawHook { url, command, secret_env }) = file::read(global).await?.on_done else { return Ok(None) };
    let wrong = |words: &str| CliError::new(Exit::Wrong, format!("`on_done` in the configuration: {words}"));
    let secret = || secret_env.as_deref().map(secret).transpose();
    match (url, command) {
        (Some(url), None) => Hook::url(&url, secret()?).map(Some).map_err(|error| wrong(&format!("`url`: {error}"))),
        (None, Some(_)) if global.config.is_none() => Err(wrong(
            "a command is run only from a configuration that is named, so that no file that merely lies in a folder runs \
             anything; add `--config campaigner.toml`, or set CAMPAIGNER_CONFIG",
        )),
        (None, Some(command)) => match command.split_first() {
            Some((program, arguments)) => Ok(Some(Hook::command(program.clone(), arguments.to_vec(), secret()?))),
            None => Err(wrong("`command` names no program; write `command = [\"/usr/local/bin/tell\", \"--team\"]`")),
        },
        _ => Err(wrong("it needs either `url` or `command`")),
    }
}

fn secret(name: &str) -> Result<SecretString, CliError> {
    match std::env::var(name) {
        Ok(secret) if !secret.trim().is_empty() => Ok(SecretString::from(secret)),
        _ => Err(CliError::new(
            Exit::Environment,
            format!(
                "`on_done` needs its secret in the environment variable {}, which is not set",
                variable_in_words(name, "secret_env")
            ),
        )),
    }
}
