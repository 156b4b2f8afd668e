//! `campaigner.toml` and the environment; read only by commands that need them.

mod credentials;
pub(in crate::cli) mod file;
pub(in crate::cli) mod hook;
pub(in crate::cli) mod meta;
mod providers;
pub(in crate::cli) mod template_accounts;
pub(in crate::cli) mod webhook;

pub(in crate::cli) use credentials::url_setting;
pub(in crate::cli) use file::check_named;
pub(in crate::cli) use providers::{Account, account, api, apis, known, names};
