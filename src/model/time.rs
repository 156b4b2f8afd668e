//! Points in time, as stored and as displayed.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. The provider's times are in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Returns the current time of the system clock. If that is set back while the process runs, time continues from
    /// where it was, at half its speed until the clock has caught up, so nothing waits twice. Only outer layers call
    /// this; testable code takes a time as an argument.
    #[must_use]
    pub fn now() -> Self {
        static STEADY: Mutex<Option<Steady>> = Mutex::new(None);
        let mut steady = STEADY.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Steady::after(*steady, Self::of_system(), Instant::now());
        *steady = Some(next);
        next.time
    }

    /// Returns how far [`Millis::now`] is ahead of the system clock, if that is more than a minute: the clock was
    /// ahead, and was set back. What depends on the time of day must wait.
    #[must_use]
    pub fn ahead_of_clock() -> Option<Duration> {
        Some(Self::now().since(Self::of_system())).filter(|ahead| *ahead > A_MINUTE)
    }

    /// Returns the time of the system clock.
    fn of_system() -> Self {
        Self(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// Converts it for calendars and time zones; times beyond their range become the furthest one.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        let furthest = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(furthest)
    }

    /// Converts a provider's whole seconds; 0 and less mean "not recorded". Only examples document the unit, so a value
    /// that would be after the year 5000 is read as milliseconds; `None` if that is still too late.
    #[must_use]
    pub fn from_provider_seconds(seconds: i64) -> Option<Self> {
        match seconds {
            1..FAR_OFF => Some(Self(seconds * 1000)),
            FAR_OFF..FAR_OFF_MILLIS => Some(Self(seconds)),
            _ => None,
        }
    }

    /// Parses a time that a person wrote: RFC 3339, or a date with or without a time of day in UTC. `None` for anything
    /// else.
    #[must_use]
    pub fn written(text: &str) -> Option<Self> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Some(Self(time.as_millisecond()));
        }
        let time = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(Self(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
    }

    /// Returns this time plus `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns this time minus `duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time since `earlier`; zero if the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A time that never goes back.
#[derive(Clone, Copy, Debug)]
struct Steady {
    time: Millis,
    taken: Instant,
}

impl Steady {
    /// Returns the clock time; if the clock was set back, what this time is while the clock catches up.
    fn after(last: Option<Self>, clock: Millis, taken: Instant) -> Self {
        let went_on = last.map(|last| (last, last.time.plus(taken.saturating_duration_since(last.taken) / 2)));
        match went_on {
            // Small corrections of the clock are ignored. The rest of a millisecond counts next time: otherwise
            // frequent calls would stop time.
            Some((last, time)) if time.since(clock) > A_LITTLE => {
                Self { time, taken: last.taken + time.since(last.time) * 2 }
            }
            _ => Self { time: clock, taken },
        }
    }
}

/// The year 5138, in seconds and in milliseconds.
const FAR_OFF: i64 = 100_000_000_000;
const FAR_OFF_MILLIS: i64 = FAR_OFF * 1000;

/// A clock may go back by this much without any effect.
const A_LITTLE: Duration = Duration::from_secs(1);
/// A clock that is set back by more than this may have shown another hour or day.
const A_MINUTE: Duration = Duration::from_secs(60);

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
    fn times_are_read_as_people_write_them() {
        for (text, time) in [
            ("2026-03-23T07:12:01Z", "2026-03-23T07:12:01Z"),
            ("2026-03-23T07:12:01+08:00", "2026-03-22T23:12:01Z"),
            ("2026-03-23 07:12", "2026-03-23T07:12:00Z"),
            ("2026-03-23", "2026-03-23T00:00:00Z"),
        ] {
            assert_eq!(Millis::written(text).map(|time| time.to_string()).as_deref(), Some(time), "{text}");
        }
        for text in ["", "yesterday", "23.03.2026", "2026-13-01", "2h"] {
            assert_eq!(Millis::written(text), None, "{text}");
        }
    }

    #[test]
    fn shown_to_the_second_in_utc() {
        assert_eq!(Millis(1_774_249_921_999).to_string(), "2026-03-23T07:12:01Z");
    }

    #[test]
    fn a_providers_times_are_seconds_and_zero_is_none() {
        assert_eq!(Millis::from_provider_seconds(0), None);
        assert_eq!(Millis::from_provider_seconds(2), Some(Millis(2000)));
        assert_eq!(Millis::from_provider_seconds(1_754_466_101), Some(Millis(1_754_466_101_000)));
        assert_eq!(Millis::from_provider_seconds(1_754_466_101_000), Some(Millis(1_754_466_101_000)));
        assert_eq!(Millis::from_provider_seconds(1_754_466_101_000_000), None);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up_and_one_set_forward_is_followed() {
        let start = Instant::now();
        let mut steady = Steady::after(None, Millis(1_000_000), start);
        let mut at = |clock: i64, seconds: u64| {
            steady = Steady::after(Some(steady), Millis(clock), start + Duration::from_secs(seconds));
            steady.time.0
        };
        assert_eq!(at(1_001_000, 1), 1_001_000);
        assert_eq!(at(1_001_800, 2), 1_001_800, "kept right by a little");
        assert_eq!(at(902_000, 3), 1_002_300, "set back");
        assert_eq!(at(912_000, 13), 1_007_300, "and time goes on, slower");
        assert_eq!(at(1_100_000, 203), 1_102_300, "until the clock has caught up");
        assert_eq!(at(1_102_000, 204), 1_102_000);
        assert_eq!(at(5_000_000, 214), 5_000_000, "set forward, or the machine slept");

        let asked = |steady, micros| Steady::after(Some(steady), Millis(0), start + Duration::from_micros(micros));
        let set_back =
            (1..=5_000).fold(Steady { time: Millis(9_000), taken: start }, |steady, i| asked(steady, i * 300));
        assert_eq!(set_back.time, Millis(9_750), "however often it is asked");
    }

    #[test]
    fn a_clock_that_went_backwards_gives_zero() {
        assert_eq!(Millis(5).since(Millis(9)), Duration::ZERO);
    }
}
