//! `campaigner.toml` as written, before it is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use toml::de::DeTable;

use crate::cli::error::{BECAUSE, CliError, Exit};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::input_file;
use crate::model::ProviderApi;
use crate::text;
use crate::text::escaped_name;

/// The contents of the file.
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
    pub(in crate::cli) access_token: Option<SecretText>,
    pub(in crate::cli) access_token_env: Option<String>,
    pub(in crate::cli) phone_number_id: Option<String>,
    pub(in crate::cli) waba_id: Option<String>,
    /// Whether Meta's Marketing Messages API sends.
    #[serde(default)]
    pub(in crate::cli) marketing: bool,
    pub(in crate::cli) app_secret: Option<SecretText>,
    pub(in crate::cli) app_secret_env: Option<String>,
    pub(in crate::cli) verify_token: Option<SecretText>,
    pub(in crate::cli) verify_token_env: Option<String>,
    /// Which API the simulator speaks.
    pub(in crate::cli) speaks: Option<Speaks>,
}

/// The value of `speaks`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Speaks {
    Incs,
    Meta,
}

impl RawProvider {
    /// Whether a secret stands in the file itself.
    pub(in crate::cli) fn has_secret(&self) -> bool {
        let Self { certification_code, access_token, app_secret, verify_token, .. } = self;
        [certification_code, access_token, app_secret, verify_token].into_iter().any(Option::is_some)
    }

    /// Returns the API that messages are sent through. Unless `speaks` says otherwise, the simulator speaks that of
    /// INCS.
    pub(in crate::cli) fn api(&self) -> ProviderApi {
        match (self.kind, self.speaks) {
            (ProviderKind::Meta, _) | (ProviderKind::Simulator, Some(Speaks::Meta)) => ProviderApi::Meta,
            (ProviderKind::Incs | ProviderKind::Simulator, _) => ProviderApi::Incs,
        }
    }

    /// Returns a provider of this kind with nothing configured.
    pub(in crate::cli) fn bare(kind: ProviderKind) -> Self {
        Self {
            kind,
            base_url: None,
            certification_code: None,
            certification_code_env: None,
            access_token: None,
            access_token_env: None,
            phone_number_id: None,
            waba_id: None,
            marketing: false,
            app_secret: None,
            app_secret_env: None,
            verify_token: None,
            verify_token_env: None,
            speaks: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum ProviderKind {
    Incs,
    Meta,
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

impl ConfigFile {
    /// Returns the environment variables that it names.
    pub(in crate::cli) fn variables(&self) -> impl Iterator<Item = &str> {
        let of_providers = self.providers.values().flat_map(|provider| {
            let RawProvider { certification_code_env, access_token_env, app_secret_env, verify_token_env, .. } =
                provider;
            [certification_code_env, access_token_env, app_secret_env, verify_token_env]
        });
        let of_hook = self.on_done.iter().map(|hook| &hook.secret_env);
        of_providers.chain(of_hook).chain([&self.webhook.secret_env]).flatten().map(String::as_str)
    }
}

/// A text that is kept secret as soon as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(in crate::cli) struct SecretText(pub(in crate::cli) SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Checks that a configuration given with `--config` can be read, even if the command does not need it.
pub(in crate::cli) async fn check_named(global: &Global) -> Result<(), CliError> {
    match &global.config {
        Some(_) => read(global).await.map(drop),
        None => Ok(()),
    }
}

/// Reads the configuration. A file given with `--config` must exist; the default one may be missing.
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
    // The file holds credentials, so errors quote neither the line nor a value.
    let wrong = |key: Option<String>, error: &toml::de::Error, words: String| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or_default();
        let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        let key = key.map_or_else(String::new, |key| format!("`{}`: ", escaped_name(&key)));
        let column = column.chars().count() + 1;
        CliError::new(Exit::Wrong, format!("{}:{line}:{column}: {key}{words}", path.display()))
    };
    // Messages about TOML syntax quote nothing from the file.
    let table = DeTable::parse(text).map_err(|error| wrong(None, &error, error.message().to_owned()))?;
    toml::from_str(text).map_err(|error| {
        let key = error.span().and_then(|span| key_at(table.get_ref(), span.start));
        wrong(key, &error, expectation(error.message()))
    })
}

/// Returns the path of the key whose name or value is at this byte.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let below = value.get_ref().as_table().and_then(|table| key_at(table, at));
        let is_here = key.span().contains(&at) || value.span().contains(&at);
        let below = below.map(|below| format!("{}.{below}", key.get_ref()));
        below.or_else(|| is_here.then(|| key.get_ref().to_string()))
    })
}

/// Returns what was expected of a value or a key. The message of `serde` also quotes the value, so only its last part
/// is used.
fn expectation(message: &str) -> String {
    let kind = ["unknown field", "missing field", "unknown variant", "invalid type"];
    let kind = kind.into_iter().find(|kind| message.starts_with(kind));
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    match (kind, expected) {
        // A missing key is one of the known keys, not text from the file.
        (Some("missing field"), _) => message.replacen("missing field", "missing key", 1),
        (Some("unknown field"), Some(expected)) => {
            format!("unknown key; the keys are {expected}").replace("are one of ", "are ")
        }
        (Some("invalid type"), Some("a string")) => "wrong type; put the value in quotes".to_owned(),
        (Some("invalid type"), Some(expected)) => format!("wrong type; write {}", in_words(expected)),
        (_, Some(expected)) => format!("invalid value; write {}", in_words(expected)),
        _ => "invalid value".to_owned(),
    }
}

/// Names a type of `serde` in the words of a configuration file.
fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list, such as [\"a\", \"b\"]",
        "a map" => "a table",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "a table: a section with its own keys",
        // No key holds a negative number.
        "i64" | "u16" | "u32" | "u64" => "a whole number, 0 or more",
        _ => expected,
    }
}

/// Returns how an error names the environment variable that the configuration gives under this key. A value that does
/// not look like a variable may be the secret itself, so it is not quoted.
pub(in crate::cli) fn variable_in_words(variable: &str, key: &str) -> String {
    let is_name = variable.contains('_') && variable.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    if is_name { variable.to_owned() } else { format!("named by `{key}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_reported_by_line_without_the_credential() {
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
                "3:22: `providers.a.certification_code`: wrong type; put the value in quotes",
            ),
            (
                "[providers.a]\nkind = \"987654321\"\n",
                "2:8: `providers.a.kind`: invalid value; write one of `incs`, `meta`, `simulator`",
            ),
            ("providers = \"987654321, expected 987654321\"\n", "1:13: `providers`: wrong type; write a table"),
            ("[providers.a]\nbase_url = \"987654321\"\n", "1:1: `providers.a`: missing key `kind`"),
            (
                "[providers.a]\nkind = \"incs\"\ncertification_cod = \"987654321\"\n",
                "3:1: `providers.a.certification_cod`: unknown key; the keys are `kind`, `base_url`, \
                 `certification_code`, `certification_code_env`, `access_token`, `access_token_env`, `phone_number_id`, \
                 `waba_id`, `marketing`, `app_secret`, `app_secret_env`, `verify_token`, `verify_token_env`, `speaks`",
            ),
            (
                "[providers.a]\n\"x\\u202e\" = \"987654321\"\n",
                "2:1: `providers.a.x\\u{202e}`: unknown key; the keys are `kind`, `base_url`, \
                 `certification_code`, `certification_code_env`, `access_token`, `access_token_env`, `phone_number_id`, \
                 `waba_id`, `marketing`, `app_secret`, `app_secret_env`, `verify_token`, `verify_token_env`, `speaks`",
            ),
            ("[providers.a]\ncertification_code = 98765x4321\n", "2:22: "),
            ("[providers.a]\ncertification_code = \"987654321\n", "2:32: "),
            ("[providers.a]\ncertification_code = geheim\n", "2:22: "),
            ("[providers.a]\nkind = \"incs\" certification_code = \"987654321\"\n", "2:15: "),
            ("987654321\n", "1:10: "),
            ("[nxlink]\naccess_secret = [987654321]\n", "2:17: `nxlink.access_secret`: wrong type"),
            ("[nxlink]\ntenant_id = \"987654321\"\n", "2:13: `nxlink.tenant_id`: wrong type"),
            (
                "[nxlink]\ntenant_id = -987654321\n",
                "2:13: `nxlink.tenant_id`: invalid value; write a whole number, 0 or more",
            ),
            ("[cams]\naccess_key_secret = {a = 987654321}\n", "2:21: `cams.access_key_secret`: wrong type"),
            ("[on_done]\nsecret = \"987654321\"\n", "2:1: `on_done.secret`: unknown key; the keys are `url`"),
            ("[on_done]\ncommand = \"987654321\"\n", "2:11: `on_done.command`: wrong type"),
            ("[on_done]\ncommand = [\"a\", 987654321]\n", "2:17: `on_done.command`: wrong type"),
            ("[webhook]\nsecret = 987654321\n", "2:10: `webhook.secret`: wrong type; put the value in quotes"),
            ("[webhook]\nsecret = \"987654321\"\nsecret = \"987654321\"\n", "3:1: "),
        ] {
            let words = parse(text, Path::new("c.toml")).unwrap_err().words;
            assert!(!words.contains("987654321") && !words.contains("geheim"), "{words}");
            assert!(words.starts_with(&format!("c.toml:{expected}")), "{words}");
        }
    }

    #[test]
    fn a_secret_in_place_of_a_variables_name_is_not_shown() {
        assert_eq!(variable_in_words("SHOP_HK_CODE", "secret_env"), "SHOP_HK_CODE");
        for secret in ["987654321", "geheim", "sk_live_1", "ABCDEF0123"] {
            assert_eq!(variable_in_words(secret, "secret_env"), "named by `secret_env`");
        }
    }

    #[test]
    fn a_credential_does_not_print() {
        let raw = parse("[providers.a]\nkind = \"incs\"\ncertification_code = \"geheim\"\n", Path::new("x")).unwrap();
        assert!(!format!("{raw:?}").contains("geheim"));
    }
}
