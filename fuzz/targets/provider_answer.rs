//! Any bytes as the provider's answer: understood or called uncertain, never a panic, and never "accepted" for anything
//! but a success with a message id in it.
//!
//! Two bytes are the HTTP status, one the wish for a wait, the rest the body.

#![no_main]

use std::time::Duration;

use campaigner::model::Outcome;
use campaigner::provider::fuzzing::{answer, statuses};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let [high, low, wait, body @ ..] = bytes else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 900;
    let wait = (*wait > 0).then(|| Duration::from_secs(u64::from(*wait)));
    let outcome = answer(status, wait, body).expect("100 to 999 are statuses");
    if let Outcome::Accepted { message_id, .. } = &outcome {
        assert!((200..300).contains(&status), "HTTP {status} was taken as accepted");
        assert!(!message_id.trim().is_empty());
        // A key that is not looked at may hold what is no JSON at all.
        if let Ok(envelope) = serde_json::from_slice::<Value>(body) {
            assert_eq!(envelope["status"], "success");
            let id = &envelope["data"]["msg_id"];
            assert!(id == message_id.as_str() || id.is_number() && id.to_string() == *message_id);
        }
    }
    // A success that cannot be read may be one: a row that is tried again would be doubled.
    if (200..300).contains(&status) && !body.trim_ascii_start().starts_with(b"{") {
        assert!(matches!(outcome, Outcome::Uncertain(_)), "{outcome:?}");
    }
    if let Some(problem) = outcome.problem() {
        assert!(!problem.code.is_empty());
        let _ = problem.to_string();
    }
    if let Ok(updates) = statuses(status, wait, body).expect("100 to 999 are statuses") {
        assert!((200..300).contains(&status));
        for update in updates {
            for time in [update.delivered_at, update.read_at].into_iter().flatten() {
                assert!(time.0 > 0);
                assert!(!time.to_string().is_empty());
            }
        }
    }
});
