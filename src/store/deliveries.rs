//! Deliveries in the store: read to merge statuses into them and written back, in one transaction.

use serde::Serialize;
use sqlx::{Row, SqliteConnection};

use super::error::doing;
use super::many::{MOST, Many};
use super::{RowKey, StoreError, report};
use crate::model::{Delivery, Millis, Problem, State};

/// An accepted message and what the store knows of it.
pub(super) struct Message {
    pub(super) key: RowKey,
    pub(super) message_id: String,
    pub(super) delivery: Delivery,
    /// Next status poll not before; only while a status is awaited.
    pub(super) poll_at: Option<Millis>,
    /// When a status was last polled or pushed.
    pub(super) polled_at: Option<Millis>,
}

/// Finds messages by their rows' keys, in the order of these.
pub(super) const BY_KEY: &str = "SELECT d.id, d.message_id, d.state, d.provider_status, d.delivered_at, d.read_at, \
    d.code, d.message, d.poll_at, d.polled_at \
    FROM json_each(?1) wanted CROSS JOIN delivery d ON d.id = wanted.value ORDER BY wanted.key";

/// Finds messages by the provider's ids. Quick only where there is an index for it, see `callbacks`.
pub(super) const BY_MESSAGE_ID: &str = "SELECT d.id, d.message_id, d.state, d.provider_status, d.delivered_at, \
    d.read_at, d.code, d.message, d.poll_at, d.polled_at \
    FROM json_each(?1) wanted CROSS JOIN delivery d ON d.message_id = wanted.value";

/// The messages that are wanted: with [`BY_KEY`], or [`BY_MESSAGE_ID`]. What is not there is left out.
pub(super) async fn find(
    store: &mut SqliteConnection,
    statement: &'static str,
    wanted: &[impl Serialize],
) -> Result<Vec<Message>, StoreError> {
    let wanted = serde_json::to_string(wanted).unwrap_or_default();
    let rows = sqlx::query(statement).bind(wanted).fetch_all(store).await.map_err(doing("look at messages"))?;
    rows.iter().map(message).collect()
}

fn message(row: &sqlx::sqlite::SqliteRow) -> Result<Message, StoreError> {
    let time = |column: usize| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(Millis));
    let read = || -> Result<(Message, i64), sqlx::Error> {
        let (code, words): (Option<String>, Option<String>) = (row.try_get(6)?, row.try_get(7)?);
        let delivery = Delivery {
            state: State::Accepted,
            word: row.try_get(3)?,
            delivered_at: time(4)?,
            read_at: time(5)?,
            problem: code.map(|code| Problem::new(code, words.unwrap_or_default())),
        };
        let key = RowKey(row.try_get(0)?);
        let message = Message { key, message_id: row.try_get(1)?, delivery, poll_at: time(8)?, polled_at: time(9)? };
        Ok((message, row.try_get(2)?))
    };
    let (mut message, code) = read().map_err(doing("read a message"))?;
    message.delivery.state = report::state(code)?;
    Ok(message)
}

static WRITE: Many = Many::new(
    "UPDATE delivery SET state = new.column2, provider_status = new.column3, delivered_at = new.column4, \
     read_at = new.column5, code = new.column6, message = new.column7, poll_at = new.column8, polled_at = new.column9 \
     FROM (VALUES ",
    9,
    ") AS new WHERE delivery.id = new.column1",
);

/// Writes messages back.
pub(super) async fn write(store: &mut SqliteConnection, messages: &[Message]) -> Result<(), StoreError> {
    for messages in messages.chunks(MOST) {
        let write = WRITE.over(messages, |write, Message { key, delivery, poll_at, polled_at, .. }| {
            write
                .bind(key.0)
                .bind(delivery.state.code())
                .bind(&delivery.word)
                .bind(delivery.delivered_at.map(|at| at.0))
                .bind(delivery.read_at.map(|at| at.0))
                .bind(delivery.problem.as_ref().map(|problem| &problem.code))
                .bind(delivery.problem.as_ref().map(|problem| problem.message.original()))
                .bind(poll_at.map(|at| at.0))
                .bind(polled_at.map(|at| at.0))
        });
        write.execute(&mut *store).await.map_err(doing("record statuses"))?;
    }
    Ok(())
}
