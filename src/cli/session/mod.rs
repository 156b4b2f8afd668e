//! Working on a run, from the campaign file to the reports: shared by the commands that send or poll, and by the
//! service.
//!
//! `load` turns a campaign file into a plan, with `template_lookup`. `template_check` checks the template at the
//! provider again before the first message, and `account_check` the account. `run_content` is what a run is made from.
//! `work` does the rest and `conclude` ends it. `lock_wait` takes the run's lock; if another process has it, `join`
//! sends rows of the run meanwhile. `signals` stops everything.

pub(in crate::cli) mod account_check;
mod conclude;
pub(in crate::cli) mod join;
pub(in crate::cli) mod load;
mod load_error;
mod lock_wait;
mod overrides;
pub(in crate::cli) mod run_content;
mod screen;
mod signals;
pub(in crate::cli) mod template_check;
mod template_lookup;
mod work;

pub(in crate::cli) use load_error::LoadError;
pub(in crate::cli) use lock_wait::{LockEnd, LockWait, changes_account};
pub(in crate::cli) use overrides::{Overrides, RunOptions, Sending};
pub(in crate::cli) use screen::progress;
pub(in crate::cli) use signals::{unless_aborted_on, unless_stopped};
pub(in crate::cli) use work::{AccountQuestion, Session, account, same_api};
