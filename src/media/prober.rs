//! Asks the servers of media files, a few at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderValue, RANGE};
use reqwest::{Client, ClientBuilder, Method, Url};
use tokio::task::JoinSet;

use super::finding::{File, Hosts, UNREACHABLE, error};
use super::network_policy;
use super::response::FileAnswer;
use crate::model::Finding;

/// Maximum number of files asked about at a time.
pub(super) const MAX_CONCURRENT: usize = 16;
/// A server that failed for this many files, and answered for none, is not asked about others.
pub(super) const MAX_FAILURES: u32 = 3;
/// The time limits for a connection, and for a whole answer including redirects.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(5), whole: Duration::from_secs(15) };

/// Why files could not be probed at all.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The HTTP client could not be created.
    #[error("cannot check media files")]
    Setup(#[source] reqwest::Error),
    /// An internal task failed: a bug.
    #[error("internal error: a task panicked (please report it)")]
    Defect,
}

/// How long to wait for an answer.
#[derive(Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) whole: Duration,
}

/// Probes media files.
pub struct MediaProber {
    client: Client,
    hosts: Hosts,
}

impl MediaProber {
    /// Creates a prober limited to these hosts.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(hosts: Hosts) -> Result<Self, AskError> {
        Self::with(Client::builder(), hosts, TIMEOUTS)
    }

    pub(super) fn with(client: ClientBuilder, hosts: Hosts, timeouts: Timeouts) -> Result<Self, AskError> {
        // Needed once per process; an earlier call has set the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client
            .user_agent(concat!("campaigner/", env!("CARGO_PKG_VERSION")))
            .redirect(network_policy::redirects(hosts))
            .dns_resolver(network_policy::Resolver::new(hosts))
            // A referer would reveal the link's query.
            .referer(false)
            // A compressed file has another length, or none.
            .no_gzip()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.whole)
            .build()
            .map_err(|error| AskError::Setup(error.without_url()))?;
        Ok(Self { client, hosts })
    }

    /// Probes every file once, a few at a time, and passes each file's index and findings to `each` as the answers
    /// arrive.
    ///
    /// # Errors
    /// When an internal task fails; a server's behaviour is always a finding.
    pub async fn ask_all(self, files: Vec<File>, mut each: impl FnMut(usize, Vec<Finding>)) -> Result<(), AskError> {
        let prober = Arc::new(self);
        let mut asked = JoinSet::new();
        let mut servers: HashMap<String, Server> = HashMap::new();
        let mut finish = |servers: &mut HashMap<String, Server>, (index, server, findings): Asked| {
            servers.entry(server).or_default().note(&findings);
            each(index, findings);
        };
        for (index, file) in files.into_iter().enumerate() {
            if asked.len() == MAX_CONCURRENT
                && let Some(done) = asked.join_next().await
            {
                finish(&mut servers, done.map_err(|_| AskError::Defect)?);
            }
            let server = server(&file.link);
            if servers.get(&server).is_some_and(Server::is_skipped) {
                let words = format!("skipped, because {server} could not be reached when other files were checked");
                let hint = "fix the problem of the other files on this server, then check again";
                finish(&mut servers, (index, server, vec![error(UNREACHABLE, words, hint)]));
                continue;
            }
            let prober = Arc::clone(&prober);
            asked.spawn(async move { (index, server, prober.ask(&file).await) });
        }
        while let Some(done) = asked.join_next().await {
            finish(&mut servers, done.map_err(|_| AskError::Defect)?);
        }
        Ok(())
    }

    /// Returns the findings about a file.
    pub(super) async fn ask(&self, file: &File) -> Vec<Finding> {
        let Some(url) = Url::parse(&file.link).ok().filter(Url::has_host) else {
            let hint = "write the full URL, such as https://www.example.com/picture.png";
            return vec![error(UNREACHABLE, "the link is not a URL with a host", hint)];
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

    /// Makes one request and reads the head of its answer only.
    async fn request(&self, method: Method, url: &Url) -> Result<FileAnswer, Finding> {
        let mut request = self.client.request(method.clone(), url.clone());
        if method == Method::GET {
            request = request.header(RANGE, HeaderValue::from_static("bytes=0-0"));
        }
        let answer = request.send().await.map_err(network_policy::failure);
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        tracing::debug!(%method, host = url.host_str(), status, "media file probed");
        Ok(FileAnswer::of(&method, &answer?))
    }
}

/// A file's index, its server, and the findings.
type Asked = (usize, String, Vec<Finding>);

/// What is known about a server.
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

    fn is_skipped(&self) -> bool {
        !self.answered && self.failed >= MAX_FAILURES
    }
}

/// Returns a link's server: its name, and its port if given.
pub(super) fn server(link: &str) -> String {
    let Ok(url) = Url::parse(link) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns a link as it may be shown: without parts that may be secret, its user and what follows `?`.
#[must_use]
pub fn shown(link: &str) -> String {
    let Ok(mut url) = Url::parse(link) else {
        return link.split(['?', '#']).next().unwrap_or_default().to_owned();
    };
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only without a host, and then there is no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if had_query { format!("{url}?…") } else { url.into() }
}
