//! What the documents forbid in a request to send a message, and how the simulated provider says so.
//!
//! Two readers judge a request, as they do at the provider. The Messages API itself reads `to`, `type` and whether
//! there is content of the right JSON type: what it refuses is code 422. What is inside the content is judged by
//! the channel: codes 10002, 10003 and 10004, and on WhatsApp a text that starts with Meta's own number. Limits of
//! media behind a link, and of templates nobody here knows, are not checked.

use std::borrow::Cow;

use super::json::Json;
use crate::model::Channel;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The envelope's code.
    pub(super) code: u16,
    /// The envelope's message.
    pub(super) message: Cow<'static, str>,
}

impl Refusal {
    pub(super) const NOT_FOUND: Self = Self::fixed(404, "not found");
    pub(super) const TOO_MANY: Self = Self::fixed(429, "too many attempts");
    pub(super) const SERVER_ERROR: Self = Self::fixed(500, "server error");
    pub(super) const CREDENTIAL: Self = Self::fixed(10001, "certification code is invalid");

    const fn fixed(code: u16, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    /// A request parameter is wrong.
    pub(super) fn parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 422, message: message.into() }
    }
}

/// What the content of a message has to be, apart from its limits.
#[derive(Clone, Copy)]
enum Shape {
    /// A flat text of at most so many characters.
    Text(usize),
    /// An object with a link.
    Media,
    /// A one-time password on Viber.
    Otp,
    WhatsappTemplate,
    RcsTemplate,
    Interactive,
}

/// The documents name no length for texts on WhatsApp and RCS.
const NO_LIMIT: usize = usize::MAX;

/// The types a channel has.
fn types(channel: Channel) -> &'static [(&'static str, Shape)] {
    match channel {
        Channel::Whatsapp => &[
            ("template", Shape::WhatsappTemplate),
            ("text", Shape::Text(NO_LIMIT)),
            ("image", Shape::Media),
            ("video", Shape::Media),
            ("audio", Shape::Media),
            ("document", Shape::Media),
            ("interactive", Shape::Interactive),
        ],
        Channel::Viber => &[
            ("otp", Shape::Otp),
            ("text", Shape::Text(1000)),
            ("image", Shape::Media),
            ("video", Shape::Media),
            ("document", Shape::Media),
        ],
        Channel::Rcs => &[
            ("template", Shape::RcsTemplate),
            ("text", Shape::Text(NO_LIMIT)),
            ("image", Shape::Media),
            ("video", Shape::Media),
            ("document", Shape::Media),
        ],
    }
}

/// The kinds of interactive messages and the most characters that the body of each may have.
const INTERACTIVE: [(&str, usize); 4] = [("cta_url", 1024), ("list", 4096), ("carousel", 1024), ("button", 1024)];

/// The most characters of an interactive message's footer.
const FOOTER: usize = 60;

/// Judges the body of a request to send a message over `channel`.
pub(super) fn judge(channel: Channel, body: &[u8]) -> Result<(), Refusal> {
    let Ok(request) = serde_json::from_slice::<Json>(body) else {
        return Err(Refusal::parameter("The request body is not valid JSON."));
    };
    if request.as_object().is_none() {
        return Err(Refusal::parameter("The request body is not a JSON object."));
    }
    match request.get("to").and_then(Json::as_text) {
        None => return Err(Refusal::parameter("The to field is required and must be a string.")),
        Some(to) if to.is_empty() || !to.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(Refusal::parameter("The phone number is invalid."));
        }
        Some(_) => {}
    }
    let Some(asked) = request.get("type").and_then(Json::as_text) else {
        return Err(Refusal::parameter("The type field is required and must be a string."));
    };
    let Some(&(name, shape)) = types(channel).iter().find(|(name, _)| *name == asked) else {
        return Err(Refusal::parameter(format!("The selected type is invalid for {channel}.")));
    };
    let Some(content) = request.get(name) else {
        return Err(Refusal::parameter(format!("The {name} field is required when type is {name}.")));
    };
    match shape {
        Shape::Text(_) if content.as_text().is_none() => {
            Err(Refusal::parameter(format!("The {name} field must be a string.")))
        }
        Shape::Text(_) => Ok(()),
        _ if content.as_object().is_none() => Err(Refusal::parameter(format!("The {name} field must be an object."))),
        _ => Ok(()),
    }?;
    shape.judge(content).map_err(|fault| fault.refusal(channel))
}

/// What a channel finds wrong inside the content of a message.
enum Fault<'a> {
    /// A required field is missing or empty.
    Missing(&'static str),
    /// A field has a value that it may not have.
    Invalid(&'static str),
    /// A template's parameter is not formed as its type asks.
    Format,
    /// A template's text has a line break, a tab, or more than four spaces in a row.
    ParameterText,
    /// An RCS template of this name got parameters that are no flat texts.
    CustomParams(&'a str),
}

impl Fault<'_> {
    fn refusal(self, channel: Channel) -> Refusal {
        let (number, text) = match self {
            Self::Missing(field) => (131_008, format!("Required parameter is missing: {field}")),
            Self::Invalid(field) => (131_009, format!("Parameter value is not valid: {field}")),
            Self::Format => (132_012, "Parameter format does not match format in the created template".to_owned()),
            Self::ParameterText => (132_018, "There's an issue with the parameters in your template".to_owned()),
            Self::CustomParams(name) => {
                (0, format!("Template with the code [{name}] received with invalid custom params"))
            }
        };
        match channel {
            Channel::Whatsapp => Refusal { code: 10002, message: format!("(#{number}) {text}").into() },
            Channel::Viber => Refusal { code: 10003, message: text.into() },
            Channel::Rcs => Refusal { code: 10004, message: text.into() },
        }
    }
}

impl Shape {
    fn judge<'a>(self, content: &'a Json) -> Result<(), Fault<'a>> {
        match self {
            Self::Text(limit) => within(limit, "text", content.as_text().unwrap_or_default()),
            Self::Media => link(content),
            Self::Otp => otp(content),
            Self::WhatsappTemplate => whatsapp_template(content),
            Self::RcsTemplate => rcs_template(content),
            Self::Interactive => interactive(content),
        }
    }
}

/// A text that is there, not empty, and at most `limit` characters long.
fn within(limit: usize, field: &'static str, text: &str) -> Result<(), Fault<'static>> {
    if text.is_empty() {
        return Err(Fault::Missing(field));
    }
    // Bytes are never fewer than characters, so most texts need no count.
    if text.len() > limit && text.chars().count() > limit {
        return Err(Fault::Invalid(field));
    }
    Ok(())
}

/// The non-empty text at `path`.
fn required<'a>(content: &'a Json, path: &'static str) -> Result<&'a str, Fault<'static>> {
    match content.at(path) {
        None => Err(Fault::Missing(path)),
        Some(Json::Text(text)) if text.is_empty() => Err(Fault::Missing(path)),
        Some(Json::Text(text)) => Ok(text),
        Some(_) => Err(Fault::Invalid(path)),
    }
}

fn link(content: &Json) -> Result<(), Fault<'static>> {
    let link = required(content, "link")?;
    match ["https://", "http://"].iter().any(|scheme| link.len() > scheme.len() && link.starts_with(scheme)) {
        true => Ok(()),
        false => Err(Fault::Invalid("link")),
    }
}

fn otp(content: &Json) -> Result<(), Fault<'static>> {
    required(content, "code")?;
    required(content, "language")?;
    match content.get("code_expiration_minutes") {
        Some(Json::Number(minutes)) if *minutes > 0.0 => Ok(()),
        Some(_) => Err(Fault::Invalid("code_expiration_minutes")),
        None => Err(Fault::Missing("code_expiration_minutes")),
    }
}

fn interactive(content: &Json) -> Result<(), Fault<'static>> {
    let asked = required(content, "type")?;
    let Some((_, limit)) = INTERACTIVE.iter().find(|(name, _)| *name == asked) else {
        return Err(Fault::Invalid("interactive.type"));
    };
    within(*limit, "body.text", required(content, "body.text")?)?;
    if content.get("footer").is_some() {
        within(FOOTER, "footer.text", required(content, "footer.text")?)?;
    }
    match content.get("action") {
        Some(Json::Object(_)) => Ok(()),
        Some(_) => Err(Fault::Invalid("action")),
        None => Err(Fault::Missing("action")),
    }
}

fn rcs_template<'a>(content: &'a Json) -> Result<(), Fault<'a>> {
    let name = required(content, "name")?;
    match content.get("parameters") {
        None => Ok(()),
        Some(Json::Object(fields)) if fields.iter().all(|(_, value)| value.as_text().is_some()) => Ok(()),
        Some(_) => Err(Fault::CustomParams(name)),
    }
}

fn whatsapp_template(content: &Json) -> Result<(), Fault<'static>> {
    required(content, "name")?;
    if content.get("code").is_some() {
        required(content, "code")?;
    }
    let Some(components) = content.get("components") else { return Ok(()) };
    for component in components.as_list().ok_or(Fault::Invalid("components"))? {
        let kind = required(component, "type")?;
        let Some(parameters) = component.get("parameters") else { continue };
        for parameter in parameters.as_list().ok_or(Fault::Invalid("parameters"))? {
            template_parameter(kind, parameter)?;
        }
    }
    Ok(())
}

/// A parameter holds its content under the key named like its type, as a message does.
fn template_parameter(component: &str, parameter: &Json) -> Result<(), Fault<'static>> {
    let kind = required(parameter, "type")?;
    match (kind, parameter.get(kind)) {
        ("text", None) => Err(Fault::Missing("text")),
        ("text", Some(Json::Text(text))) if text.is_empty() => Err(Fault::Missing("text")),
        ("text", Some(Json::Text(text))) if component == "body" && breaks_the_line(text) => Err(Fault::ParameterText),
        ("text", Some(Json::Text(_))) => Ok(()),
        ("text", Some(_)) | (_, None) => Err(Fault::Format),
        ("image" | "video" | "document", Some(media)) => link(media),
        (_, Some(_)) => Ok(()),
    }
}

/// What Meta allows in no text of a template's body.
fn breaks_the_line(text: &str) -> bool {
    text.contains(['\n', '\r', '\t']) || text.contains("     ")
}

#[cfg(test)]
mod tests;
