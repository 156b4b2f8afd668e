//! A PostgreSQL server for tests: its own, in a temporary folder, as long as the tests run.
//!
//! `CAMPAIGNER_TEST_POSTGRES` names another one by its URL without parameters. With `required`, a machine without
//! PostgreSQL fails the tests; otherwise they are skipped there, with a message.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Returns the URL of the server that tests share, without parameters; `None` where there is none.
pub(crate) fn url() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<TestServer>)>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("CAMPAIGNER_TEST_POSTGRES") {
        Ok(url) if url.starts_with("postgres") => Some((url, None)),
        _ => TestServer::start().map(|server| (server.url(), Some(server))),
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

/// A server that ends with this process.
pub(crate) struct TestServer {
    folder: PathBuf,
    shell: Child,
}

/// Keeps a server running, starts it again for each line of its input, and stops it at the end of its input, which
/// comes also when the process of the tests is killed.
const SHELL: &str = r#"
    cd "$FOLDER"
    if [ "$(id -u)" = 0 ]; then
        as="setpriv --reuid=65534 --regid=65534 --clear-groups"
        chown 65534:65534 "$FOLDER"
    fi
    $as "$BINARIES/initdb" -D "$FOLDER/data" -U postgres -A trust -E UTF8 --locale=C -N > initdb.log 2>&1
    while :; do
        $as "$BINARIES/postgres" -D "$FOLDER/data" -k "$FOLDER" -p 5432 -c listen_addresses= -c max_connections=400 \
            -c shared_buffers=64MB >> server.log 2>&1 &
        server=$!
        read -r _ || break
        kill -QUIT $server
        wait $server
    done
    kill -QUIT $server
    wait $server
    rm -rf "$FOLDER"
"#;

impl TestServer {
    /// Starts a server; returns `None` where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            let is_required = std::env::var("CAMPAIGNER_TEST_POSTGRES").is_ok_and(|wanted| wanted == "required");
            assert!(!is_required, "PostgreSQL is required, but not installed");
            let _ = writeln!(std::io::stderr(), "skipped: PostgreSQL is not installed");
            return None;
        };
        // In memory, a commit is quick, and no setting that the program refuses is needed for that.
        let memory = Some(Path::new("/dev/shm")).filter(|memory| memory.is_dir());
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in(memory.unwrap_or(&std::env::temp_dir())).unwrap();
        let folder = folder.keep();
        let shell = Command::new("sh")
            .args(["-c", SHELL])
            .env("FOLDER", &folder)
            .env("BINARIES", binaries)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, shell };
        server.wait();
        Some(server)
    }

    /// Returns its URL, without parameters.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// Ends it as a power cut would, and starts it again.
    #[allow(dead_code, reason = "not every crate that has this file needs it")]
    pub(crate) fn crash(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.shell.stdin.as_mut().unwrap().write_all(b"again\n").unwrap();
        self.wait();
    }

    /// Returns the path of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Waits until it answers.
    fn wait(&self) {
        let since = Instant::now();
        // While it starts, it has a socket but refuses connections.
        let status = self.folder.join("data/postmaster.pid");
        let is_ready = || {
            UnixStream::connect(self.socket()).is_ok()
                && std::fs::read_to_string(&status).is_ok_and(|status| status.contains("\nready"))
        };
        while !is_ready() {
            assert!(since.elapsed() < Duration::from_secs(60), "no server starts in {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Runs one of PostgreSQL's programs, which must succeed.
#[allow(dead_code, reason = "not every crate that has this file needs it")]
pub(crate) fn program(name: &str, args: &[&str]) {
    // The programs of a client may be elsewhere, and then they are on the path.
    let program = binaries().map(|folder| folder.join(name)).filter(|program| program.exists());
    let done = Command::new(program.unwrap_or_else(|| name.into())).args(args).output().unwrap();
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Returns the folder of PostgreSQL's programs. Debian does not put them on the path.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
