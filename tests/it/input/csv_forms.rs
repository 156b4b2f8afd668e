//! Every way to write a recipient list gives the same messages to the same numbers.

use std::io::Write;

use crate::support::{CampaignFile, Channel, ScriptedProvider, TestEnv, text_of};

/// Number and name of those on the list, as they are to be received.
const RECEIVED: [(&str, &str); 3] =
    [("85264000001", "Ana"), ("85264000002", "Zoë; \"the, one\""), ("85264000003", "Li")];

const PLAIN: &str = "phone,first_name\n85264000001,Ana\n+852 6400 0002,\"Zoë; \"\"the, one\"\"\"\n64000003,Li\n";

/// Runs the list and tells what the provider received, in the order of the numbers.
fn received(env: &TestEnv) -> Vec<(String, String)> {
    let provider = ScriptedProvider::accepting_all();
    let run = env.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(run.code, 0, "{run}");
    let mut received: Vec<_> =
        provider.received().sends.into_iter().map(|sent| (sent.to, text_of(&sent.body).to_owned())).collect();
    received.sort();
    received
}

fn assert_received(list: &[u8]) {
    let campaign =
        CampaignFile { recipients: "{csv: list.csv, to: phone, region: HK}".into(), ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, "");
    env.write("list.csv", list);
    let expected = RECEIVED.map(|(to, name)| (to.to_owned(), name.to_owned()));
    assert_eq!(received(&env), expected);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    assert_received(PLAIN.as_bytes());
    assert_received(&[b"\xef\xbb\xbf", PLAIN.as_bytes()].concat());
    assert_received(PLAIN.replace('\n', "\r\n").as_bytes());
    assert_received(PLAIN.trim_end().as_bytes());
}

#[test]
fn semicolons_tabs_and_bars_are_delimiters_too() {
    let with = |delimiter| {
        let rows = [("85264000001", "Ana"), ("+852 6400 0002", "\"Zoë; \"\"the, one\"\"\""), ("64000003", "Li")];
        let rows = rows.map(|(to, name)| format!("{to}{delimiter}{name}\n"));
        format!("phone{delimiter}first_name\n{}", rows.concat())
    };
    assert_received(with(';').as_bytes());
    assert_received(with('\t').as_bytes());
    assert_received(with('|').as_bytes());
}

#[test]
fn a_first_line_for_excel_sets_the_delimiter() {
    let list =
        "sep=;\r\nphone;first_name\r\n85264000001;Ana\r\n+852 6400 0002;\"Zoë; \"\"the, one\"\"\"\r\n64000003;Li\r\n";
    assert_received(list.as_bytes());
    assert_received(format!("\u{feff}{list}").as_bytes());
    let env = TestEnv::with(&CampaignFile::default(), "sep=,\nphone,first_name\n12,Ana\n");
    let check = env.run_offline(&["check", "job.yaml"]);
    assert!(check.out.contains("line 3"), "{check}");
}

#[test]
fn a_row_of_empty_cells_above_the_header_is_skipped() {
    assert_received(format!(",\n\n{PLAIN}").as_bytes());
    assert_received(format!("\u{feff};;;\r\n{PLAIN}").as_bytes());
}

#[test]
fn a_text_kept_by_a_formula_or_an_apostrophe_is_that_text() {
    let list = PLAIN.replace("85264000001,Ana", "=\"85264000001\",=\"Ana\"").replace("64000003", "'64000003");
    assert_received(list.as_bytes());
}

#[test]
fn a_column_is_found_across_no_break_and_repeated_spaces() {
    let list = PLAIN.replace("phone,first_name", " my\u{a0}phone ,First\u{202f} Name");
    for (to, text) in [
        ("my phone", "{{ row['First Name'] }}"),
        ("my\u{a0}phone", "{{ row['First\u{a0}Name'] }}"),
        ("my  phone ", "{{ row['First  Name'] }}"),
    ] {
        let campaign = CampaignFile {
            recipients: format!("{{csv: list.csv, to: \"{to}\", region: HK}}"),
            text,
            ..CampaignFile::default()
        };
        let env = TestEnv::with(&campaign, "");
        env.write("list.csv", list.as_bytes());
        assert_eq!(received(&env), RECEIVED.map(|(to, name)| (to.to_owned(), name.to_owned())));
    }
}

#[test]
fn digits_of_every_script_are_digits() {
    let list = PLAIN.replace("85264000001", "٨٥٢٦٤٠٠٠٠٠١").replace("+852 6400 0002", "+८५२ ६४०० ०००२");
    assert_received(list.replace("64000003", "６４０００００３").as_bytes());
}

#[test]
fn a_slash_after_an_area_code_is_formatting() {
    assert_received(PLAIN.replace("+852 6400 0002", "+852/6400 0002").as_bytes());
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name\n85264000001/85264000002,Ana\n");
    let check = env.run_offline(&["check", "job.yaml"]);
    assert!(check.out.contains("contains several numbers [bad_number]"), "{check}");
}

#[test]
fn a_packed_list_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(PLAIN.as_bytes()).unwrap();
    assert_received(&packed.finish().unwrap());
}

#[test]
fn a_line_break_in_a_quoted_cell_is_part_of_the_text() {
    let campaign = CampaignFile { channel: Channel::Viber, ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, "phone,first_name\n85264000001,\"Ana\nMaria\"\n85264000002,Li\n");
    let expected = [("85264000001", "Ana\nMaria"), ("85264000002", "Li")];
    assert_eq!(received(&env), expected.map(|(to, name)| (to.to_owned(), name.to_owned())));
    let rows: Vec<u64> = env.report("job-1").iter().map(|line| line.row).collect();
    assert_eq!(rows, [1, 2], "rows are records, not lines");
}

#[test]
fn rows_in_the_campaign_file_are_as_good_as_a_list() {
    let recipients =
        "{to: phone, rows: [{phone: \"85264000001\", first_name: Ana}, {phone: \"+852 6400 0002\", first_name: Li}]}";
    let env = TestEnv::with(&CampaignFile { recipients: recipients.into(), ..CampaignFile::default() }, "");
    let expected = [("85264000001", "Ana"), ("85264000002", "Li")];
    assert_eq!(received(&env), expected.map(|(to, name)| (to.to_owned(), name.to_owned())));
}

/// A campaign whose `recipients` has these keys, and whose message has this text.
fn campaign_with(keys: &str, text: &'static str) -> CampaignFile {
    CampaignFile { recipients: format!("{{csv: list.csv, region: HK, {keys}}}"), text, ..CampaignFile::default() }
}

fn expected() -> Vec<(String, String)> {
    RECEIVED.map(|(to, name)| (to.to_owned(), name.to_owned())).to_vec()
}

#[test]
fn columns_are_renamed_and_their_report_is_a_list_of_the_same_campaign() {
    let keys = "to: phone, columns: {first_name: \"Pr\u{e9}nom\", phone: \"Mobile Nr.\"}";
    let env = TestEnv::with(&campaign_with(keys, "{{ first_name }}"), "");
    env.write("list.csv", PLAIN.replace("phone,first_name", "Mobile\u{a0}Nr.,Pre\u{301}nom"));
    assert_eq!(received(&env), expected());
    let report = env.run_offline(&["report", "job-1", "--input", "--output", "report.csv"]);
    assert_eq!(report.code, 0, "{report}");
    let csv = env.read("report.csv");
    assert!(csv.lines().next().unwrap().ends_with(",phone,first_name"), "{csv}");
    drop(env);
    let env = TestEnv::with(&campaign_with(keys, "{{ first_name }}"), "");
    env.write("list.csv", csv);
    assert_eq!(received(&env), expected());
}

#[test]
fn a_column_has_the_same_name_in_both_normal_forms() {
    for (file, campaign) in [("Pre\u{301}nom", "Pr\u{e9}nom"), ("Pr\u{e9}nom", "Pre\u{301}nom")] {
        for text in ["{{ NAME }}", "{{ row['NAME'] }}", "{{ row.NAME | trim }}", "{{ row['NA' ~ 'ME'] }}"] {
            let text = match text.contains('~') {
                true => format!("{{{{ row['{}' ~ 'nom'] }}}}", campaign.trim_end_matches("nom")),
                false => text.replace("NAME", campaign),
            };
            let env = TestEnv::with(&campaign_with("to: Te\u{301}l", Box::leak(text.into_boxed_str())), "");
            env.write("list.csv", PLAIN.replace("phone,first_name", &format!("T\u{e9}l,{file}")));
            assert_eq!(received(&env), expected());
        }
    }
}

#[test]
fn columns_with_the_same_name_matter_only_if_the_message_uses_them() {
    let list = PLAIN.replace("phone,first_name", "phone,first_name,,mail,mail").replace("Ana", "Ana,x,a,b");
    let env = TestEnv::with(&campaign_with("to: phone", "{{ first_name }}"), "");
    env.write("list.csv", &list);
    assert_eq!(received(&env), expected());
    drop(env);
    let words = "columns 4 and 5 of the list have the same name `mail`";
    for text in [
        "{{ mail }}",
        "{{ first_name }}{{ mail | default('x') }}",
        "{{ row['mail'] | default('x') }}",
        "{% for key in ['mail'] %}{{ row[key] | default('x') }}{% endfor %}",
    ] {
        let env = TestEnv::with(&campaign_with("to: phone", text), "");
        env.write("list.csv", &list);
        let check = env.run_offline(&["check", "job.yaml"]);
        assert!(check.code == 2 && format!("{check}").replace('\n', " ").contains(words), "{check}");
    }
    for keys in ["to: mail", "to: phone, send_at: mail", "to: phone, columns: {x: mail}"] {
        let env = TestEnv::with(&campaign_with(keys, "{{ first_name }}"), "");
        env.write("list.csv", &list);
        let check = env.run_offline(&["check", "job.yaml"]);
        assert!(check.code == 2 && check.err.contains("have the same name `mail`"), "{check}");
    }
    let env = TestEnv::with(&campaign_with("to: phone", "{{ row['mail (column 5)'] }}"), "");
    env.write("list.csv", "phone,first_name,,mail,mail\n85264000001,Ana,x,a,b\n");
    assert_eq!(received(&env), [("85264000001".to_owned(), "b".to_owned())]);
}

#[test]
fn blank_rows_and_missing_cells_cost_nobody_a_message() {
    assert_received(format!("{PLAIN},\r\n , \n\"\",\n").as_bytes());
    assert_received(PLAIN.replacen('\n', "\n,\n,,,\n", 1).as_bytes());
    assert_received(PLAIN.replace("phone,first_name", "phone,first_name,city,note").as_bytes());
    let env =
        TestEnv::with(&CampaignFile::default(), &format!("{}{}", PLAIN.replace("64000003,Li\n", ""), ",\n".repeat(3)));
    let check = env.run_offline(&["check", "job.yaml"]);
    assert!(check.out.contains("3 blank rows are left out; the first is on line 4 [blank_rows]"), "{check}");
}

#[test]
fn a_web_page_under_the_name_of_a_list_is_named() {
    let env = TestEnv::with(&CampaignFile::default(), "\u{feff}\n<html><body><table><tr><td>phone</td></tr></table>");
    let check = env.run_offline(&["check", "job.yaml"]);
    assert!(check.code == 2 && check.err.contains("is a web page (HTML), not a CSV file"), "{check}");
}
