//! Work that may block, such as reading a file, on a thread of its own. The one thread of the runtime answers over HTTP
//! and hears signals, whatever a file system does.

/// Does the work. The caller may stop waiting: a thread that hangs is left behind, and the process can still end.
pub(in crate::cli) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it the caller.
            Err(_) => std::future::pending().await,
        },
    }
}
