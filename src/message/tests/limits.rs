//! Bodies that are valid except for one thing: each is refused, at its place, with its rule.

use serde_json::{Value, json};

use super::check;
use crate::model::{Channel, Severity};

/// A body to break.
fn base(name: &str) -> (Channel, Value) {
    let image = json!({"type": "image", "image": {"link": "https://www.example.com/a.png"}});
    let template = |components: Value| {
        let template = json!({"name": "offer", "components": components});
        (Channel::Whatsapp, json!({"to": "85268411234", "type": "template", "template": template}))
    };
    let interactive = |kind: &str, header: Value, action: Value| {
        let mut content = json!({"type": kind, "body": {"text": "Hi"}, "action": action});
        if !header.is_null() {
            content["header"] = header;
            content["footer"] = json!({"text": "Bye"});
        }
        (Channel::Whatsapp, json!({"to": "85268411234", "type": "interactive", "interactive": content}))
    };
    let plain =
        |channel, kind: &str, content: Value| (channel, json!({"to": "85268411234", "type": kind, kind: content}));
    let link = |file: &str| json!({"link": format!("https://www.example.com/{file}")});
    match name {
        "template" => template(json!([
            {"type": "header", "parameters": [{"type": "text", "text": "Hi"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"type": "button", "sub_type": "COPY_CODE", "index": "0",
             "parameters": [{"type": "coupon_code", "coupon_code": "25OFF"}]},
            {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "x"}]},
        ])),
        "cards" => {
            let card = |index| {
                json!({"card_index": index, "components": [
                {"type": "header", "parameters": [image]},
                {"type": "button", "sub_type": "quick_reply", "index": 0,
                 "parameters": [{"type": "payload", "payload": "x"}]}]})
            };
            template(json!([{"type": "carousel", "cards": [card(0), card(1)]}]))
        }
        "offer" => template(json!([{"type": "limited_time_offer", "parameters": [
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_774_249_921_000_u64}}]}])),
        "products" => template(json!([{"type": "button", "sub_type": "mpm", "index": 0, "parameters": [
            {"type": "action", "action": {"sections": [{"product_items": [{"product_retailer_id": "1"}]}]}}]}])),
        "place" => template(json!([{"type": "header", "parameters": [
            {"type": "location", "location": {"latitude": 22.3, "longitude": "114.2"}}]}])),
        "cta_url" => interactive(
            "cta_url",
            json!({"type": "text", "text": "Hi"}),
            json!({"name": "cta_url", "parameters": {"display_text": "See", "url": "https://www.example.com"}}),
        ),
        "list" => {
            let row = |id: &str| json!({"id": id, "title": "One", "description": "First"});
            interactive(
                "list",
                json!({"type": "text", "text": "Hi"}),
                json!({"button": "Choose", "sections": [{"title": "A", "rows": [row("1"), row("2")]},
                    {"title": "B", "rows": [row("3")]}]}),
            )
        }
        "carousel" => {
            let card = |index| {
                json!({"card_index": index, "type": "cta_url", "header": image, "body": {"text": "Hi"},
                "action": {"buttons": [
                    {"type": "quick_reply", "quick_reply": {"id": "1", "title": "One"}},
                    {"type": "quick_reply", "quick_reply": {"id": "2", "title": "Two"}}]}})
            };
            interactive("carousel", Value::Null, json!({"cards": [card(0), card(1), card(2)]}))
        }
        "button" => interactive(
            "button",
            image,
            json!({"buttons": [{"type": "reply", "reply": {"id": "1", "title": "One"}},
                {"type": "reply", "reply": {"id": "2", "title": "Two"}}]}),
        ),
        "whatsapp text" => plain(Channel::Whatsapp, "text", json!("Hello")),
        "whatsapp image" => plain(Channel::Whatsapp, "image", link("a.png")),
        "whatsapp video" => plain(Channel::Whatsapp, "video", link("a.mp4")),
        "whatsapp audio" => plain(Channel::Whatsapp, "audio", link("a.ogg")),
        "whatsapp document" => plain(Channel::Whatsapp, "document", link("a.pdf")),
        "otp" => {
            plain(Channel::Viber, "otp", json!({"code": "123456", "language": "en", "code_expiration_minutes": 3}))
        }
        "viber text" => plain(Channel::Viber, "text", json!("Hello")),
        "viber image" => plain(Channel::Viber, "image", link("a.gif?size=2")),
        "viber video" => plain(Channel::Viber, "video", link("a.MP4")),
        "viber document" => plain(Channel::Viber, "document", link("a.csv")),
        "rcs template" => (
            Channel::Rcs,
            json!({"to": "85268411234", "type": "template", "template": {"name": "a", "parameters": {"who": "Ann"}}}),
        ),
        "rcs document" => plain(Channel::Rcs, "document", link("a.pdf")),
        other => unreachable!("{other}"),
    }
}

/// Sets the value at a JSON pointer; null removes it.
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

/// A text of this many characters, none of them a single byte.
fn long(chars: usize) -> Value {
    Value::from("é".repeat(chars))
}

#[test]
fn the_bodies_to_break_are_right_and_so_is_the_last_of_every_limit() {
    let none = [("template", "/to", json!("85268411234"))];
    let limits = [
        ("template", "/template/name", json!("a".repeat(512))),
        ("template", "/template/components/0/parameters/0/text", long(60)),
        ("template", "/template/components/1/parameters/0/text", long(1023)),
        ("template", "/template/components/1/parameters/0/text", json!("four    spaces")),
        ("template", "/template/components/2/parameters/0/coupon_code", json!("ABCDEFGHIJ12345")),
        ("template", "/template/components/2/index", json!("9")),
        ("cards", "/template/components/0/cards/0/components/1/parameters/0/payload", long(256)),
        ("offer", "/template/name", json!("offer_2")),
        ("products", "/template/name", json!("a")),
        ("place", "/template/components/0/parameters/0/location/latitude", json!("-90")),
        ("cta_url", "/interactive/header/text", long(60)),
        ("cta_url", "/interactive/body/text", long(1024)),
        ("cta_url", "/interactive/footer/text", long(60)),
        ("cta_url", "/interactive/action/parameters/display_text", long(20)),
        ("list", "/interactive/body/text", long(4096)),
        ("list", "/interactive/action/button", long(20)),
        ("list", "/interactive/action/sections/0/title", long(24)),
        ("list", "/interactive/action/sections/0/rows/0/id", long(200)),
        ("list", "/interactive/action/sections/0/rows/0/title", long(24)),
        ("list", "/interactive/action/sections/0/rows/0/description", long(72)),
        ("carousel", "/interactive/action/cards/0/body/text", long(160)),
        ("carousel", "/interactive/action/cards/0/body/text", json!("a\n\nb")),
        ("carousel", "/interactive/action/cards/0/body", Value::Null),
        ("button", "/interactive/action/buttons/0/reply/id", long(256)),
        ("button", "/interactive/action/buttons/0/reply/title", long(20)),
        ("button", "/interactive/header/image", json!({"id": "2762702990552401"})),
        ("viber text", "/text", long(1000)),
        ("viber image", "/image/link", json!("https://www.example.com/A.JPG#1")),
        ("otp", "/otp/code_expiration_minutes", json!(1)),
        ("rcs template", "/template/parameters", json!({})),
    ];
    for (name, pointer, value) in none.into_iter().chain(limits) {
        let (channel, mut body) = base(name);
        set(&mut body, pointer, value);
        let findings = check(channel, &body);
        assert!(findings.iter().all(|finding| finding.code == super::SESSION_ONLY), "{name} {pointer}: {findings:?}");
    }
}

#[test]
fn what_breaks_one_rule_is_refused_at_its_place() {
    let reply = |id: &str, title: &str| json!({"type": "reply", "reply": {"id": id, "title": title}});
    let button = |index: Value| {
        json!({"type": "button", "sub_type": "url", "index": index,
        "parameters": [{"type": "text", "text": "x"}]})
    };
    let rows = |count: usize| -> Value { (0..count).map(|n| json!({"id": format!("r{n}"), "title": "R"})).collect() };
    let link = json!({"name": "cta_url", "parameters": {"display_text": "Buy", "url": "https://www.example.com"}});
    let items: Value = (0..31).map(|n| json!({"product_retailer_id": n.to_string()})).collect();
    // The body, the changed place and value, and the expected code, path and words.
    #[rustfmt::skip]
    let cases = [
        // The envelope.
        ("template", "/to", json!("+85268411234"), "bad_number", "to", "digits only"),
        ("template", "/to", json!(85_268_411_234_u64), "wrong_type", "to", "text"),
        ("template", "/to", Value::Null, "missing_field", "to", "missing"),
        ("template", "/type", json!("tempalte"), "unknown_type", "type", "did you mean `template`?"),
        ("template", "/type", json!(1), "wrong_type", "type", "`interactive`"),
        ("template", "/type", Value::Null, "missing_field", "type", "one of `template`, `text`"),
        ("viber text", "/type", json!("template"), "unknown_type", "type", "`otp`, `text`, `image`"),
        ("rcs document", "/type", json!("audio"), "unknown_type", "type", "`audio`"),
        ("whatsapp text", "/text", Value::Null, "missing_field", "text", "must be text"),
        ("whatsapp text", "/text", json!({"body": "Hello"}), "wrong_type", "text", "without keys below it"),
        ("whatsapp text", "/text", json!(" \n"), "empty_text", "text", "no visible"),
        ("whatsapp image", "/image", json!("https://www.example.com/a.png"), "wrong_type", "image", "`link`"),
        ("whatsapp image", "/image/link", Value::Null, "missing_field", "image.link", "a link to an image"),
        // Templates.
        ("template", "/template", json!("offer"), "wrong_type", "template", "`name`"),
        ("template", "/template/name", Value::Null, "missing_field", "template.name", "missing"),
        ("template", "/template/name", json!("a".repeat(513)), "too_long", "template.name", "the limit is 512"),
        ("template", "/template/code", json!(123_456), "wrong_type", "template.code", "in quotes: \"123456\""),
        ("template", "/template/code", json!("1234567890123456"), "too_long", "template.code", "the limit is 15"),
        ("template", "/template/components", json!({}), "wrong_type", "template.components", "put `- `"),
        ("template", "/template/components/0/type", json!("hedaer"), "unknown_type", "template.components[0].type", "did you mean `header`?"),
        ("template", "/template/components/0/parameters/0/text", long(61), "too_long", "template.components[0].parameters[0].text", "61 characters; the limit is 60"),
        ("template", "/template/components/0/parameters/-", json!({"type": "text", "text": "x"}), "too_many", "template.components[0].parameters", "exactly 1"),
        ("template", "/template/components/0/parameters/0", json!({"type": "image", "image": {}}), "one_of", "template.components[0].parameters[0].image", "`link` or `id`"),
        ("template", "/template/components/1", json!({"type": "HEADER", "parameters": [{"type": "text", "text": "Hi"}]}), "not_unique", "template.components[1]", "second `HEADER`"),
        ("template", "/template/components/1/parameters", json!([]), "too_few", "template.components[1].parameters", "at least 1"),
        ("template", "/template/components/1/parameters/1/text", json!(""), "empty_text", "template.components[1].parameters[1].text", "empty"),
        ("template", "/template/components/1/parameters/1/text", json!("a\nb"), "bad_parameter", "template.components[1].parameters[1].text", "132018"),
        ("template", "/template/components/1/parameters/1/text", json!("a\tb"), "bad_parameter", "template.components[1].parameters[1].text", "a tab"),
        ("template", "/template/components/1/parameters/1/text", json!("a     b"), "bad_parameter", "template.components[1].parameters[1].text", "4 spaces"),
        ("template", "/template/components/1/parameters/1/text", long(1025), "too_long", "template.components[1].parameters[1].text", "the limit is 1024"),
        ("template", "/template/components/1/parameters/1/text", long(1024), "too_long", "template.components[1].parameters", "1025 characters"),
        ("template", "/template/components/1/parameters/1/parameter_name", json!("who"), "mixed_parameters", "template.components[1].parameters[1]", "`parameter_name`"),
        ("template", "/template/components/1/parameters", json!([{"type": "text", "text": "a", "parameter_name": "n"}, {"type": "text", "text": "b", "parameter_name": "n"}]), "not_unique", "template.components[1].parameters[1].parameter_name", "`n`"),
        ("template", "/template/components/1/parameters/0", json!({"type": "currency", "currency": {"fallback_value": "1", "code": "EUR", "amount_1000": "1000"}}), "wrong_type", "template.components[1].parameters[0].currency.amount_1000", "whole number"),
        ("template", "/template/components/2/sub_type", json!("coupon"), "unknown_type", "template.components[2].sub_type", "`copy_code`"),
        ("template", "/template/components/2/index", Value::Null, "missing_field", "template.components[2].index", "0 to 9"),
        ("template", "/template/components/2/index", json!("10"), "wrong_type", "template.components[2].index", "0 to 9"),
        ("template", "/template/components/2/index", json!(10), "out_of_range", "template.components[2].index", "0 to 9"),
        ("template", "/template/components/2/index", json!("1"), "not_unique", "template.components[3].index", "`1`"),
        ("template", "/template/components/3/parameters/0/text", json!("a\nb"), "bad_parameter", "template.components[3].parameters[0].text", "132018"),
        ("template", "/template/components/2/parameters/0/coupon_code", json!("25%-OFF"), "bad_characters", "template.components[2].parameters[0].coupon_code", "letters"),
        ("template", "/template/components/2/parameters/0/coupon_code", json!("ABCDEFGHIJ123456"), "too_long", "template.components[2].parameters[0].coupon_code", "the limit is 15"),
        ("template", "/template/components/-", button(json!(1)), "not_unique", "template.components[4].index", "`1`"),
        ("cards", "/template/components/0/cards/1/card_index", json!(2), "not_in_order", "template.components[0].cards[1].card_index", "from 0"),
        ("cards", "/template/components/0/cards/1/components/1/sub_type", json!("voice_call"), "cards_differ", "template.components[0].cards[1]", "kinds of buttons"),
        ("cards", "/template/components/0/cards/1/components/1/index", json!("1"), "cards_differ", "template.components[0].cards[1]", "same parts"),
        ("cards", "/template/components/0/cards/1/components/1/index", json!(2), "out_of_range", "template.components[0].cards[1].components[1].index", "0 to 1"),
        ("cards", "/template/components/0/cards/1/components/0/parameters/0", json!({"type": "text", "text": "x"}), "unknown_type", "template.components[0].cards[1].components[0].parameters[0].type", "`image`, `video`"),
        ("cards", "/template/components/0/cards", json!([]), "too_few", "template.components[0].cards", "1 to 10"),
        ("offer", "/template/components/0/parameters/0/limited_time_offer/expiration_time_ms", json!(1_774_249_921), "out_of_range", "template.components[0].parameters[0].limited_time_offer.expiration_time_ms", "of at least 1000000000000"),
        ("products", "/template/components/0/parameters/0/action/sections/0/product_items", items, "too_many", "template.components[0].parameters[0].action.sections", "at most 30"),
        ("place", "/template/components/0/parameters/0/location/latitude", json!(91), "out_of_range", "template.components[0].parameters[0].location.latitude", "-90 to 90"),
        // A button with a link.
        ("cta_url", "/interactive/type", json!("cta"), "unknown_type", "interactive.type", "`cta_url`, `list`, `carousel`, `button`"),
        ("cta_url", "/interactive/header/type", json!("audio"), "unknown_type", "interactive.header.type", "`document`"),
        ("cta_url", "/interactive/header/text", long(61), "too_long", "interactive.header.text", "the limit is 60"),
        ("cta_url", "/interactive/header", json!({"type": "image", "image": {"id": "1"}}), "missing_field", "interactive.header.image.link", "a link"),
        ("cta_url", "/interactive/body", Value::Null, "missing_field", "interactive.body", "missing"),
        ("cta_url", "/interactive/body/text", long(1025), "too_long", "interactive.body.text", "the limit is 1024"),
        ("cta_url", "/interactive/footer/text", long(61), "too_long", "interactive.footer.text", "the limit is 60"),
        ("cta_url", "/interactive/footer", json!({}), "missing_field", "interactive.footer.text", "must be text"),
        ("cta_url", "/interactive/action/name", json!("url"), "wrong_word", "interactive.action.name", "`cta_url`"),
        ("cta_url", "/interactive/action/parameters/display_text", long(21), "too_long", "interactive.action.parameters.display_text", "the limit is 20"),
        ("cta_url", "/interactive/action/parameters/url", json!("www.example.com"), "bad_link", "interactive.action.parameters.url", "https://"),
        // A list.
        ("list", "/interactive/header/type", json!("image"), "unknown_type", "interactive.header.type", "it must be `text`"),
        ("list", "/interactive/body/text", long(4097), "too_long", "interactive.body.text", "the limit is 4096"),
        ("list", "/interactive/footer/text", long(61), "too_long", "interactive.footer.text", "the limit is 60"),
        ("list", "/interactive/action/button", long(21), "too_long", "interactive.action.button", "the limit is 20"),
        ("list", "/interactive/action/sections", json!([]), "too_few", "interactive.action.sections", "1 to 10"),
        ("list", "/interactive/action/sections", (0..11).map(|n| json!({"title": "S", "rows": [{"id": n.to_string(), "title": "R"}]})).collect(), "too_many", "interactive.action.sections", "1 to 10"),
        ("list", "/interactive/action/sections/1/title", Value::Null, "missing_field", "interactive.action.sections[1].title", "missing"),
        ("list", "/interactive/action/sections/1/title", long(25), "too_long", "interactive.action.sections[1].title", "the limit is 24"),
        ("list", "/interactive/action/sections/1/rows", json!([]), "too_few", "interactive.action.sections[1].rows", "at least 1"),
        ("list", "/interactive/action/sections/1/rows", rows(9), "too_many", "interactive.action.sections", "at most 10 items across all `rows`"),
        ("list", "/interactive/action/sections/1/rows/0/id", json!("2"), "not_unique", "interactive.action.sections[1].rows[0].id", "twice"),
        ("list", "/interactive/action/sections/0/rows/0/id", long(201), "too_long", "interactive.action.sections[0].rows[0].id", "the limit is 200"),
        ("list", "/interactive/action/sections/0/rows/0/title", long(25), "too_long", "interactive.action.sections[0].rows[0].title", "the limit is 24"),
        ("list", "/interactive/action/sections/0/rows/0/description", long(73), "too_long", "interactive.action.sections[0].rows[0].description", "the limit is 72"),
        // Cards.
        ("carousel", "/interactive/header", json!({"type": "text", "text": "Hi"}), "not_allowed", "interactive.header", "not allowed"),
        ("carousel", "/interactive/footer", json!({"text": "Hi"}), "not_allowed", "interactive.footer", "not allowed"),
        ("carousel", "/interactive/body/text", long(1025), "too_long", "interactive.body.text", "the limit is 1024"),
        ("carousel", "/interactive/action/buttons", json!([]), "not_allowed", "interactive.action.buttons", "buttons are in the cards"),
        ("carousel", "/interactive/action/sections", json!([]), "not_allowed", "interactive.action.sections", "buttons are in the cards"),
        ("carousel", "/interactive/action/cards", json!([base("carousel").1["interactive"]["action"]["cards"][0]]), "too_few", "interactive.action.cards", "2 to 10"),
        ("carousel", "/interactive/action/cards/0", Value::Null, "not_in_order", "interactive.action.cards[0].card_index", "from 0"),
        ("carousel", "/interactive/action/cards/1/card_index", json!("1"), "wrong_type", "interactive.action.cards[1].card_index", "remove the quotes"),
        ("carousel", "/interactive/action/cards/1/type", json!("quick_reply"), "wrong_word", "interactive.action.cards[1].type", "`cta_url`"),
        ("carousel", "/interactive/action/cards/1/header", Value::Null, "missing_field", "interactive.action.cards[1].header", "missing"),
        ("carousel", "/interactive/action/cards/1/header/type", json!("text"), "unknown_type", "interactive.action.cards[1].header.type", "`image`, `video`"),
        ("carousel", "/interactive/action/cards/1/body/text", long(161), "too_long", "interactive.action.cards[1].body.text", "the limit is 160"),
        ("carousel", "/interactive/action/cards/1/body/text", json!("a\nb\nc\nd"), "too_many_lines", "interactive.action.cards[1].body.text", "the limit is 2"),
        ("carousel", "/interactive/action/cards/1/action", link, "cards_differ", "interactive.action.cards[1]", "kinds of buttons"),
        ("carousel", "/interactive/action/cards/2/action/buttons/1", Value::Null, "cards_differ", "interactive.action.cards[2]", "same number and kinds of buttons"),
        ("carousel", "/interactive/action/cards/2/action/name", json!("cta_url"), "one_of", "interactive.action.cards[2].action", "`name` with `parameters`, or `buttons`"),
        ("carousel", "/interactive/action/cards/0/action/buttons/0/quick_reply/id", long(257), "too_long", "interactive.action.cards[0].action.buttons[0].quick_reply.id", "the limit is 256"),
        ("carousel", "/interactive/action/cards/0/action/buttons/0/quick_reply/title", long(21), "too_long", "interactive.action.cards[0].action.buttons[0].quick_reply.title", "the limit is 20"),
        // Reply buttons.
        ("button", "/interactive/action/buttons", json!([reply("1", "1"), reply("2", "2"), reply("3", "3"), reply("4", "4")]), "too_many", "interactive.action.buttons", "1 to 3"),
        ("button", "/interactive/action/buttons", json!([]), "too_few", "interactive.action.buttons", "1 to 3"),
        ("button", "/interactive/action/buttons/1/reply/id", json!("1"), "not_unique", "interactive.action.buttons[1].reply.id", "twice"),
        ("button", "/interactive/action/buttons/1/reply/title", json!("One"), "not_unique", "interactive.action.buttons[1].reply.title", "twice"),
        ("button", "/interactive/action/buttons/1/reply/id", long(257), "too_long", "interactive.action.buttons[1].reply.id", "the limit is 256"),
        ("button", "/interactive/action/buttons/1/reply/title", long(21), "too_long", "interactive.action.buttons[1].reply.title", "the limit is 20"),
        ("button", "/interactive/action/buttons/1/type", json!("quick_reply"), "unknown_type", "interactive.action.buttons[1].type", "`reply`"),
        // Files.
        ("whatsapp image", "/image/link", json!("https://www.example.com/a.gif"), "wrong_extension", "image.link", ".jpeg, .png"),
        ("whatsapp image", "/image/link", json!("http://192.168.1.4/a.png"), "private_link", "image.link", "public server"),
        ("whatsapp video", "/video/link", json!("https://www.example.com/a.mov"), "wrong_extension", "video.link", ".3gp, .mp4"),
        ("whatsapp audio", "/audio/link", json!("https://www.example.com/a.mp4?b=.mp3"), "wrong_extension", "audio.link", ".ogg"),
        ("whatsapp document", "/document/link", json!("https://www.example.com/a.csv"), "wrong_extension", "document.link", ".pdf"),
        ("viber image", "/image/link", json!("https://www.example.com/a.webp"), "wrong_extension", "image.link", ".gif"),
        ("viber video", "/video/link", json!("https://www.example.com/a.3gp"), "wrong_extension", "video.link", ".mp4"),
        ("viber document", "/document/link", json!("https://www.example.com/a.ppt"), "wrong_extension", "document.link", ".docx"),
        ("rcs document", "/document/link", json!("https://www.example.com/a.doc"), "wrong_extension", "document.link", ".pdf"),
        // Viber and RCS.
        ("otp", "/otp/code", Value::Null, "missing_field", "otp.code", "must be text"),
        ("otp", "/otp/code", json!(123_456), "wrong_type", "otp.code", "in quotes"),
        ("otp", "/otp/code_expiration_minutes", json!("3"), "wrong_type", "otp.code_expiration_minutes", "remove the quotes"),
        ("otp", "/otp/code_expiration_minutes", json!(0), "out_of_range", "otp.code_expiration_minutes", "of at least 1"),
        ("viber text", "/text", long(1001), "too_long", "text", "1001 characters; the limit is 1000"),
        ("rcs template", "/template/parameters", json!([]), "wrong_type", "template.parameters", "text values"),
        ("rcs template", "/template/parameters/who", json!(""), "empty_text", "template.parameters.who", "empty"),
        ("rcs template", "/template/parameters/who", json!(" \u{a0}"), "empty_text", "template.parameters.who", "no visible"),
        ("rcs template", "/template/parameters/the age", json!(7), "wrong_type", "template.parameters[\"the age\"]", "in quotes: \"7\""),
    ];
    for (name, pointer, value, code, path, words) in cases {
        let (channel, mut body) = base(name);
        set(&mut body, pointer, value);
        let findings = check(channel, &body);
        let first = findings.iter().find(|finding| finding.severity == Severity::Error);
        let first = first.unwrap_or_else(|| panic!("{name} {pointer} passes"));
        assert_eq!((first.code, first.path.as_str()), (code, path), "{name} {pointer}: {findings:?}");
        let found = format!("{} {}", first.message, first.hint.as_deref().unwrap_or_default());
        assert!(found.contains(words), "{name} {pointer}: {found}");
    }
}

#[test]
fn what_may_be_right_is_a_warning() {
    let cases = [
        (
            "whatsapp image",
            "/image/link",
            json!("https://www.example.com/a.jpg"),
            "undocumented_extension",
            "image.link",
        ),
        (
            "whatsapp image",
            "/image/link",
            json!("https://www.example.com/image?id=1"),
            "unclear_extension",
            "image.link",
        ),
        ("viber video", "/video/link", json!("https://www.example.com/get.php"), "unclear_extension", "video.link"),
        ("whatsapp image", "/image/caption", json!("Look"), "undocumented_field", "image.caption"),
        ("template", "/template/name", json!("Offer"), "template_name", "template.name"),
        ("template", "/template/code", json!("1234"), "undocumented", "template"),
    ];
    for (name, pointer, value, code, path) in cases {
        let (channel, mut body) = base(name);
        set(&mut body, pointer, value);
        let findings = check(channel, &body);
        let found: Vec<_> = findings.iter().filter(|finding| finding.code != super::SESSION_ONLY).collect();
        assert_eq!(found.len(), 1, "{name} {pointer}: {findings:?}");
        assert_eq!((found[0].severity, found[0].code, found[0].path.as_str()), (Severity::Warning, code, path));
    }
    let payload = "/template/components/0/cards/0/components/1/parameters/0/payload";
    let (channel, mut body) = base("cards");
    set(&mut body, payload, long(257));
    assert_eq!(check(channel, &body)[0].severity, Severity::Warning);
}
