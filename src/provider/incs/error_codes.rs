//! WhatsApp's error codes as data: what each means for a row, and what a person does about it.
//!
//! From Meta, "Cloud API error codes". Every one of them that comes as a direct answer says that the message was not
//! accepted. Nothing here acts: `classify` turns a class into an outcome, the command line shows the advice.

/// What a code means for the message that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The app, the account or the sending number is too fast.
    Throttled,
    /// As `Throttled`, by a limit that is counted in an hour.
    ThrottledForLong,
    /// Too much to this one recipient in a short time.
    Pair,
    /// Too much to this one recipient, counted in days.
    Days,
    /// Trouble at WhatsApp's side that passes.
    Passing,
    /// As `Passing`, by an upgrade that takes about a minute.
    Upgrade,
    /// May be a passing trouble of one link or one server; one more try tells.
    RetryOnce,
    /// This message is refused for good as it stands.
    Message,
    /// The template is missing, paused or disabled, whatever the row.
    Template,
    /// The account, the number, its permissions, its payment or its quality.
    Account,
}

/// The codes from the first to the last, what they mean, and what to do.
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

const WAITS: &str = "nothing: it is tried again by itself; what is exhausted in the end, `retry` later";
const SLOWS: &str = "nothing: the run slows down by itself; a lower `dispatch.rate` avoids it";
const PARAMETERS: &str = "compare the message's parameters with the approved template, number by number";
const PERMISSION: &str =
    "have the account's permission to send messages restored, at the provider or in Meta's settings";
const DOUBT: &str =
    "find out with the provider whether it was sent, then `campaigner settle`; or `retry` at the risk of a double";
/// Refusals of which the words decide whether a row is rejected or in doubt.
const CHANNEL: &str = "if `rejected`, correct what the words say; if `uncertain`, find out with the provider whether it was \
    sent, then `campaigner settle`, or `retry` at the risk of a double";
const REGISTER: &str = "register the sending number anew, at the provider or in Meta's settings";

/// Every code, in order.
pub(super) static CODES: &[ErrorRange] = &[
    one(0, Class::Account, "have the provider renew its access token to WhatsApp: the one it has is not valid"),
    one(1, Class::RetryOnce, "check the message against the provider's documents, then `retry`"),
    one(2, Class::Passing, WAITS),
    one(3, Class::Account, PERMISSION),
    one(4, Class::Throttled, SLOWS),
    one(10, Class::Account, PERMISSION),
    one(33, Class::Account, "check the sending number: it was deleted, or the provider names a wrong one"),
    one(100, Class::Message, "correct the message: a parameter is not one that WhatsApp knows"),
    one(190, Class::Account, "have the provider renew its access token to WhatsApp: it expired"),
    span(200, 299, Class::Account, PERMISSION),
    one(368, Class::Account, "appeal in Meta's business settings: the account is blocked for a violation of policy"),
    one(470, Class::Message, "send a template: the person last wrote more than 24 hours ago"),
    one(80_007, Class::Throttled, SLOWS),
    one(130_429, Class::Throttled, SLOWS),
    one(
        130_472,
        Class::Message,
        "nothing: the person is part of an experiment of Meta's and gets no marketing for now",
    ),
    one(130_497, Class::Message, "leave out the numbers of this country: the account may not send there"),
    one(131_000, Class::Passing, WAITS),
    one(131_005, Class::Account, PERMISSION),
    one(131_008, Class::Message, "correct the message: a parameter that must be there is missing"),
    one(131_009, Class::Message, "correct the message: the value of a parameter is not a valid one"),
    one(131_016, Class::Passing, WAITS),
    one(131_021, Class::Message, "take the sending number off the list: nobody can message themselves"),
    one(
        131_026,
        Class::Message,
        "reach the person another way: the number is not on WhatsApp, or cannot take the message",
    ),
    one(
        131_030,
        Class::Message,
        "put the number on the test account's list of recipients, or send from a live account",
    ),
    one(131_031, Class::Account, "have the account unlocked in Meta's business settings"),
    one(131_037, Class::Account, "have the sending number's display name approved"),
    one(131_042, Class::Account, "settle the account's payment in Meta's business settings"),
    one(131_045, Class::Account, REGISTER),
    one(131_047, Class::Message, "send a template: the person last wrote more than 24 hours ago"),
    one(
        131_048,
        Class::Account,
        "let the sending number rest for hours and improve what it sends: too many blocked it or called it spam",
    ),
    one(
        131_049,
        Class::Days,
        "nothing: the person gets much marketing already, and it is tried again in days by itself",
    ),
    one(131_050, Class::Message, "send this person no marketing: they asked for none (`campaigner suppress add`)"),
    one(131_051, Class::Message, "send another kind of message: WhatsApp does not know this one"),
    one(131_052, Class::RetryOnce, "mend the file's link, type or size: WhatsApp cannot download it; then `retry`"),
    one(131_053, Class::RetryOnce, "mend the file's link, type or size: WhatsApp cannot take it; then `retry`"),
    one(131_056, Class::Pair, WAITS),
    one(131_057, Class::Upgrade, WAITS),
    one(131_062, Class::Message, "send to the person's number: this kind of message cannot go to a user id"),
    one(131_063, Class::Account, "have marketing templates enabled for the account, or send this one another way"),
    one(
        131_064,
        Class::Account,
        "appeal in Meta's business settings: sending is limited for a violation of categories",
    ),
    one(132_000, Class::Message, PARAMETERS),
    one(132_001, Class::Template, "correct the template's name and language, or wait until it is approved"),
    one(132_005, Class::Message, "shorten the values: the text with them in is too long"),
    one(132_007, Class::Message, "correct what the template says: its content is against WhatsApp's policy"),
    one(132_008, Class::Message, "correct the values: one does not have the form that the template asks for"),
    one(132_012, Class::Message, PARAMETERS),
    one(132_015, Class::Template, "edit the template, or wait until it is no longer paused for its quality"),
    one(132_016, Class::Template, "make a new template: this one is disabled for good"),
    one(132_018, Class::Message, "take line breaks, tabs and runs of blanks out of the values"),
    one(132_068, Class::Template, "mend the flow that the template opens: it is blocked"),
    one(
        132_069,
        Class::ThrottledForLong,
        "mend the flow that the template opens: it may be sent ten times an hour only",
    ),
    span(133_000, 133_003, Class::Account, REGISTER),
    one(133_004, Class::Passing, WAITS),
    span(133_005, 133_016, Class::Account, REGISTER),
    one(
        135_000,
        Class::Message,
        "compare the message with the provider's documents: WhatsApp does not say what is wrong",
    ),
    one(137_000, Class::Message, "confirm that the number still belongs to this person: their identity changed"),
];

/// What is known of a code; nothing of one that Meta does not list.
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

/// What to do about a problem's code, in words that follow "what to do:"; `None` where only the problem's own words
/// can tell.
#[must_use]
pub fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "10001" | "401" | "403" | "http_401" | "http_403" => {
            "correct the account's certification code: INCS_CERTIFICATION_CODE, or campaigner.toml"
        }
        "404" | "http_404" | "http_405" => "correct the provider's address: INCS_BASE_URL, or campaigner.toml",
        "http_407" => "correct the proxy's credentials in HTTPS_PROXY",
        "429" | "http_429" => SLOWS,
        "interrupted" | "timeout" | "connection_lost" | "no_message_id" | "bad_message_id" | "bad_answer" => DOUBT,
        "500" | "-1" | "http_200" | "http_408" | "http_444" | "http_460" | "http_499" => DOUBT,
        code if code.starts_with("http_5") => DOUBT,
        "400" | "422" | "10002" | "10003" | "10004" => CHANNEL,
        code if code.starts_with("http_4") => CHANNEL,
        _ => return find(code.parse().ok()?).map(|code| code.advice),
    })
}
