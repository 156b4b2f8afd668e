//! Reads the templates of an account at Meta. People manage them in Meta's WhatsApp Manager.

use std::time::Duration;

use serde_json::Value;

use super::account::{TEMPLATE_FIELDS, Unanswered};
use super::account_words;
use super::client::MetaClient;
use crate::model::{Problem, ProviderApi};
use crate::provider::endpoint::Endpoint;
use crate::provider::error::PollError;
use crate::provider::lenient_json::{items, text};
use crate::provider::whatsapp_errors::advice;
use crate::template::{Error, RemoteTemplate, TemplateSummary};

const META: &str = "Meta";
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Templates per page. An account has at most 6,000 ("Templates").
const PAGE: &str = "200";
/// The most pages of a list, in case every response promises another one.
const PAGES: usize = 100;

/// Reads the templates of one WhatsApp Business account.
#[derive(Debug)]
pub struct MetaTemplates {
    client: MetaClient,
    account: String,
}

impl MetaTemplates {
    /// Returns a client for the templates of this account.
    ///
    /// # Errors
    /// [`Error::Account`] when the id of the WhatsApp Business account is not known, or the client cannot be created.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let account = endpoint.waba_id().ok_or_else(|| {
            Error::Account(
                "set META_WABA_ID, or `waba_id` in campaigner.toml, to the id of the WhatsApp Business account that \
                 holds the templates"
                    .to_owned(),
            )
        })?;
        let client = MetaClient::new(endpoint, 1, TIMEOUT).map_err(|error| Error::Account(error.to_string()))?;
        Ok(Self { client, account: account.to_owned() })
    }

    /// Lists all templates, or those that Meta finds for a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, name: Option<&str>) -> Result<Vec<TemplateSummary>, Error> {
        let path = format!("{}/message_templates", self.account);
        let mut found = Vec::new();
        let mut after = None::<String>;
        for _ in 0..PAGES {
            let mut query = vec![("fields", "id,name,language,status,category,rejected_reason"), ("limit", PAGE)];
            query.extend(name.map(|name| ("name", name)));
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page = self.client.ask(self.client.url(&path, &query)).await.map_err(failure)?;
            found.extend(items(&page, "data").iter().filter_map(listed));
            after = text(&page["paging"]["cursors"], "after").filter(|_| page["paging"]["next"].is_string());
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Returns a listed template with its parts.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Strange`] when it has a part of a kind that this version does not know.
    pub async fn details(&self, listed: TemplateSummary) -> Result<RemoteTemplate, Error> {
        let url = self.client.url(&listed.id, &[("fields", TEMPLATE_FIELDS)]);
        let entry = self.client.ask(url).await.map_err(failure)?;
        let definition = account_words::definition(&entry).ok_or_else(|| Error::Strange {
            provider: META,
            why: "the template has a part that this version does not recognise".to_owned(),
        })?;
        Ok(RemoteTemplate { listed, definition: definition.definition, complete: true })
    }

    /// Returns the error for a change, which people make elsewhere.
    #[must_use]
    pub fn cannot_change() -> Error {
        Error::Which(
            "Meta's templates can only be listed, shown and pulled here; create, update and delete them in Meta's \
             WhatsApp Manager"
                .to_owned(),
        )
    }
}

/// Reads an entry of the list; `None` without an id that can be part of a URL.
fn listed(entry: &Value) -> Option<TemplateSummary> {
    let status = text(entry, "status").unwrap_or_default();
    Some(TemplateSummary {
        id: text(entry, "id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?,
        name: text(entry, "name")?,
        language: text(entry, "language")?,
        category: text(entry, "category").unwrap_or_default(),
        sendable: status == "APPROVED",
        status: status.to_lowercase(),
        reason: text(entry, "rejected_reason").filter(|reason| reason != "NONE").map(Into::into),
        changed: None,
    })
}

fn failure(unanswered: Unanswered) -> Error {
    let refused = |problem: Problem| Error::Refused {
        provider: META,
        advice: advice(ProviderApi::Meta, &problem.code).unwrap_or("fix the problem that Meta reports"),
        message: problem.message().into_owned(),
        code: problem.code,
        request_id: None,
    };
    match unanswered {
        Unanswered::Refused { problem, .. } | Unanswered::Failed(PollError::Halted(problem)) => refused(problem),
        Unanswered::Strange(problem) => Error::Strange { provider: META, why: problem.to_string() },
        Unanswered::Failed(PollError::Throttled(problem, _)) => {
            Error::Busy { provider: META, why: problem.to_string() }
        }
        Unanswered::Failed(PollError::TryAgain(problem) | PollError::Unreachable(problem)) => {
            Error::Unreachable { provider: META, why: problem.to_string() }
        }
    }
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
