//! The JSON of INCS's answers, byte for byte as the documents show it.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use super::refusal::Refusal;
use crate::simulator::delivery_model::MessageStatus;

/// Returns the answer to an accepted message.
pub(super) fn accepted(id: &str) -> Response {
    let head = r#"{"status":"success","code":200,"message":"","data":{"msg_id":""#;
    let tail = r#""},"error":{}}"#;
    let mut body = String::with_capacity(head.len() + id.len() + tail.len());
    for part in [head, id, tail] {
        body.push_str(part);
    }
    json(StatusCode::OK, body.into_bytes())
}

/// Returns the answer to a refused request.
///
/// The documents do not say which HTTP status goes with a code. A code that is an HTTP status is sent as the status
/// too. Every other refusal is sent with 200, which exposes a client that only checks the HTTP status.
pub(super) fn refused(refusal: &Refusal) -> Response {
    #[derive(Serialize)]
    struct Envelope<'a> {
        status: &'static str,
        code: u16,
        message: &'a str,
        data: EmptyObject,
        error: EmptyObject,
    }
    let Refusal { code, message } = refusal;
    let envelope = Envelope { status: "error", code: *code, message, data: EmptyObject {}, error: EmptyObject {} };
    let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::OK);
    let mut response = json(if *code < 1000 { status } else { StatusCode::OK }, bytes(&envelope));
    if *code == Refusal::TOO_MANY.code {
        // The throttle looks back one second, so there is room again after one second.
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The status of one message in a status answer.
#[derive(Serialize)]
pub(super) struct StatusEntry<'a> {
    message_id: &'a str,
    message_status: &'static str,
    created_at: i64,
    delivered_at: i64,
    read_at: i64,
}

impl<'a> StatusEntry<'a> {
    pub(super) fn new(id: &'a str, status: MessageStatus) -> Self {
        let MessageStatus { status, created_at, delivered_at, read_at } = status;
        Self { message_id: id, message_status: status, created_at, delivered_at, read_at }
    }
}

/// Returns the answer to a status request.
pub(super) fn statuses(entries: &[StatusEntry<'_>]) -> Response {
    #[derive(Serialize)]
    struct Envelope<'a> {
        status: &'static str,
        code: u16,
        message: &'static str,
        error: EmptyObject,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        data: &'a [StatusEntry<'a>],
    }
    let data = Data { data: entries };
    json(StatusCode::OK, bytes(&Envelope { status: "success", code: 200, message: "", error: EmptyObject {}, data }))
}

#[derive(Serialize)]
struct EmptyObject {}

/// Serializing strings and numbers cannot fail, so the empty default is never sent.
fn bytes(envelope: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(envelope).unwrap_or_default()
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
