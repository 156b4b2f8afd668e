//! The commit of what dispatch and reconciliation bring: outcomes, intents and status answers, all or nothing.
//!
//! Each execution costs two changes of thread, since SQLite works in one of its own. So a commit is two, whatever it
//! holds: one text of several statements, and `COMMIT`.

use std::collections::HashSet;
use std::sync::OnceLock;

use sqlx::{Row, SqliteConnection};

use super::dispatch::last_tried;
use super::error::doing;
use super::many::Many;
use super::{Batch, Grant, Intent, RowKey, Settled, StoreError, Writer, connect};
use crate::crash::Point;
use crate::model::{Change, State};

impl Writer {
    /// Commits a batch, synced when this returns. Outcomes first, so that a row's slot in the air is free before
    /// another takes it. Gives back, for each intent in order, what became of it: one is refused where the row is not
    /// waiting to be sent, which is how a row can never be in the air twice.
    ///
    /// # Errors
    /// Where the store cannot be written, or the batch contradicts it; then nothing of the batch is in.
    pub async fn commit(&mut self, run: i64, batch: &Batch) -> Result<Vec<Grant>, StoreError> {
        if self.spoilt {
            self.connection = connect(&self.path).await?;
        }
        // Until it is done: a commit that is given up half-way leaves its transaction open.
        self.spoilt = true;
        let done = self.commit_once(run, batch).await;
        if done.is_err() {
            // Lets other writers in at once. Where nothing was begun, or SQLite has rolled back by itself, it fails.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
        self.spoilt = done.is_err();
        done
    }

    async fn commit_once(&mut self, run: i64, batch: &Batch) -> Result<Vec<Grant>, StoreError> {
        let store = &mut self.connection;
        let mut last_fresh = match self.last_fresh {
            None => last_tried(&mut *store, run).await?,
            known => known,
        };
        let mut granted = vec![Grant::Refused; batch.intents.len()];
        let mut fresh = Vec::with_capacity(batch.intents.len());
        for (intent, grant) in batch.intents.iter().zip(&mut granted) {
            // Fresh rows are taken up in input order, each once: all that were ever taken up lie before the last.
            if !intent.again && last_fresh.is_none_or(|last| last < intent.key) {
                last_fresh = Some(intent.key);
                *grant = Grant::Granted;
                fresh.push(intent);
            }
        }
        let missing = write(store, true, &batch.settled, &fresh).await?;
        if missing > 0 || batch.intents.iter().any(|intent| intent.again) {
            look_closely(store, run, &batch.intents, &mut granted, missing).await?;
        }
        if !batch.polled.is_empty() {
            super::reconcile::merge(store, &batch.polled).await?;
        }
        if batch.polls > 0 {
            sqlx::query("UPDATE run SET polls = polls + ?2 WHERE id = ?1")
                .bind(run)
                .bind(i64::from(batch.polls))
                .execute(&mut *store)
                .await
                .map_err(doing("count polls"))?;
        }
        Point::BatchWritten.pass();
        sqlx::query("COMMIT").execute(&mut *store).await.map_err(doing("commit"))?;
        self.last_fresh = last_fresh;
        Ok(granted)
    }
}

/// Rows in one execution at most, of either kind: few enough that the statements of all sizes together stay small.
const MOST: usize = 1 << (SIZES - 2);
const SIZES: usize = 8;

/// The texts: those that begin the commit and those that go on with it, for each size of outcomes and of intents.
static TEXTS: [[[OnceLock<String>; SIZES]; SIZES]; 2] =
    [const { [const { [const { OnceLock::new() }; SIZES] }; SIZES] }; 2];

static CLOSE: Many = Many::new("DELETE FROM intent WHERE id IN (SELECT column1 FROM (VALUES ", 1, "))");
static LEDGER: Many = Many::new(
    "INSERT INTO attempt (recipient, attempt, at, ended_at, outcome, code) SELECT * FROM (VALUES ",
    6,
    ") WHERE column1 IS NOT NULL",
);
static DELIVERY: Many = Many::new(
    "INSERT INTO delivery \
     (id, run, state, tries, attempts, tried_at, accepted_at, message_id, code, message, due_at, poll_at, doubted, \
      put_off) SELECT * FROM (VALUES ",
    14,
    ") WHERE column1 IS NOT NULL ON CONFLICT (id) DO UPDATE SET state = excluded.state, tries = excluded.tries, \
     attempts = excluded.attempts, tried_at = excluded.tried_at, accepted_at = excluded.accepted_at, \
     message_id = excluded.message_id, code = excluded.code, message = excluded.message, \
     due_at = excluded.due_at, poll_at = excluded.poll_at, doubted = excluded.doubted, put_off = excluded.put_off",
);
/// Looks at the suppression list here, in the commit, so that a number takes effect the moment it is on the list.
/// Mostly there is no list, and then no row is looked at.
static INTENT: Many = Many::new(
    "INSERT INTO intent (id, attempt, at) SELECT * FROM (VALUES ",
    3,
    ") WHERE column1 IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM suppression) OR NOT EXISTS \
     (SELECT 1 FROM recipient r JOIN suppression s ON s.phone = r.phone WHERE r.id = column1))",
);

/// Writes outcomes and intents. Gives back how many changes were not made: an outcome's that has no intent, or an
/// intent's whose number is on the suppression list.
async fn write(
    store: &mut SqliteConnection,
    mut begin: bool,
    settled: &[Settled],
    intents: &[&Intent],
) -> Result<u64, StoreError> {
    let mut missing = 0;
    let (mut settled, mut intents) = (settled.chunks(MOST), intents.chunks(MOST));
    loop {
        let (settled, intents) = (settled.next().unwrap_or_default(), intents.next().unwrap_or_default());
        if !begin && settled.is_empty() && intents.is_empty() {
            return Ok(missing);
        }
        let (outcomes, wishes) = (size(settled.len()), size(intents.len()));
        let text =
            TEXTS[usize::from(begin)][outcomes][wishes].get_or_init(|| text(begin, room(outcomes), room(wishes)));
        let (outcomes, wishes) = (room(outcomes), room(wishes));
        let mut statement = sqlx::query(text.as_str());
        statement = CLOSE.bind(statement, outcomes, settled, |close, s| close.bind(s.key.0));
        statement = LEDGER.bind(statement, outcomes, settled, |entry, s| {
            // An attempt whose request never left is no attempt.
            entry
                .bind(s.left.then_some(s.key.0))
                .bind(s.attempt.0)
                .bind(s.at.0)
                .bind(s.ended_at.0)
                .bind(s.state.code())
                .bind(s.problem.as_ref().map(|problem| &problem.code))
        });
        statement = DELIVERY.bind(statement, outcomes, settled, |row, s| {
            row.bind(s.key.0)
                .bind(s.key.run())
                .bind(s.state.code())
                .bind(s.tries)
                .bind(if s.left { s.attempt.0 } else { s.attempt.0 - 1 })
                .bind(s.at.0)
                .bind((s.state == State::Accepted).then_some(s.ended_at.0))
                .bind(&s.message_id)
                .bind(s.problem.as_ref().map(|problem| &problem.code))
                .bind(s.problem.as_ref().map(|problem| &problem.message))
                .bind(s.due_at.map(|at| at.0))
                .bind(s.poll_at.map(|at| at.0))
                .bind(s.doubted)
                .bind(s.put_off)
        });
        statement =
            INTENT.bind(statement, wishes, intents, |wish, i| wish.bind(i.key.0).bind(i.attempt.0).bind(i.at.0));
        let rows = statement.fetch_all(&mut *store).await.map_err(doing("commit"))?;
        let changes: Vec<i64> =
            rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(doing("commit"))?;
        let made = changes.last().zip(changes.first()).map_or(0, |(after, before)| after - before).unsigned_abs();
        let left = settled.iter().filter(|s| s.left).count();
        // Never fewer than were made: keys are unique, and each row changes once.
        missing += ((2 * settled.len() + left + intents.len()) as u64).saturating_sub(made);
        begin = false;
    }
}

/// The text for so many outcomes and intents, with the changes made before it and after it.
fn text(begin: bool, outcomes: usize, intents: usize) -> String {
    let mut text = if begin { "BEGIN IMMEDIATE;" } else { "" }.to_owned();
    text.push_str("SELECT total_changes();");
    if outcomes > 0 {
        for many in [&CLOSE, &LEDGER, &DELIVERY] {
            many.add_to(&mut text, outcomes);
        }
    }
    if intents > 0 {
        INTENT.add_to(&mut text, intents);
    }
    text + "SELECT total_changes()"
}

/// Which size of a statement holds so many rows: the first holds none, and each after it a power of two.
fn size(rows: usize) -> usize {
    if rows == 0 { 0 } else { 1 + rows.next_power_of_two().trailing_zeros() as usize }
}

/// How many rows a statement of this size holds.
fn room(size: usize) -> usize {
    if size == 0 { 0 } else { 1 << (size - 1) }
}

/// Sees to what is seldom: intents of rows that wait for another try, and numbers on the suppression list.
async fn look_closely(
    store: &mut SqliteConnection,
    run: i64,
    intents: &[Intent],
    granted: &mut [Grant],
    missing: u64,
) -> Result<(), StoreError> {
    let suppressed = suppressed(store, intents).await?;
    let mut unwritten = 0;
    let mut again = Vec::new();
    for (intent, grant) in intents.iter().zip(granted) {
        let waiting = if intent.again { is_waiting(store, intent).await? } else { *grant == Grant::Granted };
        if waiting && suppressed.contains(&intent.key) {
            *grant = Grant::Suppressed(suppress(store, run, intent.key).await?);
            unwritten += u64::from(!intent.again);
        } else if waiting && intent.again {
            take_up_again(store, intent.key).await?;
            *grant = Grant::Granted;
            again.push(intent);
        }
    }
    if unwritten != missing {
        return Err(StoreError::Damaged("an outcome has no intent".to_owned()));
    }
    write(store, false, &[], &again).await.map(drop)
}

/// Which of these rows have a number on the suppression list; the same look as in [`INTENT`].
async fn suppressed(store: &mut SqliteConnection, intents: &[Intent]) -> Result<HashSet<RowKey>, StoreError> {
    let failed = || doing("look at the suppression list");
    if intents.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<i64> = intents.iter().map(|intent| intent.key.0).collect();
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT r.id FROM json_each(?1) AS wanted JOIN recipient r ON r.id = wanted.value \
         WHERE EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone)",
    )
    .bind(serde_json::to_string(&keys).unwrap_or_default())
    .fetch_all(&mut *store)
    .await
    .map_err(failed())?;
    Ok(found.into_iter().map(RowKey).collect())
}

/// Marks a row whose number is on the suppression list. One that may have been accepted before stays in doubt.
async fn suppress(store: &mut SqliteConnection, run: i64, key: RowKey) -> Result<State, StoreError> {
    let suppressed = State::Pending.after(Change::Suppress).map_err(StoreError::Illegal)?;
    let uncertain = State::Pending.after(Change::Doubt).map_err(StoreError::Illegal)?;
    let state: i64 = sqlx::query_scalar(
        "INSERT INTO delivery (id, run, state, attempts, tries, code, message) \
         SELECT r.id, ?2, ?3, 0, 0, 'suppressed', coalesce(s.reason, 'on the suppression list') \
         FROM recipient r LEFT JOIN suppression s ON s.phone = r.phone WHERE r.id = ?1 \
         ON CONFLICT (id) DO UPDATE SET state = CASE WHEN doubted THEN ?4 ELSE excluded.state END, \
         code = CASE WHEN doubted THEN code ELSE excluded.code END, \
         message = CASE WHEN doubted THEN message ELSE excluded.message END, due_at = NULL RETURNING state",
    )
    .bind(key.0)
    .bind(run)
    .bind(suppressed.code())
    .bind(uncertain.code())
    .fetch_one(&mut *store)
    .await
    .map_err(doing("record suppressed rows"))?;
    State::from_code(state).ok_or_else(|| StoreError::Damaged(format!("there is no state number {state}")))
}

/// Whether a row that was taken up before stands as pending after all attempts before this one, and is not in the air.
async fn is_waiting(store: &mut SqliteConnection, intent: &Intent) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE id = ?1 AND attempts + 1 = ?2 AND state = ?3) \
         AND NOT EXISTS (SELECT 1 FROM intent WHERE id = ?1)",
    )
    .bind(intent.key.0)
    .bind(intent.attempt.0)
    .bind(State::Pending.code())
    .fetch_one(&mut *store)
    .await
    .map_err(doing("look at a waiting row"))
}

/// Takes a waiting row up again.
async fn take_up_again(store: &mut SqliteConnection, key: RowKey) -> Result<(), StoreError> {
    let sending = State::Pending.after(Change::Intend).map_err(StoreError::Illegal)?;
    sqlx::query("UPDATE delivery SET state = ?2, due_at = NULL WHERE id = ?1")
        .bind(key.0)
        .bind(sending.code())
        .execute(&mut *store)
        .await
        .map_err(doing("take rows up again"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptNo, Millis, RowNo};
    use crate::store::Store;

    fn intents(rows: std::ops::RangeInclusive<u64>) -> Vec<Intent> {
        let intent =
            |row| Intent { key: RowKey::new(1, RowNo(row)), attempt: AttemptNo(1), at: Millis(1), again: false };
        rows.map(intent).collect()
    }

    fn accepted(intent: &Intent) -> Settled {
        Settled {
            key: intent.key,
            attempt: intent.attempt,
            left: true,
            at: intent.at,
            ended_at: Millis(2),
            state: State::Accepted,
            tries: 1,
            put_off: 0,
            message_id: Some("wamid.1".to_owned()),
            problem: None,
            due_at: None,
            poll_at: None,
            doubted: false,
        }
    }

    /// More than one execution holds, with numbers on the list among them, and an outcome that nobody waits for.
    #[tokio::test]
    async fn a_commit_of_any_size_is_all_in_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        for i in intents(1..=400) {
            sqlx::query("INSERT INTO recipient (id, line, state, phone, cells) VALUES (?, 1, 0, 852600 + ?, '[]')")
                .bind(i.key.0)
                .bind(i.key.0 - RowKey::first(1))
                .execute(&mut writer.connection)
                .await
                .unwrap();
        }
        sqlx::query("INSERT INTO suppression (phone, added_at) VALUES (852607, 1), (852690, 1)")
            .execute(&mut writer.connection)
            .await
            .unwrap();

        let wanted = intents(1..=150);
        let granted = writer.commit(1, &Batch { intents: wanted.clone(), ..Batch::default() }).await.unwrap();
        let flying: Vec<Intent> =
            wanted.iter().zip(&granted).filter(|(_, grant)| **grant == Grant::Granted).map(|(i, _)| *i).collect();
        let others: Vec<u64> =
            wanted.iter().zip(&granted).filter(|(_, g)| **g != Grant::Granted).map(|(i, _)| i.key.row().0).collect();
        assert_eq!(others, [7, 90]);
        assert_eq!(store.open_intents(1).await.unwrap().len(), 148);

        let mut settled: Vec<Settled> = flying.iter().map(accepted).collect();
        settled.push(accepted(&intents(399..=399)[0]));
        let contradiction = Batch { settled: settled.clone(), intents: intents(151..=200), ..Batch::default() };
        let refused = writer.commit(1, &contradiction).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged(_)), "{refused}");
        assert_eq!(store.open_intents(1).await.unwrap().len(), 148);
        // Nothing is left begun that would hold up another writer.
        let mut other = store.writer().await.unwrap();
        settled.pop();
        other.commit(1, &Batch { settled, intents: intents(151..=153), ..Batch::default() }).await.unwrap();
        let open: Vec<Intent> = store.open_intents(1).await.unwrap().into_iter().map(|(intent, ..)| intent).collect();
        assert_eq!(open, intents(151..=153));
        // What was taken up before is not taken up a second time.
        let again = other.commit(1, &Batch { intents: intents(153..=154), ..Batch::default() }).await.unwrap();
        assert_eq!(again, [Grant::Refused, Grant::Granted]);
    }
}
