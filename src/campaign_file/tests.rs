//! Valid and invalid campaign files. The output for each mistake is a snapshot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::{Channel, Halt, Source, WhenUncertain};

const FULL: &str = r#"
name: spring-sale                 # a comment
provider: incs
channel: whatsapp
recipients:
  csv: lists/spring-sale.csv
  to: phone
  region: hk
message:
  type: template
  template:
    name: test_header_text_2
    components:
      - type: body
        parameters:
          - {type: text, text: "{{ first_name }}"}
          - {type: text, text: "{{ discount | default('25%') }}"}
      - {type: button, sub_type: COPY_CODE, index: "0", parameters: []}
dispatch:
  rate: 1000/min
  concurrency: 8
  timeout: 10s
  attempts: 3
  uncertain: resend
reconcile:
  after: 2m
  every: 1m30s
  for: 3d
"#;

/// A file that is valid except for the inserted text.
fn with(recipients: &str, message: &str, rest: &str) -> String {
    format!("name: a\nprovider: simulator\nchannel: viber\nrecipients:\n{recipients}\nmessage:\n{message}\n{rest}")
}

const CSV: &str = "  csv: a.csv\n  to: phone";
const TEXT: &str = "  type: text\n  text: Hello";

fn read_text(text: &str) -> Loaded {
    parse(text, Path::new("campaign.yaml")).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> CampaignError {
    parse(text, Path::new("campaign.yaml")).map(|loaded| loaded.campaign).unwrap_err()
}

/// The output for each mistake, one after the other.
fn shown(cases: &[(&str, String)]) -> String {
    let show = |(title, text): &(&str, String)| {
        let shown = error(text).show(false).unwrap();
        assert!(!shown.contains('\u{1b}'), "no colours in plain text");
        format!("=== {title}\n{shown}\n")
    };
    cases.iter().map(show).collect::<Vec<_>>().join("\n")
}

macro_rules! snapshot {
    ($name:literal, $shown:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($name, $shown);
        })
    };
}

mod columns;
mod schedule; // behind the macro that it uses

#[test]
fn a_full_campaign_is_read() {
    let loaded = parse(FULL, Path::new("dir/campaign.yaml")).unwrap();
    let campaign = loaded.campaign;
    assert_eq!(campaign.name, "spring-sale");
    assert_eq!(campaign.provider, "incs");
    assert_eq!(campaign.channel, Channel::Whatsapp);
    assert_eq!(campaign.recipients.source, Source::Csv(PathBuf::from("dir/lists/spring-sale.csv")));
    assert_eq!(campaign.recipients.to, "phone");
    assert_eq!(campaign.recipients.region.as_deref(), Some("HK"));
    assert_eq!(
        campaign.message.to_string(),
        json!({"type": "template", "template": {"name": "test_header_text_2", "components": [
            {"type": "body", "parameters": [
                {"type": "text", "text": "{{ first_name }}"},
                {"type": "text", "text": "{{ discount | default('25%') }}"},
            ]},
            {"type": "button", "sub_type": "COPY_CODE", "index": "0", "parameters": []},
        ]}})
        .to_string()
    );
    assert_eq!((campaign.dispatch.rate.get(), campaign.dispatch.per), (1000, Duration::from_secs(60)));
    assert_eq!((campaign.dispatch.concurrency, campaign.dispatch.attempts), (Some(8), 3));
    assert_eq!(campaign.dispatch.timeout, Duration::from_secs(10));
    assert_eq!(campaign.dispatch.uncertain, WhenUncertain::Resend);
    assert_eq!(campaign.reconcile.after, Duration::from_secs(120));
    assert_eq!(campaign.reconcile.every, Duration::from_secs(90));
    assert_eq!(campaign.reconcile.horizon, Duration::from_secs(3 * 86_400));
}

#[test]
fn the_halt_rule_is_read_kept_and_counted_only_where_it_is_another() {
    let of = |halt: &str| read_text(&with(CSV, TEXT, &format!("dispatch:\n  attempts: 5\n{halt}"))).campaign;
    let usual = of("");
    assert_eq!(fingerprint(&usual), fingerprint(&of("  halt: {share: 20%, over: 200, same_error: 20}")));
    assert!(!freeze(&usual).contains("halt"), "a run from before there was a choice has none");
    for (halt, expected) in [
        ("  halt: {}", Some(Halt::default())),
        ("  halt: off", None),
        ("  halt: {share: 5%}", Some(Halt { share: 5, ..Halt::default() })),
        ("  halt:\n    over: 1000\n    same_error: 3", Some(Halt { share: 20, over: 1000, same_error: 3 })),
    ] {
        let campaign = of(halt);
        assert_eq!(campaign.dispatch.halt, expected, "{halt}");
        assert_eq!(thaw(&freeze(&campaign)).unwrap().dispatch, campaign.dispatch, "{halt}");
        assert_eq!(fingerprint(&campaign) == fingerprint(&usual), expected == Some(Halt::default()), "{halt}");
    }
    let wrong = shown(&[("halt", with(CSV, TEXT, "dispatch:\n  halt: {share: 20, over: 1, same_eror: 3}"))]);
    for part in ["write a percentage from `1%` to `100%`", "10 to 10000", "did you mean `same_error`?"] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let campaign = read_text(&with(CSV, TEXT, "")).campaign;
    assert_eq!((campaign.dispatch.rate.get(), campaign.dispatch.per), (80, Duration::from_secs(1)));
    assert_eq!((campaign.dispatch.concurrency, campaign.dispatch.attempts), (None, 5));
    assert_eq!(campaign.dispatch.timeout, Duration::from_secs(30));
    assert_eq!(campaign.dispatch.halt, Some(Halt { share: 20, over: 200, same_error: 20 }));
    assert_eq!(campaign.dispatch.uncertain, WhenUncertain::Hold);
    assert_eq!(campaign.reconcile.after, Duration::from_secs(60));
    assert_eq!(campaign.reconcile.every, Duration::from_secs(60));
    assert_eq!(campaign.reconcile.horizon, Duration::from_secs(72 * 3600));
    assert_eq!(campaign.recipients.region, None);
    assert_eq!(campaign.recipients.source, Source::Csv(PathBuf::from("a.csv")));
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let plain = read_text(FULL).campaign;
    assert_eq!(read_text(&format!("\u{feff}{FULL}")).campaign, plain);
    assert_eq!(read_text(&FULL.replace('\n', "\r\n")).campaign, plain);
    let shown = error(&FULL.replace("rate:", "rates:").replace('\n', "\r\n")).show(false);
    assert_eq!(shown, error(&FULL.replace("rate:", "rates:")).show(false));
}

#[test]
fn inline_cells_are_the_texts_as_written() {
    let rows = r#"  to: phone
  rows:
    - {phone: 85268411234, first_name: Ana, vip: true}
    - {phone: "0085268411234", code: 007, first_name: ~}
    -
      phone: +852 6841 1234
      price: 1.50
      country: NO
"#;
    let Source::Inline(table) = read_text(&with(rows, TEXT, "")).campaign.recipients.source else {
        panic!("rows are inline")
    };
    assert_eq!(table.columns, ["phone", "first_name", "vip", "code", "price", "country"]);
    assert_eq!(table.rows[0], ["85268411234", "Ana", "true", "", "", ""]);
    assert_eq!(table.rows[1], ["0085268411234", "", "", "007", "", ""]);
    assert_eq!(table.rows[2], ["+852 6841 1234", "", "", "", "1.50", "NO"]);
    assert_eq!(table.lines, [7, 8, 10]);
}

#[test]
fn a_message_keeps_its_order_and_its_types() {
    let message = r#"  type: text
  zebra: 1
  apple: -2.5
  big: 18446744073709551615
  yes_is_text: yes
  truth: true
  nothing: null
  list: [1, "1", [a, {b: c}]]
  folded: >-
    one
    two
  literal: |
    one
    two
  tagged: !!str 12
  "a key": x
"#;
    let message = read_text(&with(CSV, message, "")).campaign.message;
    assert_eq!(
        message.to_string(),
        concat!(
            r#"{"type":"text","zebra":1,"apple":-2.5,"big":18446744073709551615,"yes_is_text":"yes","truth":true,"#,
            r#""nothing":null,"list":[1,"1",["a",{"b":"c"}]],"folded":"one two","literal":"one\ntwo\n","#,
            r#""tagged":"12","a key":"x"}"#
        )
    );
}

#[test]
fn long_texts_are_read() {
    let long = "x".repeat(5000);
    for quote in ["", "\"", "'"] {
        let message = format!("  {{type: text, text: {quote}{long}{quote}}}");
        assert_eq!(read_text(&with(CSV, &message, "")).campaign.message["text"], long, "{quote}");
    }
}

#[test]
fn every_part_of_the_message_has_its_place() {
    let loaded = read_text(FULL);
    let at = |path| (loaded.places.of(path).line, loaded.places.of(path).column);
    assert_eq!(at("template.components[0].parameters[1].text"), (17, 32));
    assert_eq!(at("template.components[0].type"), (14, 15));
    assert_eq!(at("template.components[0].parameters[7].text"), (16, 11), "the nearest that there is");
    assert_eq!(at("nothing.of.this"), (9, 1));
    assert_eq!(at(""), (9, 1));
    let problem =
        FileProblem::new("132012", loaded.places.of("template.name"), "this name is taken").hint("take another");
    snapshot!("a_later_problem", loaded.document.show(&[problem], false));
}

#[test]
fn a_problem_is_data_too() {
    let error = error(&FULL.replace("channel: whatsapp", "channel: whatsap"));
    let [problem] = error.problems() else { panic!("one problem: {error}") };
    assert_eq!((problem.code.as_ref(), problem.place.line, problem.place.column), ("bad_value", 4, 10));
    assert_eq!(problem.hint.as_deref(), Some("did you mean `whatsapp`?"));
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaign.yaml");
    assert!(matches!(read(&path), Err(CampaignError::Read { .. })));
    std::fs::File::create(&path).unwrap().set_len(yaml::MAX_BYTES + 1).unwrap();
    assert!(matches!(read(&path), Err(CampaignError::TooLarge { .. })));
    std::fs::write(&path, FULL).unwrap();
    assert_eq!(
        read(&path).unwrap().campaign.recipients.source,
        Source::Csv(folder.path().join("lists/spring-sale.csv"))
    );
    std::fs::write(&path, b"name: a\nprovider: caf\xe9\n").unwrap();
    let error = read(&path).unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert_eq!((problem.code.as_ref(), problem.place.line, problem.place.column), ("encoding", 2, 14));
    assert!(error.show(false).unwrap().contains("provider: caf"));
    assert!(!error.to_string().contains("provider: caf"), "no line of the file in a log");
}

#[test]
fn nothing_that_is_not_a_campaign_panics() {
    let bad = [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n...\n",
        "\0",
        "\t",
        "- a\n- b\n",
        "just text",
        "{",
        "]",
        "{{ a }}",
        "? [a]\n: b",
        "*a",
        "&a",
        "!a",
        "a: *b\n",
        "a: &b\n",
        "a: \"",
        "a: '",
        "é: \"é\\x\"",
        "%YAML 9.9\n---\na: b",
        "a:\n\t- b",
        "\u{feff}\u{feff}a: b",
        "name: {{ \u{1F600} }}\u{1F600}",
        "a: b: c",
        "key",
        "a: |0\n x",
        "name: \u{1F600}: x",
        "a: 'it's'",
        "---\na: b\n---\nc: d\n",
    ];
    for text in bad {
        let error = error(text);
        assert!(!error.problems().is_empty(), "{text:?}");
        assert!(!error.to_string().is_empty(), "{text:?}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(error(&deep).to_string().contains("nested too deeply"));
}

#[test]
fn an_alias_bomb_does_not_go_off() {
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        bomb += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    assert!(error(&bomb).problems().iter().any(|problem| problem.code == "alias"));
}

#[test]
fn a_frozen_campaign_thaws_to_itself() {
    let mut campaign = read_text(FULL).campaign;
    let frozen = freeze(&campaign);
    assert_eq!(thaw(&frozen).unwrap(), campaign);
    assert_eq!(freeze(&thaw(&frozen).unwrap()), frozen);
    snapshot!("frozen", frozen);
    let sheet = |name: Option<&str>| Source::Sheet { path: "a.xlsx".into(), name: name.map(str::to_owned) };
    for source in [Source::Inline(crate::model::Inline::default()), sheet(None), sheet(Some("List"))] {
        campaign.recipients.source = source;
        assert_eq!(thaw(&freeze(&campaign)).unwrap(), campaign);
    }
}

#[test]
fn what_was_not_frozen_here_does_not_thaw() {
    let frozen = freeze(&read_text(FULL).campaign);
    assert!(matches!(thaw("{}"), Err(ThawError::Damaged(_))));
    assert!(matches!(thaw(""), Err(ThawError::Damaged(_))));
    assert!(matches!(thaw(&frozen.replace("\"v\":1", "\"v\":2")), Err(ThawError::Version(2))));
    assert!(matches!(thaw(&frozen.replace("whatsapp", "fax")), Err(ThawError::Value("`channel`"))));
    assert!(matches!(thaw(&frozen.replace("resend", "forget")), Err(ThawError::Value("`uncertain`"))));
    let unknown = frozen.replacen('{', "{\"api\":\"fax\",", 1);
    assert!(matches!(thaw(&unknown), Err(ThawError::Value("`api`"))));
}

#[test]
fn the_fingerprint_is_of_the_meaning() {
    let fingerprint_of = |text: &str| fingerprint(&read_text(text).campaign);
    let one = fingerprint_of(FULL);
    assert_eq!(one.len(), 64);
    assert_eq!(one, fingerprint_of(&FULL.replace("lists/spring-sale.csv", "elsewhere.csv.gz")), "the file moved");
    assert_eq!(one, fingerprint_of(&FULL.replace("# a comment", "").replace("1m30s", "90s")), "the layout changed");
    let sheet = |text: &str| fingerprint_of(&FULL.replace("csv: lists/spring-sale.csv", text));
    assert_eq!(sheet("xlsx: a.xlsx"), sheet("xlsx: b.ods"), "the file moved");
    assert_eq!(sheet("xlsx: a.xlsx\n  sheet: May"), sheet("xlsx: b.ods\n  sheet: May"), "the file moved");
    assert_ne!(sheet("xlsx: a.xlsx\n  sheet: May"), sheet("xlsx: a.xlsx\n  sheet: June"));
    assert_ne!(sheet("xlsx: a.xlsx\n  sheet: May"), sheet("xlsx: a.xlsx"));
    assert_ne!(one, fingerprint_of(&FULL.replace("25%", "30%")));
    assert_ne!(one, fingerprint_of(&FULL.replace("to: phone", "to: mobile")));
    assert_ne!(one, fingerprint_of(&FULL.replace("region: hk", "region: SG")));
}

#[test]
fn every_problem_is_shown_at_once() {
    let text = r#"name: Spring Sale
chanel: whatsapp
recipients:
  csv: a.csv
  rate: 80/s
  region: Hong Kong
message:
  to: "85268411234"
  text: Hello
dispatch:
  rate: 80
  concurrency: 0
  timeout: 30
  attempts: many
  uncertain: maybe
reconcile:
  for: 30s
"#;
    snapshot!("many_problems", error(text).show(false).unwrap());
    snapshot!("many_problems_in_a_log", error(text));
}

#[test]
fn what_is_no_campaign_is_explained() {
    let cases = [
        ("a list instead of a campaign", "- name: a\n".to_owned()),
        ("a missing value", with("  csv:\n  to: phone", TEXT, "dispatch:\n")),
        ("a top level key that is indented", with("  csv: a.csv\n  to: phone\n  dispatch: {rate: 80/s}", TEXT, "")),
        ("an unknown key without a likeness", with(CSV, TEXT, "colour: red\n")),
        ("both sources", with("  csv: a.csv\n  to: phone\n  rows: [{phone: 1}]", TEXT, "")),
        ("two files", with("  csv: a.csv\n  xlsx: a.xlsx\n  to: phone", TEXT, "")),
        ("a sheet of a CSV", with("  csv: a.csv\n  sheet: May\n  to: phone", TEXT, "")),
        ("no source", with("  to: phone", TEXT, "")),
        ("rows that are no rows", with("  to: phon\n  rows:\n    - {phone: 1, tags: [a, b]}\n    - 852", TEXT, "")),
        ("a column that the rows do not have", with("  to: phon\n  rows:\n    - {phone: 1}", TEXT, "")),
        ("an empty list of rows", with("  to: phone\n  rows: []", TEXT, "")),
        ("a message without a type", with(CSV, "  text: Hello", "")),
        (
            "a message that is a text",
            format!("name: a\nprovider: simulator\nchannel: viber\nrecipients:\n{CSV}\nmessage: Hello\n"),
        ),
        ("a type that is a number", with(CSV, "  type: 1", "")),
        (
            "numbers that would change",
            with(
                CSV,
                "  type: text\n  code: 012345\n  phone: +85268411234\n  hex: 0x1F\n  id: 123456789012345678901\n  nan: .nan",
                "",
            ),
        ),
    ];
    snapshot!("campaign_mistakes", shown(&cases));
}

#[test]
fn what_is_no_yaml_is_explained() {
    let cases = [
        ("an empty file", "# nothing here\n".to_owned()),
        ("a second document", format!("{}\n---\nname: b\n", with(CSV, TEXT, ""))),
        ("a duplicate key", with(CSV, TEXT, "name: b\n")),
        ("braces without quotes", with(CSV, "  type: text\n  text: {{ first_name }}", "")),
        (
            "braces without quotes and more text",
            with(CSV, "  type: text\n  text: {{ first_name }}, hello\n  url: x", ""),
        ),
        ("braces without quotes and words", with(CSV, "  type: text\n  text: {{ first_name }} and more", "")),
        (
            "braces without quotes in a list",
            with(CSV, "  type: text\n  list:\n    - {type: text, text: {{ first_name }}}", ""),
        ),
        ("bold text without quotes", with(CSV, "  type: text\n  text: *Sale* today\n  url: x", "")),
        ("one bold word without quotes", with(CSV, "  type: text\n  text: *Sale*", "")),
        ("a percent sign without quotes", with(CSV, "  type: text\n  text: %off for you", "")),
        ("an exclamation mark without quotes", with(CSV, "  type: text\n  text: !Sale now", "")),
        ("an ampersand without quotes", with(CSV, "  type: text\n  text: &Sale now", "")),
        ("a colon without quotes", with(CSV, "  type: text\n  text: Note: all must go", "")),
        ("a tab", with(CSV, "  type: text\n\ttext: Hello", "")),
        ("a quote that is not closed", with(CSV, "  type: text\n  text: \"Hello", "")),
        ("an apostrophe in single quotes", with(CSV, "  type: text\n  text: 'It's here'", "")),
        ("quotes in double quotes", with(CSV, "  type: text\n  text: \"the \"best\" offer\"", "")),
        (
            "a backslash in double quotes",
            with(
                CSV,
                r#"  type: text
  text: "C:\Sale""#,
                "",
            ),
        ),
        ("a bracket that is not closed", with(CSV, "  type: text\n  list: [a, b", "")),
        ("an indentation that does not fit", with(CSV, "  type: text\n text: Hello", "")),
        ("a missing space after a colon", with(CSV, "  type:text\n  text: Hello", "")),
        ("a missing space at the end", with("  csv: a.csv\n  to:phone", TEXT, "")),
        ("a merge key", with(CSV, "  type: text\n  <<: {a: b}", "")),
    ];
    snapshot!("yaml_mistakes", shown(&cases));
}

proptest::proptest! {
    /// A valid file with any part overwritten is read or refused, and its problems can be shown.
    #[test]
    fn no_text_panics(at in 0..FULL.len(), cut in 0..60usize, put in "[ -~\\t\\n\u{e9}\u{1F600}]{0,8}") {
        let end = (at + cut).min(FULL.len());
        let text = format!("{}{put}{}", &FULL[..at], &FULL[end..]);
        match parse(&text, Path::new("campaign.yaml")) {
            Ok(loaded) => assert_eq!(thaw(&freeze(&loaded.campaign)).unwrap().message, loaded.campaign.message),
            Err(error) => assert!(!error.problems().is_empty() && !error.to_string().is_empty()),
        }
    }
}

#[test]
fn characters_that_no_message_may_hold_are_found_with_their_place() {
    let campaign = |name: &str, text: &str| {
        format!(
            "name: {name}\nprovider: simulator\nchannel: viber\nrecipients: {{csv: a.csv, to: phone}}\n\
             message: {{type: text, {text}}}\n"
        )
    };
    for (text, code, place) in [
        (campaign("a", "text: \"two\\nlines\\tof \u{2067}text\u{2069}\""), "", (0, 0)),
        (campaign("\"spr\u{202e}ing\"", "text: Hi"), "unbalanced_direction", (1, 11)),
        (campaign("\"spring\\u0007\"", "text: Hi"), "control_character", (1, 7)),
        (campaign("spr\u{7}ing", "text: Hi"), "control_character", (1, 10)),
        (campaign("a", "text: Hi, \"a\\u0085\": 1"), "control_character", (5, 33)),
        (campaign("a", "text: \"Hi \u{2028} {{ name }}\""), "control_character", (5, 33)),
        (campaign("a", "text: \"Hi\\r {{ name }}\""), "control_character", (5, 29)),
    ] {
        let Err(error) = parse(&text, Path::new("campaign.yaml")) else {
            assert_eq!(code, "", "{text}");
            continue;
        };
        let found = error.problems().iter().find(|problem| problem.code == code);
        assert_eq!(found.map(|found| (found.place.line, found.place.column)), Some(place), "{error}");
        let shown = error.show(false).unwrap() + &error.to_string();
        assert!(!shown.contains(['\u{202e}', '\u{7}', '\u{85}', '\u{2028}']), "{shown:?}");
    }
}

#[test]
fn cells_in_the_campaign_are_judged_as_cells() {
    let rows = "name: a\nprovider: simulator\nchannel: viber\nmessage: {type: text, text: Hi}\n\
                recipients:\n  to: phone\n  rows: [{phone: \"85268411234\", name: \"a\\u0007\"}]\n";
    assert!(parse(rows, Path::new("campaign.yaml")).is_ok());
}
