//! How far a question may go: which hosts, how many redirects; and what it is called when it did not get there.
//!
//! Every hop is held to the same rules, its name before it is asked and each address that the name leads to before it
//! is connected to: a link in somebody's list must not make this machine ask its own network. Behind a proxy the
//! proxy finds the addresses, so there only the names are held to the rules.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::finding::{Hosts, UNREACHABLE, error as wrong};
use crate::model::Finding;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// Where the proxies are named, as reqwest reads them.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Why a hop was not made.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("`{0}` {1}")]
    Private(String, &'static str),
    #[error("there are more than {MOST_REDIRECTS} redirects")]
    TooMany,
}

/// Follows a few redirects, to hosts that may be asked.
pub(super) fn redirects(hosts: Hosts) -> Policy {
    Policy::custom(move |attempt| match (hosts.refused)(attempt.url().as_str()) {
        // The first of those before is the link itself.
        _ if attempt.previous().len() > MOST_REDIRECTS => attempt.error(Refused::TooMany),
        Some(why) => {
            let host = attempt.url().host_str().unwrap_or_default().to_owned();
            attempt.error(Refused::Private(host, why))
        }
        None => attempt.follow(),
    })
}

/// Finds addresses, and refuses a name that leads to one that must not be connected to.
pub(super) struct Resolver {
    is_public: fn(IpAddr) -> bool,
    /// The hosts of the proxies, which commonly are within the own network.
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
                let why = "leads to an address within a network of your own, which the provider cannot reach";
                return Err(Refused::Private(name.as_str().to_owned(), why).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What it is called that a link or one of its redirects leads to where only you can get.
pub(super) fn private(host: &str, why: &'static str) -> Finding {
    let hint = "put it on a server that everyone can reach";
    wrong("media_private", Refused::Private(host.to_owned(), why).to_string(), hint)
}

/// What it is called that there was no answer.
pub(super) fn failure(error: reqwest::Error) -> Finding {
    let error = error.without_url();
    let mut last: &dyn Error = &error;
    loop {
        match last.downcast_ref() {
            Some(Refused::Private(host, why)) => return private(host, why),
            Some(Refused::TooMany) => {
                let hint = "link to the file itself, not to an address that leads on and on";
                return wrong("media_redirects", Refused::TooMany.to_string(), hint);
            }
            None => {}
        }
        let Some(cause) = last.source() else { break };
        last = cause;
    }
    let (words, hint) = if error.is_dns() {
        (format!("its server cannot be found: {last}"), "look for a slip in the server's name")
    } else if error.is_timeout() {
        ("its server does not answer in time".to_owned(), "put it on a server that answers at once")
    } else if error.is_connect() {
        (format!("its server cannot be reached: {last}"), "open the link from another network; mend the server")
    } else {
        (format!("its server does not answer as one of the web: {last}"), "open the link from another network")
    };
    wrong(UNREACHABLE, words, hint)
}
