//! What `run` does with a campaign, given the earlier runs of its name: a rule without SQL.

use super::Run;

/// What a person says about people whom earlier runs reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing: such runs block another one.
    #[default]
    Unsaid,
    /// Send only to those whom no earlier run reached.
    OnlyNew,
    /// Send to all of them.
    Again,
}

/// How to start a campaign.
#[derive(Clone, Debug)]
pub enum StartDecision {
    /// As a new run.
    New(Run),
    /// By resuming an unfinished run of the same content.
    Resume(Run),
    /// Not at all: it ran before, and no one said what that means for the people it reached.
    RanBefore,
    /// Not at all: an unfinished run of the same name has different content.
    Differs {
        /// The unfinished run.
        run: Run,
        /// Whether the campaign differs; otherwise only the recipients do.
        campaign: bool,
    },
    /// Not at all: an unfinished run of the same content was started for everyone and is now requested for new people
    /// only, or vice versa.
    ForOthers(Run),
    /// Not at all: a run of the name was cancelled but may not have ended, so its process may still be sending.
    Ending(Run),
}

/// An earlier run of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Earlier {
    pub(in crate::store) id: i64,
    /// Whether it has the same campaign and the same recipients.
    pub(in crate::store) same_campaign: bool,
    pub(in crate::store) same_recipients: bool,
    /// Whether its rows are imported.
    pub(in crate::store) planned: bool,
    /// Whether sending started; before that nothing was sent.
    pub(in crate::store) started: bool,
    /// Whether it has nothing left to send.
    pub(in crate::store) dispatched: bool,
    pub(in crate::store) finished: bool,
    pub(in crate::store) cancelled: bool,
    pub(in crate::store) only_new: bool,
}

/// What the earlier runs imply; runs are given by their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum StartRule {
    New,
    Resume(i64),
    RanBefore,
    Differs { run: i64, campaign: bool },
    ForOthers(i64),
    Ending(i64),
}

/// Applies the rule. `earlier` has the newest run first.
///
/// While a run has rows to send, the same content resumes it and different content is refused. After that, a new run
/// needs a person's decision about the people already reached, whatever its content: correcting a list must not message
/// everyone on it again. The same content still resumes waiting for its run's statuses. A cancelled run blocks nothing
/// once it is known to have stopped sending.
pub(in crate::store) fn rule(earlier: &[Earlier], repeat: Repeat) -> StartRule {
    if let Some(run) = earlier.iter().find(|run| run.cancelled && !run.dispatched) {
        return StartRule::Ending(run.id);
    }
    let same = |run: &&Earlier| run.same_campaign && run.same_recipients;
    let unsent = || earlier.iter().filter(|run| !run.dispatched && !run.cancelled);
    if let Some(run) = unsent().find(same) {
        // While its rows are not imported, it is undecided whom it skips.
        let reached = run.planned && earlier.iter().any(|other| other.id != run.id && other.started);
        return match repeat {
            Repeat::OnlyNew if reached && !run.only_new => StartRule::ForOthers(run.id),
            Repeat::Again if reached && run.only_new => StartRule::ForOthers(run.id),
            _ => StartRule::Resume(run.id),
        };
    }
    if let Some(run) = unsent().next() {
        return StartRule::Differs { run: run.id, campaign: !run.same_campaign };
    }
    if repeat == Repeat::Unsaid {
        if let Some(run) = earlier.iter().filter(|run| !run.finished && !run.cancelled).find(same) {
            return StartRule::Resume(run.id);
        }
        if earlier.iter().any(|run| run.started) {
            return StartRule::RanBefore;
        }
    }
    StartRule::New
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A run that was fully sent, with the same content.
    const DONE: Earlier = Earlier {
        id: 1,
        same_campaign: true,
        same_recipients: true,
        planned: true,
        started: true,
        dispatched: true,
        finished: true,
        cancelled: false,
        only_new: false,
    };
    const WAITS_FOR_STATUSES: Earlier = Earlier { finished: false, ..DONE };
    const UNSENT: Earlier = Earlier { dispatched: false, ..WAITS_FOR_STATUSES };
    const PLANNED: Earlier = Earlier { started: false, ..UNSENT };
    const IMPORTING: Earlier = Earlier { planned: false, ..PLANNED };
    const CANCELLED: Earlier = Earlier { cancelled: true, ..WAITS_FOR_STATUSES };
    const ENDING: Earlier = Earlier { cancelled: true, ..UNSENT };
    const GIVEN_UP: Earlier = Earlier { planned: false, started: false, cancelled: true, ..DONE };
    const NEVER_STARTED: Earlier = Earlier { planned: true, ..GIVEN_UP };

    fn other_list(run: Earlier) -> Earlier {
        Earlier { id: 2, same_recipients: false, ..run }
    }

    #[test]
    fn the_rule_for_one_earlier_run() {
        use Repeat::{Again, OnlyNew, Unsaid};
        let differs = StartRule::Differs { run: 2, campaign: false };
        for (run, unsaid, only_new, again) in [
            (UNSENT, StartRule::Resume(1), StartRule::Resume(1), StartRule::Resume(1)),
            (IMPORTING, StartRule::Resume(1), StartRule::Resume(1), StartRule::Resume(1)),
            (other_list(UNSENT), differs, differs, differs),
            (WAITS_FOR_STATUSES, StartRule::Resume(1), StartRule::New, StartRule::New),
            (other_list(WAITS_FOR_STATUSES), StartRule::RanBefore, StartRule::New, StartRule::New),
            (DONE, StartRule::RanBefore, StartRule::New, StartRule::New),
            (other_list(DONE), StartRule::RanBefore, StartRule::New, StartRule::New),
            (CANCELLED, StartRule::RanBefore, StartRule::New, StartRule::New),
            (other_list(CANCELLED), StartRule::RanBefore, StartRule::New, StartRule::New),
            (GIVEN_UP, StartRule::New, StartRule::New, StartRule::New),
            (NEVER_STARTED, StartRule::New, StartRule::New, StartRule::New),
            (PLANNED, StartRule::Resume(1), StartRule::Resume(1), StartRule::Resume(1)),
            (ENDING, StartRule::Ending(1), StartRule::Ending(1), StartRule::Ending(1)),
            (other_list(ENDING), StartRule::Ending(2), StartRule::Ending(2), StartRule::Ending(2)),
        ] {
            let rules = [unsaid, only_new, again];
            assert_eq!([Unsaid, OnlyNew, Again].map(|repeat| rule(&[run], repeat)), rules, "{run:?}");
        }
        let other_campaign = Earlier { same_campaign: false, ..UNSENT };
        assert_eq!(rule(&[other_campaign], Unsaid), StartRule::Differs { run: 1, campaign: true });
    }

    #[test]
    fn a_run_for_everyone_is_not_continued_for_the_new_ones_only_nor_the_other_way_round() {
        let earlier = Earlier { id: 9, ..other_list(DONE) };
        let for_new = Earlier { only_new: true, ..UNSENT };
        assert_eq!(rule(&[UNSENT, earlier], Repeat::OnlyNew), StartRule::ForOthers(1));
        assert_eq!(rule(&[UNSENT], Repeat::OnlyNew), StartRule::Resume(1), "it reached nobody but its own");
        assert_eq!(rule(&[IMPORTING, earlier], Repeat::OnlyNew), StartRule::Resume(1));
        assert_eq!(rule(&[for_new, earlier], Repeat::OnlyNew), StartRule::Resume(1));
        assert_eq!(rule(&[for_new, earlier], Repeat::Again), StartRule::ForOthers(1));
    }

    fn any_run() -> impl Strategy<Value = Earlier> {
        let stage = prop::sample::select(vec![
            IMPORTING,
            PLANNED,
            UNSENT,
            WAITS_FOR_STATUSES,
            DONE,
            CANCELLED,
            ENDING,
            GIVEN_UP,
        ]);
        (stage, any::<(bool, bool, bool)>()).prop_map(|(run, (same_campaign, same_recipients, only_new))| Earlier {
            same_campaign,
            same_recipients,
            only_new,
            ..run
        })
    }

    proptest! {
        /// Whatever ran before: a new run after one that has sent needs a person's decision, and never starts while
        /// another run has rows to send.
        #[test]
        fn nobody_is_messaged_again_unasked(
            mut runs in prop::collection::vec(any_run(), 0..6),
            repeat in prop::sample::select(vec![Repeat::Unsaid, Repeat::OnlyNew, Repeat::Again]),
        ) {
            (1..).zip(&mut runs).for_each(|(id, run)| run.id = id);
            match rule(&runs, repeat) {
                StartRule::New => {
                    prop_assert!(runs.iter().all(|run| run.dispatched));
                    prop_assert!(repeat != Repeat::Unsaid || runs.iter().all(|run| !run.started));
                }
                StartRule::Resume(id) => {
                    let run = runs.iter().find(|run| run.id == id).unwrap();
                    prop_assert!(run.same_campaign && run.same_recipients && !run.cancelled && !run.finished);
                }
                StartRule::RanBefore => prop_assert_eq!(repeat, Repeat::Unsaid),
                StartRule::Differs { .. } | StartRule::ForOthers(_) | StartRule::Ending(_) => {}
            }
        }
    }
}
