//! The provider's envelopes, byte for byte as the documents show them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use super::refusal::Refusal;
use crate::simulator::delivery_model::Status;

/// The answer to an accepted message.
pub(super) fn accepted(id: &str) -> Response {
    let head = r#"{"status":"success","code":200,"message":"","data":{"msg_id":""#;
    let tail = r#""},"error":{}}"#;
    let mut body = String::with_capacity(head.len() + id.len() + tail.len());
    for part in [head, id, tail] {
        body.push_str(part);
    }
    json(StatusCode::OK, body.into_bytes())
}

/// The answer to a refused request.
///
/// The documents do not say which HTTP status belongs to a code. Here a code that is an HTTP status is sent as
/// one, and every other refusal as 200, so that a client which looks at the status alone is found out.
pub(super) fn refused(refusal: &Refusal) -> Response {
    #[derive(Serialize)]
    struct Envelope<'a> {
        status: &'static str,
        code: u16,
        message: &'a str,
        data: Nothing,
        error: Nothing,
    }
    let Refusal { code, message } = refusal;
    let envelope = Envelope { status: "error", code: *code, message, data: Nothing {}, error: Nothing {} };
    let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::OK);
    let mut response = json(if *code < 1000 { status } else { StatusCode::OK }, bytes(&envelope));
    if *code == Refusal::TOO_MANY.code {
        // The window is a second long, so that in one second there is room again.
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An entry of a status answer.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    message_id: &'a str,
    message_status: &'static str,
    created_at: i64,
    delivered_at: i64,
    read_at: i64,
}

impl<'a> Entry<'a> {
    pub(super) fn new(id: &'a str, status: Status) -> Self {
        let Status { word, created_at, delivered_at, read_at } = status;
        Self { message_id: id, message_status: word, created_at, delivered_at, read_at }
    }
}

/// The answer to a status request.
pub(super) fn statuses(entries: &[Entry<'_>]) -> Response {
    #[derive(Serialize)]
    struct Envelope<'a> {
        status: &'static str,
        code: u16,
        message: &'static str,
        error: Nothing,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        data: &'a [Entry<'a>],
    }
    let data = Data { data: entries };
    json(StatusCode::OK, bytes(&Envelope { status: "success", code: 200, message: "", error: Nothing {}, data }))
}

#[derive(Serialize)]
struct Nothing {}

/// Texts and numbers always become JSON, so that the empty body of the other case is never sent.
fn bytes(envelope: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(envelope).unwrap_or_default()
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
