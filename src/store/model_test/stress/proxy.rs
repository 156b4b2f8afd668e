//! A proxy between the workers and the database server: it delays statements, cuts connections, and swallows the
//! answers of commits.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;

/// The message that commits a transaction.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// A proxy in a thread of its own, as long as this exists.
pub(super) struct Proxy {
    /// The URL of the server through the proxy, without a database.
    pub(super) url: String,
    is_calm: Arc<AtomicBool>,
    _end: oneshot::Sender<()>,
}

/// Where the server is.
#[derive(Clone)]
enum Upstream {
    Socket(PathBuf),
    Address(String),
}

impl Proxy {
    /// Starts a proxy to the server with this URL.
    pub(super) fn start(server: &str, seed: u64) -> Self {
        let (user, place) = server.trim_start_matches("postgres://").split_once('@').unwrap();
        let place = place.split('/').next().unwrap();
        let upstream = match place.contains("%2F") {
            true => Upstream::Socket(PathBuf::from(place.replace("%2F", "/")).join(".s.PGSQL.5432")),
            false => Upstream::Address(place.to_owned()),
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("postgres://{user}@{}", listener.local_addr().unwrap());
        let is_calm = Arc::new(AtomicBool::new(true));
        let (end, ended) = oneshot::channel::<()>();
        let calm = is_calm.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, upstream, seed, calm) => {}
                    _ = ended => {}
                }
            });
        });
        Self { url, is_calm, _end: end }
    }

    /// Starts or ends the trouble.
    pub(super) fn trouble(&self, is_on: bool) {
        self.is_calm.store(!is_on, Ordering::Relaxed);
    }
}

async fn accept(listener: std::net::TcpListener, upstream: Upstream, seed: u64, is_calm: Arc<AtomicBool>) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut rng = fastrand::Rng::with_seed(seed);
    while let Ok((client, _)) = listener.accept().await {
        let (upstream, rng, is_calm) = (upstream.clone(), rng.fork(), is_calm.clone());
        tokio::spawn(async move {
            client.set_nodelay(true)?;
            match upstream {
                Upstream::Socket(path) => relay(client, UnixStream::connect(path).await?, rng, &is_calm).await,
                Upstream::Address(address) => {
                    let server = TcpStream::connect(address).await?;
                    server.set_nodelay(true)?;
                    relay(client, server, rng, &is_calm).await
                }
            }
        });
    }
}

/// Passes on what both say, until one of them or the trouble ends the connection.
async fn relay(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    mut rng: fastrand::Rng,
    is_calm: &AtomicBool,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let said = tokio::select! {
            length = client.read(&mut asked) => &asked[..length?],
            length = server.read(&mut answered) => match length? {
                0 => return Ok(()),
                length => {
                    client.write_all(&answered[..length]).await?;
                    continue;
                }
            },
        };
        if said.is_empty() {
            return Ok(());
        }
        let trouble = if is_calm.load(Ordering::Relaxed) { u32::MAX } else { rng.u32(..1000) };
        let delay = Duration::from_micros(rng.u64(..3_000));
        match (said.ends_with(COMMIT), trouble) {
            // The commit happens, but its answer is lost.
            (true, 0..40) => {
                server.write_all(said).await?;
                return server.read(&mut answered).await.map(drop);
            }
            // The connection is lost, and the commit is still under way.
            (true, 40..80) => {
                drop(client);
                tokio::time::sleep(Duration::from_millis(5) + delay * 3).await;
                server.write_all(said).await?;
                return server.read(&mut answered).await.map(drop);
            }
            // The connection is lost.
            (true, 80..90) | (false, 0..2) => return Ok(()),
            (_, 90..150) => tokio::time::sleep(delay).await,
            _ => {}
        }
        server.write_all(said).await?;
    }
}
