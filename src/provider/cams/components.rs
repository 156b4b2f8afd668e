//! CAMS's components: converts a definition to the parameters of a create or modify, and back.
//!
//! CAMS writes variables as `$(name)`, has one map of examples for the whole template, and does not support positions.

use serde_json::{Map, Value, json};

use crate::model::Finding;
use crate::provider::lenient_json::{boolean, items, number, text};
use crate::template::placeholders::{Piece, is_position, names, pieces, pieces_between};
use crate::template::{
    Body, Button, ButtonKind, Card, Category, Component, Definition, Examples, Footer, HeaderComponent, HeaderFormat,
    Nxlink, Offer, Translated, left_out, rules,
};

/// Returns the template parameters of a create or modify: `Components`, `Language`, `TemplateType` and, if needed,
/// `Example` and `MessageSendTtlSeconds`.
///
/// # Errors
/// Returns all findings, when CAMS does not support a part of the definition.
pub fn to_request(definition: &Definition) -> Result<Translated, Vec<Finding>> {
    let mut to = To::default();
    for (at, text) in rules::texts(&definition.components, "components") {
        to.notation(at, text);
    }
    let components = to.components(&definition.components, "components");
    let mut request = Map::new();
    request.insert("Components".into(), components);
    request.insert("Language".into(), definition.language.as_str().into());
    request.insert("TemplateType".into(), "WHATSAPP".into());
    if !to.examples.is_empty() {
        request.insert("Example".into(), Value::Object(std::mem::take(&mut to.examples)));
    }
    if let Some(seconds) = definition.message_send_ttl_seconds {
        request.insert("MessageSendTtlSeconds".into(), seconds.into());
        if definition.category != Category::Authentication {
            let path = "message_send_ttl_seconds".to_owned();
            to.beyond_the_document(
                path,
                "CAMS documents this only for AUTHENTICATION; its SDK also has it for UTILITY",
            );
        }
    }
    if definition.nxlink != Nxlink::default() {
        to.left_out("nxlink".to_owned());
    }
    // The documentation does not require examples.
    to.findings.extend(rules::lacking(&definition.components, "components").into_iter().map(|lack| lack.finding));
    if to.findings.iter().any(Finding::is_error) {
        return Err(to.findings);
    }
    Ok(Translated { request: Value::Object(request), warnings: to.findings })
}

#[derive(Default)]
struct To {
    findings: Vec<Finding>,
    examples: Map<String, Value>,
}

/// Converts `{{name}}` to `$(name)`.
fn to_cams(text: &str) -> String {
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Variable(name) => format!("$({name})"),
        Piece::Bad(inner) => format!("{{{{{inner}}}}}"),
    };
    pieces(text).iter().map(piece).collect()
}

/// Converts `$(name)` to `{{name}}`.
fn from_cams(text: &str) -> String {
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Variable(name) => format!("{{{{{name}}}}}"),
        Piece::Bad(inner) => format!("$({inner})"),
    };
    pieces_between(text, "$(", ")").iter().map(piece).collect()
}

impl To {
    fn cannot(&mut self, path: String, what: &str) -> &mut Finding {
        self.findings.push(Finding::error("not_on_cams", path, format!("CAMS does not support {what}")));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn left_out(&mut self, path: String) {
        self.findings.push(left_out(path, "only NXLink accepts it"));
    }

    /// Warns about something that Alibaba's SDK supports but the documentation does not mention.
    fn beyond_the_document(&mut self, path: String, message: &str) {
        let hint = "CAMS may refuse it";
        self.findings.push(Finding::warning("beyond_the_document", path, message).hint(hint));
    }

    fn notation(&mut self, at: String, text: &str) {
        if let Some(name) = names(text).into_iter().find(|name| is_position(name)) {
            self.cannot(at.clone(), &format!("variables by position, such as {{{{{name}}}}}")).hint =
                Some("give each one a name, such as {{first_name}}".into());
        }
        if text.contains("$(") {
            self.cannot(at, "text that contains `$(`: it would start a variable");
        }
    }

    fn example(&mut self, at: &str, name: &str, value: &str) {
        match self.examples.get(name) {
            Some(other) if other != value => {
                self.cannot(
                    at.to_owned(),
                    &format!("more than one example for a variable, but {{{{{name}}}}} has two"),
                )
                .hint = Some("give the variables different names".into());
            }
            _ => drop(self.examples.insert(name.to_owned(), value.into())),
        }
    }

    fn examples_of(&mut self, at: &str, examples: &Examples) {
        for (name, value) in &examples.0 {
            self.example(at, name, value);
        }
    }

    fn components(&mut self, components: &[Component], at: &str) -> Value {
        let list = components.iter().enumerate();
        Value::Array(list.map(|(index, component)| self.component(component, &format!("{at}[{index}]"))).collect())
    }

    fn component(&mut self, component: &Component, at: &str) -> Value {
        let mut made = Map::new();
        made.insert("Type".into(), component.kind().into());
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                made.insert(key.to_owned(), value);
            }
        };
        let words = |text: &Option<String>| text.as_deref().map(|text| Value::from(to_cams(text)));
        let plain = |text: &Option<String>| text.as_deref().map(Value::from);
        match component {
            Component::Header(header) => {
                if !header.format.is_media() && header.format != HeaderFormat::Text {
                    self.cannot(format!("{at}.format"), &format!("a header of format {}", header.format.as_str()));
                }
                if header.format.is_media() && header.url.is_none() {
                    self.cannot(at.to_owned(), "a media header without a `url`, from which it would fetch the sample");
                }
                self.examples_of(at, &header.example);
                put("Format", Some(header.format.as_str().into()));
                put("Text", words(&header.text));
                put("Url", plain(&header.url));
                put("Caption", plain(&header.caption));
                if header.format == HeaderFormat::Document {
                    put("FileName", plain(&header.file_name));
                } else if header.file_name.is_some() {
                    let path = format!("{at}.file_name");
                    self.findings.push(left_out(path, "CAMS accepts it only for a DOCUMENT"));
                }
                for (key, value) in [("handle", &header.handle), ("media_id", &header.media_id)] {
                    if value.is_some() {
                        self.left_out(format!("{at}.{key}"));
                    }
                }
            }
            Component::Body(body) => {
                self.examples_of(at, &body.example);
                put("Text", words(&body.text));
                put("AddSecretRecommendation", body.add_security_recommendation.map(Value::from));
            }
            Component::Footer(footer) => {
                put("Text", words(&footer.text));
                put("CodeExpirationMinutes", footer.code_expiration_minutes.map(Value::from));
            }
            Component::Buttons { buttons } => {
                let list = buttons.iter().enumerate();
                let list = list.map(|(index, button)| self.button(button, &format!("{at}.buttons[{index}]")));
                put("Buttons", Some(Value::Array(list.collect())));
            }
            Component::Carousel { cards } => {
                let card = |(index, card): (usize, &Card)| {
                    let at = format!("{at}.cards[{index}].components");
                    json!({"CardComponents": self.components(&card.components, &at)})
                };
                put("Cards", Some(Value::Array(cards.iter().enumerate().map(card).collect())));
            }
            Component::LimitedTimeOffer { limited_time_offer } => {
                put("Text", words(&limited_time_offer.text));
                put("HasExpiration", limited_time_offer.has_expiration.map(Value::from));
            }
        }
        Value::Object(made)
    }

    fn button(&mut self, button: &Button, at: &str) -> Value {
        if button.otp_type.as_deref() == Some("ZERO_TAP") {
            let message = "CAMS documents only COPY_CODE and ONE_TAP; only its SDK has ZERO_TAP";
            self.beyond_the_document(format!("{at}.otp_type"), message);
        }
        if matches!(button.kind, ButtonKind::Catalog | ButtonKind::Mpm) {
            let message =
                format!("CAMS's SDK has buttons of type {}, but CAMS's documentation does not", button.kind.as_str());
            self.beyond_the_document(format!("{at}.type"), &message);
        }
        let kind = match button.kind {
            ButtonKind::Otp => button.otp_type.as_deref().unwrap_or("COPY_CODE"),
            ButtonKind::VoiceCall => {
                self.cannot(at.to_owned(), "a button of type VOICE_CALL");
                "VOICE_CALL"
            }
            kind => kind.as_str(),
        };
        let mut made = Map::new();
        made.insert("Type".into(), kind.into());
        let mut url_type = None;
        let mut coupon = None;
        if let Some(url) = &button.url {
            let variables = names(url);
            url_type = Some(if variables.is_empty() { "static" } else { "dynamic" }.to_owned());
            if let (Some(name), Some(example)) = (variables.first(), button.example.first()) {
                // The rest after the fixed part of the URL is the variable's value.
                let fixed = url.split("{{").next().unwrap_or_default();
                self.example(at, name, example.strip_prefix(fixed).unwrap_or(example));
            } else if !button.example.is_empty() {
                let why = "in CAMS, a URL without a variable has no example";
                self.findings.push(left_out(format!("{at}.example"), why));
            }
        }
        if button.example.len() > 1 {
            let why = "CAMS accepts one example";
            self.findings.push(left_out(format!("{at}.example[1]"), why));
        }
        if button.kind == ButtonKind::CopyCode {
            coupon = button.coupon_code.as_deref().map(to_cams).or_else(|| button.example.first().cloned());
            let variable = button.coupon_code.as_deref().map(names).unwrap_or_default();
            if let (Some(name), Some(example)) = (variable.first(), button.example.first()) {
                self.example(at, name, example);
            }
        }
        let texts = [
            ("Text", button.text.clone()),
            ("PhoneNumber", button.phone_number.clone()),
            ("Url", button.url.as_deref().map(to_cams)),
            ("UrlType", url_type),
            ("CouponCode", coupon),
            ("FlowId", button.flow_id.clone()),
            ("FlowAction", button.flow_action.clone()),
            ("NavigateScreen", button.navigate_screen.clone()),
            ("AutofillText", button.autofill_text.clone()),
            ("PackageName", button.package_name.clone()),
            ("SignatureHash", button.signature_hash.clone()),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                made.insert(key.into(), value.into());
            }
        }
        if let Some(opt_out) = button.opt_out {
            made.insert("IsOptOut".into(), opt_out.into());
        }
        for (key, is_there) in [("payload", button.payload.is_some()), ("events", !button.events.is_empty())] {
            if is_there {
                self.left_out(format!("{at}.{key}"));
            }
        }
        Value::Object(made)
    }
}

/// Reads the definition from `Data` of a template's details. `None` if it is not one.
#[must_use]
pub fn from_details(data: &Value) -> Option<Definition> {
    // A map, or JSON text of one.
    let as_text = data.get("Example").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let examples: Value = as_text.or_else(|| data.get("Example").cloned()).unwrap_or_default();
    let category = Category::from_name(&text(data, "Category")?)?;
    let from = From { category, examples: &examples };
    Some(Definition {
        name: text(data, "Name").or_else(|| text(data, "TemplateName"))?,
        language: text(data, "Language")?,
        category,
        message_send_ttl_seconds: small(data, "MessageSendTtlSeconds"),
        components: from.components(items(data, "Components"))?,
        nxlink: Nxlink::default(),
    })
}

fn small(value: &Value, key: &str) -> Option<u32> {
    number(value, key).and_then(|number| u32::try_from(number).ok())
}

struct From<'e> {
    category: Category,
    examples: &'e Value,
}

impl From<'_> {
    fn components(&self, list: &[Value]) -> Option<Vec<Component>> {
        list.iter().map(|value| self.component(value)).collect()
    }

    fn words(&self, value: &Value) -> (Option<String>, Examples) {
        let words = text(value, "Text").map(|text| from_cams(&text));
        // WhatsApp writes the texts of this category; a response may include them, but a definition has none.
        let words = words.filter(|_| self.category != Category::Authentication);
        let names = words.as_deref().map(names).unwrap_or_default();
        let examples = names.into_iter().filter_map(|name| Some((name.to_owned(), text(self.examples, name)?)));
        let examples = Examples(examples.collect());
        (words, examples)
    }

    fn component(&self, value: &Value) -> Option<Component> {
        let (words, example) = self.words(value);
        Some(match text(value, "Type")?.to_uppercase().as_str() {
            "HEADER" => Component::Header(HeaderComponent {
                text: words,
                example,
                url: text(value, "Url"),
                caption: text(value, "Caption"),
                file_name: text(value, "FileName"),
                ..HeaderComponent::new(HeaderFormat::from_name(&text(value, "Format")?)?)
            }),
            "BODY" => {
                let add_security_recommendation = boolean(value, "AddSecretRecommendation");
                Component::Body(Body { text: words, example, add_security_recommendation })
            }
            "FOOTER" => Component::Footer(Footer {
                text: words,
                code_expiration_minutes: small(value, "CodeExpirationMinutes"),
            }),
            "BUTTONS" => {
                let buttons: Option<Vec<Button>> =
                    items(value, "Buttons").iter().map(|button| self.button(button)).collect();
                Component::Buttons { buttons: buttons? }
            }
            "CAROUSEL" => {
                let card = |card: &Value| Some(Card { components: self.components(items(card, "CardComponents"))? });
                let cards: Option<Vec<Card>> = items(value, "Cards").iter().map(card).collect();
                Component::Carousel { cards: cards? }
            }
            "LIMITED_TIME_OFFER" => Component::LimitedTimeOffer {
                limited_time_offer: Offer { text: words, has_expiration: boolean(value, "HasExpiration") },
            },
            _ => return None,
        })
    }

    fn button(&self, value: &Value) -> Option<Button> {
        let kind = text(value, "Type")?.to_uppercase();
        let mut button = match (self.category, kind.as_str()) {
            (Category::Authentication, "COPY_CODE") | (_, "ONE_TAP" | "ZERO_TAP") => {
                Button { otp_type: Some(kind), ..Button::new(ButtonKind::Otp) }
            }
            (_, kind) => Button::new(ButtonKind::from_name(kind)?),
        };
        // The app is either in the button itself or in the newer list.
        let app = items(value, "SupportedApps").first();
        let of_app = |key: &str| text(value, key).or_else(|| text(app?, key));
        button.text = text(value, "Text");
        button.phone_number = text(value, "PhoneNumber");
        button.url = text(value, "Url").map(|url| from_cams(&url));
        button.opt_out = boolean(value, "IsOptOut").filter(|_| button.kind == ButtonKind::QuickReply);
        button.flow_id = text(value, "FlowId");
        button.flow_action = text(value, "FlowAction");
        button.navigate_screen = text(value, "NavigateScreen");
        button.autofill_text = text(value, "AutofillText");
        button.package_name = of_app("PackageName");
        button.signature_hash = of_app("SignatureHash");
        if let Some(url) = &button.url
            && let Some(example) = names(url).first().and_then(|name| text(self.examples, name))
        {
            button.example = vec![format!("{}{example}", url.split("{{").next().unwrap_or_default())];
        }
        if let Some(code) = text(value, "CouponCode").map(|code| from_cams(&code)) {
            match names(&code).first() {
                Some(name) => {
                    button.example = text(self.examples, name).into_iter().collect();
                    button.coupon_code = Some(code);
                }
                None => button.example = vec![code],
            }
        }
        Some(button)
    }
}

/// Returns the part of a definition that CAMS's details include, for comparison.
#[must_use]
pub fn kept(definition: &Definition) -> Definition {
    let mut kept = definition.clone();
    kept.nxlink = Nxlink::default();
    settle(&mut kept.components);
    kept
}

fn settle(components: &mut [Component]) {
    for component in components {
        match component {
            Component::Header(header) => {
                (header.handle, header.media_id) = (None, None);
                if header.format != HeaderFormat::Document {
                    header.file_name = None;
                }
                header.example.0.sort();
            }
            Component::Body(body) => body.example.0.sort(),
            Component::Buttons { buttons } => {
                for button in buttons {
                    button.payload = None;
                    button.events = Vec::new();
                    button.opt_out = button.opt_out.filter(|opt_out| *opt_out);
                }
            }
            Component::Carousel { cards } => cards.iter_mut().for_each(|card| settle(&mut card.components)),
            Component::Footer(_) | Component::LimitedTimeOffer { .. } => {}
        }
    }
}
