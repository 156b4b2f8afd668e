//! Media: asks the servers of media files what they would give the provider, without reading the files.
//!
//! One question a file where it is answered well: HEAD. What HEAD does not show to be right is asked with GET for the
//! first byte, since that is closer to what the provider does. What a file may be is told from outside; nothing here
//! knows channels, campaigns or rows, and no credential is ever sent along. What follows `?` in a link may be a
//! secret: it is in no finding and no log.

mod answer;
mod reach;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderValue, RANGE};
use reqwest::{Client, ClientBuilder, Method, Url};
use tokio::task::JoinSet;

use answer::Answer;

/// Files asked about at a time.
const AT_ONCE: usize = 16;
/// A server that so many files could not be had from, and none, is not asked about any more of them.
const GIVEN_UP_AFTER: u32 = 3;
/// The time for a connection, and for a whole answer with its redirects.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), whole: Duration::from_secs(15) };

/// The code of the finding that a file's server could not be asked.
const UNREACHABLE: &str = "media_unreachable";

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
    fn error(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { is_error: true, code, message: message.into(), hint }
    }

    fn warning(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { is_error: false, ..Self::error(code, message, hint) }
    }
}

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
struct Patience {
    connect: Duration,
    whole: Duration,
}

/// Asks about files.
pub struct Asker {
    client: Client,
    hosts: Hosts,
}

impl Asker {
    /// One that asks these hosts.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(hosts: Hosts) -> Result<Self, AskError> {
        Self::with(Client::builder(), hosts, PATIENCE)
    }

    fn with(client: ClientBuilder, hosts: Hosts, patience: Patience) -> Result<Self, AskError> {
        // Needed once a process; whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client
            .user_agent(concat!("campaigner/", env!("CARGO_PKG_VERSION")))
            .redirect(reach::redirects(hosts))
            .dns_resolver(reach::Resolver::new(hosts))
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
        let asker = Arc::new(self);
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
                took(&mut servers, (index, server, vec![Finding::error(UNREACHABLE, words, hint)]));
                continue;
            }
            let asker = Arc::clone(&asker);
            asked.spawn(async move { (index, server, asker.ask(&file).await) });
        }
        while let Some(done) = asked.join_next().await {
            took(&mut servers, done.map_err(|_| AskError::Defect)?);
        }
        Ok(())
    }

    /// What is not right with a file.
    async fn ask(&self, file: &File) -> Vec<Finding> {
        let Some(url) = Url::parse(&file.link).ok().filter(Url::has_host) else {
            let hint = "write the whole address, such as https://www.example.com/picture.png";
            return vec![Finding::error(UNREACHABLE, "the link is no address that can be asked", hint)];
        };
        if let Some(why) = (self.hosts.refused)(url.as_str()) {
            return vec![reach::private(url.host_str().unwrap_or_default(), why)];
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
        let answer = request.send().await.map_err(reach::failure);
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
fn server(link: &str) -> String {
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
