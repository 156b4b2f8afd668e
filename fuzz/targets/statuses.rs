//! Any sequence of statuses of one message: no row moves backwards, no time gets later, no delivered row is lost to a
//! failure, and the order and repeats make no difference.
//!
//! Each eight bytes are one status: the word, the two times, and the reason.

#![no_main]

use campaigner::model::{Delivery, DeliveryStatus, Millis, Problem, State, StatusUpdate};
use libfuzzer_sys::fuzz_target;

const WORDS: [&str; 7] = ["sent", "delivered", "read", "failed", "", "accepted", "Read"];

fn rank(state: State) -> u32 {
    match state {
        State::Accepted => 0,
        State::Sent => 1,
        State::Failed => 2,
        State::Delivered => 3,
        State::Read => 4,
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
    let accepted = Delivery { state: State::Accepted, word: None, delivered_at: None, read_at: None, problem: None };
    let mut message = accepted.clone();
    let mut updates = Vec::new();
    for answer in bytes.chunks_exact(8) {
        let reason = (answer[6] & 0x80 == 0).then(|| Problem::new(answer[7].to_string(), "words"));
        let update = StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(WORDS[usize::from(answer[0]) % WORDS.len()]),
            delivered_at: time([answer[2], answer[3]]),
            read_at: time([answer[4], answer[5]]),
            problem: reason,
            reference: None,
        };
        let next = message.with(&update).expect("an accepted row takes every status");
        assert!(rank(next.state) >= rank(message.state), "{} {}", message.state, next.state);
        if next.state == State::Failed {
            assert_eq!((next.delivered_at, next.read_at), (None, None));
        }
        for (before, after) in [(message.delivered_at, next.delivered_at), (message.read_at, next.read_at)] {
            assert!(before.is_none() || after.is_some() && after <= before);
        }
        let has_failed = message.problem.is_some() || update.status == DeliveryStatus::Failed;
        assert_eq!(next.problem.is_some(), has_failed);
        assert_eq!(next.with(&update).as_ref(), Ok(&next), "a repeat changes nothing");
        message = next;
        updates.push(update);
    }
    let reversed = updates.iter().rev().fold(accepted, |message, update| message.with(update).expect("as before"));
    assert_eq!(reversed, message, "the order makes no difference");
});
