//! What is refused, and where.

use super::*;
use crate::model::{Finding, Severity};

/// The codes and paths of the findings for a definition with these components.
fn wrong(category: &str, components: &str) -> Vec<(&'static str, String)> {
    let text = format!("name: a\nlanguage: en\ncategory: {category}\ncomponents: [{components}]\n");
    check(&good(&text)).into_iter().map(|finding| (finding.code, finding.path)).collect()
}

fn one(category: &str, components: &str) -> (&'static str, String) {
    let all = wrong(category, components);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

fn with_buttons(buttons: &str) -> String {
    format!("{{type: BODY, text: Hi}}, {{type: BUTTONS, buttons: [{buttons}]}}")
}

#[test]
fn a_mistake_of_shape_is_reported_with_line_and_column() {
    let text = "name: a\nlanguage: en\ncategory: MARKETTING\ncomponents:\n  - type: BODY\n    txt: Hi\n  - {type: FOOTER, text: 5}\n";
    let error = parse(text, Path::new("t.yaml")).unwrap_err();
    let found: Vec<(&str, u32)> = error.problems().iter().map(|problem| (&*problem.code, problem.place.line)).collect();
    assert_eq!(found, [("bad_value", 3), ("unknown_key", 6), ("wrong_type", 7)]);
    assert_eq!(error.problems()[1].place.column, 5, "the key, not its value");
    let hints: Vec<&str> = error.problems().iter().filter_map(|problem| problem.hint.as_deref()).collect();
    assert_eq!(hints, ["did you mean `MARKETING`?", "did you mean `text`?", "put it in quotes: \"5\""]);
    for text in ["[]", "name: a", "components: 5", "name: [a]\nlanguage: {}\ncategory: 1\ncomponents: [[], {type: X}]"]
    {
        assert!(parse(text, Path::new("t.yaml")).is_err(), "{text}");
    }
}

#[test]
fn of_several_apps_none_is_left_out_silently() {
    let text = |apps: &str| {
        format!(
            "{{name: a, language: en, category: AUTHENTICATION, components: [{{type: BODY}}, {{type: BUTTONS, buttons: \
             [{{type: OTP, otp_type: ZERO_TAP, supported_apps: [{apps}]}}]}}]}}"
        )
    };
    let app = "{package_name: com.demo, signature_hash: 29dkeke29dk}";
    assert_eq!(check(&good(&text(app))), []);
    let error = parse(&text(&format!("{app}, {app}")), Path::new("t.yaml")).unwrap_err();
    assert_eq!(error.problems()[0].code, "wrong_count");
}

#[test]
fn lengths_are_those_of_the_documents() {
    let text = |length: usize| "é".repeat(length);
    let body = |length| format!("{{type: BODY, text: {}}}", text(length));
    assert_eq!(wrong("UTILITY", &body(1024)), []);
    assert_eq!(one("UTILITY", &body(1025)), ("too_long", "components[0].text".into()));
    let offer = "{type: LIMITED_TIME_OFFER, limited_time_offer: {text: Now}}";
    assert_eq!(one("MARKETING", &format!("{}, {offer}", body(601))), ("too_long", "components[0].text".into()));
    let footer = format!("{{type: BODY, text: Hi}}, {{type: FOOTER, text: {}}}", text(61));
    assert_eq!(one("UTILITY", &footer), ("too_long", "components[1].text".into()));
    let label = with_buttons(&format!("{{type: QUICK_REPLY, text: {}}}", text(26)));
    assert_eq!(one("UTILITY", &label), ("too_long", "components[1].buttons[0].text".into()));
}

#[test]
fn variables_are_counted_and_written_in_one_way() {
    let body = |text: &str, example: &str| format!("{{type: BODY, text: \"{text}\", example: {example}}}");
    assert_eq!(wrong("UTILITY", &body("a {{1}} b {{2}}.", "[x, y]")), []);
    assert_eq!(one("UTILITY", &body("a {{1}} b {{3}}.", "{\"1\": x, \"3\": y}")).0, "bad_positions");
    assert_eq!(one("UTILITY", &body("a {{1}} b {{c}}.", "{\"1\": x, c: y}")).0, "mixed_variables");
    let address = |url: &str| {
        let button = format!("{{type: URL, text: Go, url: \"https://example.com/{url}\", example: x}}");
        format!("{}, {{type: BUTTONS, buttons: [{button}]}}", body("a {{c}}.", "{c: y}"))
    };
    assert_eq!(wrong("UTILITY", &address("{{1}}")), [], "NXLink's document writes addresses so");
    assert_eq!(wrong("UTILITY", &address("{{d}}")), []);
    let positions = address("{{d}}").replace("{{c}}", "{{1}}").replace("{c: y}", "[y]");
    assert_eq!(one("UTILITY", &positions), ("mixed_variables", "components[1].buttons[0].url".into()));
    assert_eq!(one("UTILITY", &body("a {{b c}}.", "{}")).0, "bad_variable");
    assert_eq!(one("UTILITY", &body("a {{b}} {{c.", "{b: x}")).0, "bad_variable");
    assert_eq!(one("UTILITY", &body("a {{b}}", "{b: x}")).0, "variable_at_end");
    assert_eq!(one("UTILITY", &body("a.", "[x]")).0, "unused_example");
    let header = "{type: HEADER, format: TEXT, text: \"{{a}} {{b}}\", example: {a: x, b: y}}, {type: BODY, text: Hi}";
    assert_eq!(one("UTILITY", header).0, "too_many_variables");
    let footer = "{type: BODY, text: Hi}, {type: FOOTER, text: \"{{a}}\"}";
    assert_eq!(one("UTILITY", footer).0, "variable_not_allowed");
}

#[test]
fn buttons_are_counted_ordered_and_whole() {
    let reply = |n: usize| format!("{{type: QUICK_REPLY, text: reply {n}}}");
    let link = |n: usize| format!("{{type: URL, text: link {n}, url: \"https://example.com\"}}");
    let call = "{type: PHONE_NUMBER, text: Call, phone_number: \"+85268411234\"}".to_owned();
    let codes = |buttons: &[String]| {
        let found = wrong("MARKETING", &with_buttons(&buttons.join(", ")));
        found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&[reply(1), reply(2), link(1), call.clone()]), [""; 0]);
    assert_eq!(codes(&[link(1), call.clone(), reply(1)]), [""; 0]);
    assert_eq!(codes(&[reply(1), link(1), reply(2)]), ["wrong_order"]);
    assert_eq!(codes(&[link(1), link(2), link(3)]), ["wrong_count"]);
    assert_eq!(codes(&(0..11).map(reply).collect::<Vec<_>>()), ["wrong_count"]);
    assert_eq!(codes(&["{type: CATALOG, text: See}".into(), reply(1)]), ["wrong_count"]);
    assert_eq!(codes(&["{type: URL, text: a}".into()]), ["missing_key"]);
    assert_eq!(
        codes(&["{type: URL, text: a, url: \"https://example.com/{{1}}/x\", example: x}".into()]),
        ["bad_variable"]
    );
    assert_eq!(codes(&["{type: URL, text: a, url: \"https://example.com/{{1}}\"}".into()]), [""; 0]);
    assert_eq!(codes(&["{type: COPY_CODE, example: \"A B\"}".into()]), ["bad_code"]);
    assert_eq!(codes(&["{type: FLOW, text: a, flow_id: \"1\", flow_action: NAVIGATE}".into()]), ["missing_key"]);
    assert_eq!(codes(&["{type: PHONE_NUMBER, text: a, phone_number: \"+852 1\"}".into()]), ["bad_number"]);
}

#[test]
fn a_language_that_no_document_lists_is_a_warning() {
    let found = |language: &str| {
        let text =
            format!("{{name: a, language: {language}, category: UTILITY, components: [{{type: BODY, text: Hi}}]}}");
        let one = |finding: Finding| (finding.severity, finding.code, finding.hint);
        check(&good(&text)).into_iter().map(one).collect::<Vec<_>>()
    };
    for language in ["en", "de", "zh_KR", "fil", "prs_AF"] {
        assert_eq!(found(language), [], "{language}");
    }
    let hint = Some("similar codes are `pt_BR`, `pt_PT` and `pt`".to_owned());
    assert_eq!(found("pt_AO"), [(Severity::Warning, "unknown_language", hint)]);
    assert_eq!(found("xx"), [(Severity::Warning, "unknown_language", None)]);
    assert_eq!(found("english")[0].1, "bad_language");
}

#[test]
fn the_hash_of_cams_s_own_sample_is_a_warning() {
    let tap = "{type: BODY}, {type: BUTTONS, buttons: [{type: OTP, otp_type: ONE_TAP, text: Copy, autofill_text: Fill, \
        package_name: com.demo, signature_hash: 29dkeke}]}";
    let text = format!("{{name: a, language: en, category: AUTHENTICATION, components: [{tap}]}}");
    let found: Vec<_> = check(&good(&text)).into_iter().map(|finding| (finding.severity, finding.code)).collect();
    assert_eq!(found, [(Severity::Warning, "bad_hash")]);
    assert_eq!(wrong("AUTHENTICATION", &tap.replace("29dkeke", "29dkeke29dk")), []);
}

#[test]
fn each_category_has_its_own_rules() {
    let otp = "{type: OTP, otp_type: COPY_CODE, text: Copy}";
    let code = format!("{{type: BODY}}, {{type: BUTTONS, buttons: [{otp}]}}");
    assert_eq!(wrong("AUTHENTICATION", &code), []);
    assert_eq!(one("AUTHENTICATION", "{type: BODY}").0, "missing_button");
    assert_eq!(one("AUTHENTICATION", &code.replace("{type: BODY}", "{type: BODY, text: Hi}")).0, "wrong_category");
    let header = format!("{code}, {{type: HEADER, format: TEXT, text: Hi}}");
    assert_eq!(one("AUTHENTICATION", &header).0, "wrong_category");
    let one_tap = code.replace("COPY_CODE", "ONE_TAP");
    assert_eq!(wrong("AUTHENTICATION", &one_tap).len(), 3);
    assert_eq!(one("UTILITY", &with_buttons(otp)).0, "wrong_category");
    assert_eq!(one("UTILITY", &with_buttons("{type: QUICK_REPLY, text: Stop, opt_out: true}")).0, "wrong_category");
    let offer = "{type: LIMITED_TIME_OFFER, limited_time_offer: {text: Now}}, {type: BODY, text: Hi}";
    assert_eq!(one("UTILITY", offer).0, "wrong_category");
    assert_eq!(one("MARKETING", &format!("{offer}, {{type: FOOTER, text: bye}}")).0, "wrong_component");
}

#[test]
fn cards_are_alike() {
    let card = |format: &str, button: &str| {
        format!(
            "{{components: [{{type: HEADER, format: {format}, url: \"https://example.com/a\"}}, \
             {{type: BUTTONS, buttons: [{button}]}}]}}"
        )
    };
    let (reply, link) = ("{type: QUICK_REPLY, text: Yes}", "{type: URL, text: a, url: \"https://example.com\"}");
    let carousel =
        |cards: &[String]| format!("{{type: BODY, text: Hi}}, {{type: CAROUSEL, cards: [{}]}}", cards.join(", "));
    assert_eq!(wrong("MARKETING", &carousel(&[card("IMAGE", reply), card("IMAGE", reply)])), []);
    let differ = ("cards_differ", "components[1].cards[1]".to_owned());
    assert_eq!(one("MARKETING", &carousel(&[card("IMAGE", reply), card("VIDEO", reply)])), differ);
    assert_eq!(one("MARKETING", &carousel(&[card("IMAGE", reply), card("IMAGE", link)])), differ);
    let three = format!("{reply}, {}, {}", reply.replace("Yes", "No"), reply.replace("Yes", "Hm"));
    assert_eq!(one("MARKETING", &carousel(&[card("IMAGE", &three)])).0, "wrong_count");
    assert_eq!(one("MARKETING", &carousel(&[card("DOCUMENT", reply)])).0, "wrong_format");
    assert_eq!(one("UTILITY", &carousel(&[card("IMAGE", reply)])).0, "wrong_category");
}
