//! The system's limit on open files, in view of as many connections as requests are in flight.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files a connection may take: its own, and that of one which was begun for the same request and came second; with the
/// simulated provider in this process the other end of it.
const A_CONNECTION: u64 = 2;
/// Files for all else: the store, reports, the terminal, looking up names.
const ALL_ELSE: u64 = 64;

/// How many of the requests that are wished for may be in flight. Raises the limit where that is allowed to everyone.
pub(super) fn enough_for(wished: usize) -> usize {
    let needed = wished as u64 * A_CONNECTION + ALL_ELSE;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return wished };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    let files = if set.is_ok() { raised } else { current };
    let connections = usize::try_from(files.saturating_sub(ALL_ELSE) / A_CONNECTION).unwrap_or(usize::MAX);
    wished.min(connections.max(1))
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
}
