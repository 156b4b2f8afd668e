//! Translates a campaign's message into the words of its provider.
//!
//! A message is written once, in WhatsApp's words. Where INCS and Meta spell a thing differently, both spellings are
//! read for either provider, and each gets its own. Translating a translated message changes nothing. What a provider
//! cannot express stays as it is, so that the check names it.

use serde_json::{Map, Value, json};

use super::schema;
use crate::model::{Channel, ProviderApi};

/// The product of Meta's messages.
const PRODUCT: (&str, &str) = ("messaging_product", "whatsapp");
/// The recipient of Meta's messages: one person.
const RECIPIENT: (&str, &str) = ("recipient_type", "individual");

/// A message in the words of its provider.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The message.
    pub message: Value,
    /// The language of its template, if it is the same for every row and the provider does not get it.
    pub language: Option<String>,
    /// Places that have another path in the campaign: here, and there.
    moved: Vec<(String, String)>,
}

/// Returns a message in the words of the provider.
#[must_use]
pub fn translate(api: ProviderApi, channel: Channel, message: &Value) -> Value {
    Translation::new(api, channel, message).message
}

impl Translation {
    /// Translates a message as written in a campaign.
    #[must_use]
    pub fn new(api: ProviderApi, channel: Channel, message: &Value) -> Self {
        let mut translation = Self { message: message.clone(), language: None, moved: Vec::new() };
        let Self { message, language, moved } = &mut translation;
        if let Some(message) = message.as_object_mut() {
            match api {
                ProviderApi::Incs => to_incs(channel, message, language, moved),
                ProviderApi::Meta => to_meta(message, moved),
            }
        }
        translation
    }

    /// Returns the path in the campaign of a place of the translated message.
    #[must_use]
    pub fn written<'p>(&'p self, path: &'p str) -> &'p str {
        let is_in =
            |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        self.moved.iter().find(|(here, _)| is_in(here)).map_or(path, |(_, there)| there)
    }
}

fn to_incs(
    channel: Channel,
    message: &mut Map<String, Value>,
    language: &mut Option<String>,
    moved: &mut Vec<(String, String)>,
) {
    for (key, value) in [PRODUCT, RECIPIENT] {
        if message.get(key).and_then(Value::as_str) == Some(value) {
            message.shift_remove(key);
        }
    }
    if !message.contains_key("type")
        && let Some(kind) = schema::only_kind(&schema::sheet(ProviderApi::Incs, channel).body, message)
    {
        message.shift_insert(0, "type".to_owned(), kind.name.into());
    }
    if let Some(text) = message.get_mut("text")
        && let Some(body) = text_itself(text)
    {
        *text = body;
        moved.push(("text".to_owned(), "text.body".to_owned()));
    }
    if channel != Channel::Whatsapp {
        return;
    }
    let Some(template) = message.get_mut("template").and_then(Value::as_object_mut) else { return };
    // A template with a language is written in Meta's way. INCS determines the language from the template's name.
    let code = match template.get("language") {
        Some(Value::String(code)) => Some(code.clone()),
        Some(Value::Object(language)) => language.get("code").and_then(Value::as_str).map(str::to_owned),
        _ => return,
    };
    *language = code.filter(|code| !code.contains('{'));
    template.shift_remove("language");
    if !template.contains_key("code")
        && let Some((code, path)) = template.get("components").and_then(one_time_code)
    {
        let code = code.clone();
        template.shift_remove("components");
        template.insert("code".to_owned(), code);
        moved.push(("template.code".to_owned(), path));
    }
}

/// Returns the text of `{body: TEXT}`. A link preview is no part of INCS's messages.
fn text_itself(text: &Value) -> Option<Value> {
    let text = text.as_object()?;
    let is_known = |(key, value): (&String, &Value)| match key.as_str() {
        "body" => !value.is_object(),
        "preview_url" => value.is_boolean(),
        _ => false,
    };
    text.iter().all(is_known).then(|| text.get("body").cloned()).flatten()
}

/// Returns the code of an authentication template with its path, if these components are exactly those of one: a body
/// and the first button, a link, both with the same text.
fn one_time_code(components: &Value) -> Option<(&Value, String)> {
    let components = components.as_array().filter(|components| components.len() == 2)?;
    let of_type = |kind: &str| {
        components.iter().position(|component| is_word(&component["type"], kind)).map(|at| (at, &components[at]))
    };
    let text = |component: &'_ Value| {
        let [parameter] = component["parameters"].as_array()?.as_slice() else { return None };
        let parameter = parameter.as_object().filter(|parameter| parameter.len() == 2)?;
        (parameter.get("type")? == "text").then(|| parameter.get("text").filter(|text| text.is_string()).cloned())?
    };
    let ((at, body), (_, button)) = (of_type("body")?, of_type("button")?);
    let is_first = button["index"] == 0 || button["index"] == "0";
    let code = text(body)?;
    if !is_first || !is_word(&button["sub_type"], "url") || text(button)? != code {
        return None;
    }
    Some((&body["parameters"][0]["text"], format!("template.components[{at}].parameters[0].text")))
}

fn is_word(value: &Value, word: &str) -> bool {
    value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(word))
}

fn to_meta(message: &mut Map<String, Value>, moved: &mut Vec<(String, String)>) {
    for (index, (key, value)) in [PRODUCT, RECIPIENT].into_iter().enumerate() {
        if !message.contains_key(key) {
            message.shift_insert(index.min(message.len()), key.to_owned(), value.into());
        }
    }
    if let Some(text) = message.get_mut("text")
        && matches!(text, Value::String(_) | Value::Number(_) | Value::Bool(_))
    {
        *text = json!({"body": text.take()});
        moved.push(("text.body".to_owned(), "text".to_owned()));
    }
    let Some(template) = message.get_mut("template").and_then(Value::as_object_mut) else { return };
    if let Some(language) = template.get_mut("language")
        && language.is_string()
    {
        *language = json!({"code": language.take()});
        moved.push(("template.language.code".to_owned(), "template.language".to_owned()));
    }
    let has_components = template.get("components").is_some_and(|components| components != &json!([]));
    if !has_components && let Some(code) = template.shift_remove("code") {
        let parameters = json!([{"type": "text", "text": code}]);
        let button = json!({"type": "button", "sub_type": "url", "index": "0", "parameters": parameters});
        template.insert("components".to_owned(), json!([{"type": "body", "parameters": parameters}, button]));
        moved.push(("template.components".to_owned(), "template.code".to_owned()));
    }
    if let Some(components) = template.get_mut("components") {
        lower_case(components);
    }
}

/// Writes the kinds of components and buttons as Meta does.
fn lower_case(components: &mut Value) {
    for component in components.as_array_mut().into_iter().flatten() {
        for key in ["type", "sub_type"] {
            // Meta writes `CATALOG` as well as `catalog`.
            if let Some(Value::String(kind)) = component.get_mut(key)
                && kind != "CATALOG"
                && kind.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            {
                kind.make_ascii_lowercase();
            }
        }
        for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(components) = card.get_mut("components") {
                lower_case(components);
            }
        }
    }
}
