//! A PostgreSQL server for tests: its own, in a temporary folder, as long as the tests run.
//!
//! `CAMPAIGNER_TEST_POSTGRES` names another one by its URL without parameters. With `required`, a machine without
//! PostgreSQL fails the tests; otherwise they are skipped there, with a message.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Returns the URL of the server, without parameters; `None` where there is none.
pub(crate) fn url() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<Child>)>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("CAMPAIGNER_TEST_POSTGRES") {
        Ok(url) if url.starts_with("postgres") => Some((url, None)),
        wanted => {
            let started = binaries().map(|binaries| start(&binaries));
            assert!(started.is_some() || wanted.is_err(), "PostgreSQL is required, but not installed");
            if started.is_none() {
                eprintln!("skipped: PostgreSQL is not installed");
            }
            started.map(|(url, child)| (url, Some(child)))
        }
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

/// Returns the folder of PostgreSQL's programs. Debian does not put them on the path.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Starts a server that ends with this process: its shell waits for the end of a pipe that this process holds.
fn start(binaries: &Path) -> (String, Child) {
    const SERVER: &str = r#"
        cd "$FOLDER"
        if [ "$(id -u)" = 0 ]; then
            as="setpriv --reuid=65534 --regid=65534 --clear-groups"
            chown 65534:65534 "$FOLDER"
        fi
        $as "$BINARIES/initdb" -D "$FOLDER/data" -U postgres -A trust -E UTF8 --locale=C -N > initdb.log 2>&1
        $as "$BINARIES/postgres" -D "$FOLDER/data" -k "$FOLDER" -p 5432 -c listen_addresses= -c max_connections=400 \
            -c shared_buffers=64MB > server.log 2>&1 &
        read -r _
        kill -QUIT $!
        wait
        rm -rf "$FOLDER"
    "#;
    // In memory, a commit is quick, and no setting that the program refuses is needed for that.
    let memory = Some(Path::new("/dev/shm")).filter(|memory| memory.is_dir());
    let folder = tempfile::Builder::new().prefix("pg").tempdir_in(memory.unwrap_or(&std::env::temp_dir())).unwrap();
    let folder = folder.keep();
    let child = Command::new("sh")
        .args(["-c", SERVER])
        .env("FOLDER", &folder)
        .env("BINARIES", binaries)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while std::os::unix::net::UnixStream::connect(folder.join(".s.PGSQL.5432")).is_err() {
        assert!(since.elapsed() < Duration::from_secs(60), "the server does not start; see {}", folder.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    (format!("postgres://postgres@{}/postgres", folder.display().to_string().replace('/', "%2F")), child)
}
