//! What a message costs, counted and not timed: allocations from the store to the outcome. The change log says how many
//! there are; more than a tenth above that fails here, so that no change makes a message dearer without a word.
//!
//! A binary of its own, since it counts every allocation of its process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::alloc::System;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use campaigner::campaign_file;
use campaigner::engine::{self, Job, Plan, Work};
use campaigner::model::{Millis, State};
use campaigner::pace::Share;
use campaigner::provider::Endpoint;
use campaigner::recipients;
use campaigner::store::{Decision, NewRun, Store};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// In the change log: `A message costs 23 allocations`.
const WORDS: (&str, &str) = ("A message costs ", " allocations");

#[test]
fn a_message_costs_no_more_allocations_than_the_change_log_says() {
    let told = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md")).unwrap();
    let told = told.split(WORDS.0).nth(1).and_then(|rest| rest.split(WORDS.1).next()).unwrap();
    let told: f64 = told.parse().expect("the change log says how many");
    let address = provider();
    // What is made once a run, and once a process, is the same in both.
    let (few, many) = (2_000, 6_000);
    // The least of a few: how many messages share a commit is up to the machine.
    let cost = || (send(address, many) - send(address, few)) as f64 / f64::from(many - few);
    let cost = (0..3).map(|_| cost()).fold(f64::INFINITY, f64::min);
    println!("{cost:.1} allocations a message, {told} told");
    assert!(
        cost <= told * 1.1,
        "a message costs {cost:.1} allocations, and the change log says {told}: make it cheaper, or say why it is dearer"
    );
    assert!(
        cost >= told * 0.8,
        "a message costs {cost:.1} allocations: tell in the change log that {told} are too many"
    );
}

/// Allocations while so many messages are sent.
fn send(address: SocketAddr, rows: u32) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut list = String::from("phone,first_name,city\n");
    (0..rows).for_each(|row| writeln!(list, "8526{row:07},Ana,Hong Kong").unwrap());
    std::fs::write(folder.path().join("list.csv"), list).unwrap();
    let file = folder.path().join("cost.yaml");
    let campaign = "name: cost\nprovider: incs\nchannel: whatsapp\nrecipients: {csv: list.csv, to: phone}\n\
        dispatch: {rate: 1000000/s, concurrency: 16}\nmessage:\n  type: template\n  template:\n    name: cost\n    \
        components:\n      - type: body\n        parameters:\n          - {type: text, text: \"{{ first_name }}\"}\n          \
        - {type: text, text: \"{{ city }}\"}\n";
    std::fs::write(&file, campaign).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let campaign = campaign_file::read(&file).unwrap().campaign;
        let digest = recipients::digest(&campaign.recipients).unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        let new = NewRun {
            name: campaign.name.clone(),
            campaign: campaign_file::freeze(&campaign),
            campaign_print: campaign_file::fingerprint(&campaign),
            recipients_print: digest.clone(),
        };
        let mut writer = store.writer().await.unwrap();
        let Decision::Made(run) = writer.decide(&new, false, Millis::now()).await.unwrap() else { panic!() };
        writer.close().await.unwrap();
        let nobody: campaigner::model::Events = Arc::new(|_| {});
        Plan::open(&campaign).unwrap().import(&store, run.key, &digest, &nobody).await.unwrap();
        let run = store.run(Some(&run.id)).await.unwrap();
        let endpoint = Endpoint::new(&format!("http://{address}"), "any".to_owned().into()).unwrap();
        let pace = Share::alone((campaign.dispatch.rate, campaign.dispatch.per));
        let lock = Arc::new(store.lock(&run.id).unwrap());
        let job = Job::new(&store, &run, &campaign, &endpoint, 16, pace, &lock).unwrap();
        let counted = Region::new(COUNTED);
        let ending = engine::work(job, Work::Send).await.unwrap();
        let counted = counted.change().allocations;
        assert_eq!(ending.tally.of(State::Accepted), u64::from(rows), "{ending:?}");
        counted
    })
}

/// A provider that accepts every message and allocates nothing for it.
fn provider() -> SocketAddr {
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

/// Answers what comes on one connection; a request is one write of its sender.
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
