//! A folder with a template definition in it, a simulated provider of templates, and a connection to it that loses
//! requests or answers on purpose.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use campaigner::simulator::{Behaviour, Simulator};
use serde_json::Value;

use crate::support::http::{Message, exchange};
use crate::support::raw_server::RawServer;
use crate::support::{Finished, TestEnv};

pub(crate) const SALE: &str = r#"
name: spring_sale
language: en_US
category: MARKETING
components:
  - type: HEADER
    format: TEXT
    text: Our sale is on
  - type: BODY
    text: "Hi {{first_name}}, take 25% off."
    example: {first_name: Ana}
  - type: BUTTONS
    buttons:
      - {type: QUICK_REPLY, text: No more, opt_out: true}
      - {type: URL, text: Shop, url: "https://example.com/{{campaign}}", example: ["https://example.com/spring"]}
"#;

/// What gets lost between the binary and the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Nothing,
    /// The first request that makes a template, before it arrives.
    Request,
    /// The answer to it.
    Answer,
    /// The answer to it; the same request once more is throttled.
    AnswerThenThrottled,
}

/// A folder, a simulated provider, and the connection to it.
pub(crate) struct TemplateServer {
    pub(crate) env: TestEnv,
    provider: &'static str,
    /// The provider's address first.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Requests that make a template.
    pub(crate) made: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
    _forwarder: RawServer,
    simulator: Simulator,
}

impl TemplateServer {
    pub(crate) fn new(provider: &'static str, lost: Lost) -> Self {
        let env = TestEnv::new();
        env.write("sale.yaml", SALE);
        let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap();
        let (made, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let forwarder = forwarder(simulator.address(), lost, Arc::clone(&made), Arc::clone(&closed));
        let address = forwarder.address();
        let mut variables = match provider {
            "nxlink" => vec![
                ("NXLINK_BASE_URL", format!("http://{address}/saas/wa")),
                ("NXLINK_ACCESS_KEY", Simulator::NXLINK_ACCOUNT.0.to_owned()),
                ("NXLINK_ACCESS_SECRET", Simulator::NXLINK_ACCOUNT.1.to_owned()),
                ("NXLINK_PHONE", "85268411234".to_owned()),
                ("NXLINK_TENANT_ID", "123".to_owned()),
            ],
            _ => vec![
                ("CAMS_ENDPOINT", format!("http://{address}")),
                ("ALIBABA_CLOUD_ACCESS_KEY_ID", Simulator::CAMS_ACCOUNT.0.to_owned()),
                ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", Simulator::CAMS_ACCOUNT.1.to_owned()),
                ("CAMS_CUST_SPACE_ID", "28251486512358000".to_owned()),
            ],
        };
        // Messages go to the same simulator directly.
        variables.push(("INCS_BASE_URL", format!("http://{}", simulator.address())));
        variables.push(("INCS_CERTIFICATION_CODE", "any".to_owned()));
        Self { env, provider, variables, made, closed, _forwarder: forwarder, simulator }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        let variables: Vec<(&str, &str)> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.env.start_with(&variables, args).wait()
    }

    pub(crate) fn templates(&self, args: &[&str]) -> Finished {
        let all: Vec<&str> = ["templates"].iter().chain(args).chain(&["--provider", self.provider]).copied().collect();
        self.run(&all)
    }

    pub(crate) fn succeeds(&self, args: &[&str]) -> String {
        let done = self.templates(args);
        assert_eq!(done.code, 0, "{done}");
        done.out
    }

    pub(crate) fn listed(&self) -> Vec<Value> {
        serde_json::from_str(&self.succeeds(&["list", "--json"])).unwrap()
    }

    /// The provider's reviewer puts a template into a state.
    pub(crate) fn review(&self, name: &str, status: &str) {
        let headers = "host: x\r\nconnection: close\r\ncontent-length: 0";
        let request = format!("POST /review/{name}/{status} HTTP/1.1\r\n{headers}\r\n\r\n");
        let (head, _) = exchange(self.simulator.address(), &request);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }

    pub(crate) fn approve(&self, name: &str) {
        self.review(name, if self.provider == "nxlink" { "2" } else { "pass" });
    }

    /// No request about templates gets through any more.
    pub(crate) fn close_templates(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Messages that the provider accepted.
    pub(crate) fn sent(&self) -> u64 {
        self.simulator.counts().accepted
    }
}

/// Passes one request of each connection on to `target` unless it gets lost; counts the requests that make a template.
fn forwarder(target: SocketAddr, lost: Lost, made: Arc<AtomicUsize>, closed: Arc<AtomicBool>) -> RawServer {
    RawServer::start(move |_, client| {
        if closed.load(Ordering::Relaxed) {
            return;
        }
        let Some(request) = client.request() else { return };
        let is_create = request.head.starts_with("POST /saas/wa/template")
            || String::from_utf8_lossy(&request.bytes()).contains("CreateChatappTemplate");
        let before = if is_create { made.fetch_add(1, Ordering::Relaxed) } else { usize::MAX };
        let is_first = before == 0;
        if before == 1 && lost == Lost::AnswerThenThrottled {
            let body = r#"{"Code":"Throttling.User","Message":"Request was denied due to user flow control."}"#;
            client.write(format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
            return;
        }
        if is_first && lost == Lost::Request {
            return;
        }
        let Ok(mut server) = TcpStream::connect(target) else { return };
        server.write_all(&request.bytes()).unwrap();
        let answer = Message::read(&mut BufReader::new(server));
        if !(is_first && matches!(lost, Lost::Answer | Lost::AnswerThenThrottled)) {
            client.write(answer.map(|answer| answer.bytes()).unwrap_or_default());
        }
    })
}
