//! Any bytes as a callback: read or refused, never a panic, and never a reply or a status without an id.

#![no_main]

use campaigner::model::{Millis, OptOut};
use campaigner::provider::{Callback, callback};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Callback { statuses, replies, .. }) = callback(bytes, Millis(1)) else { return };
    for update in statuses {
        assert!(!update.message_id.trim().is_empty() && !update.status.as_word().trim().is_empty());
    }
    for reply in replies {
        assert!(!reply.id.trim().is_empty() && reply.at.0 > 0);
        let _ = (reply.at.to_string(), OptOut::new(None, None).matches(&reply).is_some());
    }
});
