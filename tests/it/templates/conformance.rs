//! Templates are pulled from a provider, campaigns are compared with them, and the provider is asked again before a
//! run's first message.

use crate::support::Finished;
use crate::support::template_server::{Lost, SALE, TemplateServer};

/// A campaign for the template of `SALE`, to be sent over the simulator that keeps it.
const CAMPAIGN: &str = r#"
name: job
provider: incs
channel: whatsapp
definition: {from: PROVIDER}
recipients: {csv: list.csv, to: phone}
message:
  type: template
  template:
    name: spring_sale
    components:
      - type: body
        parameters: [{type: text, parameter_name: first_name, text: "{{ first_name }}"}]
      - {type: button, sub_type: url, index: "1", parameters: [{type: text, text: spring}]}
reconcile: {after: 200ms, every: 300ms, for: 1m}
"#;

/// A server that has the template, approved and pulled, and a campaign for it.
fn server(provider: &'static str) -> TemplateServer {
    let server = TemplateServer::new(provider, Lost::Nothing);
    server.env.write("job.yaml", CAMPAIGN.replace("PROVIDER", provider));
    server.env.write("list.csv", "phone,first_name\n85264000001,Ana\n85264000002,Bo\n85264000003,Cy\n");
    server.succeeds(&["create", "sale.yaml"]);
    server.approve("spring_sale");
    server.succeeds(&["pull"]);
    server
}

fn assert_printed(done: &Finished, code: i32, words: &[&str]) {
    assert_eq!(done.code, code, "{done}");
    let all = format!("{}{}", done.out, done.err);
    for words in words {
        assert!(all.contains(words), "{words}: {done}");
    }
}

#[test]
fn a_campaign_is_held_against_what_was_pulled_without_network() {
    for provider in ["nxlink", "cams"] {
        let server = server(provider);
        // Nobody is asked: the account need not even be configured.
        let right = server.env.run_offline(&["check", "job.yaml"]);
        assert_printed(&right, 0, &["template `spring_sale` in en_US: `", "pulled 0 s ago", "3 of 3 rows can be sent"]);

        let campaign = server.env.read("job.yaml");
        server.env.write("job.yaml", campaign.replace("index: \"1\"", "index: \"0\""));
        for command in ["check", "run", "preview"] {
            let wrong = server.run(&[command, "job.yaml"]);
            assert_printed(&wrong, 2, &["button_kind", "job.yaml:14:"]);
            assert_eq!(wrong.out, "", "the campaign is wrong, not its rows");
        }
        let wrong = server.run(&["check", "job.yaml"]);
        assert_printed(
            &wrong,
            2,
            &["job.yaml:14:", "see `components[2].buttons[0].type` in the template (`spring_sale` in en_US at"],
        );

        // Another account knows nothing of it.
        let variable = if provider == "nxlink" { "NXLINK_PHONE" } else { "CAMS_CUST_SPACE_ID" };
        let phone = "85299999999".to_owned();
        let other = server.env.start_with(&[(variable, &phone), ("NXLINK_TENANT_ID", "123")], &["check", "job.yaml"]);
        assert_printed(&other.wait(), 2, &["not_pulled", "job.yaml:10:", " templates pull --provider"]);
    }
}

#[test]
fn a_template_that_cannot_be_sent_is_reported_where_the_campaign_names_it() {
    let server = server("cams");
    let campaign = server.env.read("job.yaml");
    let changed = |from: &str, to: &str, code: i32, words: &[&str]| {
        assert!(campaign.contains(from), "{from}");
        server.env.write("job.yaml", campaign.replace(from, to));
        assert_printed(&server.run(&["check", "job.yaml"]), code, words);
    };
    changed(
        "name: spring_sale",
        "name: sprint_sale",
        2,
        &["unknown_template", "job.yaml:10:", "did you mean `spring_sale`?"],
    );
    changed("name: spring_sale", "name: \"{{ first_name }}\"", 2, &["not_fixed", "job.yaml:10:"]);
    changed(
        "{from: cams}",
        "{from: cams, language: de}",
        2,
        &["unknown_language", "does not have the template `spring_sale` in de, only in `en_US`"],
    );
    changed("{from: cams}", "{from: cam}", 2, &["did you mean `cams`?", "job.yaml:5:"]);
    changed("{from: cams}", "{form: cams}", 2, &["did you mean `from`?", "job.yaml:5:"]);
    changed("{from: cams}", "{from: nxlink}", 2, &["not_pulled"]);

    // A second language, and nothing says which.
    server.env.write("german.yaml", SALE.replace("en_US", "de"));
    server.succeeds(&["create", "german.yaml"]);
    server.succeeds(&["pull"]);
    changed("", "", 2, &["which_language", "write `definition: {from: cams, language: de}`"]);
    changed("{from: cams}", "{from: cams, language: en_US}", 0, &[]);
    let both = campaign.replace("{from: cams}", "{from: cams, language: de}");
    server.env.write("job.yaml", both.replace("name: spring_sale", "name: spring_sale\n    language: en_US"));
    let contradicts = "the message is sent in en_US; the rows are checked against the template in en_US";
    assert_printed(&server.run(&["check", "job.yaml"]), 0, &["definition` names the language de", contradicts]);
    changed(
        "{from: cams}",
        "{from: cams, language: de}",
        2,
        &["template_state", "at CAMS, it was `unaudit` when it was pulled"],
    );

    // What is pulled by name takes the place of what was there, also where it is gone.
    let deleted = server.templates(&["delete", "spring_sale", "--language", "en_US", "--yes"]);
    assert_printed(&deleted, 0, &["still checked against `spring_sale` as it was pulled before this change"]);
    server.succeeds(&["delete", "spring_sale", "--language", "de", "--yes"]);
    assert_printed(&server.templates(&["pull", "spring_sale"]), 2, &["CAMS has no template `spring_sale`"]);
    changed("", "", 2, &["not_pulled"]);
}

#[test]
fn all_pages_are_pulled() {
    for provider in ["nxlink", "cams"] {
        let server = TemplateServer::new(provider, Lost::Nothing);
        for n in 0..53 {
            server.env.write("one.yaml", SALE.replace("spring_sale", &format!("sale_{n}")));
            server.succeeds(&["create", "one.yaml", "-q"]);
        }
        let pulled: serde_json::Value = serde_json::from_str(&server.succeeds(&["pull", "--json"])).unwrap();
        assert_eq!(pulled.as_array().unwrap().len(), 53);
    }
}

#[test]
fn a_template_that_changed_since_the_check_stops_the_run_before_its_first_message() {
    for provider in ["nxlink", "cams"] {
        let server = server(provider);
        let nothing_sent = || assert_eq!(server.sent(), 0);
        let (paused, word) = if provider == "nxlink" { ("11", "paused") } else { ("fail", "fail") };
        server.review("spring_sale", paused);
        assert_printed(&server.run(&["run", "job.yaml"]), 4, &["stopped before sending", &format!("is now `{word}`")]);
        nothing_sent();
        assert_printed(&server.run(&["resume"]), 4, &[&format!("is now `{word}`"), " resume job-1"]);
        nothing_sent();

        // Changed: the text of a button.
        server.env.write("sale.yaml", SALE.replace("text: No more,", "text: Stop,"));
        server.review("spring_sale", "fail");
        server.succeeds(&["update", "sale.yaml"]);
        server.approve("spring_sale");
        let changed = server.run(&["run", "job.yaml"]);
        assert_printed(
            &changed,
            4,
            &["changed since it was pulled", "button 1 text\n    - No more\n    + Stop", "templates pull --provider"],
        );
        nothing_sent();
        assert_printed(&server.run(&["resume"]), 2, &["import it again with `campaigner ", " run FILE`"]);

        // Accepted as it is: the rows are checked again, and sent.
        server.succeeds(&["pull", "spring_sale"]);
        assert_printed(&server.run(&["run", "job.yaml", "--no-wait"]), 0, &[]);
        assert_eq!(server.sent(), 3);
        server.env.verify("job-1");
    }
}

#[test]
fn what_was_pulled_before_anything_was_sent_counts_for_the_run_that_was_stopped() {
    let server = server("nxlink");
    server.review("spring_sale", "11");
    assert_printed(&server.run(&["run", "job.yaml"]), 4, &["is now `paused`"]);
    server.env.write("sale.yaml", SALE.replace("take 25% off", "take 30% off"));
    server.succeeds(&["update", "sale.yaml"]);
    server.approve("spring_sale");
    server.succeeds(&["pull"]);
    assert_printed(&server.run(&["run", "job.yaml", "--no-wait"]), 0, &["continuing job-1"]);
    assert_eq!(server.sent(), 3);
    server.env.verify("job-1");
}

#[test]
fn a_run_that_was_started_continues_only_with_rows_that_fit_the_template_as_it_is() {
    let server = server("nxlink");
    assert_printed(&server.run(&["run", "job.yaml", "--no-wait", "--limit", "1"]), 4, &[]);
    assert_eq!(server.sent(), 1);

    // A variable more: no row fits.
    let new = SALE.replace("Hi {{first_name}}", "Hi {{first_name}} {{last_name}}");
    server.env.write("sale.yaml", new.replace("{first_name: Ana}", "{first_name: Ana, last_name: Lee}"));
    server.succeeds(&["update", "sale.yaml"]);
    assert_printed(
        &server.run(&["resume"]),
        4,
        &["changed since it was pulled", "then check and send the rest:     campaigner ", " resume job-1"],
    );
    server.succeeds(&["pull"]);
    let left = server.run(&["resume"]);
    assert_printed(&left, 4, &["2 rows would not fit the template", "row 2: ", "[parameter_count]", " cancel job-1"]);
    assert_eq!(server.sent(), 1);

    // Another text: all of them do.
    server.env.write("sale.yaml", SALE.replace("take 25% off", "take 30% off"));
    server.succeeds(&["update", "sale.yaml"]);
    assert_printed(
        &server.run(&["resume"]),
        4,
        &["- Hi {{first_name}}, take 25% off.", "+ Hi {{first_name}}, take 30% off."],
    );
    server.succeeds(&["pull"]);
    assert_printed(&server.run(&["resume", "--no-wait"]), 0, &[]);
    assert_eq!(server.sent(), 3);
    server.env.verify("job-1");
}

#[test]
fn nothing_is_sent_while_the_template_cannot_be_checked() {
    let mut server = server("cams");
    let way = server.variables[0].1.clone();
    server.variables[0].1 = "http://127.0.0.1:9".to_owned();
    // What was pulled there says nothing of another account.
    assert_printed(&server.run(&["run", "job.yaml"]), 2, &["not_pulled"]);
    server.variables[0].1 = way;
    server.close_templates();
    let failed = server.run(&["run", "job.yaml"]);
    assert_printed(&failed, 1, &["nothing is sent without this check", "cannot reach CAMS"]);
    assert_eq!(server.sent(), 0);
    server.variables.retain(|(name, _)| *name != "ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    assert_printed(&server.run(&["resume"]), 1, &["set ALIBABA_CLOUD_ACCESS_KEY_SECRET", "nothing is sent"]);
    assert_eq!(server.sent(), 0);
}
