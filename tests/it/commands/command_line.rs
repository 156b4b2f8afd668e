//! The command line itself: help, mistakes, output files, and the simulator without an account.

use crate::support::{CampaignFile, ScriptedProvider, TestEnv, csv};

#[test]
fn a_command_line_says_what_is_missing_and_offers_only_what_the_command_does() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    let named = env.run_offline(&["--config", "no.toml", "schedule", "list"]);
    assert_eq!((named.code, named.err.contains("no.toml: No such file")), (2, true), "{named}");
    let nobody =
        env.start_with_prelude("unset USER", None, &["settle", "job-1", "--all", "--yes", "--as", "sent"]).wait();
    assert_eq!((nobody.code, nobody.err.contains("--by NAME")), (2, true), "{nobody}");
    let usage = env.run_offline(&["settle", "--help"]).out;
    assert!(!usage.lines().any(|line| line.starts_with("Usage: ") && line.contains("--by")), "{usage}");
    for (command, has) in [("run", true), ("resume", true), ("retry", true), ("reconcile", false)] {
        let help = env.run_offline(&[command, "--help"]).out;
        assert_eq!((help.contains("--limit"), help.contains("--no-wait")), (has, has), "{command}: {help}");
    }
}

/// What cron mails is what is wrong.
#[test]
fn a_limit_that_ends_a_run_prints_nothing_where_only_mistakes_are_wanted() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(12));
    let limited = env.run(&provider, &["run", "job.yaml", "--limit", "5", "-q"]);
    assert_eq!((limited.code, limited.out.as_str(), limited.err.as_str()), (4, "", ""));
}

#[test]
fn a_run_that_is_not_there_is_a_mistake_of_the_command_line() {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(1));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--no-wait"]).code, 0);
    for command in ["status", "resume", "report", "verify", "cancel", "reconcile"] {
        let output = env.run(&provider, &[command, "job-2"]);
        assert_eq!(output.code, 2, "{output}");
        assert!(output.err.contains("job-2"), "{output}");
    }
}

#[test]
fn help_version_and_completions_are_printed() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = env.run_offline(&["completions", shell]);
        assert_eq!(script.code, 0, "{script}");
        assert!(script.out.contains("campaigner") && script.out.contains("reconcile"), "{shell}");
    }
    assert!(env.run_offline(&["--version"]).out.starts_with("campaigner "));
    assert_eq!(env.run_offline(&["--help"]).code, 0);
}

#[test]
fn the_built_in_simulator_needs_no_account() {
    let campaign = CampaignFile::default().yaml().replace("provider: incs", "provider: simulator");
    let env = TestEnv::with(&CampaignFile { horizon: "5s", ..CampaignFile::default() }, &csv(20));
    env.write("job.yaml", campaign.replace("for: 1m", "for: 2s"));
    let run = env.run_offline(&["run", "job.yaml"]);
    assert!(matches!(run.code, 0 | 3), "{run}");
    env.verify("job-1");
}

#[test]
fn a_file_of_the_store_is_no_output_file_and_a_link_stays_one() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &(csv(3) + "12,Nobody,1%\n"));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    for file in ["store.db", "store.db-wal", "store.db-mark", "store.db.job-1.lock"] {
        for command in [&["report", "-o"][..], &["replies", "-o"], &["check", "job.yaml", "--rejects"]] {
            let args: Vec<&str> = command.iter().copied().chain([file]).collect();
            let refused = env.run_offline(&args);
            assert!(refused.code == 2 && refused.err.contains("belongs to the store"), "{refused}");
        }
    }
    std::os::unix::fs::symlink("far.csv", env.path("link.csv")).unwrap();
    assert_eq!(env.run_offline(&["report", "-o", "link.csv"]).code, 0);
    assert!(env.path("link.csv").is_symlink() && env.read("far.csv").lines().count() == 5);
    env.verify("job-1");
}

#[test]
fn man_pages_and_completions_cover_every_command() {
    let env = TestEnv::new();
    let main = env.run_offline(&["man"]);
    assert!(main.code == 0 && main.out.starts_with(".ie") && main.out.contains("campaigner"), "{main}");
    assert_eq!(env.run_offline(&["man", "pages"]).code, 0);
    let bash = env.run_offline(&["completions", "bash"]).out;
    for command in ["run", "check", "doctor", "test", "suppress"] {
        assert!(env.read(&format!("pages/campaigner-{command}.1")).contains("SYNOPSIS"), "{command}");
        assert!(bash.contains(&format!("campaigner,{command})")), "{command}");
    }
    let taken = env.run_offline(&["man", "pages/campaigner.1"]);
    assert!(taken.code == 1 && taken.err.contains("cannot write man pages"), "{taken}");
}
