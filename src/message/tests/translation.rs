//! Both spellings of a message, and what each provider gets.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{any_json, documented};
use crate::message::{Translation, check_message, translate};
use crate::model::{Channel, Finding, ProviderApi, Severity};

const WHATSAPP: Channel = Channel::Whatsapp;

fn incs(message: &Value) -> Value {
    translate(ProviderApi::Incs, WHATSAPP, message)
}

/// The message for Meta, apart from what every message gets.
fn meta(message: &Value) -> Value {
    let mut message = translate(ProviderApi::Meta, WHATSAPP, message);
    let map = message.as_object_mut().unwrap();
    assert_eq!(map.shift_remove("messaging_product"), Some(json!("whatsapp")));
    assert_eq!(map.shift_remove("recipient_type"), Some(json!("individual")));
    message
}

fn template(content: Value) -> Value {
    json!({"type": "template", "template": content})
}

fn parameter(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// The components of an authentication template.
fn code_components(code: &str) -> Value {
    json!([
        {"type": "body", "parameters": parameter(code)},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": parameter(code)},
    ])
}

#[test]
fn both_spellings_become_that_of_the_provider() {
    let text = |text: Value| json!({"type": "text", "text": text});
    let code = "{{ code }}";
    let upper = json!([
        {"type": "HEADER", "parameters": parameter("Hi")},
        {"type": "button", "sub_type": "COPY_CODE", "index": "0", "parameters": []},
    ]);
    let lower = json!([
        {"type": "header", "parameters": parameter("Hi")},
        {"type": "button", "sub_type": "copy_code", "index": "0", "parameters": []},
    ]);
    let catalog = json!([{"type": "button", "sub_type": "CATALOG", "index": 0}]);
    // As written, for INCS, for Meta.
    let cases = [
        (text(json!("Hi")), text(json!("Hi")), text(json!({"body": "Hi"}))),
        (
            text(json!({"body": "{{ a }}", "preview_url": true})),
            text(json!("{{ a }}")),
            text(json!({"body": "{{ a }}", "preview_url": true})),
        ),
        (json!({"text": {"body": "Hi"}}), text(json!("Hi")), json!({"text": {"body": "Hi"}})),
        (
            template(json!({"name": "a", "language": "en_US"})),
            template(json!({"name": "a"})),
            template(json!({"name": "a", "language": {"code": "en_US"}})),
        ),
        (
            template(json!({"name": "a", "language": {"policy": "deterministic", "code": "{{ lang }}"}})),
            template(json!({"name": "a"})),
            template(json!({"name": "a", "language": {"policy": "deterministic", "code": "{{ lang }}"}})),
        ),
        (
            template(json!({"name": "a", "language": "en", "code": code})),
            template(json!({"name": "a", "code": code})),
            template(json!({"name": "a", "language": {"code": "en"}, "components": code_components(code)})),
        ),
        (
            template(json!({"name": "a", "language": "en", "components": code_components(code)})),
            template(json!({"name": "a", "code": code})),
            template(json!({"name": "a", "language": {"code": "en"}, "components": code_components(code)})),
        ),
        (
            template(json!({"name": "a", "components": upper})),
            template(json!({"name": "a", "components": upper})),
            template(json!({"name": "a", "components": lower})),
        ),
        (
            template(json!({"name": "a", "components": [
                {"type": "CAROUSEL", "cards": [{"card_index": 0, "components": upper}]}]})),
            template(json!({"name": "a", "components": [
                {"type": "CAROUSEL", "cards": [{"card_index": 0, "components": upper}]}]})),
            template(json!({"name": "a", "components": [
                {"type": "carousel", "cards": [{"card_index": 0, "components": lower}]}]})),
        ),
        (
            template(json!({"name": "a", "components": catalog})),
            template(json!({"name": "a", "components": catalog})),
            template(json!({"name": "a", "components": catalog})),
        ),
    ];
    for (written, for_incs, for_meta) in cases {
        assert_eq!(incs(&written), for_incs, "{written}");
        assert_eq!(meta(&written), for_meta, "{written}");
        // INCS gets the same from what Meta gets, apart from the case of the kinds.
        let by_way_of_meta = incs(&translate(ProviderApi::Meta, WHATSAPP, &written)).to_string();
        assert!(by_way_of_meta.eq_ignore_ascii_case(&for_incs.to_string()), "{by_way_of_meta} {for_incs}");
    }
}

#[test]
fn a_message_written_for_incs_reaches_it_unchanged() {
    for (channel, mut body) in documented() {
        body.as_object_mut().unwrap().shift_remove("to");
        assert_eq!(translate(ProviderApi::Incs, channel, &body).to_string(), body.to_string());
    }
    // A link with the same text as the body is a code only in a template that is written Meta's way.
    let alike = template(json!({"name": "shipped", "components": code_components("{{ order }}")}));
    assert_eq!(incs(&alike), alike);
    for other in [
        json!([{"type": "body", "parameters": parameter("1")},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": parameter("2")}]),
        json!([{"type": "body", "parameters": parameter("1")},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": parameter("1")}]),
        json!([{"type": "body", "parameters": parameter("1")},
            {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": parameter("1")}]),
    ] {
        let message = |content: Value| template(content);
        let written = message(json!({"name": "a", "language": {"code": "en"}, "components": other}));
        assert_eq!(incs(&written), message(json!({"name": "a", "components": other})));
    }
}

/// Returns the severe findings of a message: codes and places as written.
fn wrong(api: ProviderApi, channel: Channel, message: &Value) -> Vec<(&'static str, String)> {
    let translation = Translation::new(api, channel, message);
    let findings = check_message(api, channel, &translation.message);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| (finding.code, translation.written(&finding.path).to_owned())).collect()
}

#[test]
fn only_the_row_says_who_gets_a_message() {
    let text = |key: &str, value: Value| {
        let mut message = json!({"type": "text", "text": "Hi"});
        message[key] = value;
        message
    };
    for (key, value, code) in [
        ("recipient", json!("US.13491208655302741918"), "not_allowed"),
        ("recipient_type", json!("group"), "wrong_word"),
        ("messaging_product", json!("instagram"), "wrong_word"),
        ("biz_opaque_callback_data", json!("mine"), "not_allowed"),
    ] {
        for (api, channel) in [
            (ProviderApi::Incs, WHATSAPP),
            (ProviderApi::Incs, Channel::Viber),
            (ProviderApi::Incs, Channel::Rcs),
            (ProviderApi::Meta, WHATSAPP),
        ] {
            let found = wrong(api, channel, &text(key, value.clone()));
            assert_eq!(found, [(code, key.to_owned())], "{api} {channel}");
        }
    }
    for (key, value) in [("recipient_type", "individual"), ("messaging_product", "whatsapp")] {
        let written = text(key, value.into());
        assert_eq!(wrong(ProviderApi::Meta, WHATSAPP, &written), []);
        assert_eq!(incs(&written), json!({"type": "text", "text": "Hi"}));
    }
}

#[test]
fn a_problem_is_at_the_place_as_written() {
    let long = "x".repeat(5000);
    let cases = [
        (ProviderApi::Meta, json!({"type": "text", "text": long}), "too_long", "text"),
        (ProviderApi::Meta, json!({"type": "text", "text": 12}), "wrong_type", "text"),
        (ProviderApi::Incs, json!({"type": "text", "text": {"body": 12}}), "wrong_type", "text.body"),
        (ProviderApi::Incs, json!({"type": "text", "text": {"body": {"body": "Hi"}}}), "wrong_type", "text"),
        (
            ProviderApi::Meta,
            template(json!({"name": "a", "language": "en", "code": ""})),
            "empty_text",
            "template.code",
        ),
        (
            ProviderApi::Incs,
            template(json!({"name": "a", "language": "en", "components": code_components("1234567890123456")})),
            "too_long",
            "template.components[0].parameters[0].text",
        ),
        (ProviderApi::Meta, template(json!({"name": "a", "language": ""})), "empty_text", "template.language"),
        (ProviderApi::Meta, template(json!({"name": "a"})), "missing_field", "template.language"),
    ];
    for (api, message, code, path) in cases {
        assert_eq!(wrong(api, WHATSAPP, &message).first(), Some(&(code, path.to_owned())), "{message}");
    }
}

#[test]
fn what_only_another_api_has_names_that_api() {
    let hint = |api, message: &Value| {
        let found = check_message(api, WHATSAPP, &translate(api, WHATSAPP, message));
        let unknown = found.iter().find(|finding| finding.code == "unknown_type");
        unknown.and_then(|finding: &Finding| finding.hint.clone()).unwrap_or_default()
    };
    let sticker = json!({"type": "sticker", "sticker": {"id": "1"}});
    assert!(hint(ProviderApi::Incs, &sticker).contains("Meta's WhatsApp Cloud API"));
    let flow = json!({"type": "interactive", "interactive": {"type": "flow", "body": {"text": "Hi"}}});
    assert!(hint(ProviderApi::Incs, &flow).contains("Meta's WhatsApp Cloud API"));
    assert_eq!(hint(ProviderApi::Meta, &sticker), "");
    let nobody = json!({"type": "stickers", "stickers": {"id": "1"}});
    assert!(!hint(ProviderApi::Incs, &nobody).contains("Meta"));
}

proptest! {
    #[test]
    fn translating_twice_changes_nothing(body in any_json()) {
        for (api, channel) in ProviderApi::ALL.into_iter().flat_map(|api| Channel::ALL.map(|channel| (api, channel))) {
            let once = translate(api, channel, &body);
            prop_assert_eq!(&translate(api, channel, &once).to_string(), &once.to_string());
        }
    }
}
