//! Real-world templates and cells.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{Phone, ProviderApi, RowProblem};

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn phone() -> Phone {
    Phone::from_digits("85268411234").unwrap()
}

/// The body of a message with one text, for a row of these columns and cells.
fn body(text: &str, row: &[(&str, &str)]) -> Result<String, Vec<RowProblem>> {
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let cells: Vec<&str> = row.iter().map(|(_, cell)| *cell).collect();
    let renderer = Renderer::compile(ProviderApi::Incs, &json!({"text": text}), &columns(&names)).unwrap();
    let mut body = Vec::new();
    renderer.render(phone(), &cells, &mut body)?;
    Ok(String::from_utf8(body).unwrap())
}

fn text(template: &str, row: &[(&str, &str)]) -> String {
    let body: Value = serde_json::from_str(&body(template, row).unwrap()).unwrap();
    body["text"].as_str().unwrap().to_owned()
}

fn problem(template: &str, row: &[(&str, &str)]) -> RowProblem {
    let [problem] = body(template, row).unwrap_err().try_into().unwrap();
    problem
}

fn wrong(message: &Value, names: &[&str]) -> Vec<TemplateProblem> {
    Renderer::compile(ProviderApi::Incs, message, &columns(names)).unwrap_err()
}

#[test]
fn a_body_is_the_number_and_the_message_in_its_order() {
    let message = json!({
        "type": "template",
        "zebra": {"b": "{{ b }}", "a": [1, 2.5, true, null, "", "plain", ["{{ a }}", []], {}]},
        "apple": "{{ a }} and {{ b }}",
    });
    let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns(&["a", "b"])).unwrap();
    let mut body = b"kept ".to_vec();
    renderer.render(phone(), &["A", "B"], &mut body).unwrap();
    assert_eq!(
        String::from_utf8(body).unwrap(),
        concat!(
            r#"kept {"to":"85268411234","type":"template","zebra":{"b":"B","a":[1,2.5,true,null,"","plain",["A",[]],{}]},"#,
            r#""apple":"A and B"}"#
        )
    );
}

#[test]
fn a_message_without_templates_is_the_same_for_every_row() {
    let renderer = Renderer::compile(ProviderApi::Incs, &json!({"type": "text", "text": "Hello {you}"}), &[]).unwrap();
    let mut body = Vec::new();
    renderer.render(phone(), &[""; 0], &mut body).unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), r#"{"to":"85268411234","type":"text","text":"Hello {you}"}"#);
    let renderer = Renderer::compile(ProviderApi::Incs, &json!({}), &[]).unwrap();
    let mut body = Vec::new();
    renderer.render(phone(), &[""; 0], &mut body).unwrap();
    assert_eq!(body, br#"{"to":"85268411234"}"#);
}

#[test]
fn a_cell_is_only_ever_text() {
    let hostile = [
        r#"Ana "the best" O'Neill"#,
        "back\\slash",
        "two\nlines\r\n",
        "\u{0}\u{1}\u{7f}\u{2028}\u{feff}x",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "{# no #}",
        "\"},\"to\":\"1\"",
        "- yaml: [1]",
        "&amp; <b>",
        "&anchor *alias",
        "null",
        "1e9",
        "\u{1F468}\u{200D}\u{1F469}",
        "\u{202e}gnp",
        "${HOME}",
        "%s",
    ];
    for cell in hostile {
        assert_eq!(text("<{{ name }}>", &[("name", cell)]), format!("<{cell}>"));
    }
}

#[test]
fn what_is_around_a_template_arrives_as_written() {
    assert_eq!(text("  {{ a }}\n\n", &[("a", " x ")]), "   x \n\n");
    assert_eq!(text("{% raw %}{{ a }}{% endraw %}", &[]), "{{ a }}");
    assert_eq!(text("a{# note #}b", &[]), "ab");
}

#[test]
fn templates_can_choose_and_change() {
    let row = [("first_name", "ana"), ("vip", "yes"), ("none_here", "")];
    assert_eq!(text("{{ first_name | upper }}", &row), "ANA");
    assert_eq!(text("{{ first_name | replace('a', 'e') | title }}", &row), "Ene");
    assert_eq!(text("{{ none_here | default('25%') }}", &row), "25%");
    assert_eq!(text("{{ not_a_column | default('25%') }}", &row), "25%");
    assert_eq!(text("{% if vip == 'yes' %}Dear {% endif %}{{ first_name }}", &row), "Dear ana");
    assert_eq!(text("{% if none_here is defined %}x{% else %}y{% endif %}", &row), "y");
    assert_eq!(text("{% for part in 'a-b' | split('-') %}{{ part }}{{ loop.index }}{% endfor %}", &row), "a1b2");
    assert_eq!(text("{{ first_name if vip is defined else '' }}{{ '' }}", &row), "ana");
    assert_eq!(text("{{ '' }}", &row), "", "an empty text is no mistake of the template");
}

#[test]
fn columns_of_any_name_can_be_used() {
    let row = [
        ("First Name", "Ana"),
        ("1", "one"),
        ("it's \"odd\"", "odd"),
        ("姓名", "i"),
        ("range", "r"),
        ("debug", ""),
        ("x", ""),
    ];
    assert_eq!(
        text(
            "{{ row[\"First Name\"] }}{{ row['1'] }}{{ row[\"it's \\\"odd\\\"\"] }}{{ row['姓名'] }}{{ range }}",
            &row
        ),
        "Anaoneoddir"
    );
    assert_eq!(text("{{ row.range }}{{ row['x'] | default('-') }}", &row), "r-");
    assert_eq!(problem("{{ debug }}", &row).code(), "empty_cell", "no built-in takes a column's place");
    assert_eq!(text("{{ row }}", &[("row", "mine")]), "mine");
    let columns = ["row", "First Name"].map(str::to_owned);
    for hidden in ["{{ row['First Name'] | default('you') }}", "{{ row[\"row\"] }}"] {
        let message = serde_json::json!({"text": hidden});
        let problems = Renderer::compile(ProviderApi::Incs, &message, &columns).unwrap_err();
        assert!(problems[0].message.contains("a column `row`"), "{hidden}: {}", problems[0].message);
    }
}

#[test]
fn an_empty_cell_is_undefined() {
    for cell in ["", " ", "\t\u{3000}\n"] {
        let problem = problem("Hi {{ first_name }}", &[("phone", "1"), ("first_name", cell)]);
        assert_eq!((problem.code(), &*problem.message()), ("empty_cell", "the cell is empty"));
        assert_eq!(problem.path.as_deref(), Some("text"));
        assert_eq!(problem.columns, ["first_name"]);
    }
    let row = [("a", "1"), ("b", ""), ("First Name", ""), ("it's", "")];
    let templates = [
        ("{{ a }}{{ b | upper }}", "b"),
        ("{{ a ~ b }}", "b"),
        ("{% if b %}x{% endif %}", "b"),
        ("{{ b | replace('x', 'y') }}", "b"),
        ("{{ row[\"First Name\"] }}", "First Name"),
        ("{{ row['First Name'] | lower }}", "First Name"),
        ("{{ row.b }}", "b"),
        ("{{ row[\"it's\"] }}", "it's"),
        ("{{ c | default(b) }}", "b"),
        ("{% for x in b %}{% endfor %}", "b"),
        ("{{ b + 1 }}", "b"),
        ("{{ b[0] }}", "b"),
        ("{{ b.x }}", "b"),
        ("{{ b == 'x' }}", "b"),
        ("{{ 'x' in b }}", "b"),
        ("{{ b[:2] }}", "b"),
        ("{% set y = b %}{{ y }}", "b"),
    ];
    for (template, column) in templates {
        let problem = problem(template, &row);
        assert_eq!(
            (problem.code(), problem.columns.as_slice()),
            ("empty_cell", &[column.to_owned()][..]),
            "{template}"
        );
    }
}

#[test]
fn cells_that_are_missing_are_empty() {
    let renderer = Renderer::compile(ProviderApi::Incs, &json!({"text": "{{ b }}"}), &columns(&["a", "b"])).unwrap();
    let mut body = b"x".to_vec();
    assert_eq!(renderer.render(phone(), &["A"], &mut body).unwrap_err()[0].code(), "empty_cell");
    assert_eq!(body, b"x", "nothing is left behind");
}

#[test]
fn a_variable_that_is_no_column_says_which_are() {
    let names = ["phone", "first_name", "Last Name"];
    let found = |template: &str, names: &[&str]| {
        let [problem] = wrong(&json!({"text": template}), names).try_into().unwrap();
        assert_eq!((problem.code, problem.path.as_str()), ("unknown_column", "text"), "{template}");
        let [hint, of_list] = [problem.hint, problem.hint_of_list].map(Option::unwrap_or_default);
        format!("{}: {hint}{of_list}", problem.message)
    };
    let x = "there is no column `x`, but every row needs it: the columns are ";
    assert_eq!(
        found("{{ firstname }}", &names),
        "there is no column `firstname`, but every row needs it: did you mean `first_name`?"
    );
    assert!(found("Hi {{ First_Name | upper }}!", &names).ends_with("did you mean `first_name`?"));
    assert_eq!(found("{{ x }}", &names), format!("{x}`phone`, `first_name`, `Last Name`"));
    assert!(found("{{ row['last name'] }}", &names).ends_with("did you mean `Last Name`?"));
    let many: Vec<String> = (0..20).map(|n| format!("column_{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(found("{{ x }}", &many).ends_with("`column_18`, `column_19`"));
    assert!(
        found("{{ name }}", &["85268411234", "Ana Maria"])
            .ends_with("the first line looks like a recipient; add a header line that names the columns")
    );
    let invisible = found("{{ row['First Name'] }}", &["First\u{200b}Name"]);
    assert!(
        invisible.ends_with("did you mean `First\\u{200b}Name`? Its character 6 is U+200B, not U+0020"),
        "{invisible}"
    );
    assert_eq!(text("{{ row['First Name'] }}", &[("First\u{a0}Name", "Ana")]), "Ana");
    let [problem] = wrong(&json!({"text": "{{ nam }}"}), &["name"]).try_into().unwrap();
    assert_eq!(problem.hint, None, "the list's names are for the terminal alone");
    let dashed = found("{{ first-name }}", &["first-name"]);
    assert!(dashed.ends_with("write the column `first-name` as `{{ row['first-name'] }}`"), "{dashed}");
}

/// What only some rows need is not a mistake of the campaign.
#[test]
fn a_column_that_only_a_branch_needs_is_a_problem_of_the_rows_that_take_it() {
    for template in ["{% if a == '2' %}{{ other }}{% endif %}", "{{ other if a == '2' else 'y' }}"] {
        assert_eq!(text(template, &[("a", "1")]).replace('y', ""), "");
        let problem = problem(template, &[("a", "2")]);
        assert_eq!((problem.code(), problem.hint().as_deref()), ("undefined_variable", None));
        assert_eq!((&*problem.message(), problem.columns.len()), ("there is no column `other`", 0));
    }
    assert_eq!(text("{{ x | default('none') }}", &[("a", "1")]), "none");
}

#[test]
fn all_that_is_wrong_with_a_row_is_reported() {
    let message = json!({"one": "{{ a }}", "two": "fixed", "three": ["{{ b | upper }}", "{{ c | default('-') }}", "{{ b }} {{ a }}"]});
    let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns(&["a", "b", "c"])).unwrap();
    let problems = renderer.render(phone(), &["", "", ""], &mut Vec::new()).unwrap_err();
    let found: Vec<_> = problems.iter().map(|p| (p.columns.concat(), p.path.as_deref().unwrap().to_owned())).collect();
    assert_eq!(found, [("a".into(), "one".into()), ("b".into(), "three[0]".into())]);
}

#[test]
fn the_columns_behind_a_place_of_the_message_are_known() {
    let message =
        json!({"one": "{{ a }}", "list": [{"x": "{{ b }} {{ row['My c'] }}"}, {"x": "fixed"}], "listed": "{{ d }}"});
    let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns(&["a", "b", "My c", "d"])).unwrap();
    let at = |path| renderer.columns_at(path).collect::<Vec<_>>().join(",");
    assert_eq!(at("one"), "a");
    assert_eq!(at("list[0].x"), "b,My c");
    assert_eq!(at("list"), "b,My c");
    assert_eq!(at("list[1].x"), "");
    assert_eq!(at("listed"), "d");
}

#[test]
fn a_template_that_fails_is_reported() {
    let row = [("a", "1"), ("b", "x")];
    for template in
        ["{{ b | int }}", "{{ a + 1 }}", "{{ b.c.d }}", "{{ b() }}", "{{ row }}", "{{ row | upper }}", "{{ row ~ a }}"]
    {
        let problem = problem(template, &row);
        assert_eq!(problem.code(), "template_failed", "{template}: {problem:?}");
    }
    let endless = "{% for a in 'xxxxxxxxxx' %}{% for b in 'xxxxxxxxxx' %}{% for c in 'xxxxxxxxxx' %}{% for d in 'xxxxxxxxxx' %}\
                   {{ a }}{{ b }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
    let problem = problem(endless, &row);
    assert_eq!(
        (problem.code(), &*problem.message()),
        ("template_failed", "the template expressions take too many steps to render")
    );
}

#[test]
fn every_wrong_template_is_reported_with_its_place() {
    let message = json!({
        "type": "text",
        "text": "Hello {{ name",
        "template": {"components": [{"type": "body", "parameters": [
            {"text": "{{ name }}"},
            {"text": "one\ntwo {% if name %}"},
            {"text": "{{ First Name }}"},
            {"text": "{{ name | uper }}"},
            {"text": "{{ name is oddd }}"},
            {"text": "{{ range(3) }}"},
            {"a key": "{% include 'x' %}"},
        ]}]},
    });
    let problems = wrong(&message, &["name", "First Name"]);
    let shown: Vec<String> = problems
        .iter()
        .map(|p| {
            format!(
                "{}, line {}: {} [{}]",
                p.path,
                p.line,
                p.message,
                p.hint.as_ref().or(p.hint_of_list.as_ref()).map_or("", String::as_str)
            )
        })
        .collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("wrong_templates", shown.join("\n"));
    });
}

#[test]
fn a_message_that_cannot_be_a_body_is_reported() {
    assert_eq!(wrong(&json!("text"), &[])[0].path, "");
    assert_eq!(wrong(&json!({"type": "text", "to": "1"}), &[])[0].path, "to");
}

#[test]
fn a_renderer_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Renderer>();
}

proptest! {
    /// The two ways of rendering agree, also when a value is used again after a row that failed.
    #[test]
    fn the_value_is_what_the_bytes_say(rows in prop::collection::vec((".*", ".*", "[a-z ]{0,3}"), 1..6)) {
        let message = json!({
            "type": "text", "kept": [1, null, {"static": "{ not one }"}],
            "text": "{{ a }}", "deep": [{"x": "Hi {{ b | default('?') }}, {{ c }}"}, "{{ c }}"],
        });
        let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns(&["a", "b", "c"])).unwrap();
        let mut value = renderer.blank();
        for (a, b, c) in rows {
            let cells = [a, b, c];
            let mut bytes = Vec::new();
            let rendered = renderer.render(phone(), &cells, &mut bytes);
            prop_assert_eq!(&renderer.render_value(Some(phone()), &cells, &mut value), &rendered);
            if rendered.is_ok() {
                let read: Value = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(&value, &read);
                prop_assert_eq!(value.to_string().into_bytes(), bytes);
            }
        }
    }
}

proptest! {
    /// A comment is left to the engine and renders nothing.
    #[test]
    fn what_needs_no_engine_says_what_the_engine_says(
        template in "( |-|\n|'|\\}\\}|\\{|é|\\{\\{ ?-?(a|b|true)( ?\\| ?(upper|lower|trim|title|default\\( ?('[x'| ]?'|\"[y'\\\\]?\"|a)\\))){0,3} ?\\}\\}){1,5}",
        a in "[a-zßİé{}\" ]{0,4}",
        b in "\\PC{0,4}",
    ) {
        let compile = |text: String| Renderer::compile(ProviderApi::Incs, &json!({"text": text}), &columns(&["a", "b"]));
        if let Ok(renderer) = compile(template.clone()) {
            let by_the_engine = compile(format!("{{# #}}{template}")).unwrap();
            let rendered = |renderer: &Renderer| {
                let mut body = Vec::new();
                renderer.render(phone(), &[&a, &b], &mut body).map(|()| body)
            };
            prop_assert_eq!(rendered(&renderer), rendered(&by_the_engine));
        }
    }

    #[test]
    fn any_text_arrives_as_it_is(cell in "\\PC*|[\\x00-\\x7f]{0,40}|.{0,40}", other in "\\PC{0,30}") {
        prop_assume!(!cell.trim().is_empty());
        let message = json!({"type": "text", "text": "{{ a }}", "list": ["<{{ row[\"b c\"] | default('-') }}>", "{{ a }}{{ a }}"]});
        let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns(&["a", "b c"])).unwrap();
        let mut body = Vec::new();
        renderer.render(phone(), &[&cell, &other], &mut body).unwrap();
        let other = if other.trim().is_empty() { "-" } else { &other };
        let expected = json!({"to": "85268411234", "type": "text", "text": cell, "list": [format!("<{other}>"), format!("{cell}{cell}")]});
        prop_assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected.clone());
        prop_assert_eq!(String::from_utf8(body).unwrap(), expected.to_string());
    }

    #[test]
    fn no_template_panics(template in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#| |a|b|if|endif|for|in|\\||upper|'|\"|\\[|\\]|\\(|\\)|[0-9]|\\.|é|-|~|\n){0,12}") {
        if let Ok(renderer) = Renderer::compile(ProviderApi::Incs, &json!({"text": template}), &columns(&["a", "b"])) {
            let mut body = Vec::new();
            if renderer.render(phone(), &["1", ""], &mut body).is_ok() {
                prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
            }
        }
    }
}
