//! The simulated CAMS: the template operations of Alibaba Cloud's RPC gateway at `/`. Enforces signatures, timestamps
//! and nonces.
//!
//! It has one dummy access key, and keeps its templates in memory. A new template is not under review yet and can be
//! modified. A modified template is under review and cannot be modified again.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::throttle::Throttle;
use crate::model::Millis;
use crate::text::hex;

/// The only access key, a dummy.
pub(super) const ACCESS_KEY_ID: &str = "testAccessKeyId";
pub(super) const ACCESS_KEY_SECRET: &str = "testAccessKeySecret";
/// How far a request's timestamp may be off, in milliseconds.
const MAX_CLOCK_SKEW: i64 = 15 * 60 * 1000;
const MAX_CALLS_PER_SECOND: u32 = 50;
const MAX_BODY: usize = 1 << 20;
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The simulated CAMS.
pub(super) struct CamsServer {
    state: Mutex<AccountState>,
}

struct AccountState {
    throttle: Throttle,
    nonces: HashSet<String>,
    last_code: u64,
    templates: Vec<Value>,
}

/// A code and a message.
type ApiError = (&'static str, &'static str);
type Parameters = BTreeMap<String, String>;

/// Returns whether a request is meant for CAMS.
pub(super) fn is_cams_request(head: &Parts) -> bool {
    head.uri.path() == "/" && head.headers.contains_key("x-acs-action")
}

impl CamsServer {
    pub(super) fn new() -> Self {
        let throttle = Throttle::new(MAX_CALLS_PER_SECOND);
        Self {
            state: Mutex::new(AccountState { throttle, nonces: HashSet::new(), last_code: 0, templates: Vec::new() }),
        }
    }

    /// Sets the status of every template called `name`. Ignores a status that is a number: it is meant for NXLink.
    pub(super) fn review(&self, name: &str, status: &str) {
        if status.parse::<u64>().is_ok() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let named = state.templates.iter_mut().filter(|template| template["Name"] == name);
        named.for_each(|template| template["AuditStatus"] = status.into());
    }

    pub(super) async fn answer(&self, head: &Parts, body: Body) -> Response {
        const ID: &str = "90E63D28-E31D-1EB2-8939-A94866410000";
        let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
        let (status, answer) = match self.call(head, &body) {
            Ok(mut answer) => {
                for (key, value) in
                    [("RequestId", ID), ("Code", "OK"), ("Message", "None"), ("AccessDeniedDetail", "None")]
                {
                    answer[key] = value.into();
                }
                (StatusCode::OK, answer)
            }
            Err((code, message)) => {
                let answer = json!({"RequestId": ID, "HostId": "127.0.0.1", "Code": code, "Message": message});
                (StatusCode::BAD_REQUEST, answer)
            }
        };
        let mut response = Response::new(Body::from(answer.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn call(&self, head: &Parts, body: &Bytes) -> Result<Value, ApiError> {
        let get = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if head.method != Method::POST || get("x-acs-version") != "2020-06-06" {
            return Err(("UnsupportedHTTPMethod", "Only POST with the version 2020-06-06 is supported."));
        }
        verify_signature(head, body)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.throttle.admit(Instant::now()) {
            return Err(("Throttling.User", "Request was denied due to user flow control."));
        }
        if !state.nonces.insert(get("x-acs-signature-nonce").to_owned()) {
            return Err(("SignatureNonceUsed", "Specified signature nonce was used already."));
        }
        let mut parameters = decode_parameters(head.uri.query().unwrap_or_default());
        parameters.extend(decode_parameters(&String::from_utf8_lossy(body)));
        match get("x-acs-action") {
            "CreateChatappTemplate" => state.create(&parameters),
            "ModifyChatappTemplate" => state.modify(&parameters),
            "GetChatappTemplateDetail" => {
                let code = ("InvalidParameter.DetailError.TemplateNotExist", "The template does not exist.");
                state.find(&parameters).map(|index| json!({"Data": state.templates[index]})).ok_or(code)
            }
            "ListChatappTemplate" => state.list(&parameters),
            "DeleteChatappTemplate" => {
                let code = ("InvalidParameter.DelError.TemplateNotExist", "The template does not exist.");
                let index = state.find(&parameters).ok_or(code)?;
                state.templates.remove(index);
                Ok(json!({"Success": true}))
            }
            _ => Err(("InvalidAction.NotFound", "Specified api is not found.")),
        }
    }
}

impl AccountState {
    /// Returns the position of the template that the parameters name by its code, or by its name if they have no code.
    fn find(&self, parameters: &Parameters) -> Option<usize> {
        let get = |key: &str| parameters.get(key).map(String::as_str).unwrap_or_default();
        self.templates.iter().position(|template| {
            let by_code = template["TemplateCode"] == get("TemplateCode");
            let by_name = get("TemplateCode").is_empty() && template["Name"] == get("TemplateName");
            (by_code || by_name) && template["Language"] == get("Language")
        })
    }

    fn create(&mut self, parameters: &Parameters) -> Result<Value, ApiError> {
        let mut template = parse_template(parameters)?;
        let get = |key: &str| parameters.get(key).filter(|text| !text.is_empty());
        let missing = ("MissingParameter", "Name, Category and TemplateType are mandatory.");
        let (name, category) = (get("Name").ok_or(missing)?, get("Category").ok_or(missing)?);
        get("TemplateType").ok_or(missing)?;
        if !["MARKETING", "UTILITY", "AUTHENTICATION"].contains(&category.as_str()) {
            return Err(("InvalidParameter.CategoryNotSupport", "The category is not supported."));
        }
        if self.templates.iter().any(|other| other["Name"] == **name && other["Language"] == template["Language"]) {
            return Err(("InvalidParameter.TemplateNameExist", "The template name exists."));
        }
        self.last_code += 1;
        let code = (8_472_929_283_000 + self.last_code).to_string();
        template["TemplateCode"] = code.as_str().into();
        template["Name"] = name.as_str().into();
        template["Category"] = category.as_str().into();
        template["AuditStatus"] = "unaudit".into();
        self.templates.push(template);
        Ok(json!({"Data": {"TemplateCode": code, "TemplateName": name}}))
    }

    fn modify(&mut self, parameters: &Parameters) -> Result<Value, ApiError> {
        let new = parse_template(parameters)?;
        let missing = ("InvalidParameter.DetailError.TemplateNotExist", "The template does not exist.");
        let index = self.find(parameters).ok_or(missing)?;
        let old = &mut self.templates[index];
        if !["unaudit", "fail"].into_iter().any(|status| old["AuditStatus"] == status) {
            return Err(("InvalidParameter.TemplateStatusNotAllowModify", "The template is under review or approved."));
        }
        for key in ["Components", "Example", "MessageSendTtlSeconds"] {
            old[key] = new[key].clone();
        }
        old["AuditStatus"] = "auditing".into();
        Ok(json!({"Data": {"TemplateCode": old["TemplateCode"], "TemplateName": old["Name"]}}))
    }

    fn list(&self, parameters: &Parameters) -> Result<Value, ApiError> {
        let bad = ("InvalidParameter.PageInvalid", "The page is invalid.");
        let page: Value = parameters.get("Page").and_then(|page| serde_json::from_str(page).ok()).ok_or(bad)?;
        let number = |key: &str| page[key].as_u64().filter(|number| *number > 0).ok_or(bad);
        let (index, size) = (number("Index")? as usize, number("Size")? as usize);
        let name = parameters.get("Name");
        let found = self.templates.iter().filter(|template| name.is_none_or(|name| template["Name"] == **name));
        let found: Vec<Value> = found
            .map(|template| {
                json!({"TemplateCode": template["TemplateCode"], "TemplateName": template["Name"], "Reason": "",
                    "Language": template["Language"], "Category": template["Category"], "TemplateType": "WHATSAPP",
                    "AuditStatus": template["AuditStatus"], "LastUpdateTime": 1_719_300_000_000_u64})
            })
            .collect();
        let list: Vec<&Value> = found.iter().skip((index - 1) * size).take(size).collect();
        Ok(json!({"ListTemplate": list, "Total": found.len(), "Success": true}))
    }
}

/// Parses and checks the parameters that creating and modifying a template share.
fn parse_template(parameters: &Parameters) -> Result<Value, ApiError> {
    let missing = ("MissingParameter", "Components and Language are mandatory.");
    let language = parameters.get("Language").filter(|text| !text.is_empty()).ok_or(missing)?;
    let components = parameters.get("Components").ok_or(missing)?;
    let components: Value = serde_json::from_str(components).map_err(|_| missing)?;
    let example = parameters.get("Example").map_or(Ok(Value::Null), |text| serde_json::from_str(text));
    let example = example.map_err(|_| ("InvalidParameter.ExampleError", "The example is not valid JSON."))?;
    for component in components.as_array().filter(|list| !list.is_empty()).ok_or(missing)? {
        let text = component["Text"].as_str().unwrap_or_default();
        match component["Type"].as_str().unwrap_or_default() {
            "BODY" if text.contains("{{") => {
                return Err(("InvalidParameter.MessageInvalid", "The body contains {{ }}."));
            }
            "BODY" if text.chars().count() > 1024 => {
                return Err(("InvalidParameter.MessageInvalid", "The body is too long."));
            }
            "FOOTER" if text.contains("$(") => {
                return Err(("InvalidParameter.FooterHaveVariable", "The footer has a variable."));
            }
            "HEADER" if text.matches("$(").count() > 1 => {
                return Err(("InvalidParameter.HeaderMoreVarable", "The header has more than one variable."));
            }
            "BODY" | "HEADER" | "FOOTER" | "BUTTONS" | "CAROUSEL" | "LIMITED_TIME_OFFER" => {}
            _ => return Err(("InvalidParameter.TypeNotSupport", "The component type is not supported.")),
        }
    }
    let ttl = parameters.get("MessageSendTtlSeconds").and_then(|text| text.parse::<u32>().ok());
    Ok(json!({"Components": components, "Example": example, "Language": language, "TemplateType": "WHATSAPP",
        "MessageSendTtlSeconds": ttl}))
}

/// Checks a request's signature (ACS3-HMAC-SHA256), its credential and its timestamp.
fn verify_signature(head: &Parts, body: &Bytes) -> Result<(), ApiError> {
    let get = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let incomplete = ("IncompleteSignature", "The request signature does not conform to Alibaba Cloud standards.");
    let authorization = get("authorization").ok_or(incomplete)?;
    let parts = authorization.strip_prefix("ACS3-HMAC-SHA256 ").ok_or(incomplete)?;
    let part = |name: &str| parts.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let names = part("SignedHeaders").ok_or(incomplete)?;
    let signature = part("Signature").ok_or(incomplete)?;
    if part("Credential") != Some(ACCESS_KEY_ID) {
        return Err(("InvalidAccessKeyId.NotFound", "Specified access key is not found."));
    }
    let signed: Vec<&str> = names.split(';').collect();
    let required =
        ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"];
    let present = head.headers.keys().map(|name| name.as_str());
    let custom = present.filter(|name| name.starts_with("x-acs-") || *name == "content-type" && !body.is_empty());
    if required.into_iter().chain(custom).any(|name| !signed.contains(&name)) || !signed.is_sorted() {
        return Err(incomplete);
    }
    let time =
        get("x-acs-date").and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| time.as_millisecond());
    if time.is_none_or(|time| (Millis::now().0 - time).abs() > MAX_CLOCK_SKEW) {
        return Err(("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."));
    }
    let payload = hex(&Sha256::digest(body));
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut query: Vec<String> = decode_parameters(head.uri.query().unwrap_or_default())
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    query.sort_unstable();
    let lines: String = signed.iter().map(|name| format!("{name}:{}\n", get(name).unwrap_or_default())).collect();
    let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{payload}", head.method, query.join("&"));
    let to_sign = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mut mac = Hmac::<Sha256>::new_from_slice(ACCESS_KEY_SECRET.as_bytes()).map_err(|_| incomplete)?;
    mac.update(to_sign.as_bytes());
    if get("x-acs-content-sha256") != Some(payload.as_str()) || signature != hex(&mac.finalize().into_bytes()) {
        return Err(("SignatureDoesNotMatch", "Specified signature is not matched with our calculation."));
    }
    Ok(())
}

/// Decodes the parameters of a query or form. A `+` is a space.
fn decode_parameters(text: &str) -> Parameters {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decode(key), decode(value))).collect()
}
