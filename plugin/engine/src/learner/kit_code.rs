//! A learnt kit as bytes and back, without loss.
//!
//! Samples lie on a grid of 14 bit. Each channel is stored as the differences
//! from a straight line through the two samples before (or one, or none),
//! whichever is smallest, as Rice codes whose parameter is chosen per block:
//! the decay of a drum makes that short. A checksum at the end tells damage.

use std::sync::Arc;

use thiserror::Error;

use super::{LearntDrum, LearntKit, LearntLayer, step_for};
use crate::{
    drum::Drum,
    front_end::MAX_SAMPLE_RATE_HZ,
    one_shots::{OneShot, usual_lead_s},
};

/// Begins every saved kit; a byte with the version of the format follows.
const MAGIC: [u8; 7] = *b"IDM kit";
/// The version that is written.
const VERSION: u8 = 2;
/// The one before, which knew no leads, is read too.
const VERSION_WITHOUT_LEADS: u8 = 1;
/// Samples per Rice parameter.
const BLOCK: usize = 128;
/// Quotients from here on are stored as plain numbers.
const ESCAPE: u32 = 24;
/// Bits of a Rice parameter and of a plain number.
const PARAMETER_BITS: u32 = 5;
const PLAIN_BITS: u32 = 20;
/// Limits that no kit exceeds.
const MOST_LAYERS: usize = 32;
const MOST_S: f64 = 8.0;
const MOST_DRUM_S: f64 = 31.0;
const HIGHEST_PEAK: f32 = 1e4;
const MOST_EMBEDDING: usize = 4_096;

/// Why bytes are no saved kit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KitError {
    /// Another format.
    #[error("expected a kit that begins with {:?} and version {VERSION} or older, found {found:?}", String::from_utf8_lossy(&MAGIC))]
    Magic {
        /// The first bytes.
        found: String,
    },
    /// The checksum is wrong.
    #[error("the kit is damaged: expected checksum {expected:08x}, found {found:08x}")]
    Checksum {
        /// As stored.
        expected: u32,
        /// As computed.
        found: u32,
    },
    /// It ends too early.
    #[error("the kit is damaged: it ends inside {inside}")]
    Ends {
        /// What was being read.
        inside: &'static str,
    },
    /// A value makes no sense.
    #[error("the kit is damaged: {field} is {found}")]
    Value {
        /// Which.
        field: &'static str,
        /// Its value.
        found: String,
    },
}

/// The kit as bytes. An empty kit gives none. Allocates.
pub fn encode_kit(kit: &LearntKit) -> Vec<u8> {
    if kit.is_empty() {
        return Vec::new();
    }
    let mut bits = BitWriter::default();
    bits.number(kit.embedding.len() as u32, 16);
    for value in &kit.embedding {
        bits.number(value.to_bits(), 32);
    }
    bits.number(kit.drums.len() as u32, 8);
    for learnt in &kit.drums {
        bits.number(learnt.drum.index() as u32, 8);
        bits.number(learnt.hits, 32);
        bits.number(learnt.confidence.to_bits(), 32);
        bits.number(learnt.layers.len() as u32, 8);
        for layer in &learnt.layers {
            bits.number(layer.top_velocity.to_bits(), 32);
            bits.number(layer.one_shot.lead_s().to_bits(), 32);
            encode_one_shot(&layer.one_shot, &mut bits);
        }
    }
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.extend(bits.finish());
    let sum = checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// The kit that [`encode_kit`] turned into `bytes`; no bytes are an empty kit.
/// Allocates.
///
/// # Errors
/// Bytes that are no kit, or a damaged one.
pub fn decode_kit(bytes: &[u8]) -> Result<LearntKit, KitError> {
    if bytes.is_empty() {
        return Ok(LearntKit::default());
    }
    let has_leads = match bytes.strip_prefix(&MAGIC).and_then(<[u8]>::first) {
        Some(&VERSION) => true,
        Some(&VERSION_WITHOUT_LEADS) => false,
        _ => {
            let begin = &bytes[..bytes.len().min(MAGIC.len() + 1)];
            let found = String::from_utf8_lossy(begin).into_owned();
            return Err(KitError::Magic { found });
        }
    };
    let Some((body, stored)) = bytes.split_last_chunk::<4>() else {
        return Err(KitError::Ends {
            inside: "the checksum",
        });
    };
    let (expected, found) = (u32::from_le_bytes(*stored), checksum(body));
    if expected != found {
        return Err(KitError::Checksum { expected, found });
    }
    let mut bits = BitReader::new(&body[MAGIC.len() + 1..]);
    let length = bits.limited(16, MOST_EMBEDDING, "the embedding's length")?;
    let mut kit = LearntKit::default();
    for _ in 0..length {
        kit.embedding.push(bits.float("the embedding")?);
    }
    let drums = bits.limited(8, crate::drum::DRUM_COUNT, "the number of drums")?;
    for _ in 0..drums {
        let class = bits.number(8, "a drum")? as usize;
        let drum = Drum::from_index(class).ok_or_else(|| KitError::Value {
            field: "a drum's class",
            found: class.to_string(),
        })?;
        let hits = bits.number(32, "a drum")?;
        let confidence = bits.float("a drum")?.clamp(0.0, 1.0);
        let count = bits.limited(8, MOST_LAYERS, "the number of layers")?;
        let mut layers = Vec::with_capacity(count);
        let mut length_s = 0.0;
        for _ in 0..count {
            let top_velocity = bits.float("a layer")?;
            let lead_s = match has_leads {
                true => Some(bits.float("a layer")?),
                false => None,
            };
            let one_shot = decode_one_shot(&mut bits)?;
            length_s += one_shot.duration_s();
            if length_s > MOST_DRUM_S {
                return Err(KitError::Value {
                    field: "the length of a drum's sounds",
                    found: format!("{length_s:.1} s, more than {MOST_DRUM_S}"),
                });
            }
            let lead_s = lead_s.unwrap_or_else(|| usual_lead_s(&one_shot));
            let one_shot = one_shot.with_lead(lead_s);
            layers.push(LearntLayer {
                top_velocity,
                one_shot: Arc::new(one_shot),
            });
        }
        kit.drums.push(LearntDrum {
            drum,
            layers,
            hits,
            confidence,
        });
    }
    Ok(kit)
}

fn encode_one_shot(one_shot: &OneShot, bits: &mut BitWriter) {
    let step = step_for(one_shot.peak());
    let rate = one_shot.sample_rate_hz().to_bits();
    bits.number((rate >> 32) as u32, 32);
    bits.number(rate as u32, 32);
    bits.number(step.to_bits(), 32);
    bits.number(one_shot.channels().len() as u32, 8);
    bits.number(one_shot.frames() as u32, 32);
    let grid = |channel: usize| -> Vec<i32> {
        let samples = one_shot.channel(channel).iter();
        samples
            .map(|sample| (sample / step).round() as i32)
            .collect()
    };
    let left = grid(0);
    encode_channel(&left, bits);
    if one_shot.channels().len() > 1 {
        // The side is small where the channels are alike.
        let side: Vec<i32> = left.iter().zip(grid(1)).map(|(l, r)| r - l).collect();
        encode_channel(&side, bits);
    }
}

fn decode_one_shot(bits: &mut BitReader<'_>) -> Result<OneShot, KitError> {
    let inside = "a one-shot";
    let rate = (u64::from(bits.number(32, inside)?) << 32) | u64::from(bits.number(32, inside)?);
    let step = bits.float(inside)?;
    let channels = bits.limited(8, 2, "the number of channels")?;
    let rate_hz = f64::from_bits(rate);
    let most_frames = (MOST_S * rate_hz.clamp(0.0, MAX_SAMPLE_RATE_HZ)) as usize;
    let frames = bits.limited(32, most_frames, "the length of a one-shot")?;
    let mut grids: Vec<Vec<i32>> = Vec::with_capacity(channels);
    for _ in 0..channels {
        let mut samples = decode_channel(frames, bits)?;
        if let Some(left) = grids.first() {
            for (side, left) in samples.iter_mut().zip(left) {
                *side = side.wrapping_add(*left);
            }
        }
        grids.push(samples);
    }
    let channels = grids
        .into_iter()
        .map(|grid| grid.into_iter().map(|q| q as f32 * step).collect())
        .collect();
    let one_shot = OneShot::new(rate_hz, channels).map_err(|error| KitError::Value {
        field: "a one-shot",
        found: error.to_string(),
    })?;
    match one_shot.peak() {
        0.0..=HIGHEST_PEAK => Ok(one_shot),
        peak => Err(KitError::Value {
            field: "the peak of a one-shot",
            found: peak.to_string(),
        }),
    }
}

/// What the samples before lead to expect.
fn expected(samples: &[i32], index: usize, order: u32) -> i32 {
    let back = |n: usize| index.checked_sub(n).map_or(0, |at| samples[at]);
    match order {
        0 => 0,
        1 => back(1),
        _ => back(1).wrapping_mul(2).wrapping_sub(back(2)),
    }
}

fn encode_channel(samples: &[i32], bits: &mut BitWriter) {
    for start in (0..samples.len()).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(samples.len());
        let rests = |order: u32| -> Vec<u32> {
            block
                .clone()
                .map(|index| zigzag(samples[index] - expected(samples, index, order)))
                .collect()
        };
        let sum = |rests: &[u32]| rests.iter().map(|&rest| u64::from(rest)).sum::<u64>();
        let best = (0..3)
            .map(|order| (order, rests(order)))
            .min_by_key(|(_, rests)| sum(rests));
        let Some((order, rests)) = best else { continue };
        let mean = sum(&rests) / rests.len() as u64;
        let parameter = u64::BITS - mean.leading_zeros();
        let parameter = parameter.saturating_sub(1).min(PLAIN_BITS);
        bits.number(order, 2);
        bits.number(parameter, PARAMETER_BITS);
        for rest in rests {
            let quotient = rest >> parameter;
            if quotient < ESCAPE {
                bits.number((1 << quotient) - 1, quotient);
                bits.number(0, 1);
                bits.number(rest & ((1 << parameter) - 1), parameter);
            } else {
                bits.number((1 << ESCAPE) - 1, ESCAPE);
                bits.number(rest, PLAIN_BITS);
            }
        }
    }
}

fn decode_channel(frames: usize, bits: &mut BitReader<'_>) -> Result<Vec<i32>, KitError> {
    let inside = "the samples of a one-shot";
    let mut samples: Vec<i32> = Vec::with_capacity(frames);
    while samples.len() < frames {
        let order = bits.number(2, inside)?;
        let parameter = bits.number(PARAMETER_BITS, inside)?;
        for _ in 0..BLOCK.min(frames - samples.len()) {
            let mut quotient = 0;
            while quotient < ESCAPE && bits.number(1, inside)? == 1 {
                quotient += 1;
            }
            let rest = if quotient < ESCAPE {
                (quotient << parameter.min(PLAIN_BITS)) | bits.number(parameter, inside)?
            } else {
                bits.number(PLAIN_BITS, inside)?
            };
            let before = expected(&samples, samples.len(), order);
            samples.push(before.wrapping_add(unzigzag(rest)));
        }
    }
    Ok(samples)
}

fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

/// FNV-1a over the bytes: tells damage, not malice.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, &byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[derive(Debug, Default)]
struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// Writes the lowest `bits` (up to 32) of `value`.
    fn number(&mut self, value: u32, bits: u32) {
        self.pending = (self.pending << bits) | u64::from(value);
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.number(0, 8 - self.count);
        }
        self.bytes
    }
}

#[derive(Debug)]
struct BitReader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader {
            bytes: bytes.iter(),
            pending: 0,
            count: 0,
        }
    }

    /// Reads `bits` (up to 32).
    fn number(&mut self, bits: u32, inside: &'static str) -> Result<u32, KitError> {
        while self.count < bits {
            let byte = self.bytes.next().ok_or(KitError::Ends { inside })?;
            self.pending = (self.pending << 8) | u64::from(*byte);
            self.count += 8;
        }
        self.count -= bits;
        let value = (self.pending >> self.count) as u32;
        self.pending &= (1 << self.count) - 1;
        Ok(value)
    }

    fn limited(&mut self, bits: u32, most: usize, field: &'static str) -> Result<usize, KitError> {
        let found = self.number(bits, field)? as usize;
        if found > most {
            let found = format!("{found}, more than {most}");
            return Err(KitError::Value { field, found });
        }
        Ok(found)
    }

    fn float(&mut self, inside: &'static str) -> Result<f32, KitError> {
        let value = f32::from_bits(self.number(32, inside)?);
        if value.is_finite() {
            Ok(value)
        } else {
            let found = value.to_string();
            Err(KitError::Value {
                field: inside,
                found,
            })
        }
    }
}

#[cfg(test)]
mod tests;
