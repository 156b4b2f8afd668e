//! From a list to a checked campaign: by flags, by guesses that are named, and by a person's answers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::template_server::{Lost, SALE, TemplateServer};
use crate::support::terminal::Terminal;
use crate::support::{Finished, TestEnv, csv, xlsx_of};

/// A messy list of people in Hong Kong, whose numbers have their country code.
fn people(rows: usize) -> String {
    let mut text = "Customer No,First Name,Mobile,Discount\n".to_owned();
    for n in 0..rows {
        text.push_str(&format!("{},Ana {n},+852 6400 {n:04},{}%\n", 10_000_000 + n, n % 50));
    }
    text
}

fn env_with(list: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("Spring People.csv", list);
    env
}

/// Runs `init` with the list, where nobody can be asked. The machine's locale is `locale`.
fn init(env: &TestEnv, locale: &str, args: &[&str]) -> Finished {
    let list = ["init", "--list", "Spring People.csv"];
    let args: Vec<&str> = list.iter().chain(args).copied().collect();
    env.start_with(&[("LC_ALL", locale), ("LANG", locale), ("LC_TELEPHONE", "")], &args).wait()
}

const SALE_FLAGS: [&str; 4] = ["--template", "spring_sale", "--params", "First Name,Discount"];

#[test]
fn a_list_and_a_template_name_are_enough_for_a_campaign_that_passes_check_and_runs() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = env_with(&people(20));
    let made = init(&env, "C", &SALE_FLAGS);
    assert!(made.code == 0 && made.out.contains("20 of 20 rows can be sent"), "{made}");
    let guess = "guessed: the numbers are in column `Mobile`, because 20 of 20 cells are numbers";
    assert!(made.err.contains(guess), "{made}");
    for option in ["provider", "channel", "rate"] {
        assert!(made.err.contains(&format!("guessed: the {option}, because --{option} was not given")), "{made}");
    }
    assert!(made.err.contains("countries of the first numbers: +852 Hong Kong: 20"), "{made}");
    assert!(made.err.contains("campaigner --db store.db run spring-people.yaml"), "the next command: {made}");
    let campaign = env.read("spring-people.yaml");
    assert!(campaign.contains(&format!("  # {guess}\n  to: Mobile ")), "{campaign}");
    assert!(campaign.contains("csv: \"Spring People.csv\""), "{campaign}");
    assert!(campaign.contains("text: \"{{ row['First Name'] }}\""), "{campaign}");

    let run = env.run_offline(&["run", "spring-people.yaml"]);
    assert!([0, 3].contains(&run.code), "{run}");
    assert_eq!(env.report("spring-people-1").len(), 20);
}

#[test]
fn a_list_in_the_place_of_the_folder_is_explained() {
    let env = env_with(&people(1));
    let refused = env.run_offline(&["init", "Spring People.csv"]);
    assert!(refused.code == 2 && refused.err.contains("pass `--list 'Spring People.csv'`"), "{refused}");
}

#[test]
fn a_spreadsheet_is_enough_too_and_its_sheet_is_never_guessed() {
    let env = TestEnv::new();
    env.write("客户.xlsx", xlsx_of(&csv(30)));
    let init = ["init", "--list", "客户.xlsx", "--template", "hello", "--params", "first_name", "--region", "none"];
    let unclear = env.run_offline(&init);
    assert!(
        unclear.code == 2 && unclear.err.contains("pass --sheet with one of these names: `List` and `Old`"),
        "{unclear}"
    );
    let made = env.run_offline(&[&init[..], &["--sheet", "List"]].concat());
    // One of the rows is hidden.
    assert!(made.code == 0 && made.out.contains("30 of 30 rows can be sent"), "{made}");
    let campaign = env.read("campaign.yaml");
    assert!(campaign.contains("xlsx: \"客户.xlsx\"\n  sheet: \"List\""), "{campaign}");
    let run = env.run_offline(&["run", "campaign.yaml"]);
    assert!([0, 3].contains(&run.code), "{run}");
}

#[test]
fn a_log_holds_no_names_of_columns() {
    let env = env_with(&people(3).replace("Mobile", "Ana Silva"));
    let made = init(&env, "C", &[&SALE_FLAGS[..], &["--log-format", "json"]].concat());
    assert!(made.code == 0 && made.err.contains("a comment from `campaigner init` marks something to check"), "{made}");
    assert!(!made.err.contains("Ana Silva"), "{made}");
}

#[test]
fn nothing_is_overwritten_and_the_configuration_is_private() {
    let env = env_with(&people(3));
    assert_eq!(init(&env, "C", &SALE_FLAGS).code, 0);
    let mode = fs::metadata(env.path("campaigner.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for file in ["spring-people.yaml", "campaigner.toml"] {
        env.write(file, format!("{}# mine\n", env.read(file)));
    }
    let before = env.read("spring-people.yaml");
    let again = init(&env, "C", &SALE_FLAGS);
    assert!(again.code == 2 && again.err.contains("spring-people.yaml already exists"), "{again}");
    assert_eq!(env.read("spring-people.yaml"), before);
    let other = init(&env, "C", &[&SALE_FLAGS[..], &["--name", "other"]].concat());
    assert!(other.code == 0 && env.read("campaigner.toml").ends_with("# mine\n"), "{other}");
}

#[test]
fn what_the_skeleton_shows_is_a_valid_configuration() {
    let env = env_with(&people(3));
    assert_eq!(init(&env, "C", &SALE_FLAGS).code, 0);
    let is_setting = |line: &&str| line.contains(" = ") || line.starts_with("# [");
    let text = env.read("campaigner.toml");
    let settings: Vec<&str> = text.lines().filter(is_setting).map(|line| &line[2..]).collect();
    env.write("campaigner.toml", settings.join("\n"));
    let checked = env.run_offline(&["--config", "campaigner.toml", "check", "spring-people.yaml"]);
    assert!(settings.len() > 10 && checked.code == 0, "{checked}");
}

#[test]
fn a_folder_is_made_and_the_list_is_named_by_its_place() {
    let env = env_with(&people(3));
    let made = init(&env, "C", &[&SALE_FLAGS[..], &["campaigns/spring"]].concat());
    assert_eq!(made.code, 0, "{made}");
    let campaign = env.read("campaigns/spring/spring-people.yaml");
    assert!(campaign.contains("/Spring People.csv\""), "{campaign}");
    assert!(!env.path("campaigns/spring/Spring People.csv").exists(), "the list is not copied");
}

#[test]
fn which_column_has_the_numbers_is_not_guessed_if_two_may_be_meant() {
    let list = people(10).replace("Customer No", "Emergency phone").replace("\n1000", "\n+85264110");
    let env = env_with(&list);
    let unclear = init(&env, "C", &SALE_FLAGS);
    assert!(
        unclear.code == 2 && unclear.err.contains("the candidates are `Emergency phone` and `Mobile`"),
        "{unclear}"
    );
    assert!(unclear.err.contains("pass --to COLUMN") && !env.path("spring-people.yaml").exists(), "{unclear}");
    let named = init(&env, "C", &[&SALE_FLAGS[..], &["--to", "Mobile"]].concat());
    assert_eq!(named.code, 0, "{named}");

    // A name says as much as a `+`: the phone of the shop, or the person's number?
    let shops = people(10).replace("Customer No", "Shop phone").replace("Mobile", "Contact");
    let env = {
        drop(env);
        env_with(&shops)
    };
    let unclear = init(&env, "C", &SALE_FLAGS);
    assert!(unclear.code == 2 && unclear.err.contains("the candidates are `Shop phone` and `Contact`"), "{unclear}");
    assert!(!env.path("spring-people.yaml").exists());

    // Digits in a column of any name may be anything.
    let env = {
        drop(env);
        env_with(&people(10).replace("Mobile", "Value").replace(",+852 6400", ",8526400").replace(" 00", "00"))
    };
    let unclear = init(&env, "C", &SALE_FLAGS);
    assert!(unclear.code == 2 && unclear.err.contains("pass --to COLUMN"), "{unclear}");
}

#[test]
fn a_region_is_never_guessed_whatever_the_locale_is() {
    let list: String = (0..30).map(|n| format!("07911 1{n:05},Ana {n}\n")).collect();
    let env = env_with(&format!("Telefon,First Name\n{list}0044 7911 199999,Ben\n"));
    let flags = ["--template", "hello", "--params", "First Name"];
    for locale in ["C", "en_GB.UTF-8"] {
        let refused = init(&env, locale, &flags);
        let words = "30 of the first 31 numbers do not start with `+` or `00`";
        assert!(refused.code == 2 && refused.err.contains(words), "{refused}");
        assert!(refused.err.contains("--region CODE") && refused.err.contains("--region none"), "{refused}");
        assert!(!env.path("spring-people.yaml").exists());
    }
    let named = init(&env, "zh_HK.UTF-8", &[&flags[..], &["--region", "gb"]].concat());
    assert!(named.code == 0 && named.err.contains("+44 United Kingdom: 31"), "{named}");
    let campaign = env.read("spring-people.yaml");
    assert!(campaign.contains("region: \"GB\"") && !campaign.contains("guessed: no region"), "{campaign}");
}

#[test]
fn a_person_is_always_asked_for_the_region_and_sees_the_countries_first() {
    let list: String = (0..30).map(|n| format!("07911 1{n:05},Ana {n}\n")).collect();
    let env = env_with(&format!("Telefon,First Name\n{list}"));
    let flags = ["init", "--list", "Spring People.csv", "--name", "a", "--to", "Telefon", "--provider", "simulator"];
    let more = ["--channel", "whatsapp", "--template", "hello", "--params", "First Name", "--rate", "9/s"];
    let args = [&flags[..], &more, &["--schedule", "none"]].concat();
    let mut terminal = Terminal::start(&env, "LC_ALL=en_GB.UTF-8; export LC_ALL;", None, &args);
    terminal.wait_for("(such as HK, or `none`) [GB]: ");
    let shown = terminal.screen();
    assert!(shown.contains("with `none` (all numbers have a country code): no valid number: 30"), "{shown}");
    assert!(shown.contains("with `GB`: +44 United Kingdom: 30"), "{shown}");
    terminal.write("\n");
    let (finished, screen) = terminal.wait();
    assert!(finished.code == 0 && env.read("a.yaml").contains("region: \"GB\""), "{finished}\n{screen}");

    // Numbers of Hong Kong they are not, so nothing is suggested.
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "a" { "b" } else { arg }).collect();
    let mut terminal = Terminal::start(&env, "LC_ALL=zh_HK.UTF-8; export LC_ALL;", None, &args);
    terminal.wait_for("(such as HK, or `none`): ");
    terminal.write("\n");
    terminal.wait_for("an answer is needed");
    terminal.write("none\n");
    let (finished, screen) = terminal.wait();
    assert!(finished.code == 2 && !env.read("b.yaml").contains("  region:"), "{finished}\n{screen}");
}

#[test]
fn national_numbers_that_would_be_strangers_abroad_need_a_region() {
    // Mobile numbers of Germany with and without the 0. Without it they would be numbers in the USA.
    let list: String = (0..20).map(|n| format!("0151 2345 6{n:03},Ana\n1512 3456{n:03},Ana\n")).collect();
    let env = env_with(&format!("phone,name\n{list}"));
    let refused = init(&env, "C", &["--template", "hello", "--params", "name"]);
    assert!(refused.code == 2 && refused.err.contains("--region"), "{refused}");
    assert!(!env.path("spring-people.yaml").exists(), "{refused}");
}

#[test]
fn odd_names_and_texts_are_quoted() {
    let env = env_with("phone,\"it's \"\"a\"\": #1\",{{ x }}\n+85264000001,Ana,Rome\n");
    let flags = ["--template", "yes", "--params", "it's \"a\": #1", "--language", "no"];
    let made = init(&env, "C", &flags);
    assert!(made.code == 0 && made.out.contains("1 of 1 row can be sent"), "{made}");
    let preview = env.run_offline(&["preview", "spring-people.yaml"]);
    assert!(preview.out.contains("\"name\":\"yes\"") && preview.out.contains("\"text\":\"Ana\""), "{preview}");
    let text = ["--channel", "viber", "--text", "Hi: {{ row['{{ x }}'] }} #1\n- \"a\"", "--name", "text"];
    let made = init(&env, "C", &text);
    assert_eq!(made.code, 0, "{made}");
    assert!(env.run_offline(&["preview", "text.yaml"]).out.contains(r#""text":"Hi: Rome #1\n- \"a\"""#), "{made}");
}

#[test]
fn what_cannot_be_guessed_is_an_error_that_names_the_flag() {
    let env = env_with(&people(3));
    for (args, flag) in [
        (&["init"][..], "pass --list FILE"),
        (&["init", "--list", "Spring People.csv"], "pass --template NAME or --text TEXT"),
        (&["init", "--list", "Spring People.csv", "--channel", "rcs"], "pass --text TEXT"),
        (
            &["init", "--list", "Spring People.csv", "--template", "a", "--params", "Frist Name"],
            "did you mean `First Name`?",
        ),
        (&["init", "--list", "Spring People.csv", "--template", "a", "--provider", "shop"], "unknown provider `shop`"),
        (&["init", "--list", "Spring People.csv", "--template", "a", "--schedule", "@daily"], "pass --timezone ZONE"),
        (
            &["init", "--list", "Spring People.csv", "--template", "a", "--schedule", "noon"],
            "is not a valid date and time",
        ),
        (&["init", "--list", "Spring People.csv", "--template", "a", "--to", "x"], "the list has no column `x`"),
        (&["init", "--list", "Spring People.csv", "--template", "a", "--sheet", "x"], "--sheet is for spreadsheets"),
    ] {
        let refused = env.run_offline(args);
        assert!(refused.code == 2 && refused.err.contains(flag), "{flag}: {refused}");
    }
    env.write("people.csv", "+85264000001,Ana\n+85264000002,Ben\n");
    let refused = env.run_offline(&["init", "--list", "people.csv", "--template", "a"]);
    assert!(
        refused.code == 2 && refused.err.contains("add a header line") && !refused.err.contains("6400"),
        "{refused}"
    );
    assert!(!env.path("campaigner.toml").exists());
}

#[test]
fn a_campaign_that_check_would_refuse_is_not_written() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = env_with(&people(3));
    for (text, words) in [
        ("Hi {{ nam }}", "there is no column `nam`"),
        ("Hi {{ First Name }}", "is not a valid template expression"),
        (&"a".repeat(1_100), "error["),
    ] {
        let refused = init(&env, "C", &["--channel", "viber", "--text", text]);
        assert!(refused.code == 2 && refused.err.contains(words), "{text}: {refused}");
        assert!(refused.err.contains("nothing was written"), "{refused}");
    }
    env.write("store.db", "a text that is no store, and long enough to be looked at as one");
    let refused = init(&env, "C", &SALE_FLAGS);
    assert!(refused.code == 1 && refused.err.contains("is not a campaigner store"), "{refused}");
    for file in ["spring-people.yaml", "campaigner.toml"] {
        assert!(!env.path(file).exists(), "{file}");
    }
}

#[test]
fn if_one_file_cannot_be_written_none_is_left() {
    let env = env_with(&people(3));
    let refused = init(&env, "C", &[&SALE_FLAGS[..], &["Spring People.csv/x"]].concat());
    assert!(refused.code == 1 && refused.err.contains("cannot write"), "{refused}");
    for file in ["spring-people.yaml", "campaigner.toml", "store.db"] {
        assert!(!env.path(file).exists(), "{file}");
    }
}

#[test]
fn the_next_commands_can_be_pasted_and_read_the_configuration() {
    if TestEnv::is_on_a_server() {
        return; // It is about a store in a file.
    }
    let env = env_with(&people(3));
    let made = init(&env, "C", &[&SALE_FLAGS[..], &["Ana's campaigns"]].concat());
    assert_eq!(made.code, 0, "{made}");
    let word = r"'Ana'\''s campaigns/spring-people.yaml'";
    assert!(made.err.contains(&format!("campaigner --db store.db run {word}")), "{made}");
    assert!(env.path("campaigner.toml").exists(), "where every command reads it");
    assert!(!env.path("Ana's campaigns/campaigner.toml").exists());

    env.write("my.toml", "[providers.shop]\nkind = \"incs\"\n[providers.incs]\nkind = \"simulator\"\n");
    fs::remove_file(env.path("campaigner.toml")).unwrap();
    for (provider, note) in [("shop", "sends to real people"), ("incs", "through a simulator, nobody gets a message")] {
        let more = ["--config", "my.toml", "--name", provider, "--provider", provider];
        let made = init(&env, "C", &[&SALE_FLAGS[..], &more].concat());
        assert_eq!(made.code, 0, "{made}");
        assert!(made.err.contains("campaigner --db store.db --config my.toml run "), "{made}");
        let campaign = env.read(&format!("{provider}.yaml"));
        assert!(campaign.contains(&format!("provider: {provider} # {note}")), "{campaign}");
        assert_eq!(made.err.contains("is charged like any other message"), provider == "shop", "{made}");
    }
    assert!(!env.path("campaigner.toml").exists(), "--config names another one");
}

#[test]
fn a_template_of_a_provider_is_matched_with_the_columns_and_checked() {
    let server = TemplateServer::new("nxlink", Lost::Nothing);
    server.env.write("sale.yaml", SALE.replace("first_name", "WhatsApp").replace("{{campaign}}", "{{1}}"));
    server.env.write("people.csv", "phone,WhatsApp name,campaign\n+85264000001,Ana,spring\n");
    server.succeeds(&["create", "sale.yaml"]);
    let init = ["init", "--list", "people.csv", "--to", "phone", "--template", "spring_sale", "--name"];
    server.approve("spring_sale");
    let misspelt = server.run(&["init", "--list", "people.csv", "--template", "spring_sael"]);
    assert!(misspelt.code == 2 && misspelt.err.contains("did you mean `spring_sale`?"), "{misspelt}");
    // Nothing says that the next column is the one for {{1}}.
    let made = server.run(&[&init[..], &["open"]].concat());
    let campaign = server.env.read("open.yaml");
    assert!(campaign.contains("definition: {from: nxlink, language: \"en_US\"}"), "{campaign}");
    assert!(made.err.contains("is filled from column `WhatsApp name`, because"), "{made}\n{campaign}");
    let gap = campaign.lines().position(|line| line.contains("text: \"\"} # to do: the list has no column for {{1}}"));
    let gap = gap.expect("the gap is marked") + 1;
    assert!(made.code == 2 && made.err.contains(&format!("open.yaml:{gap}: to do: the list has no column")), "{made}");
    assert!(made.err.contains(&format!("--> open.yaml:{gap}:")), "{made}");
    assert!(made.err.contains("complete every line marked `to do` in open.yaml"), "{made}");

    let made = server.run(&[&init[..], &["full", "--params", "WhatsApp name,campaign"]].concat());
    assert!(made.code == 0 && made.out.contains("1 of 1 row can be sent"), "{made}");
    let checked = server.run(&["check", "full.yaml"]);
    assert!(checked.err.contains("full.yaml:17: guessed: no region is needed"), "{checked}");
}

#[test]
fn a_gap_in_every_part_of_a_message_is_refused_at_its_line() {
    let server = TemplateServer::new("cams", Lost::Nothing);
    server.env.write("sale.yaml", SALE.replace("Our sale is on", "Our {{season}} sale is on"));
    server.env.write("people.csv", "phone,x\n+85264000001,Ana\n");
    server.succeeds(&["create", "sale.yaml"]);
    server.approve("spring_sale");
    let made = server.run(&["init", "--list", "people.csv", "--template", "spring_sale"]);
    let campaign = server.env.read("people.yaml");
    let gaps: Vec<usize> =
        campaign.lines().zip(1..).filter(|(line, _)| line.contains("# to do: ")).map(|(_, number)| number).collect();
    assert_eq!((made.code, gaps.len()), (2, 3), "{made}\n{campaign}");
    for gap in gaps {
        assert!(made.err.contains(&format!("--> people.yaml:{gap}:")), "{gap}: {made}\n{campaign}");
    }
}

#[test]
fn a_part_that_no_column_fills_is_to_do_and_refused() {
    let server = TemplateServer::new("cams", Lost::Nothing);
    let text = "    format: TEXT\n    text: Our sale is on";
    let image = "    format: IMAGE\n    url: \"https://www.example.com/tulips.png\"";
    server.env.write("sale.yaml", SALE.replace(text, image));
    server.env.write("people.csv", "phone,First Name,campaign\n+85264000001,Ana,spring\n");
    server.succeeds(&["create", "sale.yaml"]);
    server.approve("spring_sale");
    let made = server.run(&["init", "--list", "people.csv", "--template", "spring_sale"]);
    assert!(made.code == 2 && made.err.contains(": to do: fill in the header (IMAGE)"), "{made}");
    assert!(made.err.contains("error[") && made.err.contains("--> people.yaml:"), "{made}");
}

#[test]
fn a_person_answers_what_the_flags_leave_open() {
    let env = env_with(&people(5));
    let mut terminal = Terminal::start(&env, "", None, &["init"]);
    for (question, answer) in [
        ("the list (CSV or spreadsheet) [Spring People.csv]: ", "people.csv\n"),
        ("there is no file people.csv", "'Spring People.csv'\n"),
        ("the name of the campaign [spring-people]: ", "Hello!\n"),
        ("such as `hello`", "hello\n"),
        ("the column with the numbers [Mobile]: ", "\n"),
        ("[simulator]: ", "\n"),
        ("[whatsapp]: ", "\n"),
        ("the name of the template: ", "\n"),
        ("an answer is needed", "spring_sale\n"),
        ("the columns (empty: no variables): ", "First Name, Discount\n"),
        ("[80/s]: ", "fast\n"),
        ("`fast` has no unit", "20/s\n"),
        ("empty: no schedule): ", "every day\n"),
        ("is not a valid date and time", "2020-01-31T09:00\n"),
        ("the time zone of the schedule", "UTC\n"),
        ("2020-01-31T09:00 in UTC has passed", "0 9 * * MON\n"),
        ("the time zone of the schedule", "Asia/Hongkong\n"),
        ("did you mean `Asia/Hong_Kong`?", "Asia/Hong_Kong\n"),
    ] {
        terminal.wait_for(question);
        terminal.write(answer);
    }
    let (finished, screen) = terminal.wait();
    assert!(finished.code == 0 && finished.out.contains("5 of 5 rows can be sent"), "{finished}\n{screen}");
    assert!(screen.contains("schedule explain hello.yaml"), "{screen}");
    let campaign = env.read("hello.yaml");
    assert!(campaign.contains("rate: 20/s"), "{campaign}");
    assert!(campaign.contains("\nschedule: {cron: \"0 9 * * MON\", timezone: Asia/Hong_Kong}"), "{campaign}");
}

#[test]
fn whoever_ends_it_during_a_question_has_no_new_files() {
    let env = env_with(&people(5));
    for key in ["\u{4}", "interrupt"] {
        let mut terminal = Terminal::start(&env, "", None, &["init", "--list", "Spring People.csv"]);
        for question in ["the name of the campaign", "the column with the numbers"] {
            terminal.wait_for(question);
            terminal.write("\n");
        }
        terminal.wait_for("[simulator]: ");
        match key {
            "interrupt" => terminal.signal("INT"),
            key => terminal.write(key),
        }
        let (finished, screen) = terminal.wait();
        assert!([2, -2].contains(&finished.code), "{finished}\n{screen}");
        for file in ["spring-people.yaml", "campaigner.toml", "store.db"] {
            assert!(!env.path(file).exists(), "{file}");
        }
    }
}

#[test]
fn with_all_flags_nothing_is_asked_on_a_terminal() {
    let env = env_with(&people(5));
    let flags = [
        "init",
        "--list",
        "Spring People.csv",
        "--name",
        "spring",
        "--to",
        "Mobile",
        "--provider",
        "simulator",
        "--channel",
        "whatsapp",
        "--template",
        "spring_sale",
        "--params",
        "First Name,Discount",
        "--region",
        "none",
        "--rate",
        "20/s",
        "--schedule",
        "none",
    ];
    let (finished, screen) = Terminal::start(&env, "", None, &flags).wait();
    assert!(finished.code == 0 && !screen.contains("]: "), "{finished}\n{screen}");
    assert!(!env.read("spring.yaml").contains("# guessed"));
}
