//! The main job, from the file to the report: one line per row, one message per good row, and the provider's states.

use serde_json::Value;

use crate::support::{
    CampaignFile, ReportLine, Script, ScriptedProvider, TestEnv, csv, parse_report, phone, read_in_the_end,
};

const GOOD: usize = 600;

/// Good rows, followed by one of every kind that cannot be sent.
fn mixed_list() -> Vec<u8> {
    let mut list = csv(GOOD).into_bytes();
    list.extend(b"12,Bad number,1%\n");
    list.extend(b"85264700001,,1%\n");
    list.extend(b"85264700002,Ragged,1%,1%\n");
    list.extend(b"85264700003,Caf\xe9,1%\n");
    list.extend("+852 6400 0007,Spélled öther,1%\n".as_bytes());
    list.extend(b"8.5264E+10,Spreadsheet,1%\n");
    list.extend(b",No number,1%\n");
    list
}

/// State and code of each row after the good ones.
const BAD: [(&str, &str); 7] = [
    ("invalid", "bad_number"),
    ("invalid", "empty_cell"),
    ("invalid", "ragged_row"),
    ("invalid", "bad_utf8"),
    ("duplicate", "duplicate"),
    ("invalid", "spreadsheet_number"),
    ("invalid", "no_number"),
];

/// Every seventh number fails after it was accepted.
fn fails(to: &str) -> bool {
    to.parse::<u64>().unwrap().is_multiple_of(7)
}

fn assert_one_line_a_row(report: &[ReportLine], provider: &ScriptedProvider) {
    assert_eq!(report.len(), GOOD + BAD.len());
    let finals = provider.final_states();
    for (index, line) in report.iter().enumerate() {
        assert_eq!(line.row, index as u64 + 1, "in the order of the input");
        if let Some((state, code)) = index.checked_sub(GOOD).map(|bad| BAD[bad]) {
            assert_eq!((line.state.as_str(), line.code.as_str(), line.attempts), (state, code, 0), "{line:?}");
            assert!(line.message_id.is_empty() && !line.message.is_empty(), "{line:?}");
        } else {
            let (id, state) = &finals[&phone(index + 1)];
            assert_eq!((&line.to, &line.message_id, line.state.as_str()), (&phone(index + 1), id, *state));
            assert_eq!(line.attempts, 1, "{line:?}");
        }
    }
}

#[test]
fn every_row_gets_one_line_and_every_good_row_is_accepted_once_with_the_providers_states() {
    let statuses = |to: &str| {
        let mut statuses = read_in_the_end();
        if fails(to) {
            statuses[1].1 = "failed";
            statuses.pop();
        }
        statuses
    };
    let provider = ScriptedProvider::start(Script { statuses: Box::new(statuses), ..Script::default() });
    let env = TestEnv::with(&CampaignFile::default(), "");
    env.write("list.csv", mixed_list());

    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 3, "some failed: {run}");

    let received = provider.received();
    assert_eq!(received.offences, [""; 0]);
    received.assert_nobody_twice();
    assert_eq!(received.sends.len(), GOOD);
    assert!(received.sends.iter().all(|sent| sent.path == "/external/messages/whatsapp"));
    assert!(received.most_in_flight <= 16, "{} in flight", received.most_in_flight);

    let report = env.read("reports/job-1/recipients.csv");
    assert_one_line_a_row(&parse_report(&report), &provider);
    env.verify("job-1");

    // Each message is asked about until its end, so a handful of times; packed, that is as many polls a hundred.
    let polls = received.polls.len();
    assert!(polls * 100 <= 12 * GOOD, "{polls} polls for {GOOD} messages: {:?}", received.polls);

    let failed = (1..=GOOD).filter(|n| fails(&phone(*n))).count();
    let summary: Value = serde_json::from_str(&env.read("reports/job-1/summary.json")).unwrap();
    let states = summary["states"].as_object().unwrap();
    assert_eq!(summary["rows"], GOOD + BAD.len());
    assert_eq!(states.values().map(|rows| rows.as_u64().unwrap()).sum::<u64>(), (GOOD + BAD.len()) as u64);
    assert_eq!((&states["failed"], &states["read"]), (&failed.into(), &(GOOD - failed).into()));
    assert_eq!((&states["invalid"], &states["duplicate"]), (&6.into(), &1.into()));
    assert_eq!(summary["funnel"]["accepted"], GOOD);
    assert_eq!(summary["polls"], polls);
    assert!(summary["finished_at"].is_string());
    let html = env.read("reports/job-1/report.html");
    assert!(!html.contains("src=") && !html.contains("@import"), "it must not load anything");
}

#[test]
fn a_finished_run_is_refused_and_again_makes_the_next_one() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(run.code, 0, "{run}");

    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.err.contains("--again"), "{refused}");
    assert_eq!(provider.sends(), 5);

    let again = env.run(&provider, &["run", "job.yaml", "--again"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(provider.sends(), 10);
    assert!(env.path("reports/job-2/recipients.csv").exists());
    env.verify("job-2");
}

#[test]
fn content_that_was_run_before_is_refused_though_another_list_was_run_since() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(5));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    env.write("list.csv", csv(6));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--again"]).code, 0);

    env.write("list.csv", csv(5));
    let refused = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.err.contains("reached all 5 people") && refused.err.contains("job-2: 5 people"), "{refused}");
    assert_eq!(provider.sends(), 11);
}

#[test]
fn a_list_without_one_good_row_sends_nothing() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), "phone,first_name,discount\n12,Ana,1%\n");
    let run = env.run(&provider, &["run", "job.yaml"]);
    assert_eq!((run.code, provider.sends()), (2, 0), "{run}");
}
