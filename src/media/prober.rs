//! Asks the servers of media files, a few at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderValue, RANGE};
use reqwest::{Client, ClientBuilder, Method, Url};
use tokio::task::JoinSet;

use super::finding::{File, Hosts, UNREACHABLE, error};
use super::network_policy;
use super::response::Answer;
use crate::model::Finding;

/// Files asked about at a time.
pub(super) const AT_ONCE: usize = 16;
/// A server that so many files could not be had from, and none, is not asked about any more of them.
pub(super) const GIVEN_UP_AFTER: u32 = 3;
/// The time for a connection, and for a whole answer with its redirects.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), whole: Duration::from_secs(15) };

/// Why files could not be asked about at all.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no client.
    #[error("media files cannot be asked about")]
    Setup(#[source] reqwest::Error),
    /// A task of ours failed: a defect.
    #[error("internal error: a task panicked")]
    Defect,
}

/// How long an answer is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) whole: Duration,
}

/// Asks about files.
pub struct MediaProber {
    client: Client,
    hosts: Hosts,
}

impl MediaProber {
    /// One that asks these hosts.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(hosts: Hosts) -> Result<Self, AskError> {
        Self::with(Client::builder(), hosts, PATIENCE)
    }

    pub(super) fn with(client: ClientBuilder, hosts: Hosts, patience: Patience) -> Result<Self, AskError> {
        // Needed once a process; whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client
            .user_agent(concat!("campaigner/", env!("CARGO_PKG_VERSION")))
            .redirect(network_policy::redirects(hosts))
            .dns_resolver(network_policy::Resolver::new(hosts))
            // The page that a redirect came from would have the link's query in it.
            .referer(false)
            // Packed on the way a file has another length, or none.
            .no_gzip()
            .connect_timeout(patience.connect)
            .timeout(patience.whole)
            .build()
            .map_err(|error| AskError::Setup(error.without_url()))?;
        Ok(Self { client, hosts })
    }

    /// Asks about every file once, a few at a time, and tells `each` as the answers come: the file's index and what is
    /// not right with it.
    ///
    /// # Errors
    /// A defect only; whatever a server does is a finding.
    pub async fn ask_all(self, files: Vec<File>, mut each: impl FnMut(usize, Vec<Finding>)) -> Result<(), AskError> {
        let prober = Arc::new(self);
        let mut asked = JoinSet::new();
        let mut servers: HashMap<String, Server> = HashMap::new();
        let mut took = |servers: &mut HashMap<String, Server>, (index, server, findings): Asked| {
            servers.entry(server).or_default().note(&findings);
            each(index, findings);
        };
        for (index, file) in files.into_iter().enumerate() {
            if asked.len() == AT_ONCE
                && let Some(done) = asked.join_next().await
            {
                took(&mut servers, done.map_err(|_| AskError::Defect)?);
            }
            let server = server(&file.link);
            if servers.get(&server).is_some_and(Server::is_given_up) {
                let words = format!("not asked: {server} could not be reached for others");
                let hint = "see what is told of the others, and check again";
                took(&mut servers, (index, server, vec![error(UNREACHABLE, words, hint)]));
                continue;
            }
            let prober = Arc::clone(&prober);
            asked.spawn(async move { (index, server, prober.ask(&file).await) });
        }
        while let Some(done) = asked.join_next().await {
            took(&mut servers, done.map_err(|_| AskError::Defect)?);
        }
        Ok(())
    }

    /// What is not right with a file.
    pub(super) async fn ask(&self, file: &File) -> Vec<Finding> {
        let Some(url) = Url::parse(&file.link).ok().filter(Url::has_host) else {
            let hint = "write the whole address, such as https://www.example.com/picture.png";
            return vec![error(UNREACHABLE, "the link is no address that can be asked", hint)];
        };
        if let Some(why) = (self.hosts.refused)(url.as_str()) {
            return vec![network_policy::private(url.host_str().unwrap_or_default(), why)];
        }
        let head = self.request(Method::HEAD, &url).await;
        match &head {
            Ok(answer) if answer.findings(file).is_empty() => return Vec::new(),
            Err(failure) if failure.code != UNREACHABLE => return vec![failure.clone()],
            _ => {}
        }
        let mut got = self.request(Method::GET, &url).await;
        if head.is_ok() && got.as_ref().is_err_and(|failure| failure.code == UNREACHABLE) {
            got = self.request(Method::GET, &url).await;
        }
        match got {
            Ok(answer) => answer.findings(file),
            Err(failure) => vec![failure],
        }
    }

    /// One request and the head of its answer; the rest is not read.
    async fn request(&self, method: Method, url: &Url) -> Result<Answer, Finding> {
        let mut request = self.client.request(method.clone(), url.clone());
        if method == Method::GET {
            request = request.header(RANGE, HeaderValue::from_static("bytes=0-0"));
        }
        let answer = request.send().await.map_err(network_policy::failure);
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        tracing::debug!(%method, host = url.host_str(), status, "asked about a media file");
        Ok(Answer::of(&method, &answer?))
    }
}

/// A file's index, its server, and what is not right with it.
type Asked = (usize, String, Vec<Finding>);

/// What is known of a server.
#[derive(Default)]
struct Server {
    answered: bool,
    failed: u32,
}

impl Server {
    fn note(&mut self, findings: &[Finding]) {
        match findings.iter().any(|finding| finding.code == UNREACHABLE) {
            true => self.failed += 1,
            false => self.answered = true,
        }
    }

    fn is_given_up(&self) -> bool {
        !self.answered && self.failed >= GIVEN_UP_AFTER
    }
}

/// A link's server: its name and, where it is said, its port.
pub(super) fn server(link: &str) -> String {
    let Ok(url) = Url::parse(link) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A link as it may be shown: without what may be a secret in it, its user and what follows `?`.
#[must_use]
pub fn shown(link: &str) -> String {
    let Ok(mut url) = Url::parse(link) else {
        return link.split(['?', '#']).next().unwrap_or_default().to_owned();
    };
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only where there is no host, and then there is no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if had_query { format!("{url}?…") } else { url.into() }
}
