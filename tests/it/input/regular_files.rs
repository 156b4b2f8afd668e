//! Input files are regular files. A pipe, a device or a folder is refused by name, at once.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{CampaignFile, TestEnv, csv};

/// Far less than a reader waits for a pipe that nobody writes to.
const PROMPTLY: Duration = Duration::from_secs(20);

fn make_pipe(env: &TestEnv, name: &str) {
    assert!(Command::new("mkfifo").arg(env.path(name)).status().unwrap().success());
}

#[test]
fn a_list_that_is_no_regular_file_is_refused_with_what_it_is_and_what_to_do() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    make_pipe(&env, "pipe.csv");
    make_pipe(&env, "pipe.csv.gz");
    std::fs::create_dir(env.path("folder.csv")).unwrap();
    std::os::unix::fs::symlink("pipe.csv", env.path("link.csv")).unwrap();
    let pipe = "it is a pipe (FIFO), not a regular file; save its content to a file";
    let lists = [
        ("pipe.csv", pipe),
        ("pipe.csv.gz", pipe),
        ("link.csv", pipe),
        ("folder.csv", "it is a folder, not a file; choose a file in it"),
        ("/dev/null", "it is a device, not a regular file"),
    ];
    for (list, words) in lists {
        let recipients = format!("{{csv: {list}, to: phone}}");
        env.write("job.yaml", CampaignFile { recipients, ..CampaignFile::default() }.yaml());
        for command in [&["run"][..], &["run", "--dry-run"], &["check"], &["check", "--json"], &["preview"]] {
            let command = [command, &["job.yaml"]].concat();
            let refused = env.start_at(Some("http://127.0.0.1:9"), &command).wait_for(PROMPTLY);
            assert_eq!(refused.code, 2, "{refused}");
            assert!(refused.err.contains(words) && refused.err.contains(list), "{refused}");
        }
    }
    assert!(!env.path("store.db").exists(), "no command came as far as a store");
}

/// A pipe on standard input gives its bytes once; a list is read for its fingerprint and again for its rows.
#[test]
fn a_list_from_standard_input_is_refused_if_it_is_a_pipe() {
    let recipients = "{csv: /dev/stdin, to: phone}".to_owned();
    let env = TestEnv::with(&CampaignFile { recipients, ..CampaignFile::default() }, &csv(3));
    let piped = Command::new("sh")
        .args(["-c", "cat list.csv | \"$0\" check job.yaml", env!("CARGO_BIN_EXE_campaigner")])
        .current_dir(env.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&piped.stderr);
    assert_eq!(piped.status.code(), Some(2), "{said}");
    assert!(said.contains("/dev/stdin") && said.contains("it is a pipe (FIFO)"), "{said}");
}

#[test]
fn a_campaign_a_definition_and_a_configuration_are_regular_files_too() {
    let env = TestEnv::with(&CampaignFile::default(), &csv(3));
    make_pipe(&env, "pipe.yaml");
    make_pipe(&env, "pipe.toml");
    let refused = [
        &["check", "pipe.yaml"][..],
        &["run", "pipe.yaml"],
        &["preview", "pipe.yaml"],
        &["schedule", "explain", "pipe.yaml"],
        &["schedule", "list"],
        &["templates", "check", "pipe.yaml"],
        &["--config", "pipe.toml", "check", "job.yaml"],
    ];
    for command in refused {
        let refused = env.start_at(None, command).wait_for(PROMPTLY);
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.err.contains("pipe.") && refused.err.contains("it is a pipe (FIFO)"), "{refused}");
    }
    // A definition that a campaign names.
    env.write("job.yaml", CampaignFile::default().yaml() + "definition: pipe.yaml\n");
    let refused = env.start_at(None, &["check", "job.yaml"]).wait_for(PROMPTLY);
    assert!(refused.code == 2 && refused.err.contains("it is a pipe (FIFO)"), "{refused}");
    // The configuration that merely lies there.
    std::fs::rename(env.path("pipe.toml"), env.path("campaigner.toml")).unwrap();
    let refused = env.start_at(None, &["run", "--dry-run", "job.yaml"]).wait_for(PROMPTLY);
    assert!(refused.code == 2 && refused.err.contains("it is a pipe (FIFO)"), "{refused}");
}

/// It is read once, so that what another program prints need not be kept in a file.
#[test]
fn numbers_to_suppress_may_come_through_a_pipe_packed_or_not() {
    let env = TestEnv::new();
    env.write("plain.csv", csv(3));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(csv(5).as_bytes()).unwrap();
    env.write("packed.csv.gz", packed.finish().unwrap());
    for (file, words) in [
        ("plain.csv", "3 rows read: 3 added to the suppression list"),
        ("packed.csv.gz", "5 rows read: 2 added to the suppression list"),
    ] {
        make_pipe(&env, "pipe");
        let prelude = format!("cat {file} > pipe & true");
        let imported = env.start_with_prelude(&prelude, None, &["suppress", "import", "pipe"]).wait();
        assert_eq!(imported.code, 0, "{imported}");
        assert!(imported.err.contains(words), "{imported}");
        std::fs::remove_file(env.path("pipe")).unwrap();
    }
    let folder = env.run_offline(&["suppress", "import", "."]);
    assert!(folder.code == 2 && folder.err.contains("it is a folder"), "{folder}");
}
