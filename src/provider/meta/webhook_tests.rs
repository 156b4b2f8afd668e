//! Meta's webhooks, in the shapes of its documents.

use super::*;
use crate::model::{ReferenceKey, RowNumber};

const NOW: Millis = Millis(7);
const NUMBER: &str = "106540352242922";

fn call(field: &str, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"{field}","value":{value}}}]}}]}}"#
    )
}

fn messages(rest: &str) -> String {
    call(
        "messages",
        &format!(
            r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"{NUMBER}"}},{rest}}}"#
        ),
    )
}

fn read(text: &str) -> Callback {
    parse(text.as_bytes(), NUMBER, NOW).unwrap()
}

#[test]
fn statuses_of_every_kind_with_their_reference() {
    let reference = ReferenceKey::new(vec![1; 16]).sign(3, RowNumber(7), 1);
    let text = messages(&format!(
        r#""statuses":[
        {{"id":"wamid.A","status":"sent","timestamp":"1750030073","recipient_id":"16505551234","biz_opaque_callback_data":"{reference}","pricing":{{"billable":true}}}},
        {{"id":"wamid.A","status":"delivered","timestamp":"1750030075","recipient_id":"16505551234","biz_opaque_callback_data":"order 4711"}},
        {{"id":"wamid.A","status":"read","timestamp":"1750030080"}},
        {{"id":"wamid.B","status":"played","timestamp":"1750030081"}},
        {{"id":"wamid.C","status":"failed","timestamp":"1750030082","errors":[{{"code":131049,"title":"Not delivered","message":"Not delivered","error_data":{{"details":"In order to maintain a healthy ecosystem."}}}}]}},
        {{"status":"sent"}}, {{"id":"wamid.D"}}, 3]"#
    ));
    let update = |id: &str, status, at: Option<i64>| StatusUpdate {
        message_id: id.to_owned(),
        delivered_at: at.filter(|_| status == DeliveryStatus::Delivered).map(Millis),
        read_at: at.filter(|_| status == DeliveryStatus::Read).map(Millis),
        status,
        problem: None,
        reference: None,
    };
    let words = "Not delivered: In order to maintain a healthy ecosystem.";
    let expected = vec![
        StatusUpdate { reference: Some(reference), ..update("wamid.A", DeliveryStatus::Sent, None) },
        update("wamid.A", DeliveryStatus::Delivered, Some(1_750_030_075_000)),
        update("wamid.A", DeliveryStatus::Read, Some(1_750_030_080_000)),
        update("wamid.B", DeliveryStatus::Read, Some(1_750_030_081_000)),
        StatusUpdate {
            problem: Some(Problem::new("131049", words)),
            ..update("wamid.C", DeliveryStatus::Failed, None)
        },
    ];
    assert_eq!(read(&text), Callback { statuses: expected, ..Callback::default() });
}

#[test]
fn replies_of_every_kind_name_the_message_they_answer() {
    let text = messages(
        r#""contacts":[{"profile":{"name":"Ada"},"wa_id":"16505551234"}],"messages":[
        {"from":"16505551234","id":"a","timestamp":"1750030073","type":"text","text":{"body":"Stop"}},
        {"from":"16505551234","id":"b","timestamp":"1750030073","type":"button","button":{"payload":"yes-1","text":"Yes"},"context":{"from":"15550783881","id":"wamid.A"}},
        {"from":"16505551234","id":"c","timestamp":"1750030073","type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"change","title":"Change"}},"context":{"id":"wamid.A"}},
        {"from":"16505551234","id":"d","timestamp":"1750030073","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"row","title":"Row","description":""}},"context":{"id":"wamid.A"}},
        {"from":"16505551234","id":"e","timestamp":"1750030073","type":"reaction","reaction":{"message_id":"wamid.A","emoji":"👍"}},
        {"from_user_id":"US.13491208655302741918","id":"f","timestamp":"1750030073","type":"image","image":{"id":"1"}},
        {"from":"16505551234","id":"g","type":"system","system":{"type":"user_changed_number","wa_id":"16505550000"}}]"#,
    );
    let replies = read(&text).replies;
    let parts = |r: &Reply| (r.id.clone(), r.kind.clone(), r.choice.clone(), r.answers.clone(), r.from.is_some());
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        replies.iter().map(parts).collect::<Vec<_>>(),
        [
            ("a".into(), "text".into(), None, None, true),
            ("b".into(), "button".into(), some("yes-1"), some("wamid.A"), true),
            ("c".into(), "button_reply".into(), some("change"), some("wamid.A"), true),
            ("d".into(), "list_reply".into(), some("row"), some("wamid.A"), true),
            ("e".into(), "reaction".into(), some("👍"), some("wamid.A"), true),
            ("f".into(), "image".into(), None, None, false),
        ]
    );
}

#[test]
fn a_choice_in_whatsapps_settings_is_a_reply_that_opts_out() {
    let text = call(
        "user_preferences",
        &format!(
            r#"{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"{NUMBER}"}},"user_preferences":[
            {{"wa_id":"16505551234","detail":"User requested to stop marketing messages","category":"marketing_messages","value":"stop","timestamp":1731705721}},
            {{"wa_id":"16505551234","category":"marketing_messages","value":"resume","timestamp":1731705722}}]}}"#
        ),
    );
    let replies = read(&text).replies;
    let opt_out = crate::model::OptOut::new(Some(Vec::new()), Some(Vec::new()));
    assert_eq!(replies.iter().map(|reply| opt_out.matches(reply).is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(replies[0].from, Phone::from_digits("16505551234"));
    assert_eq!(read(&text).replies[0].id, replies[0].id);
}

#[test]
fn events_of_other_numbers_and_unused_ones_are_left_out() {
    let other = messages(r#""statuses":[{"id":"wamid.A","status":"sent"}]"#).replace(NUMBER, "1");
    for text in [other.as_str(), &call("account_update", "{}"), "{}", "[]", "null", r#"{"entry":[{"changes":[7]}]}"#] {
        assert!(read(text).is_empty(), "{text}");
    }
    assert_eq!(parse(b"no", NUMBER, NOW), Err(BadCallback::NotJson));
    assert_eq!(parse("[".repeat(100_000).as_bytes(), NUMBER, NOW), Err(BadCallback::NotJson));
}

#[test]
fn several_entries_and_changes_are_all_read() {
    let one = |id: &str| {
        let text = messages(&format!(r#""statuses":[{{"id":"{id}","status":"sent"}}]"#));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let (mut first, second) = (one("a"), one("b"));
    let change = second["entry"][0]["changes"][0].clone();
    first["entry"][0]["changes"].as_array_mut().unwrap().push(change);
    first["entry"].as_array_mut().unwrap().push(one("c")["entry"][0].clone());
    let ids: Vec<String> = read(&first.to_string()).statuses.into_iter().map(|status| status.message_id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn only_the_right_signature_of_the_raw_bytes_passes() {
    let secret = SecretString::from("app-secret");
    let body = messages(r#""statuses":[]"#);
    // printf BODY | openssl dgst -sha256 -hmac app-secret
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(body.as_bytes());
    let right = format!("sha256={}", crate::text::hex(&mac.finalize().into_bytes()));
    let check = |body: &str, signature: Option<&str>| signed_callback(body.as_bytes(), signature, &secret, NUMBER, NOW);
    assert!(check(&body, Some(&right)).is_ok());
    let wrong = right.replace(['0', '1'], "2");
    let short = &right[..right.len() - 2];
    for signature in [None, Some(""), Some("sha256="), Some(wrong.as_str()), Some(short), Some(&right[7..])] {
        assert_eq!(check(&body, signature), Err(BadCallback::Unsigned), "{signature:?}");
    }
    assert_eq!(check(&format!("{body} "), Some(&right)), Err(BadCallback::Unsigned));
}
