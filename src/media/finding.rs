//! Files, which hosts may be asked about them, and what is not right with them.

use std::net::IpAddr;

use crate::model::Finding;

/// The code of the finding that a file's server could not be asked.
pub(super) const UNREACHABLE: &str = "media_unreachable";

/// A file, and what it may be.
#[derive(Clone)]
pub struct File {
    /// The link to it.
    pub link: String,
    /// What such a file is called.
    pub name: &'static str,
    /// The content types that it may have; `image/*` is every kind of image. None if any will do.
    pub types: &'static [&'static str],
    /// MB that it may have at most.
    pub megabytes: Option<u64>,
    /// Whether its server has to send `Content-Length`.
    pub needs_length: bool,
}

/// What may be asked, so that no link and no redirect leads into a network of one's own.
#[derive(Clone, Copy)]
pub struct Hosts {
    /// Why an address must not be asked by the name in it, in words that follow the name.
    pub refused: fn(&str) -> Option<&'static str>,
    /// Whether an address that a name leads to may be connected to.
    pub is_public: fn(IpAddr) -> bool,
}

/// What the provider would refuse a file for.
pub(super) fn error(code: &'static str, message: impl Into<String>, hint: &str) -> Finding {
    Finding::error(code, "", message).hint(hint)
}

/// What the provider may refuse a file for.
pub(super) fn warning(code: &'static str, message: impl Into<String>, hint: &str) -> Finding {
    Finding::warning(code, "", message).hint(hint)
}
