//! Judges what a provider says of an account: what blocks a run before its first message, and what people should know.

use std::time::Duration;

use serde_json::Value;

use crate::engine::error::EngineError;
use crate::engine::plan::validate::Measure;
use crate::message::Translation;
use crate::model::{AccountFinding, Campaign, Millis, RowProblem, TemplateNotAsked, TokenExpiry};
use crate::provider::{
    AccountAnswers, HealthAnswer, NumberAnswer, NumberCondition, NumberFacts, RemoteParts, TemplateAnswer,
    TemplateFacts,
};
use crate::render::Renderer;
use crate::template::Loaded;

/// How many rows make a campaign large, so that a provider may hold a part of an account's first one.
const LARGE: u64 = 1_000;

/// The template of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageTemplate {
    /// The message has none.
    None,
    /// The same for every row.
    Fixed {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
    },
    /// It cannot be asked for.
    Unknown(TemplateNotAsked),
}

impl MessageTemplate {
    /// Returns the template of a campaign's message.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        let translation = Translation::new(campaign.api, campaign.channel, &campaign.message);
        let Some(template) = translation.message.get("template") else { return Self::None };
        let language = &template["language"];
        let language = language.as_str().or_else(|| language["code"].as_str());
        let varies = |text: &str| text.contains("{{") || text.contains("{%");
        match (template["name"].as_str(), language) {
            (Some(name), _) if varies(name) => Self::Unknown(TemplateNotAsked::Varies),
            (_, Some(language)) if varies(language) => Self::Unknown(TemplateNotAsked::Varies),
            (Some(name), Some(language)) => Self::Fixed { name: name.to_owned(), language: language.to_owned() },
            (None, _) => Self::None,
            (_, None) => Self::Unknown(TemplateNotAsked::NoLanguage),
        }
    }

    /// Returns its name and language, if they are the same for every row.
    #[must_use]
    pub fn fixed(&self) -> Option<(&str, &str)> {
        match self {
            Self::Fixed { name, language } => Some((name, language)),
            Self::None | Self::Unknown(_) => None,
        }
    }
}

/// How long before its end a token is worth a warning.
const TOKEN_ENDS_SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is about to be sent, and what was sent before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountUse {
    /// Rows to send.
    pub rows: u64,
    /// Those whose numbers start with +1.
    pub plus_one: u64,
    /// Messages that runs of this account sent in the last 24 hours.
    pub sent_in_a_day: u64,
    /// Messages that they sent in the last year.
    pub sent_in_a_year: u64,
    /// The time.
    pub now: Millis,
}

/// Judges the answers about an account for a campaign over these columns.
///
/// # Errors
/// When the message cannot be compiled.
pub fn judge_account(
    answers: AccountAnswers,
    campaign: &Campaign,
    columns: &[String],
    wanted: &MessageTemplate,
    used: AccountUse,
) -> Result<Vec<AccountFinding>, EngineError> {
    let mut found = match answers.number {
        NumberAnswer::Known(facts) => number(*facts, campaign, used),
        NumberAnswer::BadCredential(problem) => vec![AccountFinding::Credential(problem)],
        NumberAnswer::Missing(problem) => vec![AccountFinding::NoNumber(problem)],
        NumberAnswer::Refused(problem) => vec![AccountFinding::Refused(problem)],
        NumberAnswer::NotAnswered(problem) => vec![AccountFinding::NumberNotAsked(problem)],
    };
    found.extend(answers.token.map(|expiry| {
        let is_soon = matches!(expiry, TokenExpiry::At(at) if at < used.now.plus(TOKEN_ENDS_SOON));
        AccountFinding::TokenExpiry { expiry, is_soon }
    }));
    if answers.only_marketing && *wanted == MessageTemplate::None {
        found.push(AccountFinding::OnlyMarketing(None));
    }
    match (wanted, answers.template) {
        (MessageTemplate::Unknown(why), _) => found.push(AccountFinding::TemplateNotAsked(why.clone())),
        (MessageTemplate::Fixed { name, language }, Some(answer)) => match answer {
            TemplateAnswer::NoAccountId => {
                found.push(AccountFinding::TemplateNotAsked(TemplateNotAsked::NoAccountId));
            }
            TemplateAnswer::NotAnswered(problem) => {
                found.push(AccountFinding::TemplateNotAsked(TemplateNotAsked::Refused(problem)));
            }
            TemplateAnswer::Missing(languages) => {
                let (name, language) = (name.clone(), language.clone());
                found.push(AccountFinding::NoTemplate { name, language, languages });
            }
            TemplateAnswer::Found(facts) => {
                if answers.only_marketing && !facts.is_marketing {
                    found.push(AccountFinding::OnlyMarketing(Some(facts.category.clone())));
                }
                found.extend(template(*facts, campaign, columns, (name, language), used)?);
            }
        },
        (MessageTemplate::None | MessageTemplate::Fixed { .. }, _) => {}
    }
    if *wanted != MessageTemplate::None && used.rows >= LARGE && used.sent_in_a_year < LARGE {
        found.push(AccountFinding::MayBeHeld { rows: used.rows });
    }
    Ok(found)
}

fn number(facts: NumberFacts, campaign: &Campaign, used: AccountUse) -> Vec<AccountFinding> {
    let mut found = Vec::new();
    let works = |state: &Option<(_, NumberCondition)>| {
        state.as_ref().is_none_or(|(_, condition)| *condition == NumberCondition::Works)
    };
    if works(&facts.state) {
        found.push(AccountFinding::Number(facts.name));
    } else if let Some((state, condition)) = facts.state {
        found.push(AccountFinding::NumberState { state, blocks: condition == NumberCondition::Stopped });
    }
    if let Some(HealthAnswer { is_blocked, problems }) = facts.health
        && (is_blocked || !problems.is_empty())
    {
        found.push(AccountFinding::Health { blocks: is_blocked, problems });
    }
    found.extend(facts.unapproved_name.map(AccountFinding::Name));
    found.extend(facts.quality.map(|(word, is_low)| AccountFinding::Quality { word, is_low }));
    found.extend(facts.throughput.map(|(word, most)| {
        let per_second = f64::from(campaign.dispatch.rate.get()) / campaign.dispatch.per.as_secs_f64();
        let is_exceeded = most.is_some_and(|most| per_second > f64::from(most));
        AccountFinding::Throughput { word, most, is_exceeded }
    }));
    // With a quota, fewer are sent in a day.
    let quota = campaign.timing.quota.map_or(u64::MAX, |quota| u64::from(quota.get()));
    let rows = used.rows.min(quota);
    found.extend(facts.limit.map(|(word, most)| AccountFinding::Limit { word, most, rows, sent: used.sent_in_a_day }));
    found
}

fn template(
    facts: TemplateFacts,
    campaign: &Campaign,
    columns: &[String],
    (name, language): (&str, &str),
    used: AccountUse,
) -> Result<Vec<AccountFinding>, EngineError> {
    let TemplateFacts { state, is_sendable, category, is_marketing, low_quality, is_named, parts } = facts;
    let (name, language) = (name.to_owned(), language.to_owned());
    let mut found = vec![AccountFinding::Template { name, language, state, is_sendable, category }];
    found.extend(low_quality.map(AccountFinding::TemplateQuality));
    match parts {
        RemoteParts::Known(loaded) => {
            let translation = Translation::new(campaign.api, campaign.channel, &campaign.message);
            if is_named && has_unnamed(&translation.message) {
                found.push(AccountFinding::Unnamed);
            }
            let off = off_template(campaign, translation, columns, *loaded)?;
            found.extend(off.into_iter().map(AccountFinding::OffTemplate));
        }
        RemoteParts::Unknown => found.push(AccountFinding::NotCompared),
        RemoteParts::NotStated => {}
    }
    if is_marketing && used.plus_one > 0 {
        found.push(AccountFinding::UnitedStates { rows: used.plus_one });
    }
    Ok(found)
}

/// Returns how a campaign's message differs from a template whatever the row.
fn off_template(
    campaign: &Campaign,
    translation: Translation,
    columns: &[String],
    template: Loaded,
) -> Result<Vec<RowProblem>, EngineError> {
    let renderer = Renderer::compile(campaign.api, &translation.message, columns).map_err(|problems| {
        let words: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        EngineError::Frozen(words.join("; "))
    })?;
    let measure = Measure::new((campaign.api, campaign.channel), translation, renderer);
    Ok(measure.with_template(template).off_template())
}

/// Whether a text of the header or the body has a parameter without a name.
fn has_unnamed(message: &Value) -> bool {
    let components = message["template"]["components"].as_array().map_or(&[][..], Vec::as_slice);
    let is_text_part = |component: &&Value| {
        let kind = component["type"].as_str().unwrap_or_default();
        ["header", "body"].iter().any(|part| kind.eq_ignore_ascii_case(part))
    };
    let parameters = components.iter().filter(is_text_part).filter_map(|component| component["parameters"].as_array());
    parameters.flatten().any(|parameter| parameter["type"] == "text" && parameter.get("parameter_name").is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::campaign_file;
    use crate::model::{AccountWeight, PeopleLimit, Problem, ProviderText};

    fn campaign(rate: &str, message: &Value) -> Campaign {
        let text = format!(
            "name: job\nprovider: meta\nchannel: whatsapp\nrecipients: {{rows: [{{phone: \"1\", n: a}}], to: phone}}\n\
             message: {message}\ndispatch: {{rate: {rate}}}\n"
        );
        let mut campaign = campaign_file::parse(&text, std::path::Path::new("job.yaml")).unwrap().campaign;
        campaign.api = crate::model::ProviderApi::Meta;
        campaign
    }

    fn message(parameters: &Value) -> Value {
        let components = json!([{"type": "body", "parameters": parameters}]);
        let template = json!({"name": "sale", "language": {"code": "en_US"}, "components": components});
        json!({"type": "template", "template": template})
    }

    fn facts(text: &str) -> TemplateFacts {
        let definition = json!({"name": "sale", "language": "en_US", "category": "MARKETING",
            "components": [{"type": "BODY", "text": text}]});
        let loaded = crate::template::parse(&definition.to_string(), std::path::Path::new("sale")).unwrap();
        TemplateFacts {
            state: "APPROVED".into(),
            is_sendable: true,
            category: "MARKETING".into(),
            is_marketing: true,
            low_quality: None,
            is_named: false,
            parts: RemoteParts::Known(Box::new(loaded)),
        }
    }

    fn judged(
        number: NumberAnswer,
        template: Option<TemplateAnswer>,
        campaign: &Campaign,
        used: AccountUse,
    ) -> Vec<(&'static str, AccountWeight)> {
        let wanted = MessageTemplate::of(campaign);
        let answers = AccountAnswers { number, template, business_account: None, token: None, only_marketing: false };
        let columns = ["phone".to_owned(), "n".to_owned()];
        let found = judge_account(answers, campaign, &columns, &wanted, used).unwrap();
        found.iter().map(|finding| (finding.code(), finding.weight())).collect()
    }

    fn of_number(facts: NumberFacts, rate: &str, used: AccountUse) -> Vec<(&'static str, AccountWeight)> {
        let campaign = campaign(rate, &json!({"type": "text", "text": "Hi"}));
        let found = judged(NumberAnswer::Known(Box::new(facts)), None, &campaign, used);
        found.into_iter().filter(|(code, _)| *code != "number").collect()
    }

    fn of_template(facts: TemplateFacts, parameters: &Value, used: AccountUse) -> Vec<(&'static str, AccountWeight)> {
        let answer = Some(TemplateAnswer::Found(Box::new(facts)));
        let number = NumberAnswer::Known(Box::default());
        let found = judged(number, answer, &campaign("80/s", &message(parameters)), used);
        found.into_iter().filter(|(code, _)| *code != "number").collect()
    }

    use AccountWeight::{Blocks, Fine, Warns};

    #[test]
    fn each_fact_about_a_number_has_its_weight() {
        let used = AccountUse { rows: 900, sent_in_a_day: 200, ..AccountUse::default() };
        let state = |condition| NumberFacts { state: Some(("WORD".into(), condition)), ..NumberFacts::default() };
        assert_eq!(of_number(state(NumberCondition::Works), "80/s", used), []);
        assert_eq!(of_number(state(NumberCondition::Doubtful), "80/s", used), [("number_state", Warns)]);
        assert_eq!(of_number(state(NumberCondition::Stopped), "80/s", used), [("number_state", Blocks)]);

        let name = NumberFacts { unapproved_name: Some("DECLINED".into()), ..NumberFacts::default() };
        assert_eq!(of_number(name, "80/s", used), [("name", Warns)]);
        for (word, is_low, weight) in [("GREEN", false, Fine), ("YELLOW", true, Warns)] {
            let quality = NumberFacts { quality: Some((word.into(), is_low)), ..NumberFacts::default() };
            assert_eq!(of_number(quality, "80/s", used), [("quality", weight)]);
        }
        let level = |most| NumberFacts { throughput: Some(("L".into(), most)), ..NumberFacts::default() };
        for (rate, most, weight) in
            [("80/s", Some(80), Fine), ("81/s", Some(80), Warns), ("4801/min", Some(80), Warns), ("900/s", None, Fine)]
        {
            assert_eq!(of_number(level(most), rate, used), [("throughput", weight)], "{rate}");
        }
        for (most, weight) in [
            (PeopleLimit::Most(1_100), Fine),
            (PeopleLimit::Most(1_099), Warns),
            (PeopleLimit::Unlimited, Fine),
            (PeopleLimit::Unknown, Fine),
        ] {
            let limit = NumberFacts { limit: Some(("TIER".into(), most)), ..NumberFacts::default() };
            assert_eq!(of_number(limit, "80/s", used), [("messaging_limit", weight)]);
        }
    }

    #[test]
    fn what_the_health_says_blocks_or_warns() {
        let problem = crate::model::HealthProblem {
            part: "WABA".into(),
            problem: Problem::new("141006", "There is an error with the payment method."),
            solution: Some("Please add a new payment method.".into()),
        };
        let health = |is_blocked, problems| NumberFacts {
            health: Some(HealthAnswer { is_blocked, problems }),
            ..NumberFacts::default()
        };
        let used = AccountUse::default();
        assert_eq!(of_number(health(true, vec![problem.clone()]), "80/s", used), [("health", Blocks)]);
        assert_eq!(of_number(health(true, Vec::new()), "80/s", used), [("health", Blocks)]);
        assert_eq!(of_number(health(false, vec![problem]), "80/s", used), [("health", Warns)]);
        assert_eq!(of_number(health(false, Vec::new()), "80/s", used), []);
    }

    #[test]
    fn what_the_provider_refuses_to_say_blocks_only_if_messages_are_refused_too() {
        let problem = || Problem::new("190", "Sorry");
        let campaign = campaign("80/s", &message(&json!([])));
        for (answer, code, weight) in [
            (NumberAnswer::BadCredential(problem()), "credential", Blocks),
            (NumberAnswer::Missing(problem()), "no_number", Blocks),
            (NumberAnswer::Refused(problem()), "account_refused", Blocks),
            (NumberAnswer::NotAnswered(problem()), "number_not_asked", Warns),
        ] {
            assert_eq!(judged(answer, None, &campaign, AccountUse::default()), [(code, weight)]);
        }
        for answer in [TemplateAnswer::NoAccountId, TemplateAnswer::NotAnswered(problem())] {
            let found = judged(NumberAnswer::Known(Box::default()), Some(answer), &campaign, AccountUse::default());
            assert_eq!(found, [("number", Fine), ("template_not_asked", Warns)]);
        }
        let missing = Some(TemplateAnswer::Missing(vec!["de".into()]));
        let found = judged(NumberAnswer::Known(Box::default()), missing, &campaign, AccountUse::default());
        assert_eq!(found, [("number", Fine), ("no_template", Blocks)]);
    }

    #[test]
    fn a_template_is_compared_with_the_message() {
        let used = AccountUse { rows: 999, plus_one: 3, ..AccountUse::default() };
        let one = json!([{"type": "text", "text": "{{ n }}"}]);
        let named = json!([{"type": "text", "parameter_name": "who", "text": "{{ n }}"}]);
        let good = [("template_state", Fine), ("united_states", Warns)];
        assert_eq!(of_template(facts("Hi {{1}}"), &one, used), good);
        let with_names = || TemplateFacts { is_named: true, ..facts("Hi {{who}}") };
        assert_eq!(of_template(with_names(), &named, used), good);

        let codes = |facts, parameters| {
            let found = of_template(facts, parameters, AccountUse::default());
            found.into_iter().filter(|(_, weight)| *weight != Fine).collect::<Vec<_>>()
        };
        assert_eq!(codes(facts("Hi {{1}} and {{2}}"), &one), [("parameter_count", Blocks)]);
        assert_eq!(codes(facts("Hi"), &one), [("parameter_count", Blocks)]);
        assert_eq!(codes(with_names(), &one), [("unnamed_parameter", Blocks)]);
        assert_eq!(codes(facts("Hi {{1}}"), &named), [("parameter_name", Blocks)]);
        let image = json!([{"type": "image", "image": {"link": "https://example.com/a.png"}}]);
        assert_eq!(codes(facts("Hi {{1}}"), &image), [("parameter_kind", Blocks)]);
        assert_eq!(
            codes(TemplateFacts { parts: RemoteParts::Unknown, ..facts("Hi") }, &one),
            [("template_not_compared", Warns)]
        );
        assert_eq!(codes(TemplateFacts { parts: RemoteParts::NotStated, ..facts("Hi") }, &one), []);
        let paused = TemplateFacts { is_sendable: false, state: "PAUSED".into(), ..facts("Hi {{1}}") };
        assert_eq!(codes(paused, &one), [("template_state", Blocks)]);
        let yellow = TemplateFacts { low_quality: Some(ProviderText::from("YELLOW")), ..facts("Hi {{1}}") };
        assert_eq!(codes(yellow, &one), [("template_quality", Warns)]);
    }

    #[test]
    fn a_first_large_campaign_is_told_that_a_part_may_be_held() {
        let held = |rows, sent_in_a_year| {
            let used = AccountUse { rows, sent_in_a_year, ..AccountUse::default() };
            let found = of_template(facts("Hi"), &json!([]), used);
            found.contains(&("may_be_held", Warns))
        };
        assert!(held(LARGE, 0) && held(LARGE, LARGE - 1));
        assert!(!held(LARGE - 1, 0) && !held(LARGE, LARGE));
    }

    #[test]
    fn only_a_template_that_is_the_same_for_every_row_can_be_asked_for() {
        let of = |message: &Value| MessageTemplate::of(&campaign("80/s", message));
        let fixed = MessageTemplate::Fixed { name: "sale".into(), language: "en_US".into() };
        assert_eq!(of(&message(&json!([]))), fixed);
        assert_eq!(of(&json!({"type": "text", "text": "Hi"})), MessageTemplate::None);
        for template in [
            json!({"name": "{{ n }}", "language": {"code": "en"}}),
            json!({"name": "sale", "language": {"code": "{{ n }}"}}),
        ] {
            let varies = MessageTemplate::Unknown(TemplateNotAsked::Varies);
            assert_eq!(of(&json!({"type": "template", "template": template})), varies);
        }
        let none = MessageTemplate::Unknown(TemplateNotAsked::NoLanguage);
        assert_eq!(of(&json!({"type": "template", "template": {"name": "sale"}})), none);
    }

    #[test]
    fn an_account_for_marketing_sends_marketing_templates_only() {
        let blocked = |message: &Value, template: Option<TemplateFacts>| {
            let campaign = campaign("10/s", message);
            let number = NumberAnswer::Known(Box::default());
            let template = template.map(|facts| TemplateAnswer::Found(Box::new(facts)));
            let answers =
                AccountAnswers { number, template, business_account: None, token: None, only_marketing: true };
            let columns = ["phone".to_owned(), "n".to_owned()];
            let wanted = MessageTemplate::of(&campaign);
            let found = judge_account(answers, &campaign, &columns, &wanted, AccountUse::default()).unwrap();
            let only = found.iter().find(|finding| finding.code() == "only_marketing");
            only.map(|finding| finding.weight() == AccountWeight::Blocks)
        };
        let template = message(&json!([]));
        assert_eq!(blocked(&json!({"type": "text", "text": "Hi"}), None), Some(true));
        assert_eq!(blocked(&template, Some(facts("Hi"))), None);
        let utility = TemplateFacts { is_marketing: false, category: "UTILITY".into(), ..facts("Hi") };
        assert_eq!(blocked(&template, Some(utility)), Some(true));
    }

    #[test]
    fn a_token_that_ends_within_a_week_is_a_warning() {
        let weight = |expiry| {
            let campaign = campaign("10/s", &json!({"type": "text", "text": "Hi"}));
            let number = NumberAnswer::Known(Box::default());
            let answers = AccountAnswers {
                number,
                template: None,
                business_account: None,
                token: Some(expiry),
                only_marketing: false,
            };
            let used = AccountUse { now: Millis(1_000), ..AccountUse::default() };
            let found = judge_account(answers, &campaign, &[], &MessageTemplate::None, used).unwrap();
            found.iter().find(|finding| finding.code() == "token_expiry").unwrap().weight()
        };
        let week = 7 * 24 * 3600 * 1000;
        assert_eq!(weight(TokenExpiry::Never), AccountWeight::Fine);
        assert_eq!(weight(TokenExpiry::At(Millis(1_000 + week))), AccountWeight::Fine);
        assert_eq!(weight(TokenExpiry::At(Millis(999 + week))), AccountWeight::Warns);
        assert_eq!(weight(TokenExpiry::At(Millis(1))), AccountWeight::Warns);
    }
}
