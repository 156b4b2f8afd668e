//! Tests: the check of messages against the simulated provider. Both implement the same documents independently, so
//! where they differ, one of them is wrong or the documents leave it open. The open cases are listed here.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::campaign_file;
use crate::engine::Plan;
use crate::message;
use crate::model::{Channel, Finding, ProviderApi, Severity};
use crate::simulator;

/// Maximum number of a key's known values that are tried in place of another value.
const KNOWN: usize = 4;

/// The bodies that the documents show, and one for each worked example that they do not show: Meta's templates.
fn bodies() -> Vec<(Channel, Value)> {
    let mut bodies = message::tests::documented();
    // A header that the documents show only on its own.
    let mut workshop = bodies.iter().find(|(_, body)| body["interactive"]["type"] == "button").unwrap().clone();
    workshop.1["interactive"]["header"] = json!({"type": "text", "text": "Workshop Details"});
    bodies.push(workshop);
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns")).unwrap() {
        let path = file.unwrap().path();
        // The documents fully cover the other kinds.
        if !path.file_name().unwrap().to_string_lossy().starts_with("whatsapp-template-") {
            continue;
        }
        let campaign = campaign_file::read(&path).unwrap_or_else(|error| panic!("{error}")).campaign;
        let mut plan = Plan::open(&campaign).unwrap();
        let (_, body) = plan.bodies().next().unwrap().unwrap();
        bodies.push((campaign.channel, serde_json::from_slice(&body.unwrap().1).unwrap()));
    }
    bodies
}

/// Calls `see` with the pointer of every value in `value`.
fn pointers(value: &Value, at: &str, see: &mut impl FnMut(String)) {
    see(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), see));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), see)),
        _ => {}
    }
}

/// Returns everything else that could replace `value` under `key`, each with a name. `known` holds the bodies' values
/// by key.
fn others(key: &str, value: &Value, known: &BTreeMap<String, Vec<Value>>) -> Vec<(&'static str, Value)> {
    let mut others = vec![
        ("null", Value::Null),
        ("bool", json!(true)),
        ("number", json!(5)),
        ("text", json!("5")),
        ("list", json!([])),
        ("object", json!({})),
        ("list of it", json!([value])),
    ];
    match value {
        Value::String(text) => {
            others.push(("empty", json!("")));
            others.push(("blank", json!("  ")));
            others.push(("long", json!("x".repeat(5000))));
            others.push(("lines", json!(format!("{text}\n{text}\n{text}\n{text}"))));
            others.push(("tab", json!(format!("{text}\t"))));
            for length in [15, 20, 24, 60, 72, 160, 200, 256, 512, 1000, 1024, 4096] {
                others.push(("limit", json!("x".repeat(length))));
                others.push(("limit", json!("é".repeat(length + 1))));
            }
            if key == "type" || key == "sub_type" {
                others.push(("word", json!("sticker")));
                others.push(("case", json!(text.to_uppercase())));
            }
            if text.starts_with("https://") {
                for ending in ["webp", "zip", "mov", "csv", "pdf", "mp4", "PNG", "gif", "jpg", "php", "", "mp3"] {
                    others.push(("ending", json!(format!("https://www.example.com/a.{ending}"))));
                }
                for link in ["ftp://example.com/a", "www.example.com", "https://", "http://8.8.8.8/", "https://a b.com"]
                {
                    others.push(("link", json!(link)));
                }
                for link in ["https://localhost/a", "https://10.0.0.1/a", "https://intranet/a"] {
                    others.push(("private", json!(link)));
                }
            }
        }
        Value::Number(_) => {
            for number in [json!(-1), json!(0), json!(0.5), json!(10), json!(1e300), json!(i64::MIN), json!(u64::MAX)] {
                others.push(("amount", number));
            }
        }
        Value::Array(items) => {
            for times in 2..=12 {
                let all = items.iter().cycle().take(items.len() * times).cloned().collect();
                others.push(("repeated", Value::Array(all)));
                let numbered = (0..items.len() * times).map(|place| numbered(&items[place % items.len()], place));
                others.push(("numbered", numbered.collect()));
            }
            others.push(("reversed", items.iter().rev().cloned().collect()));
            others.push(("fewer", items.iter().skip(1).cloned().collect()));
        }
        _ => {}
    }
    others.extend(known.get(key).into_iter().flatten().map(|other| ("known", other.clone())));
    others
}

/// Returns an item that differs from the others in its list: its distinguishing values include its place.
fn numbered(item: &Value, place: usize) -> Value {
    let mut item = item.clone();
    let mut places = Vec::new();
    pointers(&item, "", &mut |pointer| places.push(pointer));
    for pointer in places {
        match pointer.rsplit('/').next().unwrap() {
            "id" | "title" | "parameter_name" => *item.pointer_mut(&pointer).unwrap() = json!(format!("x{place}")),
            "card_index" | "index" if pointer.matches('/').count() == 1 => {
                *item.pointer_mut(&pointer).unwrap() = json!(place);
            }
            _ => {}
        }
    }
    item
}

/// Calls `see` with every change of one thing in `body`.
fn changes(body: &Value, known: &BTreeMap<String, Vec<Value>>, see: &mut impl FnMut(&'static str, &str, &Value)) {
    let mut places = Vec::new();
    pointers(body, "", &mut |pointer| places.push(pointer));
    for pointer in &places {
        let value = body.pointer(pointer).unwrap();
        if let Value::Object(map) = value {
            // A key that belongs somewhere else.
            for (key, others) in known.iter().filter(|(key, _)| !map.contains_key(*key)) {
                for other in others.iter().take(1) {
                    let mut changed = body.clone();
                    changed.pointer_mut(pointer).unwrap()[key] = other.clone();
                    see("added", &format!("{pointer}/{key}"), &changed);
                }
            }
        }
        let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
        for (name, other) in others(key, value, known) {
            let mut changed = body.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            see(name, pointer, &changed);
        }
        let mut changed = body.clone();
        if let Value::Object(map) = changed.pointer_mut(parent).unwrap() {
            map.shift_remove(key);
            see("dropped", pointer, &changed);
        }
    }
}

/// A change on which the two disagree.
struct Case<'c> {
    /// What was changed, and its key.
    change: &'c str,
    key: &'c str,
    /// The errors of the check; empty if it accepts the body.
    errors: Vec<&'c Finding>,
    /// The simulator's message; empty if it accepts.
    refusal: &'c str,
}

impl Case<'_> {
    /// Whether only the check refuses, and only for this code.
    fn checked(&self, code: &str) -> bool {
        self.refusal.is_empty() && self.errors.iter().all(|error| error.code == code)
    }

    /// The same, only at these keys.
    fn checked_at(&self, code: &str, keys: &[&str]) -> bool {
        self.checked(code) && self.errors.iter().all(|error| keys.iter().any(|key| error.path.ends_with(key)))
    }
}

/// Whether a case is one of these.
type Open = fn(&Case<'_>) -> bool;

/// What the documents leave open, and how each of the two handles it. Any other difference is a mistake.
#[rustfmt::skip]
const OPEN: &[(&str, Open)] = &[
    ("links have to be on a public server; only the check looks at the server's name, the simulator is for trying out",
        |case| case.checked("private_link")),
    ("a text of blanks is a text to the documents; the check takes it for a variable that was empty",
        |case| case.change == "blank" && case.checked("empty_text")),
    ("an empty text where none is needed is not forbidden; the check asks to leave the key out",
        |case| case.change == "empty" && case.checked("empty_text") && [
            "description", "title", "name", "address", "catalog_id", "flow_token", "product_retailer_id", "thumbnail_product_retailer_id",
        ].contains(&case.key)),
    ("headers and bodies are shown with parameters only; the check asks for them, though a template may take none",
        |case| case.checked_at("missing_field", &[".parameters"]) || case.checked_at("too_few", &[".parameters"])),
    ("the numbers of cards say their order; the check wants them written in that order too",
        |case| case.change == "reversed" && case.checked_at("not_in_order", &[".card_index"])),
    ("ids of quick replies on one card need not differ; the check wants to tell the answers apart",
        |case| case.checked_at("not_unique", &[".quick_reply.id"])),
    ("a header of reply buttons has no limit in the documents; the check takes that of the other kinds",
        |case| case.checked_at("too_long", &["interactive.header.text"])),
    ("how large a number is, or which part of a minute, is in no document; the check takes whole numbers of 64 bits",
        |case| case.change == "amount" && case.checked_at("out_of_range", &["_minutes", "_ms", "amount_1000"])),
    ("keys that nobody knows there pass with a warning; the check still counts them among the parts of cards",
        |case| ["added", "known"].contains(&case.change) && ["components", "action", "index", "sub_type"].contains(&case.key)
            && case.refusal.is_empty() && case.errors.iter().all(|error| ["cards_differ", "not_unique"].contains(&error.code))),
    ("Meta's names of templates are a to z, 0 to 9 and _; the check only warns of others",
        |case| case.key == "name" && case.errors.is_empty() && case.refusal.starts_with("(#132001) ")),
    ("header and body have named parameters both or neither; the check looks at bodies only",
        |case| case.key == "parameter_name" && case.errors.is_empty() && case.refusal.contains("must have a parameter_name")),
];

#[test]
fn the_check_and_the_simulator_differ_only_where_the_documents_leave_it_open() {
    let bodies = bodies();
    let mut known: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, body) in &bodies {
        pointers(body, "", &mut |pointer| {
            let key = pointer.rsplit('/').next().unwrap();
            let values = known.entry(key.to_owned()).or_default();
            let value = body.pointer(&pointer).unwrap();
            if !key.is_empty() && key.parse::<usize>().is_err() && values.len() < KNOWN && !values.contains(value) {
                values.push(value.clone());
            }
        });
    }
    let mut seen = vec![0; OPEN.len()];
    let mut changed = 0;
    let mut wrong = Vec::new();
    for (channel, body) in &bodies {
        let mut compare = |change: &'static str, pointer: &str, body: &Value| {
            changed += 1;
            let findings = message::check(ProviderApi::Incs, *channel, body);
            let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
            let refusal = simulator::refusal(*channel, body.to_string().as_bytes());
            if errors.is_empty() == refusal.is_none() {
                return;
            }
            let refusal = refusal.map(|(_, message)| message).unwrap_or_default();
            let key = pointer.rsplit('/').next().unwrap();
            let case = Case { change, key, errors, refusal: &refusal };
            match OPEN.iter().position(|(_, is)| is(&case)) {
                Some(place) => seen[place] += 1,
                None => wrong.push(format!(
                    "{channel} {pointer}, {change}: check {:?}, simulator {refusal:?}",
                    case.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
                )),
            }
        };
        compare("nothing", "", body);
        changes(body, &known, &mut compare);
    }
    assert!(wrong.is_empty(), "{} of {changed} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(changed > 10_000, "{changed}");
    for ((why, _), times) in OPEN.iter().zip(seen) {
        assert!(times > 0, "they agree by now: {why}");
    }
}
