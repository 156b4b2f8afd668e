//! The HTTP interface of the service: status for people and for Prometheus, and control of runs.
//!
//! One file per group of routes. On this machine reading needs no token, and shows no personal data. Changes always
//! need the token, and so does everything if other machines can connect. The provider's webhooks have their own secret.

mod app;
mod body;
mod connections;
mod control;
mod health;
mod live;
mod meta_webhook;
mod metrics;
mod page;
mod response;
mod runs;
mod token;
mod webhook;

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::net::TcpListener;

use crate::engine::StopHandle;

pub(super) use app::App;
pub(super) use connections::MAX_CONNECTIONS;
pub(super) use meta_webhook::MetaWebhooks;
use response::{no_such_page, refused};
pub(in crate::cli) use token::{Token, token};
pub(super) use webhook::Webhook;

/// Serves HTTP over at most this many connections until the service stops, then finishes the open requests.
pub(super) async fn serve(listener: TcpListener, app: App, connections: usize, stop: &StopHandle) {
    connections::serve(listener, routes(app), connections::Limits::of(connections), stop).await;
}

fn routes(app: App) -> Router {
    let reading = Router::new().merge(runs::routes()).merge(metrics::routes()).merge(live::routes());
    let reading = reading.layer(middleware::from_fn_with_state(app.clone(), may_read));
    let changing = control::routes().layer(middleware::from_fn_with_state(app.clone(), may_change));
    let webhook = app.webhook.clone().map(webhook::routes).unwrap_or_default();
    let meta = app.meta.clone().map(meta_webhook::routes).unwrap_or_default();
    let known = Router::new().merge(page::routes()).merge(health::routes()).merge(reading).merge(changing);
    known.fallback(|| async { no_such_page() }).with_state(app).merge(webhook).merge(meta)
}

async fn may_read(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.open && names_this_machine(request.headers()) {
        true => next.run(request).await,
        false => may_change(State(app), request, next).await,
    }
}

async fn may_change(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(token) = &app.token else {
        let words = "refused: without a token, the service answers only read requests, and only if they address it as \
                     localhost or by an IP address; to allow others, set CAMPAIGNER_TOKEN for the service";
        return refused(StatusCode::FORBIDDEN, words);
    };
    match token.is_in(request.headers()) {
        true => next.run(request).await,
        false => {
            let words = "the token is missing or wrong; send it as `Authorization: Bearer TOKEN`";
            refused(StatusCode::UNAUTHORIZED, words)
        }
    }
}

/// Returns whether the `Host` of a request is this machine's own name or an address. Otherwise a foreign web page could
/// point its own host name to this machine, and the browser would let it read the answers (DNS rebinding).
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Some(Ok(authority)) = host.to_str().ok().map(str::parse::<Authority>) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}
