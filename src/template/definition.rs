//! A template's definition in WhatsApp's vocabulary, with everything that either provider accepts.
//!
//! `rules` checks it, `decode` parses it, and each provider's module converts it. Serialised, it has the keys of a
//! definition file.

use serde::Serialize;
use serde_json::Value;

/// The definition of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The template's name; together with the language, it identifies the template.
    pub name: String,
    /// The language's code, such as `en_US`.
    pub language: String,
    /// What the template is for.
    pub category: Category,
    /// Seconds after which delivery of a message is no longer attempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<u32>,
    /// The parts, in their written order.
    pub components: Vec<Component>,
    /// Settings only for NXLink.
    #[serde(skip_serializing_if = "Nxlink::is_empty")]
    pub nxlink: Nxlink,
}

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// Offers and news.
    Marketing,
    /// About an action of the person.
    Utility,
    /// One-time passwords.
    Authentication,
}

impl Category {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Marketing, Self::Utility, Self::Authentication];

    /// Returns its name in WhatsApp.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
            Self::Authentication => "AUTHENTICATION",
        }
    }

    /// Returns the category with this name, in any letter case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str().eq_ignore_ascii_case(name))
    }
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Component {
    /// The part above the body.
    Header(HeaderComponent),
    /// The text.
    Body(Body),
    /// The small print.
    Footer(Footer),
    /// The buttons of the message.
    Buttons {
        /// From the first to the last.
        buttons: Vec<Button>,
    },
    /// Cards in a carousel.
    Carousel {
        /// From left to right.
        cards: Vec<Card>,
    },
    /// An offer that expires.
    LimitedTimeOffer {
        /// The offer.
        limited_time_offer: Offer,
    },
}

impl Component {
    /// Returns the part's type in WhatsApp.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Header(_) => "HEADER",
            Self::Body(_) => "BODY",
            Self::Footer(_) => "FOOTER",
            Self::Buttons { .. } => "BUTTONS",
            Self::Carousel { .. } => "CAROUSEL",
            Self::LimitedTimeOffer { .. } => "LIMITED_TIME_OFFER",
        }
    }
}

/// The contents of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HeaderFormat {
    /// A line of text.
    Text,
    /// A picture.
    Image,
    /// A video.
    Video,
    /// A file.
    Document,
    /// A place on a map.
    Location,
    /// A product of the catalog.
    Product,
}

impl HeaderFormat {
    /// All values.
    pub const ALL: [Self; 6] = [Self::Text, Self::Image, Self::Video, Self::Document, Self::Location, Self::Product];

    /// Returns its name in WhatsApp.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::Document => "DOCUMENT",
            Self::Location => "LOCATION",
            Self::Product => "PRODUCT",
        }
    }

    /// Returns the format with this name, in any letter case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it is a file.
    #[must_use]
    pub fn is_media(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }
}

/// The part above the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeaderComponent {
    /// Its contents.
    pub format: HeaderFormat,
    /// Its text, with at most one variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A value for the variable.
    #[serde(skip_serializing_if = "Examples::is_empty")]
    pub example: Examples,
    /// The URL of the media sample; only for CAMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The handle of an uploaded sample (`h`, WhatsApp's `header_handle`); only for NXLink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The id of an uploaded sample; only for NXLink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_id: Option<String>,
    /// The sample's file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The caption of the media; only for CAMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

impl HeaderComponent {
    /// Returns an empty header of this format.
    #[must_use]
    pub fn new(format: HeaderFormat) -> Self {
        let example = Examples::default();
        Self { format, text: None, example, url: None, handle: None, media_id: None, file_name: None, caption: None }
    }
}

/// The text of a template, or of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Body {
    /// The text with its variables. WhatsApp writes it for an AUTHENTICATION template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A value for each variable.
    #[serde(skip_serializing_if = "Examples::is_empty")]
    pub example: Examples,
    /// AUTHENTICATION: whether to add a warning not to share the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_security_recommendation: Option<bool>,
}

/// The small print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Footer {
    /// The text. WhatsApp writes it for an AUTHENTICATION template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// AUTHENTICATION: how long the code is valid, in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_expiration_minutes: Option<u32>,
}

/// A card of a carousel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// A header with an image or video, optionally a body, and buttons.
    pub components: Vec<Component>,
}

/// An offer that expires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// What is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether to show the remaining time; each message then says when the offer expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_expiration: Option<bool>,
}

/// Example values for variables, for the reviewers of the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples(pub Vec<(String, String)>);

impl Examples {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of the variable with this name.
    #[must_use]
    pub fn of(&self, variable: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == variable).map(|(_, value)| value.as_str())
    }
}

impl Serialize for Examples {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = self.0.iter().enumerate().all(|(index, (name, _))| *name == (index + 1).to_string());
        if counted {
            serializer.collect_seq(self.0.iter().map(|(_, value)| value))
        } else {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ButtonKind {
    /// Replies with its label.
    QuickReply,
    /// Opens a page.
    Url,
    /// Calls a number.
    PhoneNumber,
    /// Copies a code to use in a shop.
    CopyCode,
    /// Opens a flow.
    Flow,
    /// Passes on a one-time password.
    Otp,
    /// Opens the catalog.
    Catalog,
    /// Shows some products.
    Mpm,
    /// Calls the business on WhatsApp.
    VoiceCall,
}

impl ButtonKind {
    /// All values.
    pub const ALL: [Self; 9] = [
        Self::QuickReply,
        Self::Url,
        Self::PhoneNumber,
        Self::CopyCode,
        Self::Flow,
        Self::Otp,
        Self::Catalog,
        Self::Mpm,
        Self::VoiceCall,
    ];

    /// Returns its name in WhatsApp.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuickReply => "QUICK_REPLY",
            Self::Url => "URL",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::CopyCode => "COPY_CODE",
            Self::Flow => "FLOW",
            Self::Otp => "OTP",
            Self::Catalog => "CATALOG",
            Self::Mpm => "MPM",
            Self::VoiceCall => "VOICE_CALL",
        }
    }

    /// Returns the kind with this name, in any letter case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }
}

/// A button. `rules` checks which fields belong to which kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: ButtonKind,
    /// The label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// PHONE_NUMBER: the number with `+` and country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// URL: the URL, with at most one variable at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// URL with a variable: the full URL with a value filled in. COPY_CODE: a code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub example: Vec<String>,
    /// COPY_CODE: the variable for the code, such as `{{code}}`; in CAMS it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon_code: Option<String>,
    /// QUICK_REPLY: whether it opts out of marketing messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<bool>,
    /// FLOW: the id of the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<String>,
    /// FLOW: `NAVIGATE` or `DATA_EXCHANGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action: Option<String>,
    /// FLOW with NAVIGATE: the first screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub navigate_screen: Option<String>,
    /// OTP: `COPY_CODE`, `ONE_TAP` or `ZERO_TAP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_type: Option<String>,
    /// OTP of ONE_TAP: the label of the button that fills the code in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autofill_text: Option<String>,
    /// OTP of ONE_TAP and ZERO_TAP: the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
    /// OTP of ONE_TAP and ZERO_TAP: the hash of the app's signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_hash: Option<String>,
    /// What NXLink returns when the button is tapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What NXLink does when the button is tapped: `event` and its documented fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Value>,
}

impl Button {
    /// Returns an empty button of this kind.
    #[must_use]
    pub fn new(kind: ButtonKind) -> Self {
        Self {
            kind,
            text: None,
            phone_number: None,
            url: None,
            example: Vec::new(),
            coupon_code: None,
            opt_out: None,
            flow_id: None,
            flow_action: None,
            navigate_screen: None,
            otp_type: None,
            autofill_text: None,
            package_name: None,
            signature_hash: None,
            payload: None,
            events: Vec::new(),
        }
    }
}

/// Settings only for NXLink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Nxlink {
    /// A tag for everyone who gets the template; it must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_name: Option<String>,
    /// Whether the template is submitted to WhatsApp at once; yes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syn_meta: Option<bool>,
    /// Whether unassigned conversations are closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_close_auto_flow: Option<bool>,
}

impl Nxlink {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Access to the one component of each kind.
impl Definition {
    /// Returns the header and its index among the components.
    #[must_use]
    pub fn header(&self) -> Option<(usize, &HeaderComponent)> {
        header_of(&self.components)
    }

    /// Returns the body and its index among the components.
    #[must_use]
    pub fn body(&self) -> Option<(usize, &Body)> {
        body_of(&self.components)
    }

    /// Returns the footer and its index among the components.
    #[must_use]
    pub fn footer(&self) -> Option<(usize, &Footer)> {
        self.components.iter().enumerate().find_map(|(index, component)| match component {
            Component::Footer(footer) => Some((index, footer)),
            _ => None,
        })
    }

    /// Returns the buttons and their component's index.
    #[must_use]
    pub fn buttons(&self) -> Option<(usize, &[Button])> {
        buttons_of(&self.components)
    }

    /// Returns the cards and their component's index.
    #[must_use]
    pub fn cards(&self) -> Option<(usize, &[Card])> {
        self.components.iter().enumerate().find_map(|(index, component)| match component {
            Component::Carousel { cards } => Some((index, cards.as_slice())),
            _ => None,
        })
    }

    /// Returns the offer and its component's index.
    #[must_use]
    pub fn offer(&self) -> Option<(usize, &Offer)> {
        self.components.iter().enumerate().find_map(|(index, component)| match component {
            Component::LimitedTimeOffer { limited_time_offer } => Some((index, limited_time_offer)),
            _ => None,
        })
    }
}

pub(super) fn header_of(components: &[Component]) -> Option<(usize, &HeaderComponent)> {
    components.iter().enumerate().find_map(|(index, component)| match component {
        Component::Header(header) => Some((index, header)),
        _ => None,
    })
}

pub(super) fn body_of(components: &[Component]) -> Option<(usize, &Body)> {
    components.iter().enumerate().find_map(|(index, component)| match component {
        Component::Body(body) => Some((index, body)),
        _ => None,
    })
}

pub(super) fn buttons_of(components: &[Component]) -> Option<(usize, &[Button])> {
    components.iter().enumerate().find_map(|(index, component)| match component {
        Component::Buttons { buttons } => Some((index, buttons.as_slice())),
        _ => None,
    })
}
