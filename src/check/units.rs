//! Sizes, times and zones as people write them.

use std::time::Duration;

use fluent_compat::time::Zone;

/// `256 MiB`, `9.5 MiB`, `100 bytes`.
pub(super) fn size(bytes: u64) -> String {
    let units = [
        ("TiB", 1_u64 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((name, unit)) if bytes.is_multiple_of(unit) => format!("{} {name}", bytes / unit),
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

/// `1h`, `90s`, `3d`: in the largest unit that it is a whole number of.
pub(super) fn duration(duration: Duration) -> String {
    if duration.subsec_nanos() > 0 {
        return format!("{}s", duration.as_secs_f64());
    }
    seconds(duration.as_secs())
}

/// As [`duration`].
pub(super) fn seconds(seconds: u64) -> String {
    let units = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60)];
    let whole = |(_, unit): &(&str, u64)| seconds > 0 && seconds.is_multiple_of(*unit);
    match units.into_iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// `UTC`, `+09:00`, `Asia/Tokyo`; a zone without a name by what it is at that moment.
pub(super) fn zone(zone: &Zone, now: i64) -> String {
    let name = match zone {
        Zone::Utc => Some("UTC"),
        Zone::Named(zone) => zone.iana_name(),
        Zone::Fixed(_) => None,
    };
    match name {
        Some(name) => name.to_owned(),
        None => offset(zone.offset_at(now)),
    }
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_meaning() {
        assert_eq!(size(256 << 20), "256 MiB");
        assert_eq!(size(64 << 30), "64 GiB");
        assert_eq!(size(10_000_000), "9.5 MiB");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn times_stand_in_their_largest_whole_unit() {
        assert_eq!(seconds(0), "0s");
        assert_eq!(seconds(60), "1m");
        assert_eq!(seconds(90), "90s");
        assert_eq!(seconds(72 * 60 * 60), "3d");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5s");
    }

    #[test]
    fn zones_have_a_name_or_an_offset() {
        assert_eq!(zone(&Zone::Utc, 0), "UTC");
        assert_eq!(zone(&Zone::parse("-0530").unwrap(), 0), "-05:30");
        assert_eq!(zone(&Zone::parse("Asia/Tokyo").unwrap(), 0), "Asia/Tokyo");
    }
}
