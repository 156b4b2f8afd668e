//! A whole run of the library against a provider in the same process: the bench measures its time, and a test counts
//! the cost of a message.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot continue may panic")]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use campaigner::campaign_file;
use campaigner::engine::{self, Job, Plan, RunMode};
use campaigner::model::{Millis, State};
use campaigner::provider::Endpoint;
use campaigner::rate_limit::RunLimiter;
use campaigner::recipients;
use campaigner::store::{NewRun, Repeat, StartDecision, Store};

/// Creates a job for a run of `rows` rows planned in this folder, with at most `concurrency` requests in flight.
pub(crate) async fn planned(folder: &Path, rows: u32, concurrency: usize, address: SocketAddr) -> Job {
    let mut list = String::from("phone,first_name,city\n");
    (0..rows).for_each(|row| writeln!(list, "8526{row:07},Ana,Hong Kong").unwrap());
    std::fs::write(folder.join("list.csv"), list).unwrap();
    let file = folder.join("whole.yaml");
    let campaign = "name: whole\nprovider: incs\nchannel: whatsapp\nrecipients: {csv: list.csv, to: phone}\n\
        dispatch: {rate: 1000000/s, concurrency: 16}\nmessage:\n  type: template\n  template:\n    name: whole\n    \
        components:\n      - type: body\n        parameters:\n          - {type: text, text: \"{{ first_name }}\"}\n          \
        - {type: text, text: \"{{ city }}\"}\n";
    std::fs::write(&file, campaign).unwrap();
    let campaign = campaign_file::read(&file).unwrap().campaign;
    let digest = recipients::digest(&campaign.recipients).unwrap();
    let store = Store::open(&folder.join("store.db")).await.unwrap();
    let new = NewRun {
        name: campaign.name.clone(),
        campaign: campaign_file::freeze(&campaign),
        campaign_hash: campaign_file::fingerprint(&campaign),
        recipients_hash: digest.clone(),
    };
    let StartDecision::New(run) = store.start_run(&new, Repeat::Unsaid, Millis::now()).await.unwrap() else { panic!() };
    let owner = store.take_over(run.key, None, Millis::now()).await.unwrap();
    let nobody: campaigner::model::Events = Arc::new(|_| {});
    Plan::open(&campaign).unwrap().import(&store, owner, &digest, &nobody).await.unwrap();
    let run = store.run(Some(&run.id)).await.unwrap();
    let endpoint = Endpoint::new(&format!("http://{address}"), "any".to_owned().into()).unwrap();
    let limiter = RunLimiter::alone((campaign.dispatch.rate, campaign.dispatch.per));
    let lock = Arc::new(store.lock(&run.id).await.unwrap());
    Job::new(&store, &run, &campaign, &endpoint, concurrency, limiter, &lock).unwrap()
}

/// Sends the messages of a planned run, all of which are accepted.
pub(crate) async fn send(job: Job, rows: u32) {
    let ending = engine::run(job, RunMode::Send).await.unwrap();
    assert_eq!(ending.tally.of(State::Accepted), u64::from(rows), "{ending:?}");
}

/// Starts a provider that accepts every message and allocates nothing for it.
pub(crate) fn provider() -> SocketAddr {
    static SENT: AtomicU64 = AtomicU64::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(&mut stream.unwrap(), &SENT));
        }
    });
    address
}

/// Answers the requests of one connection; each request is one write of its sender.
fn answer(stream: &mut TcpStream, sent: &AtomicU64) {
    let (mut request, mut answer) = ([0; 4096], [0; 512]);
    while stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        let mut room = &mut answer[..];
        write!(
            room,
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\
             {{\"status\":\"success\",\"code\":200,\"message\":\"\",\"data\":{{\"msg_id\":\"wamid.{number:018}\"}},\"error\":{{}}}}"
        )
        .unwrap();
        let length = 512 - room.len();
        if stream.write_all(&answer[..length]).is_err() {
            return;
        }
    }
}
