//! `campaigner.toml` and the environment: which providers there are, and with which credentials.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use toml::de::DeTable;

use super::Global;
use super::desks::{RawCams, RawNxlink};
use super::done::RawHook;
use super::exit::{Exit, Failure, chain};
use super::off_thread::off_thread;
use super::webhook::RawWebhook;
use crate::input_file;
use crate::model::escaped_name;
use crate::provider::{Endpoint, EndpointError, INCS_BASE_URL};
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
pub(super) async fn known(name: &str, global: &Global) -> Result<(), Failure> {
    let configured = read(global).await?;
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
pub(super) async fn account(name: &str, global: &Global) -> Result<Account, Failure> {
    let configured = read(global).await?;
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
                .map_err(|error| Failure::new(Exit::Environment, format!("provider `{name}`: {}", unusable(&error))))?;
            Ok(Account { endpoint, _simulator: None })
        }
    }
}

/// Why an address or a credential cannot be used, without either.
fn unusable(error: &EndpointError) -> String {
    match error {
        EndpointError::BadUrl(_) => "`base_url` is not a base URL; one looks like https://chat-api.incsapp.com".to_owned(),
        EndpointError::Insecure(_) => {
            "`base_url` would send the credential and the numbers in the open; use https:// (http:// is for this machine only)"
                .to_owned()
        }
        EndpointError::Password | EndpointError::BadCredential => error.to_string(),
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
                "provider `{name}` needs its certification code in the environment variable {}, which is not set",
                variable_in_words(variable, "certification_code_env")
            ),
        )),
    }
}

/// A configuration that was named is there, also for a command that has no need of it.
pub(super) async fn is_there(global: &Global) -> Result<(), Failure> {
    match &global.config {
        Some(_) => read(global).await.map(drop),
        None => Ok(()),
    }
}

/// Reads the configuration: the file that was named must be there, the default one may be missing.
pub(super) async fn read(global: &Global) -> Result<Raw, Failure> {
    let named = global.config.clone();
    off_thread(move || read_file(named)).await
}

fn read_file(named: Option<PathBuf>) -> Result<Raw, Failure> {
    let path = named.clone().unwrap_or_else(|| PathBuf::from("campaigner.toml"));
    let text = input_file::open(&path).and_then(std::io::read_to_string);
    let text = match text {
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
    // The file holds credentials, so that its errors have words of ours alone: neither the line nor a value is in them.
    let wrong = |key: Option<String>, error: &toml::de::Error, words: String| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or_default();
        let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        let key = key.map_or_else(String::new, |key| format!("`{}`: ", escaped_name(&key)));
        let column = column.chars().count() + 1;
        Failure::new(Exit::Wrong, format!("{}:{line}:{column}: {key}{words}", path.display()))
    };
    // What the parser says of TOML itself quotes nothing.
    let table = DeTable::parse(text).map_err(|error| wrong(None, &error, error.message().to_owned()))?;
    toml::from_str(text).map_err(|error| {
        let key = error.span().and_then(|span| key_at(table.get_ref(), span.start));
        wrong(key, &error, expectation(error.message()))
    })
}

/// The path of the key whose name or value is at this byte.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let below = value.get_ref().as_table().and_then(|table| key_at(table, at));
        let is_here = key.span().contains(&at) || value.span().contains(&at);
        let below = below.map(|below| format!("{}.{below}", key.get_ref()));
        below.or_else(|| is_here.then(|| key.get_ref().to_string()))
    })
}

/// What a value or a key should have been. The words of `serde` hold what it is instead, and end with what was expected.
fn expectation(message: &str) -> String {
    let kind = ["unknown field", "missing field", "unknown variant", "invalid type"];
    let kind = kind.into_iter().find(|kind| message.starts_with(kind));
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    match (kind, expected) {
        // Its name is one of ours.
        (Some("missing field"), _) => message.replacen("missing field", "a key is missing:", 1),
        (Some("unknown field"), Some(expected)) => {
            format!("there is no such key; the keys are {expected}").replace("are one of ", "are ")
        }
        (Some("invalid type"), Some(expected @ "a string")) => {
            format!("the value has the wrong type, expected {expected}: put it in quotes")
        }
        (Some("invalid type"), Some(expected)) => format!("the value has the wrong type, expected {expected}"),
        (_, Some(expected)) => format!("the value is wrong, expected {expected}"),
        _ => "the value is wrong".to_owned(),
    }
}

/// A variable that the configuration names under this key, in words. What does not look like a name may be the secret itself.
pub(super) fn variable_in_words(variable: &str, key: &str) -> String {
    let is_name = variable.contains('_') && variable.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    if is_name { variable.to_owned() } else { format!("that `{key}` names") }
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
    fn no_mistake_shows_a_value() {
        for (text, expected) in [
            (
                "[providers.a]\nkind = \"incs\"\ncertification_code = 987654321\n",
                "3:22: `providers.a.certification_code`: the value has the wrong type, expected a string: put it in quotes",
            ),
            (
                "[providers.a]\nkind = \"987654321\"\n",
                "2:8: `providers.a.kind`: the value is wrong, expected `incs` or `simulator`",
            ),
            (
                "providers = \"987654321, expected 987654321\"\n",
                "1:13: `providers`: the value has the wrong type, expected a map",
            ),
            ("[providers.a]\nbase_url = \"987654321\"\n", "1:1: `providers.a`: a key is missing: `kind`"),
            (
                "[providers.a]\nkind = \"incs\"\ncertification_cod = \"987654321\"\n",
                "3:1: `providers.a.certification_cod`: there is no such key; the keys are `kind`, `base_url`, \
                 `certification_code`, `certification_code_env`",
            ),
            (
                "[providers.a]\n\"x\\u202e\" = \"987654321\"\n",
                "2:1: `providers.a.x\\u{202e}`: there is no such key; the keys are `kind`, `base_url`, \
                 `certification_code`, `certification_code_env`",
            ),
            ("[providers.a]\ncertification_code = 98765x4321\n", "2:22: "),
            ("[providers.a]\ncertification_code = \"987654321\n", "2:32: "),
            ("[providers.a]\ncertification_code = geheim\n", "2:22: "),
            ("[providers.a]\nkind = \"incs\" certification_code = \"987654321\"\n", "2:15: "),
            ("987654321\n", "1:10: "),
            ("[nxlink]\naccess_secret = [987654321]\n", "2:17: `nxlink.access_secret`: the value has the wrong type"),
            ("[nxlink]\ntenant_id = \"987654321\"\n", "2:13: `nxlink.tenant_id`: the value has the wrong type"),
            ("[nxlink]\ntenant_id = -987654321\n", "2:13: `nxlink.tenant_id`: the value is wrong, expected u64"),
            ("[cams]\naccess_key_secret = {a = 987654321}\n", "2:21: `cams.access_key_secret`: the value has"),
            ("[on_done]\nsecret = \"987654321\"\n", "2:1: `on_done.secret`: there is no such key; the keys are `url`"),
            ("[on_done]\ncommand = \"987654321\"\n", "2:11: `on_done.command`: the value has the wrong type"),
            ("[on_done]\ncommand = [\"a\", 987654321]\n", "2:17: `on_done.command`: the value has the wrong type"),
            (
                "[webhook]\nsecret = 987654321\n",
                "2:10: `webhook.secret`: the value has the wrong type, expected a string",
            ),
            ("[webhook]\nsecret = \"987654321\"\nsecret = \"987654321\"\n", "3:1: "),
        ] {
            let words = parse(text, Path::new("c.toml")).unwrap_err().words;
            assert!(!words.contains("987654321") && !words.contains("geheim"), "{words}");
            assert!(words.starts_with(&format!("c.toml:{expected}")), "{words}");
        }
    }

    #[test]
    fn a_secret_in_place_of_a_variables_name_is_not_told() {
        assert_eq!(variable_in_words("SHOP_HK_CODE", "secret_env"), "SHOP_HK_CODE");
        for secret in ["987654321", "geheim", "sk_live_1", "ABCDEF0123"] {
            assert_eq!(variable_in_words(secret, "secret_env"), "that `secret_env` names");
        }
    }

    #[test]
    fn a_credential_does_not_print() {
        let raw = parse("[providers.a]\nkind = \"incs\"\ncertification_code = \"geheim\"\n", Path::new("x")).unwrap();
        assert!(!format!("{raw:?}").contains("geheim"));
    }
}
