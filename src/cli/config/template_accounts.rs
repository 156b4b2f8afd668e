//! The accounts of the template providers: from the environment, or `campaigner.toml`.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use secrecy::SecretString;

use crate::cli::config::file::{self, RawProvider, SecretText};
use crate::cli::config::meta;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::model::{Millis, TemplateProvider};
use crate::provider::{META_BASE_URL, MetaTemplates, TemplateApi, cams, nxlink};
use crate::template;

impl ValueEnum for TemplateProvider {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Nxlink => "NXLink",
            Self::Cams => "Alibaba Cloud Chat App Message Service",
            Self::Meta => "Meta: list, show and pull only",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

/// Returns a client of this provider.
pub(in crate::cli) async fn api(which: TemplateProvider, global: &Global) -> Result<TemplateApi, CliError> {
    match which {
        TemplateProvider::Nxlink => Ok(TemplateApi::Nxlink(Box::new(nxlink(global).await?))),
        TemplateProvider::Cams => {
            let raw = file::read(global).await?.cams;
            let account = cams::CamsAccount {
                endpoint: optional("CAMS_ENDPOINT", raw.endpoint)
                    .unwrap_or_else(|| cams::CamsAccount::ENDPOINT.to_owned()),
                access_key_id: needed("ALIBABA_CLOUD_ACCESS_KEY_ID", raw.access_key_id, "[cams] access_key_id")?,
                secret: secret("ALIBABA_CLOUD_ACCESS_KEY_SECRET", raw.access_key_secret, "[cams] access_key_secret")?,
                cust_space_id: optional("CAMS_CUST_SPACE_ID", raw.cust_space_id),
            };
            let client = cams::CamsClient::new(account, Millis::now, nonce).map_err(failure)?;
            Ok(TemplateApi::Cams(Box::new(client)))
        }
        TemplateProvider::Meta => {
            let client =
                MetaTemplates::new(&meta::endpoint(meta::BUILT_IN, &meta::named(global).await?, "META_BASE_URL")?);
            Ok(TemplateApi::Meta(Box::new(client.map_err(failure)?)))
        }
    }
}

/// Whether anything of this provider's account is configured.
pub(in crate::cli) async fn is_configured(which: TemplateProvider, global: &Global) -> Result<bool, CliError> {
    let file::ConfigFile { nxlink, cams, .. } = file::read(global).await?;
    let is_set = |variable: &str| optional(variable, None).is_some();
    Ok(match which {
        TemplateProvider::Nxlink => {
            nxlink.access_key.is_some()
                || nxlink.access_secret.is_some()
                || is_set("NXLINK_ACCESS_KEY")
                || is_set("NXLINK_ACCESS_SECRET")
        }
        // The variables of Alibaba Cloud may be set for other programs.
        TemplateProvider::Cams => {
            cams.access_key_id.is_some() || cams.access_key_secret.is_some() || is_set("CAMS_CUST_SPACE_ID")
        }
        TemplateProvider::Meta => meta::named(global).await?.waba_id.is_some(),
    })
}

/// Returns a client of NXLink, the only provider with flows and media.
pub(in crate::cli) async fn nxlink(global: &Global) -> Result<nxlink::NxlinkClient, CliError> {
    let raw = file::read(global).await?.nxlink;
    let tenant = raw.tenant_id.map(|tenant| tenant.to_string());
    let tenant = needed("NXLINK_TENANT_ID", tenant, "[nxlink] tenant_id")?;
    let account = nxlink::NxlinkAccount {
        base_url: optional("NXLINK_BASE_URL", raw.base_url)
            .unwrap_or_else(|| nxlink::NxlinkAccount::BASE_URL.to_owned()),
        phone: needed("NXLINK_PHONE", raw.phone, "[nxlink] phone")?,
        tenant: tenant
            .parse()
            .map_err(|_| CliError::new(Exit::Environment, "NXLINK_TENANT_ID is not a whole number"))?,
        access_key: needed("NXLINK_ACCESS_KEY", raw.access_key, "[nxlink] access_key")?,
        secret: secret("NXLINK_ACCESS_SECRET", raw.access_secret, "[nxlink] access_secret")?,
    };
    nxlink::NxlinkClient::new(account, Millis::now).map_err(failure)
}

/// Returns which account of a provider is configured, without its secret; `None` if the configuration is incomplete.
/// Templates pulled from one account say nothing about another.
pub(in crate::cli) async fn account(which: TemplateProvider, global: &Global) -> Result<Option<String>, CliError> {
    let file::ConfigFile { nxlink, cams, .. } = file::read(global).await?;
    let (address, parts) = match which {
        TemplateProvider::Nxlink => (
            optional("NXLINK_BASE_URL", nxlink.base_url).unwrap_or_else(|| nxlink::NxlinkAccount::BASE_URL.to_owned()),
            vec![
                optional("NXLINK_TENANT_ID", nxlink.tenant_id.map(|tenant| tenant.to_string())),
                optional("NXLINK_PHONE", nxlink.phone),
            ],
        ),
        // The space identifies the account, whichever key is used.
        TemplateProvider::Cams => (
            optional("CAMS_ENDPOINT", cams.endpoint).unwrap_or_else(|| cams::CamsAccount::ENDPOINT.to_owned()),
            vec![
                optional("CAMS_CUST_SPACE_ID", cams.cust_space_id)
                    .or_else(|| optional("ALIBABA_CLOUD_ACCESS_KEY_ID", cams.access_key_id)),
            ],
        ),
        TemplateProvider::Meta => {
            let RawProvider { base_url, waba_id, .. } = meta::named(global).await?;
            (base_url.unwrap_or_else(|| META_BASE_URL.to_owned()), vec![waba_id])
        }
    };
    let parts: Option<Vec<String>> = parts.into_iter().collect();
    Ok(parts.map(|parts| format!("{} {}", address.trim_end_matches('/'), parts.join(" "))))
}

/// Converts an error of a template provider.
pub(in crate::cli) fn failure(error: template::Error) -> CliError {
    use template::Error;
    let exit = match &error {
        Error::Inexpressible(_) | Error::Which(_) => Exit::Wrong,
        Error::Account(_)
        | Error::Refused { .. }
        | Error::Busy { .. }
        | Error::Unreachable { .. }
        | Error::InDoubt { .. }
        | Error::Strange { .. } => Exit::Environment,
    };
    CliError::of(exit, &error)
}

/// Returns 128 random bits.
fn nonce() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn optional(variable: &str, configured: Option<String>) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty()).or(configured)
}

fn needed(variable: &str, configured: Option<String>, key: &str) -> Result<String, CliError> {
    optional(variable, configured).ok_or_else(|| {
        let words = format!(
            "a setting of the account is missing: set {variable} in the environment, or `{key}` in campaigner.toml"
        );
        CliError::new(Exit::Environment, words)
    })
}

fn secret(variable: &str, configured: Option<SecretText>, key: &str) -> Result<SecretString, CliError> {
    match std::env::var(variable).ok().filter(|value| !value.trim().is_empty()) {
        Some(value) => Ok(value.into()),
        None => match configured {
            Some(SecretText(secret)) => Ok(secret),
            None => needed(variable, None, key).map(SecretString::from),
        },
    }
}
