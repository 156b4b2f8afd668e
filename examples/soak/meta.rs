//! The provider of the soak tests as Meta: it keeps a record of what it accepted, loses answers, and calls back about
//! each message until a service has taken the call.
//!
//! The record decides, and shares no code with the product.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use crate::http::{Message, response};
use crate::meta_wire::{self, HOOK, NUMBER};

/// Time before each answer, so that most requests are in flight at any moment.
const LATENCY: Duration = Duration::from_millis(10);
/// Most statuses in one call.
const STATUSES_PER_CALL: usize = 100;
/// Statuses that wait before the next call, unless there will be no more: they are mixed among each other.
const ENOUGH_TO_MIX: usize = 1_000;

/// How often something goes wrong, as shares of 1.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Messages accepted whose answer is lost.
    pub(crate) dropped: f64,
    /// Messages not accepted, with an error that does not say so.
    pub(crate) errors: f64,
    /// Messages accepted about which no webhook comes.
    pub(crate) missing: f64,
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// Whether webhooks about it come.
    pub(crate) is_reported: bool,
}

/// What happened with the current list.
#[derive(Default)]
pub(crate) struct Record {
    /// The messages to each number.
    pub(crate) accepted: HashMap<u64, Vec<Accepted>>,
    /// Answers that were lost.
    pub(crate) dropped: u64,
    /// Requests that were answered with an error.
    pub(crate) errors: u64,
    /// Calls that a service took.
    pub(crate) calls: u64,
    /// Statuses that wait for the next call.
    waiting: Vec<Value>,
    /// Statuses of a call that has not been answered yet.
    calling: usize,
    /// Where the service listens.
    service: Option<String>,
    /// Whether everything was sent, so that no more statuses come.
    is_sent: bool,
}

/// The provider, for as long as the program runs.
#[derive(Clone)]
pub(crate) struct MetaProvider {
    pub(crate) url: String,
    record: Arc<Mutex<Record>>,
    faults: Faults,
    seed: u64,
}

impl MetaProvider {
    /// Starts it.
    pub(crate) fn start(faults: Faults, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { url, record: Arc::default(), faults, seed };
        let (serving, calling) = (provider.clone(), provider.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let provider = serving.clone();
                std::thread::spawn(move || provider.converse(stream));
            }
        });
        std::thread::spawn(move || calling.call_back());
        provider
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// Says where the service listens from now on.
    pub(crate) fn call_at(&self, service: String) {
        self.record().service = Some(service);
    }

    /// Says that no more messages come; returns whether a service has taken every call.
    pub(crate) fn has_reported_all(&self) -> bool {
        let mut record = self.record();
        record.is_sent = true;
        record.waiting.is_empty() && record.calling == 0
    }

    /// Takes the record of a list; the next list starts a new one.
    pub(crate) fn take_record(&self) -> Record {
        std::mem::take(&mut *self.record())
    }

    /// Answers every request of a connection until it ends or an answer is lost.
    fn converse(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let request = Message::read(&mut reader)?;
            let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
            let path = path.strip_prefix("/v25.0")?;
            let answer = match request.method() {
                "POST" if path == format!("/{NUMBER}/messages") => self.receive(&request)?,
                _ => (200, meta_wire::about_the_account(path, query)?.to_string()),
            };
            let answer = response(answer.0, "content-type: application/json\r\n", &answer.1);
            stream.write_all(answer.as_bytes()).ok()?;
        }
    }

    /// Accepts a message, or not; returns no answer if it is lost.
    fn receive(&self, request: &Message) -> Option<(u16, String)> {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let to = body["to"].as_str()?;
        let number: u64 = to.strip_prefix('+')?.parse().ok()?;
        let (id, is_dropped) = {
            let mut record = self.record();
            let earlier = record.accepted.get(&number).map_or(0, Vec::len);
            let mut draws = fastrand::Rng::with_seed(self.seed ^ number.rotate_left(20) ^ earlier as u64);
            let [error, dropped, missing] = [(); 3].map(|()| draws.f64());
            if error < self.faults.errors {
                record.errors += 1;
                return Some((500, meta_wire::error(131_000, "Something went wrong")));
            }
            let id = format!("wamid.HBgL{number}+{earlier}/8A==");
            let is_reported = missing >= self.faults.missing;
            if is_reported {
                for word in ["sent", "delivered", "read"] {
                    let status = meta_wire::status(&id, to, word, &body["biz_opaque_callback_data"]);
                    record.waiting.extend(std::iter::repeat_n(status, 1 + usize::from(draws.bool())));
                }
            }
            record.accepted.entry(number).or_default().push(Accepted { id: id.clone(), is_reported });
            let is_dropped = dropped < self.faults.dropped;
            record.dropped += u64::from(is_dropped);
            (id, is_dropped)
        };
        std::thread::sleep(LATENCY);
        (!is_dropped).then(|| (200, meta_wire::accepted(to, &id).to_string()))
    }

    /// Posts the statuses in any order. A call that was not taken comes again.
    fn call_back(&self) {
        let mut order = fastrand::Rng::with_seed(self.seed);
        loop {
            let (service, statuses) = {
                let mut record = self.record();
                let is_time = record.is_sent || record.waiting.len() >= ENOUGH_TO_MIX;
                let count = record.waiting.len().min(STATUSES_PER_CALL);
                match record.service.clone().filter(|_| is_time && count > 0) {
                    None => (String::new(), Vec::new()),
                    Some(service) => {
                        let take = |_| {
                            let place = order.usize(..record.waiting.len());
                            record.waiting.swap_remove(place)
                        };
                        let statuses: Vec<Value> = (0..count).map(take).collect();
                        record.calling = count;
                        (service, statuses)
                    }
                }
            };
            if statuses.is_empty() {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            let is_taken = post(&service, &meta_wire::webhook(&statuses)) == Some(200);
            let mut record = self.record();
            record.calling = 0;
            if is_taken {
                record.calls += 1;
            } else {
                record.waiting.extend(statuses);
                drop(record);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Record {
    /// How many numbers got more than one message.
    pub(crate) fn doubled(&self) -> u64 {
        self.accepted.values().filter(|messages| messages.len() > 1).count() as u64
    }

    /// The ids of every message; each is given once.
    pub(crate) fn ids(&self) -> HashSet<&str> {
        self.accepted.values().flatten().map(|message| message.id.as_str()).collect()
    }
}

/// Posts a signed webhook; returns the HTTP status, or `None` if there was no answer.
fn post(service: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(service).ok()?;
    let (headers, length) = (meta_wire::headers(body), body.len());
    let head = format!("POST {HOOK} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
