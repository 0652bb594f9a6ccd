//! Signals and hand-made files for the tests of `audio_file`. The encoders
//! follow the format specifications directly, so that reader and writer under
//! test do not check each other.

// Each test binary uses its own part of it.
#![allow(dead_code)]

/// `sin(2π·frequency_hz·n/rate_hz)`, evaluated in f64.
pub fn sine(rate_hz: f64, frequency_hz: f64, frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|n| (std::f64::consts::TAU * frequency_hz * n as f64 / rate_hz).sin() as f32)
        .collect()
}

/// A canonical 44-byte WAV header announcing `data_bytes`.
pub fn wav_header(codec: u16, channels: u16, rate_hz: u32, bits: u16, data_bytes: u32) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&data_bytes.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16u32.to_le_bytes());
    for half in [codec, channels] {
        header.extend_from_slice(&half.to_le_bytes());
    }
    header.extend_from_slice(&rate_hz.to_le_bytes());
    header.extend_from_slice(&rate_hz.wrapping_mul(u32::from(block)).to_le_bytes());
    for half in [block, bits] {
        header.extend_from_slice(&half.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    header
}

/// A whole WAV file around `data`.
pub fn wav(codec: u16, channels: u16, rate_hz: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut content = wav_header(codec, channels, rate_hz, bits, data.len() as u32);
    content.extend_from_slice(data);
    content
}

/// A WAV file around `data` with lengths of 64 bits: of kind `mark` (RF64 or BW64), saying
/// that it holds `data_bytes` bytes, with a chunk of another kind before and behind it.
pub fn long_wav(mark: &[u8; 4], plain: &[u8], data_bytes: u64) -> Vec<u8> {
    let (header, data) = plain.split_at(44);
    let mut content = mark.to_vec();
    content.extend_from_slice(&u32::MAX.to_le_bytes());
    content.extend_from_slice(b"WAVEds64");
    content.extend_from_slice(&28u32.to_le_bytes());
    for length in [data_bytes + 100, data_bytes, 0] {
        content.extend_from_slice(&length.to_le_bytes());
    }
    content.extend_from_slice(&0u32.to_le_bytes());
    content.extend_from_slice(b"bext");
    content.extend_from_slice(&3u32.to_le_bytes());
    content.extend_from_slice(b"odd\0");
    content.extend_from_slice(&header[12..40]);
    content.extend_from_slice(&u32::MAX.to_le_bytes());
    content.extend_from_slice(data);
    content.extend_from_slice(b"LIST");
    content.extend_from_slice(&2_000u32.to_le_bytes());
    content.extend_from_slice(&[0x55; 2_000]);
    content
}

/// A 16-bit AIFF file.
pub fn aiff_16_bit(rate_hz: u32, channels: &[&[i16]]) -> Vec<u8> {
    let frames = channels[0].len();
    let mut common = Vec::new();
    common.extend_from_slice(&(channels.len() as u16).to_be_bytes());
    common.extend_from_slice(&(frames as u32).to_be_bytes());
    common.extend_from_slice(&16u16.to_be_bytes());
    // The rate as an 80-bit float with explicit leading one.
    let exponent = 31 - rate_hz.leading_zeros();
    common.extend_from_slice(&(16_383 + exponent as u16).to_be_bytes());
    common.extend_from_slice(&(u64::from(rate_hz) << (63 - exponent)).to_be_bytes());

    let mut sound = vec![0; 8];
    for frame in 0..frames {
        for channel in channels {
            sound.extend_from_slice(&channel[frame].to_be_bytes());
        }
    }
    let mut form = b"AIFF".to_vec();
    for (id, chunk) in [(b"COMM", &common), (b"SSND", &sound)] {
        form.extend_from_slice(id);
        form.extend_from_slice(&(chunk.len() as u32).to_be_bytes());
        form.extend_from_slice(chunk);
    }
    let mut content = b"FORM".to_vec();
    content.extend_from_slice(&(form.len() as u32).to_be_bytes());
    content.extend_from_slice(&form);
    content
}

/// A 16-bit FLAC file of verbatim subframes, 1000 frames per block.
pub fn flac_16_bit(rate_hz: u32, channels: &[&[i16]]) -> Vec<u8> {
    const BLOCK: usize = 1000;
    let frames = channels[0].len();
    let mut content = b"fLaC".to_vec();
    // STREAMINFO, the last metadata block, 34 bytes.
    content.extend_from_slice(&[0x80, 0, 0, 34]);
    for _ in 0..2 {
        content.extend_from_slice(&(BLOCK as u16).to_be_bytes());
    }
    content.extend_from_slice(&[0; 6]);
    let packed = (u64::from(rate_hz) << 44)
        | ((channels.len() as u64 - 1) << 41)
        | (15 << 36)
        | frames as u64;
    content.extend_from_slice(&packed.to_be_bytes());
    content.extend_from_slice(&[0; 16]);

    for (number, start) in (0..frames).step_by(BLOCK).enumerate() {
        let end = (start + BLOCK).min(frames);
        let block_start = content.len();
        // Sync, fixed block size; 16-bit block size follows, rate and depth
        // from STREAMINFO; independent channels.
        content.extend_from_slice(&[0xFF, 0xF8, 0x70, ((channels.len() as u8 - 1) << 4)]);
        assert!(number < 128, "frame numbers of one byte");
        content.push(number as u8);
        content.extend_from_slice(&((end - start - 1) as u16).to_be_bytes());
        let crc8 = crc(&content[block_start..], 0x07, 8) as u8;
        content.push(crc8);
        for channel in channels {
            content.push(0b0000_0010);
            for sample in &channel[start..end] {
                content.extend_from_slice(&sample.to_be_bytes());
            }
        }
        let crc16 = crc(&content[block_start..], 0x8005, 16) as u16;
        content.extend_from_slice(&crc16.to_be_bytes());
    }
    content
}

/// Plain CRC, most significant bit first, start value 0.
fn crc(data: &[u8], polynomial: u32, bits: u32) -> u32 {
    let top = 1 << (bits - 1);
    let mask = (1u64 << bits) as u32 - 1;
    data.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << (bits - 8)), |crc, _| {
            if crc & top != 0 {
                ((crc << 1) ^ polynomial) & mask
            } else {
                (crc << 1) & mask
            }
        })
    })
}
