//! A stored copy of a template at a provider, to compare with the provider's later version.

use std::path::Path;

use serde_json::{Value, json};

use super::definition::Definition;
use super::file::{Loaded, parse};
use super::remote::{RemoteTemplate, TemplateSummary};
use crate::model::{Millis, TemplateProvider};

/// A copy of a template at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The provider.
    pub provider: TemplateProvider,
    /// The account, in words without a secret.
    pub account: String,
    /// When the copy was made.
    pub at: Millis,
    /// Its entry in the list.
    pub listed: TemplateSummary,
    /// `None` if the details contain something that this version does not know.
    pub definition: Option<Definition>,
    /// Whether the details are complete; see [`RemoteTemplate::complete`].
    pub complete: bool,
}

impl Snapshot {
    /// Returns a copy of a template of an account at a time.
    #[must_use]
    pub fn of(provider: TemplateProvider, account: &str, at: Millis, shown: RemoteTemplate) -> Self {
        let RemoteTemplate { listed, definition, complete } = shown;
        Self { provider, account: account.to_owned(), at, listed, definition: Some(definition), complete }
    }

    /// Returns it as JSON text for the store.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { provider, account, at, listed, definition, complete } = self;
        json!({
            "provider": provider.as_str(), "account": account, "at": at.0, "template": listed, "definition": definition,
            "complete": complete,
        })
        .to_string()
    }

    /// Reads the text of [`Snapshot::to_text`]; `None` for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let definition = value.get("definition").filter(|definition| !definition.is_null());
        Some(Self {
            provider: TemplateProvider::from_name(value["provider"].as_str()?)?,
            account: value["account"].as_str()?.to_owned(),
            at: Millis(value["at"].as_i64()?),
            listed: serde_json::from_value(value["template"].clone()).ok()?,
            definition: match definition {
                Some(definition) => Some(parse(&definition.to_string(), Path::new("")).ok()?.definition),
                None => None,
            },
            complete: value["complete"].as_bool()?,
        })
    }

    /// Returns the definition, to compare messages with.
    #[must_use]
    pub fn loaded(&self) -> Option<Loaded> {
        let text = serde_json::to_string(self.definition.as_ref()?).ok()?;
        let mut loaded = parse(&text, Path::new(&self.listed.name)).ok()?;
        loaded.origin = Some(format!("{self} at {}, pulled {}", self.provider, self.at));
        loaded.complete = self.complete;
        Some(loaded)
    }
}

/// Displayed as name and language.
impl std::fmt::Display for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` in {}", self.listed.name, self.listed.language)
    }
}
