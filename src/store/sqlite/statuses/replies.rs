//! Replies from recipients, for reports and commands.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::model::{Choice, Millis, Phone, Replies, Reply, RowNumber};
use crate::store::sqlite::Store;
use crate::store::sqlite::error::doing;
use crate::store::{KeptReply, RowKey, Run, StoreError};

/// Maximum number of different answers reported: replies to messages have few buttons.
const MOST_CHOICES: i64 = 1_000;

impl Store {
    /// Counts the replies to the messages of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn replies_counted(&self, run: &Run) -> Result<Replies, StoreError> {
        let failed = || doing("count the replies");
        let (first, last) = (RowKey::first(run.key), RowKey::last(run.key));
        let (total, rows, opted_out): (i64, i64, i64) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT row), count(DISTINCT iif(opt_out IS NULL, NULL, row)) FROM reply \
             WHERE row BETWEEN ?1 AND ?2",
        )
        .bind(first)
        .bind(last)
        .fetch_one(&self.readers)
        .await
        .map_err(failed())?;
        let choices = sqlx::query(
            "SELECT kind, choice, title, count(*) AS n, count(DISTINCT row) FROM reply WHERE row BETWEEN ?1 AND ?2 \
             GROUP BY kind, choice, title ORDER BY n DESC, kind, choice, title LIMIT ?3",
        )
        .bind(first)
        .bind(last)
        .bind(MOST_CHOICES)
        .fetch_all(&self.readers)
        .await
        .map_err(failed())?;
        let choices = choices.iter().map(choice).collect::<Result<_, _>>().map_err(failed())?;
        let count = i64::unsigned_abs;
        Ok(Replies { total: count(total), rows: count(rows), opted_out: count(opted_out), choices })
    }

    /// Returns replies to the messages of a run, or those that answer no message of this store, in order of arrival,
    /// after this place; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn replies(&self, run: Option<&Run>, after: i64, limit: u32) -> Result<Vec<KeptReply>, StoreError> {
        let statement = match run {
            // `+` keeps SQLite on the order of arrival, instead of the index by row.
            Some(_) => {
                "SELECT p.id, p.row & 0xFFFFFFFFFF, r.phone, p.inbound_id, p.phone, p.in_reply_to, p.at, p.kind, p.choice, \
                 p.title, p.text FROM reply p JOIN recipient r ON r.id = p.row \
                 WHERE p.id > ?1 AND +p.row BETWEEN ?3 AND ?4 ORDER BY p.id LIMIT ?2"
            }
            None => {
                "SELECT id, NULL, NULL, inbound_id, phone, in_reply_to, at, kind, choice, title, text FROM reply \
                 WHERE id > ?1 AND row IS NULL ORDER BY id LIMIT ?2"
            }
        };
        let key = run.map_or(0, |run| run.key);
        let rows = sqlx::query(statement)
            .bind(after)
            .bind(i64::from(limit))
            .bind(RowKey::first(key))
            .bind(RowKey::last(key))
            .fetch_all(&self.readers)
            .await
            .map_err(doing("read the replies"))?;
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(doing("read the replies"))
    }

    /// Returns the replies to the message of one row, in order of arrival.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn replies_to(&self, run: &Run, row: RowNumber) -> Result<Vec<KeptReply>, StoreError> {
        let rows = sqlx::query(
            "SELECT p.id, p.row & 0xFFFFFFFFFF, r.phone, p.inbound_id, p.phone, p.in_reply_to, p.at, p.kind, p.choice, \
             p.title, p.text FROM reply p JOIN recipient r ON r.id = p.row WHERE p.row = ?1 ORDER BY p.id",
        )
        .bind(RowKey::new(run.key, row).0)
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the replies to a message"))?;
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(doing("read the replies to a message"))
    }
}

const _: () = assert!(RowKey::ROW_BITS == 40, "it stands in the statement");

fn choice(row: &SqliteRow) -> Result<Choice, sqlx::Error> {
    Ok(Choice {
        kind: row.try_get(0)?,
        id: row.try_get(1)?,
        title: row.try_get(2)?,
        replies: row.try_get::<i64, _>(3)?.unsigned_abs(),
        rows: row.try_get::<i64, _>(4)?.unsigned_abs(),
    })
}

fn kept(row: &SqliteRow) -> Result<KeptReply, sqlx::Error> {
    let phone = |column: usize| {
        let number: Option<i64> = row.try_get(column)?;
        Ok::<_, sqlx::Error>(number.map(|number| Phone::from_u64(number.unsigned_abs())))
    };
    let number: Option<i64> = row.try_get(1)?;
    let number = number.map(|number| RowNumber(number.unsigned_abs()));
    Ok(KeptReply {
        place: row.try_get(0)?,
        answered: number.zip(phone(2)?),
        reply: Reply {
            id: row.try_get(3)?,
            from: phone(4)?,
            answers: row.try_get(5)?,
            at: Millis(row.try_get(6)?),
            kind: row.try_get(7)?,
            choice: row.try_get(8)?,
            title: row.try_get(9)?,
            text: row.try_get(10)?,
        },
    })
}
