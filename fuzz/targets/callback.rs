//! Any bytes as a callback: read or refused, never a panic, and never a reply or a status without an id.

#![no_main]

use campaigner::model::{Millis, OptOut};
use campaigner::provider::{Callback, callback};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match callback(bytes, Millis(1)) {
        Ok(Callback::Status(update)) => {
            assert!(!update.message_id.trim().is_empty() && !update.status.as_word().trim().is_empty());
        }
        Ok(Callback::Replies(replies)) => {
            assert!(!replies.is_empty());
            for reply in replies {
                assert!(!reply.id.trim().is_empty() && reply.at.0 > 0);
                let _ = (reply.at.to_string(), OptOut::new(None, None).asked_by(&reply).is_some());
            }
        }
        Ok(Callback::Unused) | Err(_) => {}
    }
});
