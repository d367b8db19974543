//! A chunk's id.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::time::EventTime;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A chunk's unique id: 16 bytes, laid out as Fluentd's `UniqueId`.
///
/// The first eight bytes are the microseconds since 1970, shifted left by 12 bits
/// (so ids sort by age); the last eight are random. Written as 32 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkId([u8; 16]);

/// A text that is no chunk id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no chunk id: 32 hexadecimal digits are expected")]
pub struct ChunkIdError {
    found: String,
}

/// As one number: a buffer looks its chunks up for every request.
impl Hash for ChunkId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl ChunkId {
    /// The id of a chunk that is created now, at `time`, with 64 random bits.
    ///
    /// Where Fluentd puts 12 more random bits below the microsecond, the
    /// nanoseconds within it stand here.
    pub fn from_parts(time: EventTime, random: u64) -> Self {
        let nanoseconds = i64::from(time.nanoseconds());
        let micros = time
            .seconds()
            .wrapping_mul(MICROS_PER_SECOND)
            .wrapping_add(nanoseconds / 1_000);
        let upper = (micros.cast_unsigned() << 12) | (nanoseconds % 1_000).cast_unsigned();
        Self(((u128::from(upper) << 64) | u128::from(random)).to_be_bytes())
    }

    /// An id from its bytes, as they stand in a chunk file.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes, as they stand in a chunk file.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkId({self})")
    }
}

impl FromStr for ChunkId {
    type Err = ChunkIdError;

    fn from_str(text: &str) -> Result<Self, ChunkIdError> {
        // NOTE: the digits are looked at first, because `from_str_radix` takes a sign.
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(|value| Self(value.to_be_bytes()))
            .ok_or_else(|| ChunkIdError {
                found: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: EventTime = EventTime::new(1_707_988_602, 849_123_456);

    #[test]
    fn the_upper_half_is_the_microsecond_shifted_by_twelve_bits() {
        let id = ChunkId::from_parts(TIME, 0x0123_4567_89ab_cdef);
        let upper = u64::from_str_radix(&id.to_string()[..16], 16).unwrap();
        assert_eq!(upper >> 12, 1_707_988_602_849_123);
        assert_eq!(upper & 0xfff, 456);
        assert!(id.to_string().ends_with("0123456789abcdef"));
    }

    #[test]
    fn ids_sort_by_age() {
        let later = EventTime::new(1_707_988_602, 849_124_000);
        assert!(ChunkId::from_parts(TIME, u64::MAX) < ChunkId::from_parts(later, 0));
    }

    #[test]
    fn the_text_of_an_id_reads_back() {
        let id = ChunkId::from_parts(TIME, 7);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(ChunkId::from_bytes(*id.as_bytes()), id);
    }

    #[test]
    fn what_is_not_32_digits_is_refused() {
        for text in [
            "",
            "5b",
            "+0000000000000000000000000000001",
            "6115a1c0e3b1f2aa6115a1c0e3b1f2ag",
        ] {
            let error = text.parse::<ChunkId>().unwrap_err();
            assert!(
                error.to_string().contains("32 hexadecimal digits"),
                "{error}"
            );
        }
    }
}
