//! The connections of the service: how many there may be, and how long each may take to say what it wants.
//!
//! Whoever connects and then says nothing, or half of a request, keeps nobody else out: a request head has to arrive in
//! time, and where there are as many connections as there may be, the one that has been idle longest gives way.

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

use crate::engine::Stop;

/// Connections at most, where so many files may be open.
pub(in super::super) const MOST: usize = 512;
/// How long a request head may take, from the beginning of its connection or the end of the request before it.
const HEAD: Duration = Duration::from_secs(10);
/// Bytes of a request head at most.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long whoever still asks is waited for when the service ends.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// How long nothing is accepted after the system refused to open another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers over at most so many connections until the service stops, and then ends what is begun.
pub(super) async fn serve(listener: TcpListener, routes: Router, most: usize, stop: &Stop) {
    let mut connections = Connections { most, ..Connections::default() };
    let mut refused = false;
    while !stop.ends_all() {
        let has_room = connections.has_room();
        tokio::select! {
            () = stop.all_ended() => {}
            Some(ended) = connections.tasks.join_next_with_id() => connections.forget(&ended),
            () = connections.idle.notified(), if !has_room => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => {
                    refused = false;
                    connections.open(stream, routes.clone(), stop.clone());
                }
                Err(error) if ended_before(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut refused, true) {
                        tracing::warn!(%error, "cannot accept a connection; trying again");
                    }
                    connections.close_idlest();
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async { while connections.tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_ANSWERS, ended).await;
}

/// Whether an error is that of one connection, which ended before it was accepted.
fn ended_before(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connections that are open.
#[derive(Default)]
struct Connections {
    most: usize,
    tasks: JoinSet<()>,
    open: HashMap<Id, (AbortHandle, Arc<Activity>)>,
    /// Told when a connection becomes idle.
    idle: Arc<Notify>,
}

/// Whether a connection is in the middle of a request.
struct Activity {
    idle_since: Mutex<Option<Instant>>,
    idle: Arc<Notify>,
}

impl Activity {
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
    /// Whether another connection can be taken, if need be in the place of an idle one.
    fn has_room(&self) -> bool {
        self.open.len() < self.most || self.open.values().any(|(_, activity)| activity.idle_since().is_some())
    }

    fn open(&mut self, stream: TcpStream, routes: Router, stop: Stop) {
        if self.open.len() >= self.most {
            self.close_idlest();
        }
        let activity = Arc::new(Activity { idle_since: Mutex::new(Some(Instant::now())), idle: self.idle.clone() });
        let task = self.tasks.spawn(answer(stream, routes, activity.clone(), stop));
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
async fn answer(stream: TcpStream, routes: Router, activity: Arc<Activity>, stop: Stop) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(|request: Request<Incoming>| {
        activity.set(None);
        let (answer, activity) = (routes.call(request), activity.clone());
        async move {
            let answer = answer.await;
            activity.set(Some(Instant::now()));
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.all_ended() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection over HTTP broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::engine::Reason;

    const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// A server of two routes, of which `/slow` answers when it is told to; the clock goes on whenever nothing else does.
    struct Server {
        address: SocketAddr,
        slow: Arc<Notify>,
        stop: Stop,
        served: tokio::task::JoinHandle<()>,
    }

    impl Server {
        async fn start(most: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, stop, slow) = (listener.local_addr().unwrap(), Stop::default(), Arc::new(Notify::new()));
            let wait = slow.clone();
            let slowly = get(move || async move { wait.notified().await });
            let routes = Router::new().route("/healthz", get(|| async { "ok" })).route("/slow", slowly);
            let until = stop.clone();
            let served = tokio::spawn(async move { serve(listener, routes, most, &until).await });
            Self { address, slow, stop, served }
        }

        async fn connect(&self, said: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            stream
        }

        /// Asks, over a connection that the other side is to close, and is answered at once.
        async fn is_well(&self) -> bool {
            let mut stream = self.connect(&REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
            let begun = Instant::now();
            let answer = rest(&mut stream).await;
            answer.starts_with("HTTP/1.1 200") && begun.elapsed() < HEAD
        }
    }

    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        // One that is cut off may be reset.
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_head_has_to_arrive_in_time_and_so_has_the_next_one() {
        let server = Server::start(100).await;
        for said in ["", "GET /healthz HTTP/1.1\r\nHo", REQUEST] {
            let mut stream = server.connect(said).await;
            let begun = Instant::now();
            let answer = rest(&mut stream).await;
            assert_eq!(answer.starts_with("HTTP/1.1 200"), said == REQUEST, "{answer}");
            let took = begun.elapsed();
            assert!(took >= HEAD && took < HEAD + Duration::from_secs(1), "{said:?} took {took:?}");
        }
        // It is no use to send a little now and then.
        let mut stream = server.connect("GET /healthz HTTP/1.1\r\n").await;
        let begun = Instant::now();
        while begun.elapsed() < HEAD + Duration::from_secs(2) {
            let _ = stream.write_all(b"A: b\r\n").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(stream.write_all(b"\r\n").await.is_err() || rest(&mut stream).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_is_full_the_longest_idle_gives_way_and_nobody_in_the_middle_of_a_request() {
        let server = Server::start(10).await;
        let mut slow = server.connect("GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        let mut half = Vec::new();
        for _ in 0..50 {
            half.push(server.connect("GET /healthz HT").await);
            assert!(server.is_well().await);
        }
        let begun = Instant::now();
        assert_eq!(rest(&mut half[0]).await, "");
        assert!(begun.elapsed() < HEAD, "it gave way before its time");
        server.slow.notify_one();
        assert!(rest(&mut slow).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_in_the_middle_of_a_request_a_new_one_waits_for_the_first_to_end() {
        let server = Server::start(2).await;
        let slow = [server.connect(&REQUEST.replace("healthz", "slow")).await, server.connect("").await];
        let [mut first, mut second] = slow;
        second.write_all(REQUEST.replace("healthz", "slow").as_bytes()).await.unwrap();
        let both =
            tokio::time::timeout(Duration::from_millis(500), async { tokio::join!(first.read_u8(), second.read_u8()) });
        assert!(both.await.is_err(), "neither has an answer yet");
        let (well, ()) = tokio::join!(server.is_well(), async { server.slow.notify_one() });
        assert!(well);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_it_is_stopped_whoever_is_connected() {
        let server = Server::start(10).await;
        let _silent = server.connect("").await;
        let _half = server.connect("GET /heal").await;
        let _slow = server.connect(&REQUEST.replace("healthz", "slow")).await;
        assert!(server.is_well().await);
        let begun = Instant::now();
        server.stop.stop(Reason::Signal);
        server.served.await.unwrap();
        assert!(begun.elapsed() <= LAST_ANSWERS + Duration::from_secs(1));
    }
}
