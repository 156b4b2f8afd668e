//! Tests: the worked examples under `campaigns/`. Each is read, planned and checked, and every kind has one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::campaign_file::{self, Loaded};
use crate::engine::{Bad, Plan};
use crate::message;
use crate::model::{Channel, ProviderApi};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect()
}

fn read(path: &Path) -> Loaded {
    let mut read = campaign_file::read(path).unwrap_or_else(|error| panic!("{error}"));
    // As the command line does, from the provider's name.
    read.campaign.api = ProviderApi::from_name(&read.campaign.provider).unwrap_or_default();
    read
}

#[tokio::test]
async fn every_row_of_every_example_can_be_sent() {
    for path in examples() {
        let Loaded { campaign, .. } = read(&path);
        let message = message::translate(campaign.api, campaign.channel, &campaign.message);
        let found = message::check_message(campaign.api, campaign.channel, &message);
        assert_eq!(found.len(), warnings(&campaign), "{path:?}");
        let mut bad = Vec::new();
        let each = |row: Bad<'_>| {
            bad.push(match row {
                Bad::Invalid(row) => format!("row {}: {:?}", row.row, row.problems),
                Bad::Duplicate { row, .. } => format!("row {row}: duplicate"),
            });
            Ok(())
        };
        let checked = Plan::open(&campaign).unwrap().check(None, each, &(Arc::new(|_| {}) as _)).await.unwrap();
        // Numbers in examples belong to nobody, so the numbering plan does not know some of them.
        let (numbers, of_message): (Vec<_>, Vec<_>) =
            checked.warnings.iter().partition(|warning| warning.code == "unassigned_number");
        assert!(numbers.len() <= 1, "{path:?}: {numbers:?}");
        assert_eq!(of_message.len(), warnings(&campaign), "{path:?}: {of_message:?}");
        assert!(of_message.iter().all(|warning| warning.rows == checked.rows), "{path:?}");
        // The first campaign has invalid rows on purpose, but its message is valid.
        let is_first = path.ends_with("campaigns/welcome.yaml");
        assert_eq!(bad.is_empty(), !is_first, "{path:?}: {bad:?}");
    }
}

/// The one expected warning: who can be reached.
fn warnings(campaign: &crate::model::Campaign) -> usize {
    usize::from(campaign.channel != Channel::Viber && campaign.message["type"] != "template")
}

#[test]
fn every_example_is_named_as_its_file() {
    for path in examples() {
        assert_eq!(path.file_stem().unwrap().to_str(), Some(read(&path).campaign.name.as_str()));
    }
}

/// Every kind of message, or of a part of it, that the reference has for INCS has an example in its channel, and so has
/// every message and every interactive message through Meta.
#[test]
fn there_is_an_example_of_every_kind() {
    let mut shown = BTreeSet::new();
    for path in examples() {
        let Loaded { campaign, .. } = read(&path);
        kinds(&campaign.message, &mut |tag, kind| {
            shown.insert(format!("{} {tag}: {}", campaign.channel, kind.to_lowercase()));
        });
    }
    let reference = message::reference();
    let (of_incs, of_meta) = reference.split_once("\n## WhatsApp through Meta").unwrap();
    let of_meta = of_meta.lines().filter(|line| line.starts_with("### ") || line.starts_with("  - `type: "));
    let of_meta = of_meta.filter_map(|line| line.split('`').nth(1)).filter(|kind| kind.starts_with("type: "));
    let of_meta: Vec<&str> = of_meta.collect();
    assert!(of_meta.len() > 20, "{of_meta:?}");
    for kind in of_meta {
        assert!(shown.contains(&format!("whatsapp {kind}")), "no example through Meta of `{kind}`");
    }
    let mut channel = "";
    for line in of_incs.lines() {
        if let Some(name) = line.strip_prefix("`channel: ") {
            channel = name.split('`').next().unwrap();
        }
        // Headings end in a kind, and lines about kinds start with one.
        let kind =
            line.split('`').nth(1).filter(|words| words.starts_with("type: ") || words.starts_with("sub_type: "));
        if let Some(kind) = kind {
            assert!(shown.contains(&format!("{channel} {kind}")), "no example on {channel} of `{kind}`");
        }
    }
    assert_eq!(channel, "rcs", "the reference was read to its end");
}

fn kinds(value: &Value, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| kinds(item, see)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(kind) if key == "type" || key == "sub_type" => see(key, kind),
                    value => kinds(value, see),
                }
            }
        }
        _ => {}
    }
}
