//! Limits of a probe: which hosts, and how many redirects; and the findings when it fails.
//!
//! Every hop follows the same rules: its name is checked before the request, and each resolved address before the
//! connection. A link in a list must not make this machine query its own network. With a proxy, only the names are
//! checked, because the proxy resolves the addresses.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::finding::{Hosts, UNREACHABLE, error as wrong};
use crate::model::Finding;

/// Maximum number of redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// The environment variables that name proxies, as reqwest reads them.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Why a hop was refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("`{0}` {1}")]
    Private(String, &'static str),
    #[error("more than {MOST_REDIRECTS} redirects")]
    TooMany,
}

/// Follows a few redirects, to allowed hosts only.
pub(super) fn redirects(hosts: Hosts) -> Policy {
    Policy::custom(move |attempt| match (hosts.refused)(attempt.url().as_str()) {
        // The first of the previous URLs is the link itself.
        _ if attempt.previous().len() > MOST_REDIRECTS => attempt.error(Refused::TooMany),
        Some(why) => {
            let host = attempt.url().host_str().unwrap_or_default().to_owned();
            attempt.error(Refused::Private(host, why))
        }
        None => attempt.follow(),
    })
}

/// Resolves names, and refuses those that lead to addresses that must not be connected to.
pub(super) struct Resolver {
    is_public: fn(IpAddr) -> bool,
    /// The hosts of the proxies, which are usually in the private network.
    proxies: Arc<[String]>,
}

impl Resolver {
    pub(super) fn new(hosts: Hosts) -> Self {
        let host = |proxy: String| {
            let url = Url::parse(&proxy).ok().filter(Url::has_host);
            url.or_else(|| Url::parse(&format!("http://{proxy}")).ok())?.host_str().map(str::to_owned)
        };
        let proxies = PROXIES.iter().filter_map(|name| std::env::var(name).ok()).filter_map(host).collect();
        Self { is_public: hosts.is_public, proxies }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (is_public, proxies) = (self.is_public, Arc::clone(&self.proxies));
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let is_proxy = proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
            if !is_proxy && found.iter().any(|address| !is_public(address.ip())) {
                let why = "resolves to a private address, which the provider cannot reach";
                return Err(Refused::Private(name.as_str().to_owned(), why).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Returns the finding that a link or one of its redirects leads to a private address.
pub(super) fn private(host: &str, why: &'static str) -> Finding {
    let hint = "move the file to a public server";
    wrong("media_private", Refused::Private(host.to_owned(), why).to_string(), hint)
}

/// Returns the finding for a failed request.
pub(super) fn failure(error: reqwest::Error) -> Finding {
    let error = error.without_url();
    let mut last: &dyn Error = &error;
    loop {
        match last.downcast_ref() {
            Some(Refused::Private(host, why)) => return private(host, why),
            Some(Refused::TooMany) => {
                let hint = "link to the file itself";
                return wrong("media_redirects", Refused::TooMany.to_string(), hint);
            }
            None => {}
        }
        let Some(cause) = last.source() else { break };
        last = cause;
    }
    let (words, hint) = if error.is_dns() {
        (format!("cannot find its server: {last}"), "check the server's name for typos")
    } else if error.is_timeout() {
        ("its server did not answer in time".to_owned(), "move the file to a faster server")
    } else if error.is_connect() {
        (format!("cannot reach its server: {last}"), "try the link from another network, or fix the server")
    } else {
        (format!("its server did not return a valid HTTP response: {last}"), "try the link from another network")
    };
    wrong(UNREACHABLE, words, hint)
}
