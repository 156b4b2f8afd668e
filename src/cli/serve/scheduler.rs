//! Starts runs that are due, and records occurrences that were missed.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinError;
use tokio::time::Instant;

use super::state::{Import, Opened, RETRY, SLOW, ScheduledCampaign, Service, ServiceContext, slow};
use super::status_board;
use crate::campaign_file::Loaded;
use crate::cli::error::{CliError, Exit};
use crate::cli::session::{load, run_content};
use crate::engine::Plan;
use crate::model::{Millis, Schedule, When};
use crate::schedule::{self, Skipped};
use crate::store::{NewRun, OccurrenceStart, Recurrence, StoreError};
use crate::text::escaped;

/// The most runs that are sent at the same time.
const MAX_SENDING: usize = 16;
/// The most campaigns whose files are read at the same time.
const MAX_OPENING: usize = 64;

impl Service {
    /// Checks every scheduled campaign.
    pub(super) async fn check_schedules(&mut self, now: Millis) {
        let campaigns: Vec<(String, Arc<Loaded>)> = self
            .folder
            .campaigns()
            .into_iter()
            .filter(|(_, loaded)| loaded.campaign.schedule.is_some())
            .map(|(path, loaded)| (shown(path), loaded.clone()))
            .collect();
        let mut seen = Vec::new();
        for (file, loaded) in campaigns {
            let Some(schedule) = &loaded.campaign.schedule else { continue };
            let name = loaded.campaign.name.clone();
            match self.check_schedule(&loaded, schedule, now).await {
                Ok(next) => {
                    let known = self.known.get(&name);
                    let trouble = known.and_then(|known| known.trouble.clone());
                    seen.push((name, status_board::CampaignStatus { file, rule: schedule.rule(), next, trouble }));
                }
                Err(error) => tracing::error!(campaign = %name, %error, "cannot check whether the campaign is due"),
            }
        }
        let mut wrong = self.folder.wrong();
        if self.folder_is_slow {
            wrong.push((self.folder.path(), slow("the folder")));
        }
        let wrong = wrong.into_iter().map(|(path, words)| (shown(path), words)).collect();
        let mut status = self.context.board.status();
        status.campaigns = seen.into_iter().collect();
        status.wrong = wrong;
        status.rates = self.context.accounts.rates();
    }

    /// Starts the due occurrence of a campaign, records the missed ones, and returns when the next one is due.
    async fn check_schedule(
        &mut self,
        loaded: &Arc<Loaded>,
        schedule: &Schedule,
        now: Millis,
    ) -> Result<Option<Millis>, StoreError> {
        let name = &loaded.campaign.name;
        let rule = schedule.rule();
        if self.known.get(name).is_none_or(|known| known.rule != rule) {
            let decided = self.decided_until(name, schedule, now).await?;
            let opening = self.known.get_mut(name).and_then(|known| known.opening.take());
            let known = ScheduledCampaign { rule, decided, not_before: Instant::now(), opening, trouble: None };
            self.known.insert(name.clone(), known);
        }
        let Some(decided) = self.known.get(name).map(|known| known.decided) else { return Ok(None) };
        let due = schedule::due(schedule, decided, now);
        if let When::At(_) = schedule.when
            && due.start.or(due.skipped.first().map(|skipped| skipped.due)).is_some_and(|at| at <= decided)
        {
            return Ok(None);
        }
        if !due.skipped.is_empty() {
            self.skip(name, &due.skipped, now).await?;
        }
        let known = self.known.get(name).filter(|known| known.not_before <= Instant::now());
        if let (Some(start), Some(known)) = (due.start, known) {
            // A changed campaign may name another list than the one that cannot be read, so it is opened again.
            match known.opening.as_ref().filter(|(opening, _)| Arc::ptr_eq(opening, loaded)) {
                None => self.open(loaded, start),
                Some((_, since)) if since.elapsed() >= SLOW => self.in_trouble(name, start, slow("the recipient list")),
                Some(_) => {}
            }
        }
        Ok(due.next)
    }

    /// Starts to read the files of a campaign that is due, in its own task.
    fn open(&mut self, loaded: &Arc<Loaded>, due: Millis) {
        let name = &loaded.campaign.name;
        if let Err(failure) = self.has_room() {
            return self.in_trouble(name, due, failure.words);
        }
        if self.opening.len() >= MAX_OPENING {
            return; // opened at a later check
        }
        if let Some(known) = self.known.get_mut(name) {
            known.opening = Some((loaded.clone(), Instant::now()));
        }
        let (loaded, context) = (loaded.clone(), self.context.clone());
        self.opening.spawn_local(async move {
            let content = async {
                context.accounts.get(&loaded.campaign.provider).await?;
                open(&loaded, due, &context).await
            };
            Opened { content: content.await, loaded, due }
        });
    }

    /// Starts a campaign whose files were read, unless it is no longer due or was changed in the meantime.
    pub(super) async fn opened(&mut self, opened: Result<Opened, JoinError>) {
        let Opened { loaded, due, content } = match opened {
            Ok(opened) => opened,
            Err(_) => {
                // The campaign is unknown, so all are opened again; an occurrence that is opened twice starts once.
                self.known.values_mut().for_each(|known| known.opening = None);
                return tracing::error!("internal error while reading a campaign; please report it");
            }
        };
        let name = &loaded.campaign.name;
        let Some(known) = self.known.get_mut(name) else { return };
        known.opening.take_if(|(opening, _)| Arc::ptr_eq(opening, &loaded));
        if Millis::ahead_of_clock().is_some() {
            return;
        }
        let is_current = self.folder.campaigns().iter().any(|(_, now)| Arc::ptr_eq(now, &loaded));
        if !is_current || due <= known.decided {
            return;
        }
        let started = match content {
            Ok((plan, new)) => self.start(&loaded, plan, &new, due).await,
            Err(failure) => Err(failure),
        };
        match started {
            Ok(()) => self.decided(name, due),
            Err(failure) => self.in_trouble(name, due, failure.words),
        }
    }

    /// Records missed occurrences with their reasons.
    async fn skip(&mut self, name: &str, skipped: &[Skipped], now: Millis) -> Result<(), StoreError> {
        for Skipped { due, reason } in skipped {
            let trouble = self.known.get_mut(name).and_then(|known| known.trouble.take());
            let reason = match trouble {
                Some(trouble) => format!("{reason}; the run could not start: {trouble}"),
                None => reason.clone(),
            };
            if self.context.store.skip_occurrence(name, *due, &reason, now).await? {
                tracing::warn!(campaign = %name, %due, %reason, "occurrence skipped");
            }
            self.decided(name, *due);
        }
        Ok(())
    }

    /// Returns up to which time a schedule was decided when this service first sees it.
    async fn decided_until(&self, name: &str, schedule: &Schedule, now: Millis) -> Result<Millis, StoreError> {
        let since = self.context.store.see_schedule(name, &schedule.rule(), now).await?;
        Ok(match schedule.when {
            When::At(_) => {
                let at = schedule::next(schedule, jiff::Timestamp::MIN).map_or(now, |at| Millis(at.as_millisecond()));
                let last = self.context.store.last_decided(name, at).await?;
                last.filter(|last| *last == at).unwrap_or(Millis(i64::MIN))
            }
            When::Cron { .. } => {
                self.context.store.last_decided(name, now).await?.map_or(since, |last| last.max(since))
            }
        })
    }

    fn decided(&mut self, name: &str, due: Millis) {
        if let Some(known) = self.known.get_mut(name) {
            (known.decided, known.trouble) = (known.decided.max(due), None);
        }
    }

    /// Notes that a due campaign cannot start now. It is retried until it is too late.
    fn in_trouble(&mut self, name: &str, due: Millis, words: String) {
        let Some(known) = self.known.get_mut(name) else { return };
        known.not_before = Instant::now() + RETRY;
        if known.trouble.as_ref() != Some(&words) {
            tracing::warn!(campaign = %name, %due, "due campaign cannot start yet: {words}");
            known.trouble = Some(words);
        }
    }

    /// Checks that another run can be sent now.
    fn has_room(&self) -> Result<(), CliError> {
        match self.active.values().filter(|active| active.sends).count() {
            MAX_SENDING.. => {
                Err(CliError::new(Exit::Environment, format!("{MAX_SENDING} runs are already being sent")))
            }
            _ => Ok(()),
        }
    }

    /// Creates a run for a due occurrence and starts to send it. It is no error if another process did so first.
    async fn start(&mut self, loaded: &Loaded, plan: Plan, new: &NewRun, due: Millis) -> Result<(), CliError> {
        self.has_room()?;
        plan.knows_reached(&self.context.store).await?;
        let (name, now) = (&loaded.campaign.name, Millis::now());
        match self.context.store.start_occurrence(new, due, Recurrence::of(&loaded.campaign), now).await? {
            OccurrenceStart::Made(run) => {
                tracing::info!(campaign = %name, %due, run = %run.id, "occurrence started");
                self.send(run, Some(Import::Opened(Box::new(plan), new.recipients_hash.clone())), true);
                Ok(())
            }
            OccurrenceStart::Decided => {
                tracing::info!(campaign = %name, %due, "another process has already handled this occurrence");
                Ok(())
            }
            OccurrenceStart::Ran(run) => {
                let run = run.id;
                tracing::warn!(campaign = %name, %due, %run, "occurrence skipped: the same content has already run");
                Ok(())
            }
            OccurrenceStart::RanBefore(run) => {
                Err(CliError::new(Exit::Wrong, run_content::already_sent(&run, &self.context.global.command())))
            }
            OccurrenceStart::Blocked(run) => {
                // A run that a person started, whose import did not finish: it never sent anything.
                if run.planned_at.is_none()
                    && self.context.store.due_of(run.key).await?.is_none()
                    && let Ok(_lock) = self.context.store.lock_at_once(&run.id).await
                {
                    let owner = self.context.store.take_over(run.key, None, now).await?;
                    self.context.store.abandon_import(owner, now).await?;
                }
                Err(CliError::new(Exit::Stopped, format!("{} has not been sent yet", run.id)))
            }
        }
    }
}

/// Returns a path as text for logs and HTTP answers.
fn shown(path: &Path) -> String {
    escaped(&path.display().to_string()).into_owned()
}

/// Opens a campaign as of its due time: its recipients, its message, and the content that a run is made from.
pub(super) async fn open(loaded: &Loaded, due: Millis, context: &ServiceContext) -> Result<(Plan, NewRun), CliError> {
    let loaded = Loaded { campaign: loaded.campaign.clone().dated(due), ..loaded.clone() };
    let plan = load::plan(&loaded, Some(&context.store), &context.global).await?;
    let digest = run_content::digest(&loaded.campaign).await?;
    Ok((plan, run_content::content(&loaded.campaign, digest)))
}
