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
    assert!(check.out.contains("contains 2 numbers: `85264000001`, `85264000002`"), "{check}");
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
