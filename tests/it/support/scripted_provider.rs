//! A scripted provider: the send and status routes of the INCS Messages API on loopback, or Meta's Cloud API, and a
//! record of all it received.
//!
//! Written from the provider's documents and on its own: it shares nothing with the product or its simulator, so that
//! a misreading there is not repeated here. Whatever waits in a connection waits for the end of the provider too.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::http::{Message, response};
use crate::support::raw_server::{Connection, RawServer};
use crate::support::wait::{SOON, wait_until};

pub(crate) mod meta;
pub(crate) mod meta_wire;

/// Whose API a provider speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wire {
    #[default]
    Incs,
    Meta,
}

/// The certification code of the account.
pub(crate) const CREDENTIAL: &str = "0c1d2e3f-secret-for-tests";

/// What happens with one send.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It is accepted.
    Accept,
    /// It is not, and this is the answer: an HTTP status and a body.
    Refuse(u16, String),
    /// As `Refuse`, with a header line more.
    RefuseWith(u16, String, String),
    /// It is accepted, and the connection closed without an answer.
    AcceptAndClose,
    /// It is accepted, and never answered.
    AcceptAndHang,
}

impl Answer {
    /// The provider's envelope of a failure, as its documents show it, with HTTP status 200.
    pub(crate) fn error(code: i64, message: &str) -> Self {
        Self::Refuse(200, envelope(code, message))
    }
}

/// The provider's envelope of a failure.
pub(crate) fn envelope(code: i64, message: &str) -> String {
    json!({"status": "error", "code": code, "message": message, "data": {}, "error": {}}).to_string()
}

/// A send as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// When its last byte was here.
    pub(crate) at: Instant,
    /// Its place among all sends, from 0.
    pub(crate) index: usize,
    /// Its place among the sends to the same number, from 0.
    pub(crate) nth: usize,
    /// The number, without the `+` that Meta wants.
    pub(crate) to: String,
    /// The path it came to.
    pub(crate) path: String,
    /// The body, as JSON.
    pub(crate) body: Value,
    /// The id, if it was accepted.
    pub(crate) message_id: Option<String>,
}

/// What becomes of an accepted message: its statuses, each from an age on.
pub(crate) type Statuses = Vec<(Duration, &'static str)>;

/// What the provider does.
pub(crate) struct Script {
    /// What happens with a send; `message_id` is not yet set.
    pub(crate) send: Box<dyn Fn(&Sent) -> Answer + Send + Sync>,
    /// What becomes of a message to this number, once accepted.
    pub(crate) statuses: Box<dyn Fn(&str) -> Statuses + Send + Sync>,
    /// Time before each answer to a send.
    pub(crate) latency: Duration,
    /// Whose API it speaks.
    pub(crate) wire: Wire,
}

impl Default for Script {
    /// Accepts everything at once; each message is read in the end.
    fn default() -> Self {
        Self {
            send: Box::new(|_| Answer::Accept),
            statuses: Box::new(|_| read_in_the_end()),
            latency: Duration::ZERO,
            wire: Wire::Incs,
        }
    }
}

impl Script {
    /// Everything as usual but for what `send` says.
    pub(crate) fn answering(send: impl Fn(&Sent) -> Answer + Send + Sync + 'static) -> Self {
        Self { send: Box::new(send), ..Self::default() }
    }
}

/// Sent at once, delivered, read.
pub(crate) fn read_in_the_end() -> Statuses {
    vec![(Duration::ZERO, "sent"), (Duration::from_millis(300), "delivered"), (Duration::from_millis(700), "read")]
}

/// All that the provider saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// Every send, in the order of arrival.
    pub(crate) sends: Vec<Sent>,
    /// The number of ids of every poll.
    pub(crate) polls: Vec<usize>,
    /// Sends that were here at the same time, at most.
    pub(crate) most_in_flight: usize,
    /// What no client may do: a missing header, too many ids, another route.
    pub(crate) offences: Vec<String>,
    in_flight: usize,
    accepted: HashMap<String, usize>,
}

impl Received {
    /// How often each number was accepted.
    pub(crate) fn accepted(&self) -> HashMap<String, usize> {
        let mut numbers = HashMap::new();
        for sent in self.sends.iter().filter(|sent| sent.message_id.is_some()) {
            *numbers.entry(sent.to.clone()).or_default() += 1;
        }
        numbers
    }

    /// Fails if a number was accepted more than once.
    pub(crate) fn assert_nobody_twice(&self) {
        let twice: Vec<_> = self.accepted().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "accepted more than once: {twice:?}");
    }
}

struct Shared {
    script: Script,
    received: Mutex<Received>,
    ended: Mutex<bool>,
    end: Condvar,
}

/// The provider, until it is dropped.
pub(crate) struct ScriptedProvider {
    server: RawServer,
    shared: Arc<Shared>,
}

impl ScriptedProvider {
    pub(crate) fn start(script: Script) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// At an address where nothing listened until now.
    pub(crate) fn start_at(address: SocketAddr, script: Script) -> Self {
        let received = Mutex::new(Received::default());
        let shared = Arc::new(Shared { script, received, ended: Mutex::new(false), end: Condvar::new() });
        let serving = shared.clone();
        let server = RawServer::start_at(address, move |_, connection| serving.serve(connection));
        Self { server, shared }
    }

    /// Accepts everything.
    pub(crate) fn accepting_all() -> Self {
        Self::start(Script::default())
    }

    /// Accepts everything, and takes so many milliseconds for each answer.
    pub(crate) fn slow(latency: u64) -> Self {
        Self::start(Script { latency: Duration::from_millis(latency), ..Script::default() })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The variables of the built-in account that sends to it.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        match self.shared.script.wire {
            Wire::Incs => {
                vec![("INCS_BASE_URL", self.url()), ("INCS_CERTIFICATION_CODE", CREDENTIAL.to_owned())]
            }
            Wire::Meta => meta_wire::variables(&self.url()),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A copy of the record as it is now.
    pub(crate) fn received(&self) -> Received {
        self.shared.received().clone()
    }

    /// How many sends there were so far.
    pub(crate) fn sends(&self) -> usize {
        self.shared.received().sends.len()
    }

    /// Waits until so many sends are here, or more.
    pub(crate) fn wait_for_sends(&self, sends: usize) {
        assert!(wait_until(SOON, || self.sends() >= sends), "{} sends, not {sends}", self.sends());
    }

    /// Waits until nothing has been sent for this long.
    pub(crate) fn wait_for_silence(&self, quiet: Duration) {
        let is_silent = || {
            let before = self.sends();
            !wait_until(quiet, || self.sends() > before)
        };
        assert!(wait_until(SOON, is_silent), "it keeps sending");
    }

    /// The id and the last status of each number that was accepted.
    pub(crate) fn final_states(&self) -> HashMap<String, (String, &'static str)> {
        let sends = self.received().sends;
        let accepted = sends.into_iter().filter_map(|sent| Some((sent.to, sent.message_id?)));
        accepted
            .map(|(to, id)| {
                let last = (self.shared.script.statuses)(&to).last().map_or("accepted", |(_, word)| *word);
                (to, (id, last))
            })
            .collect()
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        *self.shared.ended.lock().unwrap() = true;
        self.shared.end.notify_all();
    }
}

/// The id of the message that was accepted as the send of this index.
pub(crate) fn message_id(index: usize) -> String {
    // Ids of WhatsApp hold characters that mean something in a URL.
    format!("wamid.HBgL{index:06}+{}/8A==", u128::from(index as u64 + 7).pow(3) % 99_991)
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap()
    }

    /// Lets time pass, or the provider end.
    fn pass(&self, time: Duration) {
        let ended = self.ended.lock().unwrap();
        drop(self.end.wait_timeout_while(ended, time, |ended| !*ended).unwrap());
    }

    fn serve(&self, connection: &mut Connection) {
        while let Some(request) = connection.request() {
            let answer = match self.script.wire {
                Wire::Incs => self.answer(&request),
                Wire::Meta => self.answer_as_meta(&request),
            };
            let Some(answer) = answer else { return };
            if !connection.write(answer) {
                return;
            }
        }
    }

    /// The answer, or none if the connection is to be closed.
    fn answer(&self, request: &Message) -> Option<String> {
        if request.header("certification-code") != Some(CREDENTIAL) {
            self.received().offences.push("no or a wrong certification-code".to_owned());
            return Some(json_response(200, "", &envelope(10001, "certification-code is invalid")));
        }
        let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
        match (request.method(), path) {
            ("GET", "/external/messages/status") => Some(json_response(200, "", &self.statuses(query))),
            ("POST", path) if path.starts_with("/external/messages/") => self.receive(request, path),
            (method, path) => {
                self.received().offences.push(format!("{method} {path}"));
                Some(json_response(404, "", &envelope(404, "no such route")))
            }
        }
    }

    fn receive(&self, request: &Message, path: &str) -> Option<String> {
        let at = Instant::now();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let written = body["to"].as_str().unwrap_or_default().to_owned();
        let to = match self.script.wire {
            Wire::Incs => written.clone(),
            Wire::Meta => written.trim_start_matches('+').to_owned(),
        };
        let (sent, answer) = {
            let mut received = self.received();
            let is_json = request.header("content-type") == Some("application/json");
            // Meta takes a number without `+` for one of the sender's country.
            if !is_json || to.is_empty() || (self.script.wire == Wire::Meta && to == written) {
                received.offences.push(format!("a send without a right `to` or not as JSON: {body}"));
            }
            let (index, nth) = (received.sends.len(), received.sends.iter().filter(|sent| sent.to == to).count());
            let mut sent = Sent { at, index, nth, to, path: path.to_owned(), body, message_id: None };
            let answer = (self.script.send)(&sent);
            if matches!(answer, Answer::Accept | Answer::AcceptAndClose | Answer::AcceptAndHang) {
                let id = message_id(index);
                received.accepted.insert(id.clone(), index);
                sent.message_id = Some(id);
            }
            received.sends.push(sent.clone());
            received.in_flight += 1;
            received.most_in_flight = received.most_in_flight.max(received.in_flight);
            (sent, answer)
        };
        if !self.script.latency.is_zero() {
            self.pass(self.script.latency);
        }
        let answer = match answer {
            Answer::Accept => {
                let id = sent.message_id.unwrap_or_default();
                let body = match self.script.wire {
                    Wire::Incs => {
                        json!({"status": "success", "code": 200, "message": "", "data": {"msg_id": id}, "error": {}})
                    }
                    Wire::Meta => meta_wire::accepted(&written, &id),
                };
                Some(json_response(200, "", &body.to_string()))
            }
            Answer::Refuse(status, body) => Some(json_response(status, "", &body)),
            Answer::RefuseWith(status, header, body) => Some(json_response(status, &format!("{header}\r\n"), &body)),
            Answer::AcceptAndClose => None,
            Answer::AcceptAndHang => {
                self.pass(Duration::from_secs(600));
                None
            }
        };
        self.received().in_flight -= 1;
        answer
    }

    fn statuses(&self, query: &str) -> String {
        let ids: Vec<String> = query.strip_prefix("message_ids=").unwrap_or_default().split(',').map(decode).collect();
        let mut received = self.received();
        received.polls.push(ids.len());
        if ids.len() > 100 {
            received.offences.push(format!("{} ids in one poll", ids.len()));
            return envelope(422, "at most 100 message ids");
        }
        let mut entries = Vec::new();
        for id in &ids {
            let Some(sent) = received.accepted.get(id).map(|index| received.sends[*index].clone()) else {
                received.offences.push(format!("the unknown id {id}"));
                continue;
            };
            let age = sent.at.elapsed();
            let statuses = (self.script.statuses)(&sent.to);
            let Some((_, word)) = statuses.iter().rfind(|(from, _)| *from <= age) else { continue };
            let accepted = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age;
            let seconds = |wanted: &str| {
                let reached = statuses.iter().find(|(from, known)| *known == wanted && *from <= age);
                reached.map_or(0, |(from, _)| (accepted + *from).as_secs())
            };
            // "read" overwrites the delivery time, as in the documents' first example.
            let delivered = if *word == "read" { 0 } else { seconds("delivered") };
            entries.push(json!({
                "message_id": id, "message_status": word, "created_at": accepted.as_secs(),
                "delivered_at": delivered, "read_at": seconds("read"),
            }));
        }
        // By id, never by position.
        entries.reverse();
        json!({"status": "success", "code": 200, "message": "", "data": {"data": entries}, "error": {}}).to_string()
    }
}

fn json_response(status: u16, headers: &str, body: &str) -> String {
    response(status, &format!("content-type: application/json\r\n{headers}"), body)
}

/// Undoes percent-encoding.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let hex = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
