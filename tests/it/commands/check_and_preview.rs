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
        ["row 2, line 3", "row 3, line 4", "row 4, line 5: the same number as row 1, line 2", "1 of 4 rows can be sent"]
    {
        assert!(checked.out.contains(part), "{part}: {checked}");
    }
    let rejects = env.read("rejects.csv");
    let rejects: Vec<&str> = rejects.lines().collect();
    assert_eq!((rejects[0], rejects.len()), ("\u{feff}input_row,phone,first_name,problem", 3));
    assert!(rejects[1].starts_with("2,12,Bo,") && rejects[2].starts_with("3,85264000002,,"), "{rejects:?}");

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
    assert!(dry.out.contains("5 of 5 rows would be sent"), "{dry}");
    assert!(!env.path("store.db").exists());
}

#[test]
fn a_dry_run_ends_as_the_run_would_without_a_credential_or_after_the_last_moment() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    let dry = env.run_offline(&["run", "job.yaml", "--dry-run"]);
    let run = env.run_offline(&["run", "job.yaml"]);
    assert_eq!((dry.code, run.code), (1, 1), "{dry}{run}");
    assert!(dry.err.ends_with(&run.err) && !dry.out.contains("would be sent"), "{dry}{run}");

    let ended = env.read("job.yaml") + "not_after: 2020-01-31T10:00\ntimezone: Asia/Hong_Kong\n";
    env.write("job.yaml", ended);
    let dry = env.run(&provider, &["run", "job.yaml", "--dry-run"]);
    assert!(
        dry.code == 3
            && dry.err.contains("nothing would be sent")
            && dry.err.contains("`not_after` passed at 2020-01-31"),
        "{dry}"
    );
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((run.code, provider.sends()), (3, 0), "{run}");
}

#[test]
fn what_only_the_list_and_the_configuration_can_tell_is_reported_at_its_line() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    let right = env.read("job.yaml");
    for (wrong, parts) in [
        (right.replace("provider: incs", "provider: inc"), ["job.yaml:2:11", "unknown provider `inc`", "`incs`?"]),
        (right.replace("to: phone", "to: phon"), ["job.yaml:4:", "`to`: list.csv has no column `phon`", "`phone`?"]),
        (right.replace("to: phone", "to: phone, region: UK"), ["job.yaml:4:", "`UK` is not a region", "write GB"]),
    ] {
        env.write("job.yaml", wrong);
        for command in [&["check", "job.yaml"][..], &["run", "job.yaml", "--yes"]] {
            let refused = env.run_offline(command);
            assert!(refused.code == 2 && parts.iter().all(|part| refused.err.contains(part)), "{parts:?} {refused}");
        }
    }
}

#[test]
fn mistakes_are_reported_with_their_place_and_what_to_do() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
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
/// do. For a program, the same in parts. For the person who fixes the list, the bad rows with everything wrong with
/// each.
#[test]
fn all_that_is_wrong_with_a_row_is_reported_with_its_column_and_place() {
    let list = "phone,first_name\n85264000001,Ana\n0123,\n85264000003,one\ttwo\n85264000004,\n";
    let env = TestEnv::with(&CampaignFile { text: "{{ first_name }}", ..CampaignFile::default() }, list);
    let output = env.run_offline(&["check", "job.yaml", "--rejects", "bad.csv"]);
    assert_eq!(output.code, 2, "{output}");
    let expected = "\
1 of 4 rows can be sent

  rows  why not
     1  column `first_name`: the cell is empty [empty_cell] (1 more row, counted under another reason, has this problem)
     1  column `phone`: looks like a national number (leading 0) [bad_number]
     1  column `first_name`: contains a tab [bad_parameter]
     3  in total

2 rows (1 counted under another reason): column `first_name`: the cell is empty [empty_cell]
  used in job.yaml:5:122 (`template.components[0].parameters[0].text`)
  row 2, line 3
  row 4, line 5
  what to do: fill it in, or set a fallback in the message with `default(…)`

1 row: column `phone`: looks like a national number (leading 0) [bad_number]
  row 2, line 3 (`0123`)
  what to do: add the country code, or set `recipients.region`

1 row: column `first_name`: contains a tab [bad_parameter]
  used in job.yaml:5:122 (`template.components[0].parameters[0].text`)
  row 3, line 4 (`one\\ttwo`)
  rule: no line breaks, no tabs and at most 4 spaces in a row
  what to do: Meta refuses it with error 132018: write it on one line, with single spaces
";
    assert_eq!(output.out, expected, "{output}");
    let bad = std::fs::read_to_string(env.path("bad.csv")).unwrap();
    let mut rows = ::csv::Reader::from_reader(bad.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["input_row", "phone", "first_name", "problem"]);
    let first = rows.records().next().unwrap().unwrap();
    assert!(first[3].contains("column `phone`: looks") && first[3].contains("column `first_name`: the cell"), "{bad}");

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
    let reasons = lines[4]["reasons"].as_array().unwrap();
    assert_eq!(reasons.iter().map(|reason| reason["rows"].as_u64().unwrap()).sum::<u64>(), 3, "{reasons:?}");

    env.write("typo.yaml", CampaignFile::default().yaml().replace("  concurrency:", "  concurency:"));
    let output = env.run_offline(&["check", "typo.yaml", "--json"]);
    let problem: Value = serde_json::from_str(output.out.trim()).unwrap();
    assert_eq!((output.code, &problem["code"], &problem["place"]["line"]), (2, &json!("unknown_key"), &json!(8)));
}

#[test]
fn different_faults_of_one_cell_are_counted_apart_and_the_counts_add_up() {
    let mut list = "phone,first_name,city\n".to_owned();
    for (row, number) in
        ["0151 2345678", "8526400000", "call me", "99912345678", ""].iter().cycle().take(100).enumerate()
    {
        list.push_str(&format!("{number},{},Graz\n", if row % 5 == 4 { "" } else { "Ana" }));
    }
    list.push_str("85264000001,Ana,\n85264000002,Bo,\n85264000002,Bo,\n85264000003,Cy,\n");
    let env = TestEnv::with(&CampaignFile { text: "{{ first_name }}", ..CampaignFile::default() }, &list);
    assert_eq!(env.run_offline(&["suppress", "add", "85264000003"]).code, 0);
    let output = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(output.code, 2, "{output}");
    let (table, details) = output.out.split_once("in total").unwrap();
    let lines: Vec<&str> = table.lines().skip(3).collect();
    let counts: Vec<u64> = lines.iter().map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
    // The last is the total.
    assert_eq!(counts, [20, 20, 20, 20, 20, 1, 1, 0, 102], "{output}");
    for part in ["(leading 0)", "wrong number of digits", "contains letters", "known country code", "is missing"] {
        assert_eq!(lines.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {output}");
    }
    assert!(
        table.contains(
            "0  column `first_name`: the cell is empty [empty_cell] (20 rows, counted under another reason, have"
        ),
        "{output}"
    );
    assert_eq!(details.matches("… and 17 more rows").count(), 6, "{output}");
    assert!(output.err.contains("pass --rejects FILE"), "{output}");
}

#[test]
fn rejects_keep_the_delimiter_and_can_be_checked_and_corrected_again() {
    let list = "phone;row note;problem\n12;\"a;b\";mine\n85264000001;c;d\n85264000009;no;quotes;here\n";
    let text = "{{ row['row note'] }}";
    let env = TestEnv::with(&CampaignFile { text, ..CampaignFile::default() }, list);
    assert_eq!(env.run_offline(&["check", "job.yaml", "--rejects", "bad.csv"]).code, 2);
    let bad = env.read("bad.csv");
    assert!(bad.starts_with("\u{feff}input_row;phone;row note;problem;report_problem\n1;12;\"a;b\";mine;"), "{bad}");
    // A row that was split wrongly stays invalid until somebody has looked at it.
    let corrected = bad.replace(";12;", ";85264000002;");
    env.write("list.csv", &corrected);
    let output = env.run_offline(&["check", "job.yaml"]);
    assert!(output.code == 2 && output.out.contains("1 of 2 rows can be sent"), "{output}");
    env.write(
        "list.csv",
        corrected
            .replace(";\"check the cells of this row, then clear this cell\"", "")
            .replace(";check the cells of this row, then clear this cell", ""),
    );
    let output = env.run_offline(&["check", "job.yaml"]);
    assert!(output.code == 0 && output.out.contains("2 of 2 rows can be sent"), "{output}");
    env.write("list.csv", bad);
    assert_eq!(env.run_offline(&["check", "job.yaml", "--rejects", "again.csv"]).code, 2);
    let again = env.read("again.csv");
    let header = "\u{feff}report_input_row;input_row;phone;row note;problem;report_problem;report_report_problem";
    assert_eq!(again.lines().next(), Some(header));
}

/// A mistake in the campaign is not a problem of 300 rows, and nothing is stored for it.
#[test]
fn a_missing_column_that_keeps_every_row_from_being_sent_is_one_error_of_the_campaign() {
    let provider = ScriptedProvider::accepting_all();
    let text = "{% if phone %}{{ frist_name }}{% endif %}";
    let env = TestEnv::with(&CampaignFile { text, ..CampaignFile::default() }, &csv(300));
    for args in [&["check", "job.yaml"][..], &["run", "job.yaml"], &["run", "job.yaml", "--dry-run"]] {
        let output = env.run(&provider, args);
        assert_eq!(output.code, 2, "{output}");
        for part in ["error[undefined_variable]", "there is no column `frist_name`", "job.yaml:5:"] {
            assert_eq!(
                output.err.matches(part).count(),
                1 + usize::from(args.len() == 3 && part != "error[undefined_variable]"),
                "{part}: {output}"
            );
        }
        assert!(!output.out.contains("row 1"), "{output}");
    }
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert!(checked.out.contains("   300  job.yaml:5:"), "{checked}");
    assert!(!env.path("store.db").exists());
    // A row that does not need the column can be sent.
    let text = "{% if first_name == 'Nobody' %}{{ frist_name }}{% else %}Hi{% endif %}";
    env.write("job.yaml", CampaignFile { text, ..CampaignFile::default() }.yaml());
    env.write("list.csv", "phone,first_name\n85264000001,Nobody\n85264000002,Ana\n");
    let output = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!((output.code, provider.sends()), (0, 1), "{output}");
}

#[test]
fn check_and_preview_read_the_list_of_another_day() {
    let recipients = "{csv: \"list-{{ date }}.csv\", to: phone}".to_owned();
    let env = TestEnv::new();
    let campaign = CampaignFile { recipients, ..CampaignFile::default() }.yaml();
    env.write("job.yaml", format!("{campaign}schedule: {{cron: \"0 9 * * *\", timezone: UTC}}\n"));
    env.write("list-2026-12-24.csv", csv(3));
    assert_eq!(env.run_offline(&["check", "job.yaml"]).code, 2);
    let checked = env.run_offline(&["check", "job.yaml", "--date", "2026-12-24"]);
    assert!(checked.code == 0 && checked.out.contains("3 of 3 rows can be sent"), "{checked}");
    let preview = env.run_offline(&["preview", "job.yaml", "--date", "2026-12-24"]);
    assert_eq!((preview.code, preview.out.lines().count()), (0, 3), "{preview}");
    env.write("job.yaml", CampaignFile::default().yaml());
    env.write("list.csv", csv(1));
    let refused = env.run_offline(&["check", "job.yaml", "--date", "2026-12-24"]);
    assert!(refused.code == 2 && refused.err.contains("has no `{{ date }}` in its name"), "{refused}");
    assert_eq!(env.run_offline(&["check", "job.yaml", "--date", "tomorrow"]).code, 2);
}

#[test]
fn a_list_without_rows_is_refused_and_the_filled_one_is_sent() {
    for empty in ["phone,first_name\n", "phone,first_name\n,\n"] {
        let env = TestEnv::with(&CampaignFile::default(), empty);
        let provider = ScriptedProvider::accepting_all();
        for args in [&["check", "job.yaml"][..], &["check", "job.yaml", "--json"], &["run", "job.yaml", "--dry-run"]] {
            let refused = env.run_offline(args);
            assert!(refused.code == 2 && refused.err.contains("the list has no rows"), "{refused}");
        }
        let refused = env.run(&provider, &["run", "job.yaml"]);
        assert!(refused.code == 2 && refused.err.contains("the list has no rows"), "{refused}");
        env.write("list.csv", "phone,first_name\n85264000001,Ana\n");
        let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(provider.received().accepted().len(), 1);
    }
}

#[test]
fn a_short_time_for_statuses_is_warned_about_if_people_get_the_messages() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    env.write("job.yaml", env.read("job.yaml").replace("for: 20s", "for: 30s"));
    let check = |url: &str| {
        let prelude = format!("export INCS_CERTIFICATION_CODE=any INCS_BASE_URL={url}");
        env.start_with_prelude(&prelude, None, &["check", "job.yaml"]).wait()
    };
    let words = "statuses are collected for only";
    let real = check("https://incs.example");
    assert!(real.code == 0 && real.out.contains(words) && real.out.contains("`reconcile.for`"), "{real}");
    let here = check("http://127.0.0.1:9");
    assert!(here.code == 0 && !here.out.contains(words), "{here}");
}

#[test]
fn what_is_passed_in_the_place_of_a_campaign_is_recognised() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    for (wrong, words) in [
        ("list.csv", "campaigner --db store.db init --list list.csv"),
        ("job", "did you mean job.yaml?"),
        ("spring-1", "to continue a run: campaigner --db store.db resume spring-1"),
    ] {
        for command in ["check", "run", "preview"] {
            let refused = env.run_offline(&[command, wrong]);
            assert!(refused.code == 2 && refused.err.contains(words), "{command} {wrong}: {refused}");
        }
    }
    let named = env.run_offline(&["status", "job"]);
    assert!(named.code == 2 && named.err.contains("such as job-1"), "{named}");
    for (row, words) in [("9", "the list has no row 9; its last row is 1"), ("0", "rows are counted from 1")] {
        let none = env.run_offline(&["preview", "job.yaml", "--row", row]);
        assert!(none.code == 2 && none.err.contains(words), "{none}");
    }
}
