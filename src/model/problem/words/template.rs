//! The words for mismatches between a message and its template.

use crate::model::problem::template::{Mismatch, Part};
use crate::text::{count, escaped};

impl Mismatch {
    /// Describes the mismatch, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Name { message, template } => {
                format!("the message is for the template `{message}`, but the definition is for `{template}`")
            }
            Self::Language { message, template } => {
                format!("the message is in {message}, but the template is in {template}")
            }
            Self::NotAuthentication(category) => {
                format!("`code` is only for AUTHENTICATION templates, but this one is {category}")
            }
            Self::CodeMissing => "an AUTHENTICATION template needs a `code`".to_owned(),
            Self::NoHeader => "the template has no HEADER".to_owned(),
            Self::NoBody => "the template has no BODY here".to_owned(),
            Self::HeaderMissing(kind) => format!("the template's header needs a parameter of type `{kind}`"),
            Self::HeaderKind { message, template } => {
                format!(
                    "the header's parameter is of type `{message}`, but the template's header is of type {template}"
                )
            }
            Self::ParameterCount { part, variables, parameters } => format!(
                "the template's {} has {}, but the message has {}",
                part.words(),
                count(*variables as u64, "variable"),
                count(*parameters as u64, "parameter")
            ),
            Self::ParameterKind { part, kind } => {
                format!("a parameter of the {} cannot be of type `{kind}`", part.words())
            }
            Self::ParameterName { part: Part::Address(index), name } => {
                format!("the URL of button {index} has no variable `{name}`")
            }
            Self::ParameterName { part, name } => {
                let positional = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
                let advice = if positional { "; to fill a numbered variable, leave out `parameter_name`" } else { "" };
                format!("the template's {} has no variable named `{name}`{advice}", part.words())
            }
            Self::TooLong { part: Part::Address(_), chars, most } => {
                format!("with the value filled in, the URL has {chars} characters; the limit is {most}")
            }
            Self::TooLong { part, chars, most } => {
                format!("with the values filled in, the {} has {chars} characters; the limit is {most}", part.words())
            }
            Self::ButtonIndex { index, buttons } => {
                format!(
                    "button {index} does not exist: the template has {}, numbered from 0",
                    count(*buttons as u64, "button")
                )
            }
            Self::ButtonKind { index, message, template } => {
                format!("button {index} of the template is of type {template}, but the message has `{message}`")
            }
            Self::ButtonMissing { index, kind } => {
                format!("button {index} of the template ({kind}) needs a parameter")
            }
            Self::ButtonStatic(index) => format!("the URL of button {index} has no variable"),
            Self::UrlInUrl { index, start, is_same } => {
                let next = if *is_same { "write only the rest" } else { "the button cannot link to another site" };
                format!(
                    "the value is a whole URL, but the URL of button {index} starts with `{}`: {next}",
                    escaped(start)
                )
            }
            Self::SpaceInUrl(index) => {
                format!("the value for the URL of button {index} contains a space; write it as %20")
            }
            Self::DoubleSlash(index) => {
                format!(
                    "the value starts with `/`, but the URL of button {index} in the template already has one before \
                     the value"
                )
            }
            Self::EscapedInUrl(index) => {
                format!("the value for the URL of button {index} contains `&amp;`, the HTML escape for `&`; write `&`")
            }
            Self::NoOffer => "the template has no LIMITED_TIME_OFFER".to_owned(),
            Self::OfferMissing => {
                "the template's offer expires: the message must say when, in `limited_time_offer`".to_owned()
            }
            Self::NoCarousel => "the template has no CAROUSEL".to_owned(),
            Self::CardCount { template, message } => {
                format!(
                    "the template has {}, but the message has {}",
                    count(*template as u64, "card"),
                    count(*message as u64, "card")
                )
            }
        }
    }
}

impl Part {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Address(_) => "URL",
        }
    }
}
