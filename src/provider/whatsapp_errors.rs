//! WhatsApp's error codes: what each means for a row, and what to do about it.
//!
//! The source is Meta's "Cloud API error codes". A direct response with any of them means that the message was not
//! accepted, except for the failures inside WhatsApp.

use std::time::Duration;

use crate::model::{Outcome, Pause, Problem, ProviderApi, StatusSource};

/// What a code means for its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The app, the account or the sending number sends too fast.
    Throttled,
    /// As `Throttled`, by an hourly limit.
    ThrottledForLong,
    /// Too much to this one recipient in a short time.
    Pair,
    /// Too much to this one recipient, counted in days.
    Days,
    /// A temporary problem of WhatsApp.
    Passing,
    /// As `Passing`, during an upgrade that takes about a minute.
    Upgrade,
    /// A new template reaches the Marketing Messages API within ten minutes.
    Synchronizing,
    /// Perhaps a temporary problem of a link or a server; one more attempt shows.
    RetryOnce,
    /// This message is refused for good.
    Message,
    /// The template is missing, paused or disabled, for every row.
    Template,
    /// The account, the number, its permissions, its payment or its quality.
    Account,
}

/// A range of codes, what they mean, and what to do.
#[derive(Debug)]
pub(super) struct ErrorRange {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) class: Class,
    pub(super) advice: &'static str,
}

const fn one(code: u32, class: Class, advice: &'static str) -> ErrorRange {
    ErrorRange { first: code, last: code, class, advice }
}

const fn span(first: u32, last: u32, class: Class, advice: &'static str) -> ErrorRange {
    ErrorRange { first, last, class, advice }
}

// A code that arrives in a status, after acceptance, makes the row `failed`, and nothing retries it.
const WAITS: &str =
    "nothing while the row is pending: it is retried automatically. If it is `exhausted` or `failed`, `retry` it later";
const SLOWS: &str = "nothing while the row is pending: the run slows down and retries it automatically. If it is \
    `exhausted` or `failed`, `retry` it later. A lower `dispatch.rate` avoids this";
const PARAMETERS: &str = "compare the message's parameters with the approved template, one by one";
const PERMISSION: &str = "restore the account's permission to send messages, with the provider or in Meta's settings";
const DOUBT: &str = "ask the provider whether the message was sent, then use `campaigner settle`, or `retry` at the risk of a duplicate";
/// For codes of Meta that only say that something went wrong.
const UNKNOWN: &str = "nothing while the row is pending: it is retried automatically. If it is `exhausted` or `failed`, `retry` \
    it later. If it is `uncertain` and no webhook settles it, ask the provider whether the message was sent, then use \
    `campaigner settle`";
/// For refusals whose words decide whether a row is rejected or in doubt.
const CHANNEL: &str = "if `rejected`, fix what the error says is wrong; if `uncertain`, ask the provider whether the message was sent, \
    then use `campaigner settle`, or `retry` at the risk of a duplicate";
/// For rows in doubt whose provider names the attempt in its webhooks.
const WEBHOOK: &str = "wait for Meta's webhooks while `campaigner serve --webhook` runs: if the message was accepted, a status \
    settles the row. If no status has come after a few hours, use `campaigner settle`, or `retry` at the risk of a duplicate";
/// For what only the Marketing Messages API answers.
const MARKETING: &str =
    "send the message through a provider without `marketing = true`: the template is not for marketing";
const REGISTER: &str = "register the sending number again, with the provider or in Meta's settings";

/// Every code, in order.
pub(super) static CODES: &[ErrorRange] = &[
    one(
        0,
        Class::Account,
        "correct the WhatsApp access token, which is not valid: set META_ACCESS_TOKEN, or ask the provider to renew its \
         token",
    ),
    one(
        1,
        Class::RetryOnce,
        "check the message against the provider's documentation, then `retry`. If the row is `uncertain`, wait for Meta's \
         webhooks, then use `campaigner settle` if none has settled it",
    ),
    one(2, Class::Passing, UNKNOWN),
    one(3, Class::Account, PERMISSION),
    one(4, Class::Throttled, SLOWS),
    one(10, Class::Account, PERMISSION),
    one(33, Class::Account, "check the sending number: it was deleted, or the provider uses the wrong one"),
    one(100, Class::Message, "correct the message: WhatsApp does not recognise one of its parameters"),
    one(
        190,
        Class::Account,
        "renew the WhatsApp access token, which has expired: set META_ACCESS_TOKEN, or ask the provider to renew its token",
    ),
    span(200, 299, Class::Account, PERMISSION),
    one(368, Class::Account, "appeal in Meta's business settings: the account is blocked for a policy violation"),
    one(470, Class::Message, "send a template: the person last wrote more than 24 hours ago"),
    one(80_007, Class::Throttled, SLOWS),
    one(130_429, Class::Throttled, SLOWS),
    one(130_472, Class::Message, "nothing; Meta excludes this person from marketing for now, as part of an experiment"),
    one(130_497, Class::Message, "remove this country's numbers: the account may not send there"),
    one(131_000, Class::Passing, UNKNOWN),
    one(131_005, Class::Account, PERMISSION),
    one(131_008, Class::Message, "correct the message: a required parameter is missing"),
    one(131_009, Class::Message, "correct the message: a parameter has an invalid value"),
    one(131_016, Class::Passing, WAITS),
    one(131_021, Class::Message, "remove the sending number from the list: it cannot message itself"),
    one(
        131_026,
        Class::Message,
        "reach the person another way: the number is not on WhatsApp, or cannot receive the message",
    ),
    one(131_030, Class::Message, "add the number to the test account's recipients, or send from a live account"),
    one(131_031, Class::Account, "unlock the account in Meta's business settings"),
    one(131_037, Class::Account, "get the sending number's display name approved"),
    one(131_042, Class::Account, "fix the account's payment method in Meta's business settings"),
    one(131_045, Class::Account, REGISTER),
    one(131_047, Class::Message, "send a template: the person last wrote more than 24 hours ago"),
    one(
        131_048,
        Class::Account,
        "stop sending from this number for a few hours and improve the content: too many people blocked the \
         number or reported it as spam",
    ),
    one(
        131_049,
        Class::Days,
        "nothing while the row is pending: it is retried automatically in a few days. If it is `failed`, `retry` \
         it yourself in a few days. The person has already received a lot of marketing",
    ),
    one(131_050, Class::Message, "nothing: the person opted out of marketing, and is now on the suppression list"),
    one(131_051, Class::Message, "send another kind of message: WhatsApp does not support this one"),
    one(
        131_052,
        Class::RetryOnce,
        "fix the file's link, type or size: WhatsApp cannot download the file. Then `retry`",
    ),
    one(131_053, Class::RetryOnce, "fix the file's link, type or size: WhatsApp cannot accept the file. Then `retry`"),
    one(131_055, Class::Template, MARKETING),
    one(131_056, Class::Pair, WAITS),
    one(131_057, Class::Upgrade, WAITS),
    one(131_062, Class::Message, "send to the person's phone number: this kind of message cannot go to a user id"),
    one(131_063, Class::Account, "get marketing templates enabled for the account, or send this message another way"),
    one(
        131_064,
        Class::Account,
        "appeal in Meta's business settings: sending is limited because templates were in the wrong category",
    ),
    one(132_000, Class::Message, PARAMETERS),
    one(
        132_001,
        Class::Template,
        "check whether the template exists with this name and language and is approved; if not, create it again or wait",
    ),
    one(132_005, Class::Message, "shorten the values: the text is too long once they are filled in"),
    one(132_007, Class::Message, "correct the template's text: it violates WhatsApp's policy"),
    one(132_008, Class::Message, "correct the values: one does not have the format that the template expects"),
    one(132_012, Class::Message, PARAMETERS),
    one(132_015, Class::Template, "edit the template, or wait until it is no longer paused for low quality"),
    one(132_016, Class::Template, "create a new template: this one is permanently disabled"),
    one(132_018, Class::Message, "remove line breaks, tabs and runs of spaces from the values"),
    one(132_068, Class::Template, "fix the flow that the template opens: it is blocked"),
    one(
        132_069,
        Class::ThrottledForLong,
        "fix the flow that the template opens: until then, the template can be sent only ten times an hour",
    ),
    span(133_000, 133_003, Class::Account, REGISTER),
    one(133_004, Class::Passing, WAITS),
    span(133_005, 133_016, Class::Account, REGISTER),
    one(134_100, Class::Template, MARKETING),
    one(134_101, Class::Synchronizing, WAITS),
    one(
        134_102,
        Class::Template,
        "accept the terms of the Marketing Messages API in Meta's WhatsApp Manager, or send through a provider without \
         `marketing = true`",
    ),
    one(
        135_000,
        Class::Message,
        "compare the message with the provider's documentation: WhatsApp does not say what is wrong",
    ),
    one(137_000, Class::Message, "confirm that the number still belongs to this person: their identity changed"),
];

/// Returns what is known about a code; `None` if Meta does not list it.
pub(super) fn find(code: u32) -> Option<&'static ErrorRange> {
    let place = CODES.binary_search_by(|known| {
        if known.last < code {
            std::cmp::Ordering::Less
        } else if known.first > code {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    });
    place.ok().and_then(|index| CODES.get(index))
}

/// Whether a code only says that something failed inside WhatsApp. Meta answers it with HTTP 5xx, and then the message
/// may have been accepted.
pub(super) fn is_failure_inside(code: u32) -> bool {
    matches!(code, 1 | 2 | 131_000)
}

/// Classifies a WhatsApp code. A message with such a direct response was not accepted, unless the code is a failure
/// inside WhatsApp; for an unlisted code it is not retried, and the words are kept.
pub(super) fn outcome(code: u32, problem: Problem, wait: Option<Duration>) -> Outcome {
    const MINUTE: Duration = Duration::from_secs(60);
    match find(code).map_or(Class::Message, |code| code.class) {
        Class::Throttled => Outcome::Throttled { problem, wait },
        Class::ThrottledForLong => Outcome::Throttled { problem, wait: Some(wait.unwrap_or(5 * MINUTE)) },
        Class::Pair => Outcome::Deferred { problem, pause: Pause::Short },
        Class::Days => Outcome::Deferred { problem, pause: Pause::Days },
        Class::Passing => Outcome::TryAgain { problem, wait },
        Class::Upgrade => Outcome::TryAgain { problem, wait: Some(wait.unwrap_or(2 * MINUTE)) },
        Class::Synchronizing => Outcome::TryAgain { problem, wait: Some(wait.unwrap_or(10 * MINUTE)) },
        Class::RetryOnce => Outcome::RetryOnce(problem),
        Class::Message => Outcome::Refused(problem),
        Class::Template => Outcome::TemplateRefused(problem),
        Class::Account => Outcome::Halted(problem),
    }
}

/// Returns what to do about a problem code from a provider with this API, in words that follow "what to do:"; `None` if
/// only the problem's own words can say.
#[must_use]
pub fn advice(api: ProviderApi, code: &str) -> Option<&'static str> {
    match api.statuses() {
        StatusSource::Pushed => of_meta(code).or_else(|| of_any(code)),
        // Only INCS, which leaves these rows in doubt.
        StatusSource::Polled if code.parse().is_ok_and(is_failure_inside) => Some(DOUBT),
        StatusSource::Polled => of_any(code),
    }
}

/// Returns the advice for codes that mean something else, or that something else helps with, at Meta.
fn of_meta(code: &str) -> Option<&'static str> {
    Some(match code {
        "http_401" | "http_403" => "correct the account's access token: META_ACCESS_TOKEN, or campaigner.toml",
        "http_404" | "http_405" => {
            "correct the URL and the phone number id: META_BASE_URL and META_PHONE_NUMBER_ID, or campaigner.toml"
        }
        "interrupted" | "timeout" | "connection_lost" | "no_message_id" | "bad_message_id" | "bad_answer" => WEBHOOK,
        code if code.starts_with("http_5")
            || matches!(code, "http_200" | "http_408" | "http_444" | "http_460" | "http_499") =>
        {
            WEBHOOK
        }
        code if code.starts_with("http_4") && code != "http_407" && code != "http_429" => {
            "if `rejected`, fix what the error says is wrong; if `uncertain`, wait for Meta's webhooks: a status settles \
             the row if the message was accepted"
        }
        "not_delivered" => "ask Meta's support: its webhook gave no reason",
        "held" => "wait: Meta sends held messages, or reports them as failed (132015), usually within an hour",
        _ => return None,
    })
}

fn of_any(code: &str) -> Option<&'static str> {
    Some(match code {
        "10001" | "401" | "403" | "http_401" | "http_403" => {
            "correct the account's certification code: INCS_CERTIFICATION_CODE, or campaigner.toml"
        }
        "404" | "http_404" | "http_405" => "correct the provider's URL: INCS_BASE_URL, or campaigner.toml",
        "http_407" => "correct the proxy's credentials in HTTPS_PROXY",
        "429" | "http_429" => SLOWS,
        "interrupted" | "timeout" | "connection_lost" | "no_message_id" | "bad_message_id" | "bad_answer" => DOUBT,
        "500" | "-1" | "http_200" | "http_408" | "http_444" | "http_460" | "http_499" => DOUBT,
        code if code.starts_with("http_5") => DOUBT,
        "not_delivered" => "use webhooks to get the reason (`campaigner serve --webhook`); polled statuses have none",
        "400" | "422" | "10002" | "10003" | "10004" => CHANNEL,
        code if code.starts_with("http_4") => CHANNEL,
        _ => return find(code.parse().ok()?).map(|code| code.advice),
    })
}
