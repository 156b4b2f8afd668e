//! The page on which people watch the service: its parts, and the data behind it. `tests/browser` tries how it looks
//! and what can be pressed.

use serde_json::{Value, json};

use crate::support::service::{TOKEN, WITH_TOKEN, ask, ask_for_all, due, service};
use crate::support::{Running, SOON, ScriptedProvider, wait_until};

fn live(service: &Running, of: &str) -> Value {
    let (status, output) = ask(service, "GET", &format!("/live{of}"), "", "");
    assert_eq!(status, 200, "{output}");
    serde_json::from_str(&output).unwrap()
}

#[test]
fn the_page_is_the_same_for_everybody_and_shows_what_status_has() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(0, "400/s", ""));
    let service = service(&env, &provider);
    assert!(wait_until(SOON, || live(&service, "")["shown"]["stage"] == "finished"), "{}", service.stderr());
    let (head, page) = ask_for_all(&service, "GET", "/", "", "");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/html; charset=utf-8"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'; style-src 'sha256-"), "{head}");
    assert!(page.contains("<article id=\"run\"") && !page.contains("job-1"), "{page}");
    for placeholder in ["/* styles */", "/* script */"] {
        assert!(!page.contains(placeholder), "{placeholder} is filled in");
    }

    let status: Value = serde_json::from_str(&env.run_offline(&["status", "--json"]).out).unwrap();
    let output = live(&service, "");
    let shown = &output["shown"];
    for key in ["run", "rows", "states", "errors", "started_at", "polls"] {
        assert_eq!(shown[key], status[key], "{key}");
    }
    let counts = json!({"accepted": 60, "delivered": 60, "read": 60, "settled": 60, "sendable": 60});
    assert_eq!(shown["counts"], counts);
    assert!(shown["funnel"].as_str().unwrap().contains("<b class=\"number\">60</b>"), "{shown}");
    assert_eq!(output["runs"][0]["run"], "job-1");
    assert!(!output.to_string().contains("85264"), "no numbers: {output}");

    // What did not change is not shown again, and a run that is not there is no failure of the service.
    let (head, _) = ask_for_all(&service, "GET", "/live/job-1", "", "");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = ask(&service, "GET", "/live/job-1", &format!("If-None-Match: {etag}\r\n"), "");
    assert_eq!(again, (304, String::new()));
    for unknown in ["/job-9", "/nonsense"] {
        assert_eq!(live(&service, unknown)["shown"], Value::Null, "{unknown}");
    }
    assert_eq!(service.stop().code, 0);
}

#[test]
fn where_others_can_reach_it_the_page_shows_nothing_without_the_token() {
    let (provider, env) = (ScriptedProvider::accepting_all(), due(7200, "400/s", ""));
    let prelude = format!("export CAMPAIGNER_TOKEN={TOKEN}");
    let service = env.start_with_prelude(&prelude, Some(&provider.url()), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(ask(&service, "GET", "/", "", "").0, 200);
    assert_eq!(ask(&service, "GET", "/live", "", "").0, 401);
    assert_eq!(ask(&service, "GET", "/live", WITH_TOKEN, "").0, 200);
    assert_eq!(service.stop().code, 0);
}
