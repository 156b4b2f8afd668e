//! Templates are created, shown, changed and deleted at the simulated NXLink and CAMS, and never created twice.

use std::sync::atomic::Ordering;

use campaigner::simulator::Simulator;

use crate::support::TestEnv;
use crate::support::template_server::{Lost, SALE, TemplateServer};

#[test]
fn a_template_is_made_listed_shown_changed_and_deleted() {
    for provider in ["nxlink", "cams"] {
        let server = TemplateServer::new(provider, Lost::Nothing);
        assert!(server.succeeds(&["create", "sale.yaml"]).starts_with("created: spring_sale in en_US, id "));
        let listed = server.listed();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0]["name"], &listed[0]["language"]), (&"spring_sale".into(), &"en_US".into()));
        let table = server.succeeds(&["list"]);
        assert!(table.starts_with("ID ") && table.contains("spring_sale  en_US     MARKETING  "), "{table}");

        // What is shown is a definition file, and an update from it would change nothing.
        let shown = server.succeeds(&["show", "spring_sale"]);
        server.env.write("shown.yaml", &shown);
        assert_eq!(server.succeeds(&["diff", "sale.yaml"]), "an update would change nothing\n");
        if provider == "cams" {
            assert_eq!(server.succeeds(&["diff", "shown.yaml"]), "an update would change nothing\n");
        }

        server.env.write("sale.yaml", SALE.replace("25%", "30%").replace("text: Shop,", "text: Buy,"));
        let different = server.templates(&["diff", "sale.yaml"]);
        assert_eq!(different.code, 3, "{different}");
        assert_eq!(
            different.out,
            "BODY text\n  - Hi {{first_name}}, take 25% off.\n  + Hi {{first_name}}, take 30% off.\n\
             button 2 text\n  - Shop\n  + Buy\n"
        );
        assert!(server.succeeds(&["update", "sale.yaml"]).starts_with("updated: spring_sale in en_US"));
        assert_eq!(server.succeeds(&["diff", "sale.yaml"]), "an update would change nothing\n");

        let asked = server.templates(&["delete", "spring_sale"]);
        assert!(asked.code == 2 && asked.err.contains("--yes"), "{asked}");
        assert_eq!(server.listed().len(), 1);
        assert!(server.succeeds(&["delete", "spring_sale", "--yes"]).starts_with("deleted: spring_sale"));
        assert_eq!(server.listed().len(), 0);
        let gone = server.templates(&["show", "spring_sale"]);
        assert!(gone.code == 2 && gone.err.contains("the template `spring_sale` does not exist"), "{gone}");
    }
}

#[test]
fn a_lost_answer_never_makes_a_second_template() {
    let lost = [("nxlink", Lost::Answer, 1), ("cams", Lost::Answer, 2), ("cams", Lost::AnswerThenThrottled, 2)];
    for (provider, lost, requests) in lost {
        let server = TemplateServer::new(provider, lost);
        let made = server.succeeds(&["create", "sale.yaml"]);
        assert!(made.contains("the answer was lost"), "{made}");
        assert_eq!(server.made.load(Ordering::Relaxed), requests);
        assert_eq!(server.listed().len(), 1);
    }
}

#[test]
fn a_lost_request_is_sent_again_only_where_that_is_safe() {
    let server = TemplateServer::new("cams", Lost::Request);
    let made = server.succeeds(&["create", "sale.yaml"]);
    assert!(!made.contains("the answer was lost"), "{made}");
    assert_eq!((server.listed().len(), server.made.load(Ordering::Relaxed)), (1, 2));

    // NXLink has nothing to tell a repeated request by.
    drop(server);
    let server = TemplateServer::new("nxlink", Lost::Request);
    let unknown = server.templates(&["create", "sale.yaml"]);
    assert!(unknown.code == 1 && unknown.err.contains("it is unknown whether NXLink made the change"), "{unknown}");
    assert_eq!((server.listed().len(), server.made.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn a_list_has_all_pages() {
    for provider in ["nxlink", "cams"] {
        let server = TemplateServer::new(provider, Lost::Nothing);
        for n in 0..53 {
            server.env.write("one.yaml", SALE.replace("spring_sale", &format!("sale_{n}")));
            server.succeeds(&["create", "one.yaml", "-q"]);
        }
        assert_eq!(server.listed().len(), 53);
    }
}

#[test]
fn what_a_provider_refuses_is_reported_with_what_to_do() {
    for (provider, secret, advice) in [
        ("nxlink", "NXLINK_ACCESS_SECRET", "check NXLINK_ACCESS_SECRET"),
        ("cams", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "check ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    ] {
        let mut server = TemplateServer::new(provider, Lost::Nothing);
        server.succeeds(&["create", "sale.yaml"]);
        let twice = server.templates(&["create", "sale.yaml"]);
        assert!(twice.code == 1 && twice.err.contains("refused the request with code"), "{twice}");
        for (name, value) in &mut server.variables {
            if *name == secret {
                *value = "geheim".to_owned();
            }
        }
        let refused = server.templates(&["list"]);
        assert!(refused.code == 1 && refused.err.contains(advice), "{refused}");
        assert!(!refused.err.contains("geheim"), "{refused}");
        server.variables.retain(|(name, _)| *name != secret);
        let unset = server.templates(&["list"]);
        assert!(unset.code == 1 && unset.err.contains(&format!("set {secret}")), "{unset}");
    }
}

#[test]
fn a_wrong_definition_is_shown_with_its_line_and_nothing_is_sent() {
    let server = TemplateServer::new("nxlink", Lost::Nothing);
    server.env.write("sale.yaml", SALE.replace("category: MARKETING", "category: AUTHENTICATION"));
    let wrong = server.templates(&["create", "sale.yaml"]);
    assert!(wrong.code == 2 && wrong.err.contains("sale.yaml:4:11") && wrong.err.contains("not_on_nxlink"), "{wrong}");
    assert_eq!(server.made.load(Ordering::Relaxed), 0);
    let checked = server.env.run_offline(&["templates", "check", "sale.yaml"]);
    assert!(checked.code == 2 && checked.out.contains("an AUTHENTICATION template cannot have a HEADER"), "{checked}");
    server.env.write("sale.yaml", SALE);
    let checked = server.env.run_offline(&["templates", "check", "sale.yaml"]);
    assert!(
        checked.code == 0 && checked.out.contains("NXLink supports this template\nCAMS supports this template\n"),
        "{checked}"
    );
}

/// Definitions that the simulated providers take and serve, of every kind of part that each knows.
fn definitions(provider: &str) -> Vec<String> {
    let whole = |name: &str, category: &str, components: &str| {
        format!("{{name: {name}, language: en, category: {category}, components: [{components}]}}")
    };
    let buttons = "{type: QUICK_REPLY, text: Stop, opt_out: true}, {type: URL, text: Shop, \
        url: \"https://example.com/{{shop}}\", example: [\"https://example.com/a\"]}, \
        {type: PHONE_NUMBER, text: Call, phone_number: \"+85268411234\"}, {type: COPY_CODE, text: Copy, example: [SPRING25]}, \
        {type: FLOW, text: Begin, flow_id: \"6645\"}";
    let body = "{type: BODY, text: \"Hi {{first_name}} there\", example: {first_name: Ana}}";
    let mut all = vec![
        whole("plain", "UTILITY", "{type: BODY, text: Hi}"),
        whole(
            "text_header",
            "MARKETING",
            "{type: HEADER, format: TEXT, text: Sale}, {type: BODY, text: Hi}, {type: FOOTER, text: Bye}",
        ),
        whole("buttons", "MARKETING", &format!("{body}, {{type: BUTTONS, buttons: [{buttons}]}}")),
        whole(
            "buttons_and_footer",
            "MARKETING",
            &format!("{body}, {{type: FOOTER, text: Bye}}, {{type: BUTTONS, buttons: [{buttons}]}}"),
        ),
        SALE.to_owned(),
    ];
    match provider {
        "nxlink" => all.extend([
            whole("by_position", "UTILITY", "{type: BODY, text: \"Hi {{1}} and {{2}} there\"}"),
            whole("by_position_too", "UTILITY", "{type: HEADER, format: TEXT, text: \"Hi {{1}}\"}, {type: BODY, text: \"Hi {{1}} and {{2}} there\"}"),
            whole("file", "UTILITY", "{type: HEADER, format: IMAGE, media_id: \"1\", file_name: a.jpg, handle: \"4:a\"}, {type: BODY, text: \"{{WhatsApp}} is you\"}, \
                {type: BUTTONS, buttons: [{type: QUICK_REPLY, text: Yes, payload: p, events: [{event: tag, tagName: a}, \
                {event: template, templateId: 314, templateName: b}]}, {type: URL, text: Go, url: \"https://example.com/{{1}}\", example: [\"https://example.com/a\"]}]}"),
            whole("file_by_its_id", "UTILITY", "{type: HEADER, format: VIDEO, media_id: \"1\"}, {type: BODY, text: Hi}"),
        ]),
        _ => {
            let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/definitions");
            for file in ["spring_sale", "login_code", "spring_cards", "weekend_offer"] {
                let text = std::fs::read_to_string(examples.join(format!("{file}.yaml"))).unwrap();
                all.push(text.replace("name: spring_sale\n", "name: spring_sale_2\n"));
            }
            all.extend([
                whole("file", "UTILITY", "{type: HEADER, format: DOCUMENT, url: \"https://example.com/a.pdf\", file_name: a, caption: b}, {type: BODY, text: Hi}"),
                whole("no_examples", "MARKETING", "{type: BODY, text: \"Hi {{first_name}} there\"}, {type: BUTTONS, buttons: [\
                    {type: URL, text: Shop, url: \"https://example.com/{{shop}}\"}, {type: COPY_CODE, text: Copy, coupon_code: \"{{code}}\"}]}"),
                whole("catalog", "MARKETING", "{type: BODY, text: Hi}, {type: BUTTONS, buttons: [{type: CATALOG, text: See}]}"),
                "{name: code, language: en, category: AUTHENTICATION, message_send_ttl_seconds: 120, components: [{type: BODY}, {type: BUTTONS, \
                    buttons: [{type: OTP, otp_type: ONE_TAP, text: Copy, autofill_text: Fill, package_name: com.demo, signature_hash: 29dkeke}]}]}".to_owned(),
            ]);
        }
    }
    all
}

#[test]
fn what_is_shown_passes_the_check() {
    for provider in ["nxlink", "cams"] {
        let server = TemplateServer::new(provider, Lost::Nothing);
        let definitions = definitions(provider);
        for definition in &definitions {
            server.env.write("one.yaml", definition);
            server.succeeds(&["create", "one.yaml"]);
        }
        let listed = server.listed();
        assert_eq!(listed.len(), definitions.len());
        for template in listed {
            let shown = server.templates(&["show", template["name"].as_str().unwrap()]);
            assert_eq!(shown.code, 0, "{shown}");
            assert!(!shown.err.contains("is incomplete"), "{shown}");
            server.env.write("shown.yaml", &shown.out);
            server.succeeds(&["check", "shown.yaml"]);
            assert_eq!(server.env.run_offline(&["templates", "check", "shown.yaml"]).code, 0, "{shown}");
        }
    }
}

#[test]
fn a_check_fails_exactly_where_the_chosen_provider_cannot_express_the_definition() {
    let env = TestEnv::new();
    let code = |args: &[&str]| env.run_offline(&[&["templates", "check", "one.yaml"], args].concat()).code;
    let cases = [
        // Warnings at both.
        ("{name: a, language: xx, category: UTILITY, components: [{type: BODY, text: \"Hi {{b}} there\"}]}", [0, 0, 0]),
        ("{name: a, language: en, category: UTILITY, components: [{type: BODY, text: \"Hi {{1}} there\"}]}", [0, 0, 2]),
        (
            "{name: a, language: en, category: UTILITY, message_send_ttl_seconds: 60, components: [{type: BODY, text: Hi}]}",
            [0, 2, 0],
        ),
        // NXLink has no such time, and CAMS no positions.
        (
            "{name: a, language: en, category: UTILITY, message_send_ttl_seconds: 60, components: [{type: BODY, text: \"Hi {{1}} there\"}]}",
            [2, 2, 2],
        ),
        // The rules bind both.
        ("{name: A, language: en, category: UTILITY, components: [{type: BODY, text: Hi}]}", [2, 2, 2]),
    ];
    for (definition, codes) in cases {
        env.write("one.yaml", definition);
        let found = [code(&[]), code(&["--provider", "nxlink"]), code(&["--provider", "cams"])];
        assert_eq!(found, codes, "{definition}");
        assert_eq!(code(&["--json"]), codes[0], "{definition}");
    }
}

#[test]
fn a_campaign_by_position_fits_a_template_whose_variables_have_names() {
    let server = TemplateServer::new("cams", Lost::Nothing);
    let definition = "{name: named, language: en, category: MARKETING, components: [{type: HEADER, format: TEXT, text: \"Until {{until}}\", \
        example: {until: x}}, {type: BODY, text: \"Until {{until2}} use {{code}} for {{off}} off.\", example: {until2: x, code: y, off: z}}]}";
    server.env.write("named.yaml", definition);
    server.succeeds(&["create", "named.yaml"]);
    server.approve("named");
    server.succeeds(&["pull"]);
    for source in ["named.yaml", "{from: cams}"] {
        let campaign = format!(
            "name: job\nprovider: incs\nchannel: whatsapp\ndefinition: {source}\nrecipients: {{to: phone, rows: [{{phone: \"85268411234\"}}]}}\n\
             message: {{type: template, template: {{name: named, components: [{{type: header, parameters: [{{type: text, text: a}}]}}, \
             {{type: body, parameters: [{{type: text, text: b}}, {{type: text, text: c}}, {{type: text, text: d}}]}}]}}}}\n"
        );
        server.env.write("job.yaml", &campaign);
        let checked = server.run(&["check", "job.yaml"]);
        assert!(checked.code == 0 && checked.out.contains("1 of 1 row can be sent"), "{source}: {checked}");
        let misspelt = campaign.replace("{type: text, text: a}", "{type: text, parameter_name: untl, text: a}");
        server.env.write("job.yaml", misspelt);
        let refused = server.run(&["check", "job.yaml"]);
        assert!(refused.code == 2 && refused.err.contains("no variable named `untl`"), "{source}: {refused}");
    }
}

#[test]
fn flows_are_listed_and_media_uploaded_by_their_address() {
    let server = TemplateServer::new("nxlink", Lost::Nothing);
    let flows = server.run(&["flows", "list"]);
    assert!(flows.code == 0 && flows.out.starts_with("470341793809141"), "{flows}");
    let media = server.run(&["media", "upload", "https://www.example.com/a b/17.jpg"]);
    assert!(media.code == 0, "{media}");
    assert_eq!(media.out, "media_id: \"1167113681293447\"\nfile_name: \"17.jpg\"\nformat: \"IMAGE\"\n");
    assert_eq!(server.run(&["media", "upload", "picture.jpg"]).code, 2);
}

#[test]
fn credentials_come_from_the_configuration_too_and_go_nowhere_in_the_open() {
    let server = TemplateServer::new("nxlink", Lost::Nothing);
    let base = &server.variables[0].1;
    let (key, secret) = Simulator::NXLINK_ACCOUNT;
    let account = format!(
        "[nxlink]\nbase_url = \"{base}\"\naccess_key = \"{key}\"\naccess_secret = \"{secret}\"\nphone = \"852\"\ntenant_id = 1\n"
    );
    server.env.write("campaigner.toml", &account);
    let listed = server.env.run_offline(&["templates", "list", "--provider", "nxlink", "--json"]);
    assert_eq!((listed.code, listed.out.trim()), (0, "[]"), "{listed}");
    server.env.write("campaigner.toml", account.replace("127.0.0.1", "nxlink.example.com"));
    let open = server.env.run_offline(&["templates", "list", "--provider", "nxlink"]);
    assert!(open.code == 1 && open.err.contains("must be https://"), "{open}");
}

/// A campaign that names its template's definition is checked against it: the place in the campaign is shown, and the
/// place in the template.
#[test]
fn a_campaign_that_disagrees_with_its_template_is_refused_at_both_places() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
    let read = |file: &str| std::fs::read_to_string(examples.join(file)).unwrap();
    let campaign = read("whatsapp-template-definition.yaml");
    let env = TestEnv::new();
    std::fs::create_dir(env.path("definitions")).unwrap();
    env.write("definitions/order_update.yaml", read("definitions/order_update.yaml"));
    env.write("job.yaml", &campaign);
    assert_eq!(env.run_offline(&["check", "job.yaml"]).code, 0);
    let long = "x".repeat(1_020);
    for (part, other, code) in [
        ("          - {type: text, text: \"{{ day }}\"}\n", "", "parameter_count"),
        ("name: order_update\n", "name: order_updates\n", "template_name"),
        ("{type: document, document: {link", "{type: image, image: {link", "header_kind"),
        ("index: \"0\"", "index: \"1\"", "button"),
        ("3 March", &long, "too_long"),
    ] {
        assert!(campaign.contains(part), "{part}");
        let changed = campaign.replacen(part, other, 1).replace("invoice }}.pdf", "invoice }}");
        env.write("job.yaml", changed);
        for command in ["check", "run"] {
            let refused = env.run_offline(&[command, "job.yaml"]);
            assert_eq!(refused.code, 2, "{code}: {refused}");
        }
        let refused = env.run_offline(&["check", "job.yaml"]);
        // What depends on the row is a problem of the row.
        let (words, place) = match code {
            "too_long" => (&refused.out, "row 1, line 8"),
            _ => (&refused.err, "--> job.yaml:"),
        };
        for part in [place, "job.yaml:", "(definitions/order_update.yaml:", code] {
            assert!(words.contains(part), "{code}, {part}: {refused}");
        }
    }
    env.write("job.yaml", campaign.replace("order_update.yaml", "no_such.yaml"));
    let refused = env.run_offline(&["check", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("no_such.yaml"), "{refused}");
}
