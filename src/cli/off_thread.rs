//! Runs work that may block, such as reading a file, on its own thread. The runtime has one thread, which must keep
//! answering HTTP and signals even if a file system hangs.

/// Runs the work. The caller may stop waiting: a thread that hangs is abandoned, and the process can still exit.
pub(in crate::cli) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and the caller with it.
            Err(_) => std::future::pending().await,
        },
    }
}
