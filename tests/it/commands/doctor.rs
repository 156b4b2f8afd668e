//! `campaigner doctor`: each fault put there on purpose is found, and its fix works.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::http::response;
use crate::support::raw_server::RawServer;
use crate::support::{Answer, CREDENTIAL, CampaignFile, Finished, Script, ScriptedProvider, TestEnv, csv, envelope};

/// Runs `doctor` with these variables.
fn doctor(env: &TestEnv, variables: &[(&str, &str)], args: &[&str]) -> Finished {
    env.start_with(variables, &[args, &["doctor"]].concat()).wait()
}

fn assert_finds(finished: &Finished, what: &str, words: &[&str]) {
    assert_eq!(finished.code, 1, "{finished}");
    let line = finished.out.lines().find(|line| line.starts_with(&format!("problem  {what}: ")));
    assert!(line.is_some(), "no problem of {what}: {finished}");
    assert!(words.iter().all(|words| finished.out.contains(words)), "{words:?}: {finished}");
}

fn assert_healthy(finished: &Finished) {
    assert!(finished.code == 0 && finished.out.ends_with("no problems found\n"), "{finished}");
}

#[test]
fn a_healthy_setup_has_no_problems_and_nothing_is_sent() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(2));
    let url = provider.url();
    let account = [("INCS_BASE_URL", url.as_str()), ("INCS_CERTIFICATION_CODE", CREDENTIAL)];
    assert_healthy(&doctor(&env, &account, &[]));
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 0);
    let sends = provider.sends();
    let after = doctor(&env, &account, &[]);
    assert_healthy(&after);
    for words in ["ok       provider incs: reachable, and the account works", "ok       store: store.db: 1 run"] {
        assert!(after.out.contains(words), "{words}: {after}");
    }
    assert_eq!(provider.sends(), sends);
    let offline = env.start_with(&account, &["doctor", "--offline", "--json"]).wait();
    assert!(
        offline.out.lines().all(|line| line.starts_with('{')) && offline.out.contains("not contacted"),
        "{offline}"
    );
}

#[test]
fn what_is_wrong_with_an_account_is_found() {
    let env = TestEnv::new();
    let none = doctor(&env, &[("INCS_BASE_URL", "http://127.0.0.1:9")], &[]);
    assert_finds(&none, "provider incs", &["set the environment variable INCS_CERTIFICATION_CODE"]);
    let insecure = [("INCS_BASE_URL", "http://example.com"), ("INCS_CERTIFICATION_CODE", CREDENTIAL)];
    assert_finds(&doctor(&env, &insecure, &[]), "provider incs", &["use https://"]);
    let gone = [("INCS_BASE_URL", "http://127.0.0.1:9"), ("INCS_CERTIFICATION_CODE", CREDENTIAL)];
    assert_finds(&doctor(&env, &gone, &[]), "provider incs", &["check INCS_BASE_URL, the network"]);

    let meta = [("META_BASE_URL", "graph"), ("META_ACCESS_TOKEN", CREDENTIAL), ("META_PHONE_NUMBER_ID", "1")];
    let words = "META_BASE_URL is not a base URL; write one such as https://graph.facebook.com/";
    assert_finds(&doctor(&env, &meta, &[]), "provider meta", &[words]);

    let provider = ScriptedProvider::start(Script::answering(|_| Answer::Accept));
    let url = provider.url();
    let refused = [("INCS_BASE_URL", url.as_str()), ("INCS_CERTIFICATION_CODE", "another-secret-of-nobody")];
    let refused = doctor(&env, &refused, &[]);
    assert_finds(&refused, "provider incs", &[]);
    assert!(!refused.out.contains("another-secret"), "{refused}");
}

#[test]
fn what_is_wrong_with_the_configuration_is_found() {
    let env = TestEnv::new();
    let write = |text: &str| {
        env.write("campaigner.toml", text);
        fs::set_permissions(env.path("campaigner.toml"), Permissions::from_mode(0o600)).unwrap();
    };
    write("[providers.shop]\nkind = \"incs\"\nbase_ulr = \"x\"\n");
    assert_finds(&doctor(&env, &[], &[]), "configuration", &["campaigner.toml:3:1", "unknown key"]);
    assert_finds(&doctor(&env, &[], &["--config", "none.toml"]), "configuration", &["none.toml", "; correct --config"]);
    write("[on_done]\ncommand = [\"/nowhere/notify\"]\n");
    let named = ["--config", "campaigner.toml"];
    assert_finds(&doctor(&env, &[], &named), "on_done", &["there is no program `/nowhere/notify`"]);
    env.write("notify", "#!/bin/sh\n");
    write("[on_done]\ncommand = [\"./notify\"]\n");
    assert_finds(&doctor(&env, &[], &named), "on_done", &["`./notify` is not executable; run `chmod +x ./notify`"]);
    fs::set_permissions(env.path("notify"), Permissions::from_mode(0o755)).unwrap();
    assert_healthy(&doctor(&env, &[], &named));
    write("[on_done]\ncommand = [\"sh\", \"-c\", \"true\"]\n");
    assert_healthy(&doctor(&env, &[], &named));
    assert_finds(&doctor(&env, &[], &[]), "on_done", &["add `--config campaigner.toml`"]);
    write("[on_done]\nurl = \"https://example.com\"\nsecret_env = \"HOOK_SECRET\"\n");
    assert_finds(&doctor(&env, &[], &[]), "on_done", &["HOOK_SECRET is not set"]);
    assert_healthy(&doctor(&env, &[("HOOK_SECRET", "s")], &[]));

    write("[webhook]\nsecret = \"0123456789abcdef01234567\"\n");
    assert_healthy(&doctor(&env, &[], &[]));
    fs::set_permissions(env.path("campaigner.toml"), Permissions::from_mode(0o644)).unwrap();
    assert_finds(&doctor(&env, &[], &[]), "configuration", &["run `chmod 600 campaigner.toml`"]);
    write("[webhook]\nsecret = \"short\"\n");
    assert_finds(&doctor(&env, &[], &[]), "webhook", &["too short"]);
}

#[test]
fn what_is_wrong_with_the_environment_is_found() {
    let env = TestEnv::new();
    let typo = doctor(&env, &[("CAMPAIGNER_TOKN", "0123456789abcdef")], &[]);
    assert_finds(&typo, "environment", &["unknown variable CAMPAIGNER_TOKN; did you mean CAMPAIGNER_TOKEN?"]);
    // Renaming it to `CAMPAIGNER_DB` would name another store.
    let unknown = doctor(&env, &[("CAMPAIGNER_FOO", "1")], &[]);
    assert_finds(&unknown, "environment", &["unknown variable CAMPAIGNER_FOO; unset it"]);
    assert_finds(&doctor(&env, &[("CAMPAIGNER_TOKEN", "short")], &[]), "service", &["too short"]);
    assert_healthy(&doctor(&env, &[("CAMPAIGNER_TOKEN", "0123456789abcdef")], &[]));
    let few = env.start_with_prelude("ulimit -n 256", None, &["doctor"]).wait();
    assert!(few.out.contains("ulimit -n 8192"), "{few}");
}

#[test]
fn what_is_wrong_with_the_store_is_found() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    assert_eq!(env.run(&provider, &["run", "job.yaml", "--limit", "1"]).code, 4);
    let unfinished = doctor(&env, &[], &[]);
    assert!(unfinished.out.contains("to continue: campaigner --db store.db resume job-1"), "{unfinished}");
    assert_healthy(&unfinished);

    fs::rename(env.path("store.db-mark"), env.path("mark")).unwrap();
    assert_finds(&doctor(&env, &[], &[]), "store", &["has no mark file"]);
    fs::rename(env.path("mark"), env.path("store.db-mark")).unwrap();
    assert_healthy(&doctor(&env, &[], &[]));
    fs::remove_file(env.path("store.db-mark")).unwrap();
    assert_finds(&doctor(&env, &[], &[]), "store", &["pass --moved to `run`, `resume`"]);
    assert_eq!(env.run(&provider, &["resume", "job-1", "--moved", "--limit", "1"]).code, 4);
    assert_healthy(&doctor(&env, &[], &[]));
    env.write("other.db", "a text that is no database, and long enough for one");
    assert_finds(&doctor(&env, &[], &["--db", "other.db"]), "store", &["other.db is not a campaigner store"]);
    let healthy = fs::read(env.path("store.db")).unwrap();
    let mut damaged = healthy.clone();
    damaged[4_096..8_192].fill(0xaa);
    env.write("store.db", damaged);
    let account = [("INCS_BASE_URL", provider.url()), ("INCS_CERTIFICATION_CODE", CREDENTIAL.to_owned())];
    let account = account.each_ref().map(|(name, value)| (*name, value.as_str()));
    let damaged = doctor(&env, &account, &[]);
    assert_finds(&damaged, "store", &["its file is damaged", "ok       provider incs: reachable"]);
    env.write("store.db", healthy);
    fs::rename(env.path("store.db"), env.path("store")).unwrap();
    assert_finds(&doctor(&env, &[], &[]), "store", &["is missing"]);
}

#[test]
fn an_answer_that_says_nothing_about_the_account_is_not_called_good() {
    for (status, body) in [(500, String::new()), (200, "{}".to_owned()), (422, envelope(422, "unknown id"))] {
        let server = RawServer::start(move |_, connection| {
            connection.request();
            connection.write(response(status, "connection: close\r\n", &body));
        });
        let env = TestEnv::new();
        let url = server.url();
        let account = [("INCS_BASE_URL", url.as_str()), ("INCS_CERTIFICATION_CODE", CREDENTIAL)];
        let unclear = doctor(&env, &account, &[]);
        assert_healthy(&unclear);
        let note = "note     provider incs: reachable, but its response does not show whether the account works";
        assert!(unclear.out.contains(note) && !unclear.out.contains("and the account works"), "{unclear}");
    }
}

#[test]
fn variables_that_the_configuration_names_are_known() {
    let env = TestEnv::new();
    let text = "[providers.shop]\nkind = \"incs\"\ncertification_code_env = \"CAMPAIGNER_SHOP_CODE\"\n\
                [webhook]\nsecret_env = \"CAMPAIGNER_SHOP_WEBHOOK\"\n\
                [on_done]\nurl = \"https://example.com\"\nsecret_env = \"CAMPAIGNER_SHOP_DONE\"\n";
    env.write("shop.toml", text);
    let secret = "0123456789abcdef01234567";
    let variables = [
        ("CAMPAIGNER_SHOP_CODE", secret),
        ("CAMPAIGNER_SHOP_WEBHOOK", secret),
        ("CAMPAIGNER_SHOP_DONE", secret),
        ("CAMPAIGNER_HOOK_SECRET", secret),
    ];
    assert_healthy(&env.start_with(&variables, &["--config", "shop.toml", "doctor", "--offline"]).wait());
    let unknown = env.start_with(&variables, &["doctor", "--offline"]).wait();
    assert_finds(&unknown, "environment", &["unknown variable CAMPAIGNER_SHOP_CODE"]);
    assert!(!unknown.out.contains("HOOK_SECRET;"), "{unknown}");
}

#[test]
fn a_folder_of_the_store_that_is_missing_or_cannot_be_written_is_found() {
    let env = TestEnv::new();
    let missing = ["--db", "my stores/shop.db"];
    let words = "the store's folder 'my stores' does not exist; run `mkdir -p 'my stores'`";
    assert_finds(&doctor(&env, &[], &missing), "store", &[words]);
    fs::create_dir(env.path("my stores")).unwrap();
    assert_healthy(&doctor(&env, &[], &missing));
    env.write("file", "");
    assert_finds(&doctor(&env, &[], &["--db", "file/shop.db"]), "store", &["file is not a folder"]);
    // Not even root can write there.
    assert_finds(
        &doctor(&env, &[], &["--db", "/proc/shop.db"]),
        "store",
        &["cannot write to the store's folder /proc"],
    );
}
