//! The loop of the service: once a second it checks the folder, starts campaigns that are due and resumes runs.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::campaign_folder::News;
use super::state::{Resting, SLOW, Service, slow};
use crate::engine::{Reason, StopHandle};
use crate::model::{Millis, RunId, SendProblem};
use crate::store::StoreError;
use crate::text;

/// How often the service checks the clock, the folder and the store.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Service {
    /// Works until it is stopped, and then until nothing is in flight.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] when the store file was replaced, because later writes would be lost.
    pub(super) async fn work(
        mut self,
        mut resume_requests: mpsc::Receiver<RunId>,
        stop: &StopHandle,
    ) -> Result<(), StoreError> {
        let mut in_place = Ok(());
        let mut clock_was_ahead = false;
        while !stop.ends_all() {
            let now = Millis::now();
            in_place = self.context.store.is_in_place();
            if in_place.is_err() {
                // HTTP and webhooks stop too.
                stop.stop(Reason::Halt(SendProblem::StoreReplaced.into()));
                break;
            }
            self.keep_locks().await;
            self.scan_folder(stop).await;
            // Otherwise, campaigns of later times would start.
            let ahead = Millis::ahead_of_clock();
            if let Some(ahead) = ahead.filter(|_| !clock_was_ahead) {
                tracing::error!(
                    "the system clock was set back by {}; nothing starts for about {}. To continue at once, restart this process",
                    text::duration(ahead),
                    text::duration(ahead * 2)
                );
            }
            clock_was_ahead = ahead.is_some();
            if !clock_was_ahead {
                self.check_schedules(now).await;
            }
            if let Err(error) = self.resume_runs(now).await {
                tracing::error!(%error, "cannot check the runs");
            } else {
                self.context.board.set_checked();
                if self.is_over().await.unwrap_or(false) {
                    // What else belongs to the service ends too.
                    stop.stop(Reason::Signal);
                    break;
                }
            }
            tokio::select! {
                () = stop.all_ended() => {}
                Some(run) = resume_requests.recv() => self.resume_run(&run).await,
                Some(done) = self.jobs.join_next() => self.ended(done).await,
                Some(opened) = self.opening.join_next() => self.opened(opened).await,
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
        if !self.active.is_empty() {
            tracing::info!(runs = self.active.len(), "stopping; waiting for requests in flight");
        }
        for active in self.active.values() {
            active.stop.stop(Reason::Signal);
        }
        while let Some(done) = self.jobs.join_next().await {
            self.ended(done).await;
        }
        in_place
    }

    /// Takes the locks again that were lost because this process was not heard of for a while.
    async fn keep_locks(&mut self) {
        let store = &self.context.store;
        if self.serving.is_lost()
            && let Ok(lock) = store.lock_service().await
        {
            self.serving = lock;
        }
        // Another service may now wait for these rows; `resume_runs` takes the lock if none does.
        self.resting.retain(|_, rest| !matches!(rest, Resting::Waits { lock: Some(lock), .. } if lock.is_lost()));
    }

    /// Scans the campaign folder. While a slow scan is running, the result of the last one is used.
    async fn scan_folder(&mut self, stop: &StopHandle) {
        if self.scanning.is_empty() {
            let mut folder = self.folder.clone();
            self.scanning.spawn_blocking(move || {
                let news = folder.scan();
                (folder, news)
            });
            self.scanning_since = Instant::now();
        }
        tokio::select! {
            Some(scanned) = self.scanning.join_next() => match scanned {
                Ok((folder, news)) => {
                    news.iter().for_each(News::log);
                    self.folder = folder;
                }
                Err(_) => tracing::error!("internal error while scanning the campaign folder; please report it"),
            },
            () = stop.all_ended() => {}
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
        }
        let is_slow = self.scanning_since.elapsed() >= SLOW;
        if is_slow && !self.folder_is_slow {
            tracing::warn!("{}", slow("the campaign folder"));
        }
        self.folder_is_slow = is_slow;
    }
}
