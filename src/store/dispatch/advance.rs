//! The one operation that moves a run forward: outcomes in, claims out, in one synced commit.
//!
//! A claimed row is durable before its request is rendered, and so before its first byte leaves. Rows that a new owner
//! finds in `sending` may have been accepted; no other row is in doubt.

use std::time::Duration;

use tokio::time::Instant;

use super::claims::{candidates, claim_due, new_rows};
use super::consequences::follow;
use super::outcomes::{apply_where, columns, count_seconds, record_each, seconds};
use super::waiting_rows::defer;
use crate::crash_point::Point;
use crate::model::{Millis, State, StateChange};
use crate::store::error::doing;
use crate::store::guarded;
use crate::store::handle::{Backend, Store};
use crate::store::postgres::mark;
use crate::store::postgres::pace::{self, AccountPace, SlotRange};
use crate::store::runs::lifecycle;
use crate::store::sql::{Batch, DbConnection, DbRow, batch, first_batch, last_batch, query, query_scalar};
use crate::store::sqlite::Mark;
use crate::store::writer::in_step_time;
use crate::store::{
    Advanced, Claim, History, Owner, RowKey, SendSlot, Settlement, Step, StoreError, WorkerId, stopped,
};

const _: () = assert!(State::Sending as i64 == 1, "it stands in the statements");

// `$1` and not `?1`: sqlx counts skipped numbers of `?N` as arguments, over all statements of a text, and leaves those
// after the last one NULL.

/// What a step depends on: `$1` is the run, `$2` the current time, `$3` the number of wanted rows. `changes()` counts
/// those of the previous statement.
macro_rules! progress {
    () => {
        concat!(
            "SELECT owner, next_row, limit_left, last_row, is_held, is_dispatched, recorded, \
             EXISTS (SELECT 1 FROM early_status), \
             EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND next_attempt_at <= $2), (",
            new_rows!("next_row", "last_row", "$3"),
            ") FROM (SELECT p.owner, p.next_row, p.limit_left, iif(r.planned_at IS NULL, 0, r.id << 40 | r.rows) AS last_row, \
             r.cancelled_at IS NOT NULL OR r.paused_at IS NOT NULL AS is_held, r.dispatched_at IS NOT NULL AS is_dispatched, \
             changes() AS recorded FROM progress p JOIN run r ON r.id = p.run WHERE p.run = $1) AS now"
        )
    };
}

/// Starts a step that records nothing.
const BEGIN: Batch = first_batch!(progress!());

/// Starts a step that records outcomes of rows that are being sent: `$4` are the settlements, `$5` their seconds.
const BEGIN_RECORDING: Batch =
    first_batch!(count_seconds!("$1", "$5") => apply_where!("$4", "delivery.state + 0 = 1"), progress!());

/// Claims the rows of run `$1` after `$2` and up to `$3` that were never claimed, for worker `$5` at `$6`. `$4` is the
/// rest of the limit, `$7` the state of suppressed rows.
macro_rules! claim_new {
    () => {
        "INSERT INTO delivery (id, run, state, claim, worker, started_at, error_code, error_values) \
         SELECT r.id, $1, iif(s.phone IS NULL, 1, $7), iif(s.phone IS NULL, 1, 0), iif(s.phone IS NULL, $5, NULL), \
         iif(s.phone IS NULL, $6, NULL), iif(s.phone IS NULL, NULL, 'suppressed'), \
         iif(s.phone IS NULL, NULL, CAST(json_array(s.reason) AS TEXT)) \
         FROM recipient r LEFT JOIN suppression s ON s.phone = r.phone WHERE r.id > $2 AND r.id <= $3 AND r.state = 0"
    };
}

macro_rules! save_progress {
    () => {
        "UPDATE progress SET next_row = $3, limit_left = $4 WHERE run = $1"
    };
}

/// Claims rows, saves the run's progress, and ends the step, on a server.
const COMMIT_CLAIMS: Batch = last_batch!(concat!(
    "WITH saved AS (",
    save_progress!(),
    "), marked AS (UPDATE store SET mark = mark + 1) ",
    claim_new!()
));

/// Does the same in a file. `$8` is the last count of commits that claim, or NULL if this one does not. The commit
/// fails if the count is lower: the store was restored through SQLite while this process was sending, so the file is
/// still the same.
const COMMIT_CLAIMS_IN_FILE: Batch = last_batch!(
    claim_new!(),
    save_progress!(),
    "UPDATE mark SET claims = iif(claims < $8, NULL, claims + 1) WHERE $8 IS NOT NULL RETURNING claims, store"
);

/// What a step reads once its outcomes are recorded.
struct Progress {
    owner: Option<i64>,
    next_row: i64,
    limit_left: Option<i64>,
    /// The key of the run's last row; 0 until all rows are imported.
    last_row: i64,
    /// Whether a person paused or cancelled the run.
    is_held: bool,
    /// Whether nothing was left to send, as far as was known.
    is_dispatched: bool,
    has_early_statuses: bool,
    /// Number of outcomes recorded; meaningless if there were none to record.
    recorded: u64,
    /// Whether waiting rows are due.
    has_due_rows: bool,
    /// The next rows that were never claimed, at most as many as wanted, as JSON.
    new_rows: String,
    /// The store's mark, on a server.
    mark: Option<i64>,
}

/// What this process knows of the store, which must not have gone back.
#[derive(Clone, Copy)]
struct Seen {
    /// In a file, the last count of commits that claim rows, if this process claims.
    claims: Option<u64>,
    /// On a server, the highest mark.
    mark: i64,
}

impl Store {
    /// Records the outcomes of claims and claims more rows, in one commit that is synced when this returns. Due rows
    /// come first, then rows that were never claimed, in input order. A row whose number is on the suppression list is
    /// suppressed instead. Nothing is claimed while a run is paused or cancelled.
    ///
    /// A settlement applies only to the claim that it names: to the row, if that is still its latest claim, otherwise
    /// to the past attempt.
    ///
    /// # Errors
    /// [`StoreError::NotOwner`] when another process has taken over the run: the settlements are still recorded, but
    /// nothing is claimed. When the store cannot be written, nothing of the step is saved.
    pub async fn advance(&self, owner: Owner, step: &Step) -> Result<Advanced, StoreError> {
        match &self.backend {
            Backend::File(_) => self.step(owner, step).await,
            Backend::Server(_) => in_step_time(self.step(owner, step)).await,
        }
    }

    async fn step(&self, owner: Owner, step: &Step) -> Result<Advanced, StoreError> {
        let mut writer = self.write().await?;
        if let Backend::File(file) = &self.backend
            && step.want > 0
        {
            if writer.guard.mark.is_none() {
                writer.guard.mark = Some(file.mark(writer.connection()).await?);
            }
            writer.guard.mark.as_ref().map_or(Ok(()), Mark::log_is_in_place)?;
        }
        let seen = match &self.backend {
            Backend::File(_) => Seen { claims: writer.guard.mark.as_ref().map(Mark::claims), mark: 0 },
            Backend::Server(server) => Seen { claims: None, mark: server.mark.get() },
        };
        let lead = writer.guard.lead;
        // Until it is done: abandoning a step halfway leaves its transaction open.
        writer.guard.is_spoilt = true;
        let done = advance(writer.connection(), owner, step, seen, lead).await;
        let Stepped { mut advanced, is_owner, counted, mark, slots } = match done {
            Ok(done) => done,
            Err(error) => {
                // Lets other writers continue at once. It fails if nothing was begun or the database has already rolled
                // back.
                let _ = writer.connection().command("ROLLBACK").await;
                if matches!(error, StoreError::SetBack) {
                    mark::record(writer.connection()).await.map_err(doing("record that it was set back"))?;
                }
                if let Some(mark) = writer.guard.mark.take() {
                    mark.went_back(writer.connection().sqlite()).await?;
                }
                return Err(error);
            }
        };
        writer.guard.is_spoilt = false;
        writer.guard.is_proven = is_owner;
        if let (Some(taken), Backend::Server(server)) = (slots, &self.backend) {
            // A slow step counts for a while.
            writer.guard.lead = taken.took.max(lead.mul_f64(0.9)).min(LONGEST_LEAD);
            let count = advanced.attempts.len();
            // Without the server's time, nothing leaves.
            let over = SendSlot { at: Instant::now(), until: Instant::now() };
            advanced.slots = server.local(taken.slots, count).unwrap_or_else(|| vec![over; count]);
            if let Some(at) = taken.ask_again {
                advanced.claim_again = server.local_time(at);
            }
        }
        if let (Some(mark), Backend::Server(server)) = (mark, &self.backend) {
            server.mark.note(mark);
        }
        if let Some((claims, store)) = counted {
            match writer.guard.mark.as_mut().filter(|mark| mark.store == store) {
                Some(mark) => mark.note(claims)?,
                // A person passed `--moved` to another process; the next claim finds out what that means.
                None => writer.guard.mark = None,
            }
        }
        if !step.settlements.is_empty() {
            Point::OutcomeCommitted.pass();
        }
        if !advanced.attempts.is_empty() {
            Point::ClaimCommitted.pass();
        }
        match is_owner {
            true => Ok(advanced),
            false => Err(StoreError::NotOwner(lifecycle::by_key(writer.connection(), owner.run).await?.id)),
        }
    }

    /// Returns the claims of a run that have no outcome: those of `owner`, or those of workers that have ended. There
    /// are never more than were in flight.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn claims(&self, owner: Owner, own: bool) -> Result<Vec<Claim>, StoreError> {
        let failed = || doing("read the claims without an outcome");
        let claims = |statement| query(guarded(statement)).bind(owner.run).bind(owner.worker.0).bind(own);
        let rows = match &self.backend {
            Backend::File(_) => claims(CLAIMS).fetch_all(&self.readers).await.map_err(failed()),
            // A claim whose answer was lost may still be under way on another connection: this waits for its end.
            Backend::Server(_) => {
                let read =
                    async { claims(CLAIMS_ON_SERVER).fetch_all(self.write().await?.alone()).await.map_err(failed()) };
                in_step_time(read).await
            }
        }?;
        let claim = |row: &DbRow| {
            Ok(Claim {
                key: RowKey(row.try_get(0)?),
                number: row.try_get(1)?,
                worker: WorkerId(row.try_get(2)?),
                started_at: Millis(row.try_get(3)?),
                history: History {
                    attempts: row.try_get(4)?,
                    charged_attempts: row.try_get(5)?,
                    deferrals: row.try_get(6)?,
                    in_doubt: row.try_get(7)?,
                },
            })
        };
        rows.iter().map(claim).collect::<Result<_, _>>().map_err(failed())
    }

    /// Counts the messages of all runs of this name whose attempt ended at `since` or later and was or may have been
    /// accepted. The rows in flight of runs other than `own` count too: a process that died may have sent them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn taken_since(&self, name: &str, own: Option<i64>, since: Millis) -> Result<u64, StoreError> {
        let taken: i64 = query_scalar(TAKEN)
            .bind(name)
            .bind(since.0.div_euclid(1000))
            .bind(since.0)
            .bind(own)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count today's messages"))?;
        Ok(taken.unsigned_abs())
    }
}

const TAKEN: &str = "SELECT \
    (SELECT CAST(coalesce(sum(t.accepted + t.uncertain), 0) AS BIGINT) FROM run r JOIN timeline t ON t.run = r.id \
     WHERE r.name = $1 AND t.second >= $2 AND coalesce(r.dispatched_at, $3) >= $3) \
    + (SELECT CAST(coalesce(sum((SELECT count(*) FROM delivery d WHERE d.run = r.id AND d.state = 1 AND d.started_at >= $3)), 0) \
        AS BIGINT) \
     FROM run r WHERE r.name = $1 AND r.id IS DISTINCT FROM $4 AND r.dispatched_at IS NULL)";
pub(in crate::store) const CLAIMS: &str = "SELECT id, claim, worker, started_at, attempts, charged_attempts, deferrals, in_doubt \
    FROM delivery WHERE run = $1 AND state = 1 AND (worker = $2) = $3 ORDER BY id";
/// The same, without those of living workers that joined the run.
const CLAIMS_ON_SERVER: &str = "SELECT id, claim, worker, started_at, attempts, charged_attempts, deferrals, in_doubt \
    FROM delivery d WHERE run = $1 AND state = 1 AND (worker = $2) = $3 AND ($3 OR NOT EXISTS ( \
      SELECT 1 FROM sender s JOIN process p ON p.id = s.process WHERE s.worker = d.worker AND s.is_joined AND NOT p.ended)) \
    ORDER BY id";

/// What came of a step.
struct Stepped {
    advanced: Advanced,
    /// Whether the worker may still claim.
    is_owner: bool,
    /// In a file, the count of commits that claim rows, with the store's id, if this one does.
    counted: Option<(u64, i64)>,
    /// On a server, the store's mark, if this commit raised it.
    mark: Option<i64>,
    /// On a server, if the account has a rate.
    slots: Option<ClaimedSlots>,
}

/// The slots of the claimed rows.
struct ClaimedSlots {
    slots: SlotRange,
    /// When to ask again, by the server's clock, if there were too few.
    ask_again: Option<i64>,
    /// How long the step took from looking at the server's clock.
    took: Duration,
}

/// The longest time that a step is expected to take.
const LONGEST_LEAD: Duration = Duration::from_secs(3);

/// Makes the step and commits it. Slots of the account's rate begin `lead` from now.
async fn advance(
    store: &mut DbConnection<'_>,
    owner: Owner,
    step: &Step,
    seen: Seen,
    lead: Duration,
) -> Result<Stepped, StoreError> {
    let settlements: Vec<&Settlement> = step.settlements.iter().collect();
    let mut progress = begin(store, owner.run, step, &settlements, seen.mark).await?;
    let mut advanced = Advanced::default();
    if !settlements.is_empty() {
        let recorded = if progress.recorded == settlements.len() as u64 {
            (settlements, Vec::new())
        } else {
            store.command("ROLLBACK").await.map_err(doing("restart a step"))?;
            progress = begin(store, owner.run, step, &[], seen.mark).await?;
            record_each(store, owner.run, &settlements).await?
        };
        let run = (progress.is_dispatched, progress.has_early_statuses);
        advanced.ignored = follow(store, owner.run, run, recorded).await?;
    }
    let begun = Instant::now();
    let turn = match store {
        DbConnection::Sqlite(_) => None,
        DbConnection::Postgres(_) => pace::turn(store, owner.worker).await?,
    };
    let is_owner = match store {
        DbConnection::Sqlite(_) => progress.owner == Some(owner.worker.0),
        DbConnection::Postgres(_) => turn.is_some(),
    };
    if step.of_others && !is_owner {
        store.command("ROLLBACK").await.map_err(doing("undo a step"))?;
        return Ok(Stepped { advanced: Advanced::default(), is_owner, counted: None, mark: None, slots: None });
    }
    let turn = turn.filter(|turn| step.want > 0 && turn.is_limited());
    let (want, slots) = match &turn {
        Some(turn) => turn.slots(step.want, lead),
        None => (step.want, SlotRange::default()),
    };
    if !step.deferrals.is_empty() && is_owner {
        defer(store, &step.deferrals).await?;
    }
    let mut limit_left = progress.limit_left;
    let mut next_row = progress.next_row;
    if is_owner && want > 0 && !progress.is_held {
        // Outcomes that were recorded separately come after the query, and may be due at once.
        if progress.has_due_rows || step.settlements.iter().any(|s| s.next_attempt_at.is_some_and(|at| at <= step.now))
        {
            advanced.attempts = claim_due(store, owner, &mut limit_left, (want, step.now)).await?;
        }
        if next_row < progress.last_row {
            let rows = candidates(&progress.new_rows)?;
            let is_rest = rows.len() < step.want as usize;
            let mut rows = rows.into_iter();
            while advanced.attempts.len() < want as usize
                && limit_left != Some(0)
                && let Some(row) = rows.next()
            {
                next_row = row.id;
                if row.suppressed == 0 {
                    limit_left = limit_left.map(|limit| limit - 1);
                    advanced.attempts.push(row.attempt(owner.worker, step.now));
                }
            }
            match rows.as_slice().first() {
                // None of the rows in between is to be sent.
                Some(row) => next_row = row.id - 1,
                None if is_rest => next_row = progress.last_row,
                None => {}
            }
        }
    }
    advanced.is_held = progress.is_held;
    advanced.new_rows_left = next_row < progress.last_row;
    advanced.limit_left = limit_left.map(i64::unsigned_abs);
    Point::StepWritten.pass();
    let is_claim = !advanced.attempts.is_empty();
    let released = step.settlements.iter().filter(|settlement| !settlement.departed).count();
    match turn.as_ref().filter(|turn| is_claim || turn.is_put_off()) {
        Some(turn) => turn.take(store, owner.worker, slots, (advanced.attempts.len(), released)).await?,
        None if released > 0 && matches!(store, DbConnection::Postgres(_)) => {
            pace::count_released(store, owner.worker, released).await?;
        }
        None => {}
    }
    let taken = |turn: &AccountPace| ClaimedSlots {
        slots,
        ask_again: (want < step.want && !progress.is_held).then(|| turn.ask_again(slots, want, lead)),
        took: begun.elapsed(),
    };
    if (next_row, limit_left) == (progress.next_row, progress.limit_left) && !is_claim {
        store.command("COMMIT").await.map_err(doing("commit a step"))?;
        return Ok(Stepped { advanced, is_owner, counted: None, mark: None, slots: turn.as_ref().map(taken) });
    }
    let rows = (progress.next_row, next_row);
    let counted =
        commit_claims(store, owner, step.now, rows, limit_left, is_claim.then_some(seen.claims.unwrap_or(0))).await?;
    let mark = progress.mark.map(|mark| mark + 1);
    Ok(Stepped { advanced, is_owner, counted, mark, slots: turn.as_ref().map(taken) })
}

/// Begins the transaction, records the outcomes of rows that are being sent, counts them, and reads what the step
/// depends on.
async fn begin(
    store: &mut DbConnection<'_>,
    run: i64,
    step: &Step,
    settlements: &[&Settlement],
    seen_mark: i64,
) -> Result<Progress, StoreError> {
    let failed = || doing("start a step");
    // The same parameters for both, because PostgreSQL prepares a statement for a number of them.
    let begin = batch(if settlements.is_empty() { &BEGIN } else { &BEGIN_RECORDING })
        .bind(run)
        .bind(step.now.0)
        .bind(step.want)
        .bind(columns(settlements))
        .bind(seconds(settlements));
    let begun = begin.run(store).await.map_err(failed())?;
    if let Some((mark, went_back)) = begun.mark
        && (went_back || mark < seen_mark)
    {
        return Err(StoreError::SetBack);
    }
    let row = begun.rows.last().ok_or_else(|| StoreError::Damaged("no process has taken over the run".to_owned()))?;
    let read = || {
        Ok(Progress {
            owner: row.try_get(0)?,
            next_row: row.try_get(1)?,
            limit_left: row.try_get(2)?,
            last_row: row.try_get(3)?,
            is_held: row.try_get(4)?,
            is_dispatched: row.try_get(5)?,
            recorded: match begun.changed {
                Some(changed) => changed,
                None => row.try_get::<i64, _>(6)?.unsigned_abs(),
            },
            has_early_statuses: row.try_get(7)?,
            has_due_rows: row.try_get(8)?,
            new_rows: row.try_get(9)?,
            mark: begun.mark.map(|(mark, _)| mark),
        })
    };
    read().map_err(failed())
}

/// Claims the rows between two keys that were never claimed, saves the run's progress, and commits. In a file, a commit
/// that claims rows is counted (see `mark`), starting from the last count `seen`.
async fn commit_claims(
    store: &mut DbConnection<'_>,
    owner: Owner,
    now: Millis,
    (after, up_to): (i64, i64),
    limit_left: Option<i64>,
    seen: Option<u64>,
) -> Result<Option<(u64, i64)>, StoreError> {
    let failed = || doing("commit a step");
    let in_file = matches!(store, DbConnection::Sqlite(_));
    let mut commit = batch(if in_file { &COMMIT_CLAIMS_IN_FILE } else { &COMMIT_CLAIMS })
        .bind(owner.run)
        .bind(after)
        .bind(up_to)
        .bind(limit_left)
        .bind(owner.worker.0)
        .bind(now.0)
        .bind(stopped(StateChange::Suppress, false)?.code());
    if in_file {
        commit = commit.bind(seen.map(u64::cast_signed));
    }
    let committed = commit.run(store).await.map_err(failed())?;
    let counted = |row: &DbRow| Ok((row.try_get::<i64, _>(0)?.cast_unsigned(), row.try_get(1)?));
    committed.rows.first().map(counted).transpose().map_err(failed())
}
