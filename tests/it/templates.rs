//! Templates made, shown, changed and deleted at the simulated NXLink and CAMS, and never made twice.

use std::sync::atomic::Ordering;

use campaigner::simulator::Simulator;

use crate::office::{Lost, Office, SALE};
use crate::workplace::Workplace;

#[test]
fn a_template_is_made_listed_shown_changed_and_deleted() {
    for provider in ["nxlink", "cams"] {
        let office = Office::new(provider, Lost::Nothing);
        assert!(office.right(&["create", "sale.yaml"]).starts_with("made: spring_sale in en_US, id "));
        let listed = office.listed();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0]["name"], &listed[0]["language"]), (&"spring_sale".into(), &"en_US".into()));
        let table = office.right(&["list"]);
        assert!(table.starts_with("ID ") && table.contains("spring_sale  en_US     MARKETING  "), "{table}");

        // What is shown is a definition file, and an update from it would change nothing.
        let shown = office.right(&["show", "spring_sale"]);
        office.work.write("shown.yaml", &shown);
        assert_eq!(office.right(&["diff", "sale.yaml"]), "an update would change nothing\n");
        if provider == "cams" {
            assert_eq!(office.right(&["diff", "shown.yaml"]), "an update would change nothing\n");
        }

        office.work.write("sale.yaml", SALE.replace("25%", "30%").replace("text: Shop,", "text: Buy,"));
        let different = office.templates(&["diff", "sale.yaml"]);
        assert_eq!(different.code, 3, "{different}");
        assert_eq!(
            different.out,
            "BODY text\n  - Hi {{first_name}}, take 25% off.\n  + Hi {{first_name}}, take 30% off.\n\
             button 2 text\n  - Shop\n  + Buy\n"
        );
        assert!(office.right(&["update", "sale.yaml"]).starts_with("changed: spring_sale in en_US"));
        assert_eq!(office.right(&["diff", "sale.yaml"]), "an update would change nothing\n");

        let asked = office.templates(&["delete", "spring_sale"]);
        assert!(asked.code == 2 && asked.err.contains("--yes"), "{asked}");
        assert_eq!(office.listed().len(), 1);
        assert!(office.right(&["delete", "spring_sale", "--yes"]).starts_with("deleted: spring_sale"));
        assert_eq!(office.listed().len(), 0);
        let gone = office.templates(&["show", "spring_sale"]);
        assert!(gone.code == 2 && gone.err.contains("there is no template `spring_sale`"), "{gone}");
    }
}

#[test]
fn a_lost_answer_never_makes_a_second_template() {
    for (provider, requests) in [("nxlink", 1), ("cams", 2)] {
        let office = Office::new(provider, Lost::Answer);
        let made = office.right(&["create", "sale.yaml"]);
        assert!(made.contains("the answer was lost"), "{made}");
        assert_eq!(office.made.load(Ordering::Relaxed), requests);
        assert_eq!(office.listed().len(), 1);
    }
}

#[test]
fn a_lost_request_is_sent_again_only_where_that_is_safe() {
    let office = Office::new("cams", Lost::Request);
    let made = office.right(&["create", "sale.yaml"]);
    assert!(!made.contains("the answer was lost"), "{made}");
    assert_eq!((office.listed().len(), office.made.load(Ordering::Relaxed)), (1, 2));

    // NXLink has nothing to tell a repeated request by.
    let office = Office::new("nxlink", Lost::Request);
    let unknown = office.templates(&["create", "sale.yaml"]);
    assert!(unknown.code == 1 && unknown.err.contains("it is not known whether NXLink made the change"), "{unknown}");
    assert_eq!((office.listed().len(), office.made.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn a_list_has_all_pages() {
    for provider in ["nxlink", "cams"] {
        let office = Office::new(provider, Lost::Nothing);
        for n in 0..53 {
            office.work.write("one.yaml", SALE.replace("spring_sale", &format!("sale_{n}")));
            office.right(&["create", "one.yaml", "-q"]);
        }
        assert_eq!(office.listed().len(), 53);
    }
}

#[test]
fn what_a_provider_refuses_is_told_with_what_to_do() {
    for (provider, secret, advice) in [
        ("nxlink", "NXLINK_ACCESS_SECRET", "check NXLINK_ACCESS_SECRET"),
        ("cams", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "check ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    ] {
        let mut office = Office::new(provider, Lost::Nothing);
        office.right(&["create", "sale.yaml"]);
        let twice = office.templates(&["create", "sale.yaml"]);
        assert!(twice.code == 1 && twice.err.contains("refused with"), "{twice}");
        for (name, value) in &mut office.variables {
            if *name == secret {
                *value = "geheim".to_owned();
            }
        }
        let refused = office.templates(&["list"]);
        assert!(refused.code == 1 && refused.err.contains(advice), "{refused}");
        assert!(!refused.err.contains("geheim"), "{refused}");
        office.variables.retain(|(name, _)| *name != secret);
        let unset = office.templates(&["list"]);
        assert!(unset.code == 1 && unset.err.contains(&format!("set {secret}")), "{unset}");
    }
}

#[test]
fn a_wrong_definition_is_shown_with_its_line_and_nothing_is_sent() {
    let office = Office::new("nxlink", Lost::Nothing);
    office.work.write("sale.yaml", SALE.replace("category: MARKETING", "category: AUTHENTICATION"));
    let wrong = office.templates(&["create", "sale.yaml"]);
    assert!(wrong.code == 2 && wrong.err.contains("sale.yaml:4:11") && wrong.err.contains("not_on_nxlink"), "{wrong}");
    assert_eq!(office.made.load(Ordering::Relaxed), 0);
    let checked = office.work.alone(&["templates", "check", "sale.yaml"]);
    assert!(checked.code == 2 && checked.out.contains("an AUTHENTICATION template has no HEADER"), "{checked}");
    office.work.write("sale.yaml", SALE);
    let checked = office.work.alone(&["templates", "check", "sale.yaml"]);
    assert!(checked.code == 0 && checked.out.contains("NXLink can express it\nCAMS can express it\n"), "{checked}");
}

#[test]
fn flows_are_listed_and_media_uploaded_by_their_address() {
    let office = Office::new("nxlink", Lost::Nothing);
    let flows = office.run(&["flows", "list"]);
    assert!(flows.code == 0 && flows.out.starts_with("470341793809141"), "{flows}");
    let media = office.run(&["media", "upload", "https://www.example.com/a b/17.jpg"]);
    assert!(media.code == 0, "{media}");
    assert_eq!(media.out, "media_id: \"1167113681293447\"\nfile_name: \"17.jpg\"\nformat: \"IMAGE\"\n");
    assert_eq!(office.run(&["media", "upload", "picture.jpg"]).code, 2);
}

#[test]
fn credentials_come_from_the_configuration_too_and_go_nowhere_in_the_open() {
    let office = Office::new("nxlink", Lost::Nothing);
    let base = &office.variables[0].1;
    let (key, secret) = Simulator::NXLINK_ACCOUNT;
    let account = format!(
        "[nxlink]\nbase_url = \"{base}\"\naccess_key = \"{key}\"\naccess_secret = \"{secret}\"\nphone = \"852\"\ntenant_id = 1\n"
    );
    office.work.write("campaigner.toml", &account);
    let listed = office.work.alone(&["templates", "list", "--provider", "nxlink", "--json"]);
    assert_eq!((listed.code, listed.out.trim()), (0, "[]"), "{listed}");
    office.work.write("campaigner.toml", account.replace("127.0.0.1", "nxlink.example.com"));
    let open = office.work.alone(&["templates", "list", "--provider", "nxlink"]);
    assert!(open.code == 1 && open.err.contains("must be https://"), "{open}");
}

/// A campaign that names its template's definition is held against it: the place in the campaign is told, and the place
/// in the template.
#[test]
fn a_campaign_that_disagrees_with_its_template_is_refused_at_both_places() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
    let read = |file: &str| std::fs::read_to_string(examples.join(file)).unwrap();
    let campaign = read("whatsapp-template-definition.yaml");
    let work = Workplace::new();
    std::fs::create_dir(work.path("definitions")).unwrap();
    work.write("definitions/order_update.yaml", read("definitions/order_update.yaml"));
    work.write("job.yaml", &campaign);
    assert_eq!(work.alone(&["check", "job.yaml"]).code, 0);
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
        work.write("job.yaml", changed);
        for command in ["check", "run"] {
            let refused = work.alone(&[command, "job.yaml"]);
            assert_eq!(refused.code, 2, "{code}: {refused}");
        }
        let refused = work.alone(&["check", "job.yaml"]);
        for words in ["row 1, line 8", "(job.yaml:", "(definitions/order_update.yaml:"] {
            assert!(refused.out.contains(words), "{code}, {words}: {refused}");
        }
        assert!(refused.out.contains(code), "{code}: {refused}");
    }
    work.write("job.yaml", campaign.replace("order_update.yaml", "no_such.yaml"));
    let refused = work.alone(&["check", "job.yaml"]);
    assert!(refused.code == 2 && refused.err.contains("no_such.yaml"), "{refused}");
}
