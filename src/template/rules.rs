//! Checks definitions against WhatsApp's documented rules, which apply to both providers.
//!
//! Lengths are in characters. Sources: Meta's "Template components" and its pages on carousels, limited-time offers and
//! authentication templates, and the notes of CAMS's `ModifyChatappTemplate`. Each provider's module checks what only
//! that provider needs or does not support, such as examples.

mod buttons;
mod examples;
mod languages;

pub(super) use buttons::URL;
pub(crate) use examples::lacking;

use super::definition;
use super::definition::{
    Body, Card, Category, Component, Definition, Examples, Footer, HeaderComponent, HeaderFormat, Offer,
};
use super::placeholders::{Piece, is_position, names, pieces};
use crate::model::Finding;
use crate::text::{count, list};

/// The most characters of a name.
const NAME: usize = 512;
/// The most characters of a header's or footer's text.
pub(super) const LINE: usize = 60;
/// The most characters of a body.
pub(super) const BODY: usize = 1024;
/// The most characters of a body with an offer that expires.
pub(super) const BODY_WITH_OFFER: usize = 600;
/// The most characters of a card's body.
pub(super) const CARD_BODY: usize = 160;
/// The most characters of an offer's text.
const OFFER: usize = 16;
/// The most cards of a carousel.
const CARDS: usize = 10;
/// The allowed message validity, in seconds.
const AUTHENTICATION_TTL: std::ops::RangeInclusive<u32> = 30..=900;
const UTILITY_TTL: std::ops::RangeInclusive<u32> = 30..=43_200;

/// Returns all findings for a definition that apply to both providers.
#[must_use]
pub fn check(definition: &Definition) -> Vec<Finding> {
    let mut check = Check { category: definition.category, findings: Vec::new() };
    check.head(definition);
    check.once_each(&definition.components, "components", &[]);
    let offer = definition.offer();
    for (index, component) in definition.components.iter().enumerate() {
        let at = format!("components[{index}]");
        match component {
            Component::Header(header) => check.header(header, &at),
            Component::Body(body) => check.body(body, &at, if offer.is_some() { BODY_WITH_OFFER } else { BODY }),
            Component::Footer(footer) => check.footer(footer, &at, offer.is_some()),
            Component::Buttons { buttons } => check.buttons(buttons, &format!("{at}.buttons"), false),
            Component::Carousel { cards } => check.cards(cards, &at, definition),
            Component::LimitedTimeOffer { limited_time_offer } => check.offer(limited_time_offer, &at),
        }
    }
    if definition.category == Category::Authentication && definition.buttons().is_none() {
        check.error("missing_button", "components", "an AUTHENTICATION template needs one button of type OTP");
    }
    check.one_notation(definition);
    check.findings
}

struct Check {
    category: Category,
    findings: Vec<Finding>,
}

impl Check {
    fn error(&mut self, code: &'static str, path: impl Into<String>, message: impl Into<String>) -> &mut Finding {
        self.push(Finding::error(code, path, message))
    }

    fn warning(&mut self, code: &'static str, path: impl Into<String>, message: impl Into<String>) -> &mut Finding {
        self.push(Finding::warning(code, path, message))
    }

    fn push(&mut self, finding: Finding) -> &mut Finding {
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Refuses something in templates of any other category.
    fn only(&mut self, category: Category, what: &str, at: String) {
        if self.category != category {
            let message = format!("{what} is only for templates of category {}", category.as_str());
            self.error("wrong_category", at, message);
        }
    }

    fn at_most(&mut self, text: &str, most: usize, at: String) {
        let chars = text.chars().count();
        if chars > most {
            let message = format!("this text has {chars} characters; the limit is {most}");
            let excess = count((chars - most) as u64, "character");
            self.error("too_long", at, message).hint = Some(format!("shorten it by {excess}"));
        }
    }

    /// Returns a required text that is not blank.
    fn text<'t>(&mut self, text: Option<&'t String>, what: &str, at: &str) -> Option<&'t str> {
        match text.map(String::as_str) {
            None => self.error("missing_key", at, format!("{what} needs a `text`")),
            Some(text) if text.trim().is_empty() => {
                self.error("empty_text", format!("{at}.text"), format!("the text of {what} is empty"))
            }
            Some(text) => return Some(text),
        };
        None
    }

    fn head(&mut self, definition: &Definition) {
        let Definition { name, language, message_send_ttl_seconds, .. } = definition;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            let hint = format!("write `{}`, for example", better_name(name));
            let message =
                format!("`{name}` is not a valid template name: use lowercase letters a to z, digits and `_`");
            self.error("bad_name", "name", message).hint = Some(hint);
        }
        self.at_most(name, NAME, "name".to_owned());
        if !is_language(language) {
            let message = format!("`{language}` is not a language code");
            self.error("bad_language", "language", message).hint =
                Some("write a code such as `en`, `en_US` or `zh_HK`".into());
        } else if !languages::is_known(language) {
            let message = format!("neither WhatsApp nor NXLink lists the language `{language}`");
            let others = languages::like(language);
            self.warning("unknown_language", "language", message).hint = match others.as_slice() {
                [] => None,
                [one] => Some(format!("a similar code is `{one}`")),
                several => Some(format!("similar codes are {}", list(several))),
            };
        }
        let Some(seconds) = message_send_ttl_seconds else { return };
        let range = match self.category {
            Category::Authentication => AUTHENTICATION_TTL,
            Category::Utility => UTILITY_TTL,
            Category::Marketing => {
                let message = "only AUTHENTICATION and UTILITY templates have a time limit for delivery";
                self.error("wrong_category", "message_send_ttl_seconds", message);
                return;
            }
        };
        if !range.contains(seconds) {
            let message = format!("{seconds} is not between {} and {} seconds", range.start(), range.end());
            self.error("out_of_range", "message_send_ttl_seconds", message);
        }
    }

    /// Requires each kind of component at most once, and a body; or, with `allowed`, only those kinds.
    fn once_each(&mut self, components: &[Component], at: &str, allowed: &[&str]) {
        for (index, component) in components.iter().enumerate() {
            let kind = component.kind();
            if components[..index].iter().any(|earlier| earlier.kind() == kind) {
                let message = format!("more than one component of type {kind}");
                self.error("repeated", format!("{at}[{index}]"), message);
            }
            if !allowed.is_empty() && !allowed.contains(&kind) {
                let message = format!("a card cannot have a {kind}, only HEADER, BODY and BUTTONS");
                self.error("wrong_component", format!("{at}[{index}]"), message);
            }
        }
        if allowed.is_empty() && definition::body_of(components).is_none() {
            self.error("missing_body", at, "the template has no BODY").hint =
                Some("add a component `- type: BODY`".into());
        }
    }

    fn header(&mut self, header: &HeaderComponent, at: &str) {
        if self.category == Category::Authentication {
            self.error("wrong_category", at, "an AUTHENTICATION template cannot have a HEADER");
        }
        if header.format == HeaderFormat::Text {
            if let Some(text) = self.text(header.text.as_ref(), "a header of format TEXT", at) {
                self.at_most(text, LINE, format!("{at}.text"));
                self.variables(text, &header.example, at, Some(1));
            }
        } else if header.text.is_some() {
            let message = format!("a header of format {} cannot have text", header.format.as_str());
            self.error("wrong_field", format!("{at}.text"), message);
        }
        self.media_fields(header, at);
    }

    fn media_fields(&mut self, header: &HeaderComponent, at: &str) {
        let HeaderComponent { format, url, handle, media_id, file_name, caption, .. } = header;
        let fields =
            [("url", url), ("handle", handle), ("media_id", media_id), ("file_name", file_name), ("caption", caption)];
        if !format.is_media() {
            for (key, _) in fields.iter().filter(|(_, value)| value.is_some()) {
                let message = format!("a header of format {} cannot have `{key}`", format.as_str());
                self.error("wrong_field", format!("{at}.{key}"), message);
            }
        } else if url.is_none() && handle.is_none() && media_id.is_none() {
            let message = format!("a header of format {} needs a sample", format.as_str());
            self.error("missing_sample", at, message).hint =
                Some("add `url:` (for CAMS), or `handle:` and `media_id:` of an uploaded file (for NXLink)".into());
        }
        if let Some(url) = url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            self.error("bad_link", format!("{at}.url"), "a URL must start with https:// or http://");
        }
    }

    fn body(&mut self, body: &Body, at: &str, most: usize) {
        if body.add_security_recommendation.is_some() {
            self.only(
                Category::Authentication,
                "`add_security_recommendation`",
                format!("{at}.add_security_recommendation"),
            );
        }
        if self.category == Category::Authentication {
            if body.text.is_some() {
                self.error(
                    "wrong_category",
                    format!("{at}.text"),
                    "WhatsApp supplies the body of an AUTHENTICATION template",
                )
                .hint = Some("remove the text".into());
            }
            return;
        }
        if let Some(text) = self.text(body.text.as_ref(), "the body", at) {
            self.at_most(text, most, format!("{at}.text"));
            self.variables(text, &body.example, at, None);
            let ends = pieces(text);
            if matches!(ends.first(), Some(Piece::Variable(_))) || matches!(ends.last(), Some(Piece::Variable(_))) {
                self.warning(
                    "variable_at_end",
                    format!("{at}.text"),
                    "WhatsApp may refuse a body that starts or ends with a variable",
                );
            }
        }
    }

    fn footer(&mut self, footer: &Footer, at: &str, with_offer: bool) {
        if with_offer {
            self.error("wrong_component", at, "a template with a LIMITED_TIME_OFFER cannot have a FOOTER");
        }
        if let Some(minutes) = footer.code_expiration_minutes {
            let at = format!("{at}.code_expiration_minutes");
            self.only(Category::Authentication, "`code_expiration_minutes`", at.clone());
            if !(1..=90).contains(&minutes) {
                self.error("out_of_range", at, format!("{minutes} is not between 1 and 90 minutes"));
            }
        }
        if self.category == Category::Authentication {
            if footer.text.is_some() {
                self.error(
                    "wrong_category",
                    format!("{at}.text"),
                    "WhatsApp supplies the footer of an AUTHENTICATION template",
                )
                .hint = Some("set `code_expiration_minutes:` instead".into());
            }
            return;
        }
        if let Some(text) = self.text(footer.text.as_ref(), "the footer", at) {
            self.at_most(text, LINE, format!("{at}.text"));
            self.no_variable(text, "a footer", format!("{at}.text"));
        }
    }

    fn offer(&mut self, offer: &Offer, at: &str) {
        self.only(Category::Marketing, "a LIMITED_TIME_OFFER", at.to_owned());
        let at = format!("{at}.limited_time_offer");
        if let Some(text) = self.text(offer.text.as_ref(), "the offer", &at) {
            self.at_most(text, OFFER, format!("{at}.text"));
            self.no_variable(text, "an offer", format!("{at}.text"));
        }
    }

    fn no_variable(&mut self, text: &str, what: &str, at: String) {
        if pieces(text).iter().any(|piece| !matches!(piece, Piece::Text(_))) {
            self.error("variable_not_allowed", at, format!("{what} cannot contain variables"));
        }
    }

    /// Checks the variables of the text of the component at `at`, and their examples.
    fn variables(&mut self, text: &str, examples: &Examples, at: &str, most: Option<usize>) {
        let in_text = format!("{at}.text");
        for piece in pieces(text) {
            let message = match piece {
                Piece::Bad(inner) => {
                    format!("`{{{{{inner}}}}}` is not a variable: a name has only letters, digits and `_`")
                }
                Piece::Text(text) if text.contains("{{") => "`{{` starts a variable, but no `}}` ends it".to_owned(),
                Piece::Text(_) | Piece::Variable(_) => continue,
            };
            self.error("bad_variable", in_text.as_str(), message);
        }
        let names = names(text);
        if let Some(most) = most.filter(|most| names.len() > *most) {
            let message = format!("this text has {} variables; the limit is {most}", names.len());
            self.error("too_many_variables", in_text.as_str(), message);
        }
        let mut positions: Vec<usize> =
            names.iter().filter(|name| is_position(name)).map(|name| name.parse().unwrap_or(usize::MAX)).collect();
        positions.sort_unstable();
        if let Some((wanted, found)) = (1..).zip(positions).find(|(wanted, found)| wanted != found) {
            let message = format!(
                "variables must be numbered from 1 without gaps, but {{{{{found}}}}} is here without {{{{{wanted}}}}}"
            );
            self.error("bad_positions", in_text.as_str(), message);
        }
        for (name, _) in examples.0.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let message = format!("the example for {{{{{name}}}}} is unused: the text has no such variable");
            self.warning("unused_example", format!("{at}.example"), message);
        }
    }

    fn cards(&mut self, cards: &[Card], at: &str, definition: &Definition) {
        self.only(Category::Marketing, "a CAROUSEL", at.to_owned());
        let at = format!("{at}.cards");
        if !(1..=CARDS).contains(&cards.len()) {
            self.error(
                "wrong_count",
                at.as_str(),
                format!("a carousel has 1 to {CARDS} cards, but this one has {}", cards.len()),
            );
        }
        for (index, component) in definition.components.iter().enumerate() {
            if !matches!(component, Component::Body(_) | Component::Carousel { .. }) {
                let message =
                    format!("alongside a CAROUSEL, WhatsApp shows only a BODY and may refuse the {}", component.kind());
                self.warning("beside_carousel", format!("components[{index}]"), message);
            }
        }
        for (index, card) in cards.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let components = format!("{at}.components");
            self.once_each(&card.components, &components, &["HEADER", "BODY", "BUTTONS"]);
            match definition::header_of(&card.components) {
                None => {
                    self.error("missing_header", components.as_str(), "a card needs a HEADER with an image or a video");
                }
                Some((place, header)) if !matches!(header.format, HeaderFormat::Image | HeaderFormat::Video) => {
                    let message = format!("a card's header must be IMAGE or VIDEO, not {}", header.format.as_str());
                    self.error("wrong_format", format!("{components}[{place}].format"), message);
                }
                Some((place, header)) => self.header(header, &format!("{components}[{place}]")),
            }
            if let Some((place, body)) = definition::body_of(&card.components) {
                self.body(body, &format!("{components}[{place}]"), CARD_BODY);
            }
            if let Some((place, buttons)) = definition::buttons_of(&card.components) {
                self.buttons(buttons, &format!("{components}[{place}].buttons"), true);
            }
            if index > 0 && shape(card) != shape(&cards[0]) {
                let message = format!(
                    "all cards must have the same parts: this one has {}, but the first has {}",
                    shape(card).join(", "),
                    shape(&cards[0]).join(", ")
                );
                self.error("cards_differ", at, message);
            }
        }
    }

    /// Requires either names or positions for all variables. A URL may always end in `{{1}}`, as in NXLink's
    /// documentation.
    fn one_notation(&mut self, definition: &Definition) {
        let mut first: Option<bool> = None;
        for (at, text) in texts(&definition.components, "components") {
            for name in names(text) {
                let by_position = is_position(name);
                if by_position && at.ends_with(".url") {
                    continue;
                }
                if *first.get_or_insert(by_position) != by_position {
                    let message = format!("{{{{{name}}}}} is not written like the other variables");
                    self.error("mixed_variables", at.as_str(), message).hint =
                        Some("use only positions ({{1}}) or only names ({{first_name}})".into());
                    return;
                }
            }
        }
    }
}

/// Returns every text that may contain variables, with its path.
pub(crate) fn texts<'d>(components: &'d [Component], at: &str) -> Vec<(String, &'d str)> {
    let mut found = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let at = format!("{at}[{index}]");
        match component {
            Component::Header(HeaderComponent { text: Some(text), .. })
            | Component::Body(Body { text: Some(text), .. }) => {
                found.push((format!("{at}.text"), text.as_str()));
            }
            Component::Buttons { buttons } => {
                for (index, button) in buttons.iter().enumerate() {
                    let url = button.url.iter().map(|url| (format!("{at}.buttons[{index}].url"), url.as_str()));
                    let code = button.coupon_code.iter();
                    let code = code.map(|code| (format!("{at}.buttons[{index}].coupon_code"), code.as_str()));
                    found.extend(url.chain(code));
                }
            }
            Component::Carousel { cards } => {
                for (index, card) in cards.iter().enumerate() {
                    found.extend(texts(&card.components, &format!("{at}.cards[{index}].components")));
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns what all cards must share: the kinds of parts, the header's format, the kinds of buttons.
fn shape(card: &Card) -> Vec<String> {
    let mut shape: Vec<String> = Vec::new();
    for component in &card.components {
        match component {
            Component::Header(header) => shape.push(format!("{} {}", component.kind(), header.format.as_str())),
            Component::Buttons { buttons } => {
                shape.extend(buttons.iter().map(|button| format!("a {} button", button.kind.as_str())));
            }
            other => shape.push(other.kind().to_owned()),
        }
    }
    shape
}

fn is_language(code: &str) -> bool {
    let (language, region) = code.split_once('_').map_or((code, None), |(language, region)| (language, Some(region)));
    let is = |text: &str, lengths: std::ops::RangeInclusive<usize>, upper: bool| {
        let case = if upper { u8::is_ascii_uppercase } else { u8::is_ascii_lowercase };
        lengths.contains(&text.len()) && text.bytes().all(|byte| case(&byte))
    };
    is(language, 2..=3, false) && region.is_none_or(|region| is(region, 2..=3, true))
}

fn better_name(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() { "spring_sale".to_owned() } else { words.join("_") }
}
