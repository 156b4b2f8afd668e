//! What the check of an account found, in sentences and as JSON.

use serde_json::{Value, json};

use crate::model::{
    AccountFinding, AccountWeight, HealthProblem, PeopleLimit, ProviderApi, TemplateNotAsked, TokenExpiry,
};
use crate::provider;
use crate::text;
use crate::text::{escaped, list};

/// Returns a finding as a line: what was found, what to do, and its code.
pub(in crate::cli) fn line(finding: &AccountFinding) -> String {
    let hint = hint(finding).map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{}{hint} [{}]", sentence(finding), finding.code())
}

/// Returns a finding as a line of a list, with its weight in front.
pub(in crate::cli) fn weighted_line(finding: &AccountFinding) -> String {
    format!("{:<7} {}", name(finding.weight()), line(finding))
}

/// Returns a finding as JSON, with the provider's name in the configuration.
pub(in crate::cli) fn as_json(provider: &str, finding: &AccountFinding) -> Value {
    json!({
        "severity": name(finding.weight()), "code": finding.code(), "message": sentence(finding), "hint": hint(finding),
        "provider": provider,
    })
}

fn name(weight: AccountWeight) -> &'static str {
    match weight {
        AccountWeight::Fine => "ok",
        AccountWeight::Warns => "warning",
        AccountWeight::Blocks => "error",
    }
}

fn sentence(finding: &AccountFinding) -> String {
    match finding {
        AccountFinding::Credential(problem) => format!("the access token is not accepted: {problem}"),
        AccountFinding::NoNumber(problem) => {
            format!("the sending number does not exist, or the access token may not use it: {problem}")
        }
        AccountFinding::Refused(problem) => format!("the account cannot be used: {problem}"),
        AccountFinding::NumberNotAsked(problem) => {
            format!("the number's state and limits were not checked: {problem}")
        }
        AccountFinding::Number(Some(name)) => format!("the sending number works; its display name is {name}"),
        AccountFinding::Number(None) => "the sending number works".to_owned(),
        AccountFinding::NumberState { state, blocks: true } => {
            format!("the sending number is `{state}` and cannot send")
        }
        AccountFinding::NumberState { state, blocks: false } => format!("the sending number is `{state}`"),
        AccountFinding::Health { blocks, problems } => {
            let start = if *blocks { "the account is blocked and cannot send" } else { "the account is limited" };
            let problems: Vec<String> = problems.iter().map(health).collect();
            if problems.is_empty() { start.to_owned() } else { format!("{start}: {}", problems.join("; ")) }
        }
        AccountFinding::Name(state) => {
            format!("the number's display name is not approved; its state is `{state}`")
        }
        AccountFinding::TokenExpiry { expiry: TokenExpiry::Never, .. } => "the access token does not expire".to_owned(),
        AccountFinding::TokenExpiry { expiry: TokenExpiry::At(at), .. } => format!("the access token expires at {at}"),
        AccountFinding::Quality { word, .. } => format!("the number's quality rating is {word}"),
        AccountFinding::Throughput { word, most: Some(most), is_exceeded } => {
            let than = if *is_exceeded { ", but the campaign's rate is higher" } else { "" };
            format!("the number may send {} messages per second ({word}){than}", text::grouped((*most).into()))
        }
        AccountFinding::Throughput { word, most: None, .. } => format!("the number's throughput is {word}"),
        AccountFinding::Limit { word, most: PeopleLimit::Most(most), rows, sent } => {
            let may = format!("the account may message {} people in 24 hours ({word})", text::grouped(*most));
            match finding.weight() {
                AccountWeight::Fine => may,
                _ => format!(
                    "{may}; this run would send {}, and {} sent in the last 24 hours",
                    text::count(*rows, "message"),
                    match sent {
                        1 => "1 was".to_owned(),
                        sent => format!("{} were", text::grouped(*sent)),
                    }
                ),
            }
        }
        AccountFinding::Limit { word, most: PeopleLimit::Unlimited, .. } => {
            format!("the account may message any number of people ({word})")
        }
        AccountFinding::Limit { word, most: PeopleLimit::Unknown, .. } => {
            format!("the account's messaging limit is {word}")
        }
        AccountFinding::TemplateNotAsked(why) => match why {
            TemplateNotAsked::Varies => {
                "the template was not checked, because its name or language depends on the row".to_owned()
            }
            TemplateNotAsked::NoLanguage => {
                "the template was not checked, because the message names no language".to_owned()
            }
            TemplateNotAsked::NoAccountId => {
                "the template was not checked, because the id of the WhatsApp Business account is unknown".to_owned()
            }
            TemplateNotAsked::Refused(problem) => format!("the template was not checked: {problem}"),
        },
        AccountFinding::NoTemplate { name, language, languages } => {
            let others: Vec<String> = languages.iter().map(ToString::to_string).collect();
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            let others = if others.is_empty() { String::new() } else { format!(", only in {}", list(&others)) };
            format!("the template `{}` does not exist in {}{others}", escaped(name), escaped(language))
        }
        AccountFinding::Template { name, language, state, is_sendable, category } => {
            let cannot = if *is_sendable { "" } else { " and cannot be sent" };
            format!("the template `{}` in {} is `{state}`{cannot} ({category})", escaped(name), escaped(language))
        }
        AccountFinding::OnlyMarketing(Some(category)) => {
            format!("the account sends marketing templates only, and this template is in the category {category}")
        }
        AccountFinding::OnlyMarketing(None) => {
            "the account sends marketing templates only, and this message has no template".to_owned()
        }
        AccountFinding::TemplateQuality(word) => format!("the template's quality rating is {word}"),
        AccountFinding::OffTemplate(problem) => {
            let path = problem.path.as_deref().unwrap_or_default();
            // What may quote a row is left out.
            format!("`{path}`: {}", if problem.value.is_some() { problem.reason() } else { problem.message().into() })
        }
        AccountFinding::Unnamed => {
            "the template's variables have names, but some parameters of the message have none".to_owned()
        }
        AccountFinding::NotCompared => {
            "the message was not compared with the template, because the template has parts of an unknown kind"
                .to_owned()
        }
        AccountFinding::MayBeHeld { rows } => format!(
            "this is the account's first large campaign from this store ({}); Meta may hold part of it to assess its \
             quality",
            text::count(*rows, "message")
        ),
        AccountFinding::UnitedStates { rows } => format!(
            "{} with +1; Meta does not deliver marketing templates to US numbers",
            match rows {
                1 => "1 number starts".to_owned(),
                rows => format!("{} numbers start", text::grouped(*rows)),
            }
        ),
    }
}

/// Returns what to do about a finding.
fn hint(finding: &AccountFinding) -> Option<String> {
    let words = match finding {
        AccountFinding::Credential(_) => {
            "create a new token with the permissions whatsapp_business_messaging and whatsapp_business_management; if an \
             app secret is configured, it must belong to the token's app"
        }
        AccountFinding::NoNumber(_) => {
            "check the phone number id, and that the WhatsApp account is assigned to the token's system user"
        }
        AccountFinding::Refused(problem) => {
            return provider::advice(ProviderApi::Meta, &problem.code).map(str::to_owned);
        }
        AccountFinding::NumberNotAsked(_) => "give the token the permission whatsapp_business_management",
        AccountFinding::NumberState { .. } => "look the number up in Meta's WhatsApp Manager",
        AccountFinding::Health { problems, .. } => {
            let solutions: Vec<String> =
                problems.iter().filter_map(|problem| Some(problem.solution.as_ref()?.to_string())).collect();
            return (!solutions.is_empty()).then(|| format!("Meta advises: {}", solutions.join(" ")));
        }
        AccountFinding::Name(_) => "get it approved in Meta's WhatsApp Manager; until then Meta may refuse messages",
        AccountFinding::TokenExpiry { is_soon: true, .. } => {
            "create one that does not expire, for a system user, and put it in META_ACCESS_TOKEN or campaigner.toml"
        }
        AccountFinding::Quality { is_low: true, .. } => "the rating rises when fewer people block or report the number",
        AccountFinding::Throughput { is_exceeded: true, .. } => {
            "lower `dispatch.rate`, because messages above this limit are refused and resent later"
        }
        AccountFinding::Limit { .. } if finding.weight() == AccountWeight::Warns => {
            "spread the campaign over several days with `dispatch.quota`; all of the business's numbers share the limit"
        }
        AccountFinding::TemplateNotAsked(TemplateNotAsked::NoAccountId) => {
            "set `waba_id` in campaigner.toml, or META_WABA_ID for the built-in `meta`"
        }
        AccountFinding::TemplateNotAsked(TemplateNotAsked::Refused(_)) => {
            "check `waba_id`, and that the token has the permission whatsapp_business_management"
        }
        AccountFinding::NoTemplate { .. } => "correct the name and the language, or create the template",
        AccountFinding::Template { is_sendable: false, .. } => "look the template up in Meta's WhatsApp Manager",
        AccountFinding::OnlyMarketing(_) => "send the message through a provider without `marketing = true`",
        AccountFinding::TemplateQuality(_) => "Meta pauses templates with a low rating",
        AccountFinding::OffTemplate(problem) => return problem.hint(),
        AccountFinding::Unnamed => "add `parameter_name` to each parameter of the header and the body",
        AccountFinding::MayBeHeld { .. } => {
            "held messages are accepted; they are delivered later, or fail with code 132015"
        }
        AccountFinding::UnitedStates { .. } => "remove the US numbers among them, or use a utility template",
        AccountFinding::Number(_)
        | AccountFinding::TokenExpiry { .. }
        | AccountFinding::Quality { .. }
        | AccountFinding::Throughput { .. }
        | AccountFinding::Limit { .. }
        | AccountFinding::TemplateNotAsked(_)
        | AccountFinding::Template { .. }
        | AccountFinding::NotCompared => return None,
    };
    Some(words.to_owned())
}

/// `WABA: There is an error with the payment method. (141006)`
fn health(problem: &HealthProblem) -> String {
    let HealthProblem { part, problem, .. } = problem;
    match problem.code.is_empty() {
        true => format!("{part}: {}", problem.message()),
        false => format!("{part}: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;

    #[test]
    fn a_finding_says_what_is_wrong_and_what_to_do() {
        let token = AccountFinding::Credential(Problem::new("190", "Session has expired"));
        assert!(
            weighted_line(&token).starts_with("error   the access token is not accepted: Session has expired (190); ")
        );
        let health = AccountFinding::Health {
            blocks: true,
            problems: vec![HealthProblem {
                part: "WABA".into(),
                problem: Problem::new("141006", "There is an error with the payment method."),
                solution: Some("Please add a new payment method.".into()),
            }],
        };
        assert_eq!(
            line(&health),
            "the account is blocked and cannot send: WABA: There is an error with the payment method. (141006); Meta \
             advises: Please add a new payment method. [health]"
        );
        let limit = |most, rows| AccountFinding::Limit { word: "TIER_2K".into(), most, rows, sent: 300 };
        assert_eq!(
            line(&limit(PeopleLimit::Most(2_000), 1_700)),
            "the account may message 2,000 people in 24 hours (TIER_2K) [messaging_limit]"
        );
        let exceeded = line(&limit(PeopleLimit::Most(2_000), 1_701));
        assert!(
            exceeded.contains("this run would send 1,701 messages, and 300 were sent in the last 24 hours; spread")
        );
        assert!(line(&limit(PeopleLimit::Unknown, 9)).contains("messaging limit is TIER_2K"));
        let missing = AccountFinding::NoTemplate {
            name: "sale".into(),
            language: "en".into(),
            languages: vec!["en_US".into(), "de".into()],
        };
        assert!(
            line(&missing).contains("`sale` does not exist in en, only in `en_US` and `de`; correct"),
            "{}",
            line(&missing)
        );
        let json = as_json("shop", &missing);
        assert_eq!(
            (&json["severity"], &json["code"], &json["provider"]),
            (&json!("error"), &json!("no_template"), &json!("shop"))
        );
    }
}
