//! A scripted socket: it does with each connection what the test says, byte for byte, so it can fail at any point.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::http::Message;

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
    closed: AtomicUsize,
    is_over: AtomicBool,
}

/// The server, until it is dropped. What is still connected then may go on.
pub(crate) struct RawServer {
    address: SocketAddr,
    counts: Arc<Counts>,
}

impl RawServer {
    /// Does `act` with each connection and its number, from 0, and then closes it.
    pub(crate) fn start(act: impl Fn(usize, &mut Connection) + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), act)
    }

    /// As `start`, at an address where nothing listened until now.
    pub(crate) fn start_at(address: SocketAddr, act: impl Fn(usize, &mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let (act, counted) = (Arc::new(act), counts.clone());
        // One thread per connection: whatever waits in it holds up no other.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if counted.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let number = counted.connections.fetch_add(1, Ordering::SeqCst);
                let (act, mut connection) = (act.clone(), Connection::new(stream.unwrap(), counted.clone()));
                std::thread::spawn(move || {
                    act(number, &mut connection);
                    let counts = connection.counts.clone();
                    drop(connection);
                    counts.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, counts }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many whole requests were read so far.
    pub(crate) fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    /// How many connections it has closed.
    pub(crate) fn closed(&self) -> usize {
        self.counts.closed.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection at the server.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    counts: Arc<Counts>,
}

impl Connection {
    fn new(stream: TcpStream, counts: Arc<Counts>) -> Self {
        let _ = stream.set_nodelay(true);
        Self { reader: BufReader::new(stream), counts }
    }

    /// Reads one whole request; none if the client sends no more.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let request = Message::read(&mut self.reader)?;
        self.counts.requests.fetch_add(1, Ordering::SeqCst);
        Some(request)
    }

    /// Writes this; false if the client is gone.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream().write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until a request begins, and leaves all of it unread.
    pub(crate) fn wait_for_first_byte(&self) {
        let _ = self.reader.get_ref().peek(&mut [0]);
    }

    /// Waits until the client gives up.
    pub(crate) fn wait_for_close(&mut self) {
        let _ = self.stream().read_to_end(&mut Vec::new());
    }

    /// The socket itself.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }
}

/// An address where nothing listens: its port was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
