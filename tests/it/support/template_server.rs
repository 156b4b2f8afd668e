//! A folder with a template definition in it, a simulated provider of templates, and the way to it, on which things get
//! lost to order.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use campaigner::simulator::{Behaviour, Simulator};
use serde_json::Value;

use crate::support::test_env::{Finished, TestEnv};

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

/// What gets lost on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Nothing,
    /// The first request that makes a template, before it arrives.
    Request,
    /// The answer to it.
    Answer,
}

/// A folder, a simulated provider, and the way to it.
pub(crate) struct TemplateServer {
    pub(crate) env: TestEnv,
    provider: &'static str,
    /// The provider's address first.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Requests that make a template.
    pub(crate) made: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
    simulator: Simulator,
}

impl TemplateServer {
    pub(crate) fn new(provider: &'static str, lost: Lost) -> Self {
        let env = TestEnv::new();
        env.write("sale.yaml", SALE);
        let simulator = Simulator::start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour::default()).unwrap();
        let (made, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let address = way_to(simulator.address(), lost, Arc::clone(&made), Arc::clone(&closed));
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
        // Messages go to the same simulator, by a way of their own.
        variables.push(("INCS_BASE_URL", format!("http://{}", simulator.address())));
        variables.push(("INCS_CERTIFICATION_CODE", "any".to_owned()));
        Self { env, provider, variables, made, closed, simulator }
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
        let mut stream = TcpStream::connect(self.simulator.address()).unwrap();
        write!(stream, "POST /review/{name}/{status} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").unwrap();
        assert!(message(&mut stream).unwrap().starts_with(b"HTTP/1.1 200"));
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

/// A way to `target` on which something may get lost; counts the requests that make a template.
fn way_to(target: SocketAddr, lost: Lost, made: Arc<AtomicUsize>, closed: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            if closed.load(Ordering::Relaxed) {
                continue;
            }
            let Some(request) = message(&mut client) else { continue };
            let text = String::from_utf8_lossy(&request);
            let makes = text.starts_with("POST /saas/wa/template") || text.contains("CreateChatappTemplate");
            let first = makes && made.fetch_add(1, Ordering::Relaxed) == 0;
            if first && lost == Lost::Request {
                continue;
            }
            let Ok(mut server) = TcpStream::connect(target) else { return };
            server.write_all(&request).unwrap();
            let answer = message(&mut server).unwrap_or_default();
            if !(first && lost == Lost::Answer) {
                let _ = client.write_all(&answer);
            }
        }
    });
    address
}

/// One request or answer, whole.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            let start = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            if bytes.len() >= start + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
