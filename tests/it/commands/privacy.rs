//! What must not be seen: numbers, names and credentials in logs, and the store and its reports by others.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::campaign::schedule;
use crate::support::service;
use crate::support::{
    Answer, CREDENTIAL, CampaignFile, Channel, SOON, Script, ScriptedProvider, Sent, TestEnv, phone, text_of,
    wait_until,
};

const ROWS: usize = 12;

fn name(n: usize) -> String {
    format!("Wilhelmina{n}")
}

fn list() -> String {
    let rows: Vec<String> = (1..=ROWS).map(|n| format!("{},{}\n", phone(n), name(n))).collect();
    format!("phone,first_name\n{}12 34,Bad{}\n", rows.concat(), name(0))
}

/// Some of everything that may be logged: accepted, refused, cut off, unreadable.
fn mixed(sent: &Sent) -> Answer {
    match sent.index % 4 {
        1 => Answer::error(10002, "(#132012) Parameter format does not match"),
        2 => Answer::AcceptAndClose,
        3 => Answer::Refuse(500, "oops".into()),
        _ => Answer::Accept,
    }
}

#[test]
fn the_most_talkative_log_holds_no_number_no_name_and_no_credential() {
    for format in ["json", "text"] {
        let provider = ScriptedProvider::start(Script::answering(mixed));
        let env = TestEnv::with(&CampaignFile::default(), &list());
        let run = env.run(&provider, &["run", "job.yaml", "-vvv", "--log-format", format]);
        assert_eq!(run.code, 3, "{run}");
        let mut secrets = vec![CREDENTIAL.to_owned(), "12 34".to_owned()];
        secrets.extend((1..=ROWS).map(phone));
        secrets.extend((0..=ROWS).map(name));
        // A message id of WhatsApp holds the recipient's number in another writing.
        secrets.extend(provider.received().sends.into_iter().filter_map(|sent| sent.message_id));
        for secret in secrets {
            assert!(!run.err.contains(&secret) && !run.out.contains(&secret), "{secret} is shown: {run}");
        }
    }
}

/// What the run says of itself on standard error, talkative as can be, against this.
fn logged(env: &TestEnv, script: Script, args: &[&str]) -> String {
    let provider = ScriptedProvider::start(script);
    let args: Vec<&str> = args.iter().copied().chain(["-vvv"]).collect();
    let ended = env.run(&provider, &args);
    assert!(ended.err.contains("DEBUG") || ended.err.contains("TRACE"), "there is a log: {ended}");
    ended.err
}

#[test]
fn words_of_the_provider_that_name_the_recipient_are_no_part_of_the_log() {
    let naming = |sent: &Sent| {
        let words = format!("(#131030) Recipient phone number {} is not in the allowed list", sent.to);
        if sent.index.is_multiple_of(2) { Answer::error(10002, &words) } else { Answer::Accept }
    };
    let env = TestEnv::with(&CampaignFile::default(), &list());
    let mut log = logged(&env, Script::answering(naming), &["run", "job.yaml"]);
    log += &logged(&env, Script::default(), &["retry", "job-1", "--state", "rejected", "--yes"]);
    for secret in (1..=ROWS).map(phone).chain((0..=ROWS).map(name)).chain([CREDENTIAL.to_owned()]) {
        assert!(!log.contains(&secret), "{secret} is shown: {log}");
    }
}

#[test]
fn a_credential_that_is_refused_is_shown_neither_in_the_log_nor_in_what_is_said() {
    let env = TestEnv::with(&CampaignFile::default(), &list());
    let refuse = |_: &Sent| Answer::error(10001, &format!("certification-code {CREDENTIAL} is invalid"));
    let log = logged(&env, Script::answering(refuse), &["run", "job.yaml"]);
    assert!(log.contains("10001") && !log.contains(CREDENTIAL) && !log.contains(&phone(1)), "{log}");
    let not_http = env.start_at(Some("ftp://0c1d2e3f:in-the-address@127.0.0.1"), &["resume", "-vvv"]).wait();
    assert_ne!(not_http.code, 0);
    assert!(!not_http.err.contains("in-the-address") && !not_http.err.contains(CREDENTIAL), "{not_http}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_list_of_processes_shows_neither_the_credential_nor_a_number() {
    let provider = ScriptedProvider::slow(200);
    let env = TestEnv::with(&CampaignFile { rate: "5/s", ..CampaignFile::default() }, &list());
    let running = env.start(&provider, &["run", "job.yaml"]);
    provider.wait_for_sends(1);
    let shown = running.in_the_process_list();
    assert!(shown.contains("job.yaml") && !shown.contains(CREDENTIAL), "{shown}");
    assert!((1..=ROWS).all(|row| !shown.contains(&phone(row))), "{shown}");
}

#[test]
fn text_from_outside_is_never_taken_for_a_statement() {
    const EVIL: &str = "x'); DROP TABLE run; --";
    let list = format!("phone,first_name\n{},\"{EVIL}\"\n{},\"%s ?1 \"\"quoted\"\"\"\n", phone(1), phone(2));
    let lost = |sent: &Sent| if sent.to == phone(1) { Answer::Refuse(502, EVIL.into()) } else { Answer::Accept };
    let provider = ScriptedProvider::start(Script::answering(lost));
    let env = TestEnv::with(&CampaignFile { channel: Channel::Viber, ..CampaignFile::default() }, &list);
    assert_eq!(env.run_offline(&["suppress", "add", &phone(9), "--reason", EVIL]).code, 0);
    assert_eq!(env.run(&provider, &["run", "job.yaml"]).code, 3);
    assert_eq!(text_of(&provider.received().sends[0].body), EVIL);
    assert_eq!(env.run_offline(&["settle", "job-1", "--row", "1", "--as", "not-sent", "--by", EVIL]).code, 0);
    assert!(env.report("job-1")[0].message.starts_with(&format!("{EVIL} recorded at ")));
    assert!(env.run_offline(&["suppress", "list"]).out.contains(EVIL));
    assert_eq!(env.run_offline(&["status", "x'-1"]).code, 2);
    env.verify("job-1");
}

/// Whatever may be logged or read over HTTP of a list, on standard error as JSON and by a service.
fn printed_of(list: &str, text: &'static str) -> String {
    let provider = ScriptedProvider::accepting_all();
    let env = TestEnv::with(&CampaignFile { text, ..CampaignFile::default() }, list);
    let mut output = String::new();
    for args in
        [&["check", "job.yaml"][..], &["preview", "job.yaml"], &["run", "--dry-run", "job.yaml"], &["run", "job.yaml"]]
    {
        let args: Vec<&str> = ["-vvv", "--log-format", "json"].iter().chain(args).copied().collect();
        output += &env.run(&provider, &args).err;
    }
    drop(env);
    let env = TestEnv::with(&CampaignFile { text, rest: schedule(-1, ""), ..CampaignFile::default() }, list);
    let service = service::service(&env, &provider);
    let get = |path: &str| service::ask(&service, "GET", path, "", "").1;
    let is_over = || get("/campaigns").contains("\"trouble\":\"") || get("/runs").contains("\"stage\":\"finished\"");
    assert!(wait_until(SOON, is_over), "{}{}", get("/campaigns"), service.stderr());
    output += &["/campaigns", "/runs", "/runs/job-1", "/live"].map(get).concat();
    service.terminate();
    output += &service.wait().err;
    output
}

#[test]
fn a_list_without_a_header_and_rows_that_are_wrong_are_no_part_of_a_log_or_an_answer() {
    let person = |n: usize| format!("{},Wilhelmina{n},Tell\n", phone(n));
    let headless = person(1) + &person(2);
    let with = |header: &str, rows: &str| format!("{header}\n{rows}");
    for (list, text) in [
        (headless.clone(), "{{ first_name }}"),
        (with("Wilhelmina,Tell", &headless), "{{ first_name }}"),
        (with("phone,Wilhelmina,Wilhelmina", &headless), "{{ first_name }}"),
        (with("phone,Wilhelmina,Tell", &headless), "{{ first_name }}"),
        (with("phone,Wilhelmin,Tell", &headless), "{{ row['Wilhelm'] }}"),
        (with("phone,first_name,x", &format!("{},Wilhelmina,\"Tell\nx\"\n", phone(1))), "{{ first_name }} {{ x }}"),
        (with("phone,first_name,x", &format!("{},Wilhelmina,x,Tell\n12 34,Tell,x\n", phone(1))), "{{ first_name }}"),
        (with("phone,first_name,Tell", &format!("{},Wilhelmina,\u{1}\n", phone(1))), "{{ first_name }} {{ row.Tell }}"),
    ] {
        let output = printed_of(&list, text);
        let secrets = [phone(1), phone(2), "12 34".to_owned(), "Wilhelmina".to_owned()];
        let of_list = if text.contains("Tell") { None } else { Some("Tell".to_owned()) };
        for secret in secrets.into_iter().chain(of_list) {
            assert!(!output.contains(&secret), "{secret} of {list} is shown: {output}");
        }
    }
}

#[test]
fn no_value_of_the_configuration_is_printed() {
    let env = TestEnv::with(&CampaignFile::default(), &list());
    for text in [
        "[providers.incs]\nkind = 'incs'\ncertification_code = 987654321\n",
        "[providers.incs]\nkind = 987654321\n",
        "[providers.incs]\nkind = 'incs'\ncertification_code = 987654321x\n",
        "[providers.incs]\nkind = 'incs'\nbase_url = '987654321'\ncertification_code = 'x'\n",
        "[providers.incs]\nkind = 'incs'\ncertification_code_env = '987654321'\n",
        "[on_done]\nurl = '987654321'\n",
        "[on_done]\nurl = 'https://example.com'\nsecret_env = '987654321'\n",
        "[webhook]\nsecret = '987654321'\n",
        "[webhook]\nsecret_env = '987654321'\n",
        "987654321\n",
    ] {
        env.write("own.toml", text);
        for format in ["text", "json"] {
            let args = ["--config", "own.toml", "--log-format", format];
            for command in [&["run", "job.yaml"][..], &["serve", "--webhook", "--no-http"]] {
                let ended = env.run_offline(&[&args[..], command].concat());
                assert!(ended.code != 0 && !(ended.err + &ended.out).contains("987654321"), "{text}");
            }
        }
    }
}

/// Every file and folder below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_a_run_leaves_can_be_read_by_its_owner_alone() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let provider = ScriptedProvider::slow(100);
    let env = TestEnv::with(&CampaignFile { rate: "5/s", ..CampaignFile::default() }, &list());
    let running = env.start(&provider, &["run", "job.yaml"]);
    let there = |name: &str| env.path(name).exists();
    assert!(wait_until(Duration::from_secs(20), || there("store.db-wal") && there("store.db.job-1.lock")));
    let private = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The files of the test itself, and those that vanish.
        let ours = name.starts_with("store.db") || path.to_string_lossy().contains("reports");
        let mode = std::fs::metadata(path).map(|file| file.permissions().mode() & 0o777);
        !ours || mode.is_ok_and(|mode| mode == 0o600)
    };
    let root = env.path("");
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.job-1.lock"] {
        // While the store is made ready its log comes and goes.
        assert!(wait_until(Duration::from_secs(5), || private(&env.path(name))), "{name}");
    }
    let run = running.wait();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(env.run_offline(&["check", "job.yaml", "--rejects", "reports/rejects.csv"]).code, 2);
    assert_eq!(env.run_offline(&["report", "-o", "reports/again.csv"]).code, 0);
    let shown: Vec<_> = files(&root).into_iter().filter(|path| !private(path)).collect();
    assert!(shown.is_empty(), "{shown:?}");
    assert!(there("reports/rejects.csv") && there("reports/again.csv") && there("reports/job-1/report.html"));
}
