//! Each rule: the documents' samples are accepted, and a body that breaks one rule is refused.

use serde_json::{Value, json};

use super::*;
use crate::model::Channel;

const WHATSAPP: Channel = Channel::Whatsapp;
const VIBER: Channel = Channel::Viber;
const RCS: Channel = Channel::Rcs;

fn check(channel: Channel, body: &Value) -> Result<(), (u16, String)> {
    validate(channel, body.to_string().as_bytes()).map_err(|refusal| (refusal.code, refusal.message.into_owned()))
}

/// The sample request bodies of the documents.
fn documented() -> Vec<(Channel, Value)> {
    let bodies: Vec<Value> = serde_json::from_str(include_str!("../../../message/tests/documented.json")).unwrap();
    let channel = |body: &Value| Channel::from_name(body["channel"].as_str().unwrap()).unwrap();
    bodies.into_iter().map(|body| (channel(&body), body["body"].clone())).collect()
}

#[test]
fn the_samples_of_the_documents_are_accepted() {
    let bodies = documented();
    assert!(bodies.len() >= 26, "{}", bodies.len());
    for (channel, body) in bodies {
        assert_eq!(check(channel, &body), Ok(()), "{body}");
    }
}

#[test]
fn wrong_request_parameters_are_422() {
    for body in [
        "",
        "[]",
        "\"text\"",
        r#"{"to":"85268411234","type":"text","text":"Hello"} // comment"#,
        r#"{"type":"text","text":"Hello"}"#,
        r#"{"to":85268411234,"type":"text","text":"Hello"}"#,
        r#"{"to":"","type":"text","text":"Hello"}"#,
        r#"{"to":"+85268411234","type":"text","text":"Hello"}"#,
        r#"{"to":"852 6841 1234","type":"text","text":"Hello"}"#,
        r#"{"to":"85268411234","text":"Hello"}"#,
        r#"{"to":"85268411234","type":1,"text":"Hello"}"#,
        r#"{"to":"85268411234","type":"sticker","sticker":{}}"#,
        r#"{"to":"85268411234","type":"otp","otp":{"code":"1"}}"#,
        r#"{"to":"85268411234","type":"text"}"#,
        r#"{"to":"85268411234","type":"text","text":{"body":"Hello"}}"#,
        r#"{"to":"85268411234","type":"image","image":"https://example.com/a.png"}"#,
        r#"{"to":"85268411234","type":"template","template":null}"#,
    ] {
        assert_eq!(validate(WHATSAPP, body.as_bytes()).map_err(|refusal| refusal.code), Err(422), "{body}");
    }
    let audio = json!({"to": "85268411234", "type": "audio", "audio": {"link": "https://www.example.com/a.mp3"}});
    let interactive = json!({"to": "85268411234", "type": "interactive", "interactive": {}});
    assert_eq!(check(VIBER, &audio).map_err(|(code, _)| code), Err(422));
    assert_eq!(check(RCS, &interactive).map_err(|(code, _)| code), Err(422));
}

/// A valid body with every part that its type can have, for tests to change.
fn base(name: &str) -> (Channel, Value) {
    let file = |name: &str| json!({"link": format!("https://www.example.com/{name}")});
    let plain = |channel, kind: &str, content| (channel, json!({"to": "85268411234", "type": kind, kind: content}));
    let template = |components: Value| plain(WHATSAPP, "template", json!({"name": "offer", "components": components}));
    let interactive = |content| plain(WHATSAPP, "interactive", content);
    let image = json!({"type": "image", "image": file("a.png")});
    match name {
        "cta_url" => interactive(json!({
            "type": "cta_url", "header": {"type": "text", "text": "Hi"}, "body": {"text": "Hi"},
            "footer": {"text": "Bye"},
            "action": {"name": "cta_url", "parameters": {"display_text": "See", "url": "https://www.example.com"}},
        })),
        "list" => interactive(json!({
            "type": "list", "header": {"type": "text", "text": "Hi"}, "body": {"text": "Hi"}, "footer": {"text": "Bye"},
            "action": {"button": "Choose", "sections": [
                {"title": "A", "rows": [{"id": "1", "title": "One", "description": "First"}, {"id": "2", "title": "Two"}]},
                {"title": "B", "rows": [{"id": "3", "title": "Three"}]},
            ]},
        })),
        "carousel" | "links" => {
            let card = |index| {
                json!({"card_index": index, "type": "cta_url", "header": image, "body": {"text": "Hi"},
                    "action": if name == "links" {
                        json!({"name": "cta_url", "parameters": {"display_text": "See", "url": "https://www.example.com"}})
                    } else {
                        json!({"buttons": [{"type": "quick_reply", "quick_reply": {"id": "1", "title": "One"}}]})
                    },
                })
            };
            interactive(json!({"type": "carousel", "body": {"text": "Hi"}, "action": {"cards": [card(0), card(1)]}}))
        }
        "button" => interactive(json!({
            "type": "button", "header": image, "body": {"text": "Hi"}, "footer": {"text": "Bye"},
            "action": {"buttons": [
                {"type": "reply", "reply": {"id": "1", "title": "One"}},
                {"type": "reply", "reply": {"id": "2", "title": "Two"}},
            ]},
        })),
        "template" => template(json!([
            {"type": "header", "parameters": [{"type": "text", "text": "Hi"}]},
            {"type": "body", "parameters": [
                {"type": "text", "text": "a"},
                {"type": "currency", "currency": {"fallback_value": "€5", "code": "EUR", "amount_1000": 5000}},
                {"type": "date_time", "date_time": {"fallback_value": "today"}},
            ]},
            {"type": "button", "sub_type": "COPY_CODE", "index": "0",
             "parameters": [{"type": "coupon_code", "coupon_code": "25OFF"}]},
            {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "x"}]},
            {"type": "button", "sub_type": "quick_reply", "index": 2,
             "parameters": [{"type": "payload", "payload": "x"}]},
            {"type": "button", "sub_type": "flow", "index": 3,
             "parameters": [{"type": "action", "action": {"flow_token": "x"}}]},
        ])),
        "offer" => template(json!([{"type": "limited_time_offer", "parameters": [
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_774_249_921_000_u64}}]}])),
        "products" => template(json!([{"type": "button", "sub_type": "mpm", "index": 0, "parameters": [
            {"type": "action", "action": {"sections": [{"product_items": [{"product_retailer_id": "1"}]}]}}]}])),
        "place" => template(json!([{"type": "header", "parameters": [
            {"type": "location", "location": {"latitude": 22.3, "longitude": "114.2"}}]}])),
        "named" => template(json!([{"type": "body", "parameters": [
            {"type": "text", "text": "a", "parameter_name": "one"},
            {"type": "text", "text": "b", "parameter_name": "two"}]}])),
        "cards" => {
            let card = |index| {
                json!({"card_index": index, "components": [
                    {"type": "header", "parameters": [image]},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "x"}]}]})
            };
            template(json!([{"type": "carousel", "cards": [card(0), card(1)]}]))
        }
        "code" => plain(WHATSAPP, "template", json!({"name": "authentication", "code": "123456"})),
        "text" => plain(WHATSAPP, "text", json!("Hello")),
        "image" => plain(WHATSAPP, "image", file("a.JPG?size=1")),
        "audio" => plain(WHATSAPP, "audio", file("a.ogg")),
        "otp" => plain(VIBER, "otp", json!({"code": "123456", "language": "en", "code_expiration_minutes": 3})),
        "viber text" => plain(VIBER, "text", json!("Hello")),
        "viber video" => plain(VIBER, "video", file("a.mp4")),
        "viber document" => plain(VIBER, "document", file("a.csv")),
        "rcs template" => plain(RCS, "template", json!({"name": "n", "parameters": {"who": "Ana"}})),
        "rcs image" => plain(RCS, "image", file("a.webp")),
        "rcs document" => plain(RCS, "document", file("a.pdf")),
        other => unreachable!("{other}"),
    }
}

/// Sets the value at a JSON pointer, where `-` appends to a list. Null removes it.
fn set(body: &mut Value, pointer: &str, new: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(map) if new.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), new)),
        Value::Array(items) if new.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) if key == "-" => items.push(new),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = new,
        other => unreachable!("{other}"),
    }
}

/// A text of so many characters of two bytes each.
fn long(characters: usize) -> Value {
    Value::from("é".repeat(characters))
}

/// A list of so many items, each made from its index.
fn many(count: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..count).map(item).collect()
}

#[test]
fn values_at_a_limit_and_undocumented_fields_are_accepted() {
    let row = |index: usize| json!({"id": format!("r{index}"), "title": "One"});
    for (name, pointer, new) in [
        ("cta_url", "/interactive/header/text", long(60)),
        ("cta_url", "/interactive/body/text", long(1024)),
        ("cta_url", "/interactive/footer/text", long(60)),
        ("cta_url", "/interactive/action/parameters/display_text", long(20)),
        ("cta_url", "/interactive/header", json!({"type": "document", "document": {"link": "http://example.com/a"}})),
        ("list", "/interactive/body/text", long(4096)),
        ("list", "/interactive/action/button", long(20)),
        ("list", "/interactive/action/sections/0/title", long(24)),
        ("list", "/interactive/action/sections/0/rows/0/id", long(200)),
        ("list", "/interactive/action/sections/0/rows/0/description", long(72)),
        ("list", "/interactive/action/sections/0/rows/0/description", json!("")),
        ("list", "/interactive/action/sections/0/rows", many(9, row)),
        ("list", "/interactive/action/sections", many(10, |index| json!({"title": "A", "rows": [row(index)]}))),
        ("links", "/interactive/action/cards/0/body/text", json!("a\n\nb")),
        ("carousel", "/interactive/action/cards/0/body", Value::Null),
        ("carousel", "/interactive/action/cards/0/action/buttons/0/quick_reply/id", long(256)),
        ("button", "/interactive/header", json!({"type": "text", "text": "a".repeat(61)})),
        ("button", "/interactive/header/image", json!({"id": "2762702990552401"})),
        ("button", "/interactive/action/buttons/0/reply/id", long(256)),
        ("template", "/template/language", json!({"code": "en"})),
        ("template", "/template/components/0/parameters", json!([])),
        ("template", "/template/components/1/parameters/0/text", long(1024)),
        ("template", "/template/components/1/parameters/0/text", json!("four    spaces")),
        ("template", "/template/components/2/index", json!("9")),
        ("template", "/template/components/4/parameters/0/payload", long(1000)),
        ("template", "/template/components/3/sub_type", json!("VOICE_CALL")),
        ("offer", "/template/components/0/type", json!("LIMITED_TIME_OFFER")),
        ("products", "/template/components/0/parameters/0/action/sections/0/title", json!("A")),
        ("place", "/template/components/0/parameters/0/location/latitude", json!("-90")),
        ("named", "/template/code", json!("1")),
        ("cards", "/template/components/0/cards/0/card_index", json!(0)),
        ("code", "/template/code", long(15)),
        ("text", "/text", long(50_000)),
        ("image", "/image/caption", long(50_000)),
        ("image", "/image/link", json!("https://www.example.com")),
        ("image", "/image/link", json!("HTTPS://www.example.com/picture.php?as=.gif")),
        ("audio", "/audio/link", json!("https://www.example.com/a.m4a")),
        ("otp", "/otp/language", json!("xx")),
        ("viber text", "/text", long(1000)),
        ("viber video", "/video/duration", json!(601)),
        ("viber document", "/document/link", json!("https://www.example.com/a.docx")),
        ("rcs template", "/template/parameters", json!({})),
        ("rcs image", "/image/link", json!("https://www.example.com/a.exe")),
        ("rcs document", "/to", json!("1")),
    ] {
        let (channel, mut body) = base(name);
        assert_eq!(check(channel, &body), Ok(()), "{name}");
        set(&mut body, pointer, new);
        assert_eq!(check(channel, &body), Ok(()), "{name} {pointer}");
    }
}

/// Lists Meta's error code (0 outside WhatsApp) and the start of the message, without the title on WhatsApp.
#[test]
#[rustfmt::skip]
fn a_body_that_breaks_one_rule_is_refused_with_the_code_and_field() {
    let row = |index: usize| json!({"id": format!("r{index}"), "title": "One"});
    let reply = |index: usize| json!({"type": "reply", "reply": {"id": index.to_string(), "title": index.to_string()}});
    let text = json!({"type": "text", "text": "x"});
    let button = json!({"type": "button", "sub_type": "url", "index": "3", "parameters": [text]});
    let card = base("links").1["interactive"]["action"]["cards"][0].clone();
    for (name, pointer, new, number, what) in [
        ("cta_url", "/interactive/type", json!("flow"), 131_009, "interactive.type must be one of cta_url, list, carousel, button"),
        ("cta_url", "/interactive/type", Value::Null, 131_008, "interactive.type"),
        ("cta_url", "/interactive/header", json!("Hi"), 131_009, "interactive.header must be an object"),
        ("cta_url", "/interactive/header/type", json!("location"), 131_009, "interactive.header.type must be one of text"),
        ("cta_url", "/interactive/header/text", long(61), 131_009, "interactive.header.text must not have more than 60"),
        ("cta_url", "/interactive/header", json!({"type": "image", "image": {"id": "1"}}), 131_008, "interactive.header.image.link"),
        ("cta_url", "/interactive/body", Value::Null, 131_008, "interactive.body"),
        ("cta_url", "/interactive/body/text", long(1025), 131_009, "interactive.body.text must not have more than 1024"),
        ("cta_url", "/interactive/footer", json!({}), 131_008, "interactive.footer.text"),
        ("cta_url", "/interactive/footer/text", long(61), 131_009, "interactive.footer.text must not have more than 60"),
        ("cta_url", "/interactive/action", Value::Null, 131_008, "interactive.action"),
        ("cta_url", "/interactive/action/name", json!("url"), 131_009, "interactive.action.name must be one of cta_url"),
        ("cta_url", "/interactive/action/parameters/display_text", long(21), 131_009, "interactive.action.parameters.display_text must not"),
        ("cta_url", "/interactive/action/parameters/url", json!("www.example.com"), 131_009, "interactive.action.parameters.url must be a web"),
        ("cta_url", "/interactive/action/parameters/url", json!("https://a b.com"), 131_009, "interactive.action.parameters.url must be a web"),
        ("list", "/interactive/header/type", json!("image"), 131_009, "interactive.header.type must be one of text"),
        ("list", "/interactive/body/text", long(4097), 131_009, "interactive.body.text must not have more than 4096"),
        ("list", "/interactive/action/button", long(21), 131_009, "interactive.action.button must not have more than 20"),
        ("list", "/interactive/action/sections", json!([]), 131_009, "interactive.action.sections must have at least 1"),
        ("list", "/interactive/action/sections", many(11, |index| json!({"title": "A", "rows": [row(index)]})), 131_009, "interactive.action.sections must have at most 10"),
        ("list", "/interactive/action/sections/1/title", Value::Null, 131_008, "interactive.action.sections[1].title"),
        ("list", "/interactive/action/sections/1/title", long(25), 131_009, "interactive.action.sections[1].title must not have more than 24"),
        ("list", "/interactive/action/sections/0/rows", many(10, row), 131_009, "interactive.action.sections must not have more than 10 rows in total"),
        ("list", "/interactive/action/sections/1/rows", json!([]), 131_009, "interactive.action.sections[1].rows must have at least 1"),
        ("list", "/interactive/action/sections/1/rows/0/id", json!("1"), 131_009, "interactive.action.sections[1].rows[0].id must differ"),
        ("list", "/interactive/action/sections/0/rows/1/id", long(201), 131_009, "interactive.action.sections[0].rows[1].id must not have more than 200"),
        ("list", "/interactive/action/sections/0/rows/1/title", long(25), 131_009, "interactive.action.sections[0].rows[1].title must not"),
        ("list", "/interactive/action/sections/0/rows/0/description", long(73), 131_009, "interactive.action.sections[0].rows[0].description must not"),
        ("links", "/interactive/header", json!({"type": "text", "text": "Hi"}), 131_009, "interactive.header must be absent"),
        ("links", "/interactive/footer", json!({"text": "Bye"}), 131_009, "interactive.footer must be absent"),
        ("links", "/interactive/action/buttons", json!([]), 131_009, "interactive.action.buttons must be absent"),
        ("links", "/interactive/action/cards/1", Value::Null, 131_009, "interactive.action.cards must have at least 2"),
        ("links", "/interactive/action/cards", Value::from(vec![card; 11]), 131_009, "interactive.action.cards must have at most 10"),
        ("links", "/interactive/action/cards/0/card_index", json!("0"), 131_009, "interactive.action.cards[0].card_index must be a number"),
        ("links", "/interactive/action/cards/1/card_index", json!(2), 131_009, "interactive.action.cards[1].card_index must be a whole number from 0 to 1"),
        ("links", "/interactive/action/cards/1/card_index", json!(0), 131_009, "interactive.action.cards[1].card_index must differ"),
        ("links", "/interactive/action/cards/0/type", Value::Null, 131_008, "interactive.action.cards[0].type"),
        ("links", "/interactive/action/cards/0/header", Value::Null, 131_008, "interactive.action.cards[0].header"),
        ("links", "/interactive/action/cards/0/header/type", json!("document"), 131_009, "interactive.action.cards[0].header.type must be one of image, video"),
        ("links", "/interactive/action/cards/0/body/text", long(161), 131_009, "interactive.action.cards[0].body.text must not have more than 160"),
        ("links", "/interactive/action/cards/0/body/text", json!("a\nb\nc\nd"), 131_009, "interactive.action.cards[0].body.text must not have more than 2 line"),
        ("links", "/interactive/action/cards/0/action/buttons", json!([]), 131_009, "interactive.action.cards[0].action must have a link or quick replies"),
        ("links", "/interactive/action/cards/1/action", json!({"buttons": [{"type": "quick_reply", "quick_reply": {"id": "1", "title": "One"}}]}), 131_009, "interactive.action.cards[1].action must have the same"),
        ("carousel", "/interactive/action/cards/0/action/buttons/0/quick_reply/id", long(257), 131_009, "interactive.action.cards[0].action.buttons[0].quick_reply.id must not"),
        ("carousel", "/interactive/action/cards/0/action/buttons/0/quick_reply/title", long(21), 131_009, "interactive.action.cards[0].action.buttons[0].quick_reply.title must not"),
        ("carousel", "/interactive/action/cards/1/action/buttons/-", json!({"type": "quick_reply", "quick_reply": {"id": "2", "title": "Two"}}), 131_009, "interactive.action.cards[1].action must have the same"),
        ("button", "/interactive/header/image", json!({"id": "1", "link": "https://www.example.com/a.png"}), 131_009, "interactive.header.image must have a link or an id"),
        ("button", "/interactive/header/image/link", json!("https://www.example.com/a.gif"), 131_053, "interactive.header.image.link must be a file of type jpeg, png"),
        ("button", "/interactive/action/buttons", many(4, reply), 131_009, "interactive.action.buttons must have at most 3"),
        ("button", "/interactive/action/buttons/0/type", json!("url"), 131_009, "interactive.action.buttons[0].type must be one of reply"),
        ("button", "/interactive/action/buttons/1/reply/id", json!("1"), 131_009, "interactive.action.buttons[1].reply.id must differ"),
        ("button", "/interactive/action/buttons/1/reply/title", json!("One"), 131_009, "interactive.action.buttons[1].reply.title must differ"),
        ("button", "/interactive/action/buttons/1/reply/id", long(257), 131_009, "interactive.action.buttons[1].reply.id must not have more than 256"),
        ("template", "/template/name", json!(7), 132_012, "template.name must be a string"),
        ("template", "/template/name", json!(""), 131_008, "template.name"),
        ("template", "/template/name", json!("Spring Sale"), 132_001, "template.name must have at most 512 characters"),
        ("template", "/template/components", json!({}), 132_012, "template.components must be a list"),
        ("template", "/template/components/0/type", json!("footer"), 131_009, "template.components[0].type must be one of header"),
        ("template", "/template/components/0/type", json!("body"), 132_012, "template.components[1] must be the only one"),
        ("template", "/template/components/0/parameters/-", text.clone(), 132_000, "template.components[0].parameters must have at most 1"),
        ("template", "/template/components/0/parameters/0/text", long(61), 132_005, "template.components[0].parameters[0].text must not have more than 60"),
        ("template", "/template/components/0/parameters/0", json!({"type": "image"}), 131_008, "template.components[0].parameters[0].image"),
        ("template", "/template/components/1/parameters/0/text", json!(""), 131_008, "template.components[1].parameters[0].text"),
        ("template", "/template/components/1/parameters/0/text", json!(5), 132_012, "template.components[1].parameters[0].text must be a string"),
        ("template", "/template/components/1/parameters/0/text", long(1025), 132_005, "template.components[1].parameters must not have more than 1024"),
        ("template", "/template/components/1/parameters", json!(vec![json!({"type": "text", "text": "é".repeat(600)}); 2]), 132_005, "template.components[1].parameters must not"),
        ("template", "/template/components/1/parameters/0/text", json!("a\r\nb"), 132_018, "template.components[1].parameters[0].text must not have line"),
        ("template", "/template/components/1/parameters/0/text", json!("a     b"), 132_018, "template.components[1].parameters[0].text must not have line"),
        ("template", "/template/components/3/parameters/0/text", json!("a\tb"), 132_018, "template.components[3].parameters[0].text must not have line"),
        ("template", "/template/components/1/parameters/1/currency/code", Value::Null, 131_008, "template.components[1].parameters[1].currency.code"),
        ("template", "/template/components/1/parameters/1/currency/amount_1000", json!("5"), 132_012, "template.components[1].parameters[1].currency.amount_1000 must be a number"),
        ("template", "/template/components/1/parameters/1/currency/amount_1000", json!(0.5), 131_009, "template.components[1].parameters[1].currency.amount_1000 must be a whole"),
        ("template", "/template/components/1/parameters/2/date_time", json!({}), 131_008, "template.components[1].parameters[2].date_time.fallback_value"),
        ("template", "/template/components/1/parameters/0/parameter_name", json!("one"), 132_012, "template.components[1].parameters[0] must have a parameter_name"),
        ("template", "/template/components/2/sub_type", json!("phone"), 131_009, "template.components[2].sub_type must be one of"),
        ("template", "/template/components/2/index", Value::Null, 131_008, "template.components[2].index"),
        ("template", "/template/components/2/index", json!(10), 131_009, "template.components[2].index must be a whole number from 0 to 9"),
        ("template", "/template/components/2/index", json!("1"), 132_012, "template.components[3].index must differ"),
        ("template", "/template/components/2/parameters/0/coupon_code", json!("1234567890123456"), 132_005, "template.components[2].parameters[0].coupon_code must not have more than 15"),
        ("template", "/template/components/2/parameters/0/coupon_code", json!("25%"), 131_009, "template.components[2].parameters[0].coupon_code must have letters"),
        ("template", "/template/components/3/parameters", Value::Null, 131_008, "template.components[3].parameters"),
        ("template", "/template/components/4/parameters/0/type", json!("text"), 131_009, "template.components[4].parameters[0].type must be one of payload"),
        ("template", "/template/components/5/parameters/0/action", json!("x"), 132_012, "template.components[5].parameters[0].action must be an object"),
        ("offer", "/template/components/0/parameters/0/limited_time_offer/expiration_time_ms", json!(1_774_249_921), 131_009, "template.components[0].parameters[0].limited_time_offer.expiration_time_ms must"),
        ("products", "/template/components/0/parameters/0/action/sections/0/product_items", many(31, |_| json!({"product_retailer_id": "1"})), 132_000, "template.components[0].parameters[0].action.sections must not have more than 30"),
        ("products", "/template/components/0/parameters/0/action/sections", many(11, |_| json!({"product_items": [{"product_retailer_id": "1"}]})), 132_000, "template.components[0].parameters[0].action.sections must have at most 10"),
        ("place", "/template/components/0/parameters/0/location/latitude", json!(90.5), 131_009, "template.components[0].parameters[0].location.latitude must be from -90"),
        ("named", "/template/components/0/parameters/1/parameter_name", Value::Null, 132_012, "template.components[0].parameters[1] must have a parameter_name"),
        ("named", "/template/components/0/parameters/1/parameter_name", json!("one"), 132_000, "template.components[0].parameters[1].parameter_name must differ"),
        ("cards", "/template/components/0/cards/1/card_index", json!(7), 131_009, "template.components[0].cards[1].card_index must be a whole number from 0 to 1"),
        ("cards", "/template/components/0/cards/1/components/0", Value::Null, 132_012, "template.components[0].cards[1].components must be the same"),
        ("cards", "/template/components/0/cards/0/components/-", button, 131_009, "template.components[0].cards[0].components[2].index must be a whole number from 0 to 1"),
        ("code", "/template/code", json!("1234567890123456"), 132_005, "template.code must not have more than 15"),
        ("text", "/text", json!(""), 131_008, "text"),
        ("image", "/image/link", Value::Null, 131_008, "image.link"),
        ("image", "/image/link", json!("ftp://www.example.com/a.png"), 131_009, "image.link must be a web address"),
        ("image", "/image/link", json!("https://"), 131_009, "image.link must be a web address"),
        ("image", "/image/link", json!("https://www.example.com/a.gif?b=.png"), 131_053, "image.link must be a file of type jpeg, png or jpg"),
        ("audio", "/audio/link", json!("https://www.example.com/a.wav"), 131_053, "audio.link must be a file of type aac"),
        ("otp", "/otp/code", json!(123_456), 0, "Parameter value is not valid: otp.code must be a string"),
        ("otp", "/otp/language", Value::Null, 0, "Required parameter is missing: otp.language"),
        ("otp", "/otp/code_expiration_minutes", json!("3"), 0, "Parameter value is not valid: otp.code_expiration_minutes must be a number"),
        ("otp", "/otp/code_expiration_minutes", json!(0), 0, "Parameter value is not valid: otp.code_expiration_minutes must be greater than 0"),
        ("viber text", "/text", long(1001), 0, "Parameter value is not valid: text must not have more than 1000 characters"),
        ("viber video", "/video/link", json!("https://www.example.com/a.3gp"), 0, "Media upload error: video.link must be a file of type mp4"),
        ("viber document", "/document/link", json!("https://www.example.com/a.txt"), 0, "Media upload error: document.link must be a file of type doc"),
        ("rcs template", "/template/name", Value::Null, 0, "Required parameter is missing: template.name"),
        ("rcs template", "/template/parameters", json!([]), 0, "Template with the code [n] received with invalid custom params: template.parameters must be an object"),
        ("rcs template", "/template/parameters/who", json!(""), 0, "Template with the code [n] received with insufficient custom params: template.parameters.who"),
        ("rcs template", "/template/parameters/who", json!(1), 0, "Template with the code [n] received with invalid custom params: template.parameters.who must be a string"),
        ("rcs document", "/document/link", json!("https://www.example.com/a.doc"), 0, "Media upload error: document.link must be a file of type pdf"),
    ] {
        let (channel, mut body) = base(name);
        set(&mut body, pointer, new);
        let (code, message) = check(channel, &body).expect_err(&format!("{name} {pointer}"));
        let expected = match channel { Channel::Whatsapp => 10002, Channel::Viber => 10003, Channel::Rcs => 10004 };
        assert_eq!(code, expected, "{message}");
        let said = match number {
            0 => message.starts_with(what),
            _ => message.strip_prefix(&format!("(#{number}) ")).and_then(|rest| rest.split_once(": ")).is_some_and(|(_, is)| is.starts_with(what)),
        };
        assert!(said, "{name} {pointer}: {message}");
    }
}

#[test]
fn a_refusal_never_repeats_message_content() {
    for (name, pointer) in [
        ("list", "/interactive/action/sections/1/title"),
        ("template", "/template/components/2/parameters/0/coupon_code"),
        ("rcs document", "/document/link"),
    ] {
        let (channel, mut body) = base(name);
        set(&mut body, pointer, json!("not to be shown, not here ever"));
        assert!(!check(channel, &body).unwrap_err().1.contains("shown"), "{name}");
    }
}
