//! The provider of the soak tests: one thread per connection, and a count of sends that shares no code with the
//! product.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Message, response};

/// Time before each answer, so that most requests are in flight at any moment.
const LATENCY: Duration = Duration::from_millis(10);

/// How often a message was sent to each number of the current list.
pub(crate) type SendCounts = Arc<Mutex<HashMap<u64, u32>>>;

/// Starts the provider; returns its address.
pub(crate) fn serve(counts: SendCounts) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counts = counts.clone();
            std::thread::spawn(move || converse(stream, &counts));
        }
    });
    url
}

/// Answers every request of a connection until it ends.
fn converse(mut stream: TcpStream, counts: &SendCounts) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let request = Message::read(&mut reader)?;
        let data = match request.target().split_once("message_ids=") {
            Some((_, ids)) => {
                let read = |id: &str| json!({"message_id": id, "message_status": "read", "read_at": 1_790_000_000});
                json!({"data": ids.split(',').map(read).collect::<Vec<_>>()})
            }
            None => {
                let body: Value = serde_json::from_slice(&request.body).ok()?;
                let number = body["to"].as_str()?.parse().ok()?;
                let times = {
                    let mut counts = counts.lock().unwrap();
                    let times = counts.entry(number).or_default();
                    *times += 1;
                    *times
                };
                std::thread::sleep(LATENCY);
                json!({"msg_id": format!("{number}-{times}")})
            }
        };
        let body = json!({"status": "success", "code": 200, "message": "", "data": data, "error": {}}).to_string();
        let answer = response(200, "content-type: application/json\r\n", &body);
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
