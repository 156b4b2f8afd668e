//! Mismatches between a message and its template.

use serde::{Deserialize, Serialize};

/// A mismatch between a message and the definition of its template. Kinds of templates, headers and buttons are named
/// as in the definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// The message is for another template.
    Name {
        /// The name in the message.
        message: String,
        /// The template's.
        template: String,
    },
    /// The message is in another language.
    Language {
        /// The language of the message.
        message: String,
        /// The template's.
        template: String,
    },
    /// The message has a code, but the template is of this category.
    NotAuthentication(String),
    /// The message has no code, but the template needs one.
    CodeMissing,
    /// The template has no header.
    NoHeader,
    /// The template has no body.
    NoBody,
    /// The template's header needs a parameter of this type.
    HeaderMissing(String),
    /// The header's parameter is of another type.
    HeaderKind {
        /// The type in the message.
        message: String,
        /// The template's.
        template: String,
    },
    /// There are more or fewer parameters than variables.
    ParameterCount {
        /// The text.
        part: Part,
        /// Variables of the template.
        variables: usize,
        /// Parameters of the message.
        parameters: usize,
    },
    /// A variable in the text does not accept a parameter of this type.
    ParameterKind {
        /// The text.
        part: Part,
        /// The type.
        kind: String,
    },
    /// The text has no variable of this name.
    ParameterName {
        /// The text.
        part: Part,
        /// The name.
        name: String,
    },
    /// With its values the text is too long.
    TooLong {
        /// The text.
        part: Part,
        /// Its characters.
        chars: usize,
        /// The limit.
        most: usize,
    },
    /// There is no button of this index.
    ButtonIndex {
        /// The index.
        index: usize,
        /// How many buttons the template has.
        buttons: usize,
    },
    /// The button is of another kind.
    ButtonKind {
        /// The button's index.
        index: usize,
        /// The kind in the message.
        message: String,
        /// The template's.
        template: String,
    },
    /// The button needs a parameter.
    ButtonMissing {
        /// The button's index.
        index: usize,
        /// Its kind.
        kind: String,
    },
    /// The URL of this button has no variable.
    ButtonStatic(usize),
    /// A value of a URL is a whole URL itself.
    UrlInUrl {
        /// The button's index.
        index: usize,
        /// What the URL starts with.
        start: String,
        /// Whether the value is on the same server, and so certainly wrong.
        is_same: bool,
    },
    /// The value for the URL of this button has a space.
    SpaceInUrl(usize),
    /// The value for the URL of this button starts with a slash, after a slash.
    DoubleSlash(usize),
    /// The value for the URL of this button has `&amp;`, the HTML escape for `&`.
    EscapedInUrl(usize),
    /// The template has no offer.
    NoOffer,
    /// The template's offer expires, but the message does not say when.
    OfferMissing,
    /// The template has no cards.
    NoCarousel,
    /// The message has more or fewer cards.
    CardCount {
        /// Cards of the template.
        template: usize,
        /// Cards of the message.
        message: usize,
    },
}

/// A text of a template that has variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The header.
    Header,
    /// The body.
    Body,
    /// The URL of the button with this index.
    Address(usize),
}

impl Mismatch {
    /// Whether the message may be right all the same.
    #[must_use]
    pub fn is_doubt(&self) -> bool {
        matches!(
            self,
            Self::UrlInUrl { is_same: false, .. } | Self::SpaceInUrl(_) | Self::DoubleSlash(_) | Self::EscapedInUrl(_)
        )
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "template_name",
            Self::Language { .. } => "language",
            Self::NotAuthentication(_) => "not_authentication",
            Self::CodeMissing => "code_missing",
            Self::NoHeader => "no_header",
            Self::NoBody => "no_body",
            Self::HeaderMissing(_) => "header_missing",
            Self::HeaderKind { .. } => "header_kind",
            Self::ParameterCount { .. } => "parameter_count",
            Self::ParameterKind { .. } => "parameter_kind",
            Self::ParameterName { .. } => "parameter_name",
            Self::TooLong { .. } => "too_long",
            Self::ButtonIndex { .. } => "button_index",
            Self::ButtonKind { .. } => "button_kind",
            Self::ButtonMissing { .. } => "button_missing",
            Self::ButtonStatic(_) => "button_static",
            Self::UrlInUrl { .. } => "url_in_url",
            Self::SpaceInUrl(_) => "space_in_url",
            Self::DoubleSlash(_) => "double_slash",
            Self::EscapedInUrl(_) => "escaped_link",
            Self::NoOffer => "no_offer",
            Self::OfferMissing => "offer_missing",
            Self::NoCarousel => "no_carousel",
            Self::CardCount { .. } => "card_count",
        }
    }
}
