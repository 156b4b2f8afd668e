//! What is printed about templates, word for word: each way in which a campaign and its template disagree, with the
//! place in both, and what each command prints when it fails.

use crate::support::template_server::{Lost, SALE, TemplateServer};
use crate::support::{Finished, TestEnv};

/// A campaign for the example `order_update`, and one for `spring_cards`.
const ORDERS: &str = include_str!("../../../campaigns/whatsapp-template-definition.yaml");
const CARDS: &str = r#"name: cards
provider: simulator
channel: whatsapp
definition: definitions/spring_cards.yaml
recipients: {to: phone, rows: [{phone: "85268411234", first_name: Ana}]}
message:
  type: template
  template:
    name: spring_cards
    components:
      - {type: body, parameters: [{type: text, parameter_name: first_name, text: "{{ first_name }}"}]}
      - type: carousel
        cards:
          - card_index: 0
            components:
              - {type: header, parameters: [{type: image, image: {link: "https://www.example.com/1.png"}}]}
              - {type: body, parameters: [{type: text, parameter_name: tulips, text: 2 €}]}
          - card_index: 1
            components:
              - {type: header, parameters: [{type: image, image: {link: "https://www.example.com/2.png"}}]}
              - {type: body, parameters: [{type: text, parameter_name: roses, text: 3 €}]}
"#;

/// What is different from run to run is left out.
macro_rules! assert_words {
    ($name:literal, $words:expr) => {
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            filters => vec![
                (r"\d{4}-\d\d-\d\dT[\d:]+Z", "[time]"),
                (r"\d+ s ago", "[age] ago"),
                (r"error sending request: [^;\n]*", "[lost]"),
            ],
        }, {
            insta::assert_snapshot!($name, $words);
        });
    };
}

fn shown(title: &str, done: &Finished) -> String {
    format!("# {title}: exit code {}\n{}{}\n", done.code, done.out, done.err)
}

#[test]
fn each_disagreement_is_reported_with_its_place_in_the_campaign_and_in_the_template() {
    let day = "          - {type: text, text: \"{{ day }}\"}\n";
    let orders: &[(&str, &str, &str)] = &[
        ("a parameter too many", day, &day.repeat(2)),
        ("a parameter missing", day, ""),
        (
            "a name for a variable that has none",
            "{type: text, text: \"{{ order }}\"}\n          - {type: text, text: \"{{ day }}\"}",
            "{type: text, parameter_name: order, text: \"{{ order }}\"}\n          - {type: text, parameter_name: day, text: \"{{ day }}\"}",
        ),
        (
            "another kind of header",
            "{type: document, document: {link: \"https://www.example.com/{{ invoice }}.pdf\"}}",
            "{type: image, image: {link: \"https://www.example.com/{{ invoice }}.png\"}}",
        ),
        (
            "no header",
            "      - type: header\n        parameters:\n          - {type: document, document: {link: \"https://www.example.com/{{ invoice }}.pdf\"}}\n",
            "",
        ),
        ("a button that is not there", "index: \"0\"", "index: \"1\""),
        (
            "another kind of button",
            "sub_type: url\n        index: \"0\"\n        parameters:\n          - {type: text, text: ",
            "sub_type: quick_reply\n        index: \"0\"\n        parameters:\n          - {type: payload, payload: ",
        ),
        (
            "no button",
            "      - type: button\n        sub_type: url\n        index: \"0\"\n        parameters:\n          - {type: text, text: \"{{ order }}\"}\n",
            "",
        ),
        ("too long with its values", "3 March", &"x".repeat(1_000)),
        ("another template", "name: order_update\n", "name: order_updates\n"),
        ("another language", "name: order_update\n", "name: order_update\n    language: {code: de}\n"),
        ("a code for a template that has none", "name: order_update\n", "name: order_update\n    code: \"123456\"\n"),
        (
            "an offer that the template has not",
            "      - type: body\n",
            "      - {type: limited_time_offer, parameters: [{type: limited_time_offer, limited_time_offer: {expiration_time_ms: 1774249921000}}]}\n      - type: body\n",
        ),
    ];
    let second = &CARDS[CARDS.find("          - card_index: 1").unwrap()..];
    let cards: &[(&str, &str, &str)] = &[
        ("a variable's name misspelt", "parameter_name: first_name", "parameter_name: first"),
        ("a variable's name misspelt on a card", "parameter_name: roses", "parameter_name: rosés"),
        (
            "a video on a card of pictures",
            "{type: image, image: {link: \"https://www.example.com/2.png\"}}",
            "{type: video, video: {link: \"https://www.example.com/2.mp4\"}}",
        ),
        ("a card too many", second, &format!("{second}{}", second.replace("card_index: 1", "card_index: 2"))),
        ("no cards", &CARDS[CARDS.find("      - type: carousel").unwrap()..], ""),
    ];
    let env = TestEnv::new();
    std::fs::create_dir(env.path("definitions")).unwrap();
    for file in ["order_update.yaml", "spring_cards.yaml"] {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/definitions").join(file);
        std::fs::copy(from, env.path("definitions").join(file)).unwrap();
    }
    let mut words = String::new();
    for (campaign, cases) in [(ORDERS, orders), (CARDS, cards)] {
        env.write("job.yaml", campaign);
        let right = env.run_offline(&["check", "job.yaml", "-q"]);
        assert_eq!(right.code, 0, "{right}");
        for (title, part, other) in cases {
            assert!(campaign.contains(part), "{part}");
            env.write("job.yaml", campaign.replacen(part, other, 1));
            let refused = env.run_offline(&["check", "job.yaml", "-q"]);
            assert!(refused.code == 2, "{title}: {refused}");
            words.push_str(&shown(title, &refused));
        }
    }
    assert_words!("disagreements", words);
}

#[test]
fn what_a_command_cannot_do_is_reported_with_what_to_do() {
    let mut words = String::new();
    for provider in ["nxlink", "cams"] {
        let mut server = TemplateServer::new(provider, Lost::Nothing);
        server.env.write("german.yaml", SALE.replace("en_US", "de"));
        server.env.write(
            "wrong.yaml",
            SALE.replace("category: MARKETING", "category: UTILITY").replace("type: BODY", "type: BODI"),
        );
        server.env.write("broken.yaml", SALE.replace("{first_name: Ana}", "{name: Ana}").replace("text: Shop,", ""));
        server.env.write("utility.yaml", SALE.replace("MARKETING", "UTILITY").replace(", opt_out: true", ""));
        server.succeeds(&["create", "sale.yaml"]);
        server.succeeds(&["create", "german.yaml"]);
        let mut tell = |server: &TemplateServer, args: &[&str]| {
            let done = server.templates(args);
            assert_ne!(done.code, 0, "{done}");
            words.push_str(&shown(&format!("templates {} --provider {provider}", args.join(" ")), &done));
        };
        for args in [
            &["create", "sale.yaml"][..],
            &["create", "no_such.yaml"],
            &["create", "wrong.yaml"],
            &["create", "broken.yaml"],
            &["check", "broken.yaml"],
            &["show", "spring_sole"],
            &["show", "spring_sale"],
            &["show", "spring_sale", "--language", "fr"],
            &["pull", "spring_sole"],
            &["delete", "spring_sale", "--language", "de"],
            &["update", "utility.yaml"],
        ] {
            // NXLink changes a category.
            if (provider, args[0]) != ("nxlink", "update") {
                tell(&server, args);
            }
        }
        if provider == "cams" {
            server.approve("spring_sale");
            tell(&server, &["update", "sale.yaml"]);
        }
        server.close_templates();
        tell(&server, &["list"]);
        tell(&server, &["pull"]);
        tell(&server, &["create", "sale.yaml"]);
        server.variables.retain(|(name, _)| !name.contains("SECRET"));
        tell(&server, &["list"]);
    }
    assert_words!("commands", words);
}

#[test]
fn what_is_wrong_with_a_pulled_template_is_reported_in_the_campaign() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let server = TemplateServer::new("cams", Lost::Nothing);
    let campaign = format!(
        "{}      - {{type: button, sub_type: url, index: \"1\", parameters: [{{type: text, text: spring}}]}}\n",
        CARDS[..CARDS.find("      - type: carousel").unwrap()]
            .replace("definitions/spring_cards.yaml", "{from: cams}")
            .replace("name: spring_cards", "name: spring_sale")
    );
    let mut words = String::new();
    let mut tell = |title: &str, command: &str, from: &str, to: &str| {
        assert!(campaign.contains(from), "{from}");
        server.env.write("job.yaml", campaign.replace(from, to));
        words.push_str(&shown(title, &server.run(&[command, "job.yaml", "--progress", "none"])));
    };
    tell("nothing pulled", "check", "", "");
    server.succeeds(&["create", "sale.yaml"]);
    server.succeeds(&["pull"]);
    tell("not approved", "check", "", "");
    server.approve("spring_sale");
    server.succeeds(&["pull"]);
    tell("right", "check", "", "");
    tell("no such template", "check", "name: spring_sale", "name: spring_sole");
    tell("not in that language", "check", "{from: cams}", "{from: cams, language: de}");
    tell("another template for each row", "check", "name: spring_sale", "name: \"{{ first_name }}\"");
    tell("no such provider of templates", "check", "{from: cams}", "{from: camz}");
    tell("no provider of templates", "check", "{from: cams}", "{language: de}");
    tell("a variable by its position", "check", "parameter_name: first_name, ", "");
    tell("a variable's name misspelt", "check", "parameter_name: first_name", "parameter_name: first");
    server.review("spring_sale", "fail");
    tell("rejected since", "run", "", "");
    server.env.write("sale.yaml", SALE.replace("25% off", "30% off").replace("text: Shop,", "text: Buy,"));
    server.succeeds(&["update", "sale.yaml"]);
    server.approve("spring_sale");
    tell("changed since", "run", "", "");
    server.succeeds(&["delete", "spring_sale", "--yes"]);
    tell("gone since", "run", "", "");
    server.close_templates();
    tell("nobody can look", "run", "", "");
    assert_words!("pulled", words);
}
