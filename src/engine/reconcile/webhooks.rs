//! Callbacks: what the provider tells of its own accord, from the queue into the store.
//!
//! Whoever brings a callback waits until it is durable, and many share one commit: an answer before that would lose
//! what a crash finds here, and a commit for each would be slow. The queue is bounded; who finds it full is to come
//! again.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::model::{Millis, OptOut};
use crate::provider::Callback;
use crate::store::{Store, StoreError, WebhookBatch, WebhookResult};

/// Callbacks that wait for a commit at most, those included that are still being read.
const QUEUE: usize = 1024;
/// How often callbacks that came before their message are looked for: those of the last [`YOUNG`], as a send whose
/// answer is on its way is over by then; and all of them every [`ALL_EVERY`] times.
const LOOK: Duration = Duration::from_secs(1);
const YOUNG: Duration = Duration::from_secs(120);
const ALL_EVERY: u32 = 300;
/// How long a status waits for its message. What is not committed by then was sent by somebody else.
const EARLY_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long a store that cannot be written is left alone before the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// A callback, and who waits for it to be durable.
type Waiting = (Callback, oneshot::Sender<()>);

/// The way of callbacks into the queue.
#[derive(Clone, Debug)]
pub struct WebhookQueue {
    queue: mpsc::Sender<Waiting>,
    /// What came so far.
    pub counts: Arc<WebhookCounts>,
}

/// A place in the queue.
pub struct QueuePlace<'q>(mpsc::Permit<'q, Waiting>);

/// What came so far, each callback counted once.
#[derive(Debug, Default)]
pub struct WebhookCounts {
    /// Statuses that are durable.
    pub statuses: AtomicU64,
    /// Replies that are durable, those that came twice counted twice.
    pub replies: AtomicU64,
    /// Events that are not used.
    pub unused: AtomicU64,
    /// Bodies that could not be read.
    pub unreadable: AtomicU64,
    /// Turned away since the queue was full, or the store could not be written in time.
    pub turned_away: AtomicU64,
}

impl WebhookCounts {
    /// Each count with its name.
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
    /// A place in the queue, to be asked for before a body is read; `None` while it is full.
    #[must_use]
    pub fn place(&self) -> Option<QueuePlace<'_>> {
        self.queue.try_reserve().ok().map(QueuePlace)
    }
}

impl QueuePlace<'_> {
    /// Puts a callback in the queue. What is given back comes once it is durable, and fails if it will not be.
    #[must_use]
    pub fn take(self, callback: Callback) -> oneshot::Receiver<()> {
        let (done, durable) = oneshot::channel();
        self.0.send((callback, done));
        durable
    }
}

/// Takes callbacks out of the queue and makes them durable.
#[derive(Debug)]
pub struct WebhookWriter {
    store: Store,
    opt_out: OptOut,
    queue: mpsc::Receiver<Waiting>,
    counts: Arc<WebhookCounts>,
}

impl WebhookWriter {
    /// Makes the store ready for callbacks. For a store with millions of messages that takes seconds, the first time.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn new(store: &Store, opt_out: OptOut) -> Result<(WebhookQueue, Self), StoreError> {
        store.index_message_ids().await?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let counts = Arc::<WebhookCounts>::default();
        let callbacks = WebhookQueue { queue: sender, counts: counts.clone() };
        Ok((callbacks, Self { store: store.clone(), opt_out, queue, counts }))
    }

    /// Works until it is `over`, and what is in the queue then is durable.
    pub async fn work(mut self, over: impl Future) {
        let mut over = pin!(over);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0;
        let mut round = Vec::with_capacity(QUEUE);
        loop {
            let came = tokio::select! {
                biased;
                _ = &mut over, if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
                _ = look.tick() => None,
                came = self.queue.recv_many(&mut round, QUEUE) => Some(came),
            };
            match came {
                Some(0) => return,
                Some(_) => self.take(&mut round).await,
                None => {
                    self.catch_up(looks % ALL_EVERY == 0).await;
                    looks += 1;
                }
            }
        }
    }

    /// Makes these durable, however long the store cannot be written: who waits for them gives up before, and comes
    /// again.
    async fn take(&self, round: &mut Vec<Waiting>) {
        let mut called = WebhookBatch::default();
        let mut waiting = Vec::with_capacity(round.len());
        for (callback, done) in round.drain(..) {
            match callback {
                Callback::Status(update) => called.statuses.push(update),
                Callback::Replies(replies) => called.replies.extend(replies.into_iter().map(|reply| {
                    let asked = self.opt_out.asked_by(&reply).map(str::to_owned);
                    (reply, asked)
                })),
                Callback::Unused => {}
            }
            waiting.push(done);
        }
        let took = loop {
            match self.store.save_webhooks(&called, Millis::now()).await {
                Ok(took) => break took,
                Err(error) => {
                    tracing::error!(%error, reason = error.reason(), "callbacks cannot be kept");
                    if !error.may_pass() || self.queue.is_closed() {
                        // Nobody is told that it is durable, so that the provider brings it again.
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        self.counts.statuses.fetch_add(called.statuses.len() as u64, Ordering::Relaxed);
        self.counts.replies.fetch_add(called.replies.len() as u64, Ordering::Relaxed);
        told(&took);
        for done in waiting {
            // Who waited may have given up.
            let _ = done.send(());
        }
    }

    /// Finds the messages of callbacks that came before them: the young ones, or all.
    async fn catch_up(&self, all: bool) {
        let now = Millis::now();
        let since = if all { Millis(0) } else { now.minus(YOUNG) };
        let caught_up = async {
            if all {
                self.store.drop_early(now.minus(EARLY_FOR)).await?;
            }
            loop {
                let took = self.store.match_early(since, now).await?;
                told(&took);
                if took.found == 0 {
                    return Ok::<_, StoreError>(());
                }
            }
        };
        match caught_up.await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, reason = error.reason(), "early callbacks have to wait");
            }
        }
    }
}

fn told(took: &WebhookResult) {
    if *took != WebhookResult::default() {
        tracing::debug!(?took, "callbacks are durable");
    }
    if took.suppressed > 0 {
        tracing::info!(numbers = took.suppressed, "put on the suppression list by their own wish");
    }
    if took.dropped > 0 {
        tracing::warn!(statuses = took.dropped, "too many callbacks are about messages that are not in this store");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reply;

    fn reply(n: usize) -> Callback {
        Callback::Replies(vec![Reply {
            id: n.to_string(),
            from: None,
            answers: None,
            at: Millis(1),
            kind: "text".into(),
            choice: None,
            title: None,
            text: None,
        }])
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
        // It is over before it begins.
        collector.work(std::future::ready(())).await;
        for durable in durable {
            assert_eq!(durable.await, Ok(()));
        }
        assert_eq!(callbacks.counts.read()[1], ("reply", QUEUE as u64 - 1));
        assert_eq!(store.replies(None, 0, 1_000).await.unwrap().len(), 100);
        assert!(callbacks.place().is_none(), "nobody would make it durable");
    }
}
