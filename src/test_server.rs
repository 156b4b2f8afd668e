//! A bare HTTP server for unit tests: the test decides what it does with each connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Starts a server in the test's runtime; it ends with the runtime. Calls `act` with each connection and its number,
/// from 1, and counts them.
pub(crate) fn server<F>(act: impl Fn(usize, TcpStream) -> F + Send + 'static) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let (listener, count) = (TcpListener::from_std(listener).unwrap(), seen.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(act(count.fetch_add(1, Ordering::SeqCst) + 1, stream));
        }
    });
    (address, seen)
}

/// Reads one whole request and returns its head. `None` if the client closes.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == "content-length");
    stream.read_exact(&mut vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())]).await.ok()?;
    Some(head)
}

/// Starts a server that answers each request line with what `answer` says: a status and a body. Returns its address and
/// the request lines, in order.
pub(crate) fn answering(
    answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (answer, lines) = (Arc::new(answer), Arc::new(Mutex::new(Vec::new())));
    let seen = lines.clone();
    let (address, _) = server(move |_, mut stream| {
        let (answer, lines) = (answer.clone(), lines.clone());
        async move {
            while let Some(head) = request(&mut stream).await {
                let line = head.lines().next().unwrap_or_default().to_owned();
                let (status, body) = answer(&line);
                lines.lock().unwrap().push(line);
                let body = body.to_string();
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        }
    });
    (address, seen)
}
