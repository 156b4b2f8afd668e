//! Webhooks: writes what the provider sends from a queue into the store.
//!
//! The caller waits until its webhook is durable, because an earlier answer could lose it in a crash. Many webhooks
//! share one commit, because one commit each would be slow. The queue is bounded; when it is full, the provider has to
//! retry.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::model::{Millis, OptOut};
use crate::provider::Callback;
use crate::store::{Store, StoreError, WebhookBatch, WebhookResult};

/// Maximum number of webhooks that wait for a commit, including those still being read.
const QUEUE: usize = 1024;
/// How often to look for webhooks that arrived before their message was committed: those younger than [`RECENT`],
/// because the send's answer is in by then, and every [`MATCH_ALL_EVERY`] times all of them.
const MATCH_INTERVAL: Duration = Duration::from_secs(1);
const RECENT: Duration = Duration::from_secs(120);
const MATCH_ALL_EVERY: u32 = 300;
/// How long a status waits for its message. Messages not committed by then were sent by something else.
const KEEP_EARLY_FOR: Duration = Duration::from_secs(24 * 3600);
/// How often to save that webhooks of an account arrive.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// How long to wait after the store could not be written.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A webhook, and the caller that waits until it is durable.
type Waiting = (Callback, oneshot::Sender<()>);

/// The entry to the queue.
#[derive(Clone, Debug)]
pub struct WebhookQueue {
    queue: mpsc::Sender<Waiting>,
    /// The number of webhooks received so far.
    pub counts: Arc<WebhookCounts>,
}

/// A reserved place in the queue.
pub struct QueuePlace<'q>(mpsc::Permit<'q, Waiting>);

/// Webhooks received so far, each counted once.
#[derive(Debug, Default)]
pub struct WebhookCounts {
    /// Durable statuses.
    pub statuses: AtomicU64,
    /// Durable replies; duplicates count again.
    pub replies: AtomicU64,
    /// Unused events.
    pub unused: AtomicU64,
    /// Unreadable bodies.
    pub unreadable: AtomicU64,
    /// Webhooks turned away because the queue was full or the store could not be written in time.
    pub turned_away: AtomicU64,
}

impl WebhookCounts {
    /// Returns each count with its name.
    #[must_use]
    pub fn read(&self) -> [(&'static str, u64); 5] {
        let Self { statuses, replies, unused, unreadable, turned_away } = self;
        [
            ("status", statuses),
            ("reply", replies),
            ("unused", unused),
            ("unreadable", unreadable),
            ("turned_away", turned_away),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

impl WebhookQueue {
    /// Reserves a place in the queue, before a body is read; `None` while the queue is full.
    #[must_use]
    pub fn place(&self) -> Option<QueuePlace<'_>> {
        self.queue.try_reserve().ok().map(QueuePlace)
    }
}

impl QueuePlace<'_> {
    /// Puts a webhook in the queue. The returned receiver resolves once it is durable, and fails if it will not be.
    #[must_use]
    pub fn take(self, callback: Callback) -> oneshot::Receiver<()> {
        let (done, durable) = oneshot::channel();
        self.0.send((callback, done));
        durable
    }
}

/// Takes webhooks out of the queue and makes them durable.
#[derive(Debug)]
pub struct WebhookWriter {
    store: Store,
    opt_out: OptOut,
    queue: mpsc::Receiver<Waiting>,
    counts: Arc<WebhookCounts>,
    /// When it was last saved that webhooks of an account arrive.
    noted: BTreeMap<String, Millis>,
}

impl WebhookWriter {
    /// Prepares the store for webhooks. The first time, this takes seconds in a store with millions of messages.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn new(store: &Store, opt_out: OptOut) -> Result<(WebhookQueue, Self), StoreError> {
        store.index_message_ids().await?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let counts = Arc::<WebhookCounts>::default();
        let callbacks = WebhookQueue { queue: sender, counts: counts.clone() };
        Ok((callbacks, Self { store: store.clone(), opt_out, queue, counts, noted: BTreeMap::new() }))
    }

    /// Works until `over` completes and everything in the queue is durable.
    pub async fn work(mut self, over: impl Future) {
        let mut over = pin!(over);
        let mut tick = tokio::time::interval(MATCH_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut matches = 0;
        let mut round = Vec::with_capacity(QUEUE);
        loop {
            let received = tokio::select! {
                biased;
                _ = &mut over, if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
                _ = tick.tick() => None,
                received = self.queue.recv_many(&mut round, QUEUE) => Some(received),
            };
            match received {
                Some(0) => return,
                Some(_) => self.take(&mut round).await,
                None => {
                    self.match_early_webhooks(matches % MATCH_ALL_EVERY == 0).await;
                    matches += 1;
                }
            }
        }
    }

    /// Makes these webhooks durable, however long the store cannot be written. Callers time out before that and retry.
    async fn take(&mut self, round: &mut Vec<Waiting>) {
        let mut called = WebhookBatch::default();
        let mut waiting = Vec::with_capacity(round.len());
        let mut accounts = BTreeSet::new();
        for (callback, done) in round.drain(..) {
            let Callback { statuses, replies, people, events, accounts: about } = callback;
            accounts.extend(about);
            called.statuses.extend(statuses);
            called.people.extend(people);
            called.events.extend(events);
            called.replies.extend(replies.into_iter().map(|reply| {
                let opt_out = self.opt_out.matches(&reply);
                (reply, opt_out)
            }));
            waiting.push(done);
        }
        let result = loop {
            match self.store.save_webhooks(&called, Millis::now()).await {
                Ok(result) => break result,
                Err(error) => {
                    tracing::error!(%error, reason = error.reason(), "saving webhooks failed");
                    if !error.may_pass() || self.queue.is_closed() {
                        // The callers are not confirmed, so that the provider sends the webhooks again.
                        return;
                    }
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        };
        self.counts.statuses.fetch_add(called.statuses.len() as u64, Ordering::Relaxed);
        self.counts.replies.fetch_add(called.replies.len() as u64, Ordering::Relaxed);
        for event in &called.events {
            match event.is_bad() {
                true => tracing::warn!(kind = event.kind.code(), %event, "account event"),
                false => tracing::info!(kind = event.kind.code(), %event, "account event"),
            }
        }
        log_result(&result);
        for account in accounts {
            self.note_account(account).await;
        }
        for done in waiting {
            // The caller may have given up.
            let _ = done.send(());
        }
    }

    /// Saves that webhooks of an account arrive, at most once a minute.
    async fn note_account(&mut self, account: String) {
        let now = Millis::now();
        if self.noted.get(&account).is_some_and(|at| now.since(*at) < NOTE_EVERY && *at <= now) {
            return;
        }
        match self.store.note_webhook(&account, now).await {
            Ok(()) => drop(self.noted.insert(account, now)),
            // The next webhook tries again.
            Err(error) => tracing::warn!(%error, reason = error.reason(), "saving the time of the last webhook failed"),
        }
    }

    /// Matches webhooks that arrived before their messages: the recent ones, or all.
    async fn match_early_webhooks(&self, all: bool) {
        let now = Millis::now();
        let since = if all { Millis(0) } else { now.minus(RECENT) };
        let caught_up = async {
            if all {
                self.store.drop_early(now.minus(KEEP_EARLY_FOR)).await?;
            }
            loop {
                let result = self.store.match_early(since, now).await?;
                log_result(&result);
                if result.found == 0 && result.settled == 0 {
                    return Ok::<_, StoreError>(());
                }
            }
        };
        match caught_up.await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, reason = error.reason(), "matching early webhooks failed");
            }
        }
    }
}

fn log_result(result: &WebhookResult) {
    if *result != WebhookResult::default() {
        tracing::debug!(?result, "webhooks saved");
    }
    if result.settled > 0 {
        tracing::info!(messages = result.settled, "uncertain rows settled by statuses with their references");
    }
    if result.doubled > 0 {
        tracing::error!(messages = result.doubled, "double sends: the provider accepted two messages for one row");
    }
    if result.suppressed > 0 {
        tracing::info!(numbers = result.suppressed, "suppressed at their request");
    }
    if result.dropped > 0 {
        tracing::warn!(
            statuses = result.dropped,
            "statuses dropped: too many belong to messages that are not in this store"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reply;

    fn reply(n: usize) -> Callback {
        let reply = Reply {
            id: n.to_string(),
            from: None,
            user: None,
            parent: None,
            answers: None,
            at: Millis(1),
            kind: "text".into(),
            choice: None,
            title: None,
            text: None,
        };
        Callback { replies: vec![reply], ..Callback::default() }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_what_is_in_it_at_the_end_becomes_durable() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let (callbacks, collector) = WebhookWriter::new(&store, OptOut::new(None, None)).await.unwrap();
        let mut places: Vec<_> = (0..QUEUE).map(|_| callbacks.place().unwrap()).collect();
        assert!(callbacks.place().is_none());
        drop(places.pop());
        assert!(callbacks.place().is_some());
        let durable: Vec<_> = (0..).zip(places).map(|(n, place)| place.take(reply(n % 100))).collect();
        // It is stopped before it starts.
        collector.work(std::future::ready(())).await;
        for durable in durable {
            assert_eq!(durable.await, Ok(()));
        }
        assert_eq!(callbacks.counts.read()[1], ("reply", QUEUE as u64 - 1));
        assert_eq!(store.replies(None, 0, 1_000).await.unwrap().len(), 100);
        assert!(callbacks.place().is_none(), "nobody would make it durable");
    }
}
