//! What NXLink's numbers mean: the states of a template, and its error codes with what to do.

use crate::template::TemplateSummary;

/// The name of a template's state, and whether it can be sent. A number that the document does not name cannot.
#[must_use]
pub fn status(number: u64) -> (String, bool) {
    let name = match number {
        0 => "rejected",
        1 => "pending",
        2 => "in use",
        3 => "appealed",
        6 => "unavailable",
        9 => "pending deletion",
        11 => "paused",
        12 => "exceeded limit",
        14 => TemplateSummary::DELETED,
        other => return (format!("unknown ({other})"), false),
    };
    (name.to_owned(), number == 2)
}

/// What to do about an error code.
#[must_use]
pub fn advice(code: i64) -> &'static str {
    match code {
        -1 => "NXLink reports a failure: contact its support and give them the trace id (shown as `request`)",
        1001 => "a header is missing: this is a mistake of campaigner's, or something on the way takes headers out",
        1002 => "NXLink did not like `bizType`, `action` or the body: check NXLINK_BASE_URL",
        1003 => "the signature is wrong: check NXLINK_ACCESS_SECRET",
        1004 => "the clock of this machine is more than a minute off: set it",
        1005 => "check NXLINK_ACCESS_KEY, and whether this account may manage templates",
        1000..=1099 => "check NXLINK_ACCESS_KEY and NXLINK_ACCESS_SECRET",
        22016 => {
            "this number has no WhatsApp app: check NXLINK_PHONE and NXLINK_TENANT_ID, or set the app up at NXLink"
        }
        22072 => "NXLink found a parameter invalid: its words say which; check NXLINK_TENANT_ID too",
        _ => "contact NXLink's support and give them the trace id (shown as `request`)",
    }
}
