//! Accounts at Meta: in the configuration, or built in with its variables.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use crate::cli::config::credentials::{no_credential, secret, unusable, url_setting, variable};
use crate::cli::config::file::{ProviderKind, RawProvider, read};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::provider::{Endpoint, EndpointError, META_BASE_URL, MetaAccount, MetaReceiver};

/// The name of the built-in account.
pub(super) const BUILT_IN: &str = "meta";

/// The phone number id of a simulator that speaks Meta's API.
pub(super) const SIMULATED_NUMBER: &str = "100000000000000";

/// What the webhooks of one account need.
pub(in crate::cli) struct MetaWebhook {
    /// The provider's name, which is part of the URL.
    pub(in crate::cli) name: String,
    /// Whose events are used, and the secret that signs the calls.
    pub(in crate::cli) receiver: MetaReceiver,
    /// What Meta sends when a person enters the URL in its settings.
    pub(in crate::cli) verify_token: SecretString,
}

/// Returns the account that needs no configuration file. Its secrets are read when they are needed.
pub(super) fn built_in() -> RawProvider {
    let name = |variable: &str| Some(variable.to_owned());
    RawProvider {
        base_url: variable("META_BASE_URL"),
        access_token_env: name("META_ACCESS_TOKEN"),
        phone_number_id: variable("META_PHONE_NUMBER_ID"),
        waba_id: variable("META_WABA_ID"),
        // Optional: without them, there are no webhooks.
        app_secret_env: name("META_APP_SECRET").filter(|name| variable(name).is_some()),
        verify_token_env: name("META_VERIFY_TOKEN").filter(|name| variable(name).is_some()),
        ..RawProvider::bare(ProviderKind::Meta)
    }
}

/// Returns the account called `meta`: that of the configuration, or the built-in one.
pub(super) async fn named(global: &Global) -> Result<RawProvider, CliError> {
    let configured = read(global).await?.providers.get(BUILT_IN).cloned();
    Ok(configured.filter(|raw| raw.kind == ProviderKind::Meta).unwrap_or_else(built_in))
}

/// Returns the account for sending. `url` is what sets its address.
pub(super) fn endpoint(name: &str, raw: &RawProvider, url: &str) -> Result<Endpoint, CliError> {
    let token =
        secret(name, "access token", "access_token", raw.access_token.as_ref(), raw.access_token_env.as_deref())?;
    let token = token.ok_or_else(|| no_credential(name, "access_token_env"))?;
    let account = MetaAccount {
        phone_number_id: phone_number_id(name, raw)?,
        waba_id: raw.waba_id.clone(),
        marketing: raw.marketing,
        app_secret: app_secret(name, raw)?,
    };
    Endpoint::meta(raw.base_url.as_deref().unwrap_or(META_BASE_URL), token, account)
        .map_err(|error| unusable_account(name, &error, url))
}

fn unusable_account(name: &str, error: &EndpointError, url: &str) -> CliError {
    let words = unusable(error, url, META_BASE_URL);
    CliError::new(Exit::Environment, format!("provider `{name}`: {words}"))
}

fn app_secret(name: &str, raw: &RawProvider) -> Result<Option<SecretString>, CliError> {
    secret(name, "app secret", "app_secret", raw.app_secret.as_ref(), raw.app_secret_env.as_deref())
}

fn phone_number_id(name: &str, raw: &RawProvider) -> Result<String, CliError> {
    raw.phone_number_id.clone().ok_or_else(|| {
        let what = match name {
            BUILT_IN => "set the environment variable META_PHONE_NUMBER_ID, or `phone_number_id` in campaigner.toml",
            _ => "set `phone_number_id` in campaigner.toml",
        };
        let words = format!(
            "provider `{name}` has no phone number id; {what} (Meta shows it next to the number, under WhatsApp > API Setup)"
        );
        CliError::new(Exit::Environment, words)
    })
}

/// Returns the accounts whose webhooks can be received: those with an app secret and a verify token.
///
/// # Errors
/// When an account has only one of the two, or a variable that the configuration names is not set.
pub(in crate::cli) async fn webhooks(global: &Global) -> Result<Vec<MetaWebhook>, CliError> {
    let configured = read(global).await?;
    let built_in = (!configured.providers.contains_key(BUILT_IN)).then(|| (BUILT_IN.to_owned(), built_in()));
    let accounts =
        configured.providers.clone().into_iter().chain(built_in).filter(|(_, raw)| raw.kind == ProviderKind::Meta);
    let mut webhooks = Vec::new();
    for (name, raw) in accounts {
        let token =
            secret(&name, "verify token", "verify_token", raw.verify_token.as_ref(), raw.verify_token_env.as_deref())?;
        let (app_secret, verify_token) = match (app_secret(&name, &raw)?, token) {
            (Some(secret), Some(token)) => (secret, token),
            (None, None) => continue,
            (secret, _) => {
                let missing = if secret.is_none() { "`app_secret_env`" } else { "`verify_token_env`" };
                let words = format!(
                    "provider `{name}` cannot receive webhooks without {missing}; set it in campaigner.toml (for the \
                     built-in `meta`: META_APP_SECRET and META_VERIFY_TOKEN)"
                );
                return Err(CliError::new(Exit::Environment, words));
            }
        };
        let phone_number_id = phone_number_id(&name, &raw)?;
        let base = raw.base_url.as_deref().unwrap_or(META_BASE_URL);
        let account = Endpoint::meta_fingerprint(base, &phone_number_id)
            .map_err(|error| unusable_account(&name, &error, url_setting(&name, &configured)))?;
        let numbers = BTreeMap::from([(phone_number_id, account.clone())]);
        let receiver = MetaReceiver { app_secret, account, waba_id: raw.waba_id.clone(), numbers };
        webhooks.push(MetaWebhook { name, receiver, verify_token });
    }
    share_numbers(&mut webhooks);
    Ok(webhooks)
}

/// Lets every account of an app take the webhooks of all its numbers, because Meta sends them all to one URL.
fn share_numbers(webhooks: &mut [MetaWebhook]) {
    let all: Vec<(SecretString, BTreeMap<String, String>)> =
        webhooks.iter().map(|one| (one.receiver.app_secret.clone(), one.receiver.numbers.clone())).collect();
    for MetaWebhook { receiver, .. } in webhooks {
        let same = all.iter().filter(|(secret, _)| secret.expose_secret() == receiver.app_secret.expose_secret());
        receiver.numbers = same.flat_map(|(_, numbers)| numbers.clone()).collect();
    }
}
