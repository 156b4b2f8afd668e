//! The recorder: the one writer. Whatever is to be durable passes through its queue, in order, and many records share
//! one synced commit.
//!
//! A place in flight is free as soon as its outcome is in this queue: every intent behind it is committed with it or
//! later, so the store never holds more open intents than requests may be in flight. The recorder never waits for the
//! network.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::stop::Stop;
use crate::crash::Point;
use crate::model::{Event, Events, Millis, Moved, Problem, State, Tally};
use crate::store::{
    AccountPause, Aside, Batch, Counting, Grant, Intent, Polled, Run, Settled, Stage, Store, StoreError, Writer,
    Written,
};

/// Something to be made durable.
#[derive(Debug)]
pub(super) enum Entry {
    /// Intents; answered, once synced, with which were granted.
    Intend(Vec<Intent>, oneshot::Sender<Vec<bool>>),
    /// The outcome of an attempt.
    Settle(Box<Settled>),
    /// One status request's answer; answered once synced.
    Poll(Vec<Polled>, oneshot::Sender<()>),
    /// Rows that may not leave now; answered once synced.
    Aside(Vec<Aside>, oneshot::Sender<()>),
    /// The provider asked for a pause of the account.
    Pause(AccountPause),
    /// The run reached a stage.
    Reach(Stage),
}

/// The queue's length: enough that no sender waits while a commit is under way, and bounded so that memory is.
const QUEUE: usize = 4096;
/// Records in one commit at most, so that those who wait for it do not wait for long.
const MOST: usize = 1024;

/// How long outcomes that nobody waits for wait for others: where the rate is what limits, until the next intents, which
/// need a commit anyway. Short: what a crash finds here is in doubt.
const LINGER: Duration = Duration::from_millis(25);

/// For how long a write is tried again that another process or a full disk holds up, and how often what holds it up is
/// told.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(1);
/// For how long a write is tried again at least, however long ago the run was stopped: it holds outcomes that are known.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);
const TOLD: Duration = Duration::from_secs(10);

/// How long a count may be in beginning.
const A_MOMENT: Duration = Duration::from_millis(50);

/// How often it is looked whether others moved rows too, who are then counted anew; where that takes long, the less often.
const RECOUNT: Duration = Duration::from_secs(2);
const LEISURE: u32 = 20;

/// The way into the recorder's queue.
#[derive(Clone, Debug)]
pub(super) struct Recorder(mpsc::Sender<Entry>);

/// The recorder's end of its queue.
pub(super) type Queue = mpsc::Receiver<Entry>;

/// The recorder is gone: the store failed, and the recorder's own result says how.
#[derive(Debug)]
pub(super) struct Gone;

impl Recorder {
    /// A recorder, and the end of its queue that [`record`] works through.
    pub(super) fn new() -> (Self, Queue) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (Self(sender), queue)
    }

    /// Queues an entry.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), Gone> {
        self.0.send(entry).await.map_err(|_| Gone)
    }
}

/// How a run is stopped, and how long a request of it may take.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) stop: Stop,
    pub(super) timeout: Duration,
}

/// What the recorder tells while it works, always after the commit.
#[derive(Debug)]
pub(super) struct Committed {
    /// How many rows that dispatch took up are settled, for good or until their next try.
    pub(super) returned: watch::Sender<u64>,
}

/// Where the rows stand: a count, and what has moved since it was begun.
pub(super) struct Standing {
    /// None until the first count is made.
    counted: Option<Tally>,
    moved: Moved,
    /// A count that is being made, since when, and what has moved since.
    under_way: Option<(Counting, Instant, Moved)>,
    /// Whether others moved rows too since the last count.
    is_stale: bool,
    recount_at: Instant,
}

impl Standing {
    /// As it was counted, or is being.
    pub(super) fn new(counted: Option<Tally>, counting: Counting) -> Self {
        let now = Instant::now();
        let under_way = counted.is_none().then(|| (counting, now, Moved::default()));
        Self { counted, moved: Moved::default(), under_way, is_stale: false, recount_at: now + RECOUNT }
    }

    fn now(&self) -> Option<Tally> {
        self.counted.map(|counted| counted.after(&self.moved))
    }

    fn shift(&mut self, from: State, to: State) {
        self.moved.shift(from, to);
        if let Some((_, _, moved)) = &mut self.under_way {
            moved.shift(from, to);
        }
    }

    /// Takes over a count that is made, and begins another where others may have moved rows. Between two commits.
    async fn look(&mut self, writer: &mut Writer, store: &Store, run: &Run, events: &Events) {
        if let Some((counting, begun, moved)) = &mut self.under_way {
            let tally = match counting.if_done() {
                Ok(None) => return,
                Ok(Some(tally)) => tally,
                // It is for the eye only, and is made again.
                Err(error) => {
                    tracing::warn!(%error, "the rows could not be counted");
                    (self.under_way, self.is_stale, self.recount_at) = (None, true, Instant::now() + RECOUNT);
                    return;
                }
            };
            let is_first = self.counted.replace(tally).is_none();
            self.moved = *moved;
            self.recount_at = Instant::now() + RECOUNT.max(begun.elapsed() * LEISURE);
            self.under_way = None;
            if let (true, Some(tally)) = (is_first, self.now()) {
                events(Event::Planned(tally));
            }
        } else if Instant::now() >= self.recount_at {
            // The provider may have called back with statuses, by way of another connection.
            // Where all readers are busy the count can wait; what is to be durable cannot.
            self.is_stale |= writer.others_wrote().await.unwrap_or(true);
            let counting = match self.is_stale {
                true => tokio::time::timeout(A_MOMENT, store.begin_tally(run)).await.ok().and_then(Result::ok),
                false => None,
            };
            let now = Instant::now();
            self.is_stale &= counting.is_none();
            self.under_way = counting.map(|counting| (counting, now, Moved::default()));
            self.recount_at = now + RECOUNT;
        }
    }
}

/// Works through the queue until everyone who could add to it is gone.
///
/// # Errors
/// The first failure of the store. What was in that commit is not in the store.
pub(super) async fn record(
    writer: &mut Writer,
    (store, run): (&Store, &Run),
    mut queue: Queue,
    committed: Committed,
    mut standing: Standing,
    (events, stopping): (&Events, &Stopping),
) -> Result<(), StoreError> {
    while let Some(first) = queue.recv().await {
        let mut round = Round::default();
        round.take(first);
        let late = tokio::time::sleep(LINGER);
        tokio::pin!(late);
        while round.size() < MOST {
            match queue.try_recv() {
                Ok(entry) => round.take(entry),
                Err(_) if round.is_awaited() => break,
                // Nobody waits for it: others may share its commit, and the sync is what a commit costs.
                Err(_) => tokio::select! {
                    biased;
                    entry = queue.recv() => match entry {
                        Some(entry) => round.take(entry),
                        None => break,
                    },
                    () = &mut late => break,
                },
            }
        }
        if !round.batch.is_empty() {
            let written = commit(writer, run.key, &round.batch, Patience::new(events, stopping)).await?;
            round.pass_points();
            let returned = round.tell(&mut standing, &written);
            if returned > 0 {
                committed.returned.send_modify(|rows| *rows += returned);
            }
            round.tell_problems(events);
            standing.look(writer, store, run, events).await;
            if let Some(tally) = standing.now() {
                events(Event::Moved(tally));
            }
        }
        for stage in round.stages {
            reach(writer, run.key, stage, Patience::new(events, stopping)).await?;
            Point::SendingNoted.pass();
        }
    }
    Ok(())
}

/// Commits a batch.
async fn commit(
    writer: &mut Writer,
    run: i64,
    batch: &Batch,
    mut patience: Patience<'_>,
) -> Result<Written, StoreError> {
    loop {
        match writer.commit(run, batch).await {
            Ok(written) => return Ok(written),
            Err(error) => patience.bear(error).await?,
        }
    }
}

/// Notes that the run reached a stage.
async fn reach(writer: &mut Writer, run: i64, stage: Stage, mut patience: Patience<'_>) -> Result<(), StoreError> {
    while let Err(error) = writer.reach(run, stage, Millis::now()).await {
        patience.bear(error).await?;
    }
    Ok(())
}

/// Retries a write that is blocked, by another process or a full disk; outcomes wait in memory meanwhile. A run that stops
/// does not wait for longer than a request may take.
struct Patience<'r> {
    begun: Instant,
    told: Option<Instant>,
    events: &'r Events,
    stopping: &'r Stopping,
}

impl<'r> Patience<'r> {
    fn new(events: &'r Events, stopping: &'r Stopping) -> Self {
        Self { begun: Instant::now(), told: None, events, stopping }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// The failure itself, where waiting does not help or was long enough.
    async fn bear(&mut self, error: StoreError) -> Result<(), StoreError> {
        let Stopping { stop, timeout } = self.stopping;
        let waited = self.begun.elapsed();
        let is_over =
            waited >= PATIENCE || waited >= LEAST_PATIENCE && stop.ended_for().is_some_and(|ended| ended >= *timeout);
        if is_over || !error.may_pass() {
            return Err(error);
        }
        if self.told.is_none_or(|told| told.elapsed() >= TOLD) {
            (self.events)(Event::Said(format!("{error} ({}); trying again", error.reason())));
            self.told = Some(Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// What one commit holds, and who waits for it.
#[derive(Default)]
struct Round {
    batch: Batch,
    intents: Vec<(usize, oneshot::Sender<Vec<bool>>)>,
    /// Who waits for its being synced, and no more.
    answers: Vec<oneshot::Sender<()>>,
    stages: Vec<Stage>,
}

impl Round {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Intend(intents, answer) => {
                self.intents.push((intents.len(), answer));
                self.batch.intents.extend(intents);
            }
            Entry::Settle(settled) => self.batch.settled.push(*settled),
            Entry::Poll(polled, answer) => {
                self.batch.polled.extend(polled);
                self.batch.polls += 1;
                self.answers.push(answer);
            }
            Entry::Aside(aside, answer) => {
                self.batch.aside.extend(aside);
                self.answers.push(answer);
            }
            Entry::Pause(pause) => {
                let later = self.batch.pause.take().filter(|other| other.until > pause.until);
                self.batch.pause = Some(later.unwrap_or(pause));
            }
            Entry::Reach(stage) => self.stages.push(stage),
        }
    }

    /// Whether somebody waits for its commit.
    fn is_awaited(&self) -> bool {
        !(self.intents.is_empty() && self.answers.is_empty() && self.stages.is_empty())
    }

    fn size(&self) -> usize {
        self.batch.settled.len() + self.batch.intents.len() + self.batch.polled.len() + self.batch.aside.len()
    }

    /// What it holds is committed, and nobody was told yet.
    fn pass_points(&self) {
        if !self.batch.intents.is_empty() {
            Point::IntentCommitted.pass();
        }
        if !self.batch.settled.is_empty() {
            Point::OutcomeCommitted.pass();
        }
        if !self.batch.polled.is_empty() {
            Point::StatusCommitted.pass();
        }
    }

    /// Tells what went wrong, each kind once.
    fn tell_problems(&self, events: &Events) {
        let mut kinds: BTreeMap<&str, (u64, &Problem)> = BTreeMap::new();
        for problem in self.batch.settled.iter().filter_map(|settled| settled.problem.as_ref()) {
            kinds.entry(&problem.code).or_insert((0, problem)).0 += 1;
        }
        for (code, (count, problem)) in kinds {
            let message = problem.message.to_string();
            events(Event::Problem { code: code.to_owned(), message, count });
        }
    }

    /// Counts what was committed and answers those who wait. Gives back how many rows came back to dispatch.
    fn tell(&mut self, standing: &mut Standing, Written { granted, moved }: &Written) -> u64 {
        for settled in &self.batch.settled {
            standing.shift(State::Sending, settled.state);
        }
        for grant in granted {
            match grant {
                Grant::Granted => standing.shift(State::Pending, State::Sending),
                Grant::Suppressed(state) => standing.shift(State::Pending, *state),
                Grant::Refused => {}
            }
        }
        for (from, to) in moved {
            standing.shift(*from, *to);
        }
        for aside in &self.batch.aside {
            standing.shift(State::Pending, aside.state);
        }
        let refused = granted.iter().filter(|grant| **grant != Grant::Granted).count();
        let mut rest = granted.as_slice();
        for (intents, answer) in self.intents.drain(..) {
            let (these, after) = rest.split_at(intents.min(rest.len()));
            rest = after;
            // Whoever asked may have been stopped meanwhile; the intent then is one of the open ones.
            let _ = answer.send(these.iter().map(|grant| *grant == Grant::Granted).collect());
        }
        for answer in self.answers.drain(..) {
            let _ = answer.send(());
        }
        (self.batch.settled.len() + self.batch.aside.len() + refused) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{NewRun, Repeat, StartDecision};

    #[tokio::test]
    async fn a_count_that_fails_is_given_up_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        let new = NewRun {
            name: "sale".to_owned(),
            campaign: "{}".to_owned(),
            campaign_print: "a".to_owned(),
            recipients_print: "b".to_owned(),
        };
        let StartDecision::New(run) = writer.start_run(&new, Repeat::Unsaid, Millis(0)).await.unwrap() else {
            panic!("it is new")
        };
        let silent: Events = Arc::new(|_| {});

        let mut standing = Standing::new(None, Counting::failing());
        while standing.under_way.is_some() {
            standing.look(&mut writer, &store, &run, &silent).await;
            tokio::task::yield_now().await;
        }
        assert!(standing.now().is_none() && standing.is_stale);

        standing.recount_at = Instant::now();
        while standing.now().is_none() {
            standing.look(&mut writer, &store, &run, &silent).await;
            tokio::task::yield_now().await;
        }
    }
}
