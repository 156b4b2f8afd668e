//! Words of what a message and its template do not agree on.

use crate::model::problem::template::{Mismatch, Part};

impl Mismatch {
    /// What does not agree, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Name { message, template } => {
                format!("the message is for the template `{message}`, the definition is of `{template}`")
            }
            Self::Language { message, template } => format!("the message is in {message}, the template in {template}"),
            Self::NotAuthentication(category) => {
                format!("`code` is for AUTHENTICATION templates, and this is {category}")
            }
            Self::CodeMissing => "an AUTHENTICATION template needs its `code`".to_owned(),
            Self::NoHeader => "the template has no HEADER".to_owned(),
            Self::NoBody => "the template has no BODY here".to_owned(),
            Self::HeaderMissing(kind) => format!("the template's header needs a parameter of the type `{kind}`"),
            Self::HeaderKind { message, template } => {
                format!("the header's parameter is `{message}`, and the template's header is {template}")
            }
            Self::ParameterCount { part, variables, parameters } => format!(
                "the template's {} has {} and the message gives {}",
                part.words(),
                count(*variables, "variable"),
                count(*parameters, "parameter")
            ),
            Self::ParameterKind { part, kind } => format!("a variable of the {} takes no `{kind}`", part.words()),
            Self::ParameterName { part: Part::Address(index), name } => {
                format!("the address of button {index} has no variable `{name}`")
            }
            Self::ParameterName { part, name } => format!("the template's {} has no variable `{name}`", part.words()),
            Self::TooLong { part: Part::Address(_), chars, most } => {
                format!("with its value the address has {chars} characters and may have {most}")
            }
            Self::TooLong { part, chars, most } => {
                format!("with its values the {} has {chars} characters and may have {most}", part.words())
            }
            Self::ButtonIndex { index, buttons } => {
                format!("there is no button {index}: the template has {}, counted from 0", count(*buttons, "button"))
            }
            Self::ButtonKind { index, message, template } => {
                format!("button {index} of the template is {template}, and the message has `{message}`")
            }
            Self::ButtonMissing { index, kind } => {
                format!("button {index} of the template ({kind}) needs a parameter")
            }
            Self::ButtonStatic(index) => format!("the address of button {index} has no variable"),
            Self::NoOffer => "the template has no LIMITED_TIME_OFFER".to_owned(),
            Self::OfferMissing => {
                "the template's offer ends: the message has to say when, in a `limited_time_offer`".to_owned()
            }
            Self::NoCarousel => "the template has no CAROUSEL".to_owned(),
            Self::CardCount { template, message } => {
                format!("the template has {} and the message {}", count(*template, "card"), count(*message, "card"))
            }
        }
    }
}

impl Part {
    fn words(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Address(_) => "address",
        }
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
