//! Conversions to and from CAMS's format, and Alibaba's published signatures.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::model::Severity;
use crate::template::{Component, check, tests::good};

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// From Alibaba Cloud's page on signature version 3.
#[test]
fn the_published_signature_comes_out() {
    let headers = pairs(&[
        ("host", "ecs.cn-shanghai.aliyuncs.com"),
        ("x-acs-action", "RunInstances"),
        ("x-acs-date", "2023-10-26T10:22:32Z"),
        ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ("x-acs-version", "2014-05-26"),
    ]);
    let query =
        pairs(&[("RegionId", "cn-shanghai"), ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd")]);
    let request = Request { method: "POST", query: &query, headers: &headers, body: b"" };
    let (_, authorization) = sign(&request, "YourAccessKeyId", &SecretString::from("YourAccessKeySecret"));
    assert!(
        authorization.ends_with("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"),
        "{authorization}"
    );
}

/// A modification as Alibaba's own Python library 5.3.0 sent it, which writes a space in a form as `+`.
#[test]
fn the_signature_is_that_of_alibabas_own_library() {
    let components = "[{\"Buttons\":[],\"Cards\":[],\"Text\":\"Hello $(name), 你好! a+b=c & 100%\",\"Type\":\"BODY\"},\
        {\"Buttons\":[{\"SupportedApps\":[],\"Text\":\"Open\",\"Type\":\"URL\",\"Url\":\"https://example.com/?a=1&b=2\",\
        \"UrlType\":\"static\"}],\"Cards\":[],\"Type\":\"BUTTONS\"}]";
    let form = pairs(&[
        ("Components", components),
        ("CustSpaceId", "28251486512358000"),
        ("Example", "{\"name\":\"Bob\"}"),
        ("Language", "en"),
        ("TemplateCode", "847292928388300"),
        ("TemplateType", "WHATSAPP"),
    ]);
    let body = signature::encode(&form).replace("%20", "+").into_bytes();
    let headers = pairs(&[
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "127.0.0.1:18081"),
        ("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2"),
        ("x-acs-action", "ModifyChatappTemplate"),
        ("x-acs-credentials-provider", "static_ak"),
        ("x-acs-date", "2026-01-02T03:04:05Z"),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
        ("x-acs-version", "2020-06-06"),
    ]);
    let request = Request { method: "POST", query: &[], headers: &headers, body: &body };
    let (payload, authorization) = sign(&request, "testAccessKeyId", &SecretString::from("testAccessKeySecret"));
    assert_eq!(payload, "164d94dd0152a459e253969cd54cc0dcb5ae737bf77e1d4164432dc0832ed284");
    assert_eq!(
        authorization,
        "ACS3-HMAC-SHA256 Credential=testAccessKeyId,SignedHeaders=accept;content-type;host;user-agent;x-acs-action;\
         x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,\
         Signature=6b06f994d5a71ab07f967059efb293fade02de8280856db21aab6ec9f525af66"
    );
}

/// Computed by Alibaba's own Python library (`alibabacloud-tea-openapi` 0.4.6), for a query and for a body.
#[test]
fn the_signature_is_that_of_alibabas_own_library_with_the_headers_that_we_sign() {
    let signed = |action: &str, query: &[(&str, &str)], form: &[(&str, &str)]| {
        let mut headers = pairs(&[
            ("host", "cams.ap-southeast-1.aliyuncs.com"),
            ("x-acs-action", action),
            ("x-acs-date", "2026-11-24T23:59:59Z"),
            ("x-acs-signature-nonce", "fedcba9876543210fedcba9876543210"),
            ("x-acs-version", "2020-06-06"),
        ]);
        let body = signature::encode(&pairs(form)).into_bytes();
        if !body.is_empty() {
            headers.extend(pairs(&[("content-type", "application/x-www-form-urlencoded")]));
        }
        let request = Request { method: "POST", query: &pairs(query), headers: &headers, body: &body };
        let (_, authorization) = sign(&request, "testAccessKeyId", &SecretString::from("testAccessKeySecret"));
        authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    };
    let query = [("Name", "a b+c&d=e*~ü/"), ("Page", "{\"Index\":2,\"Size\":50}"), ("TemplateType", "WHATSAPP")];
    assert_eq!(
        signed("ListChatappTemplate", &query, &[]),
        "8f146df9c46ee7cc8708ed09965c533ccea41ca849e52b6d70337fb260d7ccd8"
    );
    let components = "[{\"Text\":\"50 % off: $(code) — *jetzt* 你好\",\"Type\":\"BODY\"}]";
    let form = [("Category", "MARKETING"), ("Components", components), ("Name", "held_back")];
    assert_eq!(
        signed("CreateChatappTemplate", &[], &form),
        "9d1a002561cc70d286b1a4274c4362e3136ddeb5f89b231eeaa6aff6a25bde3e"
    );
}

fn again(definition: &crate::template::Definition) -> crate::template::Definition {
    let mut data = to_request(definition).unwrap().request;
    data["Name"] = definition.name.as_str().into();
    data["Category"] = definition.category.as_str().into();
    from_details(&data).unwrap()
}

#[test]
fn every_kind_of_template_is_a_request_and_again_the_definition() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/definitions");
    for name in ["spring_sale", "login_code", "spring_cards", "weekend_offer"] {
        let definition = crate::template::read(&folder.join(format!("{name}.yaml"))).unwrap().definition;
        assert_eq!(again(&definition), definition, "{name}");
    }
    // Every documented parameter, with its examples.
    let text = "{name: hello_world, language: en, category: MARKETING, message_send_ttl_seconds: 120, components: [\
        {type: HEADER, format: DOCUMENT, url: \"https://img.example.com/4.pdf\", caption: This is a video., file_name: Video}, \
        {type: BODY, text: \"hello $x {{chatapp}}.\", example: {chatapp: text}}, {type: BUTTONS, buttons: [\
        {type: QUICK_REPLY, text: a, opt_out: false}, {type: COPY_CODE, text: b, example: [\"120293\"]}, \
        {type: FLOW, text: c, flow_id: \"6645\", flow_action: NAVIGATE, navigate_screen: DETAILS}, \
        {type: URL, text: d, url: \"https://example.com/{{e}}\", example: [\"https://example.com/f\"]}, \
        {type: PHONE_NUMBER, text: phone-button-text, phone_number: \"+861380007889\"}]}]}";
    let definition = good(text);
    assert_eq!(again(&definition), definition);
    let request = to_request(&definition).unwrap().request;
    assert_eq!(request["Components"][1]["Text"], "hello $x $(chatapp).");
    assert_eq!(request["Example"], json!({"chatapp": "text", "e": "f"}));
    assert_eq!(request["Components"][2]["Buttons"][3]["UrlType"], "dynamic");
    assert_eq!(request["MessageSendTtlSeconds"], 120);
}

#[test]
fn empty_lists_and_examples_as_text_are_read() {
    let data = json!({"Name": "a", "Language": "en", "Category": "UTILITY", "Example": "{\"b\":\"c\"}", "Components": [
        {"Type": "BODY", "Text": "$(b)!", "Buttons": [], "Cards": []},
        {"Type": "BUTTONS", "Cards": [], "Buttons": [{"Type": "QUICK_REPLY", "Text": "d", "SupportedApps": [], "IsOptOut": null}]}]});
    let definition = from_details(&data).unwrap();
    assert_eq!(check(&definition).iter().map(|finding| finding.code).collect::<Vec<_>>(), ["variable_at_end"]);
    assert_eq!(definition.body().unwrap().1.example.of("b"), Some("c"));
    assert!(from_details(&Value::Null).is_none());
}

#[test]
fn texts_that_whatsapp_writes_are_no_part_of_a_definition() {
    let data = json!({"Name": "a", "Language": "en", "Category": "AUTHENTICATION", "Components": [
        {"Type": "BODY", "Text": "$(code) is your code.", "AddSecretRecommendation": true},
        {"Type": "FOOTER", "Text": "It expires in 5 minutes.", "CodeExpirationMinutes": 5},
        {"Type": "BUTTONS", "Buttons": [{"Type": "COPY_CODE", "Text": "Copy"}]}]});
    let definition = from_details(&data).unwrap();
    assert_eq!(check(&definition), []);
    let [Component::Body(body), Component::Footer(footer), _] = definition.components.as_slice() else { panic!() };
    assert_eq!((body.add_security_recommendation, footer.code_expiration_minutes), (Some(true), Some(5)));
}

/// Severity, code and path of all findings for a definition.
fn findings(text: &str) -> Vec<(Severity, &'static str, String)> {
    let findings = to_request(&good(text)).map_or_else(|findings| findings, |translated| translated.warnings);
    findings.into_iter().map(|finding| (finding.severity, finding.code, finding.path)).collect()
}

fn warnings(list: &[(&'static str, &str)]) -> Vec<(Severity, &'static str, String)> {
    list.iter().map(|(code, path)| (Severity::Warning, *code, (*path).to_owned())).collect()
}

#[test]
fn what_cams_cannot_express_is_reported_by_its_place() {
    let text = "{name: a, language: en, category: UTILITY, components: [{type: HEADER, format: IMAGE, media_id: \"1\"}, \
        {type: BODY, text: \"{{1}} $(x)\", example: [a]}, {type: BUTTONS, buttons: [{type: VOICE_CALL, text: a}]}]}";
    let errors = findings(text).into_iter().filter(|(severity, ..)| *severity == Severity::Error);
    let paths: Vec<String> = errors.map(|(_, _, path)| path).collect();
    assert_eq!(paths, ["components[1].text", "components[1].text", "components[0]", "components[2].buttons[0]"]);
}

#[test]
fn what_cams_does_not_take_is_said_to_be_left_out() {
    let text = "{name: a, language: en, category: UTILITY, nxlink: {syn_meta: true}, components: [\
        {type: HEADER, format: IMAGE, url: \"https://example.com/a.png\", file_name: a.png, handle: h, media_id: m}, \
        {type: BODY, text: Hi}, {type: BUTTONS, buttons: [{type: QUICK_REPLY, text: Yes, payload: p, \
        events: [{event: tag, tagName: t}]}]}]}";
    let expected = [
        ("left_out", "components[0].file_name"),
        ("left_out", "components[0].handle"),
        ("left_out", "components[0].media_id"),
        ("left_out", "components[2].buttons[0].payload"),
        ("left_out", "components[2].buttons[0].events"),
        ("left_out", "nxlink"),
    ];
    assert_eq!(findings(text), warnings(&expected));
    let request = to_request(&good(text)).unwrap().request.to_string();
    assert!(!request.contains("a.png\",\"FileName") && !request.contains("tagName"), "{request}");
    let document = text.replace("IMAGE", "DOCUMENT").replace(", handle: h, media_id: m", "");
    assert!(!findings(&document).contains(&warnings(&expected)[0]));
    assert_eq!(to_request(&good(&document)).unwrap().request["Components"][0]["FileName"], "a.png");
}

#[test]
fn examples_that_cams_has_no_place_for_are_left_out() {
    let of = |button: &str| {
        findings(&format!(
            "{{name: a, language: en, category: UTILITY, components: [{{type: BODY, text: Hi}}, \
             {{type: BUTTONS, buttons: [{button}]}}]}}"
        ))
    };
    let fixed = "{type: URL, text: Go, url: \"https://example.com/\", example: [\"https://example.com/a\"]}";
    assert_eq!(of(fixed), warnings(&[("left_out", "components[1].buttons[0].example")]));
    let twice = "{type: URL, text: Go, url: \"https://example.com/{{a}}\", example: [a, b]}";
    assert_eq!(of(twice), warnings(&[("left_out", "components[1].buttons[0].example[1]")]));
}

#[test]
fn what_only_cams_s_library_takes_is_a_warning() {
    let one = |category: &str, ttl: &str, button: &str| {
        findings(&format!(
            "{{name: a, language: en, category: {category}, {ttl}components: [{{type: BODY}}, \
             {{type: BUTTONS, buttons: [{button}]}}]}}"
        ))
    };
    let app = "package_name: com.demo, signature_hash: 29dkeke29dk";
    let zero = format!("{{type: OTP, otp_type: ZERO_TAP, {app}}}");
    let beyond = |path| warnings(&[("beyond_the_document", path)]);
    assert_eq!(one("AUTHENTICATION", "", &zero), beyond("components[1].buttons[0].otp_type"));
    let copy = "{type: OTP, otp_type: COPY_CODE, text: Copy}";
    assert_eq!(one("AUTHENTICATION", "message_send_ttl_seconds: 60, ", copy), []);
    let reply = "{type: QUICK_REPLY, text: Yes}";
    assert_eq!(one("UTILITY", "message_send_ttl_seconds: 60, ", reply), beyond("message_send_ttl_seconds"));
    for kind in ["CATALOG", "MPM"] {
        let button = format!("{{type: {kind}, text: See}}");
        assert_eq!(one("MARKETING", "", &button), beyond("components[1].buttons[0].type"));
    }
}

/// In its document `Example` and `CouponCode` are optional.
#[test]
fn an_example_that_is_lacking_is_a_warning() {
    let text = "{name: a, language: en, category: MARKETING, components: [{type: BODY, text: \"a {{b}} {{c}}.\", \
        example: {c: d}}, {type: BUTTONS, buttons: [{type: URL, text: Go, url: \"https://example.com/{{e}}\"}, \
        {type: COPY_CODE, text: Copy}]}]}";
    let expected = [
        ("missing_example", "components[0]"),
        ("missing_example", "components[1].buttons[0]"),
        ("missing_example", "components[1].buttons[1]"),
    ];
    assert_eq!(findings(text), warnings(&expected));
}
