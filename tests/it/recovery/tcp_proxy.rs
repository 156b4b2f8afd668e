//! A proxy before a database server, whose connections can be cut, or go silent without an error.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

/// A proxy. It serves until the process ends.
pub(crate) struct TcpProxy {
    /// Its host and port.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    streams: Mutex<Vec<Weak<TcpStream>>>,
    cut_until: Mutex<Option<Instant>>,
    silent_until: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Shared {
    fn wait_for_the_end_of_silence(&self) {
        let mut until = self.silent_until.lock().unwrap();
        while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            until = self.changed.wait_timeout(until, left).unwrap().0;
        }
    }
}

impl TcpProxy {
    /// Starts a proxy to this host and port, or to the Unix socket at this path.
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared::default());
        let (target, of_listener) = (target.to_owned(), Arc::clone(&shared));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Dropped: the connection is refused.
                let is_cut = of_listener.cut_until.lock().unwrap().is_some_and(|until| Instant::now() < until);
                let Some(server) = (!is_cut).then(|| connect(&target).ok()).flatten() else { continue };
                let [client, server] = [client, server].map(Arc::new);
                let mut streams = of_listener.streams.lock().unwrap();
                streams.retain(|stream| stream.strong_count() > 0);
                streams.extend([&client, &server].map(Arc::downgrade));
                for (from, to) in [(Arc::clone(&client), Arc::clone(&server)), (server, client)] {
                    let shared = Arc::clone(&of_listener);
                    std::thread::spawn(move || pass(&from, &to, &shared));
                }
            }
        });
        Self { address, shared }
    }

    /// Ends all connections, and refuses new ones for a while.
    #[allow(dead_code, reason = "only the soak test needs it")]
    pub(crate) fn cut(&self, length: Duration) {
        *self.shared.cut_until.lock().unwrap() = Some(Instant::now() + length);
        for stream in self.shared.streams.lock().unwrap().drain(..).filter_map(|stream| stream.upgrade()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Passes nothing on for a while, on any connection. What was sent meanwhile arrives afterwards.
    pub(crate) fn silence(&self, length: Duration) {
        *self.shared.silent_until.lock().unwrap() = Some(Instant::now() + length);
    }
}

fn connect(target: &str) -> io::Result<TcpStream> {
    // Both kinds of sockets are read, written and shut down in the same way.
    if target.starts_with('/') {
        UnixStream::connect(target).map(|unix| OwnedFd::from(unix).into())
    } else {
        TcpStream::connect(target)
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        shared.wait_for_the_end_of_silence();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
