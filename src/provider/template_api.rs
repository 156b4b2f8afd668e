//! A client of the templates of any provider.

use super::listed_template::find;
use super::meta::templates::MetaTemplates;
use super::{cams, nxlink};
use crate::template::{ChangeAnswer, Definition, Difference, Error, RemoteTemplate, Snapshot, TemplateSummary, diff};

/// A client of the templates of one provider.
#[derive(Debug)]
pub enum TemplateApi {
    /// NXLink.
    Nxlink(Box<nxlink::NxlinkClient>),
    /// Alibaba Cloud's CAMS.
    Cams(Box<cams::CamsClient>),
    /// Meta, whose templates can be read only.
    Meta(Box<MetaTemplates>),
}

impl TemplateApi {
    /// Lists all templates, or those that the provider finds for a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, name: Option<&str>) -> Result<Vec<TemplateSummary>, Error> {
        match self {
            Self::Nxlink(client) => client.list(name).await,
            Self::Cams(client) => client.list(name).await,
            Self::Meta(client) => client.list(name).await,
        }
    }

    /// Returns a template by its name, and its language if there are several.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn show(&self, name: &str, language: Option<&str>) -> Result<RemoteTemplate, Error> {
        self.details(self.find(name, language).await?).await
    }

    /// Returns a listed template with its definition.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Strange`] when the definition contains something unknown to this version.
    pub async fn details(&self, listed: TemplateSummary) -> Result<RemoteTemplate, Error> {
        match self {
            Self::Nxlink(client) => client.details(listed).await,
            Self::Cams(client) => client.details(listed).await,
            Self::Meta(client) => client.details(listed).await,
        }
    }

    /// Finds the template with this name and language.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find(&self, name: &str, language: Option<&str>) -> Result<TemplateSummary, Error> {
        find(self.list(Some(name)).await?, name, language)
    }

    /// Creates a template; never twice.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        match self {
            Self::Nxlink(client) => client.create(definition).await,
            Self::Cams(client) => client.create(definition).await,
            Self::Meta(_) => Err(MetaTemplates::cannot_change()),
        }
    }

    /// Changes the template with the definition's name and language.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        match self {
            Self::Nxlink(client) => client.update(definition).await,
            Self::Cams(client) => client.update(definition).await,
            Self::Meta(_) => Err(MetaTemplates::cannot_change()),
        }
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, listed: &TemplateSummary) -> Result<ChangeAnswer, Error> {
        match self {
            Self::Nxlink(client) => client.delete(listed).await,
            Self::Cams(client) => client.delete(listed).await,
            Self::Meta(_) => Err(MetaTemplates::cannot_change()),
        }
    }

    /// Returns what changed in a template since a snapshot, without details that differ in every response.
    #[must_use]
    pub fn changes(&self, before: &Snapshot, now: &RemoteTemplate) -> Vec<Difference> {
        let Some(definition) = before.definition.clone() else { return Vec::new() };
        let complete = before.complete && now.complete;
        self.diff(&RemoteTemplate { listed: before.listed.clone(), definition, complete }, &now.definition)
    }

    /// Returns what an update would change.
    #[must_use]
    pub fn diff(&self, shown: &RemoteTemplate, definition: &Definition) -> Vec<Difference> {
        match self {
            Self::Nxlink(client) => client.diff(shown, definition),
            Self::Cams(client) => client.diff(shown, definition),
            Self::Meta(_) => diff(&shown.definition, definition),
        }
    }
}
