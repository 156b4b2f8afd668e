//! What the check of an account finds before a run's first message, as data. The command line makes sentences of it.

use super::{Millis, Problem, ProviderText, RowProblem};

/// What a finding means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountWeight {
    /// As it should be.
    Fine,
    /// The run can start, and people should know this.
    Warns,
    /// Nothing can be sent until it is fixed.
    Blocks,
}

/// How many people an account may message in 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleLimit {
    /// This many.
    Most(u64),
    /// As many as it likes.
    Unlimited,
    /// The provider's word for it is not known.
    Unknown,
}

/// When an access token stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenExpiry {
    /// Never, unless a person revokes it.
    Never,
    /// Then.
    At(Millis),
}

/// What keeps a part of an account from sending, or limits it, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthProblem {
    /// The part, in the provider's word: the phone number, the account, the business, the app.
    pub part: ProviderText,
    /// What is wrong, with its code.
    pub problem: Problem,
    /// What the provider advises.
    pub solution: Option<ProviderText>,
}

/// Why the template could not be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateNotAsked {
    /// The rows decide its name or language.
    Varies,
    /// The message names no language.
    NoLanguage,
    /// The id of the account that holds the templates is not known.
    NoAccountId,
    /// The provider refused.
    Refused(Problem),
}

/// One finding about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFinding {
    /// The credential is not accepted.
    Credential(Problem),
    /// The sending number does not exist, or not for this credential.
    NoNumber(Problem),
    /// The account cannot be used.
    Refused(Problem),
    /// The provider did not answer the question about the number.
    NumberNotAsked(Problem),
    /// The sending number works; the name that people see.
    Number(Option<ProviderText>),
    /// When the access token expires.
    TokenExpiry {
        /// Then.
        expiry: TokenExpiry,
        /// Whether that is soon.
        is_soon: bool,
    },
    /// The number's state is not the usual one.
    NumberState {
        /// The provider's word for it.
        state: ProviderText,
        /// Whether it cannot send.
        blocks: bool,
    },
    /// A part of the account is blocked or limited.
    Health {
        /// Whether nothing can be sent.
        blocks: bool,
        /// The provider's reasons.
        problems: Vec<HealthProblem>,
    },
    /// The name that people see is not approved; the provider's word for its state.
    Name(ProviderText),
    /// How people receive the number's messages, in the provider's word.
    Quality {
        /// The provider's word.
        word: ProviderText,
        /// Whether it is low enough to tell.
        is_low: bool,
    },
    /// How many messages the number may send per second, compared with the run's rate.
    Throughput {
        /// The provider's word.
        word: ProviderText,
        /// What it stands for, if it is known.
        most: Option<u32>,
        /// Whether the rate is higher.
        is_exceeded: bool,
    },
    /// How many people the account may message in 24 hours, compared with the run.
    Limit {
        /// The provider's word.
        word: ProviderText,
        /// What it stands for.
        most: PeopleLimit,
        /// Messages that the run may send in 24 hours.
        rows: u64,
        /// Messages that runs of this account sent in the last 24 hours.
        sent: u64,
    },
    /// The template could not be asked for.
    TemplateNotAsked(TemplateNotAsked),
    /// There is no such template in that language.
    NoTemplate {
        /// Its name.
        name: String,
        /// The language.
        language: String,
        /// The languages that it exists in.
        languages: Vec<ProviderText>,
    },
    /// The template's state.
    Template {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// The provider's word for the state.
        state: ProviderText,
        /// Whether it can be sent in this state.
        is_sendable: bool,
        /// The provider's word for its category.
        category: ProviderText,
    },
    /// The account sends marketing templates only, and the message is none: the category of its template, if it has
    /// one.
    OnlyMarketing(Option<ProviderText>),
    /// How people receive the template's messages, in the provider's word.
    TemplateQuality(ProviderText),
    /// The message does not fit the template.
    OffTemplate(RowProblem),
    /// The template's variables have names, and the message's parameters do not.
    Unnamed,
    /// The template has parts that cannot be compared with the message.
    NotCompared,
    /// The first large campaign: the provider may hold a part of it.
    MayBeHeld {
        /// Rows to send.
        rows: u64,
    },
    /// Marketing for numbers that start with +1: those of the United States get none.
    UnitedStates {
        /// Their number.
        rows: u64,
    },
}

impl AccountFinding {
    /// Returns its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::NoNumber(_) => "no_number",
            Self::Refused(_) => "account_refused",
            Self::NumberNotAsked(_) => "number_not_asked",
            Self::Number(_) => "number",
            Self::TokenExpiry { .. } => "token_expiry",
            Self::NumberState { .. } => "number_state",
            Self::Health { .. } => "health",
            Self::Name(_) => "name",
            Self::Quality { .. } => "quality",
            Self::Throughput { .. } => "throughput",
            Self::Limit { .. } => "messaging_limit",
            Self::TemplateNotAsked(_) => "template_not_asked",
            Self::NoTemplate { .. } => "no_template",
            Self::Template { .. } => "template_state",
            Self::OnlyMarketing(_) => "only_marketing",
            Self::TemplateQuality(_) => "template_quality",
            Self::OffTemplate(problem) => problem.code(),
            Self::Unnamed => "unnamed_parameter",
            Self::NotCompared => "template_not_compared",
            Self::MayBeHeld { .. } => "may_be_held",
            Self::UnitedStates { .. } => "united_states",
        }
    }

    /// Returns what it means for the run.
    #[must_use]
    pub fn weight(&self) -> AccountWeight {
        let warns_if = |is: bool| if is { AccountWeight::Warns } else { AccountWeight::Fine };
        let blocks_if = |is: bool| if is { AccountWeight::Blocks } else { AccountWeight::Warns };
        match self {
            Self::Number(_) => AccountWeight::Fine,
            Self::Credential(_)
            | Self::NoNumber(_)
            | Self::Refused(_)
            | Self::NoTemplate { .. }
            | Self::OnlyMarketing(_)
            | Self::OffTemplate(_)
            | Self::Unnamed => AccountWeight::Blocks,
            Self::NumberState { blocks, .. } | Self::Health { blocks, .. } => blocks_if(*blocks),
            Self::Template { is_sendable: true, .. } => AccountWeight::Fine,
            Self::Template { .. } => AccountWeight::Blocks,
            Self::TokenExpiry { is_soon, .. } => warns_if(*is_soon),
            Self::Quality { is_low, .. } => warns_if(*is_low),
            Self::Throughput { is_exceeded, .. } => warns_if(*is_exceeded),
            Self::Limit { most: PeopleLimit::Most(most), rows, sent, .. } => {
                warns_if(rows.saturating_add(*sent) > *most)
            }
            Self::Limit { most: PeopleLimit::Unlimited | PeopleLimit::Unknown, .. } => AccountWeight::Fine,
            Self::NumberNotAsked(_)
            | Self::Name(_)
            | Self::TemplateNotAsked(_)
            | Self::TemplateQuality(_)
            | Self::NotCompared
            | Self::MayBeHeld { .. }
            | Self::UnitedStates { .. } => AccountWeight::Warns,
        }
    }
}
