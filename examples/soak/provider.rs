//! The provider of the soaks: a thread a connection, and a book that shares nothing with the product.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// Time before each answer, so that most of the slots are in flight at any moment.
const LATENCY: Duration = Duration::from_millis(10);

/// How often each number was asked for, of the list that is under way.
pub(crate) type Book = Arc<Mutex<HashMap<u64, u32>>>;

/// Starts the provider; gives its address.
pub(crate) fn serve(book: Book) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let book = book.clone();
            std::thread::spawn(move || converse(stream, &book));
        }
    });
    url
}

/// Answers every request of a connection until it ends.
fn converse(mut stream: TcpStream, book: &Book) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let target = line.split_whitespace().nth(1)?.to_owned();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let data = match target.split_once("message_ids=") {
            Some((_, ids)) => {
                let read = |id: &str| json!({"message_id": id, "message_status": "read", "read_at": 1_790_000_000});
                json!({"data": ids.split(',').map(read).collect::<Vec<_>>()})
            }
            None => {
                let body: Value = serde_json::from_slice(&body).ok()?;
                let number = body["to"].as_str()?.parse().ok()?;
                let times = {
                    let mut book = book.lock().unwrap();
                    let times = book.entry(number).or_default();
                    *times += 1;
                    *times
                };
                std::thread::sleep(LATENCY);
                json!({"msg_id": format!("{number}-{times}")})
            }
        };
        let body = json!({"status": "success", "code": 200, "message": "", "data": data, "error": {}}).to_string();
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
