//! The halt rule: a mistake that every row shares stops the run after a handful of rows, not after the list is burnt.
//!
//! A template that does not exist, or a parameter it does not have, is refused with the same code row after row. What
//! concerns single rows is refused now and then, and acceptances in between.

use std::sync::{Mutex, PoisonError};

use crate::model::{Outcome, Problem};

/// Refusals with one code and no acceptance in between that stop the run. More than chance makes of a list in which
/// every second row is bad, few enough to be sent again by hand.
pub(super) const SAME_REFUSALS: u32 = 20;

/// Watches outcomes go by.
#[derive(Debug, Default)]
pub(super) struct HaltRule(Mutex<Streak>);

#[derive(Debug, Default)]
struct Streak {
    code: String,
    length: u32,
}

impl HaltRule {
    /// Takes note of an outcome; gives the problem that stops the run, once it does.
    pub(super) fn watch(&self, outcome: &Outcome) -> Option<Problem> {
        let mut streak = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Accepted { .. } => streak.length = 0,
            Outcome::Uncertain(problem) if !is_no_provider(problem) => {}
            Outcome::Refused(problem) | Outcome::OnceMore(problem) | Outcome::Uncertain(problem) => {
                if streak.code == problem.code {
                    streak.length += 1;
                } else {
                    *streak = Streak { code: problem.code.clone(), length: 1 };
                }
                if streak.length == SAME_REFUSALS {
                    let words = format!("{SAME_REFUSALS} rows in a row were answered alike: {}", problem.message);
                    return Some(Problem::new(problem.code.clone(), words));
                }
            }
            // Neither a refusal nor an acceptance: says nothing about the message.
            Outcome::TryAgain { .. } | Outcome::Throttled { .. } | Outcome::PutOff { .. } => {}
            Outcome::Halted(_) | Outcome::TemplateRefused(_) | Outcome::Unreachable(_) | Outcome::Unsent => {}
        }
        None
    }
}

/// Whether what answers with success is not the provider: a log-in page, a proxy's greeting.
fn is_no_provider(problem: &Problem) -> bool {
    problem.code.starts_with("http_2") || problem.code == "bad_answer"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Outcome {
        Outcome::Refused(Problem::new(code, "no"))
    }

    #[test]
    fn the_same_refusal_again_and_again_stops_the_run_once() {
        let rule = HaltRule::default();
        let stops: Vec<u32> = (1..=60).filter(|_| rule.watch(&refused("132001")).is_some()).collect();
        assert_eq!(stops, [20]);
    }

    #[test]
    fn something_that_is_not_the_provider_stops_the_run() {
        let rule = HaltRule::default();
        let page = Outcome::Uncertain(Problem::new("http_200", "HTTP 200: <html>Login"));
        assert_eq!((1..=30).filter(|_| rule.watch(&page).is_some()).collect::<Vec<_>>(), [20]);
    }

    #[test]
    fn an_acceptance_or_another_code_begins_anew() {
        let rule = HaltRule::default();
        for n in 0..200 {
            let outcome = match n % 20 {
                19 => Outcome::Accepted { message_id: "m".into() },
                _ => refused("131026"),
            };
            assert_eq!(rule.watch(&outcome), None);
            assert_eq!(rule.watch(&Outcome::Uncertain(Problem::new("timeout", "?"))), None);
        }
        for n in 0..100 {
            assert_eq!(rule.watch(&refused(if n % 2 == 0 { "a" } else { "b" })), None);
        }
    }
}
