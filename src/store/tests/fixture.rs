//! Building blocks for the tests of the suite: a store with runs, workers that claim rows, and outcomes.

use super::Place;
use crate::model::{Channel, Millis, NumberProblem, Phone, Problem, ReportRow, RowCause, RowNumber, RunId, State};
use crate::store::*;

/// The current time, unless a test sets another.
pub(in crate::store) const NOW: Millis = Millis(1_754_466_200_000);

/// Returns the time this many seconds after [`NOW`].
pub(in crate::store) fn at(seconds: i64) -> Millis {
    Millis(NOW.0 + seconds * 1000)
}

/// Returns the phone number of row `n` of every run.
pub(in crate::store) fn phone(n: u64) -> Phone {
    Phone::from_u64(85_260_000_000 + n)
}

/// Returns a row to be sent.
pub(in crate::store) fn planned(n: u64) -> PlannedRow {
    PlannedRow {
        row: RowNumber(n),
        line: n + 1,
        to: Ok(phone(n)),
        cells: format!("[\"cell {n}\"]"),
        problems: Vec::new(),
    }
}

/// Returns a row that cannot be sent.
pub(in crate::store) fn invalid(n: u64) -> PlannedRow {
    let problems = vec![NumberProblem::Letters.into()];
    PlannedRow { to: Err(format!("number {n}")), problems, ..planned(n) }
}

/// Returns the content of a run with this name, always the same.
pub(in crate::store) fn content(name: &str) -> NewRun {
    NewRun { name: name.into(), campaign: "{}".into(), campaign_hash: "c".into(), recipients_hash: "r".into() }
}

/// An empty store at its place.
pub(in crate::store) struct Fixture<P> {
    place: P,
    pub(in crate::store) store: Store,
}

impl<P: Place> Fixture<P> {
    pub(in crate::store) async fn at(place: P) -> Self {
        let store = place.open().await;
        Self { place, store }
    }

    /// Opens the same store, as another process would.
    pub(in crate::store) async fn reopened(&self) -> Store {
        self.place.open().await
    }

    /// Starts a new run of this name, not imported yet.
    pub(in crate::store) async fn begun(&self, name: &str) -> Worker {
        let started = self.store.start_run(&content(name), Repeat::Again, NOW).await.unwrap();
        let StartDecision::New(run) = started else { panic!("{started:?}") };
        Worker::of(&self.store, &run).await
    }

    /// Starts another run of a name, with rows 1 to `rows`, that is being sent after a run whose rows were all
    /// attempted.
    pub(in crate::store) async fn one_more(&self, name: &str, rows: u64) -> Worker {
        let worker = self.one_more_begun(name).await;
        worker.import(&(1..=rows).map(planned).collect::<Vec<_>>()).await;
        self.store.reach(worker.run, Stage::Started, NOW).await.unwrap();
        worker
    }

    /// The same, not imported yet.
    pub(in crate::store) async fn one_more_begun(&self, name: &str) -> Worker {
        let due = at(self.store.occurrences(name, 99).await.unwrap().len().try_into().unwrap());
        let started = self.store.start_occurrence(&content(name), due, Recurrence::Repeated, NOW).await.unwrap();
        let OccurrenceStart::Made(run) = started else { panic!("{started:?}") };
        Worker::of(&self.store, &run).await
    }

    /// Starts a new run of this name with rows 1 to `rows`, being sent.
    pub(in crate::store) async fn run(&self, name: &str, rows: u64) -> Worker {
        self.run_with(name, &(1..=rows).map(planned).collect::<Vec<_>>()).await
    }

    /// Starts a new run of this name with these rows, being sent.
    pub(in crate::store) async fn run_with(&self, name: &str, rows: &[PlannedRow]) -> Worker {
        let worker = self.begun(name).await;
        worker.import(rows).await;
        self.store.reach(worker.run, Stage::Started, NOW).await.unwrap();
        worker
    }
}

/// A worker on a run.
#[derive(Clone)]
pub(in crate::store) struct Worker {
    pub(in crate::store) store: Store,
    pub(in crate::store) run: i64,
    pub(in crate::store) id: RunId,
    pub(in crate::store) owner: Owner,
}

impl Worker {
    /// Takes over the run, without a limit.
    pub(in crate::store) async fn of(store: &Store, run: &Run) -> Self {
        let owner = store.take_over(run.key, None, NOW).await.unwrap();
        Self { store: store.clone(), run: run.key, id: run.id.clone(), owner }
    }

    /// Returns another worker that takes over the run.
    pub(in crate::store) async fn next(&self) -> Self {
        self.next_with(None).await
    }

    /// Returns another worker that takes over the run with a limit.
    pub(in crate::store) async fn next_with(&self, limit: Option<u64>) -> Self {
        let owner = self.store.take_over(self.run, limit, NOW).await.unwrap();
        Self { owner, ..self.clone() }
    }

    pub(in crate::store) async fn import(&self, rows: &[PlannedRow]) {
        self.store.begin_import(self.owner, &["name".to_owned()], None).await.unwrap();
        for rows in rows.chunks(1000) {
            self.store.add_rows(self.owner, rows).await.unwrap();
        }
        self.store.finish_import(self.owner, NOW).await.unwrap();
    }

    /// Makes a step that must succeed.
    pub(in crate::store) async fn step(&self, step: Step) -> Advanced {
        self.store.advance(self.owner, &step).await.unwrap()
    }

    /// Claims at most `want` rows now.
    pub(in crate::store) async fn claim(&self, want: u32) -> Vec<Attempt> {
        self.claim_at(want, NOW).await
    }

    pub(in crate::store) async fn claim_at(&self, want: u32, now: Millis) -> Vec<Attempt> {
        self.step(Step { want, now, ..Step::default() }).await.attempts
    }

    /// Claims one row, which must exist.
    pub(in crate::store) async fn claim_one(&self) -> Claim {
        self.claim_one_at(NOW).await
    }

    pub(in crate::store) async fn claim_one_at(&self, now: Millis) -> Claim {
        let [attempt] = &self.claim_at(1, now).await[..] else { panic!("there is no row to claim") };
        attempt.claim
    }

    /// Records outcomes. Returns how many were ignored.
    pub(in crate::store) async fn settle(&self, settlements: impl IntoIterator<Item = Settlement>) -> u64 {
        let settlements = settlements.into_iter().collect();
        self.step(Step { settlements, now: NOW, ..Step::default() }).await.ignored
    }

    /// Records outcomes as a worker that lost the run.
    pub(in crate::store) async fn settle_late(&self, settlements: impl IntoIterator<Item = Settlement>) {
        let step = Step { settlements: settlements.into_iter().collect(), now: NOW, ..Step::default() };
        let refused = self.store.advance(self.owner, &step).await.err();
        assert!(matches!(&refused, Some(StoreError::NotOwner(run)) if *run == self.id), "{refused:?}");
    }

    /// Claims one row and records its outcome.
    pub(in crate::store) async fn send(&self, outcome: impl FnOnce(&Claim) -> Settlement) -> Claim {
        let claim = self.claim_one().await;
        assert_eq!(self.settle([outcome(&claim)]).await, 0);
        claim
    }

    /// Reads the run.
    pub(in crate::store) async fn now(&self) -> Run {
        self.store.run(Some(&self.id)).await.unwrap()
    }

    pub(in crate::store) async fn rows(&self, wanted: Wanted) -> Vec<ReportRow> {
        let mut pages = self.store.report_rows(&self.now().await, Channel::Viber, wanted).await.unwrap();
        let mut rows = Vec::new();
        while let Some(mut page) = pages.page().await.unwrap() {
            while let Some(row) = page.next_row().unwrap() {
                rows.push(row.clone());
            }
        }
        rows
    }

    /// Returns all rows as in the report.
    pub(in crate::store) async fn all(&self) -> Vec<ReportRow> {
        self.rows(Wanted { cells: false, since: None }).await
    }

    /// Returns the states of all rows.
    pub(in crate::store) async fn states(&self) -> Vec<State> {
        self.all().await.into_iter().map(|row| row.state).collect()
    }

    /// Returns row `n` as in the report.
    pub(in crate::store) async fn row(&self, n: u64) -> ReportRow {
        self.store.report_row(&self.now().await, Channel::Viber, RowNumber(n), false).await.unwrap().unwrap()
    }

    pub(in crate::store) async fn state(&self, n: u64) -> State {
        self.row(n).await.state
    }

    /// Returns the key of row `n`.
    pub(in crate::store) fn key(&self, n: u64) -> RowKey {
        RowKey::new(self.run, RowNumber(n))
    }

    /// Returns the rules of `verify` that are broken.
    pub(in crate::store) async fn broken(&self) -> Vec<BrokenRule> {
        let findings = self.store.verify(&self.now().await).await.unwrap();
        findings.into_iter().filter(|finding| finding.broken > 0).collect()
    }

    /// Checks that the records are consistent, and that counts and report show the same rows.
    pub(in crate::store) async fn check(&self) {
        assert_eq!(self.broken().await, []);
        let (tally, states) = (self.store.tally(&self.now().await).await.unwrap(), self.states().await);
        for state in State::ALL {
            let rows = states.iter().filter(|found| **found == state).count();
            assert_eq!(tally.of(state), rows as u64, "{state}");
        }
    }
}

/// Returns the row numbers of attempts.
pub(in crate::store) fn numbers(attempts: &[Attempt]) -> Vec<u64> {
    attempts.iter().map(|attempt| attempt.claim.key.row().0).collect()
}

/// A claim whose request never left: due again at `due`.
pub(in crate::store) fn released(claim: &Claim, due: Millis) -> Settlement {
    Settlement {
        claim: *claim,
        departed: false,
        ended_at: Millis(claim.started_at.0 + 1000),
        state: State::Pending,
        outcome: State::Pending,
        charged_attempts: claim.history.charged_attempts,
        deferrals: claim.history.deferrals,
        in_doubt: claim.history.in_doubt,
        message_id: None,
        problem: None,
        next_attempt_at: Some(due),
        next_poll_at: None,
    }
}

fn departed(claim: &Claim, outcome: State, problem: Option<Problem>) -> Settlement {
    let doubt = outcome == State::Uncertain;
    let in_doubt = claim.history.in_doubt || doubt;
    // A row that was in doubt before may have been accepted then, so it can never count as not accepted.
    let state = match outcome {
        State::Rejected | State::Exhausted if in_doubt => State::Uncertain,
        state => state,
    };
    Settlement {
        departed: true,
        state,
        outcome,
        charged_attempts: claim.history.charged_attempts + 1,
        in_doubt,
        problem,
        next_attempt_at: None,
        ..released(claim, NOW)
    }
}

fn found(code: &str) -> Option<Problem> {
    Some(Problem::new(code, format!("words of {code}")))
}

/// Accepted; polled a minute later.
pub(in crate::store) fn accepted(claim: &Claim, message_id: &str) -> Settlement {
    let settlement = departed(claim, State::Accepted, None);
    let next_poll_at = Some(Millis(settlement.ended_at.0 + 60_000));
    Settlement { message_id: Some(message_id.to_owned()), next_poll_at, ..settlement }
}

/// Refused for good.
pub(in crate::store) fn rejected(claim: &Claim) -> Settlement {
    departed(claim, State::Rejected, found("refused"))
}

/// Known not to be accepted, with no attempt left.
pub(in crate::store) fn exhausted(claim: &Claim) -> Settlement {
    departed(claim, State::Exhausted, found("busy"))
}

/// Known not to be accepted, and retried at `due`.
pub(in crate::store) fn again(claim: &Claim, due: Millis) -> Settlement {
    Settlement { next_attempt_at: Some(due), ..departed(claim, State::Pending, found("busy")) }
}

/// May have been accepted, according to its sender.
pub(in crate::store) fn doubted(claim: &Claim) -> Settlement {
    departed(claim, State::Uncertain, found("timeout"))
}

/// May have been accepted, according to the next owner.
pub(in crate::store) fn interrupted(claim: &Claim) -> Settlement {
    departed(claim, State::Uncertain, Some(RowCause::Interrupted.into()))
}

/// The same, if the campaign resends it at `due`.
pub(in crate::store) fn interrupted_and_resent(claim: &Claim, due: Millis) -> Settlement {
    Settlement { state: State::Pending, next_attempt_at: Some(due), ..interrupted(claim) }
}
