//! Media files, the hosts that may be asked about them, and findings.

use std::net::IpAddr;

use crate::model::Finding;

/// The code of the finding that a file's server could not be reached.
pub(super) const UNREACHABLE: &str = "media_unreachable";

/// A file, and its limits.
#[derive(Clone)]
pub struct File {
    /// The link to it.
    pub link: String,
    /// What this kind of file is called.
    pub name: &'static str,
    /// The allowed content types; `image/*` allows every kind of image. Any type is allowed if it is empty.
    pub types: &'static [&'static str],
    /// Maximum size in MB.
    pub megabytes: Option<u64>,
    /// Whether its server must send `Content-Length`.
    pub needs_length: bool,
}

/// Which hosts may be asked, so that no link or redirect leads into a private network.
#[derive(Clone, Copy)]
pub struct Hosts {
    /// Returns why an address must not be asked because of its host name, worded to follow the name.
    pub refused: fn(&str) -> Option<&'static str>,
    /// Whether an address that a name resolves to may be connected to.
    pub is_public: fn(IpAddr) -> bool,
}

/// A finding for which the provider would refuse the file.
pub(super) fn error(code: &'static str, message: impl Into<String>, hint: &str) -> Finding {
    Finding::error(code, "", message).hint(hint)
}

/// What the provider may refuse a file for.
pub(super) fn warning(code: &'static str, message: impl Into<String>, hint: &str) -> Finding {
    Finding::warning(code, "", message).hint(hint)
}
