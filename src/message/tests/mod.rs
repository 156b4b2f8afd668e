//! Checks documented bodies, bodies that break one rule each, and arbitrary bodies.

mod limits;
mod through_meta;
mod translation;

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Open, SESSION_ONLY, reference};
use crate::model::{Channel, Finding, ProviderApi, Severity};

/// Checks a body for INCS.
fn check(channel: Channel, body: &Value) -> Vec<Finding> {
    super::check(ProviderApi::Incs, channel, body)
}

/// Checks a message for INCS.
fn check_message(channel: Channel, message: &Value) -> Vec<Finding> {
    super::check_message(ProviderApi::Incs, channel, message)
}

/// The request bodies that the document "Messages API" shows, each with its channel. One for each kind is there, as
/// `every_kind_of_the_tables_is_in_the_document` checks.
pub(crate) fn documented() -> Vec<(Channel, Value)> {
    let bodies: Vec<Value> = serde_json::from_str(include_str!("documented.json")).unwrap();
    let body = |body: Value| (Channel::from_name(body["channel"].as_str().unwrap()).unwrap(), body["body"].clone());
    bodies.into_iter().map(body).collect()
}

fn errors(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn what_the_document_shows_passes() {
    let bodies = documented();
    assert!(bodies.len() >= 26, "{}", bodies.len());
    for (channel, body) in bodies {
        let findings = check(channel, &body);
        assert_eq!(errors(&findings), Vec::<&Finding>::new(), "{body}");
        // The only other warning is about the `.jpg` of a sample, which the document does not list.
        let others: Vec<_> = findings.iter().filter(|finding| finding.code != SESSION_ONLY).collect();
        let jpg = body.to_string().contains(".jpg");
        assert_eq!(others.len(), usize::from(jpg), "{others:?}");
    }
}

/// The document's example number is longer than numbers of its country: the body check does not limit the length.
#[test]
fn the_documented_number_passes() {
    for channel in Channel::ALL {
        let body = json!({"to": "8526841511234", "type": "text", "text": "Hello"});
        assert_eq!(errors(&check(channel, &body)), Vec::<&Finding>::new(), "{channel}");
    }
}

#[test]
fn every_kind_of_the_tables_is_in_the_document() {
    let bodies = documented();
    for channel in Channel::ALL {
        for kind in super::schema::sheet(ProviderApi::Incs, channel).body.kinds.unwrap().list {
            let shown = |(on, body): &(Channel, Value)| *on == channel && body["type"] == kind.name;
            assert!(bodies.iter().any(shown), "{channel} {}", kind.name);
        }
    }
}

#[test]
fn a_session_is_reported_once_and_not_for_templates_or_viber() {
    for (channel, body) in documented() {
        let found = codes(&check(channel, &body)).into_iter().filter(|code| *code == SESSION_ONLY).count();
        let session = channel != Channel::Viber && body["type"] != "template";
        assert_eq!(found, usize::from(session), "{channel} {body}");
    }
}

#[test]
fn a_message_is_checked_with_its_templates_in_it() {
    let message = json!({
        "type": "template",
        "template": {"name": "{{ which }}", "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://localhost/{{ file }}"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "{{ first_name }}".repeat(100)}]},
            {"type": "button", "sub_type": "quick_reply", "index": "{{ at }}",
             "parameters": [{"type": "payload", "payload": "{% if a %}b{% endif %}"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "{{ at }}",
             "parameters": [{"type": "payload", "payload": "{# nothing #}a"}]},
        ]},
    });
    assert_eq!(check_message(Channel::Whatsapp, &message), []);
    assert_eq!(check_message(Channel::Whatsapp, &json!({"type": "{{ kind }}"})), []);

    let wrong = json!({"type": "otp", "otp": {"code": "{{ code }}", "language": "en",
        "code_expiration_minutes": "{{ minutes }}"}});
    let findings = check_message(Channel::Viber, &wrong);
    assert_eq!(codes(&findings), ["wrong_type"]);
    assert!(findings[0].hint.as_ref().unwrap().contains("always produces text"), "{findings:?}");

    // Once the row's values are filled in, a brace is only a brace.
    let row = json!({"to": "85268411234", "type": "template", "template": {"name": "{{ which }}"}});
    assert_eq!(codes(&check(Channel::Whatsapp, &row)), ["template_name"]);
}

#[test]
fn a_blank_parameter_of_an_rcs_template_is_wrong_in_the_row_that_has_it() {
    let message = |who: &str| json!({"type": "template", "template": {"name": "a", "parameters": {"the name": who}}});
    assert_eq!(check_message(Channel::Rcs, &message("{{ name }}")), []);
    let place = "template.parameters[\"the name\"]";
    let open = Open::of((ProviderApi::Incs, Channel::Rcs), &message("{{ name }}"), std::iter::once(place)).unwrap();
    assert!(open.is_fine(0, "Ann") && !open.is_fine(0, "") && !open.is_fine(0, " "));
    let mut row = message(" ");
    row["to"] = "85268411234".into();
    let findings = check(Channel::Rcs, &row);
    assert_eq!((findings.len(), findings[0].code, findings[0].path.as_str()), (1, "empty_text", place));
}

#[test]
fn cards_whose_kinds_come_from_a_column_are_compared_when_they_are_known() {
    let card = |index: u8, kind: &str| {
        json!({"card_index": index, "components": [{"type": "button", "sub_type": kind, "index": 0,
            "parameters": [{"type": "payload", "payload": "x"}]}]})
    };
    let message = |kind: &str| {
        let cards = json!([card(0, "quick_reply"), card(1, kind)]);
        json!({"type": "template", "template": {"name": "a", "components": [{"type": "carousel", "cards": cards}]}})
    };
    assert_eq!(check_message(Channel::Whatsapp, &message("{{ kind }}")), []);
    assert_eq!(codes(&check_message(Channel::Whatsapp, &message("voice_call"))), ["cards_differ"]);
    let mut fewer = message("{{ kind }}");
    fewer["template"]["components"][0]["cards"][1]["components"] = json!([{"type": "body", "parameters": [
        {"type": "text", "text": "x"}]}, card(1, "{{ kind }}")["components"][0]]);
    assert_eq!(codes(&check_message(Channel::Whatsapp, &fewer)), ["cards_differ"]);
}

#[test]
fn a_text_that_is_too_long_by_itself_is_reported_once() {
    let text = json!({"type": "text", "text": "a".repeat(1025)});
    let body = json!({"to": "85268411234", "type": "template", "template": {"name": "a",
        "components": [{"type": "body", "parameters": [text]}]}});
    let findings = check(Channel::Whatsapp, &body);
    let paths: Vec<_> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(paths, ["template.components[0].parameters[0].text"]);
}

#[test]
fn what_is_not_known_is_sent_with_a_warning_that_names_what_was_meant() {
    let body = json!({"to": "85268411234", "type": "template", "template": {
        "name": "welcome", "language": {"code": "en"}, "componets": []}, "biz_opaque": 1});
    let findings = check(Channel::Whatsapp, &body);
    assert_eq!(errors(&findings), Vec::<&Finding>::new());
    let found: Vec<_> = findings.iter().map(|f| (f.code, f.path.as_str())).collect();
    let expected = [
        ("undocumented_field", "template.language"),
        ("unknown_field", "template.componets"),
        ("unknown_field", "biz_opaque"),
    ];
    assert_eq!(found, expected);
    assert_eq!(findings[1].hint.as_deref(), Some("did you mean `components`?"));
    assert_eq!(findings[2].hint, None);

    // A missing key may only be misspelt.
    let body = json!({"to": "85268411234", "type": "template", "template": {"nmae": "welcome"}});
    let findings = check(Channel::Whatsapp, &body);
    let missing = errors(&findings);
    assert_eq!(
        missing[0].to_string(),
        "`template.name`: this is missing; it must be text; `nmae` looks like a misspelling of it"
    );
}

#[test]
fn letter_case_and_both_forms_of_an_index_pass() {
    for (sub_type, index) in [("copy_code", json!(0)), ("COPY_CODE", json!("9")), ("Copy_Code", json!(5))] {
        let body = json!({"to": "85268411234", "type": "template", "template": {"name": "a", "components": [
            {"type": "BUTTON", "sub_type": sub_type, "index": index,
             "parameters": [{"type": "coupon_code", "coupon_code": "25OFF"}]}]}});
        assert_eq!(check(Channel::Whatsapp, &body), []);
    }
}

#[test]
fn the_number_is_not_shown() {
    let findings = check(Channel::Rcs, &json!({"to": "+852 6841 1234", "type": "text", "text": "Hello"}));
    let finding = findings.iter().find(|finding| finding.path == "to").unwrap();
    assert!(!format!("{finding:?}").contains("6841"), "{finding:?}");
}

/// The page is generated from the tables: `UPDATE_DOCS=1` writes it, otherwise it must be up to date.
#[test]
fn the_reference_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/messages.md does not match the schema; regenerate it with UPDATE_DOCS=1 cargo test --lib message::"
    );
}

/// Any JSON, with words of the tables as keys and texts, to get deep into the tables.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "(to|type|template|components|parameters|header|body|button|sub_type|index|url|interactive|action|cards)",
        "(carousel|list|text|image|link|sections|rows|id|title|card_index|buttons|quick_reply|coupon_code|name)",
        ".{0,9}",
        "https?://.{0,9}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_panics(body in any_json()) {
        for channel in Channel::ALL {
            let _ = check(channel, &body);
            let _ = check_message(channel, &body);
        }
    }

    /// Anything at one place of a documented body: never a panic, and every finding has its place.
    #[test]
    fn no_change_to_a_documented_body_panics(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), new in any_json()) {
        let (channel, mut body) = which.get(&documented()).clone();
        let mut places = 0;
        count(&body, &mut places);
        replace(&mut body, at.index(places), &mut 0, &new);
        for finding in check(channel, &body).into_iter().chain(check_message(channel, &body)) {
            prop_assert!(!finding.message.is_empty() && (!finding.path.is_empty() || !body.is_object()));
        }
    }
}

fn count(value: &Value, places: &mut usize) {
    *places += 1;
    match value {
        Value::Array(items) => items.iter().for_each(|item| count(item, places)),
        Value::Object(map) => map.values().for_each(|value| count(value, places)),
        _ => {}
    }
}

fn replace(value: &mut Value, place: usize, passed: &mut usize, new: &Value) {
    if *passed == place {
        *value = new.clone();
    }
    *passed += 1;
    match value {
        Value::Array(items) if *passed <= place => items.iter_mut().for_each(|item| replace(item, place, passed, new)),
        Value::Object(map) if *passed <= place => {
            map.values_mut().for_each(|value| replace(value, place, passed, new));
        }
        _ => {}
    }
}
