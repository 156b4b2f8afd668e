//! A table of answers and what each means.

use super::*;

fn kind(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Accepted { message_id } => ("accepted", message_id.clone()),
        Outcome::Refused(p) => ("refused", p.code.clone()),
        Outcome::TryAgain { problem, wait } => {
            ("try again", format!("{} {}", problem.code, wait.map_or(0, |w| w.as_secs())))
        }
        Outcome::Throttled { problem, wait } => {
            ("throttled", format!("{} {}", problem.code, wait.map_or(0, |w| w.as_secs())))
        }
        Outcome::Unreachable(p) => ("unreachable", p.code.clone()),
        Outcome::Uncertain(p) => ("uncertain", p.code.clone()),
        Outcome::OnceMore(p) => ("once more", p.code.clone()),
        Outcome::PutOff { problem, pause } => ("put off", format!("{} {pause:?}", problem.code)),
        Outcome::Halted(p) => ("halted", p.code.clone()),
        Outcome::TemplateRefused(p) => ("template refused", p.code.clone()),
        Outcome::Unsent => ("unsent", String::new()),
    }
}

fn error(code: i64, message: &str) -> String {
    serde_json::json!({"status": "error", "code": code, "message": message, "data": {}, "error": {}}).to_string()
}

#[test]
fn every_answer_has_its_meaning() {
    let ok = r#"{"status":"success","code":200,"message":"","data":{"msg_id":"wamid.X="},"error":{}}"#;
    let no_id = r#"{"status":"success","code":200,"message":"","data":{},"error":{}}"#;
    let cases: Vec<(u16, Option<u64>, String, &str, &str)> = vec![
        (200, None, ok.into(), "accepted", "wamid.X="),
        (200, None, no_id.into(), "uncertain", "no_message_id"),
        (500, None, ok.into(), "uncertain", "bad_answer"),
        (200, None, "<html>".into(), "uncertain", "http_200"),
        (200, None, r#"["success",200,"",{"msg_id":"wamid.X="}]"#.into(), "uncertain", "http_200"),
        (200, None, r#"{"status":"success","data":["wamid.X="]}"#.into(), "uncertain", "no_message_id"),
        (200, None, r#"{"status":"success","data":{"msg_id":" "}}"#.into(), "uncertain", "no_message_id"),
        (200, None, r#"{"status":"success","data":{"msg_id":"a\/b"}}"#.into(), "accepted", "a/b"),
        (200, None, r#"{"status":"success","data":{"msg_id":7}}"#.into(), "accepted", "7"),
        (200, None, String::new(), "uncertain", "http_200"),
        (200, None, error(10001, "certification code is invalid"), "halted", "10001"),
        (401, None, error(10001, "certification code is invalid"), "halted", "10001"),
        (200, None, error(404, "not found"), "halted", "404"),
        (422, None, error(422, "The phone number is invalid."), "refused", "422"),
        (200, None, error(429, "too many attempts"), "throttled", "429 0"),
        (429, Some(7), error(429, "too many attempts"), "throttled", "429 7"),
        (429, Some(3), "slow down".into(), "throttled", "http_429 3"),
        (200, None, error(500, "server error"), "uncertain", "500"),
        (500, None, error(500, "server error"), "uncertain", "500"),
        (200, None, error(77777, "new in the next version"), "uncertain", "77777"),
        (200, None, error(10002, "(#132012) Parameter format does not match"), "refused", "132012"),
        (200, None, error(10002, "(#130429) Rate limit hit"), "throttled", "130429 0"),
        (200, Some(9), error(10002, "(#130429) Rate limit hit"), "throttled", "130429 9"),
        (200, None, error(10002, "(#131056) pair rate limit"), "put off", "131056 Short"),
        (200, None, error(10002, "(#131049) healthy ecosystem"), "put off", "131049 Days"),
        (200, None, error(10003, "Message failed: (#131026) Message undeliverable"), "refused", "131026"),
        (200, None, error(10002, "(#131000) Something went wrong"), "try again", "131000 0"),
        (200, None, error(10002, "(#190) token expired"), "halted", "190"),
        (200, None, error(10002, "(#132015) Template is paused"), "template refused", "132015"),
        (200, None, error(10002, "(#999999) never heard of"), "refused", "999999"),
        (200, None, error(10002, "no code in here"), "refused", "10002"),
        (200, None, error(10003, "Message failed \u{2013} detailed reason unknown"), "uncertain", "10003"),
        (200, None, error(10004, "received with insufficient custom params"), "refused", "10004"),
        (200, None, error(10004, ""), "uncertain", "10004"),
        (200, None, error(10003, "Bad Gateway"), "uncertain", "10003"),
        (200, None, error(10004, "System busy, please retry"), "uncertain", "10004"),
        (200, None, error(10004, "Template with the code [system_later] and bot [a[b]] is wrong"), "refused", "10004"),
        (302, None, String::new(), "halted", "http_302"),
        (400, None, "bad".into(), "refused", "http_400"),
        (403, None, "<html>forbidden".into(), "halted", "http_403"),
        (407, None, String::new(), "halted", "http_407"),
        (408, None, String::new(), "uncertain", "http_408"),
        (413, None, String::new(), "refused", "http_413"),
        (425, None, String::new(), "try again", "http_425 0"),
        (421, None, String::new(), "try again", "http_421 0"),
        (500, None, String::new(), "uncertain", "http_500"),
        (502, None, "<html>bad gateway".into(), "uncertain", "http_502"),
        (503, None, String::new(), "uncertain", "http_503"),
        (503, Some(30), "busy".into(), "throttled", "http_503 30"),
        (504, None, String::new(), "uncertain", "http_504"),
        (524, None, String::new(), "uncertain", "http_524"),
    ];
    for (status, wait, body, expected, detail) in cases {
        let outcome = answer(StatusCode::from_u16(status).unwrap(), wait.map(Duration::from_secs), body.as_bytes());
        assert_eq!(kind(&outcome), (expected, detail.to_owned()), "HTTP {status} {body}");
    }
}

/// Meta's table of codes, by what each is to do to a message.
const TABLE: [(&str, &[u32]); 9] = [
    ("throttled", &[4, 80_007, 130_429, 132_069]),
    ("put off Short", &[131_056]),
    ("put off Days", &[131_049]),
    ("try again", &[2, 131_000, 131_016, 131_057, 133_004]),
    ("once more", &[1, 131_052, 131_053]),
    ("template refused", &[132_001, 132_015, 132_016, 132_068]),
    (
        "halted",
        &[
            0, 3, 10, 33, 190, 200, 250, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_045, 131_048, 131_063,
            131_064, 133_000, 133_010, 133_016,
        ],
    ),
    (
        "refused",
        &[
            100, 470, 130_472, 130_497, 131_008, 131_009, 131_021, 131_026, 131_030, 131_047, 131_050, 131_051,
            131_062, 132_000, 132_005, 132_007, 132_008, 132_012, 132_018, 135_000, 137_000,
        ],
    ),
    // Not in the table: no automatic retry.
    ("refused", &[5, 300, 131_001, 133_017, 999_999]),
];

#[test]
fn every_code_of_whatsapp_has_its_meaning_and_its_words_are_kept() {
    for (expected, code) in TABLE.iter().flat_map(|(expected, codes)| codes.iter().map(move |code| (expected, code))) {
        let outcome = answer(StatusCode::OK, None, error(10002, &format!("(#{code}) its own words")).as_bytes());
        let (mut shown, detail) = kind(&outcome);
        let whole = format!("{shown} {}", detail.split_once(' ').map_or("", |(_, pause)| pause));
        if outcome.name() == "put off" {
            shown = &whole;
        }
        assert_eq!(shown, *expected, "{code}");
        let problem = outcome.problem().unwrap();
        assert_eq!((problem.code.as_str(), problem.message.as_str()), (code.to_string().as_str(), "its own words"));
    }
}

#[test]
fn every_listed_code_has_advice_and_the_list_is_in_order() {
    let listed: Vec<u32> = TABLE[..8].iter().flat_map(|(_, codes)| *codes).copied().collect();
    assert!(listed.iter().all(|code| codes::find(*code).is_some() && codes::advice(&code.to_string()).is_some()));
    for pair in codes::CODES.windows(2) {
        assert!(pair[0].first <= pair[0].last && pair[0].last < pair[1].first, "{pair:?}");
    }
    for code in codes::CODES {
        assert!(listed.iter().any(|listed| (code.first..=code.last).contains(listed)), "{code:?} is in no test");
        assert!(!code.advice.is_empty() && !code.advice.ends_with('.'), "{code:?}");
    }
    assert_eq!((codes::advice("999999"), codes::advice("bad_number")), (None, None));
}

#[test]
fn statuses_are_read_by_id_and_zero_is_no_time() {
    let body = br#"{"status":"success","code":200,"message":"","error":{},"data":{"data":[
        {"message_id":"a=","message_status":"read","created_at":1774249921,"delivered_at":0,"read_at":1774249929},
        {"message_id":"b","message_status":"parked","created_at":1,"delivered_at":0,"read_at":0}]}}"#;
    let updates = statuses(StatusCode::OK, None, body).unwrap();
    assert_eq!(updates[0].message_id, "a=");
    assert_eq!((updates[0].delivered_at, updates[0].read_at), (None, Some(Millis(1_774_249_929_000))));
    assert_eq!(updates[1].status, DeliveryStatus::Other("parked".into()));
    // One that is odd says nothing of the others.
    let odd = String::from_utf8_lossy(body).replace("\"parked\"", "null");
    assert_eq!(statuses(StatusCode::OK, None, odd.as_bytes()).unwrap(), updates[..1]);
}

#[test]
fn a_poll_that_fails_is_asked_again_unless_the_account_is_at_fault() {
    let poll = |status: u16, body: &str| statuses(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
    assert!(matches!(poll(500, ""), Err(PollError::TryAgain(_))));
    assert!(matches!(poll(200, "{}"), Err(PollError::TryAgain(_))));
    assert!(matches!(poll(422, &error(422, "too many ids")), Err(PollError::TryAgain(_))));
    assert!(matches!(poll(429, ""), Err(PollError::Throttled(..))));
    assert!(matches!(poll(200, &error(10001, "invalid")), Err(PollError::Halted(_))));
    assert_eq!(poll(200, r#"{"status":"success","code":200,"data":{}}"#), Ok(vec![]));
}
