//! The simulated NXLink: templates, flows and media under `/saas/wa`. Enforces signatures, timestamps and body
//! structure.
//!
//! It has one account with dummy credentials, and keeps its templates in memory. Where the document leaves two
//! answers open, it always gives the same one: a repeated name is refused with 22072; the details of a template with
//! a header or footer come as WhatsApp's components.

use std::sync::{Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::model::Millis;

/// Path prefix of all NXLink requests.
pub(super) const BASE: &str = "/saas/wa/";
/// The only access key, a dummy.
pub(super) const ACCESS_KEY: &str = "fme2na3kdi3ki";
pub(super) const ACCESS_SECRET: &str = "abciiiko2k3";
/// How far a request's timestamp may be off, in milliseconds.
const MAX_CLOCK_SKEW: i64 = 60_000;
const MAX_BODY: usize = 1 << 20;

/// The simulated NXLink.
#[derive(Default)]
pub(super) struct NxlinkServer {
    state: Mutex<AccountState>,
}

#[derive(Default)]
struct AccountState {
    last_id: u64,
    templates: Vec<Template>,
}

struct Template {
    id: u64,
    /// The document's number of a status.
    status: u64,
    /// The body of the request that created or updated it.
    body: Value,
}

/// A code and a message.
type ApiError = (i64, &'static str);

const INVALID: i64 = 22072;
const NO_SUCH_TEMPLATE: ApiError = (INVALID, "template not found");
/// The status of a template that can be sent.
const IN_USE: u64 = 2;

impl NxlinkServer {
    /// Sets the status of every template called `name`. Ignores a status that is not a number: it is meant for CAMS.
    pub(super) fn review(&self, name: &str, status: &str) {
        let Ok(status) = status.parse() else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let named = state.templates.iter_mut().filter(|template| template.body["name"] == name);
        named.for_each(|template| template.status = status);
    }

    pub(super) async fn answer(&self, head: &Parts, body: Body) -> Response {
        let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
        let envelope = match verify_signature(head, &body).and_then(|()| self.call(head, &body)) {
            Ok(data) => json!({"code": 0, "message": "", "data": data, "traceId": "16f9ca88e70844a8a088f9a4a3806e5e"}),
            Err((code, message)) => {
                json!({"code": code, "message": message, "data": null, "traceId": "16f9ca88e70844a8a088f9a4a3806e5e"})
            }
        };
        let mut response = Response::new(Body::from(envelope.to_string()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn call(&self, head: &Parts, body: &Bytes) -> Result<Value, ApiError> {
        let route: Vec<&str> = head.uri.path().trim_start_matches(BASE).trim_start_matches('/').split('/').collect();
        let phone = route.get(1).copied().unwrap_or_default();
        if phone.is_empty() || !phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((22016, "merchant has not configured the WhatsApp app"));
        }
        let query = |key: &str| query_parameter(head, key);
        let require_tenant = || match query("tenant_id").is_some_and(|id| id.parse::<u64>().is_ok()) {
            true => Ok(()),
            false => Err((INVALID, "tenant_id is required")),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&head.method, route.as_slice()) {
            (&Method::GET, ["template", _]) => {
                require_tenant()?;
                let number = |key| query(key).and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
                let page = number("page_number").ok_or((INVALID, "page_number is required"))?;
                let size = number("page_size").ok_or((INVALID, "page_size is required"))?;
                let name = query("name").unwrap_or_default();
                let has_name =
                    |template: &&Template| template.body["name"].as_str().is_some_and(|other| other.contains(&name));
                let found: Vec<Value> = state.templates.iter().filter(has_name).map(summary).collect();
                let list: Vec<&Value> = found.iter().skip((page - 1) * size).take(size).collect();
                Ok(json!({"list": list, "total": found.len(), "has_next_page": page * size < found.len()}))
            }
            (&Method::POST, ["template", _]) => {
                let body = parse_template(body)?;
                if state.templates.iter().any(|other| is_same_template(&other.body, &body)) {
                    return Err((INVALID, "a template with this name and language already exists"));
                }
                state.last_id += 1;
                let id = state.last_id;
                state.templates.push(Template { id, status: IN_USE, body });
                Ok(json!({"id": id}))
            }
            (&Method::PUT, ["template", _]) => {
                let body = parse_template(body)?;
                let found = state.templates.iter_mut().find(|other| is_same_template(&other.body, &body));
                found.ok_or(NO_SUCH_TEMPLATE)?.body = body;
                Ok(Value::Null)
            }
            (&Method::GET, ["template", _, id]) => {
                require_tenant()?;
                let found = state.templates.iter().find(|template| template.id.to_string() == *id);
                found.map(details).ok_or(NO_SUCH_TEMPLATE)
            }
            (&Method::DELETE, ["template", _, id]) => {
                require_tenant()?;
                let found = state.templates.iter().position(|template| template.id.to_string() == *id);
                state.templates.remove(found.ok_or(NO_SUCH_TEMPLATE)?);
                Ok(Value::Null)
            }
            (&Method::GET, ["flow", _]) => {
                require_tenant()?;
                Ok(
                    json!({"flow_list": [{"id": "470341793809141", "name": "1", "status": "DRAFT", "categories": ["OTHER"],
                    "validation_errors": [], "published": false, "created_at": "2024-06-26T16:16:31Z"}]}),
                )
            }
            (&Method::POST, ["media", _]) => upload(head, body),
            _ => Err((-1, "failure")),
        }
    }
}

/// Answers an upload of media by URL.
fn upload(head: &Parts, body: &Bytes) -> Result<Value, ApiError> {
    let boundary = content_type(head).split_once("boundary=").map(|(_, boundary)| boundary.to_owned());
    let text = String::from_utf8_lossy(body);
    let url = boundary.and_then(|boundary| {
        let part = text.split(&format!("--{boundary}")).find(|part| part.contains("name=\"url\""))?.to_owned();
        Some(part.split_once("\r\n\r\n")?.1.trim().to_owned())
    });
    let url = url.filter(|url| url.starts_with("http")).ok_or((INVALID, "url is required"))?;
    let name = url.rsplit('/').next().unwrap_or_default();
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "mp4" | "3gp" => "VIDEO",
        "pdf" | "doc" | "docx" | "txt" => "DOCUMENT",
        _ => "IMAGE",
    };
    Ok(json!({"media_id": "1167113681293447", "original_filename": name, "media_type": kind, "url": url}))
}

/// Checks the common parameters of a request and its signature.
fn verify_signature(head: &Parts, body: &Bytes) -> Result<(), ApiError> {
    let get = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let missing = || (1001, "missing common parameters");
    let key = get("accessKey").ok_or_else(missing)?;
    let ts = get("ts").ok_or_else(missing)?;
    let biz_type = get("bizType").ok_or_else(missing)?;
    let action = get("action").ok_or_else(missing)?;
    let sign = get("sign").ok_or_else(missing)?;
    if (biz_type, action) != ("2", "mt") {
        return Err((1002, "parameter error"));
    }
    if key != ACCESS_KEY {
        return Err((1005, "insufficient permissions"));
    }
    if ts.parse::<i64>().map_or(true, |ts| (Millis::now().0 - ts).abs() > MAX_CLOCK_SKEW) {
        return Err((1004, "timestamp expired"));
    }
    let is_form = head.uri.path().contains("/media/");
    let media_type = if is_form { "multipart/form-data" } else { "application/json" };
    let mut text = format!("accessKey={key}&action={action}&bizType={biz_type}&ts={ts}").into_bytes();
    if !is_form && !body.is_empty() {
        text.extend_from_slice(b"&body=");
        text.extend_from_slice(body);
    }
    text.extend_from_slice(format!("&accessSecret={ACCESS_SECRET}").as_bytes());
    let expected: String = Md5::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    if sign != expected || !content_type(head).starts_with(media_type) {
        return Err((1003, "invalid signature"));
    }
    Ok(())
}

fn content_type(head: &Parts) -> &str {
    head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns the decoded parameter `key` of the query, unless it is missing or empty.
fn query_parameter(head: &Parts, key: &str) -> Option<String> {
    let pairs = head.uri.query().unwrap_or_default().split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key)?.1;
    let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// Parses and checks the body of a request that creates or updates a template.
fn parse_template(body: &Bytes) -> Result<Value, ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| (INVALID, "the body is not JSON"))?;
    let text = |key: &str| body[key].as_str().is_some_and(|text| !text.is_empty());
    if !body["tenant_id"].is_u64() {
        return Err((INVALID, "tenant_id is required"));
    }
    if !["name", "language", "content"].into_iter().all(text) {
        return Err((INVALID, "name, language and content are required"));
    }
    if !matches!(body["category_type"].as_u64(), Some(1 | 2)) {
        return Err((INVALID, "category_type must be 1 or 2"));
    }
    for button in body["buttonComponents"].as_array().into_iter().flatten() {
        let has = |key: &str| button[key].as_str().is_some_and(|text| !text.is_empty());
        let is_complete = has("text")
            && match button["type"].as_str() {
                Some("QUICK_REPLY") => true,
                Some("URL") => has("url"),
                Some("PHONE_NUMBER") => has("phoneNumber"),
                Some("FLOW") => has("flow_id"),
                Some("COPY_CODE") => button["example"].is_array(),
                _ => false,
            };
        if !is_complete {
            return Err((INVALID, "a button is incomplete"));
        }
    }
    Ok(body)
}

/// Returns whether two bodies describe the same template.
fn is_same_template(one: &Value, other: &Value) -> bool {
    one["name"] == other["name"] && one["language"] == other["language"]
}

/// Returns a template as the list shows it.
fn summary(Template { id, status, body }: &Template) -> Value {
    let category = if body["category_type"] == 1 { "MARKETING" } else { "UTILITY" };
    json!({
        "id": id, "channel": 2, "name": body["name"], "content": body["content"],
        "created_at": "2024-06-25 14:31:26", "updated_at": "2024-06-25 15:27:39", "status": status,
        "language": body["language"], "language_name": body["language"], "unsubscribe": "", "additional": null,
        "quality": "UNKNOWN", "category": category, "category_type": body["category_type"], "waRejectedReason": "",
        "is_close_auto_flow": body["is_close_auto_flow"].as_u64().unwrap_or(0),
    })
}

/// Returns a template as the request for one template shows it.
fn details(template: &Template) -> Value {
    let body = &template.body;
    let has = |key: &str| body[key].as_str().is_some_and(|text| !text.is_empty());
    if !["headerText", "mediaType", "footerText"].into_iter().any(has) {
        let mut plain = summary(template);
        plain["buttonComponents"] = body.get("buttonComponents").cloned().unwrap_or_default();
        return plain;
    }
    let mut components = Vec::new();
    if has("mediaType") {
        components.push(
            json!({"type": "HEADER", "format": body["mediaType"], "text": null, "media_id": body["mediaId"],
            "filename": body["mediaName"], "h": body["templateMediaId"],
            "example": {"header_handle": "https://example.com/media", "file_name": body["mediaName"]}}),
        );
    } else if has("headerText") {
        components.push(json!({"type": "HEADER", "format": "TEXT", "text": body["headerText"], "example": null}));
    }
    components.push(json!({"type": "BODY", "text": body["content"], "example": {"body_text": [["8613800000000"]]}}));
    if has("footerText") {
        components.push(json!({"type": "FOOTER", "text": body["footerText"], "example": null}));
    }
    let buttons: Vec<Value> = body["buttonComponents"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|button| {
            json!({"type": button["type"], "text": button["text"], "payload": null, "url": button["url"],
            "phone_number": button["phoneNumber"], "flow_id": button["flow_id"], "example": button["example"],
            "buttonReqs": {"type": button["type"], "customizeType": button["customizeType"], "text": button["text"],
                "payload": "305", "buttonEvents": button["buttonEvents"]}})
        })
        .collect();
    if !buttons.is_empty() {
        components.push(json!({"type": "BUTTONS", "text": null, "buttons": buttons}));
    }
    let category = if body["category_type"] == 1 { "MARKETING" } else { "UTILITY" };
    json!({"namespace": null, "name": body["name"], "category": category, "category_type": body["category_type"],
        "components": components})
}
