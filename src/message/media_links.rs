//! Finds the media links of a body with its table: what is fetched when the message is sent.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::model::{Channel, ProviderApi};

use super::path::Path;
use super::schema;
use super::schema::types::{Media, Object, Shape};

/// Calls `each` with every media link of a body: its place, the link, and the files that it may point to. Links to
/// pages do not count. Skips whatever does not fit the table; allocates nothing.
pub fn links(
    api: ProviderApi,
    channel: Channel,
    body: &Value,
    each: &mut dyn FnMut(&dyn Display, &str, &'static Media),
) {
    if let Some(map) = body.as_object() {
        object(&schema::sheet(api, channel).body, map, &Path::Root, each);
    }
}

type Each<'e> = dyn FnMut(&dyn Display, &str, &'static Media) + 'e;

fn object(object: &'static Object, map: &Map<String, Value>, at: &Path<'_>, each: &mut Each<'_>) {
    for field in object.fields {
        if let Some(inner) = map.get(field.key) {
            value(&field.shape, inner, &at.key(field.key), each);
        }
    }
    let Some(kinds) = &object.kinds else { return };
    let kind = match map.get(kinds.tag) {
        Some(Value::String(written)) => {
            let is = |name: &str| name == written || kinds.any_case && name.eq_ignore_ascii_case(written);
            kinds.list.iter().find(|kind| is(kind.name))
        }
        None if matches!(at, Path::Root) => schema::only_kind_of(kinds, map),
        _ => None,
    };
    if let Some(kind) = kind {
        self::object(&kind.adds, map, at, each);
    }
}

fn value(shape: &'static Shape, value: &Value, at: &Path<'_>, each: &mut Each<'_>) {
    match (shape, value) {
        (Shape::Link(media), Value::String(link)) => each(at, link, media),
        (Shape::List(list), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                self::value(&list.of, item, &at.item(index), each);
            }
        }
        (Shape::Object(inner), Value::Object(map)) => object(inner, map, at, each),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(channel: Channel, body: &Value) -> Vec<(String, String, &'static str)> {
        let mut found = Vec::new();
        links(ProviderApi::Incs, channel, body, &mut |path, link, media| {
            found.push((path.to_string(), link.to_owned(), media.name))
        });
        found
    }

    #[test]
    fn every_media_link_is_found_with_its_place_and_its_kind() {
        let header = |link: &str| json!({"type": "HEADER", "parameters": [{"type": "image", "image": {"link": link}}]});
        let body = json!({"to": "85268411234", "type": "template", "template": {"name": "a", "components": [
            {"type": "header", "parameters": [{"type": "video", "video": {"link": "v"}}]},
            {"type": "carousel", "cards": [
                {"card_index": 0, "components": [header("one")]},
                {"card_index": 1, "components": [header("two")]},
            ]},
        ]}});
        let card = |card: usize| format!("template.components[1].cards[{card}].components[0].parameters[0].image.link");
        let expected = [
            ("template.components[0].parameters[0].video.link".to_owned(), "v".to_owned(), "video"),
            (card(0), "one".to_owned(), "image"),
            (card(1), "two".to_owned(), "image"),
        ];
        assert_eq!(found(Channel::Whatsapp, &body), expected);
    }

    #[test]
    fn pages_uploaded_files_and_other_kinds_are_no_media_links() {
        let button = json!({"type": "interactive", "interactive": {"type": "cta_url",
            "header": {"type": "image", "image": {"id": "7"}},
            "action": {"name": "cta_url", "parameters": {"display_text": "a", "url": "https://example.com"}}}});
        assert_eq!(found(Channel::Whatsapp, &button), []);
        let other = json!({"type": "text", "text": "a", "image": {"link": "https://example.com/a.png"}});
        assert_eq!(found(Channel::Viber, &other), []);
        for body in [json!(null), json!({"type": 3}), json!({"type": "image", "image": {"link": 3}})] {
            assert_eq!(found(Channel::Viber, &body), []);
        }
    }
}
