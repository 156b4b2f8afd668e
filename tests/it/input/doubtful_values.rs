//! Values that look wrong: some make the row invalid, the others are a warning with a count.

use serde_json::{Value, json};

use crate::support::{CampaignFile, Finished, ScriptedProvider, TestEnv, counts};

fn check(list: &str) -> Finished {
    TestEnv::with(&CampaignFile::default(), list).run_offline(&["check", "job.yaml"])
}

/// Checks a campaign with this text as its file.
fn check_file(campaign: &str) -> Finished {
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name\n85264000001,Ana\n");
    env.write("other.yaml", campaign.as_bytes());
    env.run_offline(&["check", "other.yaml"])
}

#[test]
fn an_error_of_a_spreadsheet_is_sent_to_nobody() {
    let list = "phone,first_name,note\n\
        85264000001,#N/A,a\n85264000002,#REF!,a\n85264000003,########,a\n85264000004,#BEZUG!,a\n85264000005,Ana,#N/A\n";
    let checked = check(list);
    assert_eq!(checked.code, 2, "{checked}");
    for words in
        ["the spreadsheet error `#N/A`", "`#REF!`", "`########`, which a spreadsheet shows", "1 of 5 rows can be sent"]
    {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
    assert!(checked.out.contains("column `first_name`") && checked.out.contains("[spreadsheet_error]"), "{checked}");
}

#[test]
fn text_that_was_decoded_twice_is_a_warning_with_its_original() {
    let checked = check(
        "phone,first_name,note\n85264000001,Ana,MÃ¼\n85264000002,MÃ¼ller,\n85264000003,ZoÃ«,\n85264000004,Zoë,\n",
    );
    assert_eq!(checked.code, 0, "{checked}");
    for words in [
        "column `first_name` (`MÃ¼ller`)",
        "may be `Müller`",
        "[double_encoded, 2 rows, first row 2, line 3]",
        "\n  also row 3, line 4 (`ZoÃ«`)\n",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
}

#[test]
fn a_warning_lists_its_first_rows_and_counts_the_others() {
    let list = format!("phone,first_name\n{}", (0..5).map(|n| format!("+49 30 123456{n},Li\n")).collect::<String>());
    let checked = check(&list);
    let rows = "[landline_number, 5 rows, first row 1, line 2]\n  also row 2, line 3 (`+49 30 1234561`)\n  \
        also row 3, line 4 (`+49 30 1234562`)\n  … and 2 more rows\n";
    assert!(checked.out.contains(rows), "{checked}");
    let env = TestEnv::with(&CampaignFile::default(), &list);
    let checked = env.run_offline(&["check", "job.yaml", "--json"]);
    let warning: Value = serde_json::from_str(checked.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&warning["code"], &warning["row"], &warning["rows"]),
        (&json!("landline_number"), &json!(1), &json!(5))
    );
    let row = |row: u64| json!({"row": row, "line": row + 1, "value": format!("+49 30 123456{}", row - 1)});
    assert_eq!(warning["first_rows"], json!([row(1), row(2), row(3)]));
    // Rows that are sent are not rejects.
    let checked = env.run_offline(&["check", "job.yaml", "--rejects", "bad.csv"]);
    assert_eq!((checked.code, env.read("bad.csv").lines().count()), (0, 1), "{checked}");
}

#[test]
fn what_the_numbering_plan_says_is_a_warning_or_an_error() {
    let list = "phone,first_name\n85264000001,Ana\n+49 30 1234567,Li\n+49 30 1234568,Li\n+1 800 234 5678,Li\n\
        +1 415 555 0134,Li\n+852 1111 1111,Li\n";
    let checked = check(list);
    assert_eq!(checked.code, 0, "{checked}");
    for words in [
        "column `phone` (`+49 30 1234567`): a landline number",
        "[landline_number, 2 rows, first row 2, line 3]",
        "\n  also row 3, line 4 (`+49 30 1234568`)\n",
        "[toll_free_number, row 4, line 5]",
        "[unassigned_number, row 6, line 7]",
        "6 of 6 rows can be sent",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
    let recipients = "{csv: list.csv, to: phone, strict_numbers: true}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, list);
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert!(checked.out.contains("2 of 6 rows can be sent") && !checked.out.contains("warning"), "{checked}");
    let provider = ScriptedProvider::accepting_all();
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    assert_eq!(env.states("job-1"), counts(&[("invalid", 4), ("read", 2)]));
}

#[test]
fn the_first_of_several_numbers_is_used_on_request_only() {
    let list =
        "phone,first_name\n+852 6400 0001 / +852 6400 0002,Ana\n+852 6400 0003 ext. 5,Li\n+852 6400 0004 / 5,Li\n";
    let checked = check(list);
    for words in ["contains several numbers", "has the extension 5", "0 of 3 rows can be sent"] {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
    let recipients = "{csv: list.csv, to: phone, split: first}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, list);
    let provider = ScriptedProvider::accepting_all();
    env.run(&provider, &["run", "job.yaml"]);
    let sent: Vec<String> = provider.received().sends.iter().map(|sent| sent.to.clone()).collect();
    assert_eq!(sent, ["85264000001"]);
}

#[test]
fn times_that_have_passed_are_warnings() {
    let checked = check_file(
        "name: late\nprovider: simulator\nchannel: whatsapp\ntimezone: Asia/Hong_Kong\n\
         recipients: {to: phone, send_at: when, not_after: end, rows: [{phone: \"85264120001\", when: \"2025-12-01 09:00\"},\n\
         \x20 {phone: \"85264120002\", when: \"2199-12-01 09:00\"}, {phone: \"85264120003\", end: \"2025-12-01 09:00\"}]}\n\
         message: {type: template, template: {name: t, components: [{type: limited_time_offer, parameters:\n\
         \x20 [{type: limited_time_offer, limited_time_offer: {expiration_time_ms: 1600000000000}}]}]}}\n",
    );
    assert_eq!(checked.code, 0, "{checked}");
    for words in [
        "column `when`: the send time 2025-12-01T01:00:00Z has passed",
        "[past_send_at, row 1, line 5]",
        "column `end`: the deadline 2025-12-01T01:00:00Z has passed, so the row will expire without being sent",
        "[past_not_after, row 3, line 6]",
        "the offer ended at 2020-09-13T12:26:40Z; set a later time (other.yaml:8:",
        "[offer_ended, 3 rows, first row 1, line 5]",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
}

#[test]
fn a_wrong_time_zone_is_quoted_and_not_the_time() {
    let checked = check_file(
        "name: zone\nprovider: simulator\nchannel: whatsapp\n\
         recipients: {to: phone, timezone: tz, send_at: when,\n\
         \x20 rows: [{phone: \"85264120001\", tz: IST, when: \"2199-12-01 09:00\"}]}\n\
         message: {type: template, template: {name: t}}\n",
    );
    assert!(
        checked.out.contains("column `tz`: unknown time zone")
            && checked.out.contains("(`IST`)")
            && !checked.out.contains("2199"),
        "{checked}"
    );
}

#[test]
fn a_link_escaped_for_html_is_a_warning_with_its_line() {
    let checked = check_file(
        "name: amp\nprovider: simulator\nchannel: whatsapp\nrecipients: {to: phone, rows: [{phone: \"85264120001\"}]}\n\
         message: {type: template, template: {name: t, components: [{type: header, parameters: [{type: image,\n\
         \x20 image: {link: \"https://cdn.example.com/a.png?x=1&amp;sig=Q5\"}}]}]}}\n",
    );
    assert_eq!(checked.code, 0, "{checked}");
    assert!(
        checked.out.contains("(other.yaml:6:") && checked.out.contains("[escaped_link, row 1, line 4]"),
        "{checked}"
    );
}

#[test]
fn a_value_that_does_not_continue_a_url_is_reported_with_its_column() {
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name\n85264000001,Ana\n");
    let definition = "name: t\nlanguage: en\ncategory: MARKETING\ncomponents:\n  - {type: BODY, text: \"Hello.\"}\n  \
        - type: BUTTONS\n    buttons: [{type: URL, text: Shop, url: \"https://www.example.com/{{1}}\", \
        example: [\"https://www.example.com/a\"]}]\n";
    env.write("definition.yaml", definition.as_bytes());
    let campaign = "name: url\nprovider: simulator\nchannel: whatsapp\ndefinition: definition.yaml\nrecipients:\n  \
        to: phone\n  rows: [{phone: \"85264120001\", u: \"https://www.example.com/a\"},\n    \
        {phone: \"85264120002\", u: \"a b \"}, {phone: \"85264120003\", u: \"/a\"},\n    \
        {phone: \"85264120004\", u: \"https://other.example.com/a\"}, {phone: \"85264120005\", u: \"a/b?c=/\"},\n    \
        {phone: \"85264120006\", u: \"G1?a=1&amp;b=2\"}]\n\
        message: {type: template, template: {name: t, components: [{type: button, sub_type: url, index: \"0\",\n  \
        parameters: [{type: text, text: \"{{ u }}\"}]}]}}\n";
    env.write("other.yaml", campaign.as_bytes());
    let checked = env.run_offline(&["check", "other.yaml"]);
    for words in [
        "row 1, line 7",
        "starts with `https://www.example.com/`: write only the rest",
        "[space_in_url, row 2, line 8]",
        "[double_slash, row 3, line 8]",
        "warning: column `u`: the value is a whole URL",
        "[url_in_url, row 4, line 9]",
        "the value for the URL of button 0 contains `&amp;`",
        "[escaped_link, row 6, line 10]",
        "5 of 6 rows can be sent",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked}");
    }
}

#[test]
fn a_number_typed_by_a_person_gets_words_without_a_column() {
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name\n85264000001,Ana\n");
    for command in [["find", "abc"].as_slice(), &["suppress", "add", "abc"]] {
        let said = env.run_offline(command);
        assert!(said.err.contains("contains letters") && !said.err.contains("column"), "{said}");
    }
}
