//! Every command in a code block of the README and of `docs/` does what the document says: all that a test can run are
//! run, in the order of the document. That the command line knows them is a test of `cli`, for code in a sentence too.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use campaigner::simulator::{Behaviour, Simulator};

use crate::support::TestEnv;

/// What a command does.
#[derive(Clone, Copy)]
enum Expected {
    /// It ends with one of these codes.
    Ends(&'static [i32]),
    /// It is not run here, for this reason.
    Skipped(&'static str),
}

use Expected::{Ends, Skipped};

const SUCCEEDS: Expected = Ends(&[0]);
/// The simulated provider fails some messages at random, or none.
const SENDS: Expected = Ends(&[0, 3]);
const REFUSED: Expected = Ends(&[2]);
const SERVICE: Expected = Skipped("runs until it is stopped; tested in `service`");

/// A few of the simulated messages are never reported: then `test` waits for two minutes.
const LONGEST: Duration = Duration::from_secs(180);

/// Every document with commands, and its commands in order. A new command has to be added here.
const DOCUMENTS: &[(&str, &[(&str, Expected)])] = &[
    (
        "README.md",
        &[
            ("run campaigns/welcome.yaml", SENDS),
            ("init --list people.csv --template spring_sale --params first_name,city --provider incs", SUCCEEDS),
            ("test people.yaml --to \"+852 6999 0000\"", SENDS),
            (
                "run people.yaml",
                Skipped("waits for the statuses of a real account for days; tested in `commands::init`"),
            ),
            ("check campaigns/spring-sale.yaml", SUCCEEDS),
            ("preview campaigns/spring-sale.yaml --row 1 --pretty", SUCCEEDS),
            ("run campaigns/spring-sale.yaml", SENDS),
            ("run my-sale.yaml", SENDS),
        ],
    ),
    (
        "docs/commands.md",
        // The list has mistakes to show, and the campaign ran before.
        &[
            ("init --list people.csv --template spring_sale --params first_name,city", SUCCEEDS),
            ("check campaigns/welcome.yaml", REFUSED),
            ("test campaigns/welcome.yaml --to \"+852 6999 0000\"", SENDS),
            ("run campaigns/welcome.yaml", REFUSED),
        ],
    ),
    ("docs/logs.md", &[("--log-format json run spring-sale.yaml", SENDS)]),
    (
        "docs/operations.md",
        &[
            ("run -q --no-wait spring-sale.yaml", SENDS),
            ("reconcile -q --once spring-sale-1", SENDS),
            ("--db weekly.db run -q --no-wait --again weekly.yaml", SENDS),
            ("--db weekly.db reconcile -q --once", SENDS),
            ("run -q --no-wait --only-new welcome.yaml", SENDS),
            ("doctor --offline", SUCCEEDS),
            ("purge -q --yes --older-than 90d", SUCCEEDS),
            ("suppress import received.csv --reason \"received before the restore\"", SUCCEEDS),
            ("resume spring-sale-1 --moved", SENDS),
        ],
    ),
    (
        "docs/outcomes.md",
        &[
            ("settle spring-sale-1 --row 12 --as sent", SUCCEEDS),
            ("settle spring-sale-1 --to +85264000012 --as not-sent", SUCCEEDS),
            ("settle spring-sale-1 --all --as not-sent --yes --by Ana", SUCCEEDS),
            ("retry spring-sale-1 --state exhausted", SENDS),
        ],
    ),
    (
        "docs/several-machines.md",
        &[
            ("run people.yaml", Skipped("needs a server; tested in `recovery::on_a_server`")),
            ("work", Skipped("needs a server; tested in `recovery::several_workers`")),
        ],
    ),
    ("docs/reports.md", &[("report --state failed,rejected --input -o list.csv", SUCCEEDS)]),
    (
        "docs/schedules.md",
        &[("schedule list .", SUCCEEDS), ("schedule explain every-monday.yaml", SUCCEEDS), ("serve .", SERVICE)],
    ),
    (
        "docs/templates.md",
        &[
            ("templates check campaigns/definitions/spring_sale.yaml", SUCCEEDS),
            ("templates create campaigns/definitions/spring_sale.yaml --provider cams", SUCCEEDS),
            ("templates list --provider cams", SUCCEEDS),
            ("templates diff campaigns/definitions/spring_sale.yaml --provider cams", Ends(&[3])),
        ],
    ),
    ("docs/providers.md", &[("check spring-sale.yaml --provider meta --account", SUCCEEDS)]),
    (
        "docs/webhooks.md",
        &[
            ("serve --webhook .", SERVICE),
            ("serve --webhook .", SERVICE),
            ("serve --webhook .", SERVICE),
            ("simulator --webhook http://127.0.0.1:8088/webhook/try-it-on-one-machine --replies 0.5", SERVICE),
            ("run spring-sale.yaml --provider incs", SENDS),
            ("serve --webhook .", SERVICE),
            ("simulator --webhook http://127.0.0.1:8088/webhook/meta/meta --drop-rate 0.02", SERVICE),
            ("run --provider meta --again spring-sale.yaml", SENDS),
            ("replies spring-sale-1", SUCCEEDS),
            ("suppress review", SUCCEEDS),
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The commands in the code blocks of a document, without `campaigner` and what a shell does around it.
fn shown(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut language = None;
    for line in text.lines().map(str::trim) {
        if let Some(begins) = line.strip_prefix("```") {
            language = if language.is_none() { Some(begins) } else { None };
            continue;
        }
        let line = match (language, line.strip_prefix("$ ")) {
            (Some("sh" | "cron"), _) if !line.starts_with('#') => line,
            (Some("console"), Some(typed)) => typed,
            _ => continue,
        };
        let line = line.replace("cargo run --release -- ", "campaigner ");
        for part in line.split("&&").flat_map(|part| part.split(['{', '}', ';'])) {
            let part = part.split(" #").next().unwrap().split(" 2>").next().unwrap();
            let words: Vec<&str> = part.split_whitespace().skip_while(|word| word.contains('=')).collect();
            if let ["campaigner", rest @ ..] = &words[..] {
                commands.push(rest.join(" "));
            }
        }
    }
    commands
}

/// Words, and texts in quotes.
fn words(command: &str) -> Vec<&str> {
    let parts = command.split('"').enumerate();
    parts.flat_map(|(n, part)| if n % 2 == 0 { part.split_whitespace().collect() } else { vec![part] }).collect()
}

/// Copies the example campaigns, both to `campaigns/` and to the folder itself, with rates and waits for a test.
fn copy_campaigns(env: &TestEnv) {
    fs::create_dir_all(env.path("campaigns/definitions")).unwrap();
    fs::create_dir_all(env.path("definitions")).unwrap();
    for folder in ["", "definitions/"] {
        for file in fs::read_dir(root().join("campaigns").join(folder)).unwrap().map(Result::unwrap) {
            if file.path().is_file() {
                let text = fs::read_to_string(file.path()).unwrap().replace("rate: 20/s", "rate: 500/s");
                let text = text.replace("for: 20s}", "for: 2s}").replace("for: 10s}", "for: 2s}");
                let text = text.replace("  for: 20s\n", "  for: 2s\n");
                let name = format!("{folder}{}", file.file_name().to_str().unwrap());
                env.write(&name, &text);
                env.write(&format!("campaigns/{name}"), &text);
            }
        }
    }
}

/// Does what a document expects to have happened before its first command.
fn prepare(document: &str, env: &TestEnv, variables: &[(&str, &str)]) {
    let has_run = |file: &str| {
        let done = env.start_with(variables, &["run", file]).wait();
        assert!([0, 3].contains(&done.code), "{document}: {done}");
    };
    let named = |from: &str, name: &str| env.read(from).replace(&format!("name: {from}").replace(".yaml", ""), name);
    env.write("people.csv", "phone,first_name,city\n+852 6400 0001,Ana,Rome\n+852 6400 0002,Ben,Oslo\n");
    match document {
        "README.md" => {
            let mine = named("spring-sale.yaml", "name: my-sale").replace("provider: simulator", "provider: incs");
            env.write("my-sale.yaml", mine);
        }
        "docs/commands.md" => has_run("campaigns/welcome.yaml"),
        "docs/operations.md" => {
            env.write("weekly.yaml", named("spring-sale.yaml", "name: weekly"));
            env.write("received.csv", "phone\n+44 7700 900107\n");
        }
        // Every answer of this provider is lost.
        "docs/outcomes.md" => {
            // The number that the second command names is in row 2.
            let rows: String = (0..14).map(|n| format!("+852640000{},Ana,Rome,\n", 11 + n)).collect();
            env.write("spring-sale.csv", format!("phone,first_name,city,discount\n{rows}"));
            let campaign = env.read("spring-sale.yaml").replace("provider: simulator", "provider: incs");
            env.write("spring-sale.yaml", campaign.replace("dispatch:\n", "dispatch:\n  halt: off\n"));
            has_run("spring-sale.yaml");
        }
        "docs/reports.md" => has_run("spring-sale.yaml"),
        _ => {}
    }
}

fn check(document: &str, commands: &[(&str, Expected)]) {
    let env = TestEnv::new();
    copy_campaigns(&env);
    let drop_rate = if document == "docs/outcomes.md" { 1.0 } else { 0.0 };
    let behaviour = Behaviour { drop_rate, ..Behaviour::default() };
    let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), behaviour).unwrap();
    let url = format!("http://{}", simulator.address());
    let variables = [
        ("USER", "ana"),
        ("INCS_BASE_URL", &url),
        ("INCS_CERTIFICATION_CODE", "any"),
        ("CAMS_ENDPOINT", &url),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", Simulator::CAMS_ACCOUNT.0),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", Simulator::CAMS_ACCOUNT.1),
        ("META_BASE_URL", &url),
        ("META_ACCESS_TOKEN", "any"),
        ("META_PHONE_NUMBER_ID", "106540352242922"),
    ];
    prepare(document, &env, &variables);
    for (command, expected) in commands {
        let codes = match expected {
            Ends(codes) => codes,
            Skipped(why) => {
                assert!(!why.is_empty(), "{document}: why is `{command}` not run?");
                continue;
            }
        };
        let mut words = words(command);
        match words[..] {
            // The document changes this text first.
            ["templates", "diff", file, ..] => env.write(file, env.read(file).replace("Shop now", "Buy now")),
            // Nobody is here to confirm it.
            ["retry", ..] => words.push("--yes"),
            _ => {}
        }
        let done = env.start_with(&variables, &words).wait_for(LONGEST);
        assert!(codes.contains(&done.code), "{document}: expected one of {codes:?}: {done}");
    }
}

#[test]
fn every_command_that_a_document_shows_is_listed_here() {
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|page| page.unwrap().path());
    let mut pages: Vec<_> = pages.filter(|page| page.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root().join("README.md"));
    for page in pages {
        let document = page.strip_prefix(root()).unwrap().to_str().unwrap();
        let found = DOCUMENTS.iter().find(|(name, _)| *name == document);
        let listed: Vec<&str> = found.iter().flat_map(|(_, commands)| *commands).map(|(command, _)| *command).collect();
        assert_eq!(shown(&fs::read_to_string(&page).unwrap()), listed, "the commands of {document}");
    }
}

#[test]
fn the_commands_of_each_document_end_as_it_says() {
    std::thread::scope(|scope| {
        for (document, commands) in DOCUMENTS {
            scope.spawn(|| check(document, commands));
        }
    });
}
