//! What README.md and docs/ say of the program and of this repository is true.

use std::fs;

use crate::project::architecture::{root, sources};
use crate::support::TestEnv;

/// The documents at the root, .ci/run and the pages of docs/: names and texts.
fn documents() -> Vec<(String, String)> {
    let at_the_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", ".ci/run"];
    let mut names = at_the_root.map(str::to_owned).to_vec();
    let files = fs::read_dir(root().join("docs")).unwrap();
    let files = files.map(|file| format!("docs/{}", file.unwrap().file_name().to_string_lossy()));
    names.extend(files.filter(|name| name.ends_with(".md")));
    names.into_iter().map(|name| (name.clone(), fs::read_to_string(root().join(name)).unwrap())).collect()
}

/// The words that follow `before` in a text, without the signs around them.
fn words_after<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    let words = text.split(before).skip(1).map(move |rest| rest.split(|c| !part_of_word(c)).next().unwrap_or_default());
    words.map(|word| word.trim_end_matches(['.', ':']))
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_help() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let help = TestEnv::new().run_offline(&["--help"]).out;
    for code in 0..=5 {
        let row = format!("| {code} | ");
        let rows: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix(&row)).collect();
        assert_eq!(rows.len(), 1, "README.md has one row `{row}…`");
        let meaning = rows[0].trim_end_matches('|').trim();
        assert!(help.contains(&format!("  {code}  {meaning}")), "`{code}  {meaning}` is not in the help");
    }
    assert!(!readme.contains("| 6 |"));
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let mut named = 0;
    for (document, text) in documents() {
        for folder in ["src/", "tests/", "docs/", "examples/", "benches/", "campaigns/"] {
            // A longer path may end in the same letters: `target/docs/`.
            for before in ["`", " ", "(", "`../"].map(|sign| format!("{sign}{folder}")) {
                for rest in words_after(&text, &before) {
                    // Behind it may stand a line and a column.
                    let rest = rest.split(':').next().unwrap_or_default();
                    assert!(root().join(folder).join(rest).exists(), "{document} names {folder}{rest}");
                    named += 1;
                }
            }
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn every_source_file_that_the_architecture_names_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let paths: Vec<String> = sources("src").into_iter().map(|(path, _)| format!("/{path}")).collect();
    // Every second part is in code quotes.
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs")).collect();
    for name in &named {
        let end = format!("/{}", name.trim_start_matches("../"));
        assert!(paths.iter().any(|path| path.ends_with(&end)) || root().join(name).exists(), "{name}");
    }
    assert!(named.len() > 5, "{named:?}");
}

#[test]
fn every_test_and_example_that_a_document_names_is_there() {
    let has = |folder: &str, word: &str| {
        let parts = |path: &str| path.trim_end_matches(".rs").split('/').any(|part| part == word);
        sources(folder).iter().any(|(path, text)| parts(path) || text.contains(&format!("fn {word}")))
    };
    let mut named = 0;
    for (document, text) in documents() {
        for (option, folder) in
            [("cargo test --test it ", "tests/it"), ("cargo test --lib ", "src"), ("--example ", "examples")]
        {
            for path in words_after(&text, option) {
                let is_there = path.split("::").filter(|part| !part.is_empty()).all(|part| has(folder, part));
                assert!(is_there, "{document} names {option}{path}");
                named += 1;
            }
        }
    }
    assert!(named > 3, "{named}");
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut followed = 0;
    for (document, text) in documents() {
        let folder = root().join(&document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { root().join(&document) } else { folder.join(path) };
            assert!(target.exists(), "{document} links to {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let is_there = headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading);
                assert!(is_there, "{document} links to {link}");
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed}");
}

#[test]
fn every_type_and_function_of_the_architecture_is_there() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let code: Vec<String> = sources("src").into_iter().chain(sources("tests")).map(|(_, text)| text).collect();
    let is_name = |word: &&str| {
        let parts = || word.split("::");
        let is_type = parts().any(|part| part.starts_with(char::is_uppercase) && part.contains(char::is_lowercase));
        let is_function = word.contains('_') && word.chars().all(|c| !c.is_uppercase());
        word.chars().all(|c| c.is_alphanumeric() || "_:".contains(c)) && (is_type || is_function)
    };
    let mut named = 0;
    for name in architecture.split('`').skip(1).step_by(2).filter(is_name) {
        for part in name.split("::").filter(|part| !part.is_empty()) {
            let is_there = |text: &String| {
                ["struct ", "enum ", "type ", "fn ", "mod "].iter().any(|kind| {
                    let start = format!("{kind}{part}");
                    text.match_indices(&start)
                        .any(|(at, _)| !text[at + start.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                })
            };
            assert!(code.iter().any(is_there), "ARCHITECTURE.md names `{name}`");
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}
