//! The simulated NXLink: templates, flows and media below `/saas/wa`, strict about signatures, times and shapes.
//!
//! It knows one account, whose credentials are dummies, and keeps its templates in memory. What the document leaves open
//! it answers one way: a repeated name is 22072, a header or footer makes the details have WhatsApp's shape.

use std::sync::{Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::model::Millis;

/// Where everything of NXLink is.
pub(super) const BASE: &str = "/saas/wa/";
/// The dummy account.
pub(super) const ACCESS_KEY: &str = "fme2na3kdi3ki";
pub(super) const ACCESS_SECRET: &str = "abciiiko2k3";
/// The most that a request's time may be off, in milliseconds.
const DRIFT: i64 = 60_000;
const BODY_LIMIT: usize = 1 << 20;

/// The templates of the account.
#[derive(Default)]
pub(super) struct Nxlink {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last_id: u64,
    templates: Vec<Template>,
}

struct Template {
    id: u64,
    /// As the document numbers them.
    status: u64,
    /// What it was made from.
    body: Value,
}

/// A code and a message.
type Refusal = (i64, &'static str);

const INVALID: i64 = 22072;
/// The state of a template that can be sent.
const IN_USE: u64 = 2;

impl Nxlink {
    /// Puts the templates of a name into a state; a word is none of this provider's.
    pub(super) fn review(&self, name: &str, status: &str) {
        let Ok(status) = status.parse() else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.templates.iter_mut().filter(|kept| kept.body["name"] == name).for_each(|kept| kept.status = status);
    }

    pub(super) async fn answer(&self, head: &Parts, body: Body) -> Response {
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
        let envelope = match signed(head, &body).and_then(|()| self.data(head, &body)) {
            Ok(data) => json!({"code": 0, "message": "", "data": data, "traceId": "16f9ca88e70844a8a088f9a4a3806e5e"}),
            Err((code, message)) => {
                json!({"code": code, "message": message, "data": null, "traceId": "16f9ca88e70844a8a088f9a4a3806e5e"})
            }
        };
        let mut response = Response::new(Body::from(envelope.to_string()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn data(&self, head: &Parts, body: &Bytes) -> Result<Value, Refusal> {
        let route: Vec<&str> = head.uri.path().trim_start_matches(BASE).trim_start_matches('/').split('/').collect();
        let phone = route.get(1).copied().unwrap_or_default();
        if phone.is_empty() || !phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((22016, "merchant has not configured the WhatsApp app"));
        }
        let query = |key: &str| asked(head, key);
        let tenant_asked = || match query("tenant_id").is_some_and(|id| id.parse::<u64>().is_ok()) {
            true => Ok(()),
            false => Err((INVALID, "tenant_id is required")),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (&head.method, route.as_slice()) {
            (&Method::GET, ["template", _]) => {
                tenant_asked()?;
                let number = |key| query(key).and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
                let page = number("page_number").ok_or((INVALID, "page_number is required"))?;
                let size = number("page_size").ok_or((INVALID, "page_size is required"))?;
                let name = query("name").unwrap_or_default();
                let all: Vec<Value> = kept
                    .templates
                    .iter()
                    .filter(|kept| kept.body["name"].as_str().unwrap_or_default().contains(&name))
                    .map(item)
                    .collect();
                let list: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
                Ok(json!({"list": list, "total": all.len(), "has_next_page": page * size < all.len()}))
            }
            (&Method::POST, ["template", _]) => {
                let body = template(body)?;
                if kept.templates.iter().any(|other| is_same(&other.body, &body)) {
                    return Err((INVALID, "a template of this name and language exists"));
                }
                kept.last_id += 1;
                let id = kept.last_id;
                kept.templates.push(Template { id, status: IN_USE, body });
                Ok(json!({"id": id}))
            }
            (&Method::PUT, ["template", _]) => {
                let body = template(body)?;
                let found = kept.templates.iter_mut().find(|other| is_same(&other.body, &body));
                found.ok_or((INVALID, "there is no such template"))?.body = body;
                Ok(Value::Null)
            }
            (&Method::GET, ["template", _, id]) => {
                tenant_asked()?;
                let found = kept.templates.iter().find(|kept| kept.id.to_string() == *id);
                found.map(details).ok_or((INVALID, "there is no such template"))
            }
            (&Method::DELETE, ["template", _, id]) => {
                tenant_asked()?;
                let before = kept.templates.len();
                kept.templates.retain(|kept| kept.id.to_string() != *id);
                if kept.templates.len() < before {
                    Ok(Value::Null)
                } else {
                    Err((INVALID, "there is no such template"))
                }
            }
            (&Method::GET, ["flow", _]) => {
                tenant_asked()?;
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

fn upload(head: &Parts, body: &Bytes) -> Result<Value, Refusal> {
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

/// Whether a request is signed as the common rules ask.
fn signed(head: &Parts, body: &Bytes) -> Result<(), Refusal> {
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
    let drift = ts.parse::<i64>().map(|ts| (Millis::now().0 - ts).abs());
    if drift.is_err() || drift.is_ok_and(|drift| drift > DRIFT) {
        return Err((1004, "timestamp expired"));
    }
    let form = head.uri.path().contains("/media/");
    let wanted = if form { "multipart/form-data" } else { "application/json" };
    let mut text = format!("accessKey={key}&action={action}&bizType={biz_type}&ts={ts}").into_bytes();
    if !form && !body.is_empty() {
        text.extend_from_slice(b"&body=");
        text.extend_from_slice(body);
    }
    text.extend_from_slice(format!("&accessSecret={ACCESS_SECRET}").as_bytes());
    let right: String = Md5::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    if sign != right || !content_type(head).starts_with(wanted) {
        return Err((1003, "invalid signature"));
    }
    Ok(())
}

fn content_type(head: &Parts) -> &str {
    head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn asked(head: &Parts, key: &str) -> Option<String> {
    let pairs = head.uri.query().unwrap_or_default().split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key)?.1;
    let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The body of a create or update, if it is one.
fn template(body: &Bytes) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|_| (INVALID, "the body is not JSON"))?;
    let text = |key: &str| body[key].as_str().is_some_and(|text| !text.is_empty());
    if !body["tenant_id"].is_u64() {
        return Err((INVALID, "tenant_id is required"));
    }
    if !["name", "language", "content"].into_iter().all(text) {
        return Err((INVALID, "name, language and content are required"));
    }
    if !matches!(body["category_type"].as_u64(), Some(1 | 2)) {
        return Err((INVALID, "category_type is 1 or 2"));
    }
    for button in body["buttonComponents"].as_array().into_iter().flatten() {
        let has = |key: &str| button[key].as_str().is_some_and(|text| !text.is_empty());
        let whole = has("text")
            && match button["type"].as_str() {
                Some("QUICK_REPLY") => true,
                Some("URL") => has("url"),
                Some("PHONE_NUMBER") => has("phoneNumber"),
                Some("FLOW") => has("flow_id"),
                Some("COPY_CODE") => button["example"].is_array(),
                _ => false,
            };
        if !whole {
            return Err((INVALID, "a button is not whole"));
        }
    }
    Ok(body)
}

fn is_same(one: &Value, other: &Value) -> bool {
    one["name"] == other["name"] && one["language"] == other["language"]
}

fn item(Template { id, status, body }: &Template) -> Value {
    let category = if body["category_type"] == 1 { "MARKETING" } else { "UTILITY" };
    json!({
        "id": id, "channel": 2, "name": body["name"], "content": body["content"],
        "created_at": "2024-06-25 14:31:26", "updated_at": "2024-06-25 15:27:39", "status": status,
        "language": body["language"], "language_name": body["language"], "unsubscribe": "", "additional": null,
        "quality": "UNKNOWN", "category": category, "category_type": body["category_type"], "waRejectedReason": "",
        "is_close_auto_flow": body["is_close_auto_flow"].as_u64().unwrap_or(0),
    })
}

fn details(template: &Template) -> Value {
    let body = &template.body;
    let is_there = |key: &str| body[key].as_str().is_some_and(|text| !text.is_empty());
    if !["headerText", "mediaType", "footerText"].into_iter().any(is_there) {
        let mut flat = item(template);
        flat["buttonComponents"] = body.get("buttonComponents").cloned().unwrap_or_default();
        return flat;
    }
    let mut components = Vec::new();
    if is_there("mediaType") {
        components.push(
            json!({"type": "HEADER", "format": body["mediaType"], "text": null, "media_id": body["mediaId"],
            "filename": body["mediaName"], "h": body["templateMediaId"],
            "example": {"header_handle": "https://example.com/media", "file_name": body["mediaName"]}}),
        );
    } else if is_there("headerText") {
        components.push(json!({"type": "HEADER", "format": "TEXT", "text": body["headerText"], "example": null}));
    }
    components.push(json!({"type": "BODY", "text": body["content"], "example": {"body_text": [["8613800000000"]]}}));
    if is_there("footerText") {
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
