//! Parses the provider's webhook calls: <https://document.infin8linx.com/books/incs-messages-api/page/bac91> for
//! statuses, the chapters on lists and reply buttons of its Messages API for replies, and WhatsApp's own shapes within
//! these.
//!
//! Parsing is lenient: unused values may be anything, and an unused event is not an error.

use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::MessageId;
use crate::model::{DeliveryStatus, Millis, Problem, Reply, StatusUpdate, plain_code};
use crate::provider::lenient_json::parse;
use crate::provider::webhook::{BadCallback, Callback, people_in, reply, seconds, word};

/// Parses the body of a webhook call. `now` is the time of a reply that has none.
///
/// # Errors
/// When it is not JSON, or lacks a required value.
pub fn callback(body: &[u8], now: Millis) -> Result<Callback, BadCallback> {
    let text = body;
    let body = parse(text).ok_or(BadCallback::NotJson)?;
    match body["event"].as_str() {
        Some("message_status_update") => {
            Ok(Callback { statuses: vec![status(&body, id_in(text))?], ..Callback::default() })
        }
        Some("new_message") => {
            let message = &body["message"];
            let replies = replies(&message["messages"], now)?;
            Ok(Callback { replies, people: people_in(message).collect(), ..Callback::default() })
        }
        _ => Ok(Callback::default()),
    }
}

/// Returns the message id of a status, read in the same way as the response to a send.
fn id_in(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Status<'a> {
        #[serde(borrow)]
        message_id: &'a RawValue,
    }
    let Status { message_id } = serde_json::from_slice(body).ok()?;
    MessageId::read(message_id).known()
}

fn status(body: &Value, message_id: Option<String>) -> Result<StatusUpdate, BadCallback> {
    let message_id = message_id.ok_or(BadCallback::Lacks("message_id"))?;
    let status = word(&body["message_status"]).ok_or(BadCallback::Lacks("message_status"))?;
    let status = DeliveryStatus::from_word(&status);
    let at = seconds(&body["received_at"]);
    Ok(StatusUpdate {
        message_id,
        delivered_at: at.filter(|_| status == DeliveryStatus::Delivered),
        read_at: at.filter(|_| status == DeliveryStatus::Read),
        problem: reason(&body["error"]).filter(|_| status == DeliveryStatus::Failed),
        status,
        reference: None,
    })
}

/// Returns why a message failed: WhatsApp's code and words.
fn reason(error: &Value) -> Option<Problem> {
    let code = word(&error["code"])?;
    let code = plain_code(&code).unwrap_or("unknown").to_owned();
    let title = word(&error["title"]).unwrap_or_else(|| "the provider gave a code but no reason".to_owned());
    Some(Problem::new(code, title))
}

/// Returns the replies that can be read, and skips the others.
fn replies(messages: &Value, now: Millis) -> Result<Vec<Reply>, BadCallback> {
    let messages = messages.as_array().ok_or(BadCallback::Lacks("message.messages"))?;
    let replies: Vec<Reply> = messages.iter().filter_map(|message| reply(message, now)).collect();
    if replies.is_empty() { Err(BadCallback::Lacks("message.messages[].id")) } else { Ok(replies) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KnownPerson, Phone, UserId};

    const NOW: Millis = Millis(7);

    fn read(text: &str) -> Result<Callback, BadCallback> {
        callback(text.as_bytes(), NOW)
    }

    #[test]
    fn the_documents_status_callback() {
        let text = r#"{"event":"message_status_update","channel_id":30058,"business_phone":"6281519236680","message_id":"wamid.HBgN","message_status":"failed","error":{"code":131049,"title":"This message was not delivered to maintain healthy ecosystem engagement."},"received_at":1754466101}"#;
        let title = "This message was not delivered to maintain healthy ecosystem engagement.";
        let failed = StatusUpdate {
            message_id: "wamid.HBgN".into(),
            status: DeliveryStatus::Failed,
            delivered_at: None,
            read_at: None,
            problem: Some(Problem::new("131049", title)),
            reference: None,
        };
        assert_eq!(read(text), Ok(Callback { statuses: vec![failed.clone()], ..Callback::default() }));
        let at = Some(Millis(1_754_466_101_000));
        let arrived = |word: &str, delivered_at, read_at| StatusUpdate {
            status: DeliveryStatus::from_word(word),
            delivered_at,
            read_at,
            problem: None,
            ..failed.clone()
        };
        for (word, update) in [
            ("sent", arrived("sent", None, None)),
            ("delivered", arrived("delivered", at, None)),
            ("read", arrived("read", None, at)),
            ("on its way", arrived("on its way", None, None)),
        ] {
            let text = text.replace("\"failed\"", &format!("\"{word}\""));
            assert_eq!(read(&text), Ok(Callback { statuses: vec![update], ..Callback::default() }), "{word}");
        }
        let bare = text.replace(
            r#"{"code":131049,"title":"This message was not delivered to maintain healthy ecosystem engagement."}"#,
            "null",
        );
        assert_eq!(
            read(&bare),
            Ok(Callback { statuses: vec![StatusUpdate { problem: None, ..failed }], ..Callback::default() })
        );
    }

    #[test]
    fn the_documents_list_reply() {
        let listed = Reply {
            id: "wamid.HBgNNjI4MTUxOTE0MDMyNxUCABIYIEFDOTgzNjhFOTU2NDgxMDI4NEY2NDdCOTg0MkEyMDgzAA==".into(),
            from: Phone::from_digits("6281519140327"),
            user: UserId::parse("ID.1459909096148557"),
            parent: None,
            answers: Some("wamid.HBgNNjI4MTUxOTE0MDMyNxUCABEYEjI2OTlBQTkxMjkwNjc5N0NGRQA=".into()),
            at: Millis(1_777_368_530_000),
            kind: "list_reply".into(),
            choice: Some("row_1.2".into()),
            title: Some("row 1.2".into()),
            text: None,
        };
        // The contact and the message both say so.
        let (user, phone) = (UserId::parse("ID.1459909096148557").unwrap(), Phone::from_digits("6281519140327"));
        let known = KnownPerson { user, phone, message_id: None };
        assert_eq!(
            read(include_str!("documented/list_reply.json")),
            Ok(Callback { replies: vec![listed], people: vec![known.clone(), known], ..Callback::default() })
        );
    }

    #[test]
    fn the_documents_button_reply() {
        let Ok(Callback { replies, .. }) = read(include_str!("documented/button_reply.json")) else { panic!() };
        let [reply] = replies.as_slice() else { panic!("{replies:?}") };
        assert_eq!(
            (reply.kind.as_str(), reply.choice.as_deref(), reply.title.as_deref()),
            ("button_reply", Some("change-button"), Some("Change"))
        );
        assert_eq!(reply.answers.as_deref(), Some("wamid.HBgNNjI4MTUxOTE0MDMyNxUCABEYEjYwRDc4QjE0M0UyQjI5QTVDMAA="));
    }

    /// Not in the provider's documentation; WhatsApp's own formats, which it passes on.
    #[test]
    fn what_people_write_and_a_templates_buttons() {
        let text = r#"{"event": "new_message", "message": {"messages": [
            {"from": "85268411234", "id": "a", "timestamp": 1777368530, "type": "button", "button": {"payload": "yes-1", "text": "Yes"}, "context": {"id": "w"}},
            {"type": "text"},
            {"from_user_id": "ID.1", "id": "b", "type": "text", "text": {"body": "STOP"}},
            {"from": "85268411234", "id": "c", "type": "image", "image": {"id": "1"}}]}}"#;
        let Ok(Callback { replies, .. }) = read(text) else { panic!() };
        let parts = |r: &Reply| (r.id.clone(), r.kind.clone(), r.choice.clone(), r.title.clone(), r.text.clone(), r.at);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            replies.iter().map(parts).collect::<Vec<_>>(),
            [
                ("a".into(), "button".into(), some("yes-1"), some("Yes"), None, Millis(1_777_368_530_000)),
                ("b".into(), "text".into(), None, None, some("STOP"), NOW),
                ("c".into(), "image".into(), None, None, None, NOW),
            ]
        );
        assert_eq!((replies[1].from, &replies[1].answers), (None, &None));
    }

    #[test]
    fn what_is_not_used_is_no_error_and_what_cannot_be_read_is_reported_without_a_word_of_it() {
        for text in [
            r#"{"event": "template_status_update", "template_id": 1, "new_value": "APPROVED"}"#,
            r#"{"event": "message_created", "channel_status": 4, "channel_msg_id": "w"}"#,
            "{}",
            "[]",
            "null",
            "\"secret\"",
        ] {
            assert_eq!(read(text), Ok(Callback::default()), "{text}");
        }
        for (text, bad) in [
            ("", BadCallback::NotJson),
            ("geheim", BadCallback::NotJson),
            (r#"{"event": "message_status_update"}"#, BadCallback::Lacks("message_id")),
            (
                r#"{"event": "message_status_update", "message_id": "  ", "message_status": "read"}"#,
                BadCallback::Lacks("message_id"),
            ),
            (
                r#"{"event": "message_status_update", "message_id": "w", "message_status": {}}"#,
                BadCallback::Lacks("message_status"),
            ),
            (r#"{"event": "new_message", "message": "geheim"}"#, BadCallback::Lacks("message.messages")),
            (
                r#"{"event": "new_message", "message": {"messages": [{"geheim": 1}, 3]}}"#,
                BadCallback::Lacks("message.messages[].id"),
            ),
        ] {
            assert_eq!(read(text), Err(bad), "{text}");
            assert!(!bad.to_string().contains("geheim"));
        }
        assert_eq!(read(&"[".repeat(100_000)), Err(BadCallback::NotJson));
        let long = format!(
            r#"{{"event": "message_status_update", "message_id": "{}", "message_status": "read"}}"#,
            "x".repeat(2_001)
        );
        assert_eq!(read(&long), Err(BadCallback::Lacks("message_id")));
        let number = r#"{"event": "message_status_update", "message_id": 123456789012345678901234567890, "message_status": "sent"}"#;
        let Ok(Callback { statuses, .. }) = read(number) else { panic!() };
        assert_eq!(statuses[0].message_id, "123456789012345678901234567890");
    }
}
