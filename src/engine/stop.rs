//! How a run is stopped or held: one place that everyone who starts something new asks first.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::Problem;

/// Why a run stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As many messages were sent as were asked for in one go; statuses are still collected.
    Limit,
    /// A person cancelled the run; statuses are still collected.
    Cancelled,
    /// A signal.
    Signal,
    /// A problem of the account, which no further request could do anything about.
    Halt(Problem),
}

impl Reason {
    /// Whether it ends the collection of statuses too.
    fn ends_all(&self) -> bool {
        matches!(self, Self::Signal | Self::Halt(_))
    }
}

/// A handle to stop a run with, or to hold it for a while. What is in flight always ends by itself.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Why it stops, and since when.
    reason: watch::Sender<Option<(Reason, Instant)>>,
    held: watch::Sender<bool>,
}

impl Stop {
    /// Lets nothing new begin. The first reason stands, unless it let statuses go on and this one does not.
    pub fn stop(&self, reason: Reason) {
        self.0.reason.send_if_modified(|current| {
            let stronger = current.as_ref().is_none_or(|(current, _)| !current.ends_all() && reason.ends_all());
            if stronger {
                *current = Some((reason, Instant::now()));
            }
            stronger
        });
    }

    /// Why the run stops, if it does.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.reason.borrow().as_ref().map(|(reason, _)| reason.clone())
    }

    /// Whether no message may be sent any more.
    #[must_use]
    pub fn ends_sending(&self) -> bool {
        self.0.reason.borrow().is_some()
    }

    /// Whether nothing at all may begin any more.
    #[must_use]
    pub fn ends_all(&self) -> bool {
        self.0.reason.borrow().as_ref().is_some_and(|(reason, _)| reason.ends_all())
    }

    /// For how long nothing at all may begin any more, if that is so.
    #[must_use]
    pub fn ended_for(&self) -> Option<Duration> {
        self.0.reason.borrow().as_ref().filter(|(reason, _)| reason.ends_all()).map(|(_, since)| since.elapsed())
    }

    /// Waits until no message may be sent any more.
    pub async fn sending_ended(&self) {
        self.reached(Option::is_some).await;
    }

    /// Waits until nothing at all may begin any more.
    pub async fn all_ended(&self) {
        self.reached(|reason| reason.as_ref().is_some_and(|(reason, _)| reason.ends_all())).await;
    }

    /// Waits until nothing at all may begin any more, and then for so long.
    pub async fn all_ended_for(&self, patience: Duration) {
        self.all_ended().await;
        tokio::time::sleep(patience).await;
    }

    async fn reached(&self, test: impl Fn(&Option<(Reason, Instant)>) -> bool) {
        // The sender lives in `self`, so this cannot end by its loss.
        let _ = self.0.reason.subscribe().wait_for(test).await;
    }

    /// Holds the sending, or lets it go on; true if that is a change. Statuses are collected all the same.
    pub fn hold(&self, held: bool) -> bool {
        self.0.held.send_if_modified(|current| std::mem::replace(current, held) != held)
    }

    /// Whether the sending is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        *self.0.held.borrow()
    }

    /// Waits until the sending is not held.
    pub async fn not_held(&self) {
        if *self.0.held.borrow() {
            let _ = self.0.held.subscribe().wait_for(|held| !held).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_reason_replaces_a_weaker_one_only() {
        let stop = Stop::default();
        stop.stop(Reason::Cancelled);
        assert!(stop.ends_sending() && !stop.ends_all());
        stop.stop(Reason::Limit);
        assert_eq!(stop.reason(), Some(Reason::Cancelled));
        stop.stop(Reason::Signal);
        assert!(stop.ends_all());
        stop.stop(Reason::Halt(Problem::new("10001", "no")));
        assert_eq!(stop.reason(), Some(Reason::Signal));
    }
}
