//! The account of the simulated Meta: one number in good order, and an approved template of any name and language,
//! unless the reviewer decided otherwise or it was paused after a number of messages.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The WhatsApp Business account that every number belongs to.
pub(super) const ACCOUNT: &str = "200000000000000";

/// The status of a template that may be sent.
const APPROVED: &str = "APPROVED";
/// The status of a template that is paused for low quality.
const PAUSED: &str = "PAUSED";

/// What happened to the templates, by name.
#[derive(Default)]
pub(super) struct MetaAccountState(Mutex<BTreeMap<String, SimulatedTemplate>>);

/// The templates of one name, in every language.
#[derive(Default)]
struct SimulatedTemplate {
    /// `None` until the reviewer decides or it is paused; it is approved until then.
    status: Option<String>,
    /// Messages since it may be sent.
    messages: u64,
}

/// Whether a message with a template may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Sent,
    /// Its template was paused before.
    Paused,
    /// Its template is paused from now on.
    NewlyPaused,
}

impl MetaAccountState {
    /// Sets the status of every template called `name`. Its messages are counted from 0 again.
    pub(super) fn review(&self, name: &str, status: &str) {
        let template = SimulatedTemplate { status: Some(status.to_owned()), messages: 0 };
        self.state().insert(name.to_owned(), template);
    }

    /// Counts a message with a template, which is paused after `paused_after` messages.
    pub(super) fn admit(&self, name: &str, paused_after: Option<u64>) -> Admission {
        let mut state = self.state();
        let template = state.entry(name.to_owned()).or_default();
        if template.status.as_deref() == Some(PAUSED) {
            return Admission::Paused;
        }
        if paused_after.is_some_and(|most| template.messages >= most) {
            template.status = Some(PAUSED.to_owned());
            return Admission::NewlyPaused;
        }
        template.messages += 1;
        Admission::Sent
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, SimulatedTemplate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question about a number, with its id and the fields that were asked for.
    pub(super) fn number(id: &str, query: &str) -> Value {
        let entity = |kind: &str, id: &str| json!({"entity_type": kind, "id": id, "can_send_message": "AVAILABLE"});
        let entities =
            [entity("PHONE_NUMBER", id), entity("WABA", ACCOUNT), entity("BUSINESS", "1"), entity("APP", "2")];
        let all = json!({
            "display_phone_number": "+1 631-555-5555", "verified_name": "Simulated Shop", "status": "CONNECTED",
            "quality_rating": "GREEN", "throughput": {"level": "HIGH"}, "name_status": "APPROVED",
            "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
            "health_status": {"can_send_message": "AVAILABLE", "entities": entities},
        });
        let mut answer = json!({"id": id});
        let fields = parameter(query, "fields").unwrap_or_default();
        for field in fields.split(',') {
            if let Some(value) = all.get(field) {
                answer[field] = value.clone();
            }
        }
        answer
    }

    /// Answers a question about templates. Their parts are not known here, because a message may have any.
    pub(super) fn templates(&self, query: &str) -> Value {
        let name = parameter(query, "name").unwrap_or_default();
        let language = parameter(query, "language").unwrap_or_else(|| "en_US".to_owned());
        let state = self.state();
        let status = state.get(&name).and_then(|template| template.status.as_deref()).unwrap_or(APPROVED);
        let template = json!({
            "id": "1192339204654487", "name": name, "language": language, "status": status, "category": "MARKETING",
            "parameter_format": "POSITIONAL",
        });
        json!({"data": [template]})
    }
}

/// Returns a parameter of a query.
fn parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}
