//! A campaign as canonical text, stored with its run, and its fingerprint.
//!
//! The text is JSON with a version and a fixed key order: the same campaign gives the same bytes, whatever the layout
//! of its file. Recipient rows are not included; they are stored one by one elsewhere. A new format needs a new version
//! number, and the old one must stay readable.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Campaign, Channel, Dispatch, Halt, Inline, Millis, NotAfter, ProviderApi, Reading, Recipients, Reconcile, Source,
    TimeColumns, Timing, WhenUncertain, WhoseClock, Window,
};

use super::timing;

const VERSION: u32 = 1;

/// Why a frozen campaign cannot be thawed, worded to follow "the campaign".
#[derive(Debug, thiserror::Error)]
pub enum ThawError {
    /// It is not what [`freeze`] writes.
    #[error("cannot be read")]
    Damaged(#[source] serde_json::Error),
    /// A value is not one that a campaign can have.
    #[error("has a value for {0} that cannot be read")]
    Value(&'static str),
    /// It was written by a newer version of this program.
    #[error("has format {0}, but this version of campaigner reads only format {VERSION}")]
    Version(u32),
}

/// Returns a campaign without its recipient rows, as canonical JSON on one line.
#[must_use]
pub fn freeze(campaign: &Campaign) -> String {
    canonical(campaign, campaign.recipients.source.path())
}

/// Returns the SHA-256 of a frozen campaign, in hexadecimal. It ignores the path of the list, so a campaign can
/// be moved, and the contents of the rows, which are compared in another way.
#[must_use]
pub fn fingerprint(campaign: &Campaign) -> String {
    Sha256::digest(canonical(campaign, None)).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn canonical(campaign: &Campaign, path: Option<&Path>) -> String {
    let Campaign {
        name,
        provider,
        api,
        channel,
        recipients,
        message,
        definition: _,
        schedule: _,
        dispatch,
        reconcile,
        timing,
    } = campaign;
    let uncertain = match dispatch.uncertain {
        WhenUncertain::Hold => "hold",
        WhenUncertain::Resend => "resend",
    };
    let path = path.map(Path::to_string_lossy);
    let (csv, sheet) = match &recipients.source {
        Source::Csv(_) | Source::Inline(_) => (path, None),
        Source::Sheet { name, .. } => (None, Some((path, name))),
    };
    let mut frozen = json!({
        "v": VERSION,
        "name": name,
        "provider": provider,
        "channel": channel.as_str(),
        "recipients": {"csv": csv, "to": recipients.to, "region": recipients.region},
        "message": message,
        "dispatch": {
            "rate": dispatch.rate,
            "per_ms": millis(dispatch.per),
            "concurrency": dispatch.concurrency,
            "timeout_ms": millis(dispatch.timeout),
            "attempts": dispatch.attempts,
            "uncertain": uncertain,
        },
        "reconcile": {
            "after_ms": millis(reconcile.after),
            "every_ms": millis(reconcile.every),
            "for_ms": millis(reconcile.horizon),
        },
    });
    // Defaults are left out, so that campaigns from before a setting existed keep their fingerprint.
    if *api != ProviderApi::default() {
        frozen["api"] = api.as_str().into();
    }
    if dispatch.halt != Some(Halt::default()) {
        frozen["dispatch"]["halt"] = match dispatch.halt {
            Some(Halt { share, over, same_error }) => {
                json!({"share": share, "over": over, "same_error": same_error})
            }
            None => serde_json::Value::Null,
        };
    }
    if dispatch.resend_after != Dispatch::RESEND_AFTER {
        frozen["dispatch"]["resend_after_ms"] = millis(dispatch.resend_after).into();
    }
    if let Some((path, name)) = sheet {
        frozen["recipients"]["sheet"] = json!({"xlsx": path, "name": name});
    }
    if let Some(within) = recipients.skip_sent_within {
        frozen["recipients"]["skip_sent_within_ms"] = millis(within).into();
    }
    if recipients.reading != Reading::default() {
        frozen["recipients"]["reading"] = frozen_reading(&recipients.reading);
    }
    if *timing != Timing::default() {
        frozen["timing"] = frozen_timing(timing);
    }
    frozen.to_string()
}

/// Writes only what differs from the default, for the same reason.
fn frozen_reading(reading: &Reading) -> serde_json::Value {
    let Reading { trim, flatten, first_of_several, strict_numbers, encoding, ref columns } = *reading;
    let mut frozen = serde_json::Map::new();
    if !trim {
        frozen.insert("trim".to_owned(), false.into());
    }
    if flatten {
        frozen.insert("flatten".to_owned(), true.into());
    }
    if first_of_several {
        frozen.insert("split".to_owned(), "first".into());
    }
    if strict_numbers {
        frozen.insert("strict_numbers".to_owned(), true.into());
    }
    if let Some(encoding) = encoding {
        frozen.insert("encoding".to_owned(), encoding.name().into());
    }
    if !columns.is_empty() {
        frozen.insert("columns".to_owned(), json!(columns));
    }
    frozen.into()
}

fn frozen_timing(timing: &Timing) -> serde_json::Value {
    let Timing { timezone, window, not_after, quota, columns } = timing;
    let (at, within) = match not_after {
        Some(NotAfter::At(at)) => (Some(at.0), None),
        Some(NotAfter::Within(time)) => (None, Some(millis(*time))),
        None => (None, None),
    };
    let window = window.as_ref().map(|window| {
        let open: Vec<String> = window.open.iter().map(ToString::to_string).collect();
        let off: Vec<String> = window.off.iter().map(ToString::to_string).collect();
        json!({"open": open, "off": off, "clock": window.clock.as_str()})
    });
    json!({
        "timezone": timezone,
        "window": window,
        "not_after_ms": at,
        "not_after_within_ms": within,
        "quota": quota,
        "columns": [columns.timezone, columns.send_at, columns.not_after],
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the campaign of a text that [`freeze`] wrote. Its source is the path that the list had then, or no rows.
///
/// # Errors
///
/// When the text is damaged or has another version.
pub fn thaw(text: &str) -> Result<Campaign, ThawError> {
    // The version is read first, because another version may have any format.
    let Version { v } = serde_json::from_str(text).map_err(ThawError::Damaged)?;
    if v != VERSION {
        return Err(ThawError::Version(v));
    }
    let frozen: Frozen = serde_json::from_str(text).map_err(ThawError::Damaged)?;
    let uncertain = match frozen.dispatch.uncertain.as_str() {
        "hold" => WhenUncertain::Hold,
        "resend" => WhenUncertain::Resend,
        _ => return Err(ThawError::Value("`uncertain`")),
    };
    let FrozenReading { trim, flatten, split, strict_numbers, encoding, columns } = frozen.recipients.reading;
    let encoding = encoding.map(|name| Encoding::for_label(name.as_bytes()).ok_or(ThawError::Value("`encoding`")));
    let encoding = encoding.transpose()?;
    let source = match (frozen.recipients.csv, frozen.recipients.sheet) {
        (Some(path), _) => Source::Csv(path.into()),
        (None, Some(FrozenSheet { xlsx, name })) => Source::Sheet { path: xlsx.into(), name },
        (None, None) => Source::Inline(Inline::default()),
    };
    let api = match frozen.api {
        Some(name) => ProviderApi::from_name(&name).ok_or(ThawError::Value("`api`"))?,
        None => ProviderApi::default(),
    };
    Ok(Campaign {
        name: frozen.name,
        provider: frozen.provider,
        api,
        channel: Channel::from_name(&frozen.channel).ok_or(ThawError::Value("`channel`"))?,
        recipients: Recipients {
            source,
            to: frozen.recipients.to,
            region: frozen.recipients.region,
            skip_sent_within: frozen.recipients.skip_sent_within_ms.map(Duration::from_millis),
            reading: Reading {
                trim: trim.unwrap_or(true),
                flatten: flatten.unwrap_or(false),
                first_of_several: split.is_some(),
                strict_numbers: strict_numbers.unwrap_or(false),
                encoding,
                columns,
            },
        },
        message: frozen.message,
        definition: None,
        schedule: None,
        dispatch: Dispatch {
            rate: frozen.dispatch.rate,
            per: Duration::from_millis(frozen.dispatch.per_ms),
            concurrency: frozen.dispatch.concurrency,
            timeout: Duration::from_millis(frozen.dispatch.timeout_ms),
            attempts: frozen.dispatch.attempts,
            uncertain,
            resend_after: frozen.dispatch.resend_after_ms.map_or(Dispatch::RESEND_AFTER, Duration::from_millis),
            halt: frozen.dispatch.halt.map(|FrozenHalt { share, over, same_error }| Halt { share, over, same_error }),
        },
        reconcile: Reconcile {
            after: Duration::from_millis(frozen.reconcile.after_ms),
            every: Duration::from_millis(frozen.reconcile.every_ms),
            horizon: Duration::from_millis(frozen.reconcile.for_ms),
        },
        timing: frozen.timing.map(thaw_timing).transpose()?.unwrap_or_default(),
    })
}

fn thaw_timing(frozen: FrozenTiming) -> Result<Timing, ThawError> {
    let damaged = || ThawError::Value("`window`");
    let window = frozen.window.map(|window| {
        let clocks = [WhoseClock::Campaign, WhoseClock::Recipient];
        let open = window.open.iter().map(|span| timing::span(span).ok()).collect::<Option<_>>();
        let off = window.off.iter().map(|date| date.parse().ok()).collect::<Option<_>>();
        let clock = clocks.into_iter().find(|clock| clock.as_str() == window.clock);
        Some(Window { open: open?, off: off?, clock: clock? })
    });
    let [timezone, send_at, not_after] = frozen.columns;
    Ok(Timing {
        timezone: frozen.timezone,
        window: window.map(|window| window.ok_or_else(damaged)).transpose()?,
        not_after: frozen
            .not_after_ms
            .map(|at| NotAfter::At(Millis(at)))
            .or(frozen.not_after_within_ms.map(|ms| NotAfter::Within(Duration::from_millis(ms)))),
        quota: frozen.quota,
        columns: TimeColumns { timezone, send_at, not_after },
    })
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Frozen {
    name: String,
    provider: String,
    api: Option<String>,
    channel: String,
    recipients: FrozenRecipients,
    message: serde_json::Value,
    dispatch: FrozenDispatch,
    reconcile: FrozenReconcile,
    timing: Option<FrozenTiming>,
}

#[derive(Deserialize)]
struct FrozenRecipients {
    csv: Option<String>,
    sheet: Option<FrozenSheet>,
    to: String,
    region: Option<String>,
    skip_sent_within_ms: Option<u64>,
    #[serde(default)]
    reading: FrozenReading,
}

#[derive(Deserialize)]
struct FrozenSheet {
    xlsx: String,
    name: Option<String>,
}

/// What is missing has its default.
#[derive(Deserialize, Default)]
struct FrozenReading {
    trim: Option<bool>,
    flatten: Option<bool>,
    encoding: Option<String>,
    split: Option<Split>,
    strict_numbers: Option<bool>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Split {
    First,
}

#[derive(Deserialize)]
struct FrozenDispatch {
    rate: NonZeroU32,
    per_ms: u64,
    concurrency: Option<usize>,
    timeout_ms: u64,
    attempts: u32,
    uncertain: String,
    resend_after_ms: Option<u64>,
    /// Missing for the default, null for none.
    #[serde(default = "usual_halt")]
    halt: Option<FrozenHalt>,
}

#[derive(Deserialize)]
struct FrozenHalt {
    share: u32,
    over: u32,
    same_error: u32,
}

fn usual_halt() -> Option<FrozenHalt> {
    let Halt { share, over, same_error } = Halt::default();
    Some(FrozenHalt { share, over, same_error })
}

#[derive(Deserialize)]
struct FrozenReconcile {
    after_ms: u64,
    every_ms: u64,
    for_ms: u64,
}

#[derive(Deserialize)]
struct FrozenTiming {
    timezone: Option<String>,
    window: Option<FrozenWindow>,
    not_after_ms: Option<i64>,
    not_after_within_ms: Option<u64>,
    quota: Option<NonZeroU32>,
    columns: [Option<String>; 3],
}

#[derive(Deserialize)]
struct FrozenWindow {
    open: Vec<String>,
    off: Vec<String>,
    clock: String,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::campaign_file::parse;

    #[test]
    fn the_api_is_part_of_a_campaign_unless_it_is_that_of_incs() {
        let text = "name: a\nprovider: shop\nchannel: whatsapp\nrecipients: {csv: a.csv, to: phone}\n\
                    message: {type: text, text: Hello}\n";
        let incs = parse(text, Path::new("a.yaml")).unwrap().campaign;
        assert!(!freeze(&incs).contains("\"api\""), "as stored before there were several");
        let meta = Campaign { api: ProviderApi::Meta, ..incs.clone() };
        assert_eq!(thaw(&freeze(&meta)).unwrap(), meta);
        assert_ne!(fingerprint(&meta), fingerprint(&incs));
    }
}
