//! Files, which hosts may be asked about them, and what is not right with them.

use std::net::IpAddr;

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

/// Something that is not right with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the provider would refuse the file; otherwise it may.
    pub is_error: bool,
    /// What kind of finding it is: stable and short, such as `media_size`.
    pub code: &'static str,
    /// What is wrong: a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl Finding {
    pub(super) fn error(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { is_error: true, code, message: message.into(), hint }
    }

    pub(super) fn warning(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { is_error: false, ..Self::error(code, message, hint) }
    }
}
