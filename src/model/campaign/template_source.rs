//! Where templates are kept, and where a campaign's messages find the definition that they are held against.

use std::fmt;
use std::path::PathBuf;

/// A provider that keeps templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateProvider {
    /// NXLink.
    Nxlink,
    /// Alibaba Cloud Chat App Message Service.
    Cams,
}

impl TemplateProvider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Nxlink, Self::Cams];

    /// As it is written in a campaign and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nxlink => "nxlink",
            Self::Cams => "cams",
        }
    }

    /// The provider that is written so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

/// Displayed as a person calls it.
impl fmt::Display for TemplateProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nxlink => "NXLink",
            Self::Cams => "CAMS",
        })
    }
}

/// Where the definition of a campaign's template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateSource {
    /// In a file; absolute, or relative to the working directory.
    File(PathBuf),
    /// At a provider, from which it is pulled into the store. The message names the template.
    At {
        /// Which.
        provider: TemplateProvider,
        /// The template's language, where the message does not name it.
        language: Option<String>,
    },
}
