//! Any bytes as a campaign file: read or told what is wrong, never a panic; what is read freezes and thaws to the same.

#![no_main]

use std::path::Path;

use campaigner::campaign_file::{self, FileProblem};
use campaigner::message;
use campaigner::model::{Inline, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // What is not UTF-8 cannot become a `str` at all, and is told by `read`, of a file.
    let Ok(text) = std::str::from_utf8(bytes) else { return not_utf8(bytes) };
    match campaign_file::parse(text, Path::new("folder/job.yaml")) {
        Ok(loaded) => {
            let campaign = loaded.campaign;
            let frozen = campaign_file::freeze(&campaign);
            let thawed = campaign_file::thaw(&frozen).expect("what was frozen can be thawed");
            assert_eq!(campaign_file::freeze(&thawed), frozen);
            assert_eq!(campaign_file::fingerprint(&thawed), campaign_file::fingerprint(&campaign));
            let mut expected = campaign.clone();
            if let Source::Inline(_) = expected.recipients.source {
                expected.recipients.source = Source::Inline(Inline::default());
            }
            assert_eq!(thawed, expected);
            // What is wrong with the message is shown at its place.
            let findings = message::check_message(campaign.api, campaign.channel, &campaign.message);
            let problems: Vec<FileProblem> = findings
                .iter()
                .map(|finding| FileProblem::new(finding.code, loaded.places.of(&finding.path), finding.to_string()))
                .collect();
            let shown = loaded.document.show(&problems, false);
            assert_eq!(problems.is_empty(), shown.is_empty());
        }
        Err(error) => assert_told(&error),
    }
});

fn assert_told(error: &campaign_file::CampaignError) {
    assert!(!error.problems().is_empty());
    for problem in error.problems() {
        assert!(problem.place.line >= 1 && problem.place.column >= 1, "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    assert!(error.to_string().contains("job.yaml"));
}

fn not_utf8(bytes: &[u8]) {
    let folder = std::env::temp_dir().join(format!("campaigner-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the file");
    let path = folder.join("job.yaml");
    std::fs::write(&path, bytes).expect("the file can be written");
    assert_told(&campaign_file::read(&path).expect_err("a campaign is text"));
}
