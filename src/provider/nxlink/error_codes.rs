//! NXLink's numbers: the states of a template, and error codes with advice.

use crate::template::TemplateSummary;

/// Returns the name of a template's state, and whether it can be sent; an undocumented state cannot.
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

/// Returns what to do about an error code.
#[must_use]
pub fn advice(code: i64) -> &'static str {
    match code {
        -1 => "NXLink reports a failure: contact its support with the trace id (shown as `request`)",
        1001 => "a header is missing: either campaigner has a bug, or a proxy removes headers",
        1002 => "NXLink rejected `bizType`, `action` or the body: check NXLINK_BASE_URL",
        1003 => "the signature is wrong: check NXLINK_ACCESS_SECRET",
        1004 => "this machine's clock is more than a minute off: correct it",
        1005 => "check NXLINK_ACCESS_KEY, and whether this account may manage templates",
        1000..=1099 => "check NXLINK_ACCESS_KEY and NXLINK_ACCESS_SECRET",
        22016 => {
            "this number has no WhatsApp app: check NXLINK_PHONE and NXLINK_TENANT_ID, or set up the app in NXLink"
        }
        22072 => "a parameter is invalid; NXLink's message says which. Also check NXLINK_TENANT_ID",
        _ => "contact NXLink's support with the trace id (shown as `request`)",
    }
}
