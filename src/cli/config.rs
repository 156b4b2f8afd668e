//! `campaigner.toml` and the environment: which providers there are, and with which credentials.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::Global;
use super::desks::{RawCams, RawNxlink};
use super::done::RawHook;
use super::exit::{Exit, Failure, chain};
use super::webhook::RawWebhook;
use crate::provider::{Endpoint, INCS_BASE_URL};
use crate::simulator::{Behaviour, Simulator};

/// The file, as a person wrote it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    providers: BTreeMap<String, RawProvider>,
    #[serde(default)]
    pub(super) nxlink: RawNxlink,
    #[serde(default)]
    pub(super) cams: RawCams,
    pub(super) on_done: Option<RawHook>,
    #[serde(default)]
    pub(super) webhook: RawWebhook,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    kind: Kind,
    base_url: Option<String>,
    certification_code: Option<SecretText>,
    certification_code_env: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Incs,
    Simulator,
}

/// A text that is secret from the moment it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct SecretText(pub(super) SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A provider that can be reached. The simulator lives as long as this does.
pub(super) struct Account {
    pub(super) endpoint: Endpoint,
    _simulator: Option<Simulator>,
}

/// Whether there is a provider of this name, without asking for its credential.
pub(super) fn known(name: &str, global: &Global) -> Result<(), Failure> {
    let configured = read(global)?;
    if configured.providers.contains_key(name) || BUILT_IN.contains(&name) {
        return Ok(());
    }
    Err(unknown(name, &configured))
}

fn unknown(name: &str, configured: &Raw) -> Failure {
    let known: Vec<&str> = configured.providers.keys().map(String::as_str).chain(BUILT_IN).collect();
    Failure::new(Exit::Wrong, format!("there is no provider `{name}`; there are {}", known.join(", ")))
}

/// Providers that need no configuration file.
const BUILT_IN: [&str; 2] = ["incs", "simulator"];

/// The account that `name` stands for: from the configuration, or a built-in one.
pub(super) fn account(name: &str, global: &Global) -> Result<Account, Failure> {
    let configured = read(global)?;
    let raw = match (configured.providers.get(name), name) {
        (Some(raw), _) => raw.clone(),
        (None, "incs") => RawProvider {
            kind: Kind::Incs,
            base_url: std::env::var("INCS_BASE_URL").ok().filter(|url| !url.is_empty()),
            certification_code: None,
            certification_code_env: Some("INCS_CERTIFICATION_CODE".to_owned()),
        },
        (None, "simulator") => RawProvider {
            kind: Kind::Simulator,
            base_url: None,
            certification_code: None,
            certification_code_env: None,
        },
        (None, _) => return Err(unknown(name, &configured)),
    };
    match raw.kind {
        Kind::Simulator if raw.base_url.is_none() => simulated(),
        Kind::Simulator | Kind::Incs => {
            let endpoint = Endpoint::new(raw.base_url.as_deref().unwrap_or(INCS_BASE_URL), credential(name, &raw)?)
                .map_err(|error| Failure::new(Exit::Environment, format!("provider `{name}`: {error}")))?;
            Ok(Account { endpoint, _simulator: None })
        }
    }
}

/// Starts the simulated provider inside this process, on a port of loopback that is free.
fn simulated() -> Result<Account, Failure> {
    let failed =
        |words: String| Failure::new(Exit::Environment, format!("cannot start the simulated provider: {words}"));
    let simulator = Simulator::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Behaviour::default())
        .map_err(|error| failed(error.to_string()))?;
    let base = format!("http://{}", simulator.address());
    let endpoint = Endpoint::new(&base, SecretString::from("simulator")).map_err(|error| failed(error.to_string()))?;
    Ok(Account { endpoint, _simulator: Some(simulator) })
}

fn credential(name: &str, raw: &RawProvider) -> Result<SecretString, Failure> {
    if let Some(SecretText(secret)) = &raw.certification_code {
        return Ok(secret.clone());
    }
    if raw.kind == Kind::Simulator {
        return Ok(SecretString::from("simulator"));
    }
    let Some(variable) = &raw.certification_code_env else {
        return Err(Failure::new(
            Exit::Environment,
            format!(
                "provider `{name}` has no credential; give it `certification_code_env = \"NAME\"` in campaigner.toml \
                 and set that variable"
            ),
        ));
    };
    match std::env::var(variable) {
        Ok(secret) if !secret.trim().is_empty() => Ok(SecretString::from(secret)),
        _ => Err(Failure::new(
            Exit::Environment,
            format!(
                "provider `{name}` needs its certification code in the environment variable {variable}, which is not set"
            ),
        )),
    }
}

/// A configuration that was named is there, also for a command that has no need of it.
pub(super) fn is_there(global: &Global) -> Result<(), Failure> {
    match &global.config {
        Some(_) => read(global).map(drop),
        None => Ok(()),
    }
}

/// Reads the configuration: the file that was named must be there, the default one may be missing.
pub(super) fn read(global: &Global) -> Result<Raw, Failure> {
    let named = global.config.clone();
    let path = named.clone().unwrap_or_else(|| PathBuf::from("campaigner.toml"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(Raw::default()),
        Err(error) => {
            return Err(Failure::new(
                Exit::Wrong,
                format!("cannot read the configuration {}: {}", path.display(), chain(&error)),
            ));
        }
    };
    parse(&text, &path)
}

fn parse(text: &str, path: &Path) -> Result<Raw, Failure> {
    toml::from_str(text).map_err(|error| {
        // The parser's own snippet would show the line, and the line may hold the credential.
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Failure::new(Exit::Wrong, format!("{}:{line}: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_by_line_without_the_credential() {
        let text = "[providers.main]\nkind = \"incs\"\ncertification_code = \"geheim\"\nbase_ulr = \"x\"\n";
        let failure = parse(text, Path::new("campaigner.toml")).unwrap_err();
        assert_eq!(failure.exit, Exit::Wrong);
        assert!(failure.words.contains("base_ulr") && failure.words.contains("campaigner.toml:"), "{failure}");
        assert!(!failure.words.contains("geheim"), "{failure}");
    }

    #[test]
    fn a_credential_does_not_print() {
        let raw = parse("[providers.a]\nkind = \"incs\"\ncertification_code = \"geheim\"\n", Path::new("x")).unwrap();
        assert!(!format!("{raw:?}").contains("geheim"));
    }
}
