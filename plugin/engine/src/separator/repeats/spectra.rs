//! Spectra of what is predicted, and how much of them is used.

use multiversion::multiversion;
use realfft::num_complex::Complex32;

use super::{
    super::{BandMasks, OverlapAdd},
    agreement::Agreement,
    voice::Predicted,
};
use crate::{
    drum::DRUM_COUNT,
    front_end::{BAND_COUNT, BandMap},
};

/// How much less of what is left a drum has for being predicted: no prediction is exact,
/// and what it misses is the drum's as well.
const PREDICTED: f32 = 0.5;

/// Spectra of all drums in a frame. Real-time safe after construction.
#[derive(Debug)]
pub struct Spectra {
    /// Per drum and channel: what is predicted, after [`Spectra::settle`] the part of it
    /// that is used.
    drums: Vec<[Vec<Complex32>; 2]>,
    is_active: [bool; DRUM_COUNT],
    agreements: Vec<Agreement>,
    shares: Vec<[f32; BAND_COUNT]>,
    /// Per channel: what is left of the frame.
    rest: [Vec<Complex32>; 2],
    /// Per channel: the sum of all drums.
    sum: [Vec<Complex32>; 2],
    share: Vec<f32>,
    /// Per bin: two values that are compared.
    pairs: Vec<[f32; 2]>,
}

impl Spectra {
    /// For frames of `bins` bins. Allocates.
    pub fn new(bins: usize) -> Spectra {
        let pair = || [(); 2].map(|()| vec![Complex32::default(); bins]);
        Spectra {
            drums: (0..DRUM_COUNT).map(|_| pair()).collect(),
            is_active: [false; DRUM_COUNT],
            agreements: vec![Agreement::default(); DRUM_COUNT],
            shares: vec![[0.0; BAND_COUNT]; DRUM_COUNT],
            rest: pair(),
            sum: pair(),
            share: vec![0.0; bins],
            pairs: vec![[0.0; 2]; bins],
        }
    }

    /// Forgets what was heard.
    pub fn clear(&mut self) {
        self.is_active = [false; DRUM_COUNT];
        self.agreements.fill(Agreement::default());
    }

    /// The part of the frame that `drum` is predicted to be; none if it is not.
    pub fn used(&self, drum: usize) -> Option<&[Vec<Complex32>; 2]> {
        self.is_active[drum].then_some(&self.drums[drum])
    }

    /// Transforms the drums of `predicted` that sound and are `enabled`; false if there
    /// are none.
    pub fn transform(
        &mut self,
        predicted: &Predicted,
        enabled: &[bool; DRUM_COUNT],
        overlap_add: &mut OverlapAdd,
    ) -> bool {
        let window = overlap_add.window_samples();
        for (drum, enabled) in enabled.iter().enumerate() {
            self.is_active[drum] = *enabled && predicted.sounds(drum);
            if self.is_active[drum] {
                let signals = [0, 1].map(|channel| &predicted.signal(drum, channel)[..window]);
                overlap_add.transform(signals, &mut self.drums[drum]);
            }
        }
        self.is_active.contains(&true)
    }

    /// Compares the drums with `frame` (one or two channels), band by band, and keeps of
    /// each the share that agrees. `masks` tell where a drum can be heard.
    pub fn settle(&mut self, frame: &[Vec<Complex32>], map: &BandMap, masks: &[[f32; BAND_COUNT]]) {
        let most = self.most(frame, map);
        for (rest, frame) in self.rest.iter_mut().zip(frame) {
            rest.copy_from_slice(frame);
        }
        for drum in 0..DRUM_COUNT {
            if self.is_active[drum] {
                self.agreements[drum].shares(&mut self.shares[drum]);
                map.expand(&self.shares[drum], &mut self.share);
                self.add_to_rest(drum, -1.0, frame.len());
            }
        }
        for (drum, mask) in masks.iter().enumerate().take(DRUM_COUNT) {
            if !self.is_active[drum] {
                continue;
            }
            // What the others leave.
            map.expand(&self.shares[drum], &mut self.share);
            self.add_to_rest(drum, 1.0, frame.len());
            let (mut common, mut power) = ([0.0; BAND_COUNT], [0.0; BAND_COUNT]);
            self.pairs.fill([0.0; 2]);
            for (rest, own) in self.rest.iter().zip(&self.drums[drum]).take(frame.len()) {
                compare(own, rest, &mut self.pairs);
            }
            map.reduce_all(&self.pairs, [&mut common, &mut power]);
            self.add_to_rest(drum, -1.0, frame.len());
            self.agreements[drum].hear(&common, &power, mask);
        }
        for drum in (0..DRUM_COUNT).filter(|&drum| self.is_active[drum]) {
            self.agreements[drum].shares(&mut self.shares[drum]);
            for (share, most) in self.shares[drum].iter_mut().zip(&most) {
                *share = share.min(*most);
            }
            map.expand(&self.shares[drum], &mut self.share);
            for spectrum in self.drums[drum].iter_mut().take(frame.len()) {
                scale(&self.share, spectrum);
            }
        }
    }

    /// Shares of what is left of the frame, where `masks` are those of the whole; false if
    /// nothing was predicted.
    pub fn divide_rest(&self, masks: &BandMasks, rest: &mut BandMasks) -> bool {
        if !self.is_active.contains(&true) {
            return false;
        }
        *rest = *masks;
        for drum in (0..DRUM_COUNT).filter(|&drum| self.is_active[drum]) {
            for (rest, used) in rest[drum].iter_mut().zip(&self.shares[drum]) {
                *rest *= 1.0 - PREDICTED * used;
            }
        }
        let mut sum = [0.0; BAND_COUNT];
        for shares in rest.iter() {
            for (sum, share) in sum.iter_mut().zip(shares) {
                *sum += share;
            }
        }
        for (rest, masks) in rest.iter_mut().zip(masks) {
            for ((rest, mask), sum) in rest.iter_mut().zip(masks).zip(&sum) {
                *rest = if *sum > 1e-6 { *rest / sum } else { *mask };
            }
        }
        true
    }

    /// No more than is heard can be predicted: a sound that ended early, or was choked,
    /// leaves no ghost.
    fn most(&mut self, frame: &[Vec<Complex32>], map: &BandMap) -> [f32; BAND_COUNT] {
        self.pairs.fill([0.0; 2]);
        for (channel, heard) in frame.iter().enumerate() {
            let sum = &mut self.sum[channel];
            sum.fill(Complex32::default());
            for drum in (0..DRUM_COUNT).filter(|&drum| self.is_active[drum]) {
                add(&self.drums[drum][channel], sum);
            }
            add_powers(heard, sum, &mut self.pairs);
        }
        let (mut heard, mut predicted) = ([0.0; BAND_COUNT], [0.0; BAND_COUNT]);
        map.reduce_all(&self.pairs, [&mut heard, &mut predicted]);
        for (heard, predicted) in heard.iter_mut().zip(&predicted) {
            *heard = (*heard / (predicted + 1e-20)).sqrt().min(1.0);
        }
        heard
    }

    /// Adds `self.share` of `drum`, times `sign`, to the rest.
    fn add_to_rest(&mut self, drum: usize, sign: f32, channels: usize) {
        for (rest, own) in self.rest.iter_mut().zip(&self.drums[drum]).take(channels) {
            add_share(own, &self.share, sign, rest);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add(spectrum: &[Complex32], sum: &mut [Complex32]) {
    for (sum, bin) in sum.iter_mut().zip(spectrum) {
        *sum += bin;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_powers(heard: &[Complex32], sum: &[Complex32], powers: &mut [[f32; 2]]) {
    for (powers, (heard, sum)) in powers.iter_mut().zip(heard.iter().zip(sum)) {
        powers[0] += heard.norm_sqr();
        powers[1] += sum.norm_sqr();
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn scale(shares: &[f32], spectrum: &mut [Complex32]) {
    for (bin, share) in spectrum.iter_mut().zip(shares) {
        *bin *= *share;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_share(own: &[Complex32], share: &[f32], sign: f32, rest: &mut [Complex32]) {
    for ((rest, own), share) in rest.iter_mut().zip(own).zip(share) {
        *rest += own * (sign * share);
    }
}

/// Adds what two spectra have in common, and the power of `own`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn compare(own: &[Complex32], rest: &[Complex32], pairs: &mut [[f32; 2]]) {
    for ([common, power], (rest, own)) in pairs.iter_mut().zip(rest.iter().zip(own)) {
        *common += own.re * rest.re + own.im * rest.im;
        *power += own.norm_sqr();
    }
}
