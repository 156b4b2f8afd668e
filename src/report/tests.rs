//! Tests of the three formats with one sample, and of the files they are written to.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::sample::{accepted, facts, problem, row, rows};
use super::*;
use crate::model::{ReportRow, RunId, State};

fn csv(rows: &[ReportRow], columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut report = CsvReport::new(Vec::new(), CsvDialect::default(), &columns).unwrap();
    for row in rows {
        report.write(row).unwrap();
    }
    String::from_utf8(report.finish().unwrap()).unwrap()
}

fn summary(rows: &[ReportRow]) -> Summary {
    let mut summary = Summary::new(facts());
    for row in rows {
        summary.add(row);
    }
    summary
}

#[test]
fn the_csv_of_the_sample() {
    let text = csv(&rows(), &[]);
    assert_eq!(text.matches("\r\n").count(), rows().len() + 1);
    insta::assert_snapshot!("recipients_csv", text.replace("\r\n", "\n"));
}

#[test]
fn the_csv_reads_back_cell_by_cell() {
    let text = csv(&rows(), &[]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for (line, row) in reader.records().map(Result::unwrap).zip(rows()) {
        assert_eq!(line.len(), 11);
        assert_eq!(line[0], row.row.to_string());
        assert_eq!(line[3], *row.state.as_str());
        assert_eq!(&line[4], row.message_id.unwrap_or_default());
    }
}

#[test]
fn the_inputs_own_columns_are_appended_and_keep_their_names() {
    let cells = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
    let rows = [
        ReportRow { cells: cells(&["+852 6841 1234", "Ana", "sold"]), ..row(1, "85268411234", State::Rejected) },
        ReportRow { cells: cells(&["85268411235", "=1+1", "-25%"]), ..row(2, "85268411235", State::Failed) },
        ReportRow { cells: cells(&["85268411236"]), ..row(3, "85268411236", State::Failed) },
        ReportRow { cells: cells(&["1", "2", "3", "4"]), ..row(4, "85268411237", State::Failed) },
    ];
    let text = csv(&rows, &["phone", "first_name", "state"]);
    let expected = "\
        row,to,channel,report_state,message_id,attempts,accepted_at,delivered_at,read_at,error_code,error_message,phone,first_name,state\r\n\
        1,85268411234,whatsapp,rejected,,0,,,,,,+852 6841 1234,Ana,sold\r\n\
        2,85268411235,whatsapp,failed,,0,,,,,,85268411235,'=1+1,-25%\r\n\
        3,85268411236,whatsapp,failed,,0,,,,,,85268411236,,\r\n\
        4,85268411237,whatsapp,failed,,0,,,,,,1,2,3\r\n";
    assert_eq!(text, expected);
}

#[test]
fn a_report_of_a_report_has_no_column_twice() {
    let first = csv(&[], &["to", "=name"]);
    let header: Vec<&str> = first.trim_end().split(',').map(crate::text::unescape_formula).collect();
    let second = csv(&[], &header);
    let mut names: Vec<&str> = second.trim_end().split(',').collect();
    assert_eq!(&names[..3], ["report_row", "report_report_to", "report_channel"]);
    assert_eq!(&names[names.len() - 2..], ["to", "'=name"]);
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_json_of_the_sample() {
    insta::assert_snapshot!("summary_json", summary_json(&summary(&rows())));
}

#[test]
fn nothing_at_all_still_makes_every_report() {
    let none = summary(&[]);
    let json: serde_json::Value = serde_json::from_str(&summary_json(&none)).unwrap();
    assert_eq!(json["rows"], 0);
    assert_eq!(json["states"].as_object().unwrap().len(), State::ALL.len());
    assert!(json["achieved_rate"].is_null());
    assert!(html(&none).unwrap().contains("None."));
    assert_eq!(csv(&[], &[]).lines().count(), 1);
}

#[test]
fn evenly_spaced_messages_achieve_exactly_their_rate() {
    let rows: Vec<_> =
        (0..81).map(|n| accepted(n + 1, 125 * i64::try_from(n).unwrap() / 10, State::Accepted)).collect();
    assert_eq!(summary(&rows).achieved_rate(), Some(80.0));
    assert_eq!(summary(&rows[..1]).achieved_rate(), None);
    assert_eq!(summary(&[rows[0].clone(), rows[0].clone()]).achieved_rate(), None);
}

#[test]
fn a_requeued_row_has_no_time_of_acceptance() {
    let again = ReportRow { state: State::Pending, ..accepted(1, 0, State::Failed) };
    assert_eq!(summary(&[again, accepted(2, 1_000, State::Sent)]).achieved_rate(), None);
}

#[test]
fn the_html_of_the_sample_shows_what_matters() {
    let page = html(&summary(&rows())).unwrap();
    for expected in [
        "<h1>spring-sale</h1>",
        "2026-03-23 15:12:00",
        "Times in <b>Asia&#x2f;Hong_Kong</b>",
        "Hello {{1}},\n&lt;b&gt;20% off",
        "retries",
        "131030",
        "1 row is uncertain",
        "campaigner settle spring-sale-1 --row 11 --as sent",
        "campaigner retry spring-sale-1 --state uncertain",
        "2 rows have not been sent, or are being sent.",
        "1 message was reported both as failed and as delivered",
        "What to do:</span> put the number on the list",
        "Hong Kong",
        "dispatch.rate",
        "Time to deliver",
        "Time to read",
        "<td>Yes, please <span class=\"soft\">yes-1</span></td>",
        "<td>Maybe <span class=\"soft\">2 different ids</span></td>",
    ] {
        assert!(page.contains(expected), "{expected} is not in\n{page}");
    }
    for source in ["http://", "https://", "src=", "<link", "<img", "url(", "@import", "style=", "onclick"] {
        assert!(!page.contains(source), "{source} would need more than this file, or than its policy allows");
    }
}

#[test]
fn the_page_holds_no_phone_numbers_and_no_cells() {
    let quoted = problem(row(1, "85268410099", State::Rejected), 1, "131030", "85268410099 is not in the list");
    let cells = vec!["85268410099".to_owned(), "Zoë Example".to_owned()];
    let page = html(&summary(&[rows(), vec![ReportRow { cells, ..quoted }]].concat())).unwrap();
    for personal in ["8526841", "Zoë", "+852 1", "wamid."] {
        assert!(!page.contains(personal), "{personal}");
    }
}

/// Returns the numbers in the table row after this text, in order.
fn numbers(page: &str, after: &str) -> Vec<u64> {
    let at = page.find(after).unwrap_or_else(|| panic!("{after} is not in the page"));
    let text = page[at + after.len()..].split("</tr>").next().unwrap();
    text.split("data-n=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_pages_numbers_are_those_of_the_json() {
    let summary = summary(&rows());
    let page = html(&summary).unwrap();
    let json: serde_json::Value = serde_json::from_str(&summary_json(&summary)).unwrap();
    let shown = |name: &str| {
        let at = page.split(&format!("<dt>{name}</dt><dd><b>")).nth(1).unwrap();
        at.split('<').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(json["rows"], shown("On the list"));
    for (name, key) in [("Accepted", "accepted"), ("Delivered", "delivered"), ("Read", "read")] {
        assert_eq!(json["funnel"][key], shown(name));
        assert!(page.contains(&format!("<title>{name}: {}, ", json["funnel"][key])), "the funnel's {name}");
    }
    let retries = format!("<dt>retries</dt><dd>{}</dd>", json["retries"]);
    assert!(page.contains(&retries));
    for (state, rows) in json["states"].as_object().unwrap().iter().filter(|(_, rows)| **rows != 0) {
        assert_eq!(*rows, numbers(&page, &format!("</span>{state}</td>"))[0], "{state}");
    }
    for error in json["errors"].as_array().unwrap() {
        let code = error["code"].as_str().unwrap();
        assert_eq!(error["count"], numbers(&page, &format!("<td><code>{code}</code></td>"))[0], "{code}");
    }
    for country in json["countries"].as_array().unwrap() {
        let name = country["name"].as_str().unwrap();
        let shown = numbers(&page, &format!("<td>{name}</td>"));
        let rows = ["rows", "accepted", "delivered", "read"].map(|key| country[key].as_u64().unwrap());
        assert_eq!([shown[1], shown[2], shown[3], shown[5]], rows, "{name}");
    }
    for (name, key) in [("deliver", "time_to_deliver_seconds"), ("read", "time_to_read_seconds")] {
        let part = page.split(&format!("<h2>Time to {name} <small>for ")).nth(1).unwrap();
        assert!(part.starts_with(&format!("{} messages", json[key]["count"])), "{name}");
    }
}

#[test]
fn runs_of_every_size_make_a_page() {
    let one = html(&summary(&[accepted(1, 0, State::Accepted)])).unwrap();
    assert!(one.contains("accepted 1 of 1 message (100.0%); it has not been reported as delivered"), "{one}");
    assert!(!one.contains("Time to deliver") && !one.contains("Delivered and read over time"));
    let none = html(&summary(&[problem(row(1, "85268410001", State::Rejected), 1, "1", "no")])).unwrap();
    assert!(none.contains("accepted 0 of 1 message (0.0%).") && !none.contains("over time"));
    let invalid = html(&summary(&[row(1, "x", State::Invalid)])).unwrap();
    assert!(invalid.contains("The only row could not be sent"));
}

#[test]
fn a_filtered_page_says_so() {
    let facts = RunFacts { only: Some("in state failed".into()), ..facts() };
    let summary = Summary::new(facts);
    assert!(html(&summary).unwrap().contains("This report covers only part of the run: rows in state failed."));
    assert!(summary_json(&summary).contains(r#""only": "in state failed""#));
}

#[test]
fn the_funnel_can_be_rendered_on_its_own() {
    let page = html(&summary(&rows())).unwrap();
    let funnel = funnel(summary(&rows()).tally()).unwrap();
    assert!(funnel.starts_with("<ol class=\"funnel\">") && page.contains(funnel.trim_end()));
}

#[test]
fn nothing_from_outside_becomes_markup() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=y>";
    let facts = RunFacts {
        run: RunId::new(EVIL, 1),
        provider: EVIL.into(),
        rate_limit: EVIL.into(),
        finished_at: None,
        ..facts()
    };
    let mut summary = Summary::new(facts);
    summary.add(&problem(row(1, EVIL, State::Uncertain), 1, EVIL, EVIL));
    let page = html(&summary).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn control_characters_are_shown_as_escapes() {
    let row = problem(row(1, "85268410001", State::Rejected), 1, "1", "no\u{202e} <\u{1b}[2J>");
    let page = html(&summary(&[row])).unwrap();
    assert!(page.contains("no\\u{202e} &lt;\\u{1b}[2J&gt;") && !page.contains(['\u{202e}', '\u{1b}']), "{page}");
}

#[test]
fn many_codes_do_not_make_the_page_long() {
    let rows: Vec<_> =
        (1..200).map(|n| problem(row(n, "85268411234", State::Rejected), 1, &format!("code-{n:03}"), "no")).collect();
    let page = html(&summary(&rows)).unwrap();
    assert!(page.contains("code-050") && !page.contains("code-051"));
    assert!(page.contains("including those not shown here (149)"));
}

fn write_all(dir: &Path, rows: &[ReportRow]) -> Paths {
    let mut reports = Reports::create(dir, facts()).unwrap();
    for row in rows {
        reports.add(row).unwrap();
    }
    reports.finish().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn one_pass_writes_all_three_and_the_same_again() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("reports/spring-sale-1");
    let paths = write_all(&dir, &rows());
    let read = |paths: &Paths| [&paths.csv, &paths.json, &paths.html].map(|path| fs::read(path).unwrap());
    let first = read(&paths);
    assert_eq!(first[0], csv(&rows(), &[]).into_bytes());
    assert_eq!(first[1], summary_json(&summary(&rows())).into_bytes());
    assert_eq!(first[2], html(&summary(&rows())).unwrap().into_bytes());
    assert_eq!(read(&write_all(&dir, &rows())), first);
    assert_eq!(names(&dir), ["recipients.csv", "report.html", "summary.json"]);
}

#[test]
fn the_old_reports_stay_until_the_new_ones_are_complete() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_all(dir.path(), &rows());
    let old = fs::read(&paths.csv).unwrap();

    let mut reports = Reports::create(dir.path(), facts()).unwrap();
    reports.add(&accepted(1, 0, State::Read)).unwrap();
    assert_eq!(fs::read(&paths.csv).unwrap(), old);
    drop(reports);
    assert_eq!(fs::read(&paths.csv).unwrap(), old);
    assert_eq!(names(dir.path()), ["recipients.csv", "report.html", "summary.json"], "nothing is left behind");

    write_all(dir.path(), &[accepted(1, 0, State::Read)]);
    assert_ne!(fs::read(&paths.csv).unwrap(), old);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_reports() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("recipients.csv");
    fs::write(&csv, "old").unwrap();
    fs::set_permissions(&csv, fs::Permissions::from_mode(0o644)).unwrap();
    let paths = write_all(dir.path(), &rows());
    for path in [paths.csv, paths.json, paths.html] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

#[test]
fn an_error_says_which_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("summary.json")).unwrap();
    let error = Reports::create(dir.path(), facts()).unwrap().finish().unwrap_err();
    assert!(matches!(&error, ReportError::Replace { path, .. } if path.ends_with("summary.json")), "{error}");

    fs::write(dir.path().join("file"), "").unwrap();
    let error = Reports::create(dir.path().join("file/reports"), facts()).map(drop).unwrap_err();
    assert!(matches!(error, ReportError::CreateFolder { .. }), "{error}");

    let error = NewFile::create(dir.path().join("missing/out.csv")).map(drop).unwrap_err();
    assert!(error.to_string().contains("out.csv"), "{error}");
}

#[test]
fn a_format_reads_back_as_written() {
    for format in ReportFormat::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    let error = "xml".parse::<ReportFormat>().unwrap_err();
    assert_eq!(error.to_string(), "unknown report format `xml`; the formats are csv, json, jsonl, html and xlsx");
}

#[test]
fn leftovers_of_a_killed_process_are_removed_and_files_being_written_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.csv");
    let leftover = dir.path().join(".out.csv.abc123.campaigner-tmp");
    let of_others = dir.path().join(".other.csv.abc123.campaigner-tmp");
    std::fs::write(&leftover, "half").unwrap();
    std::fs::write(&of_others, "half").unwrap();
    let mut first = NewFile::create(&path).unwrap();
    first.write_all(b"first").unwrap();
    let mut second = NewFile::create(&path).unwrap();
    second.write_all(b"second").unwrap();
    assert!(!leftover.exists() && of_others.exists());
    second.replace().unwrap();
    first.replace().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_is_kept_and_a_device_or_pipe_is_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("far")).unwrap();
    std::fs::write(at("far/real"), "old").unwrap();
    std::os::unix::fs::symlink("far/real", at("link")).unwrap();
    std::os::unix::fs::symlink("far/new", at("ahead")).unwrap();
    for (link, file) in [("link", "far/real"), ("ahead", "far/new")] {
        let mut file_of_link = NewFile::create(at(link)).unwrap();
        file_of_link.write_all(b"new").unwrap();
        file_of_link.replace().unwrap();
        assert!(at(link).is_symlink());
        assert_eq!(std::fs::read_to_string(at(file)).unwrap(), "new", "{link}");
    }
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = at("pipe");
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    let mut piped = NewFile::create(at("pipe")).unwrap();
    piped.write_all(b"through").unwrap();
    piped.replace().unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    assert!(!std::fs::metadata(at("pipe")).unwrap().is_file());
    // Only root can create a device, so this part runs only as root.
    if std::process::Command::new("mknod")
        .arg(at("null"))
        .args(["c", "1", "3"])
        .status()
        .is_ok_and(|made| made.success())
    {
        let mut device = NewFile::create(at("null")).unwrap();
        device.write_all(b"nowhere").unwrap();
        device.replace().unwrap();
        assert!(!std::fs::metadata(at("null")).unwrap().is_file());
    }
    assert!(NewFile::create(at("far")).unwrap().replace().is_err(), "a folder");
}
