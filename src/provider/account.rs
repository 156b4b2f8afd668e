//! What a provider says of an account when it is asked before a run's first message.

use crate::model::{HealthProblem, PeopleLimit, Problem, ProviderText, TokenExpiry};
use crate::template::Loaded;

/// The answers to everything that was asked.
#[derive(Clone, Debug)]
pub struct AccountAnswers {
    /// About the sending number.
    pub number: NumberAnswer,
    /// About the template; `None` if none was asked for.
    pub template: Option<TemplateAnswer>,
    /// The provider's id of the business account that the number belongs to, if it is known.
    pub business_account: Option<String>,
    /// When the access token expires, if the provider said so.
    pub token: Option<TokenExpiry>,
    /// Whether the account sends marketing templates only.
    pub only_marketing: bool,
}

/// The answer about the sending number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberAnswer {
    /// What is known about it.
    Known(Box<NumberFacts>),
    /// The credential is not accepted.
    BadCredential(Problem),
    /// There is no such number, or not for this credential.
    Missing(Problem),
    /// The account cannot be used.
    Refused(Problem),
    /// The question was refused, which does not mean that messages are.
    NotAnswered(Problem),
}

/// Whether a number can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberCondition {
    /// It can.
    Works,
    /// It cannot.
    Stopped,
    /// It can, or perhaps it can.
    Doubtful,
}

/// What a provider says about a sending number. `None`: it did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFacts {
    /// The name that people see.
    pub name: Option<ProviderText>,
    /// Its state, in the provider's word, and what that means.
    pub state: Option<(ProviderText, NumberCondition)>,
    /// The state of the name, if it is not approved.
    pub unapproved_name: Option<ProviderText>,
    /// How people receive its messages, and whether that is low.
    pub quality: Option<(ProviderText, bool)>,
    /// How many messages it may send per second: the provider's word, and what it stands for.
    pub throughput: Option<(ProviderText, Option<u32>)>,
    /// How many people the account may message in 24 hours: the provider's word, and what it stands for.
    pub limit: Option<(ProviderText, PeopleLimit)>,
    /// What blocks or limits a part of the account.
    pub health: Option<HealthAnswer>,
}

/// What blocks or limits parts of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthAnswer {
    /// Whether nothing can be sent.
    pub is_blocked: bool,
    /// The reasons.
    pub problems: Vec<HealthProblem>,
}

/// The answer about the template.
#[derive(Clone, Debug)]
pub enum TemplateAnswer {
    /// It exists in this language.
    Found(Box<TemplateFacts>),
    /// It does not; the languages that it exists in.
    Missing(Vec<ProviderText>),
    /// The id of the account that holds the templates is not known.
    NoAccountId,
    /// The provider refused the question.
    NotAnswered(Problem),
}

/// What a provider says about a template.
#[derive(Clone, Debug)]
pub struct TemplateFacts {
    /// Its state, in the provider's word.
    pub state: ProviderText,
    /// Whether it can be sent in this state.
    pub is_sendable: bool,
    /// Its category, in the provider's word.
    pub category: ProviderText,
    /// Whether it is marketing.
    pub is_marketing: bool,
    /// How people receive its messages, if that is not good.
    pub low_quality: Option<ProviderText>,
    /// Whether its variables have names.
    pub is_named: bool,
    /// Its parts, to compare messages with.
    pub parts: RemoteParts,
}

/// The parts of a template at a provider.
#[derive(Clone, Debug)]
pub enum RemoteParts {
    /// They can be compared with a message.
    Known(Box<Loaded>),
    /// They are of kinds that this version does not know.
    Unknown,
    /// The provider did not say.
    NotStated,
}
