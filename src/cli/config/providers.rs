//! The available providers with their credentials: from the configuration, or built in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use secrecy::SecretString;

use crate::cli::config::credentials::{no_credential, secret, unusable, url_setting, variable};
use crate::cli::config::file::{ConfigFile, ProviderKind, RawProvider, SecretText, read};
use crate::cli::config::meta;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::model::ProviderApi;
use crate::provider::{Endpoint, EndpointError, INCS_BASE_URL, MetaAccount};
use crate::simulator::{Behaviour, Simulator};

/// A provider's address and credential. An embedded simulator runs as long as this value lives.
pub(in crate::cli) struct Account {
    pub(in crate::cli) endpoint: Endpoint,
    /// Whether people get its messages.
    pub(in crate::cli) is_real: bool,
    /// The provider's id of the business account, once the account was checked.
    pub(in crate::cli) business_account: OnceLock<String>,
    simulator: Option<Simulator>,
}

impl Account {
    /// Whether it is the simulator inside this process.
    pub(in crate::cli) fn is_embedded(&self) -> bool {
        self.simulator.is_some()
    }
}

/// Checks that a provider of this name exists, without needing its credential. Returns what it is.
pub(in crate::cli) async fn known(name: &str, global: &Global) -> Result<ProviderKind, CliError> {
    let configured = read(global).await?;
    match (configured.providers.get(name), BUILT_IN.iter().find(|(built_in, _)| *built_in == name)) {
        (Some(raw), _) => Ok(raw.kind),
        (None, Some((_, kind))) => Ok(*kind),
        (None, None) => Err(unknown(name, &configured)),
    }
}

/// Returns the API of every available provider, by its name.
pub(in crate::cli) async fn apis(global: &Global) -> Result<BTreeMap<String, ProviderApi>, CliError> {
    let configured = read(global).await?;
    let built_in = BUILT_IN.iter().map(|(name, kind)| ((*name).to_owned(), RawProvider::bare(*kind).api()));
    let in_file = configured.providers.iter().map(|(name, raw)| (name.clone(), raw.api()));
    // A configured provider replaces the built-in one of its name.
    Ok(built_in.chain(in_file).collect())
}

/// Returns the API of the provider of this name, without needing its credential.
pub(in crate::cli) async fn api(name: &str, global: &Global) -> Result<ProviderApi, CliError> {
    match apis(global).await?.get(name) {
        Some(api) => Ok(*api),
        None => Err(unknown(name, &read(global).await?)),
    }
}

/// Returns the names of the available providers, each once.
pub(in crate::cli) async fn names(global: &Global) -> Result<Vec<String>, CliError> {
    Ok(names_in(&read(global).await?).into_iter().map(str::to_owned).collect())
}

fn names_in(configured: &ConfigFile) -> Vec<&str> {
    let built_in = BUILT_IN.iter().map(|(name, _)| *name).filter(|name| !configured.providers.contains_key(*name));
    configured.providers.keys().map(String::as_str).chain(built_in).collect()
}

fn unknown(name: &str, configured: &ConfigFile) -> CliError {
    let known = names_in(configured).join(", ");
    CliError::new(Exit::Wrong, format!("unknown provider `{name}`; the providers are {known}"))
}

/// Providers that need no configuration file.
const BUILT_IN: [(&str, ProviderKind); 3] =
    [("incs", ProviderKind::Incs), ("meta", ProviderKind::Meta), ("simulator", ProviderKind::Simulator)];

/// Returns the account of this name: from the configuration, or built in.
pub(in crate::cli) async fn account(name: &str, global: &Global) -> Result<Account, CliError> {
    let configured = read(global).await?;
    let raw = match (configured.providers.get(name), name) {
        (Some(raw), _) => raw.clone(),
        (None, "incs") => RawProvider {
            base_url: variable("INCS_BASE_URL"),
            certification_code_env: Some("INCS_CERTIFICATION_CODE".to_owned()),
            ..RawProvider::bare(ProviderKind::Incs)
        },
        (None, "meta") => meta::built_in(),
        (None, "simulator") => RawProvider::bare(ProviderKind::Simulator),
        (None, _) => return Err(unknown(name, &configured)),
    };
    let url = url_setting(name, &configured);
    match raw.kind {
        ProviderKind::Meta => Ok(Account {
            endpoint: meta::endpoint(name, &raw, url)?,
            is_real: true,
            business_account: OnceLock::new(),
            simulator: None,
        }),
        ProviderKind::Simulator if raw.base_url.is_none() => simulated(raw.api()),
        ProviderKind::Simulator | ProviderKind::Incs => {
            let endpoint = Endpoint::new(raw.base_url.as_deref().unwrap_or(INCS_BASE_URL), credential(name, &raw)?)
                .map_err(|error| {
                    let words = unusable(&error, url, INCS_BASE_URL);
                    CliError::new(Exit::Environment, format!("provider `{name}`: {words}"))
                })?;
            Ok(Account {
                endpoint,
                is_real: raw.kind != ProviderKind::Simulator,
                business_account: OnceLock::new(),
                simulator: None,
            })
        }
    }
}

/// Starts the simulated provider inside this process, on a free loopback port.
fn simulated(api: ProviderApi) -> Result<Account, CliError> {
    let failed =
        |words: String| CliError::new(Exit::Environment, format!("cannot start the simulated provider: {words}"));
    let simulator = Simulator::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Behaviour::default())
        .map_err(|error| failed(error.to_string()))?;
    let base = format!("http://{}", simulator.address());
    let endpoint = simulated_endpoint(&base, api).map_err(|error| failed(error.to_string()))?;
    Ok(Account { endpoint, is_real: false, business_account: OnceLock::new(), simulator: Some(simulator) })
}

/// Returns the account at a simulated provider, which accepts any credential.
fn simulated_endpoint(base: &str, api: ProviderApi) -> Result<Endpoint, EndpointError> {
    let credential = SecretString::from("simulator");
    match api {
        ProviderApi::Incs => Endpoint::new(base, credential),
        ProviderApi::Meta => {
            let number = meta::SIMULATED_NUMBER.to_owned();
            let account = MetaAccount { phone_number_id: number, waba_id: None, marketing: false, app_secret: None };
            Endpoint::meta(base, credential, account)
        }
    }
}

fn credential(name: &str, raw: &RawProvider) -> Result<SecretString, CliError> {
    if let Some(SecretText(secret)) = &raw.certification_code {
        return Ok(secret.clone());
    }
    if raw.kind == ProviderKind::Simulator {
        return Ok(SecretString::from("simulator"));
    }
    secret(name, "certification code", "certification_code", None, raw.certification_code_env.as_deref())?
        .ok_or_else(|| no_credential(name, "certification_code_env"))
}
