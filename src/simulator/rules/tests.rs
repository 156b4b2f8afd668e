//! The rules, case by case. What is accepted here is what the documents show.

use super::*;

const WHATSAPP: Channel = Channel::Whatsapp;
const VIBER: Channel = Channel::Viber;
const RCS: Channel = Channel::Rcs;

/// Judges a request whose content is `content`, the fields after `to`.
fn judged(channel: Channel, content: &str) -> Result<(), (u16, String)> {
    judge(channel, format!(r#"{{"to":"85268411234",{content}}}"#).as_bytes())
        .map_err(|refusal| (refusal.code, refusal.message.into_owned()))
}

/// A WhatsApp template with these components.
fn template(components: &str) -> Result<(), (u16, String)> {
    judged(WHATSAPP, &format!(r#""type":"template","template":{{"name":"offer","components":{components}}}"#))
}

#[test]
fn what_the_documents_show_is_accepted() {
    for (channel, content) in [
        (WHATSAPP, r#""type":"template","template":{"name":"test_button_reply_1"}"#),
        (WHATSAPP, r#""type":"template","template":{"name":"authentication_ca","code":"123456"}"#),
        (
            WHATSAPP,
            r#""type":"template","template":{"name":"n","components":[
                {"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/a.png"}}]},
                {"type":"body","parameters":[{"type":"text","text":"Ana"},{"type":"text","text":"25%    off"}]},
                {"type":"button","sub_type":"COPY_CODE","index":"0",
                 "parameters":[{"type":"coupon_code","coupon_code":"843924"}]}]}"#,
        ),
        (WHATSAPP, r#""type":"text","text":"Hello""#),
        (WHATSAPP, r#""type":"audio","audio":{"link":"https://example.com/a.mp3"}"#),
        (
            WHATSAPP,
            r#""type":"interactive","interactive":{"type":"cta_url","body":{"text":"See"},"footer":{"text":"f"},
                "action":{"name":"cta_url","parameters":{"display_text":"Go","url":"https://example.com"}}}"#,
        ),
        (VIBER, r#""type":"otp","otp":{"code":"123456","language":"en","code_expiration_minutes":3}"#),
        (VIBER, r#""type":"text","text":"Hello""#),
        (VIBER, r#""type":"document","document":{"link":"https://example.com/a.pdf"}"#),
        (RCS, r#""type":"template","template":{"name":"n"}"#),
        (RCS, r#""type":"template","template":{"name":"n","parameters":{"username":"jack","service":"s"}}"#),
        (RCS, r#""type":"video","video":{"link":"https://example.com/a.mp4"}"#),
    ] {
        assert_eq!(judged(channel, content), Ok(()), "{channel}: {content}");
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
        assert_eq!(judge(WHATSAPP, body.as_bytes()).map_err(|refusal| refusal.code), Err(422), "{body}");
    }
    assert_eq!(judged(VIBER, r#""type":"audio","audio":{"link":"https://a/b"}"#).map_err(|e| e.0), Err(422));
    assert_eq!(judged(RCS, r#""type":"interactive","interactive":{}"#).map_err(|e| e.0), Err(422));
}

#[test]
fn the_channel_judges_what_is_inside() {
    let missing = "(#131008) Required parameter is missing: ";
    let invalid = "(#131009) Parameter value is not valid: ";
    for (content, start, field) in [
        (r#""type":"text","text":"""#, missing, "text"),
        (r#""type":"image","image":{}"#, missing, "link"),
        (r#""type":"image","image":{"link":"ftp://a"}"#, invalid, "link"),
        (r#""type":"image","image":{"link":"https://"}"#, invalid, "link"),
        (r#""type":"template","template":{}"#, missing, "name"),
        (r#""type":"template","template":{"name":""}"#, missing, "name"),
        (r#""type":"template","template":{"name":7}"#, invalid, "name"),
        (r#""type":"template","template":{"name":"n","code":""}"#, missing, "code"),
        (r#""type":"template","template":{"name":"n","components":{}}"#, invalid, "components"),
        (r#""type":"interactive","interactive":{}"#, missing, "type"),
        (r#""type":"interactive","interactive":{"type":"flow"}"#, invalid, "interactive.type"),
        (r#""type":"interactive","interactive":{"type":"list","action":{}}"#, missing, "body.text"),
        (r#""type":"interactive","interactive":{"type":"list","body":{"text":"a"}}"#, missing, "action"),
    ] {
        assert_eq!(judged(WHATSAPP, content), Err((10002, format!("{start}{field}"))), "{content}");
    }
}

#[test]
fn texts_of_a_template_stay_on_one_line() {
    for text in ["a\\nb", "a\\r\\nb", "a\\tb", "a     b"] {
        assert_eq!(
            template(&format!(r#"[{{"type":"body","parameters":[{{"type":"text","text":"{text}"}}]}}]"#)),
            Err((10002, "(#132018) There's an issue with the parameters in your template".into())),
        );
    }
    assert_eq!(
        template(r#"[{"type":"body","parameters":[{"type":"text","text":""}]}]"#),
        Err((10002, "(#131008) Required parameter is missing: text".into())),
    );
    for parameter in [r#"{"type":"text","text":5}"#, r#"{"type":"image"}"#] {
        assert_eq!(
            template(&format!(r#"[{{"type":"body","parameters":[{parameter}]}}]"#)),
            Err((10002, "(#132012) Parameter format does not match format in the created template".into())),
        );
    }
}

#[test]
fn texts_are_measured_in_characters() {
    let viber = |text: String| judged(VIBER, &format!(r#""type":"text","text":"{text}""#));
    assert_eq!(viber("é".repeat(1000)), Ok(()));
    assert_eq!(viber("é".repeat(1001)), Err((10003, "Parameter value is not valid: text".into())));

    let body = |kind: &str, length: usize| {
        let text = "x".repeat(length);
        judged(
            WHATSAPP,
            &format!(
                r#""type":"interactive","interactive":{{"type":"{kind}","body":{{"text":"{text}"}},"action":{{}}}}"#
            ),
        )
        .map_err(|e| e.0)
    };
    for (kind, limit) in INTERACTIVE {
        assert_eq!((body(kind, limit), body(kind, limit + 1)), (Ok(()), Err(10002)), "{kind}");
    }
}

#[test]
fn viber_and_rcs_say_it_with_their_own_codes() {
    for otp in [
        r#"{"language":"en","code_expiration_minutes":3}"#,
        r#"{"code":123456,"language":"en","code_expiration_minutes":3}"#,
        r#"{"code":"1","code_expiration_minutes":3}"#,
        r#"{"code":"1","language":"en"}"#,
        r#"{"code":"1","language":"en","code_expiration_minutes":"3"}"#,
    ] {
        assert_eq!(judged(VIBER, &format!(r#""type":"otp","otp":{otp}"#)).map_err(|e| e.0), Err(10003), "{otp}");
    }
    for parameters in ["[]", r#"{"a":1}"#, r#"{"a":{"b":"c"}}"#] {
        assert_eq!(
            judged(RCS, &format!(r#""type":"template","template":{{"name":"n","parameters":{parameters}}}"#)),
            Err((10004, "Template with the code [n] received with invalid custom params".into())),
        );
    }
}
