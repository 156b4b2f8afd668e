//! Any sequence of statuses of one message: no final row moves, no row moves backwards, no time once known gets later, and
//! a status that comes twice changes nothing.
//!
//! Each eight bytes are one status: the word, the two times, and the reason.

#![no_main]

use campaigner::model::{Change, DeliveryStatus, Millis, Problem, Standing, State, StatusUpdate};
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
    let mut message =
        Standing { state: State::Accepted, word: None, delivered_at: None, read_at: None, problem: None };
    for answer in bytes.chunks_exact(8) {
        let reason = (answer[6] & 0x80 == 0).then(|| Problem::new(answer[7].to_string(), "words"));
        let update = StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(WORDS[usize::from(answer[0]) % WORDS.len()]),
            delivered_at: time([answer[2], answer[3]]),
            read_at: time([answer[4], answer[5]]),
            problem: reason,
        };
        let next = message.with(&update).expect("an accepted row takes every status");
        assert_eq!(message.state.after(Change::Status(&update.status)), Ok(next.state));
        assert!(rank(next.state) >= rank(message.state), "{} {}", message.state, next.state);
        if !message.state.awaits_status() {
            assert_eq!(next.state, message.state);
        }
        for (before, after) in [(message.delivered_at, next.delivered_at), (message.read_at, next.read_at)] {
            assert!(before.is_none() || after.is_some() && after <= before);
        }
        assert_eq!(next.problem.is_some(), next.state == State::Failed);
        assert_eq!(next.with(&update).as_ref(), Ok(&next), "a repeat changes nothing");
        message = next;
    }
});
