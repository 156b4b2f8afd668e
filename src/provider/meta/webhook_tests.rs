//! Meta's webhooks, in the shapes of its documents.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::*;
use crate::model::{AccountChange, KnownPerson, Phone, ReferenceKey, RowNumber, UserId};

const NOW: Millis = Millis(1_800_000_000_000);
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

/// The receiver of this number's webhooks, and of another's.
fn receiver() -> MetaReceiver {
    MetaReceiver {
        app_secret: SecretString::from("app-secret"),
        account: "account".into(),
        waba_id: None,
        numbers: BTreeMap::from([(NUMBER.into(), "account".into()), ("2".into(), "second account".into())]),
    }
}

fn read(text: &str) -> Callback {
    parse(text.as_bytes(), &receiver(), NOW).unwrap()
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
    assert_eq!(read(&text), Callback { statuses: expected, accounts: vec!["account".into()], ..Callback::default() });
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
    for text in [
        other.as_str(),
        &call("account_update", "{}"),
        &call("calls", "{}"),
        "{}",
        "[]",
        "null",
        r#"{"entry":[{"changes":[7]}]}"#,
    ] {
        assert!(read(text).is_empty(), "{text}");
    }
    assert_eq!(parse(b"no", &receiver(), NOW), Err(BadCallback::NotJson));
    assert_eq!(parse("[".repeat(100_000).as_bytes(), &receiver(), NOW), Err(BadCallback::NotJson));
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
    let body = messages(r#""statuses":[]"#);
    // printf BODY | openssl dgst -sha256 -hmac app-secret
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(body.as_bytes());
    let right = format!("sha256={}", crate::text::hex(&mac.finalize().into_bytes()));
    let check = |body: &str, signature: Option<&str>| signed_callback(body.as_bytes(), signature, &receiver(), NOW);
    assert!(check(&body, Some(&right)).is_ok());
    let wrong = right.replace(['0', '1'], "2");
    let short = &right[..right.len() - 2];
    for signature in [None, Some(""), Some("sha256="), Some(wrong.as_str()), Some(short), Some(&right[7..])] {
        assert_eq!(check(&body, signature), Err(BadCallback::Unsigned), "{signature:?}");
    }
    assert_eq!(check(&format!("{body} "), Some(&right)), Err(BadCallback::Unsigned));
}

#[test]
fn the_numbers_of_one_app_share_its_url() {
    let text = messages(r#""statuses":[{"id":"wamid.A","status":"sent"}]"#);
    let accounts = |number: &str| read(&text.replace(NUMBER, number)).accounts;
    // Only statuses show that statuses arrive.
    let reply = messages(r#""messages":[{"from":"16505551234","id":"a","type":"text","text":{"body":"Hi"}}]"#);
    let event = call("account_update", r#"{"event":"ACCOUNT_VIOLATION"}"#);
    for other in [reply, event] {
        let read = read(&other);
        assert!(!read.is_empty() && read.accounts.is_empty(), "{read:?}");
    }
    assert_eq!(accounts(NUMBER), ["account"]);
    assert_eq!(accounts("2"), ["second account"]);
    assert_eq!(accounts("3"), [""; 0]);
}

#[test]
fn people_are_known_by_their_number_or_by_a_message_to_them() {
    let text = messages(
        r#""contacts":[{"wa_id":"16505550001","user_id":"US.1"},{"user_id":"US.2"}],"statuses":[
        {"id":"wamid.A","status":"sent","recipient_id":"16505550003","recipient_user_id":"US.3","parent_recipient_user_id":"US.ENT.3"},
        {"id":"wamid.B","status":"sent","recipient_user_id":"US.4"},{"id":"wamid.C","status":"sent","recipient_id":"16505550005"}],
        "messages":[{"from":"16505550006","from_user_id":"US.6","id":"a","type":"text","text":{"body":"Hi"}},
        {"from_user_id":"US.7","id":"b","type":"text","text":{"body":"Stop"}}]"#,
    );
    let Callback { people, replies, .. } = read(&text);
    let user = |id: &str| UserId::parse(id).unwrap();
    let known = |id: &str, number: Option<&str>, message: Option<&str>| KnownPerson {
        user: user(id),
        phone: number.and_then(Phone::from_digits),
        message_id: message.map(str::to_owned),
    };
    let expected = [
        known("US.3", Some("16505550003"), Some("wamid.A")),
        known("US.ENT.3", Some("16505550003"), Some("wamid.A")),
        known("US.4", None, Some("wamid.B")),
        known("US.1", Some("16505550001"), None),
        known("US.6", Some("16505550006"), None),
    ];
    assert_eq!(people, expected);
    assert_eq!(
        replies.iter().map(|reply| reply.user.clone()).collect::<Vec<_>>(),
        [Some(user("US.6")), Some(user("US.7"))]
    );
}

#[test]
fn an_opt_out_may_come_with_an_id_alone() {
    let value = r#"{"user_preferences":[{"user_id":"US.1","category":"marketing_messages","value":"stop","timestamp":1731705721}]}"#;
    let Callback { people, replies, .. } = read(&call("user_preferences", value));
    assert_eq!((people.len(), replies.len()), (0, 1));
    assert_eq!((replies[0].from, replies[0].user.clone()), (None, UserId::parse("US.1")));
    assert!(replies[0].stops_marketing());
}

#[test]
fn reports_about_templates_and_accounts() {
    let template = r#""message_template_id":594425479261596,"message_template_name":"spring_sale","message_template_language":"en-US""#;
    let of = |field: &str, rest: &str| {
        let value = format!("{{{template},{rest}}}");
        let text = call(field, &value).replace(r#""changes""#, r#""time":1751247548,"changes""#);
        let mut events = read(&text).events;
        assert_eq!(events.len(), 1, "{field} {rest}");
        let event = events.remove(0);
        assert_eq!((event.at, event.account.as_deref()), (Millis(1_751_247_548_000), Some("account")));
        let name = event.template.map(|of| format!("{} {}", of.name, of.language));
        (event.kind, event.value.original().to_owned(), event.reason.map(|why| why.original().to_owned()), name)
    };
    let named = Some("spring_sale en_US".to_owned());
    let some = |text: &str| Some(text.to_owned());
    for (field, rest, kind, value, reason, name) in [
        (
            "message_template_status_update",
            r#""event":"PAUSED","reason":"NONE","other_info":{"title":"FIRST_PAUSE","description":"low quality"}"#,
            AccountChange::TemplateState,
            "PAUSED",
            some("low quality"),
            &named,
        ),
        (
            "message_template_status_update",
            r#""event":"APPROVED","reason":"NONE""#,
            AccountChange::TemplateState,
            "APPROVED",
            None,
            &named,
        ),
        (
            "message_template_status_update",
            r#""event":"REJECTED","reason":"PROMOTIONAL""#,
            AccountChange::TemplateState,
            "REJECTED",
            some("PROMOTIONAL"),
            &named,
        ),
        (
            "message_template_quality_update",
            r#""previous_quality_score":"GREEN","new_quality_score":"YELLOW""#,
            AccountChange::TemplateQuality,
            "YELLOW",
            None,
            &named,
        ),
        (
            "template_category_update",
            r#""previous_category":"UTILITY","new_category":"MARKETING""#,
            AccountChange::TemplateCategory,
            "MARKETING",
            None,
            &named,
        ),
        (
            "template_category_update",
            r#""new_category":"UTILITY","correct_category":"MARKETING","category_update_timestamp":1"#,
            AccountChange::ComingCategory,
            "MARKETING",
            None,
            &named,
        ),
        (
            "phone_number_quality_update",
            r#""display_phone_number":"15550783881","event":"DOWNGRADE","current_limit":"TIER_2K""#,
            AccountChange::Number,
            "DOWNGRADE",
            some("TIER_2K"),
            &None,
        ),
        (
            "business_capability_update",
            r#""max_daily_conversations_per_business":2000"#,
            AccountChange::Limit,
            "2000",
            None,
            &None,
        ),
        (
            "account_update",
            r#""event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING"}]"#,
            AccountChange::Account,
            "ACCOUNT_RESTRICTION",
            some("RESTRICTED_BIZ_INITIATED_MESSAGING"),
            &None,
        ),
    ] {
        assert_eq!(of(field, rest), (kind, value.to_owned(), reason, name.clone()), "{field}");
    }
    // Neither long words nor a time ahead of this clock are taken as they are.
    let long = "x".repeat(5_000);
    let far = format!(r#"{{{template},"event":"{long}"}}"#);
    let far = call("message_template_status_update", &far).replace(r#""changes""#, r#""time":9999999999,"changes""#);
    let event = read(&far).events.remove(0);
    assert_eq!((event.value.original().len(), event.at), (512, NOW));
    // A report about another account keeps that account's id alone.
    let other = MetaReceiver { waba_id: Some("7".into()), ..receiver() };
    let text = call("message_template_status_update", &format!(r#"{{{template},"event":"PAUSED"}}"#));
    let events = parse(text.as_bytes(), &other, NOW).unwrap().events;
    assert_eq!(
        (events[0].account.as_deref(), events[0].business_account.as_str(), events[0].at),
        (None, "102290129340398", NOW)
    );
    for rest in [r#"{"event":"PAUSED"}"#, r#"{"message_template_name":"a"}"#, "7", "null"] {
        assert_eq!(read(&call("message_template_status_update", rest)).events, []);
    }
}

#[test]
fn a_code_is_a_number_even_as_text_and_no_word_passes_for_a_code_of_ours() {
    for (code, expected) in
        [("131050", "131050"), ("\"131050\"", "131050"), ("\"held\"", "unknown"), ("null", "unknown")]
    {
        let text = messages(&format!(r#""statuses":[{{"id":"a","status":"failed","errors":[{{"code":{code}}}]}}]"#));
        assert_eq!(read(&text).statuses[0].problem.as_ref().unwrap().code, expected, "{code}");
    }
}
