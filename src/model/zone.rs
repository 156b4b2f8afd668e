//! A time zone, and its clock.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Millis;

/// A time zone by its name, such as `Asia/Hong_Kong`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Returns the zone with this name; UTC without a name, or if there is no such zone.
    #[must_use]
    pub fn named(name: Option<&str>) -> Self {
        Self(name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC))
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Returns what its clock shows at a moment.
    #[must_use]
    pub fn clock(&self, at: Millis) -> DateTime {
        self.0.to_datetime(at.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_is_utc() {
        let at = Millis::written("2026-07-01T12:00:00Z").unwrap();
        for (name, shown, clock) in [
            (None, "UTC", "2026-07-01T12:00:00"),
            (Some("Nowhere/Else"), "UTC", "2026-07-01T12:00:00"),
            (Some("Asia/Hong_Kong"), "Asia/Hong_Kong", "2026-07-01T20:00:00"),
        ] {
            let zone = Zone::named(name);
            assert_eq!((zone.name(), &*zone.clock(at).to_string()), (shown, clock));
        }
    }
}
