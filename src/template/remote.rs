//! The results of both providers' clients: lists, definitions, answers and errors, in one vocabulary.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::Definition;
use crate::model::{Finding, ProviderText};

/// A definition converted for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The body of the request, or its parameters.
    pub request: Value,
    /// Warnings about parts that are not sent or may be refused.
    pub warnings: Vec<Finding>,
}

/// Returns the warning for a key that is not sent to a provider.
pub(crate) fn left_out(path: String, why: &str) -> Finding {
    let key = path.rsplit('.').next().unwrap_or_default();
    let message = format!("`{key}` is not sent: {why}");
    Finding::warning("left_out", path, message)
}

/// A template as a provider lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSummary {
    /// NXLink's id, or CAMS's code.
    pub id: String,
    /// The template's name.
    pub name: String,
    /// The language's code.
    pub language: String,
    /// The category, as the provider writes it.
    pub category: String,
    /// The name of the state.
    pub status: String,
    /// Whether it can be sent in this state.
    pub sendable: bool,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ProviderText>,
    /// When it was changed, as the provider writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
}

impl TemplateSummary {
    /// The state of a deleted template, which may still be listed.
    pub const DELETED: &str = "deleted";
}

/// A template with all details from the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTemplate {
    /// Its entry in the list.
    pub listed: TemplateSummary,
    /// Its definition.
    pub definition: Definition,
    /// Whether the details are complete. If not, there may be a header and a footer.
    pub complete: bool,
}

/// A provider's answer to a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeAnswer {
    /// The template's id or code, if given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether the response was lost, and a later request showed that the change was made.
    pub found_afterwards: bool,
}

/// What to do if it is unknown whether a change was made that must not be made twice.
pub(crate) const CHECK_FIRST: &str = "check with `campaigner templates show` before you try again";
/// What to do if the change may be made twice.
pub(crate) const REPEAT: &str = "run the same command again; it does no harm if the change was already made";

/// Why a request to a provider failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The account cannot be used as it is configured.
    #[error("{0}")]
    Account(String),
    /// The provider does not support a part of the definition.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Inexpressible(Vec<Finding>),
    /// The provider refused.
    #[error("{provider} refused the request with code {code}: {message}\n  {advice}{}", .request_id.iter().map(|id| format!("\n  request: {id}")).collect::<String>())]
    Refused {
        /// The provider.
        provider: &'static str,
        /// Its code.
        code: String,
        /// Its message.
        message: ProviderText,
        /// What to do about it.
        advice: &'static str,
        /// Its id of the request.
        request_id: Option<String>,
    },
    /// The provider limits requests, or is too busy; nothing was changed.
    #[error("{provider} is too busy: {why}; nothing was changed. Wait a while, then try again")]
    Busy {
        /// The provider.
        provider: &'static str,
        /// What it answered.
        why: String,
    },
    /// The provider cannot be reached; nothing was changed.
    #[error("cannot reach {provider}: {why}; nothing was changed")]
    Unreachable {
        /// The provider.
        provider: &'static str,
        /// Why.
        why: String,
    },
    /// The change may have been made.
    #[error(
        "it is unknown whether {provider} made the change: {why}\n  \
         {check}"
    )]
    InDoubt {
        /// The provider.
        provider: &'static str,
        /// Why.
        why: String,
        /// What to do first.
        check: &'static str,
    },
    /// The response is not as documented.
    #[error("cannot read the response from {provider}: {why}")]
    Strange {
        /// The provider.
        provider: &'static str,
        /// Why.
        why: String,
    },
    /// There is no such template, or it has more than one language.
    #[error("{0}")]
    Which(String),
}
