//! The running simulator: its thread, and which simulated provider answers a request.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::handler::Handler as _;
use axum::response::Response;
use tokio::sync::oneshot;

use super::behaviour::Behaviour;
use super::cams::{self, CamsServer};
use super::counts::{Counters, Counts};
use super::incs::IncsServer;
use super::listener::{self, Disconnector};
use super::meta::{MetaServer, is_meta_request};
use super::nxlink::{self, NxlinkServer};
use super::webhooks::{self, WebhookSender};

/// Path prefix of the template reviewer, which the simulator's user plays: `/review/NAME/STATUS`.
const REVIEW: &str = "/review/";

/// A running simulated provider. It stops when dropped.
pub struct Simulator {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// The app secret under which the simulated Meta signs its webhooks. It accepts any access token and any phone
    /// number id.
    pub const META_APP_SECRET: &str = webhooks::META_APP_SECRET;
    /// The only account that the simulated NXLink accepts: `accessKey` and secret. It accepts any phone number and
    /// tenant.
    pub const NXLINK_ACCOUNT: (&str, &str) = (nxlink::ACCESS_KEY, nxlink::ACCESS_SECRET);
    /// The only account that the simulated CAMS accepts: access key id and secret.
    pub const CAMS_ACCOUNT: (&str, &str) = (cams::ACCESS_KEY_ID, cams::ACCESS_KEY_SECRET);

    /// Starts a simulated provider that listens on `listen`; port 0 means any free port.
    ///
    /// It has its own thread and runtime, so that it does not delay the sender under load. It accepts connections when
    /// this returns.
    ///
    /// # Errors
    ///
    /// When `listen` or the webhook is not on this machine, or a share in `behaviour` is not from 0 to 1
    /// ([`io::ErrorKind::InvalidInput`]); when listening fails; when the thread cannot be started.
    pub fn start(listen: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("simulator: {listen} is not a loopback address; listen on 127.0.0.1 or [::1]"),
            ));
        }
        behaviour.validate()?;
        let webhooks = behaviour.webhook.as_deref().map(|url| webhooks::open(url, behaviour.replies)).transpose()?;
        let (scheduler, sender) = webhooks.unzip();
        let counters = Arc::new(Counters::default());
        let providers = Providers {
            incs: IncsServer::new(behaviour.clone(), scheduler.clone(), Arc::clone(&counters)),
            meta: MetaServer::new(behaviour, scheduler, Arc::clone(&counters)),
            nxlink: NxlinkServer::default(),
            cams: CamsServer::new(),
        };
        let webhook_work = sender.map(|sender| (sender, Arc::clone(&counters)));
        let (stop, stopped) = oneshot::channel();
        let (started, start_result) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
            // `start` waits for the first result only, so a later one may go nowhere.
            let served = serve(listen, providers, webhook_work, stopped, |address| drop(started.send(Ok(address))));
            if let Err(error) = served {
                drop(started.send(Err(error)));
            }
        })?;
        let address = start_result
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the server thread ended")))
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
        Ok(Self { address, counters, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many requests were answered in which way so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Stops at once and returns the final counts. Connections close; requests in flight get no answer.
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

/// The four providers behind the one address.
struct Providers {
    incs: IncsServer,
    meta: MetaServer,
    nxlink: NxlinkServer,
    cams: CamsServer,
}

/// Serves requests until `stopped` fires or its sender is dropped. Passes the address to `started` once it listens.
fn serve(
    listen: SocketAddr,
    providers: Providers,
    webhooks: Option<(WebhookSender, Arc<Counters>)>,
    stopped: oneshot::Receiver<()>,
    started: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let listener = listener::listen(listen)?;
        started(axum::serve::Listener::local_addr(&listener)?);
        if let Some((sender, counters)) = webhooks {
            tokio::spawn(async move { sender.run(&counters).await });
        }
        // One handler instead of a router: there are few paths, and each request counts in a load test.
        let service = answer.with_state(Arc::new(providers)).into_make_service_with_connect_info::<Disconnector>();
        tokio::select! {
            ended = async { axum::serve(listener, service).await } => ended,
            _ = stopped => Ok(()),
        }
    })
}

async fn answer(
    State(providers): State<Arc<Providers>>,
    ConnectInfo(disconnector): ConnectInfo<Disconnector>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if cams::is_cams_request(&head) {
        return providers.cams.answer(&head, body).await;
    }
    if path.starts_with(nxlink::BASE) {
        return providers.nxlink.answer(&head, body).await;
    }
    if let Some((name, status)) = path.strip_prefix(REVIEW).and_then(|rest| rest.split_once('/')) {
        providers.nxlink.review(name, status);
        providers.cams.review(name, status);
        providers.meta.review(name, status);
        return Response::new(Body::empty());
    }
    match is_meta_request(&head) {
        true => providers.meta.answer(&head, body, &disconnector).await,
        false => providers.incs.answer(&head, body, &disconnector).await,
    }
}
