//! NXLink's fields: converts a definition to the body of a create or update, and back; also reads its two formats of
//! details.

use serde_json::{Map, Value, json};

use super::events;
use crate::model::{Finding, Severity};
use crate::provider::lenient_json::{boolean, items, number, text, texts};
use crate::template::placeholders::{is_position, names};
use crate::template::{
    Body, Button, ButtonKind, Category, Component, Definition, Examples, Footer, HeaderComponent, HeaderFormat, Nxlink,
    Translated, left_out, rules,
};

/// The kinds of buttons that NXLink supports.
const BUTTONS: [ButtonKind; 5] =
    [ButtonKind::QuickReply, ButtonKind::Url, ButtonKind::PhoneNumber, ButtonKind::Flow, ButtonKind::CopyCode];

/// Returns the body of a create or update.
///
/// # Errors
/// Returns all findings, when NXLink has no field for a part of the definition or refuses it.
pub fn to_request(definition: &Definition, tenant: u64) -> Result<Translated, Vec<Finding>> {
    let mut to = To::default();
    to.head(definition, tenant);
    for (index, component) in definition.components.iter().enumerate() {
        to.component(component, &format!("components[{index}]"));
    }
    to.settings(&definition.nxlink);
    to.variables(definition);
    if to.findings.iter().any(Finding::is_error) {
        return Err(to.findings);
    }
    Ok(Translated { request: Value::Object(to.request), warnings: to.findings })
}

#[derive(Default)]
struct To {
    request: Map<String, Value>,
    findings: Vec<Finding>,
}

impl To {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.request.insert(key.to_owned(), value.into());
    }

    fn cannot(&mut self, path: impl Into<String>, what: &str) {
        self.findings.push(Finding::error("not_on_nxlink", path, format!("NXLink does not support {what}")));
    }

    fn left_out(&mut self, path: String) {
        self.findings.push(left_out(path, "NXLink has no field for it"));
    }

    fn head(&mut self, definition: &Definition, tenant: u64) {
        self.put("tenant_id", tenant);
        self.put("name", definition.name.as_str());
        self.put("language", definition.language.as_str());
        match definition.category {
            Category::Marketing => self.put("category_type", 1),
            Category::Utility => self.put("category_type", 2),
            Category::Authentication => self.cannot("category", "templates of category AUTHENTICATION"),
        }
        if definition.message_send_ttl_seconds.is_some() {
            self.cannot("message_send_ttl_seconds", "a time limit for delivery");
        }
    }

    fn component(&mut self, component: &Component, at: &str) {
        match component {
            Component::Header(header) => self.header(header, at),
            Component::Body(body) => self.put("content", body.text.clone().unwrap_or_default()),
            Component::Footer(footer) => self.put("footerText", footer.text.clone().unwrap_or_default()),
            Component::Buttons { buttons } => {
                let buttons = buttons.iter().enumerate();
                let list: Vec<Value> =
                    buttons.map(|(index, button)| self.button(button, &format!("{at}.buttons[{index}]"))).collect();
                self.put("buttonComponents", list);
            }
            Component::Carousel { .. } => self.cannot(at, "CAROUSEL"),
            Component::LimitedTimeOffer { .. } => self.cannot(at, "LIMITED_TIME_OFFER"),
        }
    }

    fn header(&mut self, header: &HeaderComponent, at: &str) {
        if header.format == HeaderFormat::Text {
            return self.put("headerText", header.text.clone().unwrap_or_default());
        }
        if !header.format.is_media() {
            return self.cannot(format!("{at}.format"), &format!("a header of format {}", header.format.as_str()));
        }
        if header.handle.is_none() && header.media_id.is_none() {
            self.cannot(at, "a media header without an uploaded file (upload one with `campaigner media upload URL`)");
        }
        if header.caption.is_some() {
            self.cannot(format!("{at}.caption"), "a caption for a media header");
        }
        if header.url.is_some() {
            self.left_out(format!("{at}.url"));
        }
        self.put("mediaType", header.format.as_str());
        let texts =
            [("mediaName", &header.file_name), ("mediaId", &header.media_id), ("templateMediaId", &header.handle)];
        for (key, value) in texts {
            if let Some(value) = value {
                self.put(key, value.as_str());
            }
        }
    }

    fn button(&mut self, button: &Button, at: &str) -> Value {
        if !BUTTONS.contains(&button.kind) {
            self.cannot(at, &format!("a button of type {}", button.kind.as_str()));
            return Value::Null;
        }
        if button.text.is_none() {
            self.cannot(at, "a button without a `text`");
        }
        for (key, value) in [
            ("flow_action", &button.flow_action),
            ("navigate_screen", &button.navigate_screen),
            ("coupon_code", &button.coupon_code),
        ] {
            if value.is_some() {
                self.left_out(format!("{at}.{key}"));
            }
        }
        for (index, event) in button.events.iter().enumerate() {
            self.findings.extend(events::check(event, &format!("{at}.events[{index}]")));
        }
        to_button(button)
    }

    fn settings(&mut self, settings: &Nxlink) {
        let Nxlink { tag_name, syn_meta, is_close_auto_flow } = settings;
        if let Some(tag) = tag_name {
            self.put("tag_name", tag.as_str());
        }
        if let Some(sync) = syn_meta {
            self.put("syn_meta", *sync);
        }
        if let Some(close) = is_close_auto_flow {
            self.put("is_close_auto_flow", u8::from(*close));
        }
    }

    /// Adds the names of variables, and the examples: required for a button, but without a field for a text.
    fn variables(&mut self, definition: &Definition) {
        let mut attributes: Vec<String> = Vec::new();
        let mut first = None;
        for (at, text) in rules::texts(&definition.components, "components") {
            for name in names(text).into_iter().filter(|name| !is_position(name)) {
                first.get_or_insert_with(|| at.clone());
                let name = format!("{{{{{name}}}}}");
                if !attributes.contains(&name) {
                    attributes.push(name);
                }
            }
        }
        if let Some(at) = first {
            let what = match attributes.len() {
                1 => "this variable must exist as an attribute",
                _ => "these variables must exist as attributes",
            };
            let message = format!("{what} in NXLink: {}", attributes.join(", "));
            self.findings.push(Finding::warning("attribute", at, message));
        }
        let of_buttons = rules::lacking(&definition.components, "components").into_iter().filter(|lack| lack.of_button);
        self.findings.extend(of_buttons.map(|lack| Finding { severity: Severity::Error, ..lack.finding }));
        let example = definition.components.iter().enumerate().find_map(|(index, component)| match component {
            Component::Header(HeaderComponent { example, .. }) | Component::Body(Body { example, .. })
                if !example.is_empty() =>
            {
                Some(format!("components[{index}].example"))
            }
            _ => None,
        });
        if let Some(at) = example {
            self.left_out(at);
        }
    }
}

fn to_button(button: &Button) -> Value {
    let mut made = Map::new();
    let texts = [
        ("text", &button.text),
        ("phoneNumber", &button.phone_number),
        ("url", &button.url),
        ("flow_id", &button.flow_id),
        ("payload", &button.payload),
    ];
    made.insert("type".into(), button.kind.as_str().into());
    if let Some(opt_out) = button.opt_out {
        made.insert("customizeType".into(), if opt_out { "unsubscribe" } else { "conventional" }.into());
    }
    for (key, value) in texts {
        if let Some(value) = value {
            made.insert(key.into(), value.as_str().into());
        }
    }
    if !button.example.is_empty() {
        made.insert("example".into(), json!(button.example));
    }
    if !button.events.is_empty() {
        made.insert("buttonEvents".into(), json!(button.events));
    }
    Value::Object(made)
}

/// Reads a definition from the body of a create or update, or from the flat format of details. `None` if the name,
/// language or category is missing.
#[must_use]
pub fn from_request(value: &Value) -> Option<Definition> {
    let mut components = Vec::new();
    let media = text(value, "mediaType").and_then(|name| HeaderFormat::from_name(&name));
    if let Some(format) = media {
        components.push(Component::Header(HeaderComponent {
            file_name: text(value, "mediaName"),
            media_id: text(value, "mediaId"),
            handle: text(value, "templateMediaId"),
            ..HeaderComponent::new(format)
        }));
    } else if let Some(words) = text(value, "headerText") {
        components
            .push(Component::Header(HeaderComponent { text: Some(words), ..HeaderComponent::new(HeaderFormat::Text) }));
    }
    components.push(Component::Body(Body { text: text(value, "content"), ..Body::default() }));
    if let Some(words) = text(value, "footerText") {
        components.push(Component::Footer(Footer { text: Some(words), ..Footer::default() }));
    }
    let buttons: Vec<Button> = items(value, "buttonComponents").iter().filter_map(from_button).collect();
    if !buttons.is_empty() {
        components.push(Component::Buttons { buttons });
    }
    Some(Definition {
        name: text(value, "name")?,
        language: text(value, "language")?,
        category: category(value)?,
        message_send_ttl_seconds: None,
        components,
        nxlink: Nxlink {
            tag_name: text(value, "tag_name"),
            syn_meta: boolean(value, "syn_meta"),
            is_close_auto_flow: boolean(value, "is_close_auto_flow"),
        },
    })
}

fn category(value: &Value) -> Option<Category> {
    match number(value, "category_type") {
        Some(1) => Some(Category::Marketing),
        Some(2) => Some(Category::Utility),
        _ => Category::from_name(&text(value, "category")?),
    }
}

/// Reads a button in either format: NXLink's own fields may be next to WhatsApp's, in `buttonReqs`.
fn from_button(value: &Value) -> Option<Button> {
    let own = value.get("buttonReqs").filter(|own| own.is_object()).unwrap_or(value);
    let either = |key: &str| text(value, key).or_else(|| text(own, key));
    let kind = ButtonKind::from_name(&either("type")?)?;
    // The documentation says that it is only for this kind, but shows it on another one too.
    let custom = text(own, "customizeType").filter(|_| kind == ButtonKind::QuickReply);
    let events = items(own, "buttonEvents").iter().map(without_nulls).collect();
    let payload = own.get("payload").and_then(Value::as_str).map(str::to_owned);
    Some(Button {
        text: either("text"),
        phone_number: either("phoneNumber").or_else(|| text(value, "phone_number")),
        url: either("url"),
        example: texts(value, "example"),
        opt_out: custom.map(|custom| custom == "unsubscribe"),
        flow_id: either("flow_id"),
        flow_action: either("flow_action"),
        navigate_screen: either("navigate_screen"),
        payload,
        events,
        ..Button::new(kind)
    })
}

/// Returns an event without the nulls that the details add.
fn without_nulls(event: &Value) -> Value {
    let Value::Object(map) = event else { return event.clone() };
    let kept = map.iter().filter(|(key, value)| !value.is_null() && *key != "tagId");
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Reads the definition in a details response, and whether it is complete. `language` comes from the list, because one
/// of the two formats does not have it. `None` if it is neither format.
#[must_use]
pub fn from_details(data: &Value, language: &str) -> Option<(Definition, bool)> {
    if data.get("components").is_some_and(Value::is_array) {
        return Some((from_components(data, language)?, true));
    }
    // The flat format never includes a header or a footer.
    data.get("content")?;
    Some((from_request(data)?, false))
}

fn from_components(data: &Value, language: &str) -> Option<Definition> {
    let mut components = Vec::new();
    for value in items(data, "components") {
        let example = value.get("example").unwrap_or(&Value::Null);
        components.push(match text(value, "type")?.to_uppercase().as_str() {
            "HEADER" => Component::Header(HeaderComponent {
                text: text(value, "text"),
                example: counted(texts(example, "header_text")),
                handle: text(value, "h"),
                media_id: text(value, "media_id"),
                file_name: text(value, "filename").or_else(|| text(example, "file_name")),
                ..HeaderComponent::new(HeaderFormat::from_name(&text(value, "format")?)?)
            }),
            "BODY" => {
                let samples = items(example, "body_text").first().and_then(Value::as_array);
                let samples = samples.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                let words = text(value, "text");
                let named = words.as_deref().map(names).unwrap_or_default();
                let named = named.into_iter().map(str::to_owned).zip(samples).collect();
                Component::Body(Body { example: Examples(named), text: words, ..Body::default() })
            }
            "FOOTER" => Component::Footer(Footer { text: text(value, "text"), ..Footer::default() }),
            "BUTTONS" => {
                Component::Buttons { buttons: items(value, "buttons").iter().filter_map(from_button).collect() }
            }
            _ => return None,
        });
    }
    Some(Definition {
        name: text(data, "name")?,
        language: text(data, "language").unwrap_or_else(|| language.to_owned()),
        category: category(data)?,
        message_send_ttl_seconds: None,
        components,
        nxlink: Nxlink::default(),
    })
}

fn counted(values: Vec<String>) -> Examples {
    Examples(values.into_iter().enumerate().map(|(index, value)| ((index + 1).to_string(), value)).collect())
}

/// Returns the part of a definition that NXLink's details include, for comparison: without variable examples, handles
/// (each upload has another one), payloads (NXLink sets its own) and its own settings. Without `complete`, also without
/// header and footer.
#[must_use]
pub fn kept(definition: &Definition, complete: bool) -> Definition {
    let mut kept = definition.clone();
    kept.nxlink = Nxlink::default();
    kept.components.retain(|component| complete || !matches!(component, Component::Header(_) | Component::Footer(_)));
    for component in &mut kept.components {
        match component {
            Component::Header(header) => {
                header.example = Examples::default();
                (header.handle, header.url) = (None, None);
            }
            Component::Body(body) => body.example = Examples::default(),
            Component::Buttons { buttons } => {
                for button in buttons {
                    button.payload = None;
                    (button.flow_action, button.navigate_screen) = (None, None);
                    button.opt_out = (button.kind == ButtonKind::QuickReply).then_some(button.opt_out == Some(true));
                }
            }
            _ => {}
        }
    }
    kept
}
