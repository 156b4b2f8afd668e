//! Valid and invalid definitions.

use std::path::Path;

use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::model::Finding;
use crate::test_server;

mod conformance;
mod mistakes;

/// A definition that is read without a problem.
pub(crate) fn good(text: &str) -> Definition {
    parse(text, Path::new("template.yaml")).unwrap_or_else(|error| panic!("{error}")).definition
}

/// The errors of `templates check --provider` for a definition, after writing and reading it again.
pub(crate) fn errors(
    definition: &Definition,
    translate: impl Fn(&Definition) -> Result<Translated, Vec<Finding>>,
) -> Vec<Finding> {
    let definition = good(&serde_json::to_string(definition).unwrap());
    let translated = translate(&definition).map_or_else(|findings| findings, |translated| translated.warnings);
    check(&definition).into_iter().chain(translated).filter(Finding::is_error).collect()
}

/// The URL of a local server that gives one response to every request, until the test ends.
pub(crate) fn answering(status: &'static str, body: &'static str) -> String {
    let (address, _) = test_server::server(move |_, mut stream| async move {
        while test_server::request(&mut stream).await.is_some() {
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await;
        }
    });
    format!("http://{address}")
}

const FULL: &str = r#"
name: spring_sale
language: en_US
category: marketing
components:
  - type: header
    format: text
    text: "Hi {{1}}"
    example: {header_text: [Ana]}
  - type: BODY
    text: "Take {{1}} off, {{2}}."
    example: {body_text: [["25%", Ana]]}
  - {type: FOOTER, text: bye}
  - type: BUTTONS
    buttons:
      - {type: QUICK_REPLY, text: "Yes"}
      - {type: URL, text: Shop, url: "https://example.com/{{1}}", example: "https://example.com/a"}
"#;

#[test]
fn a_definition_is_read_with_whatsapps_own_examples() {
    let definition = good(FULL);
    assert_eq!(check(&definition), []);
    assert_eq!((definition.category, definition.components.len()), (Category::Marketing, 4));
    let (_, body) = definition.body().unwrap();
    assert_eq!((body.example.of("1"), body.example.of("2")), (Some("25%"), Some("Ana")));
    assert_eq!(definition.header().unwrap().1.example.of("1"), Some("Ana"));

    let named = FULL.replace("{{1}} off, {{2}}", "{{off}} off, {{name}}").replace(
        "{body_text: [[\"25%\", Ana]]}",
        "{body_text_named_params: [{param_name: off, example: 25%}, {param_name: name, example: Ana}]}",
    );
    assert_eq!(good(&named).body().unwrap().1.example.of("name"), Some("Ana"));
}

#[test]
fn what_is_written_is_read_again() {
    let definition = good(FULL);
    let json = serde_json::to_string(&definition).unwrap();
    assert_eq!(good(&json), definition);
}

#[test]
fn the_examples_of_this_repository_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/definitions");
    let mut read_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let loaded = read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(check(&loaded.definition), [], "{}", path.display());
        read_files += 1;
    }
    assert!(read_files >= 5);
}

#[test]
fn a_difference_is_reported_by_its_place() {
    let before = good(FULL);
    assert_eq!(diff(&before, &before), []);
    let after = good(
        &FULL
            .replace("Take {{1}} off, {{2}}.", "Take {{1}} off,\n\n      dear {{2}}.")
            .replace("  - {type: FOOTER, text: bye}\n", "")
            .replace("text: Shop", "text: Buy"),
    );
    let found: Vec<String> = diff(&before, &after).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "BODY text\n  - Take {{1}} off, {{2}}.\n  + Take {{1}} off,\n  + dear {{2}}.",
            "FOOTER\n  - FOOTER\n  - text: bye",
            "button 2 text\n  - Shop\n  + Buy",
        ]
    );
}
