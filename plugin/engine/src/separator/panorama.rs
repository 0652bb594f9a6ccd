//! Where each drum stands between the two channels.
//!
//! Drums of a stereo recording reach the channels in proportions of their own: they are
//! panned, or nearer to one of the overhead microphones. The proportions are learnt
//! while one listens, per stem and band, as a covariance of the channels (Duong, Vincent
//! & Gribonval 2010), with what one channel has later than the other. They tell drums
//! apart that sound alike, and make a two-channel Wiener filter of each drum's masks,
//! which takes a drum in the middle out of one at the side. Where nothing is known yet,
//! all stems are spread alike, and the filter is the mask; mono does not come here.

mod shares;

use multiversion::multiversion;
use realfft::num_complex::Complex32;

use super::BandMasks;
use crate::{
    drum::{DRUM_COUNT, Drum, STEM_COUNT},
    front_end::{BAND_COUNT, BandMap},
    spread::{Bands, Covariance, Spread},
};
pub use shares::LEAST_DETERMINANT;
use shares::{invert, sum_mixture, weigh_shares};

/// Steps in which shares move to the stems that stand where the sound comes from.
const ROUNDS: usize = 2;
/// Frames that count for what is usual in the recording, as long as less is known.
const PRIOR_FRAMES: f32 = 2.0;
/// Frames that count for the mean over all bands of the stem.
const WHOLE_FRAMES: f32 = 1.0;
/// Share of every stem that comes from everywhere: limits how far the filters go.
const DIFFUSE_SHARE: f32 = 0.005;
/// Frames after which older ones fade.
const MOST_FRAMES: f32 = 200.0;
const MOST_USUAL_FRAMES: f32 = 400.0;
/// Factor per frame of the level that counts as loud.
const LEVEL_DECAY: f32 = 0.999;
/// Power relative to that level from which on a frame tells anything.
const LEAST_POWER: f32 = 1e-6;
/// Least weight of a frame that is learnt from.
const LEAST_WEIGHT: f32 = 5e-3;
/// Stems whose proportions are brought up to date per frame.
const SETTLED_AT_ONCE: usize = 2;
/// Frames that a restored kit counts for: hardly any, or another recording's kit would long be
/// believed.
const RESTORED_FRAMES: f32 = 1.0;

/// Follows the proportions of all stems. Real-time safe after construction.
#[derive(Debug)]
pub struct Panorama {
    /// Room for the covariance of every bin.
    values: Vec<[f32; 4]>,
    /// Of the newest frame.
    observed: Spread,
    /// The same, of power 1.
    proportions: Spread,
    inverse: Spread,
    /// What counts as loud.
    level: Bands,
    /// Of the whole recording, and the frames it was learnt from.
    usual: Spread,
    usual_frames: Bands,
    /// Sum of what was heard of each stem.
    heard: Box<[Spread; STEM_COUNT]>,
    /// What follows from it: of power 1.
    spreads: Box<[Spread; STEM_COUNT]>,
    /// Stem whose proportions are brought up to date next.
    next_settled: usize,
    /// Share × proportions of each drum in the newest frame, and the sum of all stems.
    parts: Box<[Spread; DRUM_COUNT]>,
    whole: Spread,
}

impl Panorama {
    /// For spectra of `bins` bins. Allocates.
    pub fn new(bins: usize) -> Panorama {
        Panorama {
            values: vec![[0.0; 4]; bins],
            observed: Spread::NONE,
            proportions: Spread::EVEN,
            inverse: Spread::NONE,
            level: [0.0; BAND_COUNT],
            usual: Spread::EVEN,
            usual_frames: [0.0; BAND_COUNT],
            heard: Box::new([const { Spread::NONE }; STEM_COUNT]),
            spreads: Box::new([const { Spread::EVEN }; STEM_COUNT]),
            next_settled: 0,
            parts: Box::new([const { Spread::NONE }; DRUM_COUNT]),
            whole: Spread::EVEN,
        }
    }

    /// Forgets what was learnt. Real-time safe.
    pub fn forget(&mut self) {
        self.level = [0.0; BAND_COUNT];
        self.usual = Spread::EVEN;
        self.usual_frames = [0.0; BAND_COUNT];
        self.heard.fill(Spread::NONE);
        self.spreads.fill(Spread::EVEN);
        self.next_settled = 0;
    }

    /// Takes `spread` (of any power) for `drum`, as if it had been learnt; what is usual
    /// becomes the mean of what was restored. [`Panorama::settle`] ends it. Real-time
    /// safe.
    pub fn restore(&mut self, drum: Drum, spread: &Spread) {
        for band in 0..BAND_COUNT {
            let power = spread.power(band);
            if power > 1e-20 {
                let proportions = spread.at(band).scaled(1.0 / power);
                self.heard[drum.index()].add(band, RESTORED_FRAMES, proportions);
                self.hear_usual(band, RESTORED_FRAMES, proportions);
            }
        }
    }

    /// Takes the spectra of the next frame and moves the shares in `masks` to the stems
    /// that stand where the sound comes from. Real-time safe.
    pub fn refine(&mut self, spectra: [&[Complex32]; 2], map: &BandMap, masks: &mut BandMasks) {
        Spread::of(spectra, map, &mut self.values, &mut self.observed);
        for (level, band) in self.level.iter_mut().zip(0..) {
            *level = (*level * LEVEL_DECAY).max(self.observed.power(band));
        }
        self.observed.normalise(&mut self.proportions);
        for _ in 0..ROUNDS {
            sum_mixture(masks, &self.spreads, &mut self.whole);
            invert(&self.whole, &mut self.inverse);
            weigh_shares(&self.proportions, &self.inverse, &self.spreads, masks);
        }
        self.share(masks);
    }

    /// Divides the newest frame by `masks` in place of those that [`Panorama::refine`]
    /// left. Real-time safe.
    pub fn share(&mut self, masks: &BandMasks) {
        sum_mixture(masks, &self.spreads, &mut self.whole);
        invert(&self.whole, &mut self.inverse);
        for (part, (mask, spread)) in self.parts.iter_mut().zip(masks.iter().zip(&*self.spreads)) {
            spread.share(mask, part);
        }
    }

    /// Covariance of `drum` (by index) in the newest frame, and that of the mixture: the
    /// filter of the drum is the one × the inverse of the other. Real-time safe.
    pub fn part(&self, drum: usize) -> &Spread {
        &self.parts[drum]
    }

    /// See [`Panorama::part`]. Real-time safe.
    pub fn whole(&self) -> &Spread {
        &self.whole
    }

    /// Learns from the frame that [`Panorama::refine`] took: each stem from what its
    /// filter makes of it, the more it has the band to itself (a step of the EM
    /// algorithm of Duong et al.). Real-time safe.
    pub fn learn(&mut self, masks: &BandMasks) {
        let mut loudness = [0.0; BAND_COUNT];
        for (band, loudness) in loudness.iter_mut().enumerate() {
            let power = self.observed.power(band);
            let level = self.level[band];
            if level > 1e-16 && power > LEAST_POWER * level {
                *loudness = (power / level).sqrt();
                self.hear_usual(band, *loudness, self.proportions.at(band));
            }
        }
        for (stem, mask) in masks.iter().enumerate() {
            hear(
                (mask, &self.spreads[stem]),
                (&self.proportions, &self.inverse, &loudness),
                &mut self.heard[stem],
            );
        }
        for _ in 0..SETTLED_AT_ONCE {
            self.settle_stem(self.next_settled);
            self.next_settled = (self.next_settled + 1) % STEM_COUNT;
        }
    }

    fn hear_usual(&mut self, band: usize, frames: f32, proportions: Covariance) {
        let known = &mut self.usual_frames[band];
        *known = (*known + frames).min(MOST_USUAL_FRAMES);
        let rate = (frames / (*known + 1.0)).min(1.0);
        let usual = self.usual.at(band);
        self.usual.add(band, -rate, usual);
        self.usual.add(band, rate, proportions);
    }

    /// Sets the proportions of all stems. Real-time safe.
    pub fn settle(&mut self) {
        for stem in 0..STEM_COUNT {
            self.settle_stem(stem);
        }
    }

    /// Proportions of `stem` from what was heard of it, on the whole and band by band,
    /// and what is usual.
    fn settle_stem(&mut self, stem: usize) {
        settle(&mut self.heard[stem], &self.usual, &mut self.spreads[stem]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn settle(heard: &mut Spread, usual: &Spread, spread: &mut Spread) {
    let whole = heard.whole();
    let frames = whole.power() / BAND_COUNT as f32;
    let trust = WHOLE_FRAMES * frames.min(1.0) / whole.power().max(1e-9);
    let mut sum = Spread::NONE;
    for band in 0..BAND_COUNT {
        let excess = heard.power(band) / MOST_FRAMES;
        // For all bands, without branches.
        let kept = if excess > 1.0 { 1.0 / excess } else { 1.0 };
        heard.set(band, heard.at(band).scaled(kept));
        sum.add(band, 1.0, heard.at(band));
        sum.add(band, PRIOR_FRAMES, usual.at(band));
        sum.add(band, trust, whole);
        sum.set(
            band,
            sum.at(band).scaled((1.0 - DIFFUSE_SHARE) / sum.power(band)),
        );
        sum.add(band, DIFFUSE_SHARE, Spread::EVEN.at(band));
    }
    *spread = sum;
}

/// Adds what the filter of a stem, with a share and proportions of its own, makes of a
/// frame to `heard`; the frame is `observed`, its mixture's inverse covariance `inverse`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn hear(
    (mask, spread): (&Bands, &Spread),
    (observed, inverse, loudness): (&Spread, &Spread, &Bands),
    heard: &mut Spread,
) {
    for band in 0..BAND_COUNT {
        let share = mask[band];
        let weight = loudness[band] * share * share;
        let own = spread.at(band).scaled(share);
        let new = own.posterior(inverse.at(band), observed.at(band));
        let rate = weight / new.power().max(1e-20);
        // Computed for all bands and taken for some: without branches.
        let mut sum = heard.at(band);
        if weight >= LEAST_WEIGHT {
            sum.left += rate * new.left;
            sum.right += rate * new.right;
            sum.both.re += rate * new.both.re;
            sum.both.im += rate * new.both.im;
        }
        heard.set(band, sum);
    }
}

#[cfg(test)]
mod tests;
