//! Checks links: whether the provider can reach them, and whether their file type is accepted.
//!
//! Nothing is fetched, so the response of a server and the size of a file are unknown here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::check::Check;
use crate::message::path::Path;
use crate::message::schema::describe::shortened;
use crate::message::schema::types::Media;
use crate::model::{LinkFlaw, MessageProblem};

/// Extensions with a known file type, including images, videos, sounds and documents that are not accepted anywhere.
/// The type of a file with any other extension is unknown.
const KNOWN: &[&str] = &[
    "jpeg", "jpg", "png", "gif", "webp", "bmp", "svg", "heic", "tif", "tiff", // images
    "3gp", "mp4", "mov", "avi", "mkv", "webm", // videos
    "aac", "amr", "mp3", "m4a", "ogg", "opus", "wav", // sounds
    "txt", "xls", "xlsx", "doc", "docx", "ppt", "pptx", "pdf", "csv", "rtf", "zip", // documents
];

/// Endings of host names that the provider cannot resolve.
const NOT_PUBLIC: &[&str] = &["localhost", "local", "internal", "lan", "invalid", "test", "example", "home.arpa"];

/// Checks a link to a file, or to a page if `media` is `None`.
pub(in crate::message) fn check(check: &mut Check, media: Option<&Media>, text: &str, at: &Path<'_>) {
    let (host, path) = match split(text) {
        Ok(parts) => parts,
        Err(why) => {
            check.error(at, MessageProblem::BadLink { link: shortened(text), why });
            return;
        }
    };
    if let Some(why) = not_public(host) {
        check.error(at, MessageProblem::PrivateLink { link: shortened(text), why });
    }
    if text.contains("&amp;") {
        check.warning(at, MessageProblem::EscapedLink { link: shortened(text) });
    }
    if let Some(media) = media.filter(|media| !media.extensions.is_empty()) {
        check_extension(check, media, path, at);
    }
}

fn check_extension(check: &mut Check, media: &Media, path: &str, at: &Path<'_>) {
    let file = path.rsplit('/').next().unwrap_or_default();
    let extension = file.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| !extension.is_empty());
    let is = |name: &&str| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    if media.extensions.iter().any(is) {
        return;
    }
    let name = || media.name.to_owned();
    match extension {
        Some(extension) if media.only_in_samples.iter().any(is) => {
            let extension = shortened(extension);
            check.warning(at, MessageProblem::UndocumentedExtension { extension, media: name(), taken: media.taken() });
        }
        Some(extension) if KNOWN.iter().any(is) => {
            let extension = extension.to_owned();
            check.error(at, MessageProblem::WrongExtension { extension, media: name(), taken: media.taken() });
        }
        _ => {
            let file = shortened(file);
            check.warning(at, MessageProblem::UnclearExtension { file, media: name(), taken: media.taken() });
        }
    }
}

/// Returns why a URL is not public, in words that follow it: `… has an invalid port`.
#[must_use]
pub fn why_not_public(link: &str) -> Option<&'static str> {
    split(link).map_or_else(Some, |(host, _)| not_public(host)).map(LinkFlaw::words)
}

/// Whether an IP address is public.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    !is_private(address)
}

/// Splits a URL into host and path.
fn split(text: &str) -> Result<(&str, &str), LinkFlaw> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(LinkFlaw::Blank);
    }
    let rest = behind_scheme(text).ok_or(LinkFlaw::NoScheme)?;
    if behind_scheme(rest).is_some() {
        return Err(LinkFlaw::TwoSchemes);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.rfind(']') {
        Some(bracket) => host.split_at(bracket + 1),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    if !port.is_empty() && port.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_err()) {
        return Err(LinkFlaw::BadPort);
    }
    if host.is_empty() {
        return Err(LinkFlaw::NoServer);
    }
    Ok((host, path))
}

/// Returns what follows `https://` or `http://`.
fn behind_scheme(text: &str) -> Option<&str> {
    let behind = |scheme: &&str| text.get(..scheme.len())?.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..]);
    ["https://", "http://"].iter().find_map(behind)
}

/// Returns why a host is not public.
fn not_public(host: &str) -> Option<LinkFlaw> {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inner.parse::<Ipv6Addr>() {
            Ok(address) => is_private(IpAddr::V6(address)).then_some(LinkFlaw::Private),
            Err(_) => Some(LinkFlaw::Impossible),
        };
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let ends_with = |ending: &&str| {
        let start = host.len().checked_sub(ending.len());
        let tail = start.and_then(|start| host.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
            && (host.len() == ending.len() || host[..host.len() - ending.len()].ends_with('.'))
    };
    if NOT_PUBLIC.iter().any(ends_with) {
        return Some(LinkFlaw::Private);
    }
    let Some((_, last)) = host.rsplit_once('.') else {
        return Some(LinkFlaw::NoDot);
    };
    // No name ends in a label that starts with a digit, but IP addresses do.
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return match host.parse::<Ipv4Addr>() {
            Ok(address) => is_private(IpAddr::V4(address)).then_some(LinkFlaw::Private),
            Err(_) => Some(LinkFlaw::Impossible),
        };
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii())
    };
    (!host.split('.').all(is_label)).then_some(LinkFlaw::Impossible)
}

/// Whether an IP address is private to a network or a machine.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                // This network, and what is reserved.
                || first == 0
                || first >= 240
                // Between a network provider and its customers (RFC 6598).
                || first == 100 && (64..128).contains(&second)
                // For measuring devices (RFC 2544).
                || first == 198 && (18..20).contains(&second)
        }
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
            }
        },
    }
}

/// Returns the IPv4 address that an IPv6 address embeds: mapped, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => (high, low),
        _ => return v6.to_ipv4_mapped(),
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::{LinkFlaw, not_public, split, why_not_public};

    fn is_public(link: &str) -> bool {
        split(link).is_ok_and(|(host, _)| not_public(host).is_none())
    }

    #[test]
    fn addresses_that_everyone_can_reach_pass() {
        for link in [
            "https://www.example.com/a.png",
            "HTTP://EXAMPLE.COM",
            "https://example.com:8443/a?b=http://localhost/#c",
            "https://user:word@example.com/",
            "https://8.8.8.8/a.png",
            "https://[2001:4860:4860::8888]:443/a.png",
            "https://bücher.example.com./é.png",
            "https://例子.com/图.png",
            "https://100.128.0.1/",
            "https://mylocal.com/",
        ] {
            assert!(is_public(link), "{link}");
        }
    }

    #[test]
    fn a_second_scheme_is_named_and_not_taken_for_a_port() {
        for link in ["http://https://example.com/a.png", "HTTPS://http://example.com", "https://https://"] {
            assert_eq!(why_not_public(link), Some(LinkFlaw::TwoSchemes.words()), "{link}");
        }
        assert_eq!(why_not_public("https://https:/example.com"), Some(LinkFlaw::BadPort.words()));
        assert_eq!(why_not_public("https://example.com/http://example.org"), None);
    }

    #[test]
    fn addresses_that_nobody_else_can_reach_do_not() {
        for link in [
            "",
            "https://",
            "https:///a.png",
            "https://?a",
            "https://:80/",
            "www.example.com/a.png",
            "ftp://example.com/a.png",
            "//example.com/a.png",
            "httpss://example.com",
            "https://exa mple.com/",
            "https://example.com/a b.png",
            "https://example.com:port/",
            "https://example.com:99999/",
            "https://localhost/a.png",
            "http://LOCALHOST:8080/a.png",
            "https://printer.local/",
            "https://intranet/a.png",
            "https://127.0.0.1/a.png",
            "https://127.1/",
            "https://10.0.0.7/",
            "https://172.20.1.1/",
            "https://192.168.1.1:80/",
            "https://169.254.169.254/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::10.0.0.1]/",
            "https://[2002:a00:1::]/",
            "https://240.0.0.1/",
            "https://198.18.0.1/",
            "https://[nonsense]/",
            "https://999.1.1.1/",
            "https://exam..ple.com/",
            "https://user@localhost/",
            "https://example.com@192.168.0.1/",
            "https://<host>.com/",
        ] {
            assert!(!is_public(link), "{link}");
        }
    }
}
