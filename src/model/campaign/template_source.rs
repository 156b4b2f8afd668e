//! Where templates are stored, and where a campaign gets the definition that its messages are checked against.

use std::fmt;
use std::path::PathBuf;

/// A provider that stores templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateProvider {
    /// NXLink.
    Nxlink,
    /// Alibaba Cloud Chat App Message Service.
    Cams,
    /// Meta.
    Meta,
}

impl TemplateProvider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nxlink, Self::Cams, Self::Meta];

    /// Returns its name in a campaign and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nxlink => "nxlink",
            Self::Cams => "cams",
            Self::Meta => "meta",
        }
    }

    /// Whether templates can be created, updated and deleted there, and not only read.
    #[must_use]
    pub fn can_change(self) -> bool {
        match self {
            Self::Nxlink | Self::Cams => true,
            Self::Meta => false,
        }
    }

    /// Returns the provider with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

/// Displayed as its brand name.
impl fmt::Display for TemplateProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nxlink => "NXLink",
            Self::Cams => "CAMS",
            Self::Meta => "Meta",
        })
    }
}

/// Where the definition of a campaign's template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateSource {
    /// In a file; absolute, or relative to the working directory.
    File(PathBuf),
    /// With a provider, from which it is pulled into the store. The message names the template.
    At {
        /// The provider.
        provider: TemplateProvider,
        /// The template's language, if the message does not name it.
        language: Option<String>,
    },
}
