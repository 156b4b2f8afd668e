//! The channels that messages are sent on.

use std::fmt;

/// A messaging channel of the providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// WhatsApp Business.
    Whatsapp,
    /// Viber for Business.
    Viber,
    /// RCS Business Messaging.
    Rcs,
}

impl Channel {
    /// Every channel, in display order.
    pub const ALL: [Self; 3] = [Self::Whatsapp, Self::Viber, Self::Rcs];

    /// Returns the channel's name in campaign files, reports and the provider's paths.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Viber => "viber",
            Self::Rcs => "rcs",
        }
    }

    /// Returns the channel with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
