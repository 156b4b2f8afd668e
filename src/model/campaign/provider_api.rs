//! The APIs that messages are sent through, and what each can do.

use std::fmt;

use super::Channel;
use crate::model::Phone;

/// The API that a provider speaks: how a request and a status look, and what the provider can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProviderApi {
    /// The INCS Messages API.
    #[default]
    Incs,
    /// Meta's WhatsApp Cloud API.
    Meta,
}

/// How the statuses of messages arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusSource {
    /// They can be polled; webhooks may bring them earlier.
    Polled,
    /// Only webhooks bring them.
    Pushed,
}

impl ProviderApi {
    /// Every API, in display order.
    pub const ALL: [Self; 2] = [Self::Incs, Self::Meta];

    /// Returns the API's name in `campaigner.toml` and in stored campaigns.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incs => "incs",
            Self::Meta => "meta",
        }
    }

    /// Returns the API with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.as_str() == name)
    }

    /// Returns the name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Incs => "the INCS Messages API",
            Self::Meta => "Meta's WhatsApp Cloud API",
        }
    }

    /// Returns the channels it sends on.
    #[must_use]
    pub fn channels(self) -> &'static [Channel] {
        match self {
            Self::Incs => &Channel::ALL,
            Self::Meta => &[Channel::Whatsapp],
        }
    }

    /// Returns what precedes the digits of a recipient's number in a request. Without the plus, Meta may take the
    /// number for one of the sender's own country, which is another person's.
    #[must_use]
    pub fn number_prefix(self) -> &'static str {
        match self {
            Self::Incs => "",
            Self::Meta => "+",
        }
    }

    /// Returns a recipient's number as a request names it.
    #[must_use]
    pub fn recipient(self, phone: Phone) -> String {
        format!("{}{}", self.number_prefix(), phone.as_u64())
    }

    /// Returns how the statuses of its messages arrive.
    #[must_use]
    pub fn statuses(self) -> StatusSource {
        match self {
            Self::Incs => StatusSource::Polled,
            Self::Meta => StatusSource::Pushed,
        }
    }

    /// Whether a request can carry a reference of ours that the provider returns with every status.
    #[must_use]
    pub fn returns_reference(self) -> bool {
        match self {
            Self::Incs => false,
            Self::Meta => true,
        }
    }

    /// Whether it can be asked about the account before the first message: the number, its limits, and the template.
    #[must_use]
    pub fn account_checked(self) -> bool {
        match self {
            Self::Incs => false,
            Self::Meta => true,
        }
    }
}

impl fmt::Display for ProviderApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
