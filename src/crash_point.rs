//! Crash points: named places at every boundary of the work, where a test makes the process die as in a power cut. Only
//! debug builds have them; in release builds they do nothing.
//!
//! `CAMPAIGNER_CRASH_AT="claim committed"` aborts at that point, and `CAMPAIGNER_CRASH_AT="claim committed:7"` the
//! seventh time it is passed. `CAMPAIGNER_HANG_AT` makes the thread hang there, like a file system that does not
//! respond. Nothing else may be decided here, and nothing may depend on it.

/// The points by name, in the order in which a run passes them.
macro_rules! points {
    ($($point:ident = $name:literal,)+) => {
        /// A place where the process can be made to die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $(#[doc = $name] $point,)+
        }

        impl Point {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// Returns its name, as used in `CAMPAIGNER_CRASH_AT`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    StoreFileCreated = "store file created",
    MigrationWritten = "migration written",
    MigrationCommitted = "migration committed",
    MarkWritten = "mark written",
    MarkCommitted = "mark committed",
    InputOpened = "input opened",
    RunWritten = "run written",
    RunCommitted = "run committed",
    RunTakenOver = "run taken over",
    ImportAbandoned = "import abandoned",
    ImportStarted = "import started",
    RowsWritten = "rows written",
    RowsCommitted = "rows committed",
    DuplicatesMarked = "duplicates marked",
    PlanWritten = "plan written",
    PlanCommitted = "plan committed",
    UncertainCommitted = "uncertain committed",
    SendingStarted = "sending started",
    RowsScheduled = "rows scheduled",
    StepWritten = "step written",
    ClaimCommitted = "claim committed",
    RequestReady = "request ready",
    AnswerRead = "answer read",
    OutcomeQueued = "outcome queued",
    OutcomeCommitted = "outcome committed",
    SendingOver = "sending over",
    SendingRecorded = "sending recorded",
    PollReady = "poll ready",
    PollAnswered = "poll answered",
    StatusCommitted = "status committed",
    StatusesOver = "statuses over",
    ReportStarted = "report started",
    ReportRow = "report row",
    ReportSynced = "report synced",
    ReportReplaced = "report replaced",
    ReportsDone = "reports done",
    EndRecorded = "end recorded",
    LogFolded = "log folded",
    RequeueWritten = "requeue written",
    RequeueCommitted = "requeue committed",
    CancelRecorded = "cancel recorded",
    WaitingCancelled = "waiting cancelled",
    Suppressed = "suppressed",
    WebhooksWritten = "webhooks written",
    WebhooksCommitted = "webhooks committed",
    Joined = "joined",
    Halted = "halted",
    ProcessEnded = "process ended",
    PurgeMarked = "purge marked",
    PurgeCounted = "purge counted",
    PurgeDeleted = "purge deleted",
}

impl Point {
    /// Passes the point, or dies or hangs here if requested.
    #[cfg(debug_assertions)]
    pub fn pass(self) {
        static CRASH: Trigger = Trigger::of("CAMPAIGNER_CRASH_AT");
        static HANG: Trigger = Trigger::of("CAMPAIGNER_HANG_AT");
        if CRASH.comes_true_at(self) {
            std::process::abort();
        }
        if HANG.comes_true_at(self) {
            loop {
                std::thread::park();
            }
        }
    }

    /// Does nothing.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub fn pass(self) {}
}

/// What should happen at a point, according to an environment variable.
#[cfg(debug_assertions)]
struct Trigger {
    variable: &'static str,
    place: std::sync::OnceLock<Option<(String, u64)>>,
    passed: std::sync::atomic::AtomicU64,
}

#[cfg(debug_assertions)]
impl Trigger {
    const fn of(variable: &'static str) -> Self {
        Self { variable, place: std::sync::OnceLock::new(), passed: std::sync::atomic::AtomicU64::new(0) }
    }

    fn comes_true_at(&self, point: Point) -> bool {
        let place = self.place.get_or_init(|| {
            let trigger = std::env::var(self.variable).ok()?;
            Some(match trigger.rsplit_once(':') {
                Some((name, time)) => (name.to_owned(), time.parse().ok()?),
                None => (trigger, 1),
            })
        });
        place.as_ref().is_some_and(|(name, time)| {
            name == point.name() && self.passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == *time
        })
    }
}
