//! The simulated provider: a real HTTP/1.1 server on loopback that speaks the INCS Messages API.
//!
//! It is strict about what the documents ask for, accepts any credential, sends nothing to anybody, and has faults
//! to order: latency, errors, lost answers, a throttle. It may call back. It keeps no messages: their ids carry what becomes of them,
//! so that a simulator started later gives the same statuses. It must not know the code it stands in for.

mod behaviour;
mod cams;
mod counts;
mod delivery_model;
mod incs;
mod json;
mod listener;
mod message_id;
mod nxlink;
mod throttle;
mod webhooks;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use axum::handler::Handler as _;
use tokio::sync::oneshot;

pub use behaviour::Behaviour;
pub use counts::Counts;

use incs::server::{self, Provider};
use webhooks::Calls;

/// The judge of requests, for the fuzz target `message_body` and nothing else.
#[cfg(fuzzing)]
pub mod fuzzing {
    use crate::model::Channel;

    /// Judges a body; where it is refused, the envelope's code and message.
    ///
    /// # Errors
    /// The refusal.
    pub fn judge(channel: Channel, body: &[u8]) -> Result<(), (u16, String)> {
        super::incs::rules::judge(channel, body).map_err(|refusal| (refusal.code, refusal.message.into_owned()))
    }
}

/// A running simulated provider. Dropped, it stops.
pub struct Simulator {
    address: SocketAddr,
    provider: Arc<Provider>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// The dummy account that its NXLink knows: `accessKey` and secret. Any number and tenant will do.
    pub const NXLINK_ACCOUNT: (&str, &str) = (nxlink::ACCESS_KEY, nxlink::ACCESS_SECRET);
    /// The dummy account that its CAMS knows: access key id and secret.
    pub const CAMS_ACCOUNT: (&str, &str) = (cams::ACCESS_KEY_ID, cams::ACCESS_KEY_SECRET);

    /// Starts a simulated provider that listens on `listen`, of which port 0 is any free one.
    ///
    /// It has a thread and a runtime of its own, so that under load it never takes its turn on the sender's. When
    /// this returns, connections are taken.
    ///
    /// # Errors
    ///
    /// Where `listen` or the webhook is not on this machine or `behaviour` holds a share that is none
    /// ([`io::ErrorKind::InvalidInput`]), where the address cannot be listened on, or no thread can be started.
    pub fn start(listen: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("simulator: {listen} is not a loopback address; listen on 127.0.0.1 or [::1]"),
            ));
        }
        behaviour.check()?;
        let calling = behaviour.webhook.as_deref().map(|url| webhooks::caller(url, behaviour.replies)).transpose()?;
        let (caller, calls) = calling.unzip();
        let provider = Arc::new(Provider::new(behaviour, caller));
        let (stop, stopped) = oneshot::channel();
        let (ready, listening) = mpsc::sync_channel(1);
        let serving = Arc::clone(&provider);
        let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
            // The receiver waits for exactly one word, so that a word it no longer wants can be forgotten.
            let failed = serve(listen, serving, calls, stopped, |address| drop(ready.send(Ok(address))));
            if let Err(error) = failed {
                drop(ready.send(Err(error)));
            }
        })?;
        let address = listening
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
            .map_err(|error| io::Error::new(error.kind(), format!("simulator: cannot listen on {listen}: {error}")))?;
        Ok(Self { address, provider, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked and what it answered so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.provider.counters.read()
    }

    /// Stops it at once: connections close, requests under way get no answer. Returns the last counts.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("address", &self.address)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// Code and message with which a request over `channel` is refused, if it is: for the test that holds the product's
/// check of messages against the simulator's.
#[cfg(test)]
pub(crate) fn refusal(channel: crate::model::Channel, body: &[u8]) -> Option<(u16, String)> {
    incs::rules::judge(channel, body).err().map(|refusal| (refusal.code, refusal.message.into_owned()))
}

/// Serves until `stopped` is told, or its sender is gone. `ready` gets the address once there is one.
fn serve(
    listen: SocketAddr,
    provider: Arc<Provider>,
    calls: Option<Calls>,
    stopped: oneshot::Receiver<()>,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let socket = listener::listen(listen)?;
        ready(axum::serve::Listener::local_addr(&socket)?);
        if let Some(calls) = calls {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { calls.work(&provider.counters).await });
        }
        // One handler without a router: there are four paths, and every request counts in a load test.
        let service = server::answer.with_state(provider).into_make_service_with_connect_info::<listener::Cut>();
        tokio::select! {
            ended = async { axum::serve(socket, service).await } => ended,
            _ = stopped => Ok(()),
        }
    })
}
