//! Keeps all processes together within an account's rate: each claim takes time slots, one for each message.
//!
//! Slots are one interval apart, by the server's clock. A message leaves at most [`TOLERANCE`] after its slot begins,
//! or waits for another. The interval is therefore slightly longer than the rate requires: no period of the rate's
//! length ever contains more messages than the rate allows, whichever process sends them.

use std::time::Duration;

use crate::model::Rate;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, query, query_as, query_scalar};
use crate::store::{StoreError, WorkerId, guarded};

/// How long after its slot begins a message may leave.
pub(super) const TOLERANCE: Duration = Duration::from_millis(30);
/// How far ahead slots are taken, plus the time that a step takes: longer than the time between two claims, so that
/// none is lost. A slot further ahead would still be valid after the provider has asked for a pause.
const AHEAD: Duration = Duration::from_millis(60);
/// How far ahead a slot for another request may be.
pub(in crate::store) const NEAR: Duration = Duration::from_secs(1);
/// How far ahead the next slot can be, in lengths of the rate. If it is further, the server's clock was set back.
const FURTHEST: i64 = 3;
/// The full share of the rate, the lowest share after throttling, and how much the share recovers per second.
const FULL: i64 = 1_000;
const MIN_SHARE: i64 = 20;
const RECOVERY: i64 = 50;

/// Returns the time between two slots, and the rate's length, in microseconds.
pub(in crate::store) fn interval((requests, per): Rate) -> (i64, i64) {
    let micros = |length: Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 4);
    let whole = micros(per + TOLERANCE);
    // Rounded up.
    ((whole + i64::from(requests.get()) - 1) / i64::from(requests.get()), micros(per))
}

/// What a worker may claim, according to the store.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct AccountPace {
    account: String,
    /// Times are microseconds since 1970, by the server's clock.
    now: i64,
    next_at: i64,
    /// The share of the full rate that is left after throttling, in thousandths.
    share: i64,
    interval: i64,
    last_interval: i64,
    per: i64,
    paused_until: i64,
}

/// Slots: the first begins at `first`, and each later one `interval` after the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct SlotRange {
    pub(in crate::store) first: i64,
    pub(in crate::store) interval: i64,
}

/// The worker's entry, if its process is alive, with the state of its account.
const TURN: &str = "SELECT coalesce(s.account, ''), CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT), \
    coalesce(p.next_at, 0), coalesce(p.share, 1000), coalesce(p.changed_at, 0), coalesce(p.interval, 0), \
    coalesce(o.interval, s.interval, 0), coalesce(o.per, s.per, 0), coalesce(a.paused_until, 0) * 1000 \
    FROM sender s LEFT JOIN LATERAL (SELECT max(o.interval) AS interval, max(o.per) AS per FROM sender o \
        JOIN process q ON q.id = o.process WHERE o.account = s.account AND NOT q.ended) o ON true \
     LEFT JOIN process l ON l.id = s.process LEFT JOIN pace p ON p.account = s.account \
    LEFT JOIN account a ON a.key = s.account WHERE s.worker = $1 AND NOT coalesce(l.ended, false)";

/// Returns what a worker may claim, or `None` if it may no longer claim anything.
pub(in crate::store) async fn turn(
    store: &mut DbConnection<'_>,
    worker: WorkerId,
) -> Result<Option<AccountPace>, StoreError> {
    type Row = (String, i64, i64, i64, i64, i64, i64, i64, i64);
    let row: Option<Row> = query_as(guarded(TURN))
        .bind(worker.0)
        .fetch_optional(store)
        .await
        .map_err(doing("find the account's next slot"))?;
    Ok(row.map(|(account, now, next_at, share, changed_at, last_interval, interval, per, paused_until)| {
        let recovered = RECOVERY * ((now - changed_at) / 1_000_000).clamp(0, FULL);
        let share = (share + recovered).min(FULL);
        AccountPace { account, now, next_at, share, interval, last_interval, per, paused_until }
    }))
}

impl AccountPace {
    /// Whether the account has a rate.
    pub(in crate::store) fn is_limited(&self) -> bool {
        !self.account.is_empty() && self.interval > 0
    }

    fn step(&self) -> i64 {
        self.interval.saturating_mul(FULL) / self.share.max(1)
    }

    /// Whether the server's clock was set back.
    fn is_set_back(&self) -> bool {
        self.next_at > self.now + FURTHEST * (self.per + self.step()) + 10_000_000
    }

    fn is_lowered(&self) -> bool {
        self.last_interval > 0 && self.interval > self.last_interval
    }

    /// Whether the next slot was postponed. This must be saved even if nothing is claimed, because it counts from now.
    pub(in crate::store) fn is_put_off(&self) -> bool {
        self.is_set_back() || self.is_lowered()
    }

    /// Returns the next slot, at least `lead` from now.
    fn base(&self, lead: Duration) -> i64 {
        let soon = self.now + i64::try_from(lead.as_micros()).unwrap_or(0);
        let next = match self.is_set_back() {
            // All earlier messages count, and it is unknown when they left.
            true => self.now + self.per,
            // If the rate was raised, the last slot is as long as the new ones.
            false => self.next_at - (self.last_interval - self.interval).max(0),
        };
        // After the rate was lowered, messages that left at the higher rate still count.
        let next = if self.is_lowered() { next.max(self.now) + self.per } else { next };
        next.max(soon).max(self.paused_until)
    }

    /// Returns how many of `want` slots are free now, and the first. A step needs `lead` before its messages can leave.
    pub(in crate::store) fn slots(&self, want: u32, lead: Duration) -> (u32, SlotRange) {
        let slots = SlotRange { first: self.base(lead), interval: self.step() };
        let until = self.now + i64::try_from((lead + AHEAD).as_micros()).unwrap_or(0);
        let most = match until - slots.first {
            ahead if ahead < 0 => 0,
            ahead => u32::try_from(ahead / slots.interval + 1).unwrap_or(u32::MAX),
        };
        (want.min(most), slots)
    }

    /// Returns when to ask again after `count` of these slots were taken: as soon as more slots are free.
    pub(in crate::store) fn ask_again(&self, slots: SlotRange, count: u32, lead: Duration) -> i64 {
        let next = slots.first + slots.interval * i64::from(count);
        next - i64::try_from((lead + AHEAD / 2).as_micros()).unwrap_or(0)
    }

    /// Takes `count` slots, one for each message that a worker claims; it gave `released` earlier ones back. A slot
    /// that was only postponed is as long as a taken one, so that the postponement stays if the rate is raised again.
    pub(in crate::store) async fn take(
        &self,
        store: &mut DbConnection<'_>,
        worker: WorkerId,
        slots: SlotRange,
        (count, released): (usize, usize),
    ) -> Result<(), StoreError> {
        let [count, released] = [count, released].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        query(
            "WITH sent AS (UPDATE sender SET claimed = claimed + $5 WHERE worker = $4) \
             INSERT INTO pace (account, next_at, interval) VALUES ($1, $2, $3) \
             ON CONFLICT (account) DO UPDATE SET next_at = excluded.next_at, interval = excluded.interval",
        )
        .bind(&self.account)
        .bind(slots.first.saturating_add(slots.interval.saturating_mul(count.max(1))))
        .bind(self.interval)
        .bind(worker.0)
        .bind(count - released)
        .execute(store)
        .await
        .map(drop)
        .map_err(doing("take slots of the account's rate"))
    }
}

/// Counts messages that a worker claimed and gave back in a step without claims.
pub(in crate::store) async fn count_released(
    store: &mut DbConnection<'_>,
    worker: WorkerId,
    released: usize,
) -> Result<(), StoreError> {
    query("UPDATE sender SET claimed = claimed - $2 WHERE worker = $1")
        .bind(worker.0)
        .bind(i64::try_from(released).unwrap_or(i64::MAX))
        .execute(store)
        .await
        .map(drop)
        .map_err(doing("count released messages"))
}

/// Takes one slot for a request that is not a message, if the next one is near, and returns when it begins. A slot
/// further ahead would keep messages waiting even if the rate is raised meanwhile.
pub(in crate::store) async fn take_one(
    tx: &mut DbConnection<'_>,
    account: &str,
    rate: Rate,
) -> Result<Option<i64>, StoreError> {
    let (step, per) = interval(rate);
    query_scalar(
        "INSERT INTO pace AS p (account, next_at, interval) \
         VALUES ($1, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $2, $2) \
         ON CONFLICT (account) DO UPDATE SET next_at = max(CASE \
             WHEN p.next_at > CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $3 THEN 0 ELSE p.next_at END, \
             CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)) + max(p.interval, $2) \
         WHERE p.next_at NOT BETWEEN CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $4 \
             AND CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $3 \
         RETURNING next_at - max(interval, $2)",
    )
    .bind(account)
    .bind(step)
    .bind(FURTHEST * (per + step) + 10_000_000)
    .bind(i64::try_from(NEAR.as_micros()).unwrap_or(i64::MAX))
    .fetch_optional(tx)
    .await
    .map_err(doing("take a slot of the account's rate"))
}

/// Halves an account's rate for all workers after a throttle answer, at most once a second.
pub(in crate::store) async fn slow_down(tx: &mut DbConnection<'_>, account: &str) -> Result<(), StoreError> {
    query(
        "UPDATE pace SET share = max($2, min($4, share + $3 * min($4, (now.at - changed_at) / 1000000)) / 2), changed_at = now.at \
         FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS at) now \
         WHERE account = $1 AND changed_at < now.at - 1000000",
    )
    .bind(account)
    .bind(MIN_SHARE)
    .bind(RECOVERY)
    .bind(FULL)
    .execute(tx)
    .await
    .map(drop)
    .map_err(doing("slow the account down"))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const LEAD: Duration = Duration::from_millis(5);

    fn at_300_a_second(now: i64, next_at: i64) -> AccountPace {
        let (interval, per) = interval((NonZeroU32::new(300).unwrap(), Duration::from_secs(1)));
        let account = "a".to_owned();
        AccountPace { account, now, next_at, share: FULL, interval, last_interval: interval, per, paused_until: 0 }
    }

    #[test]
    fn an_interval_leaves_room_for_the_tolerance() {
        assert_eq!(interval((NonZeroU32::new(300).unwrap(), Duration::from_secs(1))), (3434, SECOND));
        assert_eq!(interval((NonZeroU32::MIN, Duration::from_secs(60))), (60_030_000, 60 * SECOND));
    }

    #[test]
    fn slots_follow_one_another_and_none_is_far_ahead() {
        let now = 1000 * SECOND;
        let turn = at_300_a_second(now, 0);
        let (count, slots) = turn.slots(100, LEAD);
        assert_eq!((count, slots), (18, SlotRange { first: now + 5000, interval: 3434 }), "those of 60 ms");
        assert_eq!(turn.slots(3, LEAD).0, 3);
        let full = at_300_a_second(now, slots.first + 18 * slots.interval);
        let (none, next) = full.slots(100, LEAD);
        assert_eq!((none, next.first), (0, slots.first + 18 * slots.interval));
        assert!(full.ask_again(next, 0, LEAD) > now);
    }

    #[test]
    fn a_pause_a_lower_rate_and_a_clock_that_was_set_back_are_kept() {
        let now = 1000 * SECOND;
        let paused = AccountPace { paused_until: now + 7 * SECOND, ..at_300_a_second(now, 0) };
        assert_eq!(paused.slots(1, LEAD), (0, SlotRange { first: now + 7 * SECOND, interval: 3434 }));
        let lowered = AccountPace { last_interval: 1000, ..at_300_a_second(now, now + 100) };
        assert_eq!(lowered.slots(1, LEAD).1.first, now + 100 + SECOND);
        let set_back = at_300_a_second(now, now + 3600 * SECOND);
        assert_eq!(set_back.slots(1, LEAD).1.first, now + SECOND);
        let raised = AccountPace { last_interval: 6 * SECOND, ..at_300_a_second(now, now + 6 * SECOND) };
        assert_eq!(raised.slots(1, LEAD).1.first, now + 5000);
        let just_raised = AccountPace { last_interval: 6 * SECOND, ..at_300_a_second(now, now + 6 * SECOND + 4000) };
        assert_eq!(just_raised.slots(1, LEAD).1.first, now + 4000 + 3434);
        // Otherwise, they would be postponed again and again.
        assert!(lowered.is_put_off() && set_back.is_put_off() && !paused.is_put_off());
        let throttled = AccountPace { share: 500, ..at_300_a_second(now, 0) };
        assert_eq!(throttled.slots(1, LEAD).1.interval, 6868);
    }
}
