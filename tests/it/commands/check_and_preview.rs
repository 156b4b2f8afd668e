//! `check`, `preview` and `--dry-run`: what is wrong, where, and what would be sent.

use serde_json::{Value, json};

use crate::support::{CampaignFile, Channel, ScriptedProvider, TestEnv, csv, text_of};

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn check_reports_every_bad_row_and_writes_those_that_can_be_corrected() {
    let list = "phone,first_name\n85264000001,Ana\n12,Bo\n85264000002,\n852 6400 0001,Cy\n";
    let env = TestEnv::with(&CampaignFile::default(), list);
    let checked = env.run_offline(&["check", "job.yaml", "--rejects", "rejects.csv"]);
    assert_eq!(checked.code, 2, "{checked}");
    for part in
        ["row 2, line 3", "row 3, line 4", "row 4: the same number as row 1", "4 rows: 1 can be sent, 2 invalid"]
    {
        assert!(checked.out.contains(part), "{part}: {checked}");
    }
    let rejects = env.read("rejects.csv");
    let rejects: Vec<&str> = rejects.lines().collect();
    assert_eq!((rejects[0], rejects.len()), ("phone,first_name,problem", 3));
    assert!(rejects[1].starts_with("12,Bo,") && rejects[2].starts_with("85264000002,,"), "{rejects:?}");

    let json = json_lines(&env.run_offline(&["check", "job.yaml", "--json"]).out);
    let rows: Vec<&Value> = json.iter().map(|line| &line["row"]).collect();
    assert_eq!(rows[..3], [&Value::from(2), &Value::from(3), &Value::from(4)]);
    assert_eq!((&json[3]["rows"], &json[3]["sendable"], &json[3]["invalid"]), (&4.into(), &1.into(), &2.into()));
    assert!(!env.path("store.db").exists(), "a check leaves nothing");

    env.write("list.csv", csv(3));
    assert_eq!(env.run_offline(&["check", "job.yaml"]).code, 0);
}

#[test]
fn preview_prints_exactly_what_the_provider_will_receive() {
    let hostile = "phone,first_name\n85264000001,\"Jo \"\"JJ\"\" \\ {{ phone }}\"\n85264000002,\"a\nb\tc\"\n\
                   85264000003,\"}}]}, {% if %}\"\n85264000004,日本 \u{1F600} \u{202E}x\u{202C}\n85264000005,=1+1\n";
    let campaign = CampaignFile { channel: Channel::Viber, text: "Hi {{ first_name }}!", ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, hostile);
    let preview = env.run_offline(&["preview", "job.yaml"]);
    assert_eq!(preview.code, 0, "{preview}");
    let bodies = json_lines(&preview.out);
    assert_eq!(bodies.len(), 5);
    assert_eq!(text_of(&bodies[0]), "Hi Jo \"JJ\" \\ {{ phone }}!");

    let provider = ScriptedProvider::accepting_all();
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    let mut sends = provider.received().sends;
    sends.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(sends.into_iter().map(|sent| sent.body).collect::<Vec<_>>(), bodies);

    let third = env.run_offline(&["preview", "job.yaml", "--row", "3", "--pretty"]);
    assert_eq!(serde_json::from_str::<Value>(&third.out).unwrap(), bodies[2]);
    assert_eq!(json_lines(&env.run_offline(&["preview", "job.yaml", "--limit", "2"]).out), bodies[..2]);
    assert_eq!(env.run_offline(&["preview", "job.yaml", "--row", "6"]).code, 2);
}

#[test]
fn a_dry_run_sends_and_stores_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    let dry = env.run(&provider, &["run", "job.yaml", "--dry-run"]);
    assert_eq!((dry.code, provider.sends()), (0, 0), "{dry}");
    assert!(dry.out.contains("5 rows of 5 would be sent"), "{dry}");
    assert!(!env.path("store.db").exists());
}

#[test]
fn mistakes_are_reported_with_their_place_and_what_to_do() {
    let env = TestEnv::with(&CampaignFile::default(), "number,first_name\n85264000001,Ana\n");
    let assert_tells = |code: i32, args: &[&str], parts: &[&str]| {
        let output = env.run_offline(args);
        assert_eq!(output.code, code, "{output}");
        assert!(parts.iter().all(|part| output.err.contains(part)), "{parts:?}: {output}");
    };
    assert_tells(2, &["check", "job.yaml"], &["no column `phone`", "`number`, `first_name`"]);
    env.write("list.csv", csv(1));
    assert_tells(1, &["run", "job.yaml"], &["INCS_CERTIFICATION_CODE"]);
    assert_tells(2, &["resume"], &["store.db"]);
    assert_tells(2, &["check", "missing.yaml"], &["missing.yaml"]);
    assert_tells(2, &["run", "job.yaml", "--rate", "80"], &["80/s"]);
    assert_tells(2, &["status", "nonsense"], &["NAME-N"]);
    assert_tells(2, &["frobnicate"], &["frobnicate"]);

    let insecure = env.start_at(Some("http://example.com"), &["run", "job.yaml"]).wait();
    assert_eq!(insecure.code, 1, "{insecure}");
    assert!(insecure.err.contains("https://"), "{insecure}");

    env.write("typo.yaml", CampaignFile::default().yaml().replace("  concurrency:", "  concurency:"));
    assert_tells(2, &["check", "typo.yaml"], &["typo.yaml:8:3", "concurency", "did you mean `concurrency`"]);
    env.write("other.yaml", CampaignFile::default().yaml().replace("provider: incs", "provider: ikns"));
    assert_tells(2, &["run", "other.yaml"], &["ikns", "incs", "simulator"]);
    env.write("variable.yaml", CampaignFile { text: "{{ frist_name }}", ..CampaignFile::default() }.yaml());
    assert_tells(
        2,
        &["check", "variable.yaml"],
        &["variable.yaml:5:", "no column `frist_name`", "did you mean `first_name`"],
    );
}

/// For a person: the row, the line, the column that brought the value, the place in the campaign, the rule and what to
/// do. For a program, the same in parts. For the person who fixes the list, the bad rows with everything wrong with each.
#[test]
fn all_that_is_wrong_with_a_row_is_reported_with_its_column_and_place() {
    let list = "phone,first_name\n85264000001,Ana\n0123,\n85264000003,one\ttwo\n85264000004,\n";
    let env = TestEnv::with(&CampaignFile { text: "{{ first_name }}", ..CampaignFile::default() }, list);
    let output = env.run_offline(&["check", "job.yaml", "--rejects", "bad.csv"]);
    assert_eq!(output.code, 2, "{output}");
    for part in [
        "row 2, line 3, column `phone` (`0123`): looks like a national number",
        "row 2, line 3, column `first_name`, for `template.components[0].parameters[0].text` (job.yaml:5:122): the cell is empty; fill it in",
        "row 3, line 4, column `first_name`, for `template.components[0].parameters[0].text` (job.yaml:5:122): `one\\ttwo` contains a tab",
        "4 rows: 1 can be sent, 3 invalid",
    ] {
        assert!(output.out.contains(part), "{part}: {output}");
    }
    let bad = std::fs::read_to_string(env.path("bad.csv")).unwrap();
    let mut rows = ::csv::Reader::from_reader(bad.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["phone", "first_name", "problem"]);
    let first = rows.records().next().unwrap().unwrap();
    assert!(first[2].contains("column `phone`: looks") && first[2].contains("column `first_name`: the cell"), "{bad}");

    let output = env.run_offline(&["check", "job.yaml", "--json"]);
    let lines = json_lines(&output.out);
    assert_eq!(lines.len(), 5, "{output}");
    let tab = &lines[2];
    assert_eq!((&tab["row"], &tab["line"], &tab["columns"]), (&json!(3), &json!(4), &json!(["first_name"])));
    assert_eq!((&tab["code"], &tab["value"]), (&json!("bad_parameter"), &json!("one\\ttwo")));
    assert_eq!(tab["place"], json!({"file": "job.yaml", "line": 5, "column": 122}));
    assert!(tab["rule"].as_str().unwrap().contains("no tab") && tab["hint"].is_string(), "{tab}");
    let totals = ["rows", "sendable", "invalid", "duplicate", "suppressed", "sent_recently"].map(|key| &lines[4][key]);
    assert_eq!(totals, [4, 1, 3, 0, 0, 0]);

    env.write("typo.yaml", CampaignFile::default().yaml().replace("  concurrency:", "  concurency:"));
    let output = env.run_offline(&["check", "typo.yaml", "--json"]);
    let problem: Value = serde_json::from_str(output.out.trim()).unwrap();
    assert_eq!((output.code, &problem["code"], &problem["place"]["line"]), (2, &json!("unknown_key"), &json!(8)));
}
