//! What Meta says about the account.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::provider::{Endpoint, MetaAccount};
use crate::test_server::answering;

const TOKEN: &str = "EAAJB-a-token";

/// Asks a server that answers each request line with what `answer` says: a status and a body. Returns the answers and
/// the request lines.
async fn asked(
    waba_id: Option<&str>,
    template: Option<(&str, &str)>,
    answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static,
) -> (Result<AccountAnswers, PollError>, Vec<String>) {
    let (address, seen) = answering(answer);
    let account = MetaAccount {
        phone_number_id: "106".into(),
        waba_id: waba_id.map(str::to_owned),
        marketing: false,
        app_secret: None,
    };
    let endpoint = Endpoint::meta(&format!("http://{address}/v25.0"), SecretString::from(TOKEN), account).unwrap();
    let client = MetaClient::new(&endpoint, 1, Duration::from_secs(5)).unwrap();
    let answers = client.account(template).await;
    let lines = seen.lock().unwrap().clone();
    (answers, lines)
}

fn error(code: u32, subcode: u32, message: &str) -> Value {
    json!({"error": {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode,
        "fbtrace_id": "AXsgnV2Cm3ZMGF3dF_cfYIn"}})
}

fn is_number(line: &str) -> bool {
    line.starts_with("GET /v25.0/106?")
}

/// The answer about the number alone.
async fn number_of(status: u16, body: Value) -> Result<NumberAnswer, PollError> {
    let (answers, _) = asked(None, None, move |_| (status, body.clone())).await;
    answers.map(|answers| answers.number)
}

#[tokio::test]
async fn one_question_is_for_the_number_and_one_for_the_template() {
    let template = |account: &'static str| {
        move |line: &str| match is_number(line) {
            true => (
                200,
                json!({"id": "106", "status": "CONNECTED", "health_status": {
                "can_send_message": "AVAILABLE", "entities": [{"entity_type": "WABA", "id": "77"}]}}),
            ),
            false => {
                assert!(line.contains(&format!("/v25.0/{account}/message_templates?name=sale&")), "{line}");
                (
                    200,
                    json!({"data": [{"name": "sale", "language": "de", "status": "APPROVED", "category": "UTILITY"}]}),
                )
            }
        }
    };
    // The account is the configured one, or the one that the health names.
    for (configured, expected) in [(Some("55"), "55"), (None, "77")] {
        let (answers, lines) = asked(configured, Some(("sale", "de")), template(expected)).await;
        let answers = answers.unwrap();
        assert!(matches!(answers.template, Some(TemplateAnswer::Found(facts)) if facts.is_sendable));
        assert!(matches!(answers.number, NumberAnswer::Known(_)));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains(TOKEN)), "{lines:?}");
    }
    let (answers, lines) = asked(None, Some(("sale", "de")), |_| (200, json!({"id": "106"}))).await;
    assert!(matches!(answers.unwrap().template, Some(TemplateAnswer::NoAccountId)));
    assert_eq!(lines.len(), 1);
    let (answers, lines) = asked(Some("55"), None, |_| (200, json!({"id": "106"}))).await;
    assert_eq!((answers.unwrap().template.is_none(), lines.len()), (true, 1));
}

#[tokio::test]
async fn for_a_missing_template_the_other_languages_are_asked_for() {
    let answer = |line: &str| match (is_number(line), line.contains("language=de")) {
        (true, _) => (200, json!({"id": "106"})),
        (false, true) => (200, json!({"data": []})),
        (false, false) => {
            (200, json!({"data": [{"name": "sale", "language": "en_US"}, {"name": "sale_2", "language": "fr"}]}))
        }
    };
    let (answers, lines) = asked(Some("55"), Some(("sale", "de")), answer).await;
    let Some(TemplateAnswer::Missing(languages)) = answers.unwrap().template else { panic!("{lines:?}") };
    assert_eq!(languages, ["en_US".into()]);
    assert_eq!(lines.len(), 3);
}

#[tokio::test]
async fn a_field_that_the_version_does_not_have_is_left_out() {
    let answer = |line: &str| match line.contains("health_status") {
        true => (400, error(100, 0, "(#100) Tried accessing nonexisting field (health_status) on node type (X)")),
        false => (200, json!({"id": "106", "quality_rating": "RED"})),
    };
    let (answers, lines) = asked(None, None, answer).await;
    let NumberAnswer::Known(facts) = answers.unwrap().number else { panic!("{lines:?}") };
    assert_eq!(facts.quality, Some(("RED".into(), true)));
    assert_eq!(lines.len(), 2);
    let (_, lines) = asked(None, None, |_| {
        (400, error(100, 0, "(#100) Tried accessing nonexisting field (another) on node type (X)"))
    })
    .await;
    assert_eq!(lines.len(), 1, "the same question is not asked for ever");
}

#[tokio::test]
async fn what_meta_refuses_counts_only_if_it_is_about_the_account() {
    for (status, code, subcode, message) in [
        (401, 190, 463, "Error validating access token: Session has expired"),
        (401, 104, 0, "An access token is required to request this resource"),
        (400, 100, 0, "Invalid appsecret_proof provided in the API argument"),
    ] {
        let answer = number_of(status, error(code, subcode, message)).await.unwrap();
        assert!(matches!(answer, NumberAnswer::BadCredential(_)), "{message}: {answer:?}");
    }
    for (status, code, subcode) in [(404, 803, 0), (400, 100, 33), (400, 33, 0)] {
        let answer = number_of(status, error(code, subcode, "Phone number not found")).await.unwrap();
        assert!(matches!(answer, NumberAnswer::Missing(_)), "{code}: {answer:?}");
    }
    for code in [10, 200, 368] {
        let answer = number_of(403, error(code, 0, "Sorry")).await.unwrap();
        assert!(matches!(answer, NumberAnswer::Refused(_)), "{code}: {answer:?}");
    }
    for (status, body) in
        [(400, error(100, 0, "Invalid parameter")), (404, json!({"detail": "not found"})), (200, json!([]))]
    {
        let answer = number_of(status, body.clone()).await.unwrap();
        assert!(matches!(answer, NumberAnswer::NotAnswered(_)), "{body}: {answer:?}");
    }
    // Without a permission for some of the fields, the number itself may still be there.
    let (answers, _) = asked(None, None, |line| match line.contains("fields=id ") {
        true => (200, json!({"id": "106"})),
        false => (403, error(200, 0, "Requires whatsapp_business_management permission")),
    })
    .await;
    assert!(matches!(answers.unwrap().number, NumberAnswer::NotAnswered(_)));
    // Without a valid token, no other question is asked.
    let (answers, lines) = asked(Some("55"), Some(("sale", "de")), |_| (401, error(190, 0, "Expired"))).await;
    assert_eq!((answers.unwrap().template.is_none(), lines.len()), (true, 1));
}

#[tokio::test]
async fn a_question_that_can_be_asked_again_is_no_answer() {
    let throttled = number_of(400, error(80_007, 2_446_079, "Rate limit hit")).await;
    assert!(matches!(throttled, Err(PollError::Throttled(..))), "{throttled:?}");
    for (status, body) in [(500, error(2, 0, "Try again")), (502, json!({})), (503, json!({}))] {
        let failed = number_of(status, body).await;
        assert!(failed.is_err(), "{status}: {failed:?}");
    }
    let (answers, _) = asked(Some("55"), Some(("sale", "de")), |line| match is_number(line) {
        true => (200, json!({"id": "106"})),
        false => (500, error(131_000, 0, "Something went wrong")),
    })
    .await;
    assert!(answers.is_err());
    let (answers, _) = asked(Some("55"), Some(("sale", "de")), |line| match is_number(line) {
        true => (200, json!({"id": "106"})),
        false => (400, error(100, 33, "Object with ID '55' does not exist")),
    })
    .await;
    assert!(matches!(answers.unwrap().template, Some(TemplateAnswer::NotAnswered(_))));
}

#[tokio::test]
async fn the_token_is_cut_from_what_is_repeated() {
    let answer = number_of(401, error(190, 0, &format!("Malformed access token {TOKEN}"))).await.unwrap();
    let NumberAnswer::BadCredential(problem) = answer else { panic!("{answer:?}") };
    assert!(!problem.to_string().contains(TOKEN), "{problem}");
}
