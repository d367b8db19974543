//! What a template of names is made of.

use super::ObjectKeyError;
use crate::chunk::ChunkKeys;
use crate::time::Zone;
use crate::timekey::TimekeySlots;

const DEFAULT_FORMAT: &str = "%{path}%{time_slice}_%{index}.%{file_extension}";
const DEFAULT_FORMAT_UNCHECKED: &str = "%{path}/%{time_slice}_%{hms_slice}.%{file_extension}";

/// The settings that object names come from.
#[derive(Clone, Copy, Debug)]
pub struct ObjectKeyOptions<'a> {
    /// `path`.
    pub path: &'a str,
    /// `s3_object_key_format`, if it is set.
    pub format: Option<&'a str>,
    /// `check_object`: decides on the default of the format.
    pub check_object: CheckObject,
    /// `index_format`.
    pub index_format: IndexFormat,
    /// `hex_random_length`.
    pub hex_random_length: HexRandomLength,
    /// `time_slice_format`, if it is set.
    pub time_slice_format: Option<&'a str>,
    /// What `%{file_extension}` is, such as `gz`; it follows from `store_as`.
    pub file_extension: &'a str,
    /// What `%{hostname}` is.
    pub hostname: &'a str,
    /// The argument of `<buffer …>`.
    pub chunk_keys: &'a ChunkKeys,
    /// `timekey`, if `time` is a chunk key: decides on the default of the time slice.
    pub slots: Option<&'a TimekeySlots>,
    /// The buffer's zone: `timekey_zone`, or UTC with `timekey_use_utc`.
    pub zone: &'a Zone,
}

/// `check_object`: whether a name that is taken is noticed in Fluentd. Here it always
/// is, and the setting only decides on the default of `s3_object_key_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckObject {
    /// `false`
    No,
    /// `true`
    #[default]
    Yes,
}

impl ObjectKeyOptions<'_> {
    pub(super) fn format(&self) -> &str {
        self.format.unwrap_or(match self.check_object {
            CheckObject::No => DEFAULT_FORMAT_UNCHECKED,
            CheckObject::Yes => DEFAULT_FORMAT,
        })
    }

    pub(super) fn time_slice_format(&self) -> &str {
        self.time_slice_format
            .or_else(|| self.slots.map(TimekeySlots::default_time_slice_format))
            .unwrap_or_default()
    }
}

/// `hex_random_length`: how many digits `%{hex_random}` has, at most 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HexRandomLength(usize);

impl HexRandomLength {
    /// Takes the configured number.
    ///
    /// # Errors
    /// Above 16, which is all the random digits that a chunk's id has.
    pub fn new(digits: u64) -> Result<Self, ObjectKeyError> {
        usize::try_from(digits)
            .ok()
            .filter(|digits| *digits <= 16)
            .map(Self)
            .ok_or(ObjectKeyError::HexRandomLength { found: digits })
    }

    pub(super) fn get(self) -> usize {
        self.0
    }
}

impl Default for HexRandomLength {
    fn default() -> Self {
        Self(4)
    }
}

/// `index_format`: how `%{index}` is written, a `sprintf` format like `%04d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexFormat {
    radix: Radix,
    /// Filled up with zeros to this many digits.
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Radix {
    Decimal,
    Hex,
    UpperHex,
}

impl IndexFormat {
    /// Reads the format: `d`, `x` or `X`, before it a width that begins with `0`, or
    /// none.
    ///
    /// # Errors
    /// If it has another form, or a width above 255.
    pub fn parse(text: &str) -> Result<Self, ObjectKeyError> {
        Self::read(text).ok_or_else(|| ObjectKeyError::IndexFormat {
            found: text.to_owned(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let body = text.strip_prefix('%')?;
        let (radix, width) = [
            ('d', Radix::Decimal),
            ('x', Radix::Hex),
            ('X', Radix::UpperHex),
        ]
        .into_iter()
        .find_map(|(letter, radix)| Some((radix, body.strip_suffix(letter)?)))?;
        let digits = match width.strip_prefix('0') {
            Some(digits) => digits,
            None if width.is_empty() => "",
            None => return None,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let width = match digits {
            "" => 0,
            _ => usize::from(digits.parse::<u8>().ok()?),
        };
        Some(Self { radix, width })
    }

    pub(super) fn render(self, index: u64) -> String {
        let width = self.width;
        match self.radix {
            Radix::Decimal => format!("{index:0width$}"),
            Radix::Hex => format!("{index:0width$x}"),
            Radix::UpperHex => format!("{index:0width$X}"),
        }
    }
}

impl Default for IndexFormat {
    fn default() -> Self {
        Self {
            radix: Radix::Decimal,
            width: 0,
        }
    }
}
