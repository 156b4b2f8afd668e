//! The loop of the service: once a second it checks the folder, starts campaigns that are due and resumes runs.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::campaign_folder::News;
use super::state::{SLOW, Service, slow};
use crate::engine::{Reason, StopHandle};
use crate::model::{Millis, RunId, SendProblem};
use crate::store::StoreError;

/// How often the service looks at the clock, the folder and the store.
const LOOK: Duration = Duration::from_secs(1);
impl Service {
    /// Works until it is stopped, and then until nothing is in flight any more.
    ///
    /// # Errors
    /// [`StoreError::Replaced`]: nothing that is written now would be found again.
    pub(super) async fn work(
        mut self,
        mut resume_requests: mpsc::Receiver<RunId>,
        stop: &StopHandle,
    ) -> Result<(), StoreError> {
        let mut in_place = Ok(());
        while !stop.ends_all() {
            let now = Millis::now();
            in_place = self.context.store.is_in_place();
            if in_place.is_err() {
                // The others end too.
                stop.stop(Reason::Halt(SendProblem::StoreReplaced.into()));
                break;
            }
            self.look(stop).await;
            self.check_schedules(now).await;
            if let Err(error) = self.resume_runs(now).await {
                tracing::error!(%error, "cannot look after the runs");
            } else {
                self.context.board.looked();
            }
            tokio::select! {
                () = stop.all_ended() => {}
                Some(run) = resume_requests.recv() => self.resume_run(&run).await,
                Some(done) = self.jobs.join_next() => self.ended(done),
                Some(opened) = self.opening.join_next() => self.opened(opened).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        if !self.active.is_empty() {
            tracing::info!(runs = self.active.len(), "stopping: what is in flight ends, nothing new begins");
        }
        for active in self.active.values() {
            active.stop.stop(Reason::Signal);
        }
        while let Some(done) = self.jobs.join_next().await {
            self.ended(done);
        }
        in_place
    }

    /// Looks at the folder of campaigns. Where that takes long, what is known of it stands until it is done.
    async fn look(&mut self, stop: &StopHandle) {
        if self.looking.is_empty() {
            let mut folder = self.folder.clone();
            self.looking.spawn_blocking(move || {
                let news = folder.look();
                (folder, news)
            });
            self.looking_since = Instant::now();
        }
        tokio::select! {
            Some(looked) = self.looking.join_next() => match looked {
                Ok((folder, news)) => {
                    news.iter().for_each(News::log);
                    self.folder = folder;
                }
                Err(_) => tracing::error!("internal error while scanning the campaign folder; please report it"),
            },
            () = stop.all_ended() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let is_slow = self.looking_since.elapsed() >= SLOW;
        if is_slow && !self.folder_is_slow {
            tracing::warn!("{}", slow("the folder of campaigns"));
        }
        self.folder_is_slow = is_slow;
    }
}
