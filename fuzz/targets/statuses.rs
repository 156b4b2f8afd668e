//! Any sequence of statuses of one message: no final row moves, no row moves backwards, and no time once known is
//! changed.
//!
//! Each eight bytes are one answer: the word, the two times, and the time between this answer and the next.

#![no_main]

use std::time::Duration;

use campaigner::engine::fuzzing::merge;
use campaigner::model::{Change, DeliveryStatus, Millis, Reconcile, RowNo, State, StatusUpdate};
use campaigner::store::{Awaiting, RowKey};
use libfuzzer_sys::fuzz_target;

const WORDS: [&str; 7] = ["sent", "delivered", "read", "failed", "", "accepted", "Read"];

fn rank(state: State) -> u32 {
    match state {
        State::Accepted => 0,
        State::Sent => 1,
        State::Delivered => 2,
        State::Read | State::Failed => 3,
        other => panic!("no status leads to {other}"),
    }
}

/// A time out of two bytes: most are near, a few absurd.
fn time([high, low]: [u8; 2]) -> Option<Millis> {
    let seconds = match high {
        0xFF => i64::MAX - i64::from(low),
        0xFE => -i64::from(low),
        _ => i64::from(u16::from_be_bytes([high, low])),
    };
    Millis::from_provider_seconds(seconds)
}

fuzz_target!(|bytes: &[u8]| {
    let settings = Reconcile {
        after: Duration::from_secs(60),
        every: Duration::from_secs(60),
        horizon: Duration::from_secs(72 * 3600),
    };
    let mut now = Millis(0);
    let mut message = Awaiting {
        key: RowKey::new(1, RowNo(1)),
        state: State::Accepted,
        message_id: "m".into(),
        accepted_at: now,
        poll_at: now,
        delivered_at: None,
        read_at: None,
    };
    for answer in bytes.chunks_exact(8) {
        now = now.plus(Duration::from_secs(u64::from(u16::from_be_bytes([answer[6], answer[7]]))));
        let update = (answer[1] & 0x80 == 0).then(|| StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(WORDS[usize::from(answer[0]) % WORDS.len()]),
            delivered_at: time([answer[2], answer[3]]),
            read_at: time([answer[4], answer[5]]),
        });
        let polled = merge(&message, update.as_ref(), now, &settings).expect("an accepted row takes every status");
        let moved = update.as_ref().map(|update| message.state.after(Change::Status(&update.status)));
        assert_eq!(moved.unwrap_or(Ok(message.state)), Ok(polled.state));
        assert!(rank(polled.state) >= rank(message.state), "{} {}", message.state, polled.state);
        if !message.state.awaits_status() {
            assert_eq!(polled.state, message.state);
            assert_eq!(polled.poll_at, None);
        }
        assert!(message.delivered_at.is_none() || polled.delivered_at == message.delivered_at);
        assert!(message.read_at.is_none() || polled.read_at == message.read_at);
        if let Some(next) = polled.poll_at {
            assert!(next > now && next <= message.accepted_at.plus(settings.horizon));
        }
        assert_eq!(polled.problem.is_some(), polled.state == State::Failed && message.state != State::Failed);
        message.state = polled.state;
        (message.delivered_at, message.read_at) = (polled.delivered_at, polled.read_at);
    }
});
