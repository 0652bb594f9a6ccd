//! What can happen to a recording on its way: the same excerpt louder, at
//! another rate, squashed, in a room, dulled, in noise, among other instruments.
//!
//! Every condition changes the stems as well, so that they still sum to the
//! mixture as far as the change allows, and remain the reference.

use anyhow::Result;
use idm_engine::{
    audio_file::{AudioBuffer, resample},
    drum::RESIDUAL,
    front_end::{BAND_COUNT, BandMap},
};

use super::stft::Stft;
use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    kits::SAMPLE_RATE_HZ,
    random::Random,
    render::{Piece, Room, add_music},
};

/// Names the rooms.
const SEED: u64 = 0x700;
/// Level of the room beside the dry signal.
const ROOM_SEND: f32 = 0.8;
/// Corner of the dull low-pass, and of the lossy codec's.
const DULL_HZ: f32 = 6_000.0;
const CODEC_HZ: f32 = 11_000.0;
/// Level of the noise (root of the mean square) below the mixture's peak.
const NOISE_DB: f32 = -38.0;
/// Level below a band's own and its neighbours' at which the codec drops bins.
const CODEC_MASKED_DB: f32 = -18.0;

/// A way in which a recording differs from the clean excerpt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// As rendered.
    Clean,
    /// Softer by so many decibels.
    Gain(f32),
    /// Recorded at 48 kHz.
    Rate48k,
    /// A bus compressor at 10:1 and a limiter.
    Compressed,
    /// A live room.
    Room,
    /// Nothing above 6 kHz.
    Dull,
    /// Quiet bins dropped, nothing above 11 kHz, as after strong lossy coding.
    Codec,
    /// Steady noise beneath it.
    Noise,
    /// A bass and chords bleed in.
    Music,
}

impl Condition {
    /// All conditions, the clean one first.
    pub const ALL: [Condition; 11] = [
        Condition::Clean,
        Condition::Gain(-10.0),
        Condition::Gain(-20.0),
        Condition::Gain(-30.0),
        Condition::Rate48k,
        Condition::Compressed,
        Condition::Room,
        Condition::Dull,
        Condition::Codec,
        Condition::Noise,
        Condition::Music,
    ];

    /// Name in tables.
    pub fn label(self) -> String {
        match self {
            Condition::Clean => "clean".to_owned(),
            Condition::Gain(gain_db) => format!("gain {gain_db} dB"),
            Condition::Rate48k => "48 kHz".to_owned(),
            Condition::Compressed => "heavy compression".to_owned(),
            Condition::Room => "room".to_owned(),
            Condition::Dull => "low-pass 6 kHz".to_owned(),
            Condition::Codec => "lossy coding".to_owned(),
            Condition::Noise => format!("noise at {NOISE_DB} dB"),
            Condition::Music => "bass and chords".to_owned(),
        }
    }

    /// Rate at which the engine hears the condition.
    pub const fn sample_rate_hz(self) -> f64 {
        match self {
            Condition::Rate48k => 48_000.0,
            _ => SAMPLE_RATE_HZ,
        }
    }

    /// `piece` in this condition, at [`Condition::sample_rate_hz`]; `index`
    /// draws the room and what is added. Hits keep their times in samples at 44.1 kHz. Allocates.
    ///
    /// # Errors
    /// When resampling fails.
    pub fn apply(self, piece: &Piece, index: u64) -> Result<Piece> {
        let mut piece = piece.clone();
        match self {
            Condition::Clean => {}
            Condition::Gain(gain_db) => {
                let gain = from_db(gain_db);
                each_signal(&mut piece, |signal| {
                    signal.iter_mut().for_each(|sample| *sample *= gain);
                });
            }
            Condition::Rate48k => {
                for signal in piece.stems.iter_mut().chain([&mut piece.mix]) {
                    *signal = resampled(signal, SAMPLE_RATE_HZ, self.sample_rate_hz())?;
                }
            }
            Condition::Compressed => compress(&mut piece),
            Condition::Room => {
                let room = Room::draw(&mut Random::new(&[SEED, index]));
                each_signal(&mut piece, |signal| room.add(signal, ROOM_SEND));
            }
            Condition::Dull => {
                // Two in a row: 24 dB per octave.
                each_signal(&mut piece, |signal| {
                    Biquad::low_pass(DULL_HZ, 0.541).run(signal);
                    Biquad::low_pass(DULL_HZ, 1.307).run(signal);
                });
            }
            Condition::Codec => {
                let mut stft = Stft::new(2048, 512);
                let mask = codec_mask(&mut stft, &piece.mix);
                each_signal(&mut piece, |signal| {
                    let spectrum = stft.analyse(signal).masked(mask.iter().copied());
                    *signal = stft.synthesise(&spectrum);
                });
            }
            Condition::Noise => add_residual(&mut piece, |residual, peak| {
                let random = &mut Random::new(&[SEED, index, 1]);
                for sample in residual {
                    *sample += peak * from_db(NOISE_DB) * random.normal();
                }
            }),
            Condition::Music => {
                let hits = piece.hits.clone();
                add_residual(&mut piece, |residual, peak| {
                    add_music(residual, &hits, peak, &mut Random::new(&[SEED, index, 2]));
                });
            }
        }
        Ok(piece)
    }
}

/// Changes the mixture and every stem that is not silent alike.
fn each_signal(piece: &mut Piece, mut change: impl FnMut(&mut Vec<f32>)) {
    for signal in piece.stems.iter_mut().chain([&mut piece.mix]) {
        if signal.iter().any(|sample| *sample != 0.0) {
            change(signal);
        }
    }
}

/// Adds what `fill` makes, given the mixture's peak, to the residual and to the mixture, alike
/// in all channels.
fn add_residual(piece: &mut Piece, fill: impl FnOnce(&mut [f32], f32)) {
    let peak = piece.mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
    let mut added = vec![0.0; piece.length()];
    fill(&mut added, peak);
    let length = added.len().max(1);
    for signal in [&mut piece.stems[RESIDUAL], &mut piece.mix] {
        for channel in signal.chunks_mut(length) {
            channel.iter_mut().zip(&added).for_each(|(s, a)| *s += a);
        }
    }
}

/// `signal` at another rate. Allocates.
///
/// # Errors
/// Absurd rates.
pub fn resampled(signal: &[f32], from_hz: f64, to_hz: f64) -> Result<Vec<f32>> {
    let buffer = AudioBuffer {
        sample_rate_hz: from_hz,
        channels: vec![signal.to_vec()],
    };
    Ok(resample(&buffer, to_hz)?.channels.swap_remove(0))
}

/// 10:1 above −30 dB under the peak with 5 ms attack and 80 ms release, then a
/// soft limit. The gain is found on the mixture and applied to the stems.
fn compress(piece: &mut Piece) {
    const THRESHOLD_DB: f32 = -30.0;
    const SLOPE: f32 = 0.9;
    let rise = 1.0 - (-1.0 / (0.005 * RATE_HZ)).exp();
    let fall = 1.0 - (-1.0 / (0.08 * RATE_HZ)).exp();
    let peak_of = |mix: &[f32]| mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
    let peak = peak_of(&piece.mix);
    let mut level = 0.0_f32;
    let mut gains: Vec<f32> = piece
        .mix
        .iter()
        .map(|sample| {
            let distance = sample.abs() / peak - level;
            level += distance * if distance > 0.0 { rise } else { fall };
            let over_db = 20.0 * level.max(1e-6).log10() - THRESHOLD_DB;
            from_db(-SLOPE * over_db.max(0.0))
        })
        .collect();
    let squashed: Vec<f32> = piece.mix.iter().zip(&gains).map(|(s, g)| s * g).collect();
    // Twice as loud as fits: the curve rounds the peaks off.
    let drive = 2.0 / peak_of(&squashed);
    for (gain, sample) in gains.iter_mut().zip(&squashed) {
        let driven = drive * sample;
        let curve = if driven.abs() < 1e-4 {
            1.0
        } else {
            driven.tanh() / driven
        };
        *gain *= drive * curve * peak;
    }
    each_signal(piece, |signal| {
        signal.iter_mut().zip(&gains).for_each(|(s, g)| *s *= g);
    });
}

/// 1 for the bins that a strong lossy codec would keep, else 0.
fn codec_mask(stft: &mut Stft, mix: &[f32]) -> Vec<f32> {
    let bins = stft.bins();
    let bands = BandMap::new(SAMPLE_RATE_HZ, 2 * (bins - 1));
    let power = stft.analyse(mix).power();
    let masked = from_db(CODEC_MASKED_DB).powi(2);
    let last = (CODEC_HZ / RATE_HZ * (2 * (bins - 1)) as f32) as usize;
    let mut mask = vec![0.0; power.len()];
    let (mut levels, mut expanded) = ([0.0; BAND_COUNT], vec![0.0; bins]);
    for (power, mask) in power.chunks(bins).zip(mask.chunks_mut(bins)) {
        bands.reduce(power, &mut levels);
        bands.expand(&levels, &mut expanded);
        for bin in 0..last.min(bins) {
            let around = &expanded[bin.saturating_sub(3)..(bin + 4).min(bins)];
            let loudest = around.iter().fold(0.0_f32, |loudest, p| loudest.max(*p));
            mask[bin] = f32::from(u8::from(power[bin] >= masked * loudest));
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::held_out_plain;

    #[test]
    fn stems_still_sum_to_the_mixture() {
        let clean = &held_out_plain(None, 1, 2.0).unwrap()[0].piece;
        let energy = |signal: &[f32]| signal.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        for condition in Condition::ALL {
            let piece = condition.apply(clean, 0).unwrap();
            let seconds = piece.mix.len() as f64 / condition.sample_rate_hz();
            assert!((seconds - 2.0).abs() < 1e-3, "{condition:?}");
            let difference: Vec<f32> = (0..piece.mix.len())
                .map(|n| piece.mix[n] - piece.stems.iter().map(|stem| stem[n]).sum::<f32>())
                .collect();
            let error_db = 10.0 * (energy(&difference) / energy(&piece.mix)).log10();
            assert!(error_db < -40.0, "{condition:?}: {error_db} dB");
            let changed = piece.mix != clean.mix;
            assert_eq!(changed, condition != Condition::Clean, "{condition:?}");
        }
    }

    #[test]
    fn compression_lifts_what_is_quiet() {
        let mut mix = vec![0.05_f32; 44_100];
        mix[..4_410].fill(1.0);
        let mut piece = Piece {
            channels: 1,
            mix: mix.clone(),
            stems: std::array::from_fn(|n| {
                if n == 0 {
                    mix.clone()
                } else {
                    vec![0.0; 44_100]
                }
            }),
            hits: Vec::new(),
            kit: 0,
        };
        compress(&mut piece);
        let range_db = 20.0 * (piece.mix[2_000] / piece.mix[40_000]).log10();
        assert!(range_db < 12.0, "26 dB became {range_db} dB");
        assert_eq!(piece.mix, piece.stems[0]);
    }
}
