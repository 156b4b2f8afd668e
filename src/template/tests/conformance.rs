//! The mismatches between a message and its template.

use serde_json::{Value, json};

use super::*;

const SALE: &str = r#"
name: sale
language: en_US
category: MARKETING
components:
  - {type: HEADER, format: IMAGE, url: "https://example.com/a.png"}
  - {type: BODY, text: "Hi {{1}}, {{2}} off.", example: [Ana, "25%"]}
  - type: BUTTONS
    buttons:
      - {type: QUICK_REPLY, text: No more}
      - {type: URL, text: Shop, url: "https://example.com/{{1}}", example: ["https://example.com/a"]}
      - {type: URL, text: Help, url: "https://example.com/help"}
"#;

fn fits() -> Value {
    json!({"to": "85268411234", "type": "template", "template": {"name": "sale", "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/b.png"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "25%"}]},
        {"type": "button", "sub_type": "URL", "index": "1", "parameters": [{"type": "text", "text": "spring"}]}]}})
}

/// Codes, places in the message and lines in the file.
fn found(template: &str, message: &Value) -> Vec<(&'static str, String, u32)> {
    let loaded = parse(template, Path::new("sale.yaml")).unwrap();
    let found = loaded.definition.hold(message);
    found
        .into_iter()
        .map(|found| (found.mismatch.code(), found.message_path, loaded.places.of(&found.template_path).line))
        .collect()
}

#[test]
fn a_message_that_fits_has_no_disagreement() {
    assert_eq!(found(SALE, &fits()), []);
    assert_eq!(found(SALE, &json!({"type": "text", "text": "Hi"})), []);
}

#[test]
fn each_disagreement_is_reported_in_both_places() {
    type Difference = fn(&mut Value);
    let cases: [(Difference, &str, &str, u32); 14] = [
        (|t| t["name"] = "sales".into(), "template_name", "template.name", 2),
        (|t| t["language"] = json!({"code": "de"}), "language", "template.language", 3),
        (|t| t["code"] = "123456".into(), "not_authentication", "template.code", 4),
        (|t| drop(t["components"].as_array_mut().unwrap().remove(0)), "header_missing", "template.components", 6),
        (
            |t| t["components"][0]["parameters"][0]["type"] = "video".into(),
            "header_kind",
            "template.components[0].parameters[0].type",
            6,
        ),
        (
            |t| drop(t["components"][1]["parameters"].as_array_mut().unwrap().pop()),
            "parameter_count",
            "template.components[1].parameters",
            7,
        ),
        (|t| drop(t["components"].as_array_mut().unwrap().remove(1)), "parameter_count", "template.components", 7),
        (
            |t| t["components"][1]["parameters"][0]["type"] = "image".into(),
            "parameter_kind",
            "template.components[1].parameters[0].type",
            7,
        ),
        (
            |t| t["components"][1]["parameters"][0]["parameter_name"] = "first".into(),
            "parameter_name",
            "template.components[1].parameters[0].parameter_name",
            7,
        ),
        (
            |t| t["components"][1]["parameters"][0]["text"] = "x".repeat(1020).into(),
            "too_long",
            "template.components[1].parameters",
            7,
        ),
        (|t| drop(t["components"].as_array_mut().unwrap().pop()), "button_missing", "template.components", 11),
        (|t| t["components"][2]["sub_type"] = "copy_code".into(), "button_kind", "template.components[2].sub_type", 11),
        (
            |t| {
                t["components"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"type": "button", "sub_type": "url", "index": 3, "parameters": []}))
            },
            "button_index",
            "template.components[3].index",
            10,
        ),
        (
            |t| {
                t["components"].as_array_mut().unwrap().push(json!({"type": "button", "sub_type": "url", "index": 2, "parameters": [{"type": "text", "text": "a"}]}))
            },
            "button_static",
            "template.components[3].parameters",
            12,
        ),
    ];
    for (change, code, place, line) in cases {
        let mut message = fits();
        change(&mut message["template"]);
        assert_eq!(found(SALE, &message), [(code, place.to_owned(), line)]);
    }
    let mut message = fits();
    let more = message["template"]["components"].as_array_mut().unwrap();
    more.push(json!({"type": "carousel", "cards": []}));
    more.push(json!({"type": "limited_time_offer", "parameters": []}));
    let codes: Vec<&str> = found(SALE, &message).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, ["no_offer", "no_carousel"]);
}

#[test]
fn named_variables_are_given_by_name_or_in_the_order_of_the_text() {
    let named = SALE
        .replace("{{1}}, {{2}} off", "{{name}}, {{off}} off, {{name}}")
        .replace("[Ana, \"25%\"]", "{name: Ana, off: 25%}");
    let codes = |message: &Value| found(&named, message).into_iter().map(|(code, ..)| code).collect::<Vec<_>>();
    // By position, as INCS documents it.
    assert_eq!(codes(&fits()), [""; 0]);
    let mut message = fits();
    // `name` appears twice: the text is short enough only with each value in its place.
    message["template"]["components"][1]["parameters"][1]["text"] = "x".repeat(900).into();
    assert_eq!(codes(&message), [""; 0]);
    message["template"]["components"][1]["parameters"][0]["text"] = "x".repeat(900).into();
    assert_eq!(codes(&message), ["too_long"]);

    let mut message = fits();
    let parameters = &mut message["template"]["components"][1]["parameters"];
    (parameters[0]["parameter_name"], parameters[1]["parameter_name"]) = ("off".into(), "name".into());
    assert_eq!(codes(&message), [""; 0]);
    message["template"]["components"][1]["parameters"][0]["parameter_name"] = "of".into();
    assert_eq!(codes(&message), ["parameter_name"]);
}

#[test]
fn the_name_of_an_address_s_variable_has_to_be_the_template_s() {
    let named = SALE.replace("example.com/{{1}}", "example.com/{{shop}}");
    let mut message = fits();
    assert_eq!(found(&named, &message), []);
    message["template"]["components"][2]["parameters"][0]["parameter_name"] = "shop".into();
    assert_eq!(found(&named, &message), []);
    let place = "template.components[2].parameters[0].parameter_name".to_owned();
    assert_eq!(found(SALE, &message), [("parameter_name", place, 11)]);
}

#[test]
fn cards_are_held_one_by_one() {
    let card = "{components: [{type: HEADER, format: IMAGE, url: \"https://example.com/a.png\"}, \
                {type: BODY, text: \"{{1}} each.\", example: [a]}]}";
    let template = format!(
        "{{name: c, language: en, category: MARKETING, components: [{{type: BODY, text: Hi}}, {{type: CAROUSEL, cards: [{card}, {card}]}}]}}"
    );
    let filled = |index: u32, text: &str| {
        json!({"card_index": index, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/a.png"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": text}]}]})
    };
    let message =
        |cards: Value| json!({"template": {"name": "c", "components": [{"type": "carousel", "cards": cards}]}});
    assert_eq!(found(&template, &message(json!([filled(0, "a"), filled(1, "b")]))), []);
    let long = found(&template, &message(json!([filled(0, "a"), filled(1, &"b".repeat(160))])));
    assert_eq!(long, [("too_long", "template.components[0].cards[1].components[1].parameters".to_owned(), 1)]);
    let few = found(&template, &message(json!([filled(0, "a")])));
    assert_eq!(few, [("card_count", "template.components[0].cards".to_owned(), 1)]);
    assert_eq!(found(&template, &json!({"template": {"name": "c"}}))[0].0, "card_count");
}
