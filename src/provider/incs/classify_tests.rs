//! A table of responses and their outcomes.

use super::*;
use crate::model::Millis;
use crate::model::ProviderApi;

fn kind(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Accepted { message_id, .. } => ("accepted", message_id.clone()),
        Outcome::Unnamed(p) => ("unnamed", p.code.clone()),
        Outcome::Refused(p) => ("refused", p.code.clone()),
        Outcome::TryAgain { problem, wait } => {
            ("try again", format!("{} {}", problem.code, wait.map_or(0, |w| w.as_secs())))
        }
        Outcome::Throttled { problem, wait } => {
            ("throttled", format!("{} {}", problem.code, wait.map_or(0, |w| w.as_secs())))
        }
        Outcome::Unreachable(p) => ("unreachable", p.code.clone()),
        Outcome::Uncertain(p) => ("uncertain", p.code.clone()),
        Outcome::RetryOnce(p) => ("retry once", p.code.clone()),
        Outcome::Deferred { problem, pause } => ("deferred", format!("{} {pause:?}", problem.code)),
        Outcome::Halted(p) => ("halted", p.code.clone()),
        Outcome::TemplateRefused(p) => ("template refused", p.code.clone()),
        Outcome::Unsent => ("unsent", String::new()),
    }
}

fn error(code: i64, message: &str) -> String {
    serde_json::json!({"status": "error", "code": code, "message": message, "data": {}, "error": {}}).to_string()
}

/// A success with this message id.
fn with_id(id: &str) -> String {
    format!(r#"{{"status":"success","data":{{"msg_id":{id}}}}}"#)
}

#[test]
fn every_answer_has_its_meaning() {
    let ok = r#"{"status":"success","code":200,"message":"","data":{"msg_id":"wamid.X="},"error":{}}"#;
    let no_id = r#"{"status":"success","code":200,"message":"","data":{},"error":{}}"#;
    let cases: Vec<(u16, Option<u64>, String, &str, &str)> = vec![
        (200, None, ok.into(), "accepted", "wamid.X="),
        (200, None, no_id.into(), "unnamed", "no_message_id"),
        (500, None, ok.into(), "uncertain", "bad_answer"),
        (200, None, "<html>".into(), "uncertain", "http_200"),
        (200, None, r#"["success",200,"",{"msg_id":"wamid.X="}]"#.into(), "uncertain", "http_200"),
        (200, None, r#"{"status":"success","data":["wamid.X="]}"#.into(), "unnamed", "no_message_id"),
        (200, None, r#"{"status":"success","data":{"msg_id":" "}}"#.into(), "unnamed", "no_message_id"),
        (200, None, r#"{"status":"success","data":{"msg_id":"a\/b"}}"#.into(), "accepted", "a/b"),
        (200, None, r#"{"status":"success","data":{"msg_id":7}}"#.into(), "accepted", "7"),
        (200, None, with_id("123456789012345678901234567890"), "accepted", "123456789012345678901234567890"),
        (200, None, with_id("123456789012345678901234567891"), "accepted", "123456789012345678901234567891"),
        (200, None, with_id(&format!("\"{}\"", "x".repeat(2_001))), "unnamed", "bad_message_id"),
        (200, None, with_id(&"7".repeat(2_001)), "unnamed", "bad_message_id"),
        (200, None, with_id("[\"wamid.X\"]"), "unnamed", "no_message_id"),
        (200, None, with_id("true"), "unnamed", "no_message_id"),
        (200, None, String::new(), "uncertain", "http_200"),
        (200, None, error(10001, "certification code is invalid"), "halted", "10001"),
        (401, None, error(10001, "certification code is invalid"), "halted", "10001"),
        (200, None, error(404, "not found"), "halted", "404"),
        (422, None, error(422, "The phone number is invalid."), "refused", "422"),
        (200, None, error(429, "too many attempts"), "throttled", "429 0"),
        (429, Some(7), error(429, "too many attempts"), "throttled", "429 7"),
        (429, Some(3), "slow down".into(), "throttled", "http_429 3"),
        (429, None, error(500, "server error"), "uncertain", "500"),
        (504, None, error(429, "too many attempts"), "uncertain", "429"),
        (
            200,
            None,
            error(429, "slow down").replace("\"data\":{}", "\"data\":{\"msg_id\":\"a\\u0000\"}"),
            "uncertain",
            "bad_answer",
        ),
        (
            200,
            None,
            error(200, "ok").replace("\"error\"", "\"success\"").replace("\"data\":{}", "\"data\":{\"msg_id\":\"0\"}"),
            "unnamed",
            "no_message_id",
        ),
        (200, None, error(500, "server error"), "uncertain", "500"),
        (
            429,
            None,
            error(429, "slow down").replace("\"data\":{}", "\"data\":{\"msg_id\":\"m1\"}"),
            "uncertain",
            "bad_answer",
        ),
        (500, None, error(500, "server error"), "uncertain", "500"),
        (200, None, error(77777, "new in the next version"), "uncertain", "77777"),
        (200, None, error(10002, "(#132012) Parameter format does not match"), "refused", "132012"),
        (200, None, error(10002, "(#130429) Rate limit hit"), "throttled", "130429 0"),
        (200, Some(9), error(10002, "(#130429) Rate limit hit"), "throttled", "130429 9"),
        (200, None, error(10002, "(#131056) pair rate limit"), "deferred", "131056 Short"),
        (200, None, error(10002, "(#131049) healthy ecosystem"), "deferred", "131049 Days"),
        (200, None, error(10003, "Message failed: (#131026) Message undeliverable"), "refused", "131026"),
        (200, None, error(10002, "(#131000) Something went wrong"), "uncertain", "131000"),
        (200, None, error(10002, "(#2) Service temporarily unavailable"), "uncertain", "2"),
        (200, None, error(10002, "(#131016) Service unavailable"), "try again", "131016 0"),
        (200, None, error(10002, "(#190) token expired"), "halted", "190"),
        (200, None, error(10002, "(#132015) Template is paused"), "template refused", "132015"),
        (200, None, error(10002, "(#999999) never heard of"), "refused", "999999"),
        (200, None, error(10002, "no code in here"), "uncertain", "10002"),
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
        (400, None, "upstream connect error or disconnect/reset before headers".into(), "uncertain", "http_400"),
        (400, None, format!("<html>{}Request timeout", " ".repeat(900)), "uncertain", "http_400"),
        (400, None, r#"["client closed request"]"#.into(), "uncertain", "http_400"),
        (400, None, error(77777, "request timeout"), "uncertain", "77777"),
        (400, None, error(77777, "new in the next version"), "refused", "77777"),
        (499, None, String::new(), "uncertain", "http_499"),
        (460, None, String::new(), "uncertain", "http_460"),
        (200, None, error(400, "upstream request timeout"), "uncertain", "400"),
        (422, None, error(422, "\u{7cfb}\u{7edf}\u{7e41}\u{5fd9}"), "uncertain", "422"),
        (422, None, error(422, "unknown parameter: connector"), "refused", "422"),
        (400, None, error(400, "general api error"), "refused", "400"),
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

/// Words for a failure on the way: they never prove that nothing was accepted.
const TROUBLES: [&str; 73] = [
    "发送模板消息失败：通道不可用",
    "号码发送失败，运营商通道不可达",
    "模板消息暂时不可用",
    "模板发送失败: 并发数超过限制",
    "号码 852 下发请求超过最大等待时间",
    "Sending template message: maximum execution time of 30 seconds exceeded",
    "text message: concurrency limit exceeded",
    "Message to recipient was blocked by circuit breaker",
    "No acknowledgement for recipient, ack missing",
    "template message not delivered within the allowed time",
    "socket hang up",
    "ECONNRESET",
    "read ECONNRESET",
    "connect ECONNREFUSED 10.0.0.7:443",
    "write EPIPE",
    "ETIMEDOUT",
    "getaddrinfo ENOTFOUND graph.facebook.com",
    "getaddrinfo EAI_AGAIN",
    "broken pipe",
    "EOF",
    "unexpected EOF",
    "context deadline exceeded",
    "context canceled",
    "no response from WhatsApp",
    "upstream request failed",
    "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "503 Service Unavailable",
    "503 Service ...",
    "Request failed with status code 502",
    "too many requests to the upstream",
    "fetch failed",
    "cURL error 28: Operation timed out after 30001 milliseconds with 0 bytes received",
    "cURL error 56: Recv failure: Connection reset by peer",
    "I/O error on POST request; nested exception is java.net.SocketTimeoutException: Read timed out",
    "Failed to send template message",
    "Error sending the template to the recipient: socket hang up",
    "Sending to number 85268411234 failed: read ECONNRESET",
    "Template message failed: 502",
    "template could not be sent, please retry later",
    "text message not sent: remote end closed connection without response",
    "Invalid response format",
    "invalid content type: text/html",
    "Unexpected token < in JSON at position 0",
    "invalid character '<' looking for beginning of value",
    "Cannot read properties of undefined (reading 'template')",
    "Template message failed, please contact support",
    "invalid parameter [connection reset by peer]",
    "message failed",
    "Message failed \u{2013} detailed reason unknown",
    "failure",
    "operation not permitted",
    "server error",
    "Too many open files",
    "too long",
    "Bad Gateway",
    "System busy, please retry",
    "no code in here",
    "请求超时",
    "請求逾時，請稍後再試",
    "系统繁忙",
    "系統繁忙，請稍後重試",
    "网络异常",
    "請檢查網路連線",
    "请稍后重试",
    "服务不可用",
    "服务器内部错误",
    "连接被重置",
    "未知错误",
    "发送失败",
    "模板消息发送失败",
    "模板消息发送失败：请求超时",
    "参数校验服务异常",
    "号码查询超时，请重试",
];

/// Words about the message.
const VERDICTS: [&str; 48] = [
    "received with insufficient custom params",
    "Template with the code [api_4_standalone_image] and bot [Wk3rZWBx435KKATY] received with insufficient custom params",
    "Template with the code [system_later] and bot [a[b]] is wrong",
    "Template with the code [gateway_timeout] does not exist",
    "template name does not exist in the translation",
    "template is paused",
    "template `system_update` is not approved",
    "The phone number is invalid.",
    "invalid phone number",
    "number is not registered",
    "not a valid MSISDN",
    "recipient is blacklisted",
    "the recipient does not exist",
    "Not a Viber user",
    "Parameter value is not valid: otp.code has to be a text",
    "Required parameter is missing: text",
    "Parameter format does not match format in the created template",
    "Number of parameters does not match the expected number of params",
    "params error",
    "parameter error",
    "unsupported media type",
    "media type is not supported",
    "Media upload error: image.link must be a file of the type .png",
    "image is too large",
    "video format not allowed",
    "text is too long",
    "text must not have more than 1000 characters",
    "the length exceeds the limit of 1000",
    "too many buttons",
    "button text is empty",
    "content violates the policy",
    "content is empty",
    "missing variable first_name",
    "language is not supported by the template",
    "carousel has too few cards",
    "caption too long",
    "模板不存在",
    "模板未审核",
    "模板参数不匹配",
    "模板參數錯誤",
    "参数错误",
    "参数校验失败",
    "手机号格式不正确",
    "号码无效",
    "收件人號碼無效",
    "内容过长",
    "变量缺失",
    "图片格式不支持",
];

#[test]
fn only_words_about_the_message_are_a_refusal_by_the_channel() {
    for code in 10002..=10004 {
        for (expected, texts) in [("uncertain", &TROUBLES[..]), ("refused", &VERDICTS[..])] {
            for text in texts {
                let outcome = answer(StatusCode::OK, None, error(code, text).as_bytes());
                assert_eq!(kind(&outcome), (expected, code.to_string()), "{text}");
                let problem = outcome.problem().unwrap();
                assert_eq!(problem.message().original(), *text, "the words are kept");
            }
        }
    }
}

#[test]
fn a_refusal_in_words_of_a_lost_connection_is_in_doubt() {
    let verdicts = VERDICTS.iter().chain(&["unknown field `foo`", "unexpected end of the list", "internal rule 7"]);
    let lost = ["request timeout", "client closed request", "upstream connect error", "系统繁忙", "read ECONNRESET"];
    for (expected, text) in lost.iter().map(|text| ("uncertain", text)).chain(verdicts.map(|text| ("refused", text))) {
        // A page has no names in brackets to ignore.
        let bare = if text.contains('[') { "bad" } else { *text };
        for (status, body) in
            [(200, error(400, text)), (422, error(422, text)), (400, error(99_999, text)), (413, bare.into())]
        {
            let outcome = answer(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
            assert_eq!(kind(&outcome).0, expected, "HTTP {status} {body}");
        }
    }
}

#[test]
fn words_are_found_where_they_begin_and_end() {
    let words = Words::of("The System is BUSY [name_later] [not a name, later] retrieved");
    for (pattern, found) in [
        ("=system", true),
        ("=busy", true),
        ("=bus", false),
        ("-bus", true),
        ("=usy", false),
        ("usy", true),
        ("name_later", false),
        ("=later", true),
        ("=retrie", false),
    ] {
        assert_eq!(words.have(&[pattern]), found, "{pattern}");
    }
}

/// Meta's table of codes, by their effect on a message.
const TABLE: [(&str, &[u32]); 10] = [
    ("throttled", &[4, 80_007, 130_429, 132_069]),
    ("deferred Short", &[131_056]),
    ("deferred Days", &[131_049]),
    ("uncertain", &[1, 2, 131_000]),
    ("try again", &[131_016, 131_057, 133_004, 134_101]),
    ("retry once", &[131_052, 131_053]),
    ("template refused", &[131_055, 132_001, 132_015, 132_016, 132_068, 134_100, 134_102]),
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
        if outcome.name() == "deferred" {
            shown = &whole;
        }
        assert_eq!(shown, *expected, "{code}");
        let problem = outcome.problem().unwrap();
        assert_eq!((problem.code.as_str(), problem.message().original()), (code.to_string().as_str(), "its own words"));
    }
}

#[test]
fn every_listed_code_has_advice_and_the_list_is_in_order() {
    let listed: Vec<u32> = TABLE[..9].iter().flat_map(|(_, codes)| *codes).copied().collect();
    assert!(listed.iter().all(|code| whatsapp_errors::find(*code).is_some()
        && whatsapp_errors::advice(ProviderApi::Incs, &code.to_string()).is_some()));
    for pair in whatsapp_errors::CODES.windows(2) {
        assert!(pair[0].first <= pair[0].last && pair[0].last < pair[1].first, "{pair:?}");
    }
    for code in whatsapp_errors::CODES {
        assert!(listed.iter().any(|listed| (code.first..=code.last).contains(listed)), "{code:?} is in no test");
        assert!(!code.advice.is_empty() && !code.advice.ends_with('.'), "{code:?}");
    }
    // Rows with these codes may be in doubt; then the advice says how to settle them.
    for code in ["-1", "400", "422", "500", "10002", "10003", "10004", "http_400", "http_408", "http_499", "http_503"] {
        assert!(whatsapp_errors::advice(ProviderApi::Incs, code).unwrap().contains("campaigner settle"), "{code}");
    }
    for api in ProviderApi::ALL {
        assert_eq!((whatsapp_errors::advice(api, "999999"), whatsapp_errors::advice(api, "bad_number")), (None, None));
    }
}

#[test]
fn statuses_are_read_by_id_and_zero_is_no_time() {
    let body = br#"{"status":"success","code":200,"message":"","error":{},"data":{"data":[
        {"message_id":"a=","message_status":"read","created_at":1774249921,"delivered_at":"1774249925","read_at":1774249929.0},
        {"message_id":"b","message_status":"parked","created_at":1,"delivered_at":0,"read_at":0}]}}"#;
    let updates = statuses(StatusCode::OK, None, body).unwrap();
    assert_eq!(updates[0].message_id, "a=");
    assert_eq!(
        (updates[0].delivered_at, updates[0].read_at),
        (Some(Millis(1_774_249_925_000)), Some(Millis(1_774_249_929_000)))
    );
    assert_eq!(updates[1].status, DeliveryStatus::Other("parked".into()));
    // A strange one does not affect the others.
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
    let number = r#"{"status":"success","data":{"data":[{"message_id":123456789012345678901234567890,"message_status":"read"}]}}"#;
    assert_eq!(poll(200, number).unwrap()[0].message_id, "123456789012345678901234567890");
}

#[test]
fn advice_promises_a_retry_only_where_the_engine_retries_and_says_when_it_does_not() {
    use whatsapp_errors::Class::{Days, Pair, Passing, Synchronizing, Throttled, Upgrade};
    for known in whatsapp_errors::CODES {
        let promised = known.advice.contains("automatically");
        let retried = matches!(known.class, Throttled | Synchronizing | Pair | Days | Passing | Upgrade);
        assert_eq!(promised, retried, "{}: {}", known.first, known.advice);
        // A status with such a code is final.
        assert!(!promised || known.advice.contains("`failed`"), "{}: {}", known.first, known.advice);
    }
}
