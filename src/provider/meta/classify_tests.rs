//! What Meta's responses mean.

use std::time::Duration;

use super::*;
use crate::model::Pause;
use crate::provider::gateway::broken_answer;

fn refused(status: u16, code: u32, message: &str) -> Outcome {
    let body = format!(
        r#"{{"error":{{"message":"(#{code}) {message}","type":"OAuthException","code":{code},
        "error_data":{{"messaging_product":"whatsapp","details":"More about it."}},"fbtrace_id":"Az8or2yhqkZfEZ-_4Qn_Bam"}}}}"#
    );
    answer(StatusCode::from_u16(status).unwrap(), None, body.as_bytes())
}

#[test]
fn an_id_means_accepted_whatever_the_messages_status() {
    for extra in [
        "",
        r#","message_status":"accepted""#,
        r#","message_status":"held_for_quality_assessment""#,
        r#","message_status":"paused""#,
    ] {
        let body = format!(
            r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"+16505551234","wa_id":"16505551234"}}],
            "messages":[{{"id":"wamid.HBgL"{extra}}}]}}"#
        );
        let accepted = Outcome::Accepted {
            message_id: "wamid.HBgL".into(),
            is_held: extra.contains("held") || extra.contains("paused"),
        };
        assert_eq!(answer(StatusCode::OK, None, body.as_bytes()), accepted);
    }
    for body in [r#"{"messages":[]}"#, r#"{"messages":[{"id":" "}]}"#, r#"{"success":true}"#, "{}"] {
        assert!(matches!(answer(StatusCode::OK, None, body.as_bytes()), Outcome::Unnamed(_)), "{body}");
    }
    let id = "x".repeat(LONGEST_ID + 1);
    let body = format!(r#"{{"messages":[{{"id":"{id}"}}]}}"#);
    assert!(matches!(answer(StatusCode::OK, None, body.as_bytes()), Outcome::Unnamed(_)));
}

/// A second request would be a second message.
#[test]
fn an_id_with_a_status_that_denies_it_leaves_the_message_in_doubt() {
    for status in [303, 400, 401, 404, 429, 500, 503] {
        for error in ["", r#","error":{"message":"(#130429) Rate limit hit","code":130429}"#] {
            let body = format!(r#"{{"messages":[{{"id":"wamid.HBgL"}}]{error}}}"#);
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = answer(status, Some(Duration::from_secs(1)), body.as_bytes());
            assert!(matches!(outcome, Outcome::Uncertain(_)), "{status} {body}: {outcome:?}");
        }
    }
}

#[test]
fn every_refusal_has_its_meaning() {
    let account = |outcome| matches!(outcome, Outcome::Halted(_));
    for (status, code) in [(401, 0), (400, 33), (401, 190), (403, 10), (403, 200), (403, 368), (400, 131_042)] {
        assert!(account(refused(status, code, "Sorry")), "{code}");
    }
    for (status, code) in [(400, 100), (400, 131_026), (400, 131_008), (400, 132_000), (400, 131_050)] {
        assert!(matches!(refused(status, code, "Sorry"), Outcome::Refused(_)), "{code}");
    }
    for (status, code) in [(400, 130_429), (429, 130_429), (400, 4), (400, 80_007)] {
        assert!(matches!(refused(status, code, "Sorry"), Outcome::Throttled { .. }), "{code}");
    }
    for (status, code) in [(404, 132_001), (400, 132_015), (400, 132_016)] {
        assert!(matches!(refused(status, code, "Sorry"), Outcome::TemplateRefused(_)), "{code}");
    }
    for (status, code) in [(503, 2), (500, 131_016), (500, 131_057)] {
        assert!(matches!(refused(status, code, "Sorry"), Outcome::TryAgain { .. }), "{code}");
    }
    assert!(matches!(refused(400, 131_056, "Sorry"), Outcome::Deferred { pause: Pause::Short, .. }));
    assert!(matches!(refused(400, 131_049, "Sorry"), Outcome::Deferred { pause: Pause::Days, .. }));
    // An unlisted code is classified by the HTTP status.
    assert!(matches!(refused(400, 199_999, "Sorry"), Outcome::Refused(_)));
    assert!(matches!(refused(500, 199_999, "Sorry"), Outcome::Uncertain(_)));
}

#[test]
fn a_failure_inside_meta_leaves_the_message_in_doubt() {
    for (status, code) in [(500, 1), (500, 2), (500, 131_000), (502, 131_000)] {
        assert!(matches!(refused(status, code, "Something went wrong"), Outcome::Uncertain(_)), "{status} {code}");
    }
    for (status, body) in [(500, ""), (502, "<html>Bad Gateway</html>"), (504, ""), (200, "<html>"), (200, "")] {
        let outcome = answer(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
        assert!(matches!(outcome, Outcome::Uncertain(_)), "{status} {body}: {outcome:?}");
    }
    let cut = BadAnswer::BrokeOff("reset".to_owned());
    assert!(matches!(broken_answer(StatusCode::OK, None, cut.clone()), Outcome::Uncertain(_)));
    assert!(matches!(broken_answer(StatusCode::UNAUTHORIZED, None, cut), Outcome::Halted(_)));
}

#[test]
fn an_error_in_a_success_is_not_sent_again_if_it_may_have_been_accepted() {
    for code in [1, 2, 131_000, 131_016, 131_057, 131_052, 133_004, 199_999] {
        assert!(matches!(refused(200, code, "Something went wrong"), Outcome::Uncertain(_)), "{code}");
    }
    assert!(matches!(refused(200, 190, "Expired"), Outcome::Halted(_)));
    assert!(matches!(refused(200, 131_026, "Undeliverable"), Outcome::Refused(_)));
    for code in [131_016, 190] {
        let body = format!(r#"{{"messages":[{{"id":"wamid.A"}}],"error":{{"message":"Overloaded","code":{code}}}}}"#);
        let outcome = answer(StatusCode::OK, None, body.as_bytes());
        assert_eq!(outcome, Outcome::Accepted { message_id: "wamid.A".into(), is_held: false }, "{code}");
    }
}

#[test]
fn advice_is_about_metas_account_and_webhooks() {
    use crate::model::ProviderApi;
    use crate::provider::advice;
    let codes = ["http_401", "http_404", "http_405", "interrupted", "timeout", "bad_answer", "http_502", "http_400"];
    for code in codes.into_iter().chain(["not_delivered", "0", "190"]) {
        let words = advice(ProviderApi::Meta, code).unwrap();
        assert!(!words.contains("INCS") && !words.contains("poll"), "{code}: {words}");
        assert!(!words.contains("ask the provider whether"), "{code}: {words}");
    }
    assert!(advice(ProviderApi::Meta, "timeout").unwrap().contains("serve --webhook"));
    assert!(advice(ProviderApi::Incs, "http_401").unwrap().contains("INCS_CERTIFICATION_CODE"));
}

#[test]
fn a_wrong_app_secret_is_the_accounts_fault_and_not_the_rows() {
    let outcome = refused(400, 100, "Invalid appsecret_proof provided in the API argument");
    assert!(matches!(outcome, Outcome::Halted(_)), "{outcome:?}");
}

#[test]
fn the_words_are_metas_without_the_code_in_front() {
    let Outcome::Refused(problem) = refused(400, 131_026, "Message Undeliverable.") else { panic!() };
    assert_eq!(
        (problem.code.as_str(), problem.message().to_string().as_str()),
        ("131026", "Message Undeliverable.: More about it.",)
    );
    let wait = Some(Duration::from_secs(300));
    let Outcome::Throttled { wait: asked, .. } =
        answer(StatusCode::BAD_REQUEST, wait, br#"{"error":{"message":"(#80007) Rate limit","code":80007}}"#)
    else {
        panic!()
    };
    assert_eq!(asked, wait);
}
