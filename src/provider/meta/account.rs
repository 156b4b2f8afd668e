//! Asks Meta about the account before a run's first message: the sending number with its limits, and the template.
//!
//! A question that Meta refuses does not mean that it refuses messages. Only what Meta says of the token, the number,
//! the account or the template itself counts against the run.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::account_words::{self, NamedParts, is_nonexisting_field};
use super::classify;
use super::client::MetaClient;
use crate::model::{Outcome, Problem, SendProblem, TokenExpiry};
use crate::provider::account::{AccountAnswers, NumberAnswer, TemplateAnswer};
use crate::provider::error::PollError;

/// What is asked about the number.
const NUMBER_FIELDS: [&str; 7] = [
    "verified_name",
    "status",
    "quality_rating",
    "throughput",
    "whatsapp_business_manager_messaging_limit",
    "name_status",
    "health_status",
];
/// What is asked about the template.
pub(super) const TEMPLATE_FIELDS: &str = "name,language,status,category,parameter_format,quality_score,components";
/// The most templates in one answer. A name has at most one for each language.
const MOST_TEMPLATES: &str = "200";

/// How long the question about the token may take, which is only for a warning.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a question has no answer.
pub(super) enum Unanswered {
    /// Meta refused it, with its code and its subcode.
    Refused { code: u64, subcode: u64, problem: Problem },
    /// The answer is not one of Meta's.
    Strange(Problem),
    /// A later question may be answered.
    Failed(PollError),
}

impl MetaClient {
    /// Asks about the number, and about a template by its name and language. `account` is the WhatsApp Business
    /// account; without it, the one counts that Meta names in the number's health.
    ///
    /// # Errors
    /// [`PollError`] when Meta cannot be reached or asks to come back later.
    pub(in crate::provider) async fn account(
        &self,
        template: Option<(&str, &str)>,
    ) -> Result<AccountAnswers, PollError> {
        let (number, named) = self.number().await?;
        let template = match template {
            // Nothing else would be answered.
            Some(_) if matches!(number, NumberAnswer::BadCredential(_) | NumberAnswer::Refused(_)) => None,
            Some((name, language)) => Some(match self.account_id().or(named.account.as_deref()) {
                Some(account) => self.template(account, name, language).await?,
                None => TemplateAnswer::NoAccountId,
            }),
            None => None,
        };
        let token = match &named.app {
            Some(app) => self.token_expiry(app).await,
            None => None,
        };
        let business_account = self.account_id().map(str::to_owned).or(named.account);
        Ok(AccountAnswers { number, template, business_account, token, only_marketing: self.is_for_marketing() })
    }

    /// Returns when the access token expires, if the app's secret is known, with which Meta lets an app ask about its
    /// tokens ("Debug token"). Without an answer, nothing is known: it is only for a warning.
    async fn token_expiry(&self, app: &str) -> Option<TokenExpiry> {
        let (url, credential) = self.token_question(app)?;
        let (status, _, body) =
            tokio::time::timeout(TOKEN_TIMEOUT, self.link().get_as(url, credential)).await.ok()?.ok()?;
        let answer = serde_json::from_slice(&body).ok().filter(|_| status.is_success())?;
        account_words::token_expiry(&answer)
    }

    /// Returns what Meta says about the number, and the parts of the account that it names.
    async fn number(&self) -> Result<(NumberAnswer, NamedParts), PollError> {
        let mut fields = NUMBER_FIELDS.to_vec();
        let refusal = loop {
            let asked = fields.join(",");
            match self.ask(self.number_url(&[("fields", &asked)])).await {
                Ok(answer) => {
                    let (facts, account) = account_words::number(&answer);
                    return Ok((NumberAnswer::Known(Box::new(facts)), account));
                }
                Err(refusal) => {
                    // Another version of the API may not know every field.
                    let Unanswered::Refused { problem, .. } = &refusal else { break refusal };
                    let words = problem.message().original().to_owned();
                    let known = fields.len();
                    fields.retain(|field| !is_nonexisting_field(&words, field));
                    if fields.is_empty() || fields.len() == known {
                        break refusal;
                    }
                }
            }
        };
        let answer = match refusal {
            Unanswered::Failed(error) => return Err(error),
            Unanswered::Strange(problem) => NumberAnswer::NotAnswered(problem),
            Unanswered::Refused { code, subcode, problem } => match (code, subcode) {
                (0 | 102 | 104 | 190 | 2500, _) => NumberAnswer::BadCredential(problem),
                (100, _) if problem.message().original().contains("appsecret_proof") => {
                    NumberAnswer::BadCredential(problem)
                }
                (33 | 803, _) | (100, 33) => NumberAnswer::Missing(problem),
                (368 | 131_031, _) => NumberAnswer::Refused(problem),
                // Perhaps only some of the fields need a permission that the token lacks.
                (3 | 10 | 200..=299, _) => match self.probe().await {
                    Ok(()) => NumberAnswer::NotAnswered(problem),
                    Err(PollError::Halted(_)) => NumberAnswer::Refused(problem),
                    Err(error) => return Err(error),
                },
                _ => NumberAnswer::NotAnswered(problem),
            },
        };
        Ok((answer, NamedParts::default()))
    }

    /// Returns what Meta says about a template.
    async fn template(&self, account: &str, name: &str, language: &str) -> Result<TemplateAnswer, PollError> {
        let query = [("name", name), ("fields", TEMPLATE_FIELDS), ("limit", MOST_TEMPLATES)];
        let in_language = [&query[..], &[("language", language)]].concat();
        let found = match self.templates(account, &in_language).await {
            Ok(found) => found,
            Err(unanswered) => return unanswered.of_template(),
        };
        if let Some(facts) = account_words::template(&found, name, language) {
            return Ok(TemplateAnswer::Found(Box::new(facts)));
        }
        match self.templates(account, &query).await {
            // The filter by language may be stricter than the language of a message.
            Ok(found) => Ok(match account_words::template(&found, name, language) {
                Some(facts) => TemplateAnswer::Found(Box::new(facts)),
                None => TemplateAnswer::Missing(account_words::languages(&found, name)),
            }),
            Err(unanswered) => unanswered.of_template(),
        }
    }

    async fn templates(&self, account: &str, query: &[(&str, &str)]) -> Result<Value, Unanswered> {
        let found = self.ask(self.url(&format!("{account}/message_templates"), query)).await?;
        match found["data"].is_array() {
            true => Ok(found),
            false => Err(Unanswered::Strange(SendProblem::Http { status: 200, text: String::new() }.into())),
        }
    }

    /// Makes one request and returns the JSON object of its answer.
    pub(super) async fn ask(&self, url: Url) -> Result<Value, Unanswered> {
        let (status, wait, body) = self.link().get(url).await.map_err(Unanswered::Failed)?;
        let value: Option<Value> = serde_json::from_slice(&body).ok().filter(Value::is_object);
        match value {
            Some(value) if status.is_success() && value.get("error").is_none() => Ok(value),
            // Something else than Meta answered.
            None if status.is_success() || status == StatusCode::NOT_IMPLEMENTED => {
                let text = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(200).collect();
                Err(Unanswered::Strange(SendProblem::Http { status: status.as_u16(), text }.into()))
            }
            value => Err(self.unanswered(value.as_ref(), classify::answer(status, wait, &body))),
        }
    }

    fn unanswered(&self, value: Option<&Value>, outcome: Outcome) -> Unanswered {
        match outcome {
            Outcome::Refused(mut problem) | Outcome::Halted(mut problem) | Outcome::TemplateRefused(mut problem) => {
                self.link().cut_credential(Some(&mut problem));
                let error = value.and_then(|value| value.get("error"));
                match error.and_then(|error| Some((error["code"].as_u64()?, error))) {
                    Some((code, error)) => {
                        let subcode = error["error_subcode"].as_u64().unwrap_or_default();
                        Unanswered::Refused { code, subcode, problem }
                    }
                    None => Unanswered::Strange(problem),
                }
            }
            other => {
                let mut error = PollError::from(other);
                self.link().cut_credential(Some(error.problem_mut()));
                Unanswered::Failed(error)
            }
        }
    }
}

impl Unanswered {
    /// Returns the answer about a template that this is, or the error.
    fn of_template(self) -> Result<TemplateAnswer, PollError> {
        match self {
            Self::Failed(error) => Err(error),
            Self::Refused { problem, .. } | Self::Strange(problem) => Ok(TemplateAnswer::NotAnswered(problem)),
        }
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
