//! NXLink's documented examples, word for word: each request survives the conversion to a definition and back, and the
//! client reads each response.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::model::Millis;
use crate::template::tests::{answering, errors, good};
use crate::template::{Component, Error, RemoteTemplate, TemplateSummary};

const REQUESTS: [&str; 5] = [
    include_str!("documented/create-1.json"),
    include_str!("documented/create-2.json"),
    include_str!("documented/create-3.json"),
    include_str!("documented/create-4.json"),
    include_str!("documented/update.json"),
];

#[test]
fn every_documented_request_is_a_definition_and_again_the_request() {
    for text in REQUESTS {
        let mut example: Value = serde_json::from_str(text).unwrap();
        let definition = from_request(&example).unwrap();
        assert_eq!(good(&serde_json::to_string(&definition).unwrap()), definition, "as a file");
        // Mistakes in the document: a key with a trailing space, fields without content, and one of another kind.
        let fields = example.as_object_mut().unwrap();
        if let Some(tenant) = fields.remove("tenant_id ") {
            fields.insert("tenant_id".into(), tenant);
        }
        fields.retain(|_, value| value != "");
        for button in fields["buttonComponents"].as_array_mut().unwrap() {
            if button["type"] == "URL" {
                button.as_object_mut().unwrap().remove("customizeType");
            }
        }
        let tenant = example["tenant_id"].as_u64().unwrap();
        let request = to_request(&definition, tenant).unwrap().request;
        assert_eq!(request, example);
        assert_eq!(from_request(&request).unwrap(), definition);
    }
}

/// A client whose NXLink gives this response to every request.
fn client(answer: &'static str) -> NxlinkClient {
    client_of("200 OK", answer)
}

fn client_of(status: &'static str, answer: &'static str) -> NxlinkClient {
    let account = NxlinkAccount {
        base_url: answering(status, answer),
        phone: "85268411234".into(),
        tenant: 1,
        access_key: "fme2na3kdi3ki".into(),
        secret: SecretString::from("abciiiko2k3"),
    };
    NxlinkClient::new(account, || Millis(1_655_710_885_431)).unwrap()
}

async fn details(answer: &'static str) -> RemoteTemplate {
    let listed = TemplateSummary {
        id: "314".into(),
        name: String::new(),
        language: "af".into(),
        category: String::new(),
        status: String::new(),
        sendable: true,
        reason: None,
        changed: None,
    };
    client(answer).details(listed).await.unwrap()
}

#[tokio::test]
async fn the_documented_list_is_read() {
    let list = client(include_str!("documented/list.json")).list(None).await.unwrap();
    let listed = json!([{"id": "314", "name": "buttontest22", "language": "en_GB", "category": "MARKETING",
        "status": "in use", "sendable": true, "changed": "2024-06-25 15:27:39"}]);
    assert_eq!(json!(list), listed);
}

#[tokio::test]
async fn both_shapes_of_the_documented_details_are_read() {
    let RemoteTemplate { definition, complete, .. } = details(include_str!("documented/details-1.json")).await;
    assert!(complete);
    let events = |list: &[Value]| list.to_vec();
    assert_eq!(
        json!(definition),
        json!({
            "name": "test_23", "language": "af", "category": "MARKETING",
            "components": [
                {"type": "HEADER", "format": "IMAGE", "media_id": "1167113681293447", "file_name": "1705406614735.jpg",
                    "handle": definition.header().unwrap().1.handle},
                {"type": "BODY", "text": "send content: WhatsApp:{{WhatsApp}}, end message",
                    "example": {"WhatsApp": "8613800000000"}},
                {"type": "FOOTER", "text": "foot content"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "QUICK_REPLY", "text": "button1", "opt_out": false, "payload": "305", "events": events(&[
                        json!({"event": "tag", "tagName": "Viber tag"}),
                        json!({"event": "template", "templateName": "buttontest22", "templateId": 314}),
                    ])},
                    {"type": "QUICK_REPLY", "text": "tag2", "opt_out": false, "payload": "306",
                        "events": events(&[json!({"event": "tag", "tagName": "LINE tag"})])},
                ]},
            ],
        })
    );
    assert!(definition.header().unwrap().1.handle.as_ref().unwrap().starts_with("4:YjZjODg1NGEtMDA4"));

    let RemoteTemplate { definition, complete, .. } = details(include_str!("documented/details-2.json")).await;
    assert!(!complete);
    assert_eq!((definition.name.as_str(), definition.language.as_str()), ("otp_0923", "en_US"));
    let [Component::Body(body)] = definition.components.as_slice() else { panic!("{definition:?}") };
    assert_eq!(body.text.as_deref(), Some("Your verification code is {{1}}."));

    let RemoteTemplate { definition, complete, .. } = details(include_str!("documented/details-3.json")).await;
    assert!(!complete);
    let (_, buttons) = definition.buttons().unwrap();
    assert_eq!(buttons[0].url.as_deref(), Some("https://testnxlink.nxcloud.com/"));
    assert_eq!(buttons[0].example, ["https://testnxlink.nxcloud.com/"]);
    assert!(from_details(&json!({"name": "a"}), "en").is_none());
}

#[tokio::test]
async fn the_documented_flows_and_media_are_read() {
    let flows = client(include_str!("documented/flows.json")).flows().await.unwrap();
    let flow = json!([{"id": "470341793809141", "name": "1", "status": "DRAFT", "published": false,
        "categories": ["OTHER"]}]);
    assert_eq!(json!(flows), flow);
    let media = client(include_str!("documented/media.json")).upload("https://www.example.com/17.jpg").await.unwrap();
    // The documented example has no `h`, although a template needs one.
    let uploaded = json!({"media_id": "1167113681293447", "file_name": "1705406614735.jpg", "media_type": "IMAGE",
        "handle": null});
    assert_eq!(json!(media), uploaded);
}

#[tokio::test]
async fn each_documented_code_is_reported_with_what_to_do() {
    for (code, advice) in [
        ("-1", "contact its support with the trace id"),
        ("1003", "NXLINK_ACCESS_SECRET"),
        ("22016", "NXLINK_PHONE"),
        ("22072", "parameter"),
    ] {
        let answer = format!("{{\"code\": {code}, \"message\": \"no\", \"data\": null, \"traceId\": \"t\"}}");
        let error = client(Box::leak(answer.into_boxed_str())).list(None).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!("refused the request with code {code}: no")) && error.contains(advice),
            "{error}"
        );
        assert!(error.ends_with("request: t"), "{error}");
    }
}

/// The documented meaning is "Failure": nothing is in doubt, unless the response is a server error.
#[tokio::test]
async fn a_failure_leaves_a_creation_in_doubt_only_behind_a_server_that_broke_down() {
    let answer = r#"{"code": -1, "message": "failure", "data": null, "traceId": "t"}"#;
    let definition = good("{name: a, language: en, category: UTILITY, components: [{type: BODY, text: Hi}]}");
    let failed = client(answer).create(&definition).await.unwrap_err();
    assert!(matches!(&failed, Error::Refused { code, .. } if code == "-1"), "{failed}");
    assert!(failed.to_string().ends_with("request: t"), "{failed}");
    let broke_down = client_of("502 Bad Gateway", answer).create(&definition).await.unwrap_err();
    assert!(
        matches!(broke_down, Error::InDoubt { .. }) && broke_down.to_string().contains("trace id t"),
        "{broke_down}"
    );
    // An unreadable code is not a documented one.
    let strange = client(r#"{"code": "x"}"#).create(&definition).await.unwrap_err();
    assert!(matches!(strange, Error::InDoubt { .. }), "{strange}");
}

/// Documented templates and requests pass the check.
#[tokio::test]
async fn every_documented_request_and_answer_passes_the_check() {
    let details = [
        details(include_str!("documented/details-1.json")).await.definition,
        details(include_str!("documented/details-2.json")).await.definition,
        details(include_str!("documented/details-3.json")).await.definition,
    ];
    let requests = REQUESTS.map(|text| from_request(&serde_json::from_str(text).unwrap()).unwrap());
    for definition in details.into_iter().chain(requests) {
        assert_eq!(errors(&definition, |definition| to_request(definition, 1)), [], "{definition:?}");
    }
}

#[test]
fn an_address_that_ends_in_a_position_may_stand_beside_named_content() {
    let mut request: Value = serde_json::from_str(REQUESTS[3]).unwrap();
    request["buttonComponents"][1]["url"] = "https://www.baidu.com/{{1}}".into();
    let definition = from_request(&request).unwrap();
    assert_eq!(errors(&definition, |definition| to_request(definition, 1)), []);
    // The document requires an example for a dynamic URL.
    request["buttonComponents"][1]["example"] = json!([]);
    let definition = from_request(&request).unwrap();
    let found = errors(&definition, |definition| to_request(definition, 1));
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["missing_example"]);
}
