//! Working on a run, from the campaign file to the reports: shared by the commands that send or poll, and by the
//! service.
//!
//! `load` turns a campaign file into a plan, with `template_lookup`. `template_check` checks the template at the
//! provider again before the first message, and `account_check` the account. `run_content` is what a run is made from. `work` does the rest,
//! `beside` joins a run that another process is working on, and `signals` stops it.

pub(in crate::cli) mod account_check;
pub(in crate::cli) mod beside;
pub(in crate::cli) mod load;
mod load_error;
pub(in crate::cli) mod run_content;
mod signals;
pub(in crate::cli) mod template_check;
mod template_lookup;
mod work;

pub(in crate::cli) use load_error::LoadError;
pub(in crate::cli) use signals::{unless_aborted_on, unless_stopped};
pub(in crate::cli) use work::{
    AccountQuestion, LockEnd, LockWait, Overrides, Sending, Session, account, progress, same_api,
};
