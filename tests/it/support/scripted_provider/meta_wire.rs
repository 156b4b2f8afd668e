//! Meta's Cloud API as JSON: answers, errors, and signed webhooks. Written from Meta's documents and on its own, like
//! everything here; the soak test uses it too.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// The id of the sending number.
pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const ACCESS_TOKEN: &str = "EAAJB-secret-for-tests";
pub(crate) const APP_SECRET: &str = "614fc2afde15eee07a26b2fe3eaee9b9";
pub(crate) const VERIFY_TOKEN: &str = "a-token-for-the-verification";
/// The WhatsApp Business account of the number.
const ACCOUNT: &str = "102290129340398";

/// Where the webhooks of the built-in account go.
pub(crate) const HOOK: &str = "/webhook/meta/meta";

/// The variables of the built-in account, for a provider at `url`.
pub(crate) fn variables(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("META_BASE_URL", format!("{url}/v25.0")),
        ("META_ACCESS_TOKEN", ACCESS_TOKEN.to_owned()),
        ("META_PHONE_NUMBER_ID", NUMBER.to_owned()),
        ("META_APP_SECRET", APP_SECRET.to_owned()),
        ("META_VERIFY_TOKEN", VERIFY_TOKEN.to_owned()),
    ]
}

/// The answer to an accepted message.
pub(crate) fn accepted(to: &str, id: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": to, "wa_id": to.trim_start_matches('+')}],
        "messages": [{"id": id, "message_status": "accepted"}],
    })
}

/// The body of an error.
pub(crate) fn error(code: u32, message: &str) -> String {
    let message = format!("(#{code}) {message}");
    json!({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2"}}).to_string()
}

/// The answer to a question about the account, by its path below the version; none for any other path.
pub(crate) fn about_the_account(path: &str, query: &str) -> Option<Value> {
    if path == format!("/{NUMBER}") {
        let entity = |kind: &str, id: &str| json!({"entity_type": kind, "id": id, "can_send_message": "AVAILABLE"});
        let entities = [entity("PHONE_NUMBER", NUMBER), entity("WABA", ACCOUNT)];
        return Some(json!({
            "id": NUMBER, "verified_name": "Jasper's Market", "status": "CONNECTED", "quality_rating": "GREEN",
            "throughput": {"level": "HIGH"}, "name_status": "APPROVED",
            "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
            "health_status": {"can_send_message": "AVAILABLE", "entities": entities},
        }));
    }
    let name = query.split('&').find_map(|pair| pair.strip_prefix("name="))?;
    (path == format!("/{ACCOUNT}/message_templates")).then(|| {
        json!({"data": [{
            "id": "1192339204654487", "name": name, "language": "en_US", "status": "APPROVED",
            "category": "MARKETING", "parameter_format": "POSITIONAL",
        }]})
    })
}

/// The status of a message, for a webhook; `reference` is what the request had.
pub(crate) fn status(id: &str, to: &str, word: &str, reference: &Value) -> Value {
    let mut status = json!({
        "id": id, "status": word, "timestamp": "1790000000", "recipient_id": to.trim_start_matches('+'),
    });
    if word == "failed" {
        status["errors"] = json!([{"code": 131_026, "title": "Message undeliverable"}]);
    }
    if !reference.is_null() {
        status["biz_opaque_callback_data"] = reference.clone();
    }
    status
}

/// The body of a webhook call with these statuses.
pub(crate) fn webhook(statuses: &[Value]) -> String {
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": NUMBER});
    // Some share a change, some have one of their own.
    let changes: Vec<Value> = statuses
        .chunks(3)
        .map(|some| {
            let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": some});
            json!({"field": "messages", "value": value})
        })
        .collect();
    json!({"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}).to_string()
}

/// The headers of a webhook call with this body, with the signature.
pub(crate) fn headers(body: &str) -> String {
    format!("Content-Type: application/json\r\nX-Hub-Signature-256: sha256={}\r\n", hmac(APP_SECRET, body))
}

/// `appsecret_proof`, which must come with every request if the app demands it.
pub(crate) fn proof() -> String {
    hmac(APP_SECRET, ACCESS_TOKEN)
}

fn hmac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
