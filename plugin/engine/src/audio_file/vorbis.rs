//! Tables of an Ogg Vorbis file: how large they are is told before the decoder makes them.
//!
//! Each is a few bytes in the file and up to 16 megabytes in memory, and there may be 256.

/// Most numbers in all tables of a file: encoders make less than a twentieth of it.
pub const MOST_NUMBERS: u64 = 1 << 24;

/// How a table begins; the lowest bits are the first ones.
const MARK: u64 = 0x56_4342;
const MARK_BITS: u32 = 24;
/// Bits of how many numbers an entry has, and of how many entries there are.
const WIDTH_BITS: u32 = 16;
const COUNT_BITS: u32 = 24;
/// Beyond these a table is refused by the decoder, if it is one.
const MOST_WIDTH: u64 = 32;
const MOST_COUNT: u64 = 128 * 1024;

/// How many numbers the tables in these `headers` have. A table may begin at any bit.
pub fn table_numbers(headers: &[u8]) -> u64 {
    let low = |bits: u64, count: u32| bits & ((1 << count) - 1);
    let mut numbers = 0;
    for start in 0..headers.len() {
        let mut bytes = [0; 16];
        let there = &headers[start..headers.len().min(start + bytes.len())];
        bytes[..there.len()].copy_from_slice(there);
        let word = u128::from_le_bytes(bytes);
        for bit in 0..8 {
            let bits = (word >> bit) as u64;
            if low(bits, MARK_BITS) != MARK {
                continue;
            }
            let width = low(bits >> MARK_BITS, WIDTH_BITS);
            let count = low(bits >> (MARK_BITS + WIDTH_BITS), COUNT_BITS);
            if width <= MOST_WIDTH && count <= MOST_COUNT {
                numbers += width * count;
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_at_any_bit() {
        let table = |width: u128, count: u128| MARK as u128 | width << 24 | count << 40;
        for bit in 0..8 {
            let first = (table(2, 1_000) << bit).to_le_bytes();
            let second = (table(32, 131_072) << (7 - bit)).to_le_bytes();
            let headers = [&b"\x05vorbis"[..], &first, &second].concat();
            assert_eq!(table_numbers(&headers), 2_000 + (32 << 17), "{bit}");
        }
        // No table, but bits that look like one.
        assert_eq!(table_numbers(&table(33, 9).to_le_bytes()), 0);
        assert_eq!(table_numbers(&table(9, 131_073).to_le_bytes()), 0);
        assert_eq!(table_numbers(b"BC"), 0);
    }

    #[test]
    fn those_of_an_encoder_are_far_fewer_than_the_most() {
        let file = include_bytes!("../../tests/audio_file_fixtures/sine.ogg");
        let numbers = table_numbers(file);
        assert!(
            (1_000..MOST_NUMBERS / 20).contains(&numbers),
            "{numbers} numbers"
        );
    }
}
