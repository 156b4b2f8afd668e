//! Reads request bodies, limited in size and in time.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use http_body_util::LengthLimitError;

use super::connections::Activity;
use super::response::refused;

/// How long a body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body of a request of at most `most` bytes.
///
/// # Errors
/// When the body is too large, too slow or incomplete: the response to send.
pub(super) async fn read(request: Request, most: usize) -> Result<Bytes, Response> {
    let (head, body) = request.into_parts();
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // A body that declares a larger size is not read.
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let activity = head.extensions.get::<Arc<Activity>>();
    activity.inspect(|activity| activity.set_waiting(true));
    let read = tokio::time::timeout(READ_TIMEOUT, to_bytes(body, most)).await;
    activity.inspect(|activity| activity.set_waiting(false));
    match read {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => Err(too_large(most)),
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "the request body was incomplete")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the request body did not arrive within 10 s")),
    }
}

fn too_large(most: usize) -> Response {
    refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("the request body must be at most {} KiB", most / 1024))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::BoxError;
    use axum::body::Body;
    use hyper::body::Frame;

    use super::*;

    const MAX_BYTES: usize = 256 * 1024;

    /// A body without end, one byte per second.
    struct Slow(Pin<Box<tokio::time::Sleep>>);

    impl hyper::body::Body for Slow {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            std::task::ready!(self.0.as_mut().poll(cx));
            self.0 = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    async fn status(body: Body) -> StatusCode {
        read(Request::new(body), MAX_BYTES).await.unwrap_err().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_arrive_in_time_and_not_be_too_large() {
        let started = tokio::time::Instant::now();
        let slow = Slow(Box::pin(tokio::time::sleep(Duration::ZERO)));
        assert_eq!(status(Body::new(slow)).await, StatusCode::REQUEST_TIMEOUT);
        assert!(started.elapsed() < READ_TIMEOUT + Duration::from_secs(1));
        assert_eq!(status(Body::from(vec![b'x'; MAX_BYTES + 1])).await, StatusCode::PAYLOAD_TOO_LARGE);
        let whole = read(Request::new(Body::from(vec![b'x'; MAX_BYTES])), MAX_BYTES).await.unwrap();
        assert_eq!(whole.len(), MAX_BYTES);
    }
}
