//! The system's limit on open files, in view of as many connections as requests are in flight.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files a connection may take: its own, and that of one which was begun for the same request and came second; with the
/// simulated provider in this process the other end of it.
const A_CONNECTION: u64 = 2;
/// Files for all else: the store, reports, the terminal, looking up names.
const ALL_ELSE: u64 = 64;

/// How many of the requests that are wished for may be in flight. Raises the limit where that is allowed to everyone.
pub(in crate::cli) fn enough_for(wished: usize) -> usize {
    enough_for_both(wished, 0).0
}

/// As [`enough_for`], and how many connections from outside may be open, each of which takes one file. Where files are
/// short, these get a quarter of them at most.
pub(in crate::cli) fn enough_for_both(requests: usize, connections: usize) -> (usize, usize) {
    let needed = requests as u64 * A_CONNECTION + connections as u64 + ALL_ELSE;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return (requests, connections) };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    share(if set.is_ok() { raised } else { current }, requests, connections)
}

fn share(files: u64, requests: usize, connections: usize) -> (usize, usize) {
    let number = |files: u64| usize::try_from(files).unwrap_or(usize::MAX).max(1);
    let connections = connections.min(number(files / 4));
    let left = files.saturating_sub(ALL_ELSE + connections as u64);
    (requests.min(number(left / A_CONNECTION)), connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_allows_is_used_and_no_more() {
        assert_eq!(enough_for(1), 1);
        let most = getrlimit(Resource::Nofile).maximum;
        let many = enough_for(1 << 40);
        assert!(most.is_none_or(|most| many as u64 * A_CONNECTION + ALL_ELSE <= most), "{many} of {most:?}");
    }

    #[test]
    fn what_there_is_is_shared_with_connections_from_outside() {
        assert_eq!(share(4096, 1024, 512), (1024, 512));
        assert_eq!(share(1024, 1024, 512), (352, 256));
        assert_eq!(share(200, 1024, 512), (43, 50));
        assert_eq!(share(20, 1024, 512), (1, 5));
        assert_eq!(share(200, 1024, 0), (68, 0));
    }
}
