//! Parses what Meta's webhooks report about accounts and their templates.
//!
//! The shapes are those of the webhook fields `message_template_status_update`, `message_template_quality_update`,
//! `template_category_update`, `phone_number_quality_update`, `business_capability_update` and `account_update`.

use serde_json::Value;

use super::receiver::MetaReceiver;
use crate::model::{AccountChange, AccountEvent, Millis, TemplateName};
use crate::provider::webhook::{seconds, word};

/// Returns the events in one change of an entry. An event that is about another account than the receiver's keeps the
/// id of that one.
pub(super) fn of_change(
    entry: &Value,
    field: &str,
    value: &Value,
    receiver: &MetaReceiver,
    now: Millis,
) -> Option<AccountEvent> {
    let (kind, state, reason) = match field {
        "message_template_status_update" => (AccountChange::TemplateState, &value["event"], template_reason(value)),
        // The example in Meta's documents has another field name, so the content decides.
        "message_template_quality_update" | "template_category_update" if !value["new_quality_score"].is_null() => {
            (AccountChange::TemplateQuality, &value["new_quality_score"], None)
        }
        "template_category_update" => match &value["correct_category"] {
            Value::Null => (AccountChange::TemplateCategory, &value["new_category"], None),
            coming => (AccountChange::ComingCategory, coming, None),
        },
        "phone_number_quality_update" => (AccountChange::Number, &value["event"], word(&value["current_limit"])),
        "business_capability_update" => {
            let limits = ["max_daily_conversations_per_business", "max_daily_conversation_per_phone"];
            let limit = limits.into_iter().map(|key| &value[key]).find(|limit| !limit.is_null())?;
            (AccountChange::Limit, limit, None)
        }
        "account_update" => (AccountChange::Account, &value["event"], account_reason(value)),
        _ => return None,
    };
    let is_of_template = matches!(
        kind,
        AccountChange::TemplateState
            | AccountChange::TemplateQuality
            | AccountChange::TemplateCategory
            | AccountChange::ComingCategory
    );
    let template = is_of_template.then(|| template(value));
    if matches!(template, Some(None)) {
        return None;
    }
    let business_account = cut(word(&entry["id"])?);
    let is_receivers = receiver.waba_id.as_ref().is_none_or(|id| *id == business_account);
    Some(AccountEvent {
        account: Some(receiver.account.clone()).filter(|_| is_receivers),
        business_account,
        template: template.flatten(),
        kind,
        value: cut(word(state)?).into(),
        reason: reason.map(|words| cut(words).into()),
        // A time ahead of this clock would count as news after every later check of the account.
        at: seconds(&entry["time"]).unwrap_or(now).min(now),
    })
}

/// The longest name or reason that is kept, in characters: that of a template's name ("Templates").
const LONGEST: usize = 512;

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

/// Returns the template's name and language. Messages write `en_US` for what these events call `en-US`.
fn template(value: &Value) -> Option<TemplateName> {
    let language = word(&value["message_template_language"])?.replace('-', "_");
    Some(TemplateName { name: cut(word(&value["message_template_name"])?), language: cut(language) })
}

/// Returns why the state of a template has changed.
fn template_reason(value: &Value) -> Option<String> {
    let reason = word(&value["reason"]).filter(|reason| reason != "NONE");
    word(&value["other_info"]["description"])
        .or_else(|| word(&value["rejection_info"]["reason"]))
        .or_else(|| word(&value["other_info"]["title"]))
        .or(reason)
}

/// Returns why an account is restricted.
fn account_reason(value: &Value) -> Option<String> {
    word(&value["violation_info"]["violation_type"])
        .or_else(|| word(&value["restriction_info"][0]["restriction_type"]))
        .or_else(|| word(&value["ban_info"]["waba_ban_state"]))
}
