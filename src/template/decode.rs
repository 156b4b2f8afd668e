//! Decodes a definition from JSON: known keys and their types, with every mistake and its path.
//!
//! It accepts examples in WhatsApp's own format (`example: {body_text: [[Ana]]}`) and as a plain list or map. `rules`
//! checks combinations and lengths.

use serde_json::{Map, Value};

use super::definition::{
    Body, Button, ButtonKind, Card, Category, Component, Definition, Examples, Footer, HeaderComponent, HeaderFormat,
    Nxlink, Offer,
};
use crate::model::Finding;
use crate::text::{list, nearest};

/// The code of a finding about a key rather than its value.
pub(super) const UNKNOWN_KEY: &str = "unknown_key";

/// Decodes a definition, and returns its findings. It is `None` only if there are any.
pub(super) fn definition(value: &Value) -> (Option<Definition>, Vec<Finding>) {
    let mut findings = Vec::new();
    let definition = whole(value, &mut findings).filter(|_| findings.is_empty());
    (definition, findings)
}

fn whole(value: &Value, findings: &mut Vec<Finding>) -> Option<Definition> {
    const KEYS: &[&str] =
        &["name", "language", "category", "parameter_format", "message_send_ttl_seconds", "components", "nxlink"];
    let mut top = Object::open(value, String::new(), "a template", KEYS, findings)?;
    let name = top.required_text("name", "`name: spring_sale`, or any other name");
    let language = top.required_text("language", "`language: en_US`, or the template's language");
    let category = top.word("category", "category", Category::ALL.map(Category::as_str).as_slice());
    if category.is_none() && !top.has("category") {
        top.missing("category", "`category: MARKETING`, `UTILITY` or `AUTHENTICATION`");
    }
    // Redundant, because the variables show it; accepted so that WhatsApp's own definitions can be pasted.
    top.word("parameter_format", "format", &["NAMED", "POSITIONAL"]);
    let message_send_ttl_seconds = top.number("message_send_ttl_seconds");
    if !top.has("components") {
        top.missing("components", "`components:` with a list that includes `- type: BODY`");
    }
    let components = top.items("components", component);
    let nxlink = top.value("nxlink").and_then(|(value, path)| nxlink(value, path, top.findings)).unwrap_or_default();
    Some(Definition {
        name: name?,
        language: language?,
        category: Category::from_name(category?)?,
        message_send_ttl_seconds,
        components,
        nxlink,
    })
}

fn nxlink(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<Nxlink> {
    let keys = &["tag_name", "syn_meta", "is_close_auto_flow"];
    let mut object = Object::open(value, path, "`nxlink`", keys, findings)?;
    Some(Nxlink {
        tag_name: object.text("tag_name"),
        syn_meta: object.boolean("syn_meta"),
        is_close_auto_flow: object.boolean("is_close_auto_flow"),
    })
}

fn component(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<Component> {
    const KINDS: &[(&str, &[&str])] = &[
        ("HEADER", &["type", "format", "text", "example", "url", "handle", "media_id", "file_name", "caption"]),
        ("BODY", &["type", "text", "example", "add_security_recommendation"]),
        ("FOOTER", &["type", "text", "code_expiration_minutes"]),
        ("BUTTONS", &["type", "buttons"]),
        ("CAROUSEL", &["type", "cards"]),
        ("LIMITED_TIME_OFFER", &["type", "limited_time_offer"]),
    ];
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let mut object = Object::open(value, path, "a component", &[], findings)?;
    let name = object.required_word("type", "component", &names)?;
    let keys = KINDS.iter().find(|(kind, _)| *kind == name).map_or(&[][..], |(_, keys)| keys);
    object.know(keys);
    Some(match name {
        "HEADER" => Component::Header(header(&mut object)?),
        "BODY" => Component::Body(Body {
            text: object.text("text"),
            example: object.examples(&["body_text", "body_text_named_params"]),
            add_security_recommendation: object.boolean("add_security_recommendation"),
        }),
        "FOOTER" => Component::Footer(Footer {
            text: object.text("text"),
            code_expiration_minutes: object.number("code_expiration_minutes"),
        }),
        "BUTTONS" => Component::Buttons { buttons: object.items("buttons", button) },
        "CAROUSEL" => Component::Carousel { cards: object.items("cards", card) },
        _ => Component::LimitedTimeOffer { limited_time_offer: offer(&mut object)? },
    })
}

fn header(object: &mut Object<'_, '_>) -> Option<HeaderComponent> {
    let format = object.required_word("format", "format", HeaderFormat::ALL.map(HeaderFormat::as_str).as_slice())?;
    let sample = object.value("example").and_then(|(example, _)| example.get("header_handle")?.get(0)?.as_str());
    let example = if sample.is_some() {
        Examples::default()
    } else {
        object.examples(&["header_text", "header_text_named_params"])
    };
    Some(HeaderComponent {
        format: HeaderFormat::from_name(format)?,
        text: object.text("text"),
        example,
        url: object.text("url"),
        handle: object.text("handle").or(sample.map(str::to_owned)),
        media_id: object.text("media_id"),
        file_name: object.text("file_name"),
        caption: object.text("caption"),
    })
}

fn card(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<Card> {
    let mut object = Object::open(value, path, "a card", &["components"], findings)?;
    Some(Card { components: object.items("components", component) })
}

fn offer(object: &mut Object<'_, '_>) -> Option<Offer> {
    let Some((value, path)) = object.value("limited_time_offer") else {
        object.missing("limited_time_offer", "`limited_time_offer:` with `text` and `has_expiration` under it");
        return None;
    };
    let mut offer = Object::open(value, path, "`limited_time_offer`", &["text", "has_expiration"], object.findings)?;
    Some(Offer { text: offer.text("text"), has_expiration: offer.boolean("has_expiration") })
}

fn button(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<Button> {
    const OTP: &[&str] =
        &["type", "text", "otp_type", "autofill_text", "package_name", "signature_hash", "supported_apps"];
    let mut object = Object::open(value, path, "a button", &[], findings)?;
    let kind = object.required_word("type", "button", ButtonKind::ALL.map(ButtonKind::as_str).as_slice())?;
    let kind = ButtonKind::from_name(kind)?;
    object.know(match kind {
        ButtonKind::QuickReply => &["type", "text", "opt_out", "payload", "events"],
        ButtonKind::Url => &["type", "text", "url", "example", "payload", "events"],
        ButtonKind::PhoneNumber => &["type", "text", "phone_number", "payload", "events"],
        ButtonKind::CopyCode => &["type", "text", "example", "coupon_code", "payload", "events"],
        ButtonKind::Flow => &["type", "text", "flow_id", "flow_action", "navigate_screen", "payload", "events"],
        ButtonKind::Otp => OTP,
        ButtonKind::Catalog | ButtonKind::Mpm | ButtonKind::VoiceCall => &["type", "text"],
    });
    let mut button = Button {
        text: object.text("text"),
        phone_number: object.text("phone_number"),
        url: object.text("url"),
        example: object.one_or_more("example"),
        coupon_code: object.text("coupon_code"),
        opt_out: object.boolean("opt_out"),
        flow_id: object.text("flow_id"),
        flow_action: object.word("flow_action", "action", &["NAVIGATE", "DATA_EXCHANGE"]).map(str::to_owned),
        navigate_screen: object.text("navigate_screen"),
        otp_type: object.word("otp_type", "kind", &["COPY_CODE", "ONE_TAP", "ZERO_TAP"]).map(str::to_owned),
        autofill_text: object.text("autofill_text"),
        package_name: object.text("package_name"),
        signature_hash: object.text("signature_hash"),
        payload: object.text("payload"),
        events: object.items("events", |event, _, _| Some(event.clone())),
        ..Button::new(kind)
    };
    // WhatsApp's newer format for apps. It allows several, but the providers accept one.
    let apps = object.items("supported_apps", app);
    if apps.len() > 1 {
        let message = format!("there are {} apps, but the providers accept only one", apps.len());
        object.findings.push(Finding::error("wrong_count", object.at("supported_apps"), message));
    }
    if let Some((package_name, signature_hash)) = apps.into_iter().next() {
        button.package_name = button.package_name.or(package_name);
        button.signature_hash = button.signature_hash.or(signature_hash);
    }
    Some(button)
}

fn app(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<(Option<String>, Option<String>)> {
    let mut object = Object::open(value, path, "an app", &["package_name", "signature_hash"], findings)?;
    Some((object.text("package_name"), object.text("signature_hash")))
}

/// A map, and its path.
struct Object<'v, 'f> {
    map: &'v Map<String, Value>,
    path: String,
    findings: &'f mut Vec<Finding>,
}

impl<'v, 'f> Object<'v, 'f> {
    /// Opens `value` as a map, and reports unknown keys, unless `keys` is empty.
    fn open(value: &'v Value, path: String, what: &str, keys: &[&str], findings: &'f mut Vec<Finding>) -> Option<Self> {
        let Value::Object(map) = value else {
            let message = format!("{what} must consist of keys with values, not {}", kind(value));
            findings.push(Finding::error("wrong_type", path, message));
            return None;
        };
        let mut object = Self { map, path, findings };
        if !keys.is_empty() {
            object.know(keys);
        }
        Some(object)
    }

    fn know(&mut self, keys: &[&str]) {
        for key in self.map.keys().filter(|key| !keys.contains(&key.as_str())) {
            let finding = Finding::error(UNKNOWN_KEY, self.at(key), format!("unknown key `{key}`"));
            self.findings.push(finding.hint(match nearest(key, keys) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are {}", list(keys)),
            }));
        }
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    fn missing(&mut self, key: &str, example: &str) {
        let finding = Finding::error("missing_key", self.path.clone(), format!("the key `{key}` is missing"));
        self.findings.push(finding.hint(format!("add {example}")));
    }

    fn wrong(&mut self, key: &str, should: &str, is: &Value) {
        let message = format!("`{key}` must be {should}, not {}", kind(is));
        let finding = Finding::error("wrong_type", self.at(key), message);
        self.findings.push(match is {
            Value::Number(_) | Value::Bool(_) if should == "text" => {
                finding.hint(format!("put it in quotes: \"{is}\""))
            }
            _ => finding,
        });
    }

    /// Returns the value of a key that has one, and its path.
    fn value(&self, key: &str) -> Option<(&'v Value, String)> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some((value, self.at(key)))
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            (Value::String(text), _) => Some(text.clone()),
            (other, _) => {
                self.wrong(key, "text", other);
                None
            }
        }
    }

    fn required_text(&mut self, key: &str, example: &str) -> Option<String> {
        if self.value(key).is_none() {
            self.missing(key, example);
        }
        self.text(key)
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
            (Value::Bool(value), _) => Some(*value),
            (other, _) => {
                self.wrong(key, "`true` or `false`", other);
                None
            }
        }
    }

    fn number(&mut self, key: &str) -> Option<u32> {
        let (value, _) = self.value(key)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            self.wrong(key, "a whole number", value);
        }
        number
    }

    /// Reads one of some words, in any letter case.
    fn word<'w>(&mut self, key: &str, what: &str, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text(key)?;
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(&text)).copied();
        if found.is_none() {
            let finding = Finding::error("bad_value", self.at(key), format!("unknown {what} `{text}`"));
            self.findings.push(finding.hint(match nearest(&text, words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of {}", list(words)),
            }));
        }
        found
    }

    fn required_word<'w>(&mut self, key: &str, what: &str, words: &[&'w str]) -> Option<&'w str> {
        if self.value(key).is_none() {
            self.missing(key, &format!("`{key}:` with one of {}", list(words)));
        }
        self.word(key, what, words)
    }

    /// Reads the valid items of a list.
    fn items<T>(
        &mut self,
        key: &str,
        mut read: impl FnMut(&'v Value, String, &mut Vec<Finding>) -> Option<T>,
    ) -> Vec<T> {
        match self.value(key) {
            None => Vec::new(),
            Some((Value::Array(items), path)) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| read(item, format!("{path}[{index}]"), self.findings))
                .collect(),
            Some((other, _)) => {
                self.wrong(key, "a list", other);
                Vec::new()
            }
        }
    }

    fn one_or_more(&mut self, key: &str) -> Vec<String> {
        match self.value(key) {
            Some((Value::String(text), _)) => vec![text.clone()],
            _ => self.items(key, text_item),
        }
    }

    /// Reads examples: a list, a map, or WhatsApp's own format under one of the keys `own`.
    fn examples(&mut self, own: &[&str]) -> Examples {
        let Some((mut value, path)) = self.value("example") else { return Examples::default() };
        if let Some(inner) = own.iter().find_map(|key| value.get(key)) {
            value = inner;
            // A list of samples; the first is enough.
            if let Some(first @ Value::Array(_)) = value.get(0) {
                value = first;
            }
        }
        let mut found = Vec::new();
        match value {
            Value::String(text) => found.push(("1".to_owned(), text.clone())),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let named = item.get("param_name").and_then(Value::as_str);
                    let (name, value) = match named {
                        Some(name) => (name.to_owned(), item.get("example").unwrap_or(&Value::Null)),
                        None => ((index + 1).to_string(), item),
                    };
                    found
                        .extend(text_item(value, format!("{path}[{index}]"), self.findings).map(|value| (name, value)));
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    let value = text_item(value, format!("{path}.{name}"), self.findings);
                    found.extend(value.map(|value| (name.clone(), value)));
                }
            }
            other => self.wrong("example", "a list of texts, or a map from variable names to texts", other),
        }
        Examples(found)
    }
}

fn text_item(value: &Value, path: String, findings: &mut Vec<Finding>) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let finding = Finding::error("wrong_type", path, format!("this must be text, not {}", kind(value)));
    findings.push(match value {
        Value::Number(_) | Value::Bool(_) => finding.hint(format!("put it in quotes: \"{value}\"")),
        _ => finding,
    });
    None
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map of keys",
    }
}
