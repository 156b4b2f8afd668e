//! NXLink's document in both directions.

use serde_json::{Value, json};

use super::*;

/// The document's request examples, as they stand there: one key has a space at its end, and texts may be empty.
fn examples() -> Vec<Value> {
    let media = "4:MTcwNTQwNjYxNDczNS5qcGc=:aW1hZ2UvcG5n:ARYVc4sZwi3xB";
    let reply = |text: &str, payload: &str, second: Value| {
        json!({"customizeType": "conventional", "text": text, "type": "QUICK_REPLY", "payload": payload,
            "buttonEvents": [{"event": "tag", "tagName": "Viber tag"}, second]})
    };
    let template = json!({"event": "template", "templateId": 314, "templateName": "buttontest22"});
    let with = |last: Value| {
        json!({"name": "test_23", "tenant_id ": 123, "language": "af", "category_type": 1,
            "content": "send messsage content:WhatsApp:{{WhatsApp}},end message", "headerText": "",
            "footerText": "foot", "mediaName": "1705406614735.jpg", "templateMediaId": media,
            "mediaId": "1167113681293447", "mediaType": "IMAGE", "tag_name": "tag1", "is_close_auto_flow": 0,
            "buttonComponents": [reply("button1", "", template.clone()), last]})
    };
    vec![
        with(reply("button 2", "test text", json!({"event": "text", "text": "test text"}))),
        json!({"tenant_id": 123, "language": "en_US", "category_type": 1, "name": "country_code_test001",
            "content": "country_code_test001", "templateMediaId": "", "buttonComponents": [
                {"type": "QUICK_REPLY", "text": "test button", "customizeType": "conventional"},
                {"type": "URL", "text": "Open url", "url": "https://www.baidu.com/"},
                {"type": "URL", "text": "Open url", "url": "https://www.google.com/"}]}),
        with(json!({"customizeType": "conventional", "text": "button 2", "type": "URL",
            "url": "https://www.baidu.com/", "example": ["https://www.baidu.com/user"],
            "buttonEvents": [{"event": "text", "text": "button text"}]})),
    ]
}

#[test]
fn every_documented_request_is_a_definition_and_again_the_request() {
    for example in examples() {
        let definition = from_request(&example).unwrap();
        let request = to_request(&definition, 123).unwrap().request;
        assert_eq!(from_request(&request).unwrap(), definition);
        let Value::Object(mut example) = example else { panic!("an object") };
        if let Some(tenant) = example.remove("tenant_id ") {
            example.insert("tenant_id".into(), tenant);
        }
        example.retain(|_, value| value != "");
        assert_eq!(request, Value::Object(example));
    }
}

#[test]
fn both_shapes_of_details_are_read() {
    let flat = json!({"id": 207, "channel": 2, "name": "222", "content": "template content", "status": 2,
        "language": "en_US", "category": "MARKETING", "category_type": 1, "waRejectedReason": "",
        "is_close_auto_flow": 0, "buttonComponents": [{"type": "URL", "text": "URL",
        "url": "https://testnxlink.nxcloud.com/", "example": ["https://testnxlink.nxcloud.com/"]}]});
    let (definition, complete) = from_details(&flat, "xx").unwrap();
    assert_eq!((definition.language.as_str(), definition.components.len(), complete), ("en_US", 2, false));
    let mut none = flat;
    none["buttonComponents"] = Value::Null;
    assert_eq!(from_details(&none, "xx").unwrap().0.components.len(), 1);

    let event = json!({"event": "tag", "tagName": "Viber tag", "tagId": 33991, "templateName": null,
        "templateId": null, "text": null});
    let metas = json!({"namespace": null, "name": "test_23", "category": "MARKETING", "category_type": 1, "components": [
        {"type": "HEADER", "format": "IMAGE", "text": null, "buttons": null, "filename": "1705406614735.jpg",
            "media_id": "1167113681293447", "h": "4:YjZj", "media_type": null,
            "example": {"header_handle": "https://goss.example.com/1", "file_name": "1705406614735.jpg"}},
        {"type": "BODY", "format": null, "text": "send content: WhatsApp:{{WhatsApp}}, end message",
            "example": {"body_text": [["8613800000000"]]}},
        {"type": "FOOTER", "text": "foot content", "example": null},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "button1", "payload": null, "url": null,
            "phone_number": null, "flow_id": null, "buttonReqs": {"type": "QUICK_REPLY",
            "customizeType": "conventional", "text": "button1", "phoneNumber": null, "url": null, "payload": "305",
            "buttonEvents": [event], "flow_id": null}}]}]});
    let (definition, complete) = from_details(&metas, "af").unwrap();
    assert!(complete && definition.language == "af");
    let (_, header) = definition.header().unwrap();
    assert_eq!((header.media_id.as_deref(), header.handle.as_deref()), (Some("1167113681293447"), Some("4:YjZj")));
    assert_eq!(definition.body().unwrap().1.example.of("WhatsApp"), Some("8613800000000"));
    let (_, buttons) = definition.buttons().unwrap();
    assert_eq!(buttons[0].events, [json!({"event": "tag", "tagName": "Viber tag"})]);
    assert_eq!((buttons[0].opt_out, buttons[0].payload.as_deref()), (Some(false), Some("305")));
    assert!(from_details(&json!({"name": "a"}), "en").is_none());
}

#[test]
fn what_nxlink_has_no_field_for_is_told_by_its_place() {
    let text = "{name: a, language: en, category: AUTHENTICATION, message_send_ttl_seconds: 60, components: [\
        {type: HEADER, format: LOCATION}, {type: CAROUSEL, cards: []}, {type: LIMITED_TIME_OFFER, limited_time_offer: \
        {text: a}}, {type: BUTTONS, buttons: [{type: CATALOG, text: a}, {type: COPY_CODE, example: A}]}]}";
    let definition = super::super::tests::good(text);
    let paths: Vec<String> = to_request(&definition, 1).unwrap_err().into_iter().map(|finding| finding.path).collect();
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
