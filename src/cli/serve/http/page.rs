//! `GET /`: the page that shows and controls the runs of the service. It is static: its data comes from `live`, and its
//! requests go to `control`, each with its own access rules. It loads nothing from elsewhere, and its content security
//! policy allows nothing else.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use super::app::App;
use super::response::text;
use crate::report;

const SCRIPT: &str = include_str!("page/page.js");

static STYLES: LazyLock<String> = LazyLock::new(|| report::STYLES.to_owned() + include_str!("page/page.css"));

static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("page/page.html").replace("/* styles */", &STYLES).replace("/* script */", SCRIPT));

/// The content security policy of the page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (styles, script) = (report::source(&STYLES), report::source(SCRIPT));
    format!(
        "default-src 'none'; style-src '{styles}'; script-src '{script}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(page))
}

async fn page() -> Response {
    let mut response = text(StatusCode::OK, "text/html; charset=utf-8", PAGE.clone());
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
