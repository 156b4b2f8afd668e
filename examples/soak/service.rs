//! `serve --webhook` beside the runs of a list, and what Meta's record says of the list in the end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::meta::{MetaProvider, Record};
use crate::{Found, meta_wire};

/// How long the last webhooks and the end of a run may take after the last message.
const LONGEST_END: Duration = Duration::from_secs(180);

/// A service that receives webhooks. It is killed when this value is dropped.
pub(crate) struct Service<'a> {
    folder: &'a Path,
    binary: &'a Path,
    provider: &'a MetaProvider,
    child: Child,
}

impl<'a> Service<'a> {
    /// Starts it, and tells the provider where it listens.
    pub(crate) fn start(folder: &'a Path, binary: &'a Path, provider: &'a MetaProvider) -> Self {
        let child = launch(folder, binary, provider);
        Self { folder, binary, provider, child }
    }

    /// Kills it, and starts it again.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = launch(self.folder, self.binary, self.provider);
    }

    /// Waits until the service has every webhook and `is_over` holds; returns whether it came to that.
    pub(crate) fn finish(self, is_over: impl Fn() -> bool) -> bool {
        let end = Instant::now() + LONGEST_END;
        while Instant::now() < end {
            if self.provider.has_reported_all() && is_over() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, binary: &Path, provider: &MetaProvider) -> Child {
    let log: PathBuf = folder.join("serve.log");
    let mut command = Command::new(binary);
    command.args(["serve", "--webhook", "--listen", "127.0.0.1:0", "--db", "store.db"]).current_dir(folder);
    command.envs(meta_wire::variables(&provider.url));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if let Some((address, _)) =
            said.split_once("address=").and_then(|(_, rest)| rest.split_once(char::is_whitespace))
        {
            provider.call_at(address.to_owned());
            return child;
        }
        assert!(child.try_wait().unwrap().is_none(), "the service ended: {said}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a report says of the messages that the record has, beyond what [`Found`] counts.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) lines: u64,
    /// Rows in doubt that were never accepted.
    pub(crate) never_accepted: u64,
    /// Rows in doubt that were accepted, and about which no webhook came.
    pub(crate) unreported: u64,
}

/// Compares a report with the record, row by row.
pub(crate) fn judge(report: &str, record: &Record, found: &mut Found) -> Judged {
    let mut judged = Judged::default();
    let mut named = record.ids();
    for line in csv::Reader::from_reader(report.as_bytes()).records().map(Result::unwrap) {
        judged.lines += 1;
        let number: Option<u64> = line[1].parse().ok();
        let message = number.and_then(|number| record.accepted.get(&number)?.first());
        let is_named = message.is_some_and(|message| message.id == line[4] && named.remove(message.id.as_str()));
        match (&line[3], message) {
            ("read", Some(message)) if message.is_reported && is_named => {}
            ("accepted", Some(message)) if !message.is_reported && is_named => {}
            ("uncertain", None) => judged.never_accepted += 1,
            ("uncertain", Some(message)) if !message.is_reported => judged.unreported += 1,
            ("uncertain", Some(_)) => found.unsettled += 1,
            _ => {
                found.lost += 1;
                found
                    .wrong
                    .push(format!("row {} is {} with {}, and Meta has {message:?}", &line[0], &line[3], &line[4]));
            }
        }
    }
    judged
}
