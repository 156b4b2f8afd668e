//! Reads Meta's answers about a number and its templates: what each word of them means for sending.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::model::{HealthProblem, Millis, PeopleLimit, Problem, ProviderText, TokenExpiry};
use crate::provider::account::{HealthAnswer, NumberCondition, NumberFacts, RemoteParts, TemplateFacts};
use crate::template::{self, Category, Loaded};

/// Returns the text of a key, unless it is empty.
fn word(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned)
}

/// Whether these words of an error say that there is no such field.
pub(super) fn is_nonexisting_field(words: &str, field: &str) -> bool {
    words.contains("nonexisting field") && words.contains(&format!("({field})"))
}

/// The parts of an account that a number's health names, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NamedParts {
    /// The WhatsApp Business account.
    pub(super) account: Option<String>,
    /// The app.
    pub(super) app: Option<String>,
}

/// Reads the answer about a number, and which parts of the account its health names.
pub(super) fn number(answer: &Value) -> (NumberFacts, NamedParts) {
    let health = &answer["health_status"];
    let facts = NumberFacts {
        name: word(answer, "verified_name").map(ProviderText::from),
        state: word(answer, "status").map(|word| {
            let condition = condition(&word);
            (word.into(), condition)
        }),
        unapproved_name: word(answer, "name_status")
            .filter(|word| !["APPROVED", "AVAILABLE_WITHOUT_REVIEW"].contains(&word.as_str()))
            .map(ProviderText::from),
        quality: word(answer, "quality_rating").map(|word| {
            let is_low = is_low(&word);
            (word.into(), is_low)
        }),
        throughput: word(&answer["throughput"], "level").map(|word| {
            let most = per_second(&word);
            (word.into(), most)
        }),
        limit: word(answer, "whatsapp_business_manager_messaging_limit").map(|word| {
            let most = people(&word);
            (word.into(), most)
        }),
        health: word(health, "can_send_message").map(|word| health_answer(&word, health)),
    };
    let entities = health["entities"].as_array().map_or(&[][..], Vec::as_slice);
    let id = |kind: &str| {
        let id = entities.iter().find(|entity| entity["entity_type"] == kind).and_then(|entity| word(entity, "id"));
        id.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (facts, NamedParts { account: id("WABA"), app: id("APP") })
}

/// Reads when the token expires; `None` if the answer does not say. A token that never expires has 0.
pub(super) fn token_expiry(answer: &Value) -> Option<TokenExpiry> {
    let data = &answer["data"];
    match (data["is_valid"].as_bool()?, data["expires_at"].as_i64()?) {
        (false, _) => None,
        (true, 0) => Some(TokenExpiry::Never),
        (true, seconds) => Millis::from_provider_seconds(seconds).map(TokenExpiry::At),
    }
}

/// The states in which Meta accepts no messages from a number, as the Graph API names them.
const STOPPED: [&str; 9] =
    ["BANNED", "DELETED", "DISCONNECTED", "MIGRATED", "OFFLINE", "PENDING", "RESTRICTED", "UNLINKED", "UNVERIFIED"];

fn condition(state: &str) -> NumberCondition {
    match state {
        "CONNECTED" => NumberCondition::Works,
        state if STOPPED.contains(&state) => NumberCondition::Stopped,
        _ => NumberCondition::Doubtful,
    }
}

fn is_low(quality: &str) -> bool {
    ["YELLOW", "RED"].contains(&quality)
}

/// Returns what a throughput level stands for: 80 messages per second, or 1,000 after Meta raised it.
fn per_second(level: &str) -> Option<u32> {
    match level {
        "STANDARD" => Some(80),
        "HIGH" => Some(1_000),
        _ => None,
    }
}

/// Returns what a messaging limit stands for: `TIER_250`, `TIER_2K`, `TIER_UNLIMITED`. Meta changes the steps, so the
/// number is read from the word.
fn people(word: &str) -> PeopleLimit {
    let last = word.rsplit('_').next().unwrap_or_default();
    if last == "UNLIMITED" {
        return PeopleLimit::Unlimited;
    }
    let (digits, factor) = match last.as_bytes().last() {
        Some(b'K') => (&last[..last.len() - 1], 1_000),
        Some(b'M') => (&last[..last.len() - 1], 1_000_000),
        _ => (last, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|number| number.checked_mul(factor)).map_or(PeopleLimit::Unknown, PeopleLimit::Most)
}

/// Reads the health of a number and everything that it belongs to.
fn health_answer(word: &str, health: &Value) -> HealthAnswer {
    let entities = health["entities"].as_array().map_or(&[][..], Vec::as_slice);
    let limited = entities.iter().filter(|entity| entity["can_send_message"] != "AVAILABLE");
    let problems = limited.flat_map(|entity| {
        let part = self::word(entity, "entity_type").unwrap_or_default();
        let errors = entity["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let errors = errors.iter().map(|error| {
            let code = error["error_code"].as_u64().map(|code| code.to_string()).unwrap_or_default();
            let what = self::word(error, "error_description").unwrap_or_default();
            (Problem::new(code, what), self::word(error, "possible_solution").map(ProviderText::from))
        });
        // A limit may come with remarks instead of errors.
        let remarks = entity["additional_info"].as_array().map_or(&[][..], Vec::as_slice);
        let remarks = remarks.iter().filter_map(Value::as_str).map(|remark| (Problem::new("", remark), None));
        let part = ProviderText::from(part);
        errors
            .chain(remarks)
            .map(move |(problem, solution)| HealthProblem { part: part.clone(), problem, solution })
            .collect::<Vec<_>>()
    });
    HealthAnswer { is_blocked: word == "BLOCKED", problems: problems.collect() }
}

/// Returns the template with this name and language in an answer of Meta.
pub(super) fn template(answer: &Value, name: &str, language: &str) -> Option<TemplateFacts> {
    let is_wanted = |entry: &&Value| entry["name"] == name && entry["language"] == language;
    let entries = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    let mut wanted: Vec<&Value> = entries.iter().filter(is_wanted).collect();
    // A deleted template may still be listed next to its successor.
    wanted.sort_by_key(|entry| entry["status"] != "APPROVED");
    let entry = *wanted.first()?;
    let category = word(entry, "category").unwrap_or_default();
    let quality = word(&entry["quality_score"], "score").filter(|score| is_low(score));
    let state = word(entry, "status").unwrap_or_default();
    Some(TemplateFacts {
        is_sendable: state == "APPROVED",
        state: state.into(),
        is_marketing: Category::from_name(&category) == Some(Category::Marketing),
        category: category.into(),
        low_quality: quality.map(ProviderText::from),
        is_named: entry["parameter_format"] == "NAMED",
        parts: parts(entry),
    })
}

/// Returns the languages of a template in an answer of Meta.
pub(super) fn languages(answer: &Value, name: &str) -> Vec<ProviderText> {
    let entries = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    let named = entries.iter().filter(|entry| entry["name"] == name);
    named.filter_map(|entry| word(entry, "language")).map(ProviderText::from).collect()
}

fn parts(entry: &Value) -> RemoteParts {
    if entry.get("components").is_none() {
        return RemoteParts::NotStated;
    }
    definition(entry).map_or(RemoteParts::Unknown, |loaded| RemoteParts::Known(Box::new(loaded)))
}

/// The parts of a template that a message can be compared with.
const COMPARED: [&str; 6] = ["HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER"];

/// Returns the definition of a template, with only what a message is compared with: Meta's answer may have more keys.
/// `None` if it has a header or a button of an unknown kind.
pub(super) fn definition(entry: &Value) -> Option<Loaded> {
    let name = word(entry, "name")?;
    let language = word(entry, "language")?;
    let definition = json!({
        "name": name, "language": language, "category": entry["category"], "components": components(entry),
    });
    let mut loaded = template::parse(&definition.to_string(), Path::new(&name)).ok()?;
    loaded.origin = Some(format!("`{name}` in {language} at Meta"));
    Some(loaded)
}

fn components(of: &Value) -> Vec<Value> {
    let all = of["components"].as_array().map_or(&[][..], Vec::as_slice);
    let known = all.iter().filter(|component| COMPARED.iter().any(|kind| component["type"] == *kind));
    known
        .map(|component| {
            let mut reduced = only(component, &["type", "format", "text"]);
            let of = |key: &str| component[key].as_array().map_or(&[][..], Vec::as_slice);
            match component["type"].as_str() {
                Some("BUTTONS") => {
                    let buttons = of("buttons").iter().map(|button| only(button, &["type", "text", "url"]));
                    reduced["buttons"] = buttons.collect();
                }
                Some("CAROUSEL") => {
                    let cards = of("cards").iter().map(|card| json!({"components": components(card)}));
                    reduced["cards"] = cards.collect();
                }
                Some("LIMITED_TIME_OFFER") => {
                    reduced["limited_time_offer"] = only(&component["limited_time_offer"], &["text", "has_expiration"]);
                }
                _ => {}
            }
            reduced
        })
        .collect()
}

/// Returns an object with only these keys of it.
fn only(value: &Value, keys: &[&str]) -> Value {
    let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), value.get(key)?.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

#[cfg(test)]
#[path = "account_words_tests.rs"]
mod tests;
