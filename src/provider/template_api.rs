//! A client of either provider.

use super::listed_template::find;
use super::{cams, nxlink};
use crate::template::{Answer, Change, Definition, Error, RemoteTemplate, Snapshot, TemplateSummary};

/// A client of either provider.
#[derive(Debug)]
pub enum TemplateApi {
    /// NXLink.
    Nxlink(Box<nxlink::NxlinkClient>),
    /// Alibaba Cloud's CAMS.
    Cams(Box<cams::CamsClient>),
}

impl TemplateApi {
    /// All templates, or those that the provider finds for a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, name: Option<&str>) -> Result<Vec<TemplateSummary>, Error> {
        match self {
            Self::Nxlink(client) => client.list(name).await,
            Self::Cams(client) => client.list(name).await,
        }
    }

    /// One template by its name, and its language where there are several.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn show(&self, name: &str, language: Option<&str>) -> Result<RemoteTemplate, Error> {
        self.details(self.find(name, language).await?).await
    }

    /// A template of the list with its definition.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Strange`] where the definition holds something that this program does not know.
    pub async fn details(&self, listed: TemplateSummary) -> Result<RemoteTemplate, Error> {
        match self {
            Self::Nxlink(client) => client.details(listed).await,
            Self::Cams(client) => client.details(listed).await,
        }
    }

    /// Which template a name and language stand for.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find(&self, name: &str, language: Option<&str>) -> Result<TemplateSummary, Error> {
        find(self.list(Some(name)).await?, name, language)
    }

    /// Makes a template; never twice.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create(&self, definition: &Definition) -> Result<Answer, Error> {
        match self {
            Self::Nxlink(client) => client.create(definition).await,
            Self::Cams(client) => client.create(definition).await,
        }
    }

    /// Changes the template of the definition's name and language.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update(&self, definition: &Definition) -> Result<Answer, Error> {
        match self {
            Self::Nxlink(client) => client.update(definition).await,
            Self::Cams(client) => client.update(definition).await,
        }
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, listed: &TemplateSummary) -> Result<Answer, Error> {
        match self {
            Self::Nxlink(client) => client.delete(listed).await,
            Self::Cams(client) => client.delete(listed).await,
        }
    }

    /// What is different of a template since a snapshot of it was taken, but for what differs from answer to answer.
    #[must_use]
    pub fn changes(&self, before: &Snapshot, now: &RemoteTemplate) -> Vec<Change> {
        let Some(definition) = before.definition.clone() else { return Vec::new() };
        let complete = before.complete && now.complete;
        self.diff(&RemoteTemplate { listed: before.listed.clone(), definition, complete }, &now.definition)
    }

    /// What an update would change.
    #[must_use]
    pub fn diff(&self, shown: &RemoteTemplate, definition: &Definition) -> Vec<Change> {
        match self {
            Self::Nxlink(client) => client.diff(shown, definition),
            Self::Cams(client) => client.diff(shown, definition),
        }
    }
}
