//! The commit of what dispatch and reconciliation bring: outcomes, intents and status answers, all or nothing.
//!
//! Each execution costs two changes of thread, since SQLite works in one of its own. So most commits are one: a text of
//! several statements, `BEGIN` to `COMMIT`. Most of what they hold is messages that were accepted the first time they
//! were tried; these have statements of their own, which say of them only what differs from one to the next.

use std::collections::HashSet;
use std::sync::OnceLock;

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, FromRow, SqliteConnection};

use super::air::{Air, Line};
use super::error::doing;
use super::many::Many;
use super::mark::Mark;
use super::{Batch, Grant, Intent, RowKey, Settled, StoreError, Writer, Written, connect, firsts};
use crate::crash::Point;
use crate::model::{Change, State};

impl Writer {
    /// Commits a batch, synced when this returns. Outcomes first, so that a row's slot in the air is free before
    /// another takes it. An intent is refused where the row is not waiting to be sent, which is how a row can never be in
    /// the air twice.
    ///
    /// # Errors
    /// Where the store cannot be written, or the batch contradicts it; then nothing of the batch is in.
    pub async fn commit(&mut self, run: i64, batch: &Batch) -> Result<Written, StoreError> {
        if self.spoilt {
            let connection = connect(&self.path).await?;
            self.file.is_at(&self.path)?;
            (self.connection, self.mark) = (connection, None);
        }
        // Nothing is written any more once another file may be in its place, whose log and index have the same names.
        self.file.is_at(&self.path)?;
        if !batch.intents.is_empty() {
            match &self.mark {
                Some(mark) => mark.log_is_in_place()?,
                None => self.mark = Some(Mark::verify(&self.path, &mut self.connection).await?),
            }
        }
        // Until it is done: a commit that is given up half-way leaves its transaction open.
        self.spoilt = true;
        let done = self.commit_once(run, batch).await;
        if done.is_err() {
            // Lets other writers in at once. Where nothing was begun, or SQLite has rolled back by itself, it fails.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
        self.spoilt = done.is_err();
        if done.is_err()
            && let Some(mark) = &self.mark
        {
            mark.went_back(&mut self.connection).await?;
        }
        let (written, claim) = done?;
        if let (Some(mark), Some(claim)) = (&mut self.mark, claim) {
            match mark.store == claim.store {
                true => mark.note(claim.number)?,
                // A person said `--moved` to another process: what that means is found out before the next claim.
                false => self.mark = None,
            }
        }
        Ok(written)
    }

    async fn commit_once(&mut self, run: i64, batch: &Batch) -> Result<(Written, Option<Claim>), StoreError> {
        let intents = batch.intents.as_slice();
        let seen = self.mark.as_ref().map_or(0, Mark::claims);
        let store = &mut self.connection;
        // Taken out, and put back when all is in: after a failure it is read anew.
        let mut air = match self.air.take() {
            Some(air) => air,
            None => Air::read(&mut *store, run).await?,
        };
        air.land(batch.settled.iter().map(|settled| settled.key))?;
        let mut granted = air.fresh(intents);
        let lines = air.take_off(intents, &granted);
        let (firsts, others): (Vec<&Settled>, Vec<&Settled>) =
            batch.settled.iter().partition(|settled| settled.is_accepted_at_first());
        let again = intents.iter().any(|intent| intent.again);
        let more = again
            || !others.is_empty()
            || !batch.polled.is_empty()
            || !batch.aside.is_empty()
            || batch.polls > 0
            || batch.pause.is_some()
            || firsts.len() > firsts::MOST;
        let mut moved = Vec::new();
        let (suppressed, claim) =
            begin(store, (!intents.is_empty(), seen), &air.done(), &lines, &firsts, !more).await?;
        if more {
            for others in others.chunks(MOST) {
                write_others(store, others).await?;
            }
            if again {
                take_up_again(store, &mut air, intents, &mut granted).await?;
            }
            if !batch.polled.is_empty() {
                moved = super::reconcile::merge(store, &batch.polled).await?;
            }
            if !batch.aside.is_empty() {
                super::waits::put_aside(store, &batch.aside).await?;
            }
            if batch.polls > 0 {
                sqlx::query("UPDATE run SET polls = polls + ?2 WHERE id = ?1")
                    .bind(run)
                    .bind(i64::from(batch.polls))
                    .execute(&mut *store)
                    .await
                    .map_err(doing("count polls"))?;
            }
            if let Some(pause) = &batch.pause {
                super::account::pause(store, pause).await?;
            }
            Point::BatchWritten.pass();
            sqlx::query("COMMIT").execute(&mut *store).await.map_err(doing("commit"))?;
        }
        if !suppressed.is_empty() {
            for (_, grant) in intents.iter().zip(&mut granted).filter(|(i, _)| suppressed.contains(&i.key)) {
                *grant = Grant::Suppressed(State::Suppressed);
            }
            air.land(suppressed)?;
        }
        self.air = Some(air);
        Ok((Written { granted, moved }, claim))
    }
}

/// Rows in one execution at most: few enough that the statements of all sizes together stay small.
const MOST: usize = 1 << (SIZES - 1);
/// Sizes of a text: each power of two up to [`MOST`].
const SIZES: usize = 9;

/// A commit that claimed rows, by the store's count.
struct Claim {
    number: u64,
    store: i64,
}

/// Counts the commits that claim rows; see `mark`. Fails, and the commit with it, where the count is lower than this writer
/// last saw it: the store was put back while this process sent, by way of SQLite, so that the file is the same.
const CLAIM: &str =
    "UPDATE mark SET claims = iif(claims < ?, NULL, claims + 1) WHERE claims < ? OR ? RETURNING claims, store";
const DONE: &str = "DELETE FROM intent WHERE id IN (SELECT value FROM json_each(?))";
const LINES: &str = "INSERT INTO intent (id, first, last, again, attempt, at) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)";
/// Looks at the suppression list in the commit of the intents, so that a number takes effect the moment it is on the list.
/// Mostly there is no list, and then nothing is looked at.
const SUPPRESS: &str = "INSERT INTO delivery (id, run, state, attempts, tries, code, message) \
    SELECT r.id, r.id >> 40, 12, 0, 0, 'suppressed', coalesce(s.reason, 'on the suppression list') \
    FROM (SELECT 1 FROM suppression LIMIT 1) CROSS JOIN json_each(?) line \
    CROSS JOIN recipient r ON r.id BETWEEN line.value ->> 1 AND line.value ->> 2 \
    CROSS JOIN suppression s ON s.phone = r.phone RETURNING id, NULL";
/// Removes the lines of which all rows are on the list: no outcome will, and no commit need follow.
const EMPTY: &str = "DELETE FROM intent WHERE id IN \
    (SELECT line.value ->> 0 FROM (SELECT 1 FROM suppression LIMIT 1) CROSS JOIN json_each(?) line) \
    AND NOT EXISTS (SELECT 1 FROM air a WHERE a.intent = intent.id)";

const _: () = assert!(State::Suppressed as i64 == 12 && RowKey::ROW_BITS == 40, "they stand in the statements");

static LEDGER: Many = Many::new(
    "INSERT INTO attempt (first, last, attempt, at, ended_at, outcome, code) SELECT column1, * FROM (VALUES ",
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
     message_id = excluded.message_id, \
     code = iif(excluded.attempts = attempts, code, excluded.code), \
     message = iif(excluded.attempts = attempts, message, excluded.message), \
     due_at = excluded.due_at, poll_at = excluded.poll_at, doubted = excluded.doubted, put_off = excluded.put_off",
);

/// Begins the transaction and writes what most commits are made of: the lines of intents that are done with, the new
/// ones, and the messages that were accepted at first; ends it if that is all. Gives the rows of these intents that are on
/// the suppression list, and are marked so; and, where it claims rows, which claim of the store it is.
async fn begin(
    store: &mut SqliteConnection,
    (claims, seen): (bool, u64),
    done: &[i64],
    lines: &[Line],
    firsts: &[&Settled],
    all: bool,
) -> Result<(HashSet<RowKey>, Option<Claim>), StoreError> {
    static TEXTS: [OnceLock<String>; 2] = [const { OnceLock::new() }; 2];
    static LATER: OnceLock<String> = OnceLock::new();
    let text = TEXTS[usize::from(all)].get_or_init(|| {
        let (ledger, rows, end) = (firsts::LEDGER, firsts::text(), if all { "COMMIT" } else { "" });
        format!("BEGIN IMMEDIATE;{CLAIM};{DONE};{LINES};{SUPPRESS};{EMPTY};{ledger};{rows}{end}")
    });
    let (now, later) = firsts.split_at(firsts.len().min(firsts::MOST));
    let (done, lines) = (serde_json::to_string(done).unwrap_or_default(), lines_text(lines));
    let mut values = SqliteArguments::default();
    for seen in [seen; 2] {
        values.add(seen.cast_signed()).map_err(encoded)?;
    }
    values.add(claims).map_err(encoded)?;
    for text in [&done, &lines, &lines, &lines, &firsts::lines(firsts)] {
        values.add(text).map_err(encoded)?;
    }
    firsts::add(&mut values, now).map_err(encoded)?;
    let statement = sqlx::query_with(text.as_str(), values);
    let returned = statement.fetch_all(&mut *store).await.map_err(doing("commit"))?;
    for firsts in later.chunks(firsts::MOST) {
        let mut values = SqliteArguments::default();
        firsts::add(&mut values, firsts).map_err(encoded)?;
        let statement = sqlx::query_with(LATER.get_or_init(firsts::text).as_str(), values);
        statement.execute(&mut *store).await.map_err(doing("commit"))?;
    }
    let (mut suppressed, mut claim) = (HashSet::new(), None);
    for row in &returned {
        let (first, store): (i64, Option<i64>) = FromRow::from_row(row).map_err(doing("commit"))?;
        match store {
            Some(store) => claim = Some(Claim { number: first.cast_unsigned(), store }),
            None => drop(suppressed.insert(RowKey(first))),
        }
    }
    Ok((suppressed, claim))
}

fn encoded(error: BoxDynError) -> StoreError {
    doing("commit")(sqlx::Error::Encode(error))
}

fn lines_text(lines: &[Line]) -> String {
    let line = |line: &Line| {
        let intent = &line.intent;
        (line.id, line.first.0, line.last.0, u8::from(intent.again), intent.attempt.0, intent.at.0)
    };
    serde_json::to_string(&lines.iter().map(line).collect::<Vec<_>>()).unwrap_or_default()
}

/// Writes outcomes of any kind, at most [`MOST`].
async fn write_others(store: &mut SqliteConnection, settled: &[&Settled]) -> Result<(), StoreError> {
    static TEXTS: [OnceLock<String>; SIZES] = [const { OnceLock::new() }; SIZES];
    let room = settled.len().next_power_of_two();
    let text = TEXTS[room.trailing_zeros() as usize].get_or_init(|| {
        let mut text = String::new();
        LEDGER.add_to(&mut text, room);
        DELIVERY.add_to(&mut text, room);
        text
    });
    let statement = LEDGER.bind(sqlx::query(text.as_str()), room, settled.iter().copied(), |entry, s| {
        // An attempt whose request never left is no attempt.
        entry
            .bind(s.left.then_some(s.key.0))
            .bind(s.attempt.0)
            .bind(s.at.0)
            .bind(s.ended_at.0)
            .bind(s.outcome.code())
            .bind(s.problem.as_ref().map(|problem| &problem.code))
    });
    let statement = DELIVERY.bind(statement, room, settled.iter().copied(), |row, s| {
        row.bind(s.key.0)
            .bind(s.key.run())
            .bind(s.state.code())
            .bind(s.tries)
            .bind(if s.left { s.attempt.0 } else { s.attempt.0 - 1 })
            .bind(s.at.0)
            .bind((s.state == State::Accepted).then_some(s.ended_at.0))
            .bind(&s.message_id)
            .bind(s.problem.as_ref().map(|problem| &problem.code))
            .bind(s.problem.as_ref().map(|problem| problem.message.original()))
            .bind(s.due_at.map(|at| at.0))
            .bind(s.poll_at.map(|at| at.0))
            .bind(s.doubted)
            .bind(s.put_off)
    });
    statement.execute(&mut *store).await.map(drop).map_err(doing("commit"))
}

/// Takes rows up that wait for another try, and grants their intents.
async fn take_up_again(
    store: &mut SqliteConnection,
    air: &mut Air,
    intents: &[Intent],
    granted: &mut [Grant],
) -> Result<(), StoreError> {
    let (again, grants): (Vec<Intent>, Vec<&mut Grant>) =
        intents.iter().copied().zip(granted).filter(|(intent, _)| intent.again).unzip();
    let suppressed = suppressed(store, &again).await?;
    let mut taken_up = Vec::new();
    for (intent, grant) in again.into_iter().zip(grants) {
        if !is_waiting(store, &intent).await? {
            continue;
        }
        if suppressed.contains(&intent.key) {
            *grant = Grant::Suppressed(suppress(store, intent.key).await?);
        } else {
            mark_sending(store, intent.key).await?;
            *grant = Grant::Granted;
            taken_up.push(intent);
        }
    }
    let lines = air.take_off(&taken_up, &vec![Grant::Granted; taken_up.len()]);
    let lines = sqlx::query(LINES).bind(lines_text(&lines)).execute(&mut *store).await;
    lines.map(drop).map_err(doing("commit"))
}

/// Which of these rows have a number on the suppression list.
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

/// Marks a waiting row whose number is on the suppression list. One that may have been accepted before stays in doubt.
async fn suppress(store: &mut SqliteConnection, key: RowKey) -> Result<State, StoreError> {
    let suppressed = State::Pending.after(Change::Suppress).map_err(StoreError::Illegal)?;
    let uncertain = State::Pending.after(Change::Doubt).map_err(StoreError::Illegal)?;
    let state: i64 = sqlx::query_scalar(
        "UPDATE delivery SET due_at = NULL, state = CASE WHEN doubted THEN ?3 ELSE ?2 END, \
         code = CASE WHEN doubted THEN code ELSE 'suppressed' END, message = CASE WHEN doubted THEN message \
         ELSE coalesce((SELECT reason FROM suppression s JOIN recipient r ON s.phone = r.phone WHERE r.id = ?1), \
         'on the suppression list') END WHERE id = ?1 RETURNING state",
    )
    .bind(key.0)
    .bind(suppressed.code())
    .bind(uncertain.code())
    .fetch_one(&mut *store)
    .await
    .map_err(doing("record suppressed rows"))?;
    State::from_code(state).ok_or_else(|| StoreError::Damaged(format!("there is no state number {state}")))
}

/// Whether a row that was taken up before stands as pending after all attempts before this one; in the air it would stand
/// as sending.
async fn is_waiting(store: &mut SqliteConnection, intent: &Intent) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM delivery WHERE id = ?1 AND attempts + 1 = ?2 AND state = ?3)")
        .bind(intent.key.0)
        .bind(intent.attempt.0)
        .bind(State::Pending.code())
        .fetch_one(&mut *store)
        .await
        .map_err(doing("look at a waiting row"))
}

/// Takes a waiting row up again.
async fn mark_sending(store: &mut SqliteConnection, key: RowKey) -> Result<(), StoreError> {
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
        Settled::accepted_at_first(intent.key)
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
        let granted = writer.commit(1, &Batch { intents: wanted.clone(), ..Batch::default() }).await.unwrap().granted;
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
        assert_eq!(again.granted, [Grant::Refused, Grant::Granted]);
    }

    /// Whoever says stop right before the last message leaves: nothing is committed after that.
    #[tokio::test]
    async fn intents_of_suppressed_rows_alone_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO recipient (id, line, state, phone, cells) VALUES ((1 << 40) + 1, 1, 0, 8521, '[]'), \
             ((1 << 40) + 2, 1, 0, 8522, '[]'); INSERT INTO suppression (phone, added_at) VALUES (8521, 1), (8522, 1)",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        let batch = Batch { intents: intents(1..=2), ..Batch::default() };
        let granted = writer.commit(1, &batch).await.unwrap().granted;
        assert_eq!(granted, [Grant::Suppressed(State::Suppressed); 2]);
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM intent").fetch_one(&mut writer.connection).await.unwrap();
        assert_eq!(left, 0);
    }

    /// Writers of two runs in one store at once, as a service has them: neither touches what the other has in the air.
    #[tokio::test]
    async fn two_runs_at_once_share_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writers = [store.writer().await.unwrap(), store.writer().await.unwrap()];
        let of_run =
            |run, rows| intents(rows).into_iter().map(move |i| Intent { key: RowKey::new(run, i.key.row()), ..i });
        for intent in of_run(1, 1..=40).chain(of_run(2, 1..=40)) {
            sqlx::query("INSERT INTO recipient (id, line, state, phone, cells) VALUES (?, 1, 0, 852601, '[]')")
                .bind(intent.key.0)
                .execute(&mut writers[0].connection)
                .await
                .unwrap();
        }
        let mut settled = [Vec::new(), Vec::new()];
        for begun in (1..=31).step_by(10) {
            for (run, (writer, landed)) in (1..).zip(writers.iter_mut().zip(&mut settled)) {
                let intents: Vec<Intent> = of_run(run, begun..=begun + 9).collect();
                let batch = Batch { settled: std::mem::take(landed), intents: intents.clone(), ..Batch::default() };
                assert_eq!(writer.commit(run, &batch).await.unwrap().granted, [Grant::Granted; 10]);
                landed.extend(intents.iter().map(accepted));
                let open = store.open_intents(run).await.unwrap();
                assert_eq!(open.into_iter().map(|(intent, ..)| intent).collect::<Vec<_>>(), intents);
            }
        }
    }
}
