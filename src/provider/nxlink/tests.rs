//! What NXLink does not support, what is not sent to it, the events of its buttons, and its states.

use super::*;
use crate::model::Severity;
use crate::template::tests::good;

/// Severity, code and path of all findings for a definition.
fn findings(text: &str) -> Vec<(Severity, &'static str, String)> {
    let findings = to_request(&good(text), 1).map_or_else(|findings| findings, |translated| translated.warnings);
    findings.into_iter().map(|finding| (finding.severity, finding.code, finding.path)).collect()
}

#[test]
fn what_nxlink_has_no_field_for_is_said_to_be_left_out() {
    let text = "{name: a, language: en, category: MARKETING, components: [{type: HEADER, format: IMAGE, handle: h, \
        url: \"https://example.com/a.png\"}, {type: BODY, text: \"Hi {{1}} all\", example: [Ana]}, {type: BUTTONS, \
        buttons: [{type: FLOW, text: Go, flow_id: \"1\", flow_action: NAVIGATE, navigate_screen: S}, \
        {type: COPY_CODE, text: Copy, example: A, coupon_code: \"{{code}}\"}]}]}";
    let mut warnings = findings(text);
    warnings.retain(|(_, code, _)| *code != "attribute");
    let left_out = |path: &str| (Severity::Warning, "left_out", path.to_owned());
    let expected = [
        left_out("components[0].url"),
        left_out("components[2].buttons[0].flow_action"),
        left_out("components[2].buttons[0].navigate_screen"),
        left_out("components[2].buttons[1].coupon_code"),
        left_out("components[1].example"),
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn an_example_is_asked_for_where_the_document_asks_for_one() {
    let text = |buttons: &str| {
        format!(
            "{{name: a, language: en, category: MARKETING, components: [{{type: BODY, text: \"Hi {{{{1}}}} all\"}}, \
             {{type: BUTTONS, buttons: [{buttons}]}}]}}"
        )
    };
    assert_eq!(findings(&text("{type: URL, text: Go, url: \"https://example.com/\"}")), []);
    let lacking = "{type: URL, text: Go, url: \"https://example.com/{{1}}\"}, {type: COPY_CODE, text: Copy}";
    let error = |button: usize| (Severity::Error, "missing_example", format!("components[1].buttons[{button}]"));
    assert_eq!(findings(&text(lacking)), [error(0), error(1)]);
}

#[test]
fn events_have_what_the_document_requires() {
    let found = |event: &str| {
        let text = format!(
            "{{name: a, language: en, category: UTILITY, components: [{{type: BODY, text: Hi}}, {{type: BUTTONS, \
             buttons: [{{type: QUICK_REPLY, text: Yes, events: [{event}]}}]}}]}}"
        );
        let after = |path: &str| path.strip_prefix("components[1].buttons[0].events[0]").unwrap().to_owned();
        findings(&text).into_iter().map(|(severity, code, path)| (severity, code, after(&path))).collect::<Vec<_>>()
    };
    let bad = |paths: &[&str]| {
        paths.iter().map(|path| (Severity::Error, "bad_event", (*path).to_owned())).collect::<Vec<_>>()
    };
    for right in [
        "{event: tag, tagName: Viber tag}",
        "{event: text, text: Hello}",
        "{event: template, templateId: 314, templateName: a}",
        "{event: template, templateId: \"314\", templateName: a}",
    ] {
        assert_eq!(found(right), [], "{right}");
    }
    assert_eq!(found("{event: tag, text: Hello}"), bad(&[".tagName"]));
    assert_eq!(found("{event: text, text: \" \"}"), bad(&[".text"]));
    assert_eq!(found("{event: text, text: 5}"), bad(&[".text"]));
    assert_eq!(found("{event: template}"), bad(&[".templateId", ".templateName"]));
    assert_eq!(found("{event: tags, tagName: a}"), bad(&[".event"]));
    assert_eq!(found("{tagName: a}"), bad(&[".event"]));
    assert_eq!(found("tag"), bad(&[""]));
    let unknown = (Severity::Warning, "unknown_field", ".tagname".to_owned());
    assert_eq!(found("{event: tag, tagName: a, tagname: b}"), [unknown]);
}

#[test]
fn what_nxlink_has_no_field_for_is_reported_by_its_place() {
    let text = "{name: a, language: en, category: AUTHENTICATION, message_send_ttl_seconds: 60, components: [\
        {type: HEADER, format: LOCATION}, {type: CAROUSEL, cards: []}, {type: LIMITED_TIME_OFFER, limited_time_offer: \
        {text: a}}, {type: BUTTONS, buttons: [{type: CATALOG, text: a}, {type: COPY_CODE, example: A}]}]}";
    let definition = crate::template::tests::good(text);
    let errors = to_request(&definition, 1).unwrap_err().into_iter().filter(|finding| finding.is_error());
    let paths: Vec<String> = errors.map(|finding| finding.path).collect();
    let components = |rest: &str| format!("components[{rest}");
    assert_eq!(
        paths,
        [
            "category".to_owned(),
            "message_send_ttl_seconds".to_owned(),
            components("0].format"),
            components("1]"),
            components("2]"),
            components("3].buttons[0]"),
            components("3].buttons[1]"),
        ]
    );
}

#[test]
fn states_have_the_documented_names_and_only_one_can_be_sent() {
    let named: Vec<String> = [0, 1, 2, 3, 6, 9, 11, 12, 14, 4].map(|number| status(number).0).into();
    assert_eq!(
        named,
        [
            "rejected",
            "pending",
            "in use",
            "appealed",
            "unavailable",
            "pending deletion",
            "paused",
            "exceeded limit",
            "deleted",
            "unknown (4)"
        ]
    );
    assert_eq!((0..20).filter(|number| status(*number).1).collect::<Vec<_>>(), [2]);
}
