//! Any text as a template over any cells: compiled or told what is wrong, never a panic, never for ever; what is
//! rendered is JSON, the same as the value that is checked, and a cell comes back out as it was put in.
//!
//! The parts of the text, at U+001F, are the template and the cells of the row.

#![no_main]

use campaigner::model::{Phone, ProviderApi};
use campaigner::render::Renderer;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const COLUMNS: [&str; 5] = ["phone", "first_name", "discount", "row", "an odd name"];

fuzz_target!(|text: &str| {
    let mut parts = text.split('\u{1f}');
    let template = parts.next().unwrap_or_default();
    let mut cells: Vec<&str> = parts.take(COLUMNS.len()).collect();
    cells.resize(COLUMNS.len(), "");
    let columns = COLUMNS.map(str::to_owned);
    let message = json!({"type": "text", "text": template, "echo": ["{{ first_name }}", {"a \"key\"": template}]});
    let renderer = match Renderer::compile(ProviderApi::Incs, &message, &columns) {
        Ok(renderer) => renderer,
        Err(problems) => {
            assert!(!problems.is_empty());
            return problems.iter().for_each(|problem| assert!(!problem.message.is_empty()));
        }
    };
    let phone = Phone::from_digits("85268411234").expect("a number");
    let mut bytes = Vec::new();
    let mut value = renderer.blank();
    let rendered = renderer.render(phone, &cells, &mut bytes);
    assert_eq!(renderer.render_value(Some(phone), &cells, &mut value), rendered);
    match rendered {
        Ok(()) => {
            let body: Value = serde_json::from_slice(&bytes).expect("what is rendered is JSON");
            assert_eq!(body, value);
            assert_eq!(body["to"], "85268411234");
            assert_eq!(body["echo"][0], cells[1]);
            if !["{{", "{%", "{#"].iter().any(|sign| template.contains(sign)) {
                assert_eq!(body["text"], template);
            }
            let mut again = Vec::new();
            renderer.render(phone, &cells, &mut again).expect("it was rendered before");
            assert_eq!(again, bytes);
        }
        Err(problems) => {
            assert!(bytes.is_empty());
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.message().is_empty()));
        }
    }
});
