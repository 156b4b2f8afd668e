//! Every request body of the provider's document works in a campaign as it stands, without its `to`: it passes the
//! check, and `preview` prints that body.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::TestEnv;
use crate::support::campaign::minimal;
use crate::support::documented::bodies;

/// Takes out `to`, which a campaign's message does not have.
fn without_to(body: &Value) -> (String, Value) {
    let mut message = body.clone();
    let to = message.as_object_mut().unwrap().shift_remove("to").unwrap();
    (to.as_str().unwrap().to_owned(), message)
}

/// Fails unless the campaign passes and its one message is `body`, to the byte.
fn assert_becomes(env: &TestEnv, body: &Value) {
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 0, "{body}\n{checked}");
    assert!(checked.out.contains("1 of 1 row can be sent"), "{checked}");
    let preview = env.run_offline(&["preview", "job.yaml"]);
    assert_eq!((preview.code, preview.out.trim_end()), (0, body.to_string().as_str()), "{preview}");
}

#[test]
fn every_body_of_the_document_is_sent_as_the_document_shows_it() {
    let bodies = bodies();
    assert!(bodies.len() >= 26, "{}", bodies.len());
    let env = TestEnv::new();
    for (channel, body) in bodies {
        let (to, message) = without_to(&body);
        env.write("list.csv", format!("phone\n{to}\n"));
        env.write("job.yaml", minimal(&channel, &message.to_string()));
        assert_becomes(&env, &body);
    }
}

#[test]
fn a_body_pasted_over_many_lines_is_the_same() {
    let env = TestEnv::new();
    for (channel, body) in bodies() {
        let (to, message) = without_to(&body);
        env.write("list.csv", format!("phone\n{to}\n"));
        let pasted = serde_json::to_string_pretty(&message).unwrap();
        env.write("job.yaml", minimal(&channel, &pasted));
        assert_becomes(&env, &body);
    }
}

#[test]
fn a_body_pasted_with_its_number_is_refused_with_what_to_do() {
    let (channel, body) = bodies().swap_remove(0);
    let env = TestEnv::new();
    env.write("list.csv", "phone\n85268411234\n");
    env.write("job.yaml", minimal(&channel, &body.to_string()));
    let checked = env.run_offline(&["check", "job.yaml"]);
    assert_eq!(checked.code, 2, "{checked}");
    for part in [
        "job.yaml:5:11",
        "`to` is filled in from each recipient's row",
        "set `recipients.to` to the phone number column",
    ] {
        assert!(checked.err.contains(part), "{part}: {checked}");
    }
}

/// Every text of a body but the kinds replaced by a column of its own; the columns' cells.
fn as_columns(value: &mut Value, cells: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let column = format!("{{{{ c{} }}}}", cells.len());
            cells.push(std::mem::replace(text, column));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| as_columns(item, cells)),
        Value::Object(map) => {
            map.iter_mut().filter(|(key, _)| *key != "type").for_each(|(_, value)| as_columns(value, cells));
        }
        _ => {}
    }
}

#[test]
fn every_text_of_every_body_may_come_from_a_column() {
    let env = TestEnv::new();
    for (channel, body) in bodies() {
        let (to, mut message) = without_to(&body);
        let mut cells = Vec::new();
        as_columns(&mut message, &mut cells);
        let (mut header, mut row) = (String::from("phone"), to);
        for (index, cell) in cells.iter().enumerate() {
            write!(header, ",c{index}").unwrap();
            write!(row, ",\"{}\"", cell.replace('"', "\"\"")).unwrap();
        }
        env.write("list.csv", format!("{header}\n{row}\n"));
        env.write("job.yaml", minimal(&channel, &message.to_string()));
        assert_becomes(&env, &body);
    }
}
