//! What the limits refuse and allow, and how little stack the deepest template needs.

use minijinja::value::Value;
use minijinja::{Environment, context};
use proptest::prelude::*;
use serde_json::json;

use super::{MAX_OPERATORS, MAX_TEXT};
use crate::model::{Phone, ProviderApi};
use crate::render::Renderer;

const COLUMNS: [&str; 2] = ["x", "long"];

fn compile(template: &str) -> Result<Renderer, String> {
    let columns = COLUMNS.map(str::to_owned);
    Renderer::compile(ProviderApi::Incs, &json!({"text": template}), &columns)
        .map_err(|problems| format!("{} [{}]", problems[0].message, problems[0].hint.as_deref().unwrap_or_default()))
}

/// Renders a template for a row whose second cell has the maximum length.
fn rendered(renderer: &Renderer) -> Result<usize, String> {
    let mut body = Vec::new();
    let phone = Phone::from_digits("85268411234").unwrap();
    match renderer.render(phone, &["a", &"\"".repeat(MAX_TEXT)], &mut body) {
        Ok(()) => Ok(body.len()),
        Err(problems) => Err(problems[0].message().to_string()),
    }
}

#[test]
fn what_could_take_all_memory_or_the_stack_is_refused() {
    let sum = format!("{{{{ 1{} }}}}", "+1".repeat(26_000));
    let deep = format!("{{{{ {}x{} }}}}", "(".repeat(200), ")".repeat(200));
    let blocks = format!("{}x{}", "{% if x %}".repeat(70), "{% endif %}".repeat(70));
    let elifs = format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}a".repeat(70));
    let chain = format!("{{{{ x{} }}}}", "|upper".repeat(70));
    let many = "{{ x }}".repeat(MAX_OPERATORS + 1);
    let long = format!("{{{{ x }}}}{}", "a".repeat(MAX_TEXT));
    let doubled = format!("{{% set a = x %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60));
    let pairs = format!("{{% set a = x, x %}}{}{{{{ a ~ '' }}}}", "{% set a = a, a %}".repeat(40));
    let joined = "{{ x ~ x }}".repeat(65);
    let cases = [
        ("{{ 'x' | indent(999999999999) }}", "filter indent is unknown [the filters are abs,"),
        ("{{ 'x' | batch(999999999999) }}", "filter batch is unknown"),
        ("{{ x | list | map('upper') }}", "filter map is unknown"),
        ("{{ 'a' * 100000000 }}", "`*` is not available in messages"),
        ("{{ x * 2 }}", "[put the product in a column of the list]"),
        (&sum, "longer than 16 KiB"),
        (&deep, "more than 64 levels of blocks, brackets and operators"),
        (&blocks, "more than 64 levels"),
        (&elifs, "more than 64 levels"),
        (&chain, "more than 64 levels"),
        (&many, "more than 1000 operators"),
        (&long, "longer than 16 KiB"),
        (&doubled, "`set` cannot join the result of another `set`"),
        (&pairs, "`,` is only allowed between arguments"),
        ("{% set a = (x,) %}{{ a }}", "`,` is only allowed between arguments"),
        ("{{ x in (x, x) }}", "`,` is only allowed between arguments"),
        ("{% set a, b = x %}", "`,` is only allowed between arguments"),
        ("{{ x, x }}", "`,` is only allowed between arguments"),
        ("{{ 'q' in [x, x] ~ '' }}", "a list can only be used with `in`"),
        ("{{ x[::-1] }}", "`:` is only allowed once in a slice"),
        ("{{ x in [x, x] | upper }}", "a list can only be used with `in`"),
        ("{{ x in [x, x][0] }}", "a list can only be used with `in`"),
        ("{% set a = x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x %}", "more than 8 times"),
        (&joined, "joins text more than 32 times"),
        ("{% set a %}{{ x }}{{ x }}{% endset %}", "`set` needs a value"),
        ("{% filter upper %}x{% endfilter %}", "`{% filter %}` is not available"),
        ("{% with a = x ~ x %}{{ a }}{% endwith %}", "`{% with %}` is not available"),
        ("{% for a in x recursive %}{{ loop(x) }}{% endfor %}", "`recursive` is not available"),
        ("{{ [x, x] ~ '' }}", "a list is only allowed after `in`"),
        ("{{ [[x] ~ ''] | join }}", "a list is only allowed after `in`"),
        ("{{ {'a': x} }}", "`{…}` is not available"),
        ("{{ x }", "a single `}` is not allowed here"),
    ];
    for (template, why) in cases {
        let found = compile(template).err().unwrap_or_default();
        assert!(found.contains(why), "{:.60}: {found}", template);
    }
}

#[test]
fn what_messages_need_is_read() {
    let cases = [
        ("{{ 'yes' if x in ['a', 'b'] else 'no' }}", "yes"),
        ("{% for y in ['b', 'c'] %}{{ y ~ x }}{% endfor %}", "baca"),
        (
            "{% set y = x | upper %}{% if y == 'A' and not y is undefined %}{{ y }}{% elif x %}no{% else %}no{% endif %}",
            "A",
        ),
        ("{{ '%.2f' | format('3.14159' | float) }} {{ '%5d|%s' | format(7, x) }}", "3.14     7|a"),
        ("{{ 'a, b' | split(', ') | join(' + ') }}{{ row['x'][0] }}{{ 'abc'[1:] }}", "a + babc"),
        ("{{ x[:1] }}{{ x[0:2] }}{{ x[-1:] }}{{ row['x'][:1] }}", "aaaa"),
        ("{{ (2 + 3) / 2 }} {{ 2 ** 10 }} {{ 7 // 2 }} {{ 7 % 4 }}", "2.5 1024 3 3"),
        ("{{ 'aXbX' | replace('X', '-') | title | trim('-') }}", "A-B"),
        ("{% raw %}{{ x * 2 }}{% endraw %}{# {{ 'a' * 9 }} #}", "{{ x * 2 }}"),
        ("a * b {{ x }} [c] {d}", "a * b a [c] {d}"),
    ];
    for (template, expected) in cases {
        let renderer = compile(template).unwrap_or_else(|found| panic!("{template}: {found}"));
        let mut texts = Vec::new();
        renderer.texts(&["a", ""], |_, text| texts.push(text.to_owned())).unwrap();
        assert_eq!(texts, [expected], "{template}");
    }
}

#[test]
fn a_text_that_would_be_too_long_is_the_rows_problem() {
    let cases = [
        "{{ ('a' | replace('a', long)) | replace('', long) }}",
        "{{ long | replace('', 'ab') }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '%.999999999f' | format(1) }}",
        "{{ '%*d' | format(999999999, 1) }}",
        "{{ '%(a)9999d' | format(a=1) }}",
        "{{ '%s%s' | format(long, long) }}",
        "{{ long | list }}",
        "{{ long | split('\"') }}",
        "{{ long | trim(long) }}",
        "{{ (long ~ long) | upper }}",
        "{{ (long ~ long) | join }}",
        "{{ (long ~ 'x') | trim | length }}",
        "{{ ('ΐ' | replace('ΐ', long)) | replace('\"', 'ΐ') }}",
        "{{ long ~ long ~ long ~ long ~ long }}",
        "{{ long }}{{ long }}{{ long }}{{ long }}{{ long }}",
        "{% for a in long %}{{ long }}{% endfor %}",
    ]
    .map(str::to_owned);
    for template in cases {
        let found = rendered(&compile(&template).unwrap()).unwrap_err();
        let words = [
            "beyond 16 KiB",
            "beyond 64 KiB",
            "more than 1000 items",
            "the argument of `trim`",
            "write a width of at most 100",
            "pass the values in order",
            "too many steps",
        ];
        assert!(words.iter().any(|words| found.contains(words)), "{template}: {found}");
    }
    assert!(rendered(&compile("{{ long }}").unwrap()).is_ok());
    let renderer = compile("{{ long }}").unwrap();
    let problems = renderer.texts(&["", &"a".repeat(MAX_TEXT + 1)], |_, _| {}).unwrap_err();
    assert_eq!((problems[0].code(), problems[0].columns.concat().as_str()), ("cell_too_long", "long"));
}

#[test]
fn many_templates_have_the_steps_of_a_few() {
    let costly = "{% for a in '0123456789' %}{% for b in '0123456789' %}{{ a ~ b }}{% endfor %}{% endfor %}";
    let texts = |n: usize| json!({"texts": vec![costly; n]});
    let outcome = |n: usize| {
        let renderer = Renderer::compile(ProviderApi::Incs, &texts(n), &[]).unwrap();
        renderer.texts(&[""; 0], |_, _| {}).map_err(|problems| problems[0].message().to_string())
    };
    assert_eq!(outcome(10), Ok(()));
    assert_eq!(outcome(100), Err("the template expressions take too many steps to render".to_owned()));
    let problems =
        Renderer::compile(ProviderApi::Incs, &json!({"texts": vec!["{{ x }}"; 1_001]}), &["x".to_owned()]).unwrap_err();
    assert!(problems[0].message.contains("at most 1000"), "{}", problems[0].message);
}

/// Every nesting construct at its accepted depth, on half the stack of a thread.
#[test]
fn the_deepest_template_needs_little_stack() {
    let shapes: [fn(usize) -> String; 16] = [
        |n| format!("{{{{ 1{} }}}}", "+1".repeat(n)),
        |n| format!("{{{{ x{} }}}}", "~x".repeat(n)),
        |n| format!("{{{{ x{} }}}}", "|upper".repeat(n)),
        |n| format!("{{{{ x{} }}}}", "[0]".repeat(n)),
        |n| format!("{{{{ x{} }}}}", ".a".repeat(n)),
        |n| format!("{{{{ x{} }}}}", " or x".repeat(n)),
        |n| format!("{{{{ x{} }}}}", " if x else x".repeat(n)),
        |n| format!("{{{{ {}x }}}}", "not ".repeat(n)),
        |n| format!("{{{{ {}1 }}}}", "-".repeat(n)),
        |n| format!("{{{{ {}x{} }}}}", "(".repeat(n), ")".repeat(n)),
        |n| format!("{{{{ x{}{} }}}}", "|default(x".repeat(n), ")".repeat(n)),
        |n| format!("{{{{ {}x{} }}}}", "x in [".repeat(n), "]".repeat(n)),
        |n| format!("{}x{}", "{% if x %}".repeat(n), "{% endif %}".repeat(n)),
        |n| format!("{}x{}", "{% for x in x %}".repeat(n), "{% endfor %}".repeat(n)),
        |n| format!("{{% if x=='b' %}}{}{{% endif %}}", "{% elif x=='b' %}x".repeat(n)),
        |n| {
            format!(
                "{}{{{{ {}x{} }}}}{}",
                "{% for x in x %}".repeat(n),
                "(".repeat(n),
                ")".repeat(n),
                "{% endfor %}".repeat(n)
            )
        },
    ];
    let deepest = move || {
        for shape in shapes {
            let levels = (1..=64).rev().find(|levels| compile(&shape(*levels)).is_ok()).unwrap();
            assert!(levels >= 16, "{}", shape(1));
            let _ = rendered(&compile(&shape(levels)).unwrap());
        }
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(deepest).unwrap().join().unwrap();
}

#[test]
fn a_panic_of_the_engine_is_a_problem_of_the_row() {
    let mut env = Environment::new();
    env.add_filter("broken", |_: Value| -> String { panic!("a filter that panics") });
    env.add_template("t", "{{ x | broken }}").unwrap();
    let found = super::render(&env.get_template("t").unwrap(), context!(x => "a"), None).unwrap_err();
    assert!(found.to_string().contains("internal error"), "{found}");
}

proptest! {
    /// Every accepted template renders, or fails, on a small stack.
    #[test]
    fn no_accepted_template_takes_the_process_down(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{%", "%}", " if ", " else ", " elif ", " endif ", " for ", " in ", " endfor ", " set ", "=", "x", "long", "'", "a",
            "|", "upper", "replace", "join", "list", "split", "format", "default", "(", ")", "[", "]", ",", "~", "+", "-", "**", "/", "%",
            "'%9s'", "99999", " not ", ".", ":", "{{ long | replace('\"', long) }}", "{% for y in long %}", "{{ x ~ long }}", "{% endfor %}",
            "{% if x %}", "{% endif %}", "''",
        ]), 0..60),
    ) {
        let template = parts.concat();
        let check = move || {
            if let Ok(renderer) = compile(&template) {
                let _ = rendered(&renderer);
            }
        };
        let ended = std::thread::Builder::new().stack_size(1024 * 1024).spawn(check).unwrap().join();
        prop_assert!(ended.is_ok());
    }
}
