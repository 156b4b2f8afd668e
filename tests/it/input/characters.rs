//! Invisible characters, and characters that act on a terminal: none is sent by accident, and none is printed.

use crate::support::{CampaignFile, Channel, Finished, ScriptedProvider, TestEnv, counts, phone, text_of};

/// What a terminal, a log or a page would act on: control characters, line separators, bidirectional controls.
fn acts(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_nothing_acts(finished: &Finished) {
    for printed in [&finished.out, &finished.err] {
        assert!(!printed.chars().any(acts), "{printed:?}");
    }
}

#[test]
fn what_no_message_may_hold_is_sent_to_nobody_and_the_rest_arrives_as_it_is() {
    let cells = [
        "A\u{0}na",
        "A\u{b}b",
        "A\u{c}b",
        "A\u{85}b",
        "A\u{2028}b",
        "A\u{7f}",
        "A\rb",
        "\u{202e}anA",
        "\u{200b}",
        "\u{3164}",
        "\u{2800}",
        "\u{ad}",
        "\u{feff}Ana\u{200e}",
        "❤\u{fe0f}",
        "👨\u{200d}👩\u{200d}👧",
        "می\u{200c}خواهم",
        "\u{2067}שלום\u{2069}",
        "two\r\nlines",
    ];
    let rows: Vec<String> = (1..).zip(cells).map(|(n, cell)| format!("{},\"{cell}\"\n", phone(n))).collect();
    let provider = ScriptedProvider::accepting_all();
    let campaign = CampaignFile { channel: Channel::Viber, text: "<{{ first_name }}>", ..CampaignFile::default() };
    let env = TestEnv::with(&campaign, &format!("phone,first_name\n{}", rows.concat()));
    let checked = env.run_offline(&["check", "job.yaml", "--json"]);
    let rows: Vec<&str> = checked.out.lines().filter(|line| line.starts_with("{\"severity\"")).collect();
    let invalid = |code: &str| rows.iter().filter(|row| row.contains(&format!("\"code\":\"{code}\""))).count();
    assert_eq!(["control_character", "unbalanced_direction", "empty_cell"].map(invalid), [7, 1, 4], "{checked}");
    assert!(checked.out.contains("character 2 is U+000B") && checked.out.contains("\"columns\":[\"first_name\"]"));
    assert_nothing_acts(&checked);
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    assert_eq!(env.states("job-1"), counts(&[("invalid", 12), ("read", 6)]));
    let mut sent: Vec<(String, String)> =
        provider.received().sends.iter().map(|sent| (sent.to.clone(), text_of(&sent.body).to_owned())).collect();
    sent.sort();
    let texts: Vec<&str> = sent.iter().map(|(_, text)| text.as_str()).collect();
    let expected = [
        "<Ana>",
        "<❤\u{fe0f}>",
        "<👨\u{200d}👩\u{200d}👧>",
        "<می\u{200c}خواهم>",
        "<\u{2067}שלום\u{2069}>",
        "<two\r\nlines>",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_template_takes_no_line_break() {
    let list = format!("phone,first_name\n{},\"two\nlines\"\n{},a\tb\n", phone(1), phone(2));
    let env = TestEnv::with(&CampaignFile::default(), &list);
    let checked = env.run_offline(&["check", "job.yaml"]);
    let words = "column `first_name`: contains a line break [bad_parameter]";
    assert!(checked.code == 2 && checked.out.contains(words) && checked.out.contains("(`two\\nlines`)"), "{checked}");
}

#[test]
fn nothing_is_printed_raw() {
    const NAME: &str = "na\u{1b}[2J\u{202e}me\u{9b}31m";
    let list = format!("phone,{NAME}\n{},\"A\u{1b}[2Jna\u{202e}\"\n12\u{1b}34,Bo\n{},", phone(1), phone(2));
    let list = [list.as_bytes(), b"\xff\n"].concat();
    let campaign = |text: &str, file: &str| {
        format!(
            "name: job\nprovider: simulator\nchannel: viber\nrecipients: {{csv: \"{file}\", to: phone}}\n\
             message: {{type: text, text: \"{text}\"}}\n"
        )
    };
    // The escapes are for the template, where they stand for the name.
    let by_key = "{{ row['na\\\\u001b[2J\\\\u202eme\\\\u009b31m'] }}";
    let env = TestEnv::new();
    let file = "li\u{202e}st\u{1b}[2J.csv";
    env.write(file, &list);
    env.write("li\u{202e}st.csv", &list);
    env.write("list.csv", &list);
    for (name, text, file) in [
        ("a", by_key, "list.csv"),
        ("b", "{{ nam }}", "list.csv"),
        ("c", "{{ row['nam'] }} \u{202e}", "list.csv"),
        ("d", "{{ x }} \\a", "list.csv"),
        ("e", "Hi", "not-\\u202ehere\\e[2J.csv"),
        ("f", "Hi\u{1b}[2J", "list.csv"),
        ("g", "Hi\", \"a\\u202eb\": \"c", "list.csv"),
        ("h\u{202e}\u{1b}[2J", "{{ nam }}", "list.csv"),
    ] {
        let job = format!("{name}.yaml");
        env.write(&job, campaign(text, file));
        for args in [
            &["check", &job][..],
            &["check", &job, "--json"],
            &["preview", &job],
            &["run", "--dry-run", &job],
            &["--log-format", "json", "run", "--dry-run", &job],
            &["-vvv", "run", "--dry-run", &job],
            &["schedule", "list", "."],
            &["suppress", "import", file, "--column", "x\u{202e}"],
        ] {
            assert_nothing_acts(&env.run_offline(args));
        }
    }
    let output = env.run_offline(&["check", "a.yaml"]);
    assert!(output.out.contains("column `na\\u{1b}[2J\\u{202e}me\\u{9b}31m`"), "{output}");
    let output = env.run_offline(&["check", "h\u{202e}\u{1b}[2J.yaml"]);
    assert!(output.err.contains("--> h\\u{202e}\\u{1b}[2J.yaml:5:29"), "{output}");
    let output = env.run_offline(&["suppress", "import", file, "--column", "x"]);
    assert!(output.err.contains("li\\u{202e}st\\u{1b}[2J.csv has no column `x`"), "{output}");
    let output = env.run_offline(&["check", "c.yaml"]);
    assert!(output.err.contains("c.yaml:5:47") && output.err.contains("U+202E"), "{output}");
}
