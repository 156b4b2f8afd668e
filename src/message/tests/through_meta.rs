//! Bodies as Meta's Cloud API takes them: every kind of the tables passes, and each limit is checked.

use serde_json::{Value, json};

use super::super::schema;
use crate::message::{SESSION_ONLY, check};
use crate::model::{Channel, Finding, ProviderApi, Severity};

const META: ProviderApi = ProviderApi::Meta;

/// Bodies of every kind, in the shapes that Meta documents.
fn bodies() -> Vec<Value> {
    serde_json::from_str(include_str!("through_meta.json")).unwrap()
}

/// Returns the findings of a body to a number, except that it needs an open session.
fn findings(content: &Value) -> Vec<Finding> {
    let mut body = json!({"to": "+85268411234", "messaging_product": "whatsapp", "recipient_type": "individual"});
    body.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    let mut found = check(META, Channel::Whatsapp, &body);
    found.retain(|finding| finding.code != SESSION_ONLY);
    found
}

#[test]
fn every_kind_passes_without_a_warning() {
    for body in bodies() {
        assert_eq!(findings(&body), [], "{body}");
    }
}

/// Collects the kinds of an object of the tables, and of everything below it.
fn kinds(shape: &schema::types::Shape, path: &str, found: &mut Vec<String>) {
    use schema::types::Shape;
    let object = match shape {
        Shape::Object(object) => object,
        Shape::List(list) => return kinds(&list.of, path, found),
        _ => return,
    };
    below(object, path, found);
}

fn below(object: &schema::types::Object, path: &str, found: &mut Vec<String>) {
    for field in object.fields {
        kinds(&field.shape, &format!("{path}/{}", field.key), found);
    }
    for kind in object.kinds.iter().flat_map(|kinds| kinds.list) {
        let place = format!("{path}:{}", kind.name);
        found.push(place.clone());
        below(&kind.adds, &place, found);
    }
}

/// Collects the kinds that a body has, in the same words.
fn used(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| used(item, path, found)),
        Value::Object(map) => {
            let mut place = path.to_owned();
            for tag in ["type", "sub_type"] {
                if let Some(kind) = map.get(tag).and_then(Value::as_str) {
                    place.push_str(&format!(":{}", kind.to_lowercase()));
                    found.push(place.clone());
                }
            }
            map.iter().for_each(|(key, value)| used(value, &format!("{place}/{key}"), found));
        }
        _ => {}
    }
}

#[test]
fn every_kind_of_the_tables_has_a_body() {
    let mut all = Vec::new();
    below(&schema::sheet(META, Channel::Whatsapp).body, "", &mut all);
    let mut shown = Vec::new();
    bodies().iter().for_each(|body| used(body, "", &mut shown));
    // The bodies and buttons of cards are those of the template.
    let of_cards = ["/cards/components:body/", "/cards/components:button:"];
    let is_missing = |kind: &&String| !shown.contains(kind) && !of_cards.iter().any(|part| kind.contains(part));
    let missing: Vec<&String> = all.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(all.len() > 60, "{}", all.len());
}

fn body(index: &str) -> Value {
    let is = |body: &&Value| {
        let kind = body["type"].as_str().unwrap();
        index == kind || body["interactive"]["type"] == index || body["template"]["name"] == index
    };
    bodies().iter().find(is).cloned().unwrap_or_else(|| panic!("{index}"))
}

/// Sets or removes (`null`) the value at a JSON pointer.
fn set(body: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match (parent, value) {
        (Value::Object(map), Value::Null) => {
            map.shift_remove(key);
        }
        (Value::Object(map), value) => {
            map.insert(key.to_owned(), value);
        }
        (Value::Array(items), value) => items[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
}

fn long(chars: usize) -> Value {
    "x".repeat(chars).into()
}

#[test]
fn each_limit_is_checked_at_its_place() {
    let rows = |count: usize| {
        let rows: Vec<Value> = (0..count).map(|n| json!({"id": n.to_string(), "title": "t"})).collect();
        json!([{"rows": rows}])
    };
    let products = |count: usize| {
        let items: Vec<Value> = (0..count).map(|n| json!({"product_retailer_id": n.to_string()})).collect();
        json!([{"title": "t", "product_items": items}])
    };
    let section = json!({"rows": [{"id": "1", "title": "t"}]});
    let parameters = "/template/components/1/parameters";
    let cases = [
        ("text", "/text/body", long(4096), long(4097), "too_long"),
        ("text", "/text/preview_url", json!(true), json!("true"), "wrong_type"),
        ("text", "/text", json!({"body": "a"}), json!("a"), "wrong_type"),
        ("image", "/image/caption", long(1024), long(1025), "too_long"),
        (
            "image",
            "/image/link",
            json!("https://example.com/a.jpg"),
            json!("https://example.com/a.webp"),
            "wrong_extension",
        ),
        ("image", "/image/id", Value::Null, json!("1"), "one_of"),
        (
            "sticker",
            "/sticker/link",
            json!("https://example.com/a.webp"),
            json!("https://example.com/a.png"),
            "wrong_extension",
        ),
        ("location", "/location/latitude", json!("-90"), json!(90.5), "out_of_range"),
        ("contacts", "/contacts/0/name/formatted_name", json!("A"), Value::Null, "missing_field"),
        ("contacts", "/contacts/0/phones/0/wa_id", json!("85268411234"), json!("+852"), "bad_number"),
        ("reaction", "/reaction/message_id", json!("wamid.A"), json!(" "), "empty_text"),
        ("list", "/interactive/action/sections", rows(10), rows(11), "too_many"),
        (
            "list",
            "/interactive/action/sections",
            json!([section]),
            json!([section, {"title": "b", "rows": [
            {"id": "2", "title": "t"}]}]),
            "missing_field",
        ),
        ("list", "/interactive/body/text", long(4096), long(4097), "too_long"),
        ("button", "/interactive/body/text", long(1024), long(1025), "too_long"),
        ("button", "/interactive/action/buttons/0/reply/title", long(20), long(21), "too_long"),
        ("button", "/interactive/footer", json!({"text": "a"}), json!({"text": "x".repeat(61)}), "too_long"),
        ("flow", "/interactive/action/parameters/flow_name", Value::Null, json!("n"), "one_of"),
        ("flow", "/interactive/action/parameters/mode", json!("draft"), json!("test"), "wrong_word"),
        ("flow", "/interactive/action/name", json!("flow"), json!("flows"), "wrong_word"),
        ("product", "/interactive/header", Value::Null, json!({"type": "text", "text": "a"}), "not_allowed"),
        ("product_list", "/interactive/header", json!({"type": "text", "text": "a"}), Value::Null, "missing_field"),
        ("product_list", "/interactive/action/sections", products(30), products(31), "too_many"),
        ("voice_call", "/interactive/action/parameters/ttl_minutes", json!(43_200), json!(43_201), "out_of_range"),
        ("order_status", "/interactive/action/parameters/order/status", json!("shipped"), json!("sent"), "wrong_word"),
        ("all_parts", "/template/language", json!({"code": "en"}), Value::Null, "missing_field"),
        ("all_parts", "/template/language/policy", json!("deterministic"), json!("fallback"), "wrong_word"),
        ("all_parts", "/template/code", Value::Null, json!("1234"), "not_allowed"),
        ("all_parts", "/template/name", long(512), long(513), "too_long"),
        (
            "all_parts",
            parameters,
            json!([{"type": "text", "text": "a"}]),
            json!([{"type": "text", "text": "a\nb"}]),
            "bad_parameter",
        ),
        (
            "all_parts",
            parameters,
            json!([{"type": "text", "text": "x".repeat(1024)}]),
            json!([{"type": "text", "text": "x".repeat(1025)}]),
            "too_long",
        ),
    ];
    for (name, pointer, good, bad, code) in cases {
        let mut body = body(name);
        set(&mut body, pointer, good);
        assert_eq!(findings(&body), [], "{name} {pointer}");
        set(&mut body, pointer, bad);
        let found = findings(&body);
        let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert_eq!(errors.len(), 1, "{name} {pointer}: {found:?}");
        assert_eq!(errors[0].code, code, "{name} {pointer}: {found:?}");
    }
}

#[test]
fn what_may_be_wrong_is_a_warning() {
    let coupon = |code: &str| {
        json!({"type": "template", "template": {"name": "a", "language": {"code": "en"}, "components": [{"type": "button",
            "sub_type": "copy_code", "index": 0, "parameters": [{"type": "coupon_code", "coupon_code": code}]}]}})
    };
    let mut reaction = body("reaction");
    set(&mut reaction, "/reaction/message_id", json!("85268411234"));
    let mut answer = body("text");
    set(&mut answer, "/context", json!({"message_id": "gBGGSFcCNEOPAgkO"}));
    let mut untyped = body("list");
    set(&mut untyped, "/type", Value::Null);
    let mut text = body("text");
    set(&mut text, "/type", Value::Null);
    assert_eq!(findings(&text), [], "Meta takes it for a text");
    for (body, code) in [
        (coupon("ABCDEFGHIJ123456"), "too_long"),
        (reaction, "message_id"),
        (answer, "message_id"),
        (untyped, "no_kind"),
    ] {
        let found = findings(&body);
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert_eq!((found[0].severity, found[0].code), (Severity::Warning, code), "{body}");
    }
    let found = findings(&coupon("ABCDEFGHIJ12345678901"));
    assert!(found.iter().any(Finding::is_error), "{found:?}");
}

#[test]
fn a_number_has_its_plus() {
    for (to, code) in [("+85268411234", None), ("85268411234", Some("bad_number")), ("+852 6841", Some("bad_number"))] {
        let mut body = body("text");
        set(&mut body, "/to", json!(to));
        let found = findings(&body);
        assert_eq!(found.first().map(|finding| finding.code), code);
        assert!(!format!("{found:?}").contains("6841"), "the number is personal");
    }
}
