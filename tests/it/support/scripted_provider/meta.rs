//! The scripted provider as Meta: it checks what comes, and calls back when the test says so.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::meta_wire::{self, ACCESS_TOKEN, HOOK, NUMBER};
use super::{Answer, ScriptedProvider, Sent, Shared, json_response};
use crate::support::http::Message;
use crate::support::service::address;
use crate::support::{Running, SOON, wait_until};

impl Answer {
    /// An error of Meta, with this HTTP status.
    pub(crate) fn meta_error(status: u16, code: u32, message: &str) -> Self {
        Self::Refuse(status, meta_wire::error(code, message))
    }
}

impl Shared {
    /// The answer to a request for the Cloud API, or none if the connection is to be closed.
    pub(super) fn answer_as_meta(&self, request: &Message) -> Option<String> {
        let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
        let is_authorized = request.header("authorization") == Some(&format!("Bearer {ACCESS_TOKEN}"));
        let proof = query.split('&').find_map(|pair| pair.strip_prefix("appsecret_proof="));
        if !is_authorized || proof != Some(&meta_wire::proof()) {
            self.received().offences.push("a wrong access token, or no proof of it".to_owned());
            return Some(json_response(401, "", &meta_wire::error(190, "Error validating access token")));
        }
        let path = path.strip_prefix("/v25.0").unwrap_or_default();
        if request.method() == "POST" && path == format!("/{NUMBER}/messages") {
            return self.receive(request, path);
        }
        match meta_wire::about_the_account(path, query).filter(|_| request.method() == "GET") {
            Some(answer) => Some(json_response(200, "", &answer.to_string())),
            None => {
                self.received().offences.push(format!("{} {path}", request.method()));
                Some(json_response(400, "", &meta_wire::error(100, "Unsupported request")))
            }
        }
    }
}

/// A service that receives the webhooks of the built-in account.
pub(crate) const META_SERVE: [&str; 4] = ["serve", "--webhook", "--listen", "127.0.0.1:0"];

impl ScriptedProvider {
    /// The webhook calls about every message that was accepted and that `about` names: each status of each, half of
    /// them twice, in an order that `seed` decides.
    pub(crate) fn webhooks(&self, seed: u64, about: impl Fn(&Sent) -> bool) -> Vec<String> {
        let mut statuses: Vec<Value> = Vec::new();
        for sent in self.received().sends.iter().filter(|sent| about(sent)) {
            let Some(id) = &sent.message_id else { continue };
            for (_, word) in (self.shared.script.statuses)(&sent.to) {
                let status = meta_wire::status(id, &sent.to, word, &sent.body["biz_opaque_callback_data"]);
                statuses.extend(std::iter::repeat_n(status, 1 + (sent.index + word.len()) % 2));
            }
        }
        fastrand::Rng::with_seed(seed).shuffle(&mut statuses);
        statuses.chunks(25).map(meta_wire::webhook).collect()
    }
}

/// Posts a signed webhook to a service; gives the HTTP status, or none if it died.
pub(crate) fn call_back(service: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(service).ok()?;
    let (headers, length) = (meta_wire::headers(body), body.len());
    let head = format!("POST {HOOK} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Posts webhooks to a service, which must take each.
pub(crate) fn call_back_all(service: &Running, webhooks: &[String]) {
    let address = address(service);
    for webhook in webhooks {
        let taken = call_back(&address, webhook);
        assert_eq!(taken, Some(200), "{}", service.stderr());
    }
}

/// Posts webhooks again and again to a service that is about to die, as Meta does until one is taken.
pub(crate) fn call_back_until_it_dies(service: Running, webhooks: &[String]) -> i32 {
    let address = address(&service);
    let dead = wait_until(SOON, || webhooks.iter().any(|webhook| call_back(&address, webhook).is_none()));
    assert!(dead, "it did not die: {}", service.stderr());
    service.wait().code
}
