//! What a provider reports of its own accord about an account and its templates.

use std::fmt;

use super::{Millis, Problem, ProviderText};

/// A provider's report about an account or one of its templates. Displayed as a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEvent {
    /// The provider's id of the business account, to which the templates belong.
    pub business_account: String,
    /// The fingerprint of the account whose webhook brought it; `None` if it is about another one.
    pub account: Option<String>,
    /// The template that it is about; `None` if it is about the account itself.
    pub template: Option<TemplateName>,
    /// What has changed.
    pub kind: AccountChange,
    /// The provider's word for the new state.
    pub value: ProviderText,
    /// The provider's reason, if it gave one.
    pub reason: Option<ProviderText>,
    /// When it happened.
    pub at: Millis,
}

/// The name and language of a template, as in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateName {
    /// The name.
    pub name: String,
    /// The language, such as `en_US`.
    pub language: String,
}

/// What has changed in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountChange {
    /// Whether a template can be sent.
    TemplateState,
    /// How people receive a template's messages.
    TemplateQuality,
    /// The category of a template, which decides its price and its limits.
    TemplateCategory,
    /// The category that a template will be moved to.
    ComingCategory,
    /// How people receive the messages of a sending number, or how many it may send.
    Number,
    /// How many people the account may message in 24 hours.
    Limit,
    /// The account: a restriction, a violation, a review.
    Account,
}

impl AccountChange {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::TemplateState,
        Self::TemplateQuality,
        Self::TemplateCategory,
        Self::ComingCategory,
        Self::Number,
        Self::Limit,
        Self::Account,
    ];

    /// Returns the stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TemplateState => "template_state",
            Self::TemplateQuality => "template_quality",
            Self::TemplateCategory => "template_category",
            Self::ComingCategory => "coming_category",
            Self::Number => "number",
            Self::Limit => "messaging_limit",
            Self::Account => "account",
        }
    }

    /// Returns the kind with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl AccountEvent {
    /// Returns why the runs of the template stop, if they do: it can no longer be sent. The code is the one with which
    /// WhatsApp would refuse the next message.
    #[must_use]
    pub fn stops(&self) -> Option<Problem> {
        let code = match self.value.original() {
            _ if self.kind != AccountChange::TemplateState => return None,
            "PAUSED" => "132015",
            "DISABLED" => "132016",
            "REJECTED" | "DELETED" | "ARCHIVED" | "LOCKED" => "132001",
            _ => return None,
        };
        Some(Problem::new(code, self.to_string()))
    }

    /// Whether it is news to worry about.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self.kind {
            AccountChange::TemplateState => {
                !matches!(self.value.original(), "APPROVED" | "REINSTATED" | "UNARCHIVED" | "UNPAUSED")
            }
            AccountChange::TemplateQuality => self.value.original() != "GREEN",
            AccountChange::Number => !self.value.original().contains("UPGRADE"),
            AccountChange::TemplateCategory
            | AccountChange::ComingCategory
            | AccountChange::Limit
            | AccountChange::Account => true,
        }
    }
}

impl fmt::Display for AccountEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { template, kind, value, reason, .. } = self;
        let of_template = |f: &mut fmt::Formatter<'_>| match template {
            Some(TemplateName { name, language }) => {
                write!(f, "template `{}` ({})", ProviderText::shown(name), ProviderText::shown(language))
            }
            None => f.write_str("template"),
        };
        let because = |f: &mut fmt::Formatter<'_>| match reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        };
        match kind {
            AccountChange::TemplateState => {
                f.write_str("the provider changed the state of the ")?;
                of_template(f)?;
                write!(f, " to {value}")?;
            }
            AccountChange::TemplateQuality => {
                f.write_str("the provider rates the quality of the ")?;
                of_template(f)?;
                write!(f, " as {value}")?;
                because(f)?;
                return f.write_str("; a template rated RED is paused");
            }
            AccountChange::TemplateCategory | AccountChange::ComingCategory => {
                let moves = if *kind == AccountChange::ComingCategory { "will move" } else { "moved" };
                write!(f, "the provider {moves} the ")?;
                of_template(f)?;
                write!(f, " to the category {value}")?;
                because(f)?;
                return f.write_str("; each category has its own prices and limits");
            }
            AccountChange::Number => {
                write!(f, "the provider reports {value} for one of the account's sending numbers")?
            }
            AccountChange::Limit => write!(f, "the account's messaging limit (people in 24 hours) is now {value}")?,
            AccountChange::Account => write!(f, "the provider reports {value} for the account")?,
        }
        because(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: AccountChange, value: &str) -> AccountEvent {
        AccountEvent {
            business_account: "1".into(),
            account: None,
            template: Some(TemplateName { name: "spring_sale".into(), language: "en_US".into() }),
            kind,
            value: value.into(),
            reason: None,
            at: Millis(1),
        }
    }

    #[test]
    fn only_a_template_that_can_no_longer_be_sent_stops_its_runs() {
        let code = |kind, value: &str| event(kind, value).stops().map(|problem| problem.code);
        assert_eq!(code(AccountChange::TemplateState, "PAUSED").as_deref(), Some("132015"));
        assert_eq!(code(AccountChange::TemplateState, "DISABLED").as_deref(), Some("132016"));
        assert_eq!(code(AccountChange::TemplateState, "DELETED").as_deref(), Some("132001"));
        for value in ["APPROVED", "FLAGGED", "PENDING", "IN_APPEAL", "REINSTATED", "SOMETHING_NEW"] {
            assert_eq!(code(AccountChange::TemplateState, value), None, "{value}");
        }
        assert_eq!(code(AccountChange::Account, "PAUSED"), None);
    }

    #[test]
    fn every_kind_has_words_and_a_name_of_its_own() {
        for kind in AccountChange::ALL {
            assert_eq!(AccountChange::from_code(kind.code()), Some(kind));
            let event = AccountEvent { reason: Some("why".into()), ..event(kind, "RED") };
            let words = event.to_string();
            assert!(words.contains("RED") && words.contains(" (why)"), "{words}");
        }
        assert_eq!(AccountChange::from_code("other"), None);
    }

    #[test]
    fn numbers_in_a_providers_words_do_not_print() {
        let event = AccountEvent { value: "call 85268411234\u{1b}[31m".into(), ..event(AccountChange::Account, "") };
        assert!(!event.to_string().contains("85268411234") && !event.to_string().contains('\u{1b}'), "{event}");
    }
}
