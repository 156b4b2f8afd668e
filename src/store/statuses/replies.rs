//! Replies from recipients, for reports and commands.

use super::people::user_id;
use crate::model::{Choice, Millis, Phone, Replies, Reply, RowNumber, RunId, TitleCount};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::runs::purge::refuse_purged;
use crate::store::sql::{DbRow, json, query, query_as, query_scalar};
use crate::store::{KeptReply, PossibleOptOut, RowKey, Run, StoreError};

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
        let (total, rows, opted_out): (i64, i64, i64) = query_as(
            "SELECT count(*), count(DISTINCT row), count(DISTINCT iif(opt_out IS NULL, NULL, row)) FROM reply \
             WHERE row BETWEEN $1 AND $2",
        )
        .bind(first)
        .bind(last)
        .fetch_one(&self.readers)
        .await
        .map_err(failed())?;
        let choices = query(
            "SELECT kind, choice, title, count(*) AS n, count(DISTINCT row) FROM reply WHERE row BETWEEN $1 AND $2 \
             GROUP BY kind, choice, title ORDER BY n DESC, kind, choice, title LIMIT $3",
        )
        .bind(first)
        .bind(last)
        .bind(MOST_CHOICES)
        .fetch_all(&self.readers)
        .await
        .map_err(failed())?;
        let choices = choices.iter().map(choice).collect::<Result<_, _>>().map_err(failed())?;
        let by_title = query(
            "SELECT kind, title, iif(count(DISTINCT choice) = 1, min(choice), NULL), count(DISTINCT choice), \
             count(*) AS n, count(DISTINCT row) FROM reply WHERE row BETWEEN $1 AND $2 \
             GROUP BY kind, title, iif(title IS NULL, choice, NULL) ORDER BY n DESC, kind, title, min(choice) LIMIT $3",
        )
        .bind(first)
        .bind(last)
        .bind(MOST_CHOICES)
        .fetch_all(&self.readers)
        .await
        .map_err(failed())?;
        let by_title = by_title.iter().map(title_count).collect::<Result<_, _>>().map_err(failed())?;
        let count = i64::unsigned_abs;
        let counted =
            Replies { total: count(total), rows: count(rows), opted_out: count(opted_out), choices, by_title };
        Ok(self.kept(run.key).await?.map_or(counted, |kept| kept.replies))
    }

    /// Returns replies to the messages of a run, or those that answer no message of this store, in order of arrival,
    /// after this place; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read, or the run was purged.
    pub async fn replies(&self, run: Option<&Run>, after: i64, limit: u32) -> Result<Vec<KeptReply>, StoreError> {
        let statement = match run {
            // `+` keeps SQLite on the order of arrival, instead of the index by row.
            Some(_) => {
                "SELECT p.id, p.row & 1099511627775, r.phone, p.inbound_id, p.phone, p.in_reply_to, p.at, p.kind, p.choice, \
                 p.title, p.text, p.user_id, p.parent_user_id FROM reply p JOIN recipient r ON r.id = p.row \
                 WHERE p.id > $1 AND +p.row BETWEEN $3 AND $4 ORDER BY p.id LIMIT $2"
            }
            None => {
                "SELECT id, NULL, NULL, inbound_id, phone, in_reply_to, at, kind, choice, title, text, user_id, parent_user_id FROM reply \
                 WHERE id > $1 AND row IS NULL ORDER BY id LIMIT $2"
            }
        };
        let key = run.map_or(0, |run| run.key);
        let rows = query(statement)
            .bind(after)
            .bind(i64::from(limit))
            .bind(RowKey::first(key))
            .bind(RowKey::last(key))
            .fetch_all(&self.readers)
            .await
            .map_err(doing("read the replies"))?;
        if let Some(run) = run {
            refuse_purged(&self.readers, run.key).await?;
        }
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(doing("read the replies"))
    }

    /// Returns the replies to the message of one row, in order of arrival.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn replies_to(&self, run: &Run, row: RowNumber) -> Result<Vec<KeptReply>, StoreError> {
        let rows = query(
            "SELECT p.id, p.row & 1099511627775, r.phone, p.inbound_id, p.phone, p.in_reply_to, p.at, p.kind, p.choice, \
             p.title, p.text, p.user_id, p.parent_user_id FROM reply p JOIN recipient r ON r.id = p.row WHERE p.row = $1 ORDER BY p.id",
        )
        .bind(RowKey::new(run.key, row).0)
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the replies to a message"))?;
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(doing("read the replies to a message"))
    }
}

/// The replies that a person has to decide about: those that may ask for an opt-out, as long as one of their numbers is
/// not suppressed.
macro_rules! undecided {
    () => {
        "FROM reply p INDEXED BY reply_possible_opt_out LEFT JOIN recipient r ON r.id = p.row \
         LEFT JOIN run ON run.id = p.row >> 40 WHERE p.possible_opt_out = 1 AND (\
           (p.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.phone = p.phone)) OR \
           (r.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone)))"
    };
}

impl Store {
    /// Counts the replies, of any run or none, that may ask for an opt-out and that nobody has decided about.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count_possible_opt_outs(&self) -> Result<u64, StoreError> {
        let count: i64 = query_scalar(concat!("SELECT count(*) ", undecided!()))
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count the possible opt-outs"))?;
        Ok(count.unsigned_abs())
    }

    /// Returns these replies in order of arrival, after this place; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn possible_opt_outs(&self, after: i64, limit: u32) -> Result<Vec<PossibleOptOut>, StoreError> {
        let rows = query(concat!(
            "SELECT p.id, p.row & 1099511627775, r.phone, p.inbound_id, p.phone, p.in_reply_to, p.at, p.kind, p.choice, \
             p.title, p.text, p.user_id, p.parent_user_id, run.name, run.number ",
            undecided!(),
            " AND p.id > $1 ORDER BY p.id LIMIT $2"
        ))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list the possible opt-outs"))?;
        rows.iter().map(possible).collect::<Result<_, _>>().map_err(doing("list the possible opt-outs"))
    }

    /// Whether a reply came from this number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_replied(&self, phone: Phone) -> Result<bool, StoreError> {
        query_scalar("SELECT EXISTS (SELECT 1 FROM reply WHERE phone = $1)")
            .bind(phone.as_u64().cast_signed())
            .fetch_one(&self.readers)
            .await
            .map_err(doing("look for a reply"))
    }

    /// Takes the replies of these people, so far, off the list of possible opt-outs. Returns how many there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn dismiss_possible_opt_outs(&self, phones: &[Phone]) -> Result<u64, StoreError> {
        let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
        let done = query(
            "UPDATE reply INDEXED BY reply_possible_opt_out SET possible_opt_out = 0 WHERE possible_opt_out = 1 \
             AND (phone IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) OR EXISTS (SELECT 1 FROM recipient r \
                 WHERE r.id = reply.row AND r.phone IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))))",
        )
        .bind(json(&phones))
        .execute(self.write().await?.alone())
        .await
        .map_err(doing("dismiss possible opt-outs"))?;
        Ok(done.rows_affected())
    }
}

const _: () = assert!(RowKey::ROW_BITS == 40, "it stands in the statements");

fn choice(row: &DbRow) -> Result<Choice, sqlx::Error> {
    Ok(Choice {
        kind: row.try_get(0)?,
        id: row.try_get(1)?,
        title: row.try_get(2)?,
        replies: row.try_get::<i64, _>(3)?.unsigned_abs(),
        rows: row.try_get::<i64, _>(4)?.unsigned_abs(),
    })
}

fn title_count(row: &DbRow) -> Result<TitleCount, sqlx::Error> {
    Ok(TitleCount {
        kind: row.try_get(0)?,
        title: row.try_get(1)?,
        id: row.try_get(2)?,
        ids: row.try_get::<i64, _>(3)?.unsigned_abs(),
        replies: row.try_get::<i64, _>(4)?.unsigned_abs(),
        rows: row.try_get::<i64, _>(5)?.unsigned_abs(),
    })
}

fn possible(row: &DbRow) -> Result<PossibleOptOut, sqlx::Error> {
    let KeptReply { place, answered, reply } = kept(row)?;
    let name: Option<String> = row.try_get(13)?;
    let number: Option<u32> = row.try_get(14)?;
    let run = name.zip(number).map(|(name, number)| RunId::new(&name, number));
    let mut phones: Vec<Phone> = answered.map(|(_, phone)| phone).into_iter().chain(reply.from).collect();
    phones.dedup();
    Ok(PossibleOptOut { place, phones, answered: run.zip(answered.map(|(row, _)| row)), reply })
}

fn kept(row: &DbRow) -> Result<KeptReply, sqlx::Error> {
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
            user: user_id(row.try_get(11)?),
            parent: user_id(row.try_get(12)?),
            answers: row.try_get(5)?,
            at: Millis(row.try_get(6)?),
            kind: row.try_get(7)?,
            choice: row.try_get(8)?,
            title: row.try_get(9)?,
            text: row.try_get(10)?,
        },
    })
}
