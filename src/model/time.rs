//! Points in time, as they are stored and as they are shown.

use std::fmt;
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC. Times of the provider come in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// The present, by the system's clock. Taken at the edges only; what is to be tested takes a time.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// From the whole seconds a provider gives; 0 and less mean "not recorded".
    #[must_use]
    pub fn from_provider_seconds(seconds: i64) -> Option<Self> {
        (seconds > 0).then(|| Self(seconds.saturating_mul(1000)))
    }

    /// This time and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero where the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Millis {
    /// RFC 3339, UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0.div_euclid(1000)) {
            Ok(time) => time.fmt(f),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_to_the_second_in_utc() {
        assert_eq!(Millis(1_774_249_921_999).to_string(), "2026-03-23T07:12:01Z");
    }

    #[test]
    fn zero_of_a_provider_is_no_time() {
        assert_eq!(Millis::from_provider_seconds(0), None);
        assert_eq!(Millis::from_provider_seconds(2), Some(Millis(2000)));
    }

    #[test]
    fn a_clock_that_went_backwards_gives_zero() {
        assert_eq!(Millis(5).since(Millis(9)), Duration::ZERO);
    }
}
