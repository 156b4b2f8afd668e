//! What may happen, and what the end of a claim makes of its row.

use proptest::prelude::*;

use crate::model::{DeliveryStatus, Millis, Problem, RowCause, RowNumber, State};
use crate::store::{Claim, Settlement};

/// Maximum number of attempts charged to a row.
const ATTEMPTS: u32 = 3;

/// An event. Its numbers choose among what exists.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// A new process takes over the run and reads what others left in flight; it settles that in its next step.
    TakeUp {
        limit: Option<u8>,
    },
    /// A worker's request leaves.
    Send {
        worker: u8,
        flight: u8,
        response: SendResponse,
    },
    /// A worker makes a step: it hands in the outcomes of some claims, and releases those whose request did not leave.
    Step {
        worker: u8,
        some: u8,
        again: Option<u8>,
        want: u8,
        answer_is_lost: bool,
    },
    /// A worker dies with everything it knows.
    Crash {
        worker: u8,
    },
    /// An outcome under another worker's number: the result of a restored backup, which reuses a claim's number.
    Mistaken {
        claim: u8,
        ended: Ended,
    },
    /// Time passes.
    Wait {
        millis: u16,
    },
    /// The owner schedules new rows.
    Schedule {
        rows: u8,
        expires: u8,
    },
    /// The owner defers due rows.
    Defer {
        rows: u8,
        expires: u8,
    },
    /// A person requeues rows.
    Requeue {
        states: u8,
    },
    /// A person resolves an uncertain row.
    Resolve {
        row: u8,
        sent: bool,
    },
    Pause,
    Lift,
    Cancel,
    CancelWaiting,
    Suppress {
        row: u8,
    },
    Unsuppress {
        row: u8,
    },
    /// The provider reports a status of an accepted message, whether the store knows the message or not; with the
    /// reference of its attempt if it is `named`.
    Webhook {
        message: u8,
        status: u8,
        named: bool,
    },
    MatchEarly,
    /// The owner asks about messages. The answer may come later.
    Ask,
    Answer {
        status: u8,
    },
    /// The owner records the end, if it has come.
    End,
    /// A process joins the run. Only on a server.
    Join,
    /// Others end the process of a worker that joined; it may only be suspended.
    EndProcess {
        worker: u8,
    },
    /// The owner reads what workers that ended left in flight; it settles that in its next step.
    SettleEnded,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendResponse {
    Accepted,
    Refused,
    Again,
    /// Accepted, but the answer is lost.
    AcceptedUnheard,
    /// Accepted, but the answer says that it was refused. Only a status with its reference tells.
    AcceptedRefused,
    /// Accepted, but the answer says to try again. Only a status with its reference tells.
    AcceptedAgain,
    /// Lost without an answer.
    Lost,
}

/// What a worker knows about the end of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Unsent,
    Accepted,
    Refused,
    Again,
    Unheard,
    Interrupted,
}

impl Op {
    /// Whether the store cannot know that it happened.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Crash { .. } | Self::Wait { .. } | Self::Ask)
    }
}

fn any_response() -> impl Strategy<Value = SendResponse> {
    use SendResponse::{Accepted, AcceptedAgain, AcceptedRefused, AcceptedUnheard, Again, Lost, Refused};
    prop::sample::select(vec![
        Accepted,
        Accepted,
        Accepted,
        Refused,
        Again,
        AcceptedUnheard,
        AcceptedUnheard,
        AcceptedRefused,
        AcceptedAgain,
        Lost,
    ])
}

pub(super) fn any_op() -> impl Strategy<Value = Op> {
    let byte = any::<u8>;
    let ended = vec![Ended::Unsent, Ended::Accepted, Ended::Refused, Ended::Again, Ended::Unheard];
    prop_oneof![
        4 => prop::option::weighted(0.2, byte()).prop_map(|limit| Op::TakeUp { limit }),
        30 => (byte(), byte(), any_response()).prop_map(|(worker, flight, response)| Op::Send { worker, flight, response }),
        30 => (byte(), byte(), prop::option::weighted(0.3, byte()), byte(), prop::bool::weighted(0.05)).prop_map(
            |(worker, some, again, want, answer_is_lost)| Op::Step { worker, some, again, want, answer_is_lost }
        ),
        2 => byte().prop_map(|worker| Op::Crash { worker }),
        2 => (byte(), prop::sample::select(ended)).prop_map(|(claim, ended)| Op::Mistaken { claim, ended }),
        8 => (0..2_000_u16).prop_map(|millis| Op::Wait { millis }),
        1 => (byte(), byte()).prop_map(|(rows, expires)| Op::Schedule { rows, expires }),
        2 => (byte(), byte()).prop_map(|(rows, expires)| Op::Defer { rows, expires }),
        3 => byte().prop_map(|states| Op::Requeue { states }),
        2 => (byte(), any::<bool>()).prop_map(|(row, sent)| Op::Resolve { row, sent }),
        1 => Just(Op::Pause),
        2 => Just(Op::Lift),
        1 => prop::bool::weighted(0.1).prop_map(|cancel| if cancel { Op::Cancel } else { Op::Lift }),
        1 => Just(Op::CancelWaiting),
        2 => byte().prop_map(|row| Op::Suppress { row }),
        2 => byte().prop_map(|row| Op::Unsuppress { row }),
        9 => (byte(), byte(), any::<bool>())
            .prop_map(|(message, status, named)| Op::Webhook { message, status, named }),
        1 => Just(Op::MatchEarly),
        2 => Just(Op::Ask),
        2 => byte().prop_map(|status| Op::Answer { status }),
        1 => Just(Op::End),
    ]
}

/// The same, and what only happens on a server.
pub(super) fn any_op_on_server() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => any_op(),
        1 => Just(Op::Join),
        1 => any::<u8>().prop_map(|worker| Op::EndProcess { worker }),
        1 => Just(Op::SettleEnded),
    ]
}

/// Returns the provider's id of the message that a claim sent.
pub(super) fn message_id((row, claim): (RowNumber, u32)) -> String {
    format!("m-{row}-{claim}")
}

/// Returns a status that the provider may report.
pub(super) fn status(which: u8) -> DeliveryStatus {
    ["sent", "delivered", "read", "failed"].map(DeliveryStatus::from_word)[usize::from(which % 4)].clone()
}

/// Returns the settlement that the engine makes of a claim's end.
pub(super) fn settlement(claim: Claim, ended: Ended, resend: bool, now: Millis) -> Settlement {
    let history = claim.history;
    let may_repeat = history.charged_attempts + 1 < ATTEMPTS;
    let is_doubt = matches!(ended, Ended::Unheard | Ended::Interrupted);
    let in_doubt = history.in_doubt || is_doubt;
    let (outcome, state) = match ended {
        Ended::Unsent => (State::Pending, State::Pending),
        Ended::Accepted => (State::Accepted, State::Accepted),
        Ended::Refused => (State::Rejected, State::Rejected),
        Ended::Again if may_repeat => (State::Pending, State::Pending),
        Ended::Again => (State::Exhausted, State::Exhausted),
        Ended::Unheard | Ended::Interrupted if resend && may_repeat => (State::Uncertain, State::Pending),
        Ended::Unheard | Ended::Interrupted => (State::Uncertain, State::Uncertain),
    };
    let state = if in_doubt && matches!(state, State::Rejected | State::Exhausted) { State::Uncertain } else { state };
    let departed = ended != Ended::Unsent;
    Settlement {
        claim,
        departed,
        ended_at: now,
        state,
        outcome,
        charged_attempts: history.charged_attempts + u32::from(departed),
        deferrals: 0,
        in_doubt,
        message_id: (ended == Ended::Accepted).then(|| message_id((claim.key.row(), claim.number))),
        problem: match ended {
            Ended::Unsent | Ended::Accepted => None,
            Ended::Interrupted => Some(RowCause::Interrupted.into()),
            other => Some(Problem::new(format!("{other:?}"), "words")),
        },
        next_attempt_at: (state == State::Pending).then(|| Millis(now.0 + if departed { 500 } else { 0 })),
        next_poll_at: (state == State::Accepted).then(|| Millis(now.0 + 500)),
    }
}
