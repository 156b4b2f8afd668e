//! What both providers' clients give back: lists, definitions, answers and errors, in one vocabulary.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::Definition;
use crate::model::{Finding, ProviderText};

/// A definition in a provider's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The body of the request, or its parameters.
    pub request: Value,
    /// What is left out, and what the provider may refuse: warnings only.
    pub warnings: Vec<Finding>,
}

/// A key that is left out of what a provider gets; the template can do without.
pub(crate) fn left_out(path: String, why: &str) -> Finding {
    let key = path.rsplit('.').next().unwrap_or_default();
    let message = format!("`{key}` is left out: {why}");
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
    /// The state by its name.
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
    /// The state of a template that was deleted. It may still be listed.
    pub const DELETED: &str = "deleted";
}

/// A template with everything that the provider tells about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTemplate {
    /// As in the list.
    pub listed: TemplateSummary,
    /// Its definition.
    pub definition: Definition,
    /// Whether the provider told everything. If not, there may be a header and a footer.
    pub complete: bool,
}

/// What a provider answered to a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The template's id or code, where it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether the answer was lost, and a look at the provider showed that the change was made.
    pub found_afterwards: bool,
}

/// Why a provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The account cannot be used as it is configured.
    #[error("{0}")]
    Account(String),
    /// The definition has something that this provider cannot express.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Inexpressible(Vec<Finding>),
    /// The provider refused.
    #[error("{provider} refused with {code}: {message}\n  {advice}{}", .request_id.iter().map(|id| format!("\n  request: {id}")).collect::<String>())]
    Refused {
        /// Who.
        provider: &'static str,
        /// Its code.
        code: String,
        /// Its words.
        message: ProviderText,
        /// What to do.
        advice: &'static str,
        /// Its id of the request.
        request_id: Option<String>,
    },
    /// The provider cannot be reached, or is too busy; nothing was done.
    #[error("{provider} cannot be reached; nothing was changed: {why}")]
    Unreachable {
        /// Who.
        provider: &'static str,
        /// Why, in words.
        why: String,
    },
    /// The change may have been made.
    #[error(
        "it is not known whether {provider} made the change: {why}\n  \
         see `campaigner templates show`, and only then try again"
    )]
    InDoubt {
        /// Who.
        provider: &'static str,
        /// Why, in words.
        why: String,
    },
    /// The answer is not what the documents show.
    #[error("{provider} gave an answer that cannot be read: {why}")]
    Strange {
        /// Who.
        provider: &'static str,
        /// Why, in words.
        why: String,
    },
    /// There is no such template, or more than one language of it.
    #[error("{0}")]
    Which(String),
}
