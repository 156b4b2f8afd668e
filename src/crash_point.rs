//! Crash points: named places, one at every boundary of the work, where a test has the process die as a power cut
//! would end it. Only debug builds have them; in a build for use they are nothing at all.
//!
//! `CAMPAIGNER_CRASH_AT="claim committed"` aborts at that point, `CAMPAIGNER_CRASH_AT="claim committed:7"` where it is
//! passed for the seventh time. `CAMPAIGNER_HANG_AT` has the thread hang there, as a file system that does not answer
//! has it. Nothing else may be decided here, and nothing may depend on it.

/// The points by their names, in the order in which a run passes them.
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

            /// Its name, as `CAMPAIGNER_CRASH_AT` has it.
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
    StoreFileMade = "store file made",
    MigrationWritten = "migration written",
    MigrationCommitted = "migration committed",
    MarkWritten = "mark written",
    MarkCommitted = "mark committed",
    InputOpened = "input opened",
    RunWritten = "run written",
    RunCommitted = "run committed",
    RunTakenUp = "run taken up",
    ImportGivenUp = "import given up",
    ImportBegun = "import begun",
    RowsWritten = "rows written",
    RowsCommitted = "rows committed",
    DuplicatesMarked = "duplicates marked",
    PlanWritten = "plan written",
    PlanCommitted = "plan committed",
    DoubtsCommitted = "doubts committed",
    SendingBegun = "sending begun",
    RowsScheduled = "rows scheduled",
    StepWritten = "step written",
    ClaimCommitted = "claim committed",
    RequestReady = "request ready",
    AnswerRead = "answer read",
    OutcomeQueued = "outcome queued",
    OutcomeCommitted = "outcome committed",
    SendingOver = "sending over",
    SendingNoted = "sending noted",
    PollReady = "poll ready",
    PollAnswered = "poll answered",
    StatusCommitted = "status committed",
    StatusesOver = "statuses over",
    ReportBegun = "report begun",
    ReportRow = "report row",
    ReportSynced = "report synced",
    ReportReplaced = "report replaced",
    ReportsDone = "reports done",
    EndNoted = "end noted",
    LogFolded = "log folded",
    PutBackWritten = "put back written",
    PutBackCommitted = "put back committed",
    CancelNoted = "cancel noted",
    WaitingCancelled = "waiting cancelled",
    Suppressed = "suppressed",
    CallbacksWritten = "callbacks written",
    CallbacksCommitted = "callbacks committed",
}

impl Point {
    /// Passes the point, or dies or hangs here if that was asked for.
    #[cfg(debug_assertions)]
    pub fn pass(self) {
        static CRASH: Wish = Wish::of("CAMPAIGNER_CRASH_AT");
        static HANG: Wish = Wish::of("CAMPAIGNER_HANG_AT");
        if CRASH.comes_true_at(self) {
            std::process::abort();
        }
        if HANG.comes_true_at(self) {
            loop {
                std::thread::park();
            }
        }
    }

    /// Nothing.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub fn pass(self) {}
}

/// What is to happen at a point, as a variable says.
#[cfg(debug_assertions)]
struct Wish {
    variable: &'static str,
    place: std::sync::OnceLock<Option<(String, u64)>>,
    passed: std::sync::atomic::AtomicU64,
}

#[cfg(debug_assertions)]
impl Wish {
    const fn of(variable: &'static str) -> Self {
        Self { variable, place: std::sync::OnceLock::new(), passed: std::sync::atomic::AtomicU64::new(0) }
    }

    fn comes_true_at(&self, point: Point) -> bool {
        let place = self.place.get_or_init(|| {
            let wish = std::env::var(self.variable).ok()?;
            Some(match wish.rsplit_once(':') {
                Some((name, time)) => (name.to_owned(), time.parse().ok()?),
                None => (wish, 1),
            })
        });
        place.as_ref().is_some_and(|(name, time)| {
            name == point.name() && self.passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == *time
        })
    }
}
