//! The requests: which there are, in which order a request is looked at, and where the ordered faults strike.
//!
//! Keeps no message. What a status answer needs is in the ids.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use fastrand::Rng;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use super::responses::{self as answer, Entry};
use super::rules;
use crate::model::{Channel, Millis};
use crate::simulator::behaviour::{Behaviour, Loss, Lot};
use crate::simulator::cams::{self, Cams};
use crate::simulator::counts::{Counters, count};
use crate::simulator::listener::Cut;
use crate::simulator::message_id::Ticket;
use crate::simulator::nxlink::{self, Nxlink};
use crate::simulator::throttle::Window;
use crate::simulator::webhooks::Caller;

/// The largest body that is looked at.
const BODY_LIMIT: usize = 1 << 20;
/// The largest body that is read to its end, so that a client who sends too much gets its answer.
const READ_LIMIT: usize = 8 * BODY_LIMIT;
/// Ids that one status request may have, by the documents.
const IDS_LIMIT: usize = 100;

const BASE: &str = "/external/messages/";
/// Where whoever tries things out plays the reviewer of templates: `/review/NAME/STATUS`.
const REVIEW: &str = "/review/";
const CREDENTIAL: &str = "certification-code";

/// The provider behind the routes.
pub(in crate::simulator) struct Provider {
    behaviour: Behaviour,
    caller: Option<Caller>,
    pub(in crate::simulator) counters: Counters,
    state: Mutex<Drawn>,
    nxlink: Nxlink,
    cams: Cams,
}

/// What changes from send to send.
struct Drawn {
    lots: Rng,
    window: Option<Window>,
    serial: u64,
}

/// What a send comes to.
enum Verdict {
    Accepted(String),
    Lost(Loss),
    Refused(Refusal),
}

/// Answers one request.
pub(in crate::simulator) async fn answer(
    State(provider): State<Arc<Provider>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let is_cams = cams::is_ours(&request);
    let (head, body) = request.into_parts();
    if is_cams {
        return provider.cams.answer(&head, body).await;
    }
    if head.uri.path().starts_with(nxlink::BASE) {
        return provider.nxlink.answer(&head, body).await;
    }
    if let Some((name, status)) = head.uri.path().strip_prefix(REVIEW).and_then(|rest| rest.split_once('/')) {
        provider.nxlink.review(name, status);
        provider.cams.review(name, status);
        return Response::new(Body::empty());
    }
    let route = head.uri.path().strip_prefix(BASE).unwrap_or_default();
    match (Channel::from_name(route), &head.method) {
        (Some(channel), &Method::POST) => provider.send(channel, &head.headers, body, &cut).await,
        (None, &Method::GET) if route == "status" => provider.status(&head.headers, head.uri.query()),
        _ => provider.refuse(&Refusal::NOT_FOUND),
    }
}

impl Provider {
    pub(in crate::simulator) fn new(behaviour: Behaviour, caller: Option<Caller>) -> Self {
        let lots = if behaviour.seed == 0 { Rng::new() } else { Rng::with_seed(behaviour.seed) };
        let window = behaviour.throttle.map(Window::new);
        // The serial number never follows the seed: ids of two simulators with one seed are different too.
        let serial = Rng::new().u64(..);
        Self {
            behaviour,
            caller,
            counters: Counters::default(),
            state: Mutex::new(Drawn { lots, window, serial }),
            nxlink: Nxlink::default(),
            cams: Cams::default(),
        }
    }

    async fn send(&self, channel: Channel, headers: &HeaderMap, body: Body, cut: &Cut) -> Response {
        let verdict = self.judge(channel, headers, body).await.unwrap_or_else(Verdict::Refused);
        if !self.behaviour.latency.is_zero() {
            tokio::time::sleep(self.behaviour.latency).await;
        }
        match verdict {
            Verdict::Accepted(id) => answer::accepted(&id),
            Verdict::Refused(refusal) => answer::refused(&refusal),
            Verdict::Lost(loss) => {
                if loss == Loss::Hung {
                    // The server drops this wait when the client closes the connection.
                    tokio::time::sleep(Behaviour::HELD).await;
                }
                cut.cut();
                // Never leaves: the connection fails to write it.
                Response::default()
            }
        }
    }

    async fn judge(&self, channel: Channel, headers: &HeaderMap, body: Body) -> Result<Verdict, Refusal> {
        // Read before anything is said, so that the connection can be used again.
        let body = axum::body::to_bytes(body, READ_LIMIT).await;
        self.counted(authorised(headers))?;
        let Some((lot, serial)) = self.admit() else {
            count(&self.counters.throttled);
            return Err(Refusal::TOO_MANY);
        };
        if lot.error {
            count(&self.counters.errors);
            return Err(Refusal::SERVER_ERROR);
        }
        let body = self.counted(match body {
            Ok(body) if body.len() <= BODY_LIMIT => {
                is_json(headers).and_then(|()| rules::judge(channel, &body)).map(|()| body)
            }
            _ => Err(Refusal::parameter("The request body is too large.")),
        })?;
        count(&self.counters.accepted);
        let ticket = self.ticket(&lot, serial);
        if let Some(caller) = &self.caller {
            caller.tell(&ticket.id(channel), &ticket, &body);
        }
        Ok(match lot.loss {
            Some(loss) => {
                count(if loss == Loss::Hung { &self.counters.hung } else { &self.counters.dropped });
                Verdict::Lost(loss)
            }
            None => Verdict::Accepted(ticket.id(channel)),
        })
    }

    fn ticket(&self, lot: &Lot, serial: u64) -> Ticket {
        let pace = u64::try_from(self.behaviour.pace.as_millis()).unwrap_or(u64::MAX);
        Ticket { accepted: Millis::now(), end: lot.end, pace, serial }
    }

    /// Draws a send's lot and its serial number, unless it is one too many for this second.
    fn admit(&self) -> Option<(Lot, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.window.as_mut().is_some_and(|window| !window.admit(Instant::now())) {
            return None;
        }
        state.serial = state.serial.wrapping_add(1);
        Some((self.behaviour.draw(&mut state.lots), state.serial))
    }

    fn status(&self, headers: &HeaderMap, query: Option<&str>) -> Response {
        let ids = match authorised(headers).and_then(|()| asked_ids(query.unwrap_or_default())) {
            Ok(ids) => ids,
            Err(refusal) => return self.refuse(&refusal),
        };
        let now = Millis::now();
        let entries: Vec<Entry<'_>> =
            ids.split(',').filter_map(|id| Some(Entry::new(id, Ticket::read(id)?.status_at(now)))).collect();
        count(&self.counters.polls);
        self.counters.ids_polled.fetch_add(ids.split(',').count() as u64, Ordering::Relaxed);
        answer::statuses(&entries)
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        count(&self.counters.refused);
        answer::refused(refusal)
    }

    fn counted<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.inspect_err(|_| count(&self.counters.refused))
    }
}

/// Any credential is taken, but one has to be there.
fn authorised(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(CREDENTIAL) {
        Some(value) if !value.as_bytes().trim_ascii().is_empty() => Ok(()),
        _ => Err(Refusal::CREDENTIAL),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Refusal::parameter("The Content-Type must be application/json.")),
    }
}

/// The decoded `message_ids` of a query. As in every query, a raw `+` is a space: a client that does not encode
/// its ids finds some of them unknown.
fn asked_ids(query: &str) -> Result<Cow<'_, str>, Refusal> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix("message_ids=")).unwrap_or_default();
    if raw.is_empty() {
        return Err(Refusal::parameter("The message_ids field is required."));
    }
    let ids = if raw.contains('+') {
        percent_decode_str(&raw.replace('+', " ")).decode_utf8().map(|ids| Cow::Owned(ids.into_owned()))
    } else {
        percent_decode_str(raw).decode_utf8()
    };
    match ids {
        Ok(ids) if ids.split(',').count() <= IDS_LIMIT => Ok(ids),
        Ok(_) => Err(Refusal::parameter(format!("The message_ids field must not have more than {IDS_LIMIT} ids."))),
        Err(_) => Err(Refusal::parameter("The message_ids field is not UTF-8.")),
    }
}
