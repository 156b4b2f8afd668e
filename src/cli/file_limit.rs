//! The system's limit on open files, which bounds how many requests can be in flight.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files per request: its connection, and a second one that was opened for the same request and lost the race. With
/// the simulated provider in this process, the second one is the other end of the connection.
const FILES_PER_REQUEST: u64 = 2;
/// Files for everything else: the store, reports, the terminal, name lookups.
const OTHER_FILES: u64 = 64;

/// Returns how many of the requested requests can be in flight. Raises the soft limit of the process if necessary.
pub(in crate::cli) fn enough_for(requests: usize) -> usize {
    enough_for_both(requests, 0).0
}

/// Like [`enough_for`], and also returns how many incoming connections can be open, with one file each. If files are
/// scarce, incoming connections get at most a quarter of them.
pub(in crate::cli) fn enough_for_both(requests: usize, connections: usize) -> (usize, usize) {
    let needed = requests as u64 * FILES_PER_REQUEST + connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return (requests, connections) };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    share(if set.is_ok() { raised } else { current }, requests, connections)
}

fn share(files: u64, requests: usize, connections: usize) -> (usize, usize) {
    let number = |files: u64| usize::try_from(files).unwrap_or(usize::MAX).max(1);
    let connections = connections.min(number(files / 4));
    let left = files.saturating_sub(OTHER_FILES + connections as u64);
    (requests.min(number(left / FILES_PER_REQUEST)), connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_allows_is_used_and_no_more() {
        assert_eq!(enough_for(1), 1);
        let most = getrlimit(Resource::Nofile).maximum;
        let many = enough_for(1 << 40);
        assert!(most.is_none_or(|most| many as u64 * FILES_PER_REQUEST + OTHER_FILES <= most), "{many} of {most:?}");
    }

    #[test]
    fn files_are_shared_with_incoming_connections() {
        assert_eq!(share(4096, 1024, 512), (1024, 512));
        assert_eq!(share(1024, 1024, 512), (352, 256));
        assert_eq!(share(200, 1024, 512), (43, 50));
        assert_eq!(share(20, 1024, 512), (1, 5));
        assert_eq!(share(200, 1024, 0), (68, 0));
    }
}
