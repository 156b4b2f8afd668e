//! The service over HTTP: what it does, for people and for Prometheus, and what people want of it.
//!
//! One file a group of routes. Reading is free on this machine and holds no personal data; whatever changes something
//! takes the token, and so does everything where others can reach it. The provider's callbacks take a secret of their
//! own.

mod app;
mod body;
mod connections;
mod control;
mod health;
mod live;
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
pub(super) use connections::MOST as MOST_CONNECTIONS;
use response::{no_such_page, refused};
pub(in crate::cli) use token::Token;
pub(super) use token::token;
pub(super) use webhook::Webhook;

/// Answers over at most so many connections until the service stops, and then ends what is begun.
pub(super) async fn serve(listener: TcpListener, app: App, connections: usize, stop: &StopHandle) {
    connections::serve(listener, routes(app), connections::Limits::of(connections), stop).await;
}

fn routes(app: App) -> Router {
    let reading = Router::new().merge(runs::routes()).merge(metrics::routes()).merge(live::routes());
    let reading = reading.layer(middleware::from_fn_with_state(app.clone(), may_read));
    let changing = control::routes().layer(middleware::from_fn_with_state(app.clone(), may_change));
    let webhook = app.webhook.clone().map(webhook::routes).unwrap_or_default();
    let known = Router::new().merge(page::routes()).merge(health::routes()).merge(reading).merge(changing);
    known.fallback(|| async { no_such_page() }).with_state(app).merge(webhook)
}

async fn may_read(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.open && names_this_machine(request.headers()) {
        true => next.run(request).await,
        false => may_change(State(app), request, next).await,
    }
}

async fn may_change(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(token) = &app.token else {
        let words = "nothing is changed over HTTP, or read by another name than this machine's own, unless \
                     CAMPAIGNER_TOKEN is set for the service";
        return refused(StatusCode::FORBIDDEN, words);
    };
    match token.is_in(request.headers()) {
        true => next.run(request).await,
        false => refused(StatusCode::UNAUTHORIZED, "send the token as `Authorization: Bearer TOKEN`"),
    }
}

/// Whether a request calls the service by this machine's own name or by an address. A page from elsewhere can have its
/// own name lead here, and its browser would let it read the answers.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Some(Ok(authority)) = host.to_str().ok().map(str::parse::<Authority>) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}
