//! What people order of a run while it is at work: no further sends, a pause, another rate. It is noted here by any
//! process, and whichever one works on the run looks here.

use std::num::NonZeroU32;
use std::time::Duration;

use super::error::doing;
use super::{Store, StoreError, Writer};
use crate::model::Millis;

/// Requests, and the length of time that they are meant for.
pub type Rate = (NonZeroU32, Duration);

/// What stands ordered of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// No further sends, for good.
    pub cancelled: bool,
    /// No further sends until the pause is lifted.
    pub paused: bool,
    /// The rate, where it is to be another than the campaign's.
    pub rate: Option<Rate>,
}

impl Store {
    /// What stands ordered of a run now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn orders(&self, run: i64) -> Result<Orders, StoreError> {
        let (cancelled, paused, requests, per): (bool, bool, Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT cancelled_at IS NOT NULL, paused_at IS NOT NULL, rate, rate_per FROM run WHERE id = ?1",
        )
        .bind(run)
        .fetch_one(&self.readers)
        .await
        .map_err(doing("look for orders"))?;
        Ok(Orders { cancelled, paused, rate: rate(requests, per) })
    }
}

impl Writer {
    /// Notes that a person wants a pause of a run: no further sends until it is lifted.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn pause(&mut self, run: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET paused_at = coalesce(paused_at, ?2) WHERE id = ?1")
            .bind(run)
            .bind(now.0)
            .execute(&mut self.connection)
            .await
            .map_err(doing("pause the run"))?;
        Ok(())
    }

    /// Lifts a pause; false if there was none.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn lift_pause(&mut self, run: i64) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE run SET paused_at = NULL WHERE id = ?1 AND paused_at IS NOT NULL")
            .bind(run)
            .execute(&mut self.connection)
            .await
            .map_err(doing("lift the pause"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes another rate for a run, from now on and for good.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn set_rate(&mut self, run: i64, (requests, per): Rate) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET rate = ?2, rate_per = ?3 WHERE id = ?1")
            .bind(run)
            .bind(i64::from(requests.get()))
            .bind(i64::try_from(per.as_millis()).unwrap_or(i64::MAX))
            .execute(&mut self.connection)
            .await
            .map_err(doing("change the rate"))?;
        Ok(())
    }
}

/// A rate as two columns hold it.
pub(super) fn rate(requests: Option<i64>, per: Option<i64>) -> Option<Rate> {
    let requests = NonZeroU32::new(u32::try_from(requests?).ok()?)?;
    let per = Duration::from_millis(u64::try_from(per?).ok()?);
    (!per.is_zero()).then_some((requests, per))
}
