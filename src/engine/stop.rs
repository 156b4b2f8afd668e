//! Stops and pauses a run: code that starts something new asks here first.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::Problem;

/// Why a run stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The limit of messages for this process is reached; statuses are still collected.
    Limit,
    /// A person cancelled the run; statuses are still collected.
    Cancelled,
    /// An error, which is returned once everything has ended.
    Failed,
    /// A signal.
    Signal,
    /// A problem of the account that no further request can solve.
    Halt(Problem),
}

impl Reason {
    /// Whether status requests stop too.
    fn ends_all(&self) -> bool {
        self.strength() > 1
    }

    /// A stronger reason replaces a weaker one.
    fn strength(&self) -> u8 {
        match self {
            Self::Limit | Self::Cancelled => 1,
            Self::Failed => 2,
            Self::Signal | Self::Halt(_) => 3,
        }
    }
}

/// Stops or pauses a run. Requests in flight always finish.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Why it stops, and since when.
    reason: watch::Sender<Option<(Reason, Instant)>>,
    paused: watch::Sender<bool>,
}

impl StopHandle {
    /// Stops the run: nothing new starts. The first reason stays, unless this one is stronger: it stops status requests
    /// too, or a signal or a halt follows an error.
    pub fn stop(&self, reason: Reason) {
        self.0.reason.send_if_modified(|current| {
            let stronger = current.as_ref().is_none_or(|(current, _)| current.strength() < reason.strength());
            if stronger {
                *current = Some((reason, Instant::now()));
            }
            stronger
        });
    }

    /// Returns why the run stops, if it does.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.reason.borrow().as_ref().map(|(reason, _)| reason.clone())
    }

    /// Whether sending has ended.
    #[must_use]
    pub fn ends_sending(&self) -> bool {
        self.0.reason.borrow().is_some()
    }

    /// Whether nothing may start any more, status requests included.
    #[must_use]
    pub fn ends_all(&self) -> bool {
        self.0.reason.borrow().as_ref().is_some_and(|(reason, _)| reason.ends_all())
    }

    /// Returns how long ago everything was stopped, statuses included, if it was.
    #[must_use]
    pub fn ended_for(&self) -> Option<Duration> {
        self.0.reason.borrow().as_ref().filter(|(reason, _)| reason.ends_all()).map(|(_, since)| since.elapsed())
    }

    /// Waits until sending has ended.
    pub async fn sending_ended(&self) {
        self.reached(Option::is_some).await;
    }

    /// Waits until nothing may start any more.
    pub async fn all_ended(&self) {
        self.reached(|reason| reason.as_ref().is_some_and(|(reason, _)| reason.ends_all())).await;
    }

    /// Waits until nothing may start any more, and then for `patience`.
    pub async fn all_ended_for(&self, patience: Duration) {
        self.all_ended().await;
        tokio::time::sleep(patience).await;
    }

    async fn reached(&self, test: impl Fn(&Option<(Reason, Instant)>) -> bool) {
        // The sender lives in `self`, so this cannot end by its loss.
        let _ = self.0.reason.subscribe().wait_for(test).await;
    }

    /// Pauses or resumes sending; returns whether this is a change. Statuses are still collected.
    pub fn pause(&self, paused: bool) -> bool {
        self.0.paused.send_if_modified(|current| std::mem::replace(current, paused) != paused)
    }

    /// Whether sending is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.0.paused.borrow()
    }

    /// Waits until sending is paused.
    pub async fn until_paused(&self) {
        // The sender lives in `self`, so this cannot end by its loss.
        let _ = self.0.paused.subscribe().wait_for(|paused| *paused).await;
    }

    /// Waits until sending is not paused.
    pub async fn until_resumed(&self) {
        if *self.0.paused.borrow() {
            let _ = self.0.paused.subscribe().wait_for(|paused| !paused).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_reason_replaces_a_weaker_one_only() {
        let stop = StopHandle::default();
        stop.stop(Reason::Cancelled);
        assert!(stop.ends_sending() && !stop.ends_all());
        stop.stop(Reason::Limit);
        assert_eq!(stop.reason(), Some(Reason::Cancelled));
        stop.stop(Reason::Failed);
        assert!(stop.ends_all());
        stop.stop(Reason::Signal);
        stop.stop(Reason::Halt(Problem::new("10001", "no")));
        assert_eq!(stop.reason(), Some(Reason::Signal));
    }
}
