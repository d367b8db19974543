//! Strings looked at sixteen bytes at a time, with a bit for each byte, the lowest for the first.

use wide::u8x16;

const LENGTH: usize = 16;

/// The offset of the next quote, backslash or control character from `from` on, or the
/// text's length. Everything before it is plain.
///
/// Most strings of audit events end within the first block: the loop is then as predictable
/// as it is short.
#[inline]
pub(super) fn next_special(bytes: &[u8], from: usize) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    while let Some((block, after)) = rest.split_first_chunk() {
        let block = u8x16::new(*block);
        let special = is(block, b'"') | is(block, b'\\') | is_control(block);
        let found = special.to_bitmask();
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize;
        }
        rest = after;
    }
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let plain = rest.iter().take_while(|b| !is_special(**b)).count();
    bytes.len() - rest.len() + plain
}

/// Goes past text and escapes of two characters, from `from` on in a string: to the quote that
/// ends it, or to a place before it from which on somebody has to look at it byte by byte. That
/// is never within an escape.
///
/// Nothing in it depends on how many escapes there are and where, so that there is nothing for
/// the processor to guess wrongly.
pub(super) fn skip_short_escapes(bytes: &[u8], from: usize) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    // Whether the first byte of `rest` is the second one of an escape.
    let mut within = 0;
    while let Some((block, after)) = rest.split_first_chunk() {
        let block = u8x16::new(*block);
        let (quote, backslash) = (is(block, b'"'), is(block, b'\\'));
        let (quotes, backslashes) = (quote.to_bitmask(), backslash.to_bitmask());
        let escaped = escaped(backslashes, within);
        let ends = quotes & !escaped;
        // The bits below the first end, or all.
        let inside = ends.wrapping_sub(1) & !ends;
        let short = (quote | backslash | is_letter_of_escape(block)).to_bitmask();
        let control = is_control(block).to_bitmask();
        if (control | (escaped & BLOCK & !short)) & inside != 0 {
            break;
        }
        if ends != 0 {
            return bytes.len() - rest.len() + ends.trailing_zeros() as usize;
        }
        within = escaped >> LENGTH;
        rest = after;
    }
    bytes.len() - rest.len() - within as usize
}

/// All bytes of a block.
const BLOCK: u32 = (1 << LENGTH) - 1;
const EVEN: u32 = 0x5555_5555;

/// The last bytes of the escapes that `backslashes` begin, except for those that are backslashes
/// themselves; the bit behind the block is the next one's first byte. `within` says whether the
/// first byte of this one is such a byte.
///
/// Of a row of backslashes every second one begins an escape. So what comes behind the row is
/// escaped if the row's length is odd: if it begins at an even offset and ends before an odd one,
/// or the other way round. Added to its first bit, a row carries into the bit behind it.
#[inline]
fn escaped(backslashes: u32, within: u32) -> u32 {
    let rows = backslashes & !within;
    let first = rows & !(rows << 1);
    let behind = |first: u32| (rows + first) & !rows;
    let odd = behind(first & EVEN) & !EVEN | behind(first & !EVEN) & EVEN;
    odd | within
}

#[inline]
fn is(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

#[inline]
fn is_control(block: u8x16) -> u8x16 {
    block.min(u8x16::splat(0x1f)).simd_eq(block)
}

/// Whether it stands for something behind a backslash, quotes and backslashes aside.
#[inline]
fn is_letter_of_escape(block: u8x16) -> u8x16 {
    let is = |byte| is(block, byte);
    is(b'/') | is(b'b') | is(b'f') | is(b'n') | is(b'r') | is(b't')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_byte_is_found_wherever_it_stands_in_a_block() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for plain in [b' ', b'a', 0x7f, 0x80, 0xff] {
                for at in 0..40 {
                    let mut bytes = vec![plain; 40];
                    bytes[at] = special;
                    assert_eq!(next_special(&bytes, 0), at);
                    assert_eq!(next_special(&bytes, at), at);
                    assert_eq!(next_special(&bytes, at + 1), 40);
                }
            }
        }
    }

    /// The same byte by byte.
    fn end_byte_by_byte(bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        loop {
            match bytes.get(at..).unwrap_or_default() {
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => at += 2,
                [] | [b'"' | b'\\' | 0..0x20, ..] => return at,
                _ => at += 1,
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2048))]

        #[test]
        fn what_is_skipped_is_text_and_short_escapes(
            text in "([a-tä]{0,20}(\\\\{0,20}[nu\"/\u{1}]?)){0,5}",
            from in 0..3_usize,
        ) {
            let bytes = text.as_bytes();
            let from = from.min(bytes.len());
            let end = end_byte_by_byte(bytes, from);
            let skipped = skip_short_escapes(bytes, from);
            // What is left before the end is less than a block, and no escape is cut in two.
            assert!(from <= skipped && skipped <= end, "{skipped} {end}");
            assert!(end - skipped <= LENGTH, "{skipped} {end}");
            assert_eq!(end_byte_by_byte(bytes, skipped), end);
        }
    }
}
