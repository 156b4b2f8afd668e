//! The connections of the service: how many can be open, and how long a request may take to arrive.
//!
//! A client that sends nothing, or half a request, does not block others: a request head must arrive in time, and when
//! all connections are in use, the one that has been idle longest is closed.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::engine::StopHandle;

/// The most connections, if the limit on open files allows it.
pub(in crate::cli) const MAX_CONNECTIONS: usize = 512;
/// The largest request head, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long to accept nothing after the system refused another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of connections.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most open connections.
    max_connections: usize,
    /// How long a request head may take, counted from the start of the connection or the end of the previous request.
    head: Duration,
    /// How long responses may take when the service stops.
    last_answers: Duration,
}

impl Limits {
    /// Returns the limits of the service, with this many connections.
    pub(super) fn of(max_connections: usize) -> Self {
        Self { max_connections, head: Duration::from_secs(10), last_answers: Duration::from_secs(3) }
    }
}

/// Serves requests until the service stops, then finishes the open ones.
pub(super) async fn serve(listener: TcpListener, routes: Router, limits: Limits, stop: &StopHandle) {
    let mut connections = Connections::new(limits);
    let (mut refused, mut new) = (false, None);
    while !stop.ends_all() {
        if let Some(stream) = new.take_if(|_| connections.has_room()) {
            connections.open(stream, routes.clone(), stop.clone());
        }
        tokio::select! {
            () = stop.all_ended() => {}
            Some(ended) = connections.tasks.join_next_with_id() => connections.forget(&ended),
            () = connections.idle.notified(), if new.is_some() => {}
            accepted = listener.accept(), if new.is_none() => match accepted {
                Ok((stream, _)) => (refused, new) = (false, Some(stream)),
                Err(error) if ended_before(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut refused, true) {
                        tracing::warn!(%error, "cannot accept a connection; retrying");
                    }
                    connections.close_idlest();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async { while connections.tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.last_answers, ended).await;
}

/// Returns whether an error concerns only one connection, which ended before it was accepted.
fn ended_before(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The open connections.
struct Connections {
    limits: Limits,
    tasks: JoinSet<()>,
    open: HashMap<Id, (AbortHandle, Arc<Activity>)>,
    /// Notified when a connection becomes idle.
    idle: Arc<Notify>,
}

/// Tracks whether a connection is in the middle of a request.
pub(super) struct Activity {
    idle_since: Mutex<Option<Instant>>,
    idle: Arc<Notify>,
}

impl Activity {
    /// Sets whether the connection is waiting for the rest of a request. It then counts as idle, so that it can be
    /// closed for another one.
    pub(super) fn set_waiting(&self, is_waiting: bool) {
        self.set(is_waiting.then(Instant::now));
    }

    fn set(&self, idle_since: Option<Instant>) {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = idle_since;
        if idle_since.is_some() {
            self.idle.notify_one();
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn new(limits: Limits) -> Self {
        Self { limits, tasks: JoinSet::new(), open: HashMap::new(), idle: Arc::default() }
    }

    /// Returns whether another connection fits, if necessary in place of an idle one.
    fn has_room(&self) -> bool {
        self.open.len() < self.limits.max_connections
            || self.open.values().any(|(_, activity)| activity.idle_since().is_some())
    }

    fn open(&mut self, stream: TcpStream, routes: Router, stop: StopHandle) {
        if self.open.len() >= self.limits.max_connections {
            self.close_idlest();
        }
        let activity = Arc::new(Activity { idle_since: Mutex::new(Some(Instant::now())), idle: self.idle.clone() });
        let task = self.tasks.spawn(answer(stream, routes, self.limits.head, activity.clone(), stop));
        self.open.insert(task.id(), (task, activity));
    }

    fn forget(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
    }

    fn close_idlest(&mut self) {
        let idle = self.open.iter().filter_map(|(id, (_, activity))| Some((activity.idle_since()?, *id)));
        if let Some((_, id)) = idle.min_by_key(|(since, _)| *since)
            && let Some((task, _)) = self.open.remove(&id)
        {
            task.abort();
        }
    }
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, routes: Router, head: Duration, activity: Arc<Activity>, stop: StopHandle) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(|mut request: Request<Incoming>| {
        activity.set(None);
        request.extensions_mut().insert(activity.clone());
        let (answer, activity) = (routes.call(request), activity.clone());
        async move {
            let answer = answer.await;
            activity.set(Some(Instant::now()));
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.all_ended() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "HTTP connection failed");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;
    use crate::engine::Reason;

    const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const SHORT: Duration = Duration::from_millis(200);
    const SOON: Duration = Duration::from_secs(30);
    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(3600);

    /// A server with two routes; `/slow` answers only when notified.
    struct Server {
        address: SocketAddr,
        slow: Arc<Notify>,
        stop: StopHandle,
        served: tokio::task::JoinHandle<()>,
    }

    impl Server {
        async fn start(max_connections: usize, head: Duration) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, stop, slow) =
                (listener.local_addr().unwrap(), StopHandle::default(), Arc::new(Notify::new()));
            let wait = slow.clone();
            let slowly = get(move || async move { wait.notified().await });
            let routes = Router::new().route("/healthz", get(|| async { "ok" })).route("/slow", slowly);
            let (until, limits) = (stop.clone(), Limits { max_connections, head, last_answers: SHORT });
            let served = tokio::spawn(async move { serve(listener, routes, limits, &until).await });
            Self { address, slow, stop, served }
        }

        async fn connect(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        }

        /// Returns whether a new connection, which the server closes after its response, is served.
        async fn is_well(&self) -> bool {
            let mut stream = self.connect(&REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
            rest(&mut stream).await.starts_with("HTTP/1.1 200")
        }
    }

    /// Returns everything that arrives until the connection is closed.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        // An aborted connection may be reset.
        let _ = timeout(SOON, stream.read_to_end(&mut text)).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn a_request_head_must_arrive_in_time_and_so_must_the_next_one() {
        let server = Server::start(100, SHORT).await;
        for text in ["", "GET /healthz HTTP/1.1\r\nHo", REQUEST] {
            let started = Instant::now();
            let answer = rest(&mut server.connect(text).await).await;
            assert_eq!(answer.starts_with("HTTP/1.1 200"), text == REQUEST, "{answer}");
            assert!(started.elapsed() >= SHORT, "{text:?} took {:?}", started.elapsed());
        }
    }

    #[tokio::test]
    async fn sending_a_head_in_small_pieces_does_not_extend_its_time() {
        let server = Server::start(100, SHORT).await;
        let (mut answers, mut requests) = server.connect("GET /healthz HTTP/1.1\r\n").await.into_split();
        let drip = async {
            while requests.write_all(b"A: b\r\n").await.is_ok() {
                tokio::time::sleep(SHORT / 10).await;
            }
        };
        let mut text = Vec::new();
        let closed = async {
            let _ = answers.read_to_end(&mut text).await;
        };
        timeout(SOON, async { tokio::join!(drip, closed) }).await.unwrap();
        assert!(text.is_empty(), "{text:?}");
    }

    #[tokio::test]
    async fn a_full_server_closes_the_longest_idle_connection_and_none_with_an_open_request() {
        let server = Server::start(10, LONG).await;
        let mut slow = server.connect("GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(server.is_well().await);
        let mut half = Vec::new();
        for _ in 0..50 {
            half.push(server.connect("GET /healthz HT").await);
            assert!(server.is_well().await);
        }
        assert_eq!(rest(&mut half[0]).await, "");
        server.slow.notify_one();
        assert!(rest(&mut slow).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_new_connection_waits_if_every_other_one_has_an_open_request() {
        let server = Server::start(1, LONG).await;
        let mut slow = server.connect(&REQUEST.replace("healthz", "slow")).await;
        assert!(timeout(SHORT, slow.read_u8()).await.is_err(), "it has no answer yet");
        assert!(timeout(SHORT, server.is_well()).await.is_err(), "there is no room yet");
        server.slow.notify_one();
        assert!(server.is_well().await);
    }

    #[tokio::test]
    async fn the_server_stops_even_if_clients_are_connected() {
        let server = Server::start(10, LONG).await;
        let _silent = server.connect("").await;
        let _half = server.connect("GET /heal").await;
        let _slow = server.connect(&REQUEST.replace("healthz", "slow")).await;
        assert!(server.is_well().await);
        server.stop.stop(Reason::Signal);
        timeout(SOON, server.served).await.unwrap().unwrap();
    }
}
