//! `check` and `run` refuse a message that breaks a documented limit before anything is sent. The exit code is 2, and
//! the field, the limit and the place are printed. The tests break the bodies of the provider's document.

use serde_json::{Value, json};

use crate::support::campaign::minimal;
use crate::support::documented::bodies;

use crate::support::{Finished, ScriptedProvider, TestEnv, phone};

/// One limit broken: the body, what is put where (null takes it out), the field and the limit as they are shown.
type Case = (&'static str, &'static str, Value, &'static str, &'static str);

/// A right message, without `to`: a body of the document or, where that has none, of Meta's.
fn base(name: &str) -> (String, Value) {
    let template = |components: Value| {
        let template = json!({"name": "offer", "components": components});
        ("whatsapp".to_owned(), json!({"type": "template", "template": template}))
    };
    let shown = match name {
        "template" => 2,
        "copy code" => 3,
        "text" => 4,
        "image" => 5,
        "video" => 6,
        "audio" => 7,
        "document" => 8,
        "authentication" => 9,
        "cta_url" => 10,
        "list" => 11,
        "link cards" => 12,
        "reply cards" => 13,
        "button" => 14,
        "viber otp" => 15,
        "viber text" => 16,
        "viber image" => 17,
        "viber video" => 18,
        "viber document" => 19,
        "rcs template" => 21,
        "rcs text" => 22,
        "rcs image" => 23,
        "rcs video" => 24,
        "rcs document" => 25,
        "buttons" => {
            let button = |kind: &str, index: u8, parameter: Value| json!({"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]});
            return template(json!([
                button("url", 0, json!({"type": "text", "text": "spring"})),
                button("quick_reply", 1, json!({"type": "payload", "payload": "stop"})),
            ]));
        }
        "cards" => {
            let card = |index: u8| {
                json!({"card_index": index, "components": [
                    {"type": "header", "parameters": [
                        {"type": "image", "image": {"link": "https://www.example.com/a.png"}}]},
                    {"type": "button", "sub_type": "quick_reply", "index": 0,
                     "parameters": [{"type": "payload", "payload": "x"}]}]})
            };
            return template(json!([{"type": "carousel", "cards": [card(0), card(1)]}]));
        }
        "offer" => {
            return template(json!([{"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_806_537_600_000_u64}}]}]));
        }
        "products" => {
            return template(
                json!([{"type": "button", "sub_type": "mpm", "index": 0, "parameters": [{"type": "action",
                "action": {"sections": [{"title": "A", "product_items": [{"product_retailer_id": "1"}]}]}}]}]),
            );
        }
        "place" => {
            return template(json!([{"type": "header", "parameters": [
                {"type": "location", "location": {"latitude": "22.3", "longitude": "114.2"}}]}]));
        }
        "money" => {
            return template(json!([{"type": "body", "parameters": [{"type": "currency",
                "currency": {"fallback_value": "1 EUR", "code": "EUR", "amount_1000": 1000}}]}]));
        }
        other => unreachable!("{other}"),
    };
    let (channel, mut body) = bodies().swap_remove(shown);
    body.as_object_mut().unwrap().shift_remove("to");
    (channel, body)
}

/// A text of so many characters, none of them of one byte.
fn long(chars: usize) -> Value {
    Value::from("é".repeat(chars))
}

fn file(name: &str) -> Value {
    Value::from(format!("https://www.example.com/{name}"))
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let rows = |count: usize| -> Value { (0..count).map(|n| json!({"id": n.to_string(), "title": "R"})).collect() };
    let sections: Value = (0..11).map(|n: u8| json!({"title": "S", "rows": [{"id": n.to_string(), "title": "R"}]})).collect();
    let replies: Value = (0..4).map(|n: u8| json!({"type": "reply", "reply": {"id": n.to_string(), "title": n.to_string()}})).collect();
    let items: Value = (0..31).map(|n: u8| json!({"product_retailer_id": n.to_string()})).collect();
    let cards = |count: usize| -> Value { vec![base("link cards").1["interactive"]["action"]["cards"][0].clone(); count].into() };
    let link = base("link cards").1["interactive"]["action"]["cards"][0]["action"].clone();
    vec![
        // Templates of WhatsApp.
        ("template", "/template/name", Value::Null, "template.name", "missing"),
        ("template", "/template/name", long(513), "template.name", "the limit is 512"),
        ("template", "/template/components/0/type", json!("heading"), "template.components[0].type", "one of `header`, `body`, `button`"),
        ("template", "/template/components/0/type", json!("body"), "template.components[1]", "each kind at most once"),
        ("template", "/template/components/0/parameters", json!([]), "template.components[0].parameters", "exactly 1"),
        ("template", "/template/components/0/parameters/0/text", long(61), "template.components[0].parameters[0].text", "the limit is 60"),
        ("template", "/template/components/0/parameters/0/text", json!("a\nb"), "template.components[0].parameters[0].text", "no line breaks"),
        ("template", "/template/components/1/parameters/2/text", json!("a\nb"), "template.components[1].parameters[2].text", "no line breaks"),
        ("template", "/template/components/1/parameters/2/text", json!("a\tb"), "template.components[1].parameters[2].text", "no tabs"),
        ("template", "/template/components/1/parameters/2/text", json!("a     b"), "template.components[1].parameters[2].text", "at most 4 spaces"),
        ("template", "/template/components/1/parameters/2/text", long(1025), "template.components[1].parameters[2].text", "the limit is 1024"),
        ("template", "/template/components/1/parameters/2/text", long(1010), "template.components[1].parameters", "at most 1024 characters across all"),
        ("template", "/template/components/1/parameters/2/text", json!(25), "template.components[1].parameters[2].text", "must be text"),
        ("template", "/template/components/1/parameters/1/parameter_name", json!("who"), "template.components[1].parameters[1]", "others do not: all must have it, or none"),
        ("copy code", "/template/components/0/sub_type", json!("coupon"), "template.components[0].sub_type", "one of `copy_code`"),
        ("copy code", "/template/components/0/index", Value::Null, "template.components[0].index", "0 to 9"),
        ("copy code", "/template/components/0/index", json!("10"), "template.components[0].index", "0 to 9"),
        ("copy code", "/template/components/0/parameters/0/coupon_code", json!("ABCDEFGHIJ123456"), "template.components[0].parameters[0].coupon_code", "the limit is 15"),
        ("copy code", "/template/components/0/parameters/0/coupon_code", json!("25%-OFF"), "template.components[0].parameters[0].coupon_code", "only letters A to Z (upper or lower case) and digits"),
        ("authentication", "/template/code", json!("1234567890123456"), "template.code", "the limit is 15"),
        ("buttons", "/template/components/1/index", json!(0), "template.components[1].index", "must be unique"),
        ("buttons", "/template/components/0/parameters/0/text", json!(""), "template.components[0].parameters[0].text", "empty"),
        ("cards", "/template/components/0/cards", json!([]), "template.components[0].cards", "1 to 10"),
        ("cards", "/template/components/0/cards/1/card_index", json!(2), "template.components[0].cards[1].card_index", "from 0"),
        ("cards", "/template/components/0/cards/1/components/1/sub_type", json!("voice_call"), "template.components[0].cards[1]", "the same number and kinds of buttons"),
        ("offer", "/template/components/0/parameters/0/limited_time_offer/expiration_time_ms", json!(1_806_537_600), "template.components[0].parameters[0].limited_time_offer.expiration_time_ms", "of at least 1000000000000"),
        ("products", "/template/components/0/parameters/0/action/sections/0/product_items", items, "template.components[0].parameters[0].action.sections", "at most 30 items"),
        ("place", "/template/components/0/parameters/0/location/latitude", json!("90.5"), "template.components[0].parameters[0].location.latitude", "-90 to 90"),
        ("place", "/template/components/0/parameters/0/location/longitude", json!("east"), "template.components[0].parameters[0].location.longitude", "-180 to 180"),
        ("money", "/template/components/0/parameters/0/currency/amount_1000", json!("1.00"), "template.components[0].parameters[0].currency.amount_1000", "a whole number"),
        // Plain messages of WhatsApp.
        ("text", "/type", json!("sms"), "type", "one of `template`, `text`, `image`"),
        ("text", "/text", json!({"text": "Hello"}), "text", "must be text"),
        ("text", "/text", json!(" "), "text", "no visible characters"),
        ("image", "/image/link", Value::Null, "image.link", "missing"),
        ("image", "/image/link", file("a.gif"), "image.link", ".jpeg, .png"),
        ("image", "/image/link", json!("http://192.168.1.4/a.png"), "image.link", "the provider cannot reach it"),
        ("image", "/image/link", json!("www.example.com/a.png"), "image.link", "does not start with https:// or http://"),
        ("video", "/video/link", file("a.mov"), "video.link", ".3gp, .mp4"),
        ("audio", "/audio/link", file("a.wav"), "audio.link", ".aac, .amr, .mp3, .m4a, .ogg"),
        ("document", "/document/link", file("a.csv"), "document.link", ".txt, .xls, .xlsx, .doc, .docx, .ppt, .pptx, .pdf"),
        // A button with a link.
        ("cta_url", "/interactive/type", json!("cta"), "interactive.type", "one of `cta_url`, `list`, `carousel`, `button`"),
        ("cta_url", "/interactive/header", json!({"type": "text", "text": long(61)}), "interactive.header.text", "the limit is 60"),
        ("cta_url", "/interactive/header/type", json!("audio"), "interactive.header.type", "one of `text`, `image`, `video`, `document`"),
        ("cta_url", "/interactive/body", Value::Null, "interactive.body", "missing"),
        ("cta_url", "/interactive/body/text", long(1025), "interactive.body.text", "the limit is 1024"),
        ("cta_url", "/interactive/footer/text", long(61), "interactive.footer.text", "the limit is 60"),
        ("cta_url", "/interactive/footer/text", Value::Null, "interactive.footer.text", "missing"),
        ("cta_url", "/interactive/action/name", json!("url"), "interactive.action.name", "`cta_url`"),
        ("cta_url", "/interactive/action/parameters/display_text", long(21), "interactive.action.parameters.display_text", "the limit is 20"),
        ("cta_url", "/interactive/action/parameters/url", json!("mailto:a@example.com"), "interactive.action.parameters.url", "does not start with https:// or http://"),
        // A list.
        ("list", "/interactive/header/type", json!("image"), "interactive.header.type", "it must be `text`"),
        ("list", "/interactive/header/text", long(61), "interactive.header.text", "the limit is 60"),
        ("list", "/interactive/body/text", long(4097), "interactive.body.text", "the limit is 4096"),
        ("list", "/interactive/footer/text", long(61), "interactive.footer.text", "the limit is 60"),
        ("list", "/interactive/action/button", long(21), "interactive.action.button", "the limit is 20"),
        ("list", "/interactive/action/sections", json!([]), "interactive.action.sections", "1 to 10"),
        ("list", "/interactive/action/sections", sections, "interactive.action.sections", "1 to 10"),
        ("list", "/interactive/action/sections/1/title", long(25), "interactive.action.sections[1].title", "the limit is 24"),
        ("list", "/interactive/action/sections/1/title", Value::Null, "interactive.action.sections[1].title", "missing"),
        ("list", "/interactive/action/sections/1/rows", rows(9), "interactive.action.sections", "at most 10 items across all `rows`"),
        ("list", "/interactive/action/sections/1/rows", json!([]), "interactive.action.sections[1].rows", "at least 1"),
        ("list", "/interactive/action/sections/1/rows/0/id", json!("priority_mail"), "interactive.action.sections[1].rows[0].id", "must be unique"),
        ("list", "/interactive/action/sections/0/rows/0/id", long(201), "interactive.action.sections[0].rows[0].id", "the limit is 200"),
        ("list", "/interactive/action/sections/0/rows/0/title", long(25), "interactive.action.sections[0].rows[0].title", "the limit is 24"),
        ("list", "/interactive/action/sections/0/rows/0/description", long(73), "interactive.action.sections[0].rows[0].description", "the limit is 72"),
        // Cards.
        ("link cards", "/interactive/header", json!({"type": "text", "text": "Hi"}), "interactive.header", "not allowed here"),
        ("link cards", "/interactive/footer", json!({"text": "Bye"}), "interactive.footer", "not allowed here"),
        ("link cards", "/interactive/body/text", long(1025), "interactive.body.text", "the limit is 1024"),
        ("link cards", "/interactive/action/cards", cards(1), "interactive.action.cards", "2 to 10"),
        ("link cards", "/interactive/action/cards", cards(11), "interactive.action.cards", "2 to 10"),
        ("link cards", "/interactive/action/cards/1/card_index", json!(7), "interactive.action.cards[1].card_index", "from 0"),
        ("link cards", "/interactive/action/cards/2/type", json!("quick_reply"), "interactive.action.cards[2].type", "`cta_url`"),
        ("link cards", "/interactive/action/cards/1/header", Value::Null, "interactive.action.cards[1].header", "missing"),
        ("link cards", "/interactive/action/cards/1/header/type", json!("document"), "interactive.action.cards[1].header.type", "one of `image`, `video`"),
        ("link cards", "/interactive/action/cards/0/body/text", long(161), "interactive.action.cards[0].body.text", "the limit is 160"),
        ("link cards", "/interactive/action/cards/0/body/text", json!("a\nb\nc\nd"), "interactive.action.cards[0].body.text", "the limit is 2"),
        ("link cards", "/interactive/action/cards/0/action/parameters/display_text", long(21), "interactive.action.cards[0].action.parameters.display_text", "the limit is 20"),
        ("reply cards", "/interactive/action/cards/1/action", link, "interactive.action.cards[1]", "the same number and kinds of buttons"),
        ("reply cards", "/interactive/action/cards/2/action/buttons/1", Value::Null, "interactive.action.cards[2]", "the same number and kinds of buttons"),
        ("reply cards", "/interactive/action/cards/2/action/name", json!("cta_url"), "interactive.action.cards[2].action", "either `name` with `parameters`, or `buttons`"),
        ("reply cards", "/interactive/action/cards/0/action/buttons/1/quick_reply/id", long(257), "interactive.action.cards[0].action.buttons[1].quick_reply.id", "the limit is 256"),
        ("reply cards", "/interactive/action/cards/0/action/buttons/1/quick_reply/title", long(21), "interactive.action.cards[0].action.buttons[1].quick_reply.title", "the limit is 20"),
        // Reply buttons.
        ("button", "/interactive/header/image/link", file("a.bmp"), "interactive.header.image.link", ".jpeg, .png"),
        ("button", "/interactive/body/text", long(1025), "interactive.body.text", "the limit is 1024"),
        ("button", "/interactive/footer/text", long(61), "interactive.footer.text", "the limit is 60"),
        ("button", "/interactive/action/buttons", replies, "interactive.action.buttons", "1 to 3"),
        ("button", "/interactive/action/buttons", json!([]), "interactive.action.buttons", "1 to 3"),
        ("button", "/interactive/action/buttons/1/reply/id", json!("change-button"), "interactive.action.buttons[1].reply.id", "must be unique"),
        ("button", "/interactive/action/buttons/1/reply/title", json!("Change"), "interactive.action.buttons[1].reply.title", "must be unique"),
        ("button", "/interactive/action/buttons/0/reply/id", long(257), "interactive.action.buttons[0].reply.id", "the limit is 256"),
        ("button", "/interactive/action/buttons/0/reply/title", long(21), "interactive.action.buttons[0].reply.title", "the limit is 20"),
        // Viber.
        ("viber text", "/type", json!("template"), "type", "one of `otp`, `text`, `image`, `video`, `document`"),
        ("viber text", "/text", long(1001), "text", "the limit is 1000"),
        ("viber otp", "/otp/code", json!(123_456), "otp.code", "must be text"),
        ("viber otp", "/otp/language", Value::Null, "otp.language", "missing"),
        ("viber otp", "/otp/code_expiration_minutes", json!("3"), "otp.code_expiration_minutes", "a whole number"),
        ("viber otp", "/otp/code_expiration_minutes", json!(0), "otp.code_expiration_minutes", "of at least 1"),
        ("viber image", "/image/link", file("a.webp"), "image.link", ".png, .jpeg, .jpg, .gif"),
        ("viber video", "/video/link", file("a.3gp"), "video.link", ".mp4"),
        ("viber document", "/document/link", file("a.ppt"), "document.link", ".doc, .docx, .xls, .xlsx, .csv, .pdf"),
        // RCS.
        ("rcs text", "/type", json!("audio"), "type", "one of `template`, `text`, `image`, `video`, `document`"),
        ("rcs text", "/text", json!(["Hello"]), "text", "must be text"),
        ("rcs template", "/template/parameters", json!(["jack"]), "template.parameters", "an object with text values"),
        ("rcs template", "/template/parameters/username", json!(7), "template.parameters.username", "must be text"),
        ("rcs image", "/image/link", json!("https://localhost/a.png"), "image.link", "the provider cannot reach it"),
        ("rcs video", "/video", json!("https://www.example.com/a.mp4"), "video", "must be an object"),
        ("rcs document", "/document/link", file("a.doc"), "document.link", ".pdf"),
    ]
}

/// Puts a value at a JSON pointer; null takes it out.
fn set(message: &mut Value, pointer: &str, new: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match message.pointer_mut(parent).unwrap() {
        Value::Object(map) if new.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), new)),
        Value::Array(items) if new.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = new,
        other => unreachable!("{other}"),
    }
}

/// What stands in the file where a problem at this path is to be shown: the value itself or, where it is missing, the
/// nearest that it would be in; and the key before it, if there is one.
fn standing_at(message: &Value, path: &str) -> (String, String) {
    let mut pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    while message.pointer(&pointer).is_none() {
        pointer.truncate(pointer.rfind('/').unwrap());
    }
    let Some((_, key)) = pointer.rsplit_once('/') else { return ("message: ".to_owned(), String::new()) };
    let written = serde_json::to_string_pretty(message.pointer(&pointer).unwrap()).unwrap();
    let key = if key.parse::<usize>().is_ok() { String::new() } else { format!("\"{key}\": ") };
    (written.lines().next().unwrap().to_owned(), key)
}

/// The line and the column, from 1, that are shown after `--> job.yaml:` for a field.
fn printed_place(output: &str, field: &str) -> (usize, usize) {
    let of_field = output.split("error[").find(|problem| problem.contains(&format!("`{field}`"))).unwrap_or_default();
    let place = of_field.split("--> job.yaml:").nth(1).unwrap_or_else(|| panic!("no place: {output}"));
    let mut numbers = place.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn assert_printed(output: &str, (base, pointer, _, field, limit): &Case, whole: &Finished) {
    for part in [&format!("`{field}`"), *limit] {
        assert!(output.contains(part), "{base} {pointer}: `{part}` is not shown: {whole}");
    }
}

#[test]
fn a_message_that_breaks_a_documented_limit_is_refused_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 100, "{}", cases.len());
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::new();
    env.write("list.csv", format!("phone\n{}\n", phone(1)));
    for case in &cases {
        let (name, pointer, value, field, _) = case;
        let (channel, mut message) = base(name);
        set(&mut message, pointer, value.clone());
        let yaml = minimal(&channel, &serde_json::to_string_pretty(&message).unwrap());
        env.write("job.yaml", &yaml);
        for command in ["check", "run"] {
            let refused = env.run(&provider, &[command, "job.yaml"]);
            assert_eq!(refused.code, 2, "{name} {pointer}: {refused}");
            assert_printed(&refused.err, case, &refused);
            let (line, column) = printed_place(&refused.err, field);
            let line = yaml.lines().nth(line - 1).unwrap();
            let text: String = line.chars().skip(column - 1).collect();
            let (value, key) = standing_at(&message, field);
            assert!(text.starts_with(&value) && line.contains(&key), "{name} {pointer}: {key}{value} is not at {text}");
        }
    }
    assert_eq!(provider.sends(), 0);
    assert!(!env.path("store.db").exists(), "there was nothing to keep");
}

#[test]
fn a_row_that_breaks_a_documented_limit_is_refused_by_its_number() {
    let is_text = |(name, pointer, value, ..): &Case| {
        let fixed = base(name).1;
        value.as_str().is_some_and(|text| !text.trim().is_empty())
            && fixed.pointer(pointer).is_some_and(Value::is_string)
    };
    let cases: Vec<Case> = cases().into_iter().filter(is_text).collect();
    assert!(cases.len() >= 45, "{}", cases.len());
    let provider = ScriptedProvider::accepting_all();
    // A few of one body share a list, each in a row of its own: so many of each kind are shown.
    for cases in cases.chunk_by(|one, other| one.0 == other.0).flat_map(|cases| cases.chunks(3)) {
        let env = TestEnv::new();
        let (channel, mut message) = base(cases[0].0);
        let mut list = String::from("phone,c0,c1,c2\n");
        let quoted = |text: &str| format!(",\"{}\"", text.replace('"', "\"\""));
        let right: Vec<String> =
            cases.iter().map(|case| quoted(message.pointer(case.1).unwrap().as_str().unwrap())).collect();
        let column = |index: usize| cases.iter().position(|case| case.1 == cases[index].1).unwrap();
        for (index, case) in cases.iter().enumerate() {
            let mut cells = right.clone();
            cells.resize(3, ",".to_owned());
            cells[column(index)] = quoted(case.2.as_str().unwrap());
            list.push_str(&format!("{}{}\n", phone(index + 1), cells.concat()));
            set(&mut message, case.1, Value::from(format!("{{{{ c{} }}}}", column(index))));
        }
        env.write("list.csv", list);
        env.write("job.yaml", minimal(&channel, &message.to_string()));

        let checked = env.run(&provider, &["check", "job.yaml"]);
        assert_eq!(checked.code, 2, "{checked}");
        for (index, case) in cases.iter().enumerate() {
            assert_printed(printed_of_row(&checked, index + 1), case, &checked);
        }
        let run = env.run(&provider, &["run", "job.yaml"]);
        assert_eq!(run.code, 2, "{run}");
        for (line, case) in env.report("job-1").iter().zip(cases) {
            assert_eq!(line.state, "invalid", "{line:?}");
            assert_printed(&line.message, case, &run);
        }
    }
    assert_eq!(provider.sends(), 0);
}

/// What is said of a row: the paragraph of its reason.
fn printed_of_row(checked: &Finished, row: usize) -> &str {
    let is_of_row = |paragraph: &&str| paragraph.contains(&format!("\n  row {row},"));
    checked.out.split("\n\n").find(is_of_row).unwrap_or_else(|| panic!("no row {row}: {checked}"))
}
