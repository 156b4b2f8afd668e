//! The structure of the sources, checked against the files: which module may use which, how long a file may be, what
//! must not be used where.

mod cycles; // no file imports itself by way of others
mod imports; // which file uses which
mod names; // what a name means in a module
mod samples; // these on small made-up sources
mod tokens; // Rust source without comments and tests

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of rank 0: each knows itself alone. `model` also knows `text`; `yaml`, whose problems are shown in the words
/// of both, knows these two and the files that are opened to be read.
const LOWEST: [&str; 6] = ["base_url", "crash_point", "input_file", "model", "text", "yaml"];

/// Modules of rank 1: each knows the lowest and itself, never another of them. `provider` alone also knows the
/// templates that it manages.
const MIDDLE: [&str; 14] = [
    "campaign_file",
    "hook",
    "media",
    "message",
    "rate_limit",
    "progress",
    "provider",
    "recipients",
    "render",
    "report",
    "simulator",
    "store",
    "template",
    "send_window",
];

/// Lines of a source file at most.
const LONGEST: usize = 500;

/// Whether code in module `from` may use module `to`. Ranks: the lowest below the modules, those below `engine` and
/// `schedule`, and those below `cli`.
fn may_use(from: &str, to: &str) -> bool {
    match from {
        _ if from == to => true,
        // Only tests have it.
        _ if to == "test_server" => true,
        "engine" | "schedule" => LOWEST.contains(&to) || MIDDLE.contains(&to),
        "cli" => true,
        "main" => to == "cli",
        "input_file" => to == "crash_point",
        "model" => to == "text",
        "yaml" => ["input_file", "model", "text"].contains(&to),
        "provider" if to == "template" => true,
        module => MIDDLE.contains(&module) && LOWEST.contains(&to),
    }
}

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its path from the root and its text.
pub(super) fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    found.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// The module that a source file is in: the part of its path after `src/`.
fn module(path: &str) -> &str {
    path.trim_start_matches("src/").split('/').next().unwrap().trim_end_matches(".rs")
}

/// The lines of a file without its comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

/// The names that follow `prefix` in a line: `crate::model::State` has `model` after `crate::`.
fn names_behind<'t>(line: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.split(prefix).skip(1).map(move |rest| rest.split(|c| !word(c)).next().unwrap_or_default())
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_too_long() {
    let files: Vec<_> = sources("src").into_iter().chain(sources("tests")).collect();
    assert!(files.len() > 100);
    for (path, text) in files {
        assert!(text.starts_with("//! ") || path == "src/main.rs" && text.starts_with("//!"), "{path}");
        assert!(text.lines().count() <= LONGEST, "{path} has {} lines", text.lines().count());
    }
}

/// Lines of code of a `mod.rs` at most: it is an overview.
const LONGEST_OVERVIEW: usize = 150;
/// Code files of a folder at most.
const FULLEST: usize = 15;
/// The one folder with more: it holds a file for each command.
const FULLER: (&str, usize) = ("src/cli/commands", 24);

/// Whether a file of src/ holds tests alone.
fn is_unit_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.starts_with("src/") && (path.contains("/tests/") || path.contains("model_test"))
}

#[test]
fn a_folder_can_be_taken_in_at_a_glance() {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let (folder, file) = path.rsplit_once('/').unwrap();
        if is_unit_test(&path) {
            continue;
        }
        *folders.entry(folder.to_owned()).or_default() += 1;
        let lines = code(&text).filter(|line| !line.trim().is_empty()).count();
        assert!(file != "mod.rs" || lines <= LONGEST_OVERVIEW, "{path} has {lines} lines of code");
    }
    for (folder, files) in folders {
        let most = if folder == FULLER.0 { FULLER.1 } else { FULLEST };
        assert!(files <= most, "{folder} has {files} files");
    }
}

/// A name means one thing in all of src/. Each command has its own `Args`.
#[test]
fn a_type_that_others_see_has_a_name_of_its_own() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources("src") {
        if is_unit_test(&path) {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in code(text).filter(|line| line.starts_with("pub")) {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let kinds = ["struct", "enum", "trait", "type", "union"];
            let name = words.windows(2).find(|pair| kinds.contains(&pair[0])).map(|pair| pair[1]);
            if let Some(name) = name.filter(|name| !["Args", "Error"].contains(name)) {
                files.entry(name.to_owned()).or_default().push(path.clone());
            }
        }
    }
    assert!(files.len() > 300, "{}", files.len());
    files.retain(|_, files| files.len() > 1);
    assert!(files.is_empty(), "{files:#?}");
}

#[test]
fn a_module_uses_only_modules_below_it() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let from = module(&path);
        if from == "lib" {
            continue;
        }
        for line in code(&text) {
            assert!(
                !line.contains("crate::{"),
                "{path}: name the module in each `use`, so that it can be seen: {line}"
            );
            let used = names_behind(line, "crate::").chain(names_behind(line, "campaigner::"));
            wrong.extend(used.filter(|to| !may_use(from, to)).map(|to| format!("{path} uses {to}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_module_must_not_use_is_not_in_it() {
    const PRINTING: [&str; 4] = ["println!", "eprintln!", "print!(", "process::exit"];
    for (path, text) in sources("src") {
        let module = module(&path);
        let mut forbidden: Vec<&str> = PRINTING.to_vec();
        if module != "store" {
            forbidden.push("sqlx::");
        }
        if !["base_url", "hook", "media", "provider", "simulator"].contains(&module) && !path.contains("tests") {
            forbidden.push("reqwest::");
        }
        if module == "model" {
            forbidden.extend(["tokio::", "std::fs", "std::net", "std::process"]);
        }
        for word in forbidden {
            assert!(!code(&text).any(|line| line.contains(word)), "{path} knows {word}");
        }
    }
}

/// The compiler takes literals for statements and nothing else, unless it is assured that a text is safe. These are all
/// the places where it is assured: a test's look at a plan, a number, the name of a schema, state numbers, parameters,
/// and columns and conditions that are literals themselves; and where any statement is translated.
#[test]
fn no_statement_is_made_of_text_from_outside() {
    let output = |text: &str| code(text).filter(|line| line.contains("AssertSqlSafe(")).count();
    let places: Vec<_> =
        sources("src").into_iter().map(|(path, text)| (path, output(&text))).filter(|(_, times)| *times > 0).collect();
    let known = [
        ("src/store/model_test/found.rs", 1),
        ("src/store/model_test/guards.rs", 1),
        ("src/store/model_test/stress/place.rs", 2),
        ("src/store/postgres/schema.rs", 2),
        ("src/store/postgres/tests.rs", 3),
        ("src/store/reports/verify.rs", 1),
        ("src/store/runs/lifecycle.rs", 2),
        ("src/store/sql/query.rs", 1),
        ("src/store/sqlite/migrate.rs", 4),
        ("src/store/sqlite/tests.rs", 2),
    ];
    assert_eq!(places, known.map(|(path, times)| (path.to_owned(), times)));
}

/// To close the database file by hand drops every lock that SQLite has on it. So a store is opened in one place of each
/// command, and no file is opened by hand within it but those that are not the database.
#[test]
fn the_database_file_is_opened_by_sqlite_alone() {
    let by_hand = ["File::open(", "OpenOptions::new(", "fs::read(", "fs::write(", "fs::copy(", "read_to_string(path"];
    let opens = |text: &str| code(text).filter(|line| by_hand.iter().any(|open| line.contains(open))).count();
    let text_of = |text: &str| text.split("#[cfg(test)]").next().unwrap().to_owned();
    let places: Vec<_> = sources("src/store")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("/tests.rs"))
        .map(|(path, text)| (path, opens(&text_of(&text))))
        .filter(|(_, times)| *times > 0)
        .collect();
    // A new file is made; lock files; the mark file, its folder and the log.
    let known = [("src/store/sqlite/files.rs", 1), ("src/store/sqlite/lock.rs", 1), ("src/store/sqlite/mark.rs", 5)];
    assert_eq!(places, known.map(|(path, times)| (path.to_owned(), times)));

    let opens_stores = |text: &str| {
        let stores = ["Store::open(", "Store::open_existing(", "Store::open_if_there("];
        code(text).filter(|line| stores.iter().any(|open| line.contains(open))).count()
    };
    for (path, text) in sources("src/cli") {
        let times = opens_stores(&text_of(&text));
        // These open the store that is there, or make it.
        let most =
            if ["src/cli/commands/run.rs", "src/cli/commands/suppress.rs"].contains(&path.as_str()) { 2 } else { 1 };
        assert!(times <= most, "{path} opens the store {times} times");
        assert!(
            times == 0
                || !path.contains("/serve/")
                || ["serve/mod.rs", "serve/work.rs"].iter().any(|end| path.ends_with(end)),
            "{path}"
        );
    }
}

#[test]
fn every_queue_is_bounded() {
    for (path, text) in sources("src") {
        assert!(!code(&text).any(|line| line.contains("unbounded")), "{path}");
    }
}

/// Tests with a clock of their own may let it pass; a sleep on the real clock is a guess.
#[test]
fn integration_tests_wait_for_a_condition_and_in_one_place_only() {
    // Put together, so that this line is not one of them.
    let sleep = ["sleep", "("].concat();
    let sleeping: Vec<_> = sources("tests")
        .into_iter()
        .filter_map(|(path, text)| {
            let times = code(&text).filter(|line| line.contains(&sleep)).count();
            (times > 0).then_some((path, times))
        })
        .collect();
    assert_eq!(sleeping, [("tests/it/support/wait.rs".to_owned(), 1)]);
}
