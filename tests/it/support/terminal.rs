//! A terminal in which a person answers questions.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Finished, Running, SOON, TestEnv, wait_until};

/// What no command writes.
const END: &str = "\u{1}the end of the screen\u{1}";

/// The terminal: standard input and standard error of one command. Standard output is a file, as elsewhere.
pub(crate) struct Terminal {
    keyboard: File,
    /// The command's side. It stays open here, so that the screen can be read after the command has ended.
    slave: File,
    screen: Arc<Mutex<String>>,
    /// How much of the screen the test has read, in bytes.
    read: usize,
    command: Running,
}

impl Terminal {
    /// Runs a command in a terminal of its own. `prelude` is what a shell does first.
    pub(crate) fn start(env: &TestEnv, prelude: &str, base_url: Option<&str>, args: &[&str]) -> Self {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(&name).unwrap();
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        let prelude = format!("{prelude} exec <'{name}' 2>'{name}'");
        let command = env.start_with_prelude(&prelude, base_url, args);
        Self { keyboard, slave, screen, read: 0, command }
    }

    /// Waits until these words are on the screen, after those that the last call waited for.
    pub(crate) fn wait_for(&mut self, words: &str) {
        let mut end = None;
        wait_until(SOON, || {
            let screen = self.screen();
            end = screen[self.read..].find(words).map(|start| self.read + start + words.len());
            end.is_some()
        });
        let screen = self.screen();
        self.read = end.unwrap_or_else(|| panic!("`{words}` is not on the rest of the screen: {screen}"));
    }

    /// Types; `\u{4}` is Ctrl-D.
    pub(crate) fn write(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        self.command.signal(name);
    }

    /// Everything that was shown so far.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().replace("\r\n", "\n")
    }

    /// Waits for the end of the command. Returns it with what was on the screen.
    pub(crate) fn wait(self) -> (Finished, String) {
        let Self { keyboard, mut slave, screen, command, .. } = self;
        let finished = command.wait();
        // It arrives after everything that the command wrote.
        slave.write_all(END.as_bytes()).unwrap();
        assert!(wait_until(SOON, || screen.lock().unwrap().ends_with(END)), "{}", screen.lock().unwrap());
        drop(keyboard);
        let shown = screen.lock().unwrap().replace("\r\n", "\n");
        (finished, shown.strip_suffix(END).unwrap_or_default().to_owned())
    }
}
