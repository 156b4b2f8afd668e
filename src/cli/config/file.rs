//! `campaigner.toml` as a person wrote it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use toml::de::DeTable;

use crate::cli::error::{BECAUSE, CliError, Exit};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::input_file;
use crate::text;
use crate::text::escaped_name;

/// The file, as a person wrote it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ConfigFile {
    #[serde(default)]
    pub(in crate::cli) providers: BTreeMap<String, RawProvider>,
    #[serde(default)]
    pub(in crate::cli) nxlink: RawNxlink,
    #[serde(default)]
    pub(in crate::cli) cams: RawCams,
    pub(in crate::cli) on_done: Option<RawHook>,
    #[serde(default)]
    pub(in crate::cli) webhook: RawWebhook,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawProvider {
    pub(in crate::cli) kind: ProviderKind,
    pub(in crate::cli) base_url: Option<String>,
    pub(in crate::cli) certification_code: Option<SecretText>,
    pub(in crate::cli) certification_code_env: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum ProviderKind {
    Incs,
    Simulator,
}

/// `[on_done]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawHook {
    pub(in crate::cli) url: Option<String>,
    pub(in crate::cli) command: Option<Vec<String>>,
    pub(in crate::cli) secret_env: Option<String>,
}

/// `[webhook]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawWebhook {
    pub(in crate::cli) secret: Option<SecretText>,
    pub(in crate::cli) secret_env: Option<String>,
    pub(in crate::cli) stop_words: Option<Vec<String>>,
    pub(in crate::cli) stop_buttons: Option<Vec<String>>,
}

/// `[nxlink]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawNxlink {
    pub(in crate::cli) access_key: Option<String>,
    pub(in crate::cli) access_secret: Option<SecretText>,
    pub(in crate::cli) phone: Option<String>,
    pub(in crate::cli) tenant_id: Option<u64>,
    pub(in crate::cli) base_url: Option<String>,
}

/// `[cams]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawCams {
    pub(in crate::cli) access_key_id: Option<String>,
    pub(in crate::cli) access_key_secret: Option<SecretText>,
    pub(in crate::cli) endpoint: Option<String>,
    pub(in crate::cli) cust_space_id: Option<String>,
}

/// A text that is secret from the moment it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(in crate::cli) struct SecretText(pub(in crate::cli) SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A configuration that was named is there, also for a command that has no need of it.
pub(in crate::cli) async fn is_there(global: &Global) -> Result<(), CliError> {
    match &global.config {
        Some(_) => read(global).await.map(drop),
        None => Ok(()),
    }
}

/// Reads the configuration: the file that was named must be there, the default one may be missing.
pub(in crate::cli) async fn read(global: &Global) -> Result<ConfigFile, CliError> {
    let named = global.config.clone();
    off_thread(move || read_file(named)).await
}

fn read_file(named: Option<PathBuf>) -> Result<ConfigFile, CliError> {
    let path = named.clone().unwrap_or_else(|| PathBuf::from("campaigner.toml"));
    let text = input_file::open(&path).and_then(std::io::read_to_string);
    let text = match text {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ConfigFile::default());
        }
        Err(error) => {
            return Err(CliError::new(
                Exit::Wrong,
                format!("cannot read the configuration {}: {}", path.display(), text::error_chain(&error, BECAUSE)),
            ));
        }
    };
    parse(&text, &path)
}

fn parse(text: &str, path: &Path) -> Result<ConfigFile, CliError> {
    // The file holds credentials, so that its errors have words of ours alone: neither the line nor a value is in them.
    let wrong = |key: Option<String>, error: &toml::de::Error, words: String| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or_default();
        let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        let key = key.map_or_else(String::new, |key| format!("`{}`: ", escaped_name(&key)));
        let column = column.chars().count() + 1;
        CliError::new(Exit::Wrong, format!("{}:{line}:{column}: {key}{words}", path.display()))
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

/// What a value or a key should have been. The words of `serde` hold what it is instead, and end with what was
/// expected.
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

/// A variable that the configuration names under this key, in words. What does not look like a name may be the secret
/// itself.
pub(in crate::cli) fn variable_in_words(variable: &str, key: &str) -> String {
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
