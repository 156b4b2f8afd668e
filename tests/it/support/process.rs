//! A process of the binary, running and finished. Whatever becomes of the test, the process ends with it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::support::wait_until;

/// The longest that any single command of a test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A process that was started.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    words: String,
}

impl Running {
    /// One that writes to the files `out` and `err`, and was started with these `words`.
    pub(crate) fn new(child: Child, out: PathBuf, err: PathBuf, words: String) -> Self {
        Self { child, out, err, words }
    }

    /// Waits for its end, not for ever.
    pub(crate) fn wait(self) -> Finished {
        self.wait_for(LIMIT)
    }

    /// Waits for its end within `limit`.
    pub(crate) fn wait_for(mut self, limit: Duration) -> Finished {
        let ended = wait_until(limit, || self.child.try_wait().unwrap().is_some());
        let (out, err) = (read(&self.out), read(&self.err));
        assert!(ended, "`{}` did not end within {limit:?}\n{out}\n{err}", self.words);
        let status = self.child.wait().unwrap();
        let code = status.code().or(status.signal().map(|signal| -signal)).unwrap();
        Finished { code, out, err, words: self.words.clone() }
    }

    /// Waits until it said something that holds `words` on standard error.
    pub(crate) fn wait_for_words(&self, words: &str) {
        assert!(wait_until(LIMIT, || read(&self.err).contains(words)), "no word of {words}: {}", read(&self.err));
    }

    /// All that it wrote on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        read(&self.err)
    }

    /// All that it wrote on standard output so far.
    pub(crate) fn stdout(&self) -> String {
        read(&self.out)
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// What everyone on the machine can read of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn in_the_process_list(&self) -> String {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        ["cmdline", "comm"].map(|file| read(&process.join(file))).concat()
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Terminates it and waits for its end.
    pub(crate) fn stop(self) -> Finished {
        self.terminate();
        self.wait()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL, as a power cut would do it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// A process that ended: where a signal ended it, `code` is minus its number.
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    words: String,
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ended with {}\n{}\n{}", self.words, self.code, self.out, self.err)
    }
}
