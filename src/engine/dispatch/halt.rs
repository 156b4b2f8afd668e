//! The halt rule: a mistake shared by many rows stops the run after a handful of them, not after the whole list.
//!
//! If the template lacks a parameter, row after row is refused with the same code. Problems of single rows are rare,
//! with acceptances in between; too many of them mean that the list is wrong. If row after row ends in doubt, the
//! provider is in trouble, and each further row is one more for a person to settle.
//!
//! It watches outcomes and says when to stop; it stops nothing itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Halt, Millis, Outcome, Problem, TooMany};

/// The number of requests that may be in flight once the provider has accepted something: no limit of its own.
pub(super) const ALL: usize = 1 << 20;

/// Watches outcomes.
#[derive(Debug)]
pub(super) struct HaltMonitor {
    settings: Option<Halt>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The code of the last refusals, and how many had it in a row.
    code: String,
    streak: u32,
    /// Rows in doubt with no other outcome in between, and when the first of them ended. Of the requests in flight at
    /// that time only the first counts: what interrupted them all may be over.
    doubts: u32,
    doubted_at: Option<Millis>,
    /// The last decided messages: why each was refused, or `None` if it was accepted.
    last: VecDeque<Option<Problem>>,
    refused: usize,
    /// Whether any answer shows that the account is known, and whether anything was accepted.
    answered: bool,
    accepted: bool,
}

impl HaltMonitor {
    /// Creates a monitor. Without settings, refusals never stop the run.
    pub(super) fn new(settings: Option<Halt>) -> Self {
        Self { settings, seen: Mutex::default() }
    }

    /// Returns how many requests may be in flight: one until the provider has answered; then as few as can share a
    /// refusal without exceeding the rule; no limit once something was accepted.
    pub(super) fn in_flight(&self) -> usize {
        let seen = self.seen();
        match self.settings {
            _ if seen.accepted => ALL,
            _ if !seen.answered => 1,
            Some(halt) => halt.same_error.saturating_sub(seen.streak.max(seen.doubts)).max(1) as usize,
            None => ALL,
        }
    }

    /// Records the outcome, known at `now`, of a row that was claimed at `at`. Returns the problem that stops the run,
    /// if it does.
    pub(super) fn watch(&self, at: Millis, now: Millis, outcome: &Outcome) -> Option<Problem> {
        let mut seen = self.seen();
        if !matches!(outcome, Outcome::Uncertain(_) | Outcome::Unnamed(_) | Outcome::Unsent) {
            (seen.doubts, seen.doubted_at) = (0, None);
        }
        match outcome {
            Outcome::Accepted { .. } => {
                (seen.accepted, seen.streak) = (true, 0);
                seen.decided(None, self.settings?)
            }
            Outcome::Refused(problem) | Outcome::RetryOnce(problem) => {
                let streak = seen.count_refusal(problem, self.settings);
                streak.or_else(|| seen.decided(Some(problem.clone()), self.settings?))
            }
            Outcome::Uncertain(problem) if is_no_provider(problem) => seen.count_refusal(problem, self.settings),
            Outcome::Uncertain(problem) | Outcome::Unnamed(problem) => seen.doubted(problem, at, now, self.settings),
            Outcome::Throttled { .. } | Outcome::Deferred { .. } => {
                seen.answered = true;
                None
            }
            // Neither refused nor accepted: this says nothing about the message or the account.
            Outcome::TryAgain { .. } | Outcome::Unreachable(_) | Outcome::Unsent => None,
            Outcome::Halted(_) | Outcome::TemplateRefused(_) => None,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // No code that holds the lock panics halfway through a change.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Counts another answer with this problem.
    fn count_refusal(&mut self, problem: &Problem, settings: Option<Halt>) -> Option<Problem> {
        self.answered = true;
        if self.code != problem.code {
            (self.code, self.streak) = (problem.code.clone(), 0);
        }
        self.streak += 1;
        let most = settings?.same_error;
        (self.streak == most).then(|| problem.clone().too_many(TooMany::Alike(most)))
    }

    /// Counts another row in doubt.
    fn doubted(&mut self, problem: &Problem, at: Millis, now: Millis, settings: Option<Halt>) -> Option<Problem> {
        self.answered = true;
        match self.doubted_at {
            None => self.doubted_at = Some(now),
            Some(first) if at < first => return None,
            Some(_) => {}
        }
        self.doubts += 1;
        (self.doubts == settings?.same_error).then(|| problem.clone().too_many(TooMany::InDoubt(self.doubts)))
    }

    /// Counts another decided message.
    fn decided(&mut self, refused: Option<Problem>, halt: Halt) -> Option<Problem> {
        self.refused += usize::from(refused.is_some());
        self.last.push_back(refused);
        if self.last.len() > halt.over as usize {
            let gone = self.last.pop_front().flatten();
            self.refused -= usize::from(gone.is_some());
        }
        let full = self.last.len() == halt.over as usize;
        let many = self.refused as u64 * 100 >= u64::from(halt.share) * u64::from(halt.over);
        (full && many).then(|| self.most_frequent(halt)).flatten()
    }

    fn most_frequent(&self, halt: Halt) -> Option<Problem> {
        let mut codes: HashMap<&str, (usize, &Problem)> = HashMap::new();
        for problem in self.last.iter().flatten() {
            codes.entry(&problem.code).or_insert((0, problem)).0 += 1;
        }
        let (alike, problem) = codes.into_values().max_by(|a, b| (a.0, &b.1.code).cmp(&(b.0, &a.1.code)))?;
        Some(problem.clone().too_many(TooMany::Refused { refused: self.refused, over: halt.over, alike }))
    }
}

/// Whether something other than the provider answered with success: a login page, a proxy's greeting.
fn is_no_provider(problem: &Problem) -> bool {
    problem.code.starts_with("http_2") || problem.code == "bad_answer"
}

#[cfg(test)]
mod tests {
    use super::*;

    impl HaltMonitor {
        /// Records an outcome whose time does not matter.
        fn halts(&self, outcome: &Outcome) -> Option<Problem> {
            self.watch(Millis(0), Millis(0), outcome)
        }
    }

    fn rule() -> HaltMonitor {
        HaltMonitor::new(Some(Halt::default()))
    }

    fn refused(code: &str) -> Outcome {
        Outcome::Refused(Problem::new(code, "no"))
    }

    fn accepted() -> Outcome {
        Outcome::Accepted { message_id: "m".into(), is_held: false }
    }

    #[test]
    fn the_same_refusal_again_and_again_stops_the_run_once() {
        let rule = rule();
        let stops: Vec<u32> = (1..=60).filter(|_| rule.halts(&refused("132000")).is_some()).collect();
        assert_eq!(stops, [20]);
    }

    #[test]
    fn something_that_is_not_the_provider_stops_the_run() {
        let rule = rule();
        let page = Outcome::Uncertain(Problem::new("http_200", "HTTP 200: <html>Login"));
        assert_eq!((1..=30).filter(|_| rule.halts(&page).is_some()).collect::<Vec<_>>(), [20]);
    }

    #[test]
    fn rows_that_end_in_doubt_one_after_the_other_stop_the_run_and_those_that_broke_off_together_do_not() {
        let doubt = |code| Outcome::Uncertain(Problem::new(code, "HTTP 502"));
        let rule = HaltMonitor::new(Some(Halt { same_error: 3, ..Halt::default() }));
        // 64 in flight when a gateway dies.
        assert!((0..64).all(|n| rule.watch(Millis(n), Millis(100), &doubt("connection_lost")).is_none()));
        assert_eq!(rule.watch(Millis(100), Millis(101), &doubt("http_502")), None);
        assert_eq!(rule.in_flight(), 1);
        let stops = rule.watch(Millis(101), Millis(102), &doubt("http_502")).unwrap();
        let words = "3 consecutive rows are uncertain; the last one: HTTP 502 (http_502)";
        assert_eq!(stops.to_string(), words);
        assert_eq!(rule.watch(Millis(103), Millis(104), &doubt("http_502")), None, "once");

        for between in [accepted(), refused("131026"), Outcome::Unreachable(Problem::new("connect", "?"))] {
            let rule = HaltMonitor::new(Some(Halt { same_error: 3, ..Halt::default() }));
            for n in 0..7 {
                let outcome = if n % 3 == 2 { between.clone() } else { doubt("timeout") };
                assert_eq!(rule.watch(Millis(n), Millis(n + 1), &outcome), None, "{n}");
            }
        }
    }

    #[test]
    fn an_acceptance_or_another_code_begins_a_new_streak() {
        let rule = HaltMonitor::new(Some(Halt { share: 100, ..Halt::default() }));
        for n in 0..200 {
            let outcome = if n % 20 == 19 { accepted() } else { refused("131026") };
            assert_eq!(rule.halts(&outcome), None);
            assert_eq!(rule.halts(&Outcome::Uncertain(Problem::new("timeout", "?"))), None);
        }
        for n in 0..100 {
            assert_eq!(rule.halts(&refused(if n % 2 == 0 { "a" } else { "b" })), None);
        }
    }

    #[test]
    fn a_share_of_refusals_stops_the_run_once_enough_were_answered() {
        let rule = rule();
        // Every fourth is refused: 25% from the start, but 200 must have been answered.
        let stop = (1..=400).find_map(|n| {
            let outcome = match n % 8 {
                0 => refused("131047"),
                4 => refused("131026"),
                _ => accepted(),
            };
            rule.halts(&outcome).map(|problem| (n, problem.to_string()))
        });
        let words = "50 of the last 200 rows were refused, 25 of them with this error: no (131026)";
        assert_eq!(stop, Some((200, words.to_owned())));
    }

    #[test]
    fn a_share_below_the_limit_never_stops_and_an_old_refusal_is_forgotten() {
        let rule = rule();
        assert!((0..5000).all(|n| rule.halts(&if n % 6 == 0 { refused("131026") } else { accepted() }).is_none()));
        // 39 of 200, then none for a long time, then 39 again.
        let rule = HaltMonitor::new(Some(Halt { same_error: 1000, ..Halt::default() }));
        let outcomes = (0..39).map(|_| true).chain((0..161).map(|_| false)).cycle().take(2000);
        for bad in outcomes {
            assert_eq!(rule.halts(&if bad { refused("x") } else { accepted() }), None);
        }
        assert!(rule.halts(&refused("x")).is_none());
    }

    #[test]
    fn it_begins_with_one_request_then_a_handful_then_all() {
        let rule = rule();
        let tell = |outcome: Outcome| {
            rule.halts(&outcome);
            rule.in_flight()
        };
        assert_eq!(rule.in_flight(), 1);
        let connect = Outcome::TryAgain { problem: Problem::new("connect", "?"), wait: None };
        assert_eq!(tell(connect), 1, "nobody answered yet");
        assert_eq!((tell(refused("a")), tell(refused("a"))), (19, 18));
        assert_eq!(tell(refused("b")), 19);
        assert_eq!(tell(accepted()), ALL);
        assert_eq!(tell(refused("a")), ALL);
    }

    #[test]
    fn switched_off_refusals_never_stop_the_run_and_the_first_request_still_goes_alone() {
        let rule = HaltMonitor::new(None);
        assert_eq!(rule.in_flight(), 1);
        assert!((0..1000).all(|_| rule.halts(&refused("a")).is_none()));
        assert_eq!(rule.in_flight(), ALL);
    }
}
