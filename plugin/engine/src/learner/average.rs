//! The average of many hits, weighted where each of them was clearly heard.
//!
//! Every hit is a spectrogram of the separated drum. A cell counts by the
//! square of the mask there: what one hit hides under another drum, the next
//! one shows. Beside the complex sum, which keeps what hits have in common,
//! the power is averaged, because the noise of a snare or a cymbal differs
//! from hit to hit and would vanish.

use realfft::num_complex::Complex32;

use super::Grid;
use crate::front_end::BAND_COUNT;

/// Weight beyond which old hits fade as new ones come.
const MAX_WEIGHT: f32 = 16.0;

/// One hit, analysed and scaled to unit level.
#[derive(Debug, Default)]
pub struct Spectrogram {
    /// `frames × bins` per channel.
    pub bins: [Vec<Complex32>; 2],
    /// Band power per frame.
    pub power: Vec<[f32; BAND_COUNT]>,
    /// How far each band belongs to the drum, 0 to 1, per frame.
    pub masks: Vec<[f32; BAND_COUNT]>,
}

impl Spectrogram {
    /// Analyses the first `frames` frames of `channels`, whose first sample is
    /// the onset; masks are full. Allocates.
    pub fn of(grid: &mut Grid, channels: [&[f32]; 2], frames: usize) -> Spectrogram {
        let bins = grid.bins();
        let mut made = Spectrogram {
            bins: [(); 2].map(|()| vec![Complex32::default(); frames * bins]),
            power: vec![[0.0; BAND_COUNT]; frames],
            masks: vec![[1.0; BAND_COUNT]; frames],
        };
        for frame in 0..frames {
            let span = frame * bins..(frame + 1) * bins;
            for (spectra, samples) in made.bins.iter_mut().zip(channels) {
                grid.analyse(samples, frame, &mut spectra[span.clone()]);
            }
            let [left, right] = &made.bins;
            let pair = [&left[span.clone()], &right[span]];
            grid.band_power(pair, &mut made.power[frame]);
        }
        made
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.power.len()
    }

    /// Scales amplitudes by `gain`.
    pub fn scale(&mut self, gain: f32) {
        for bin in self.bins.iter_mut().flatten() {
            *bin *= gain;
        }
        for power in self.power.iter_mut().flatten() {
            *power *= gain * gain;
        }
    }
}

/// A frame of several averages together.
#[derive(Debug, Clone)]
pub struct GatheredFrame {
    /// Weighted sum of the spectra, per channel.
    pub sums: [Vec<Complex32>; 2],
    /// Weighted sum of the power per band.
    pub power: [f32; BAND_COUNT],
    /// Sum of the weights per band.
    pub weights: [f32; BAND_COUNT],
    /// Sum of their squares.
    pub squares: [f32; BAND_COUNT],
    /// Sum of the weights with full masks.
    pub reach: f32,
}

impl GatheredFrame {
    /// No evidence. Allocates.
    pub fn new(bins: usize) -> GatheredFrame {
        GatheredFrame {
            sums: [(); 2].map(|()| vec![Complex32::default(); bins]),
            power: [0.0; BAND_COUNT],
            weights: [0.0; BAND_COUNT],
            squares: [0.0; BAND_COUNT],
            reach: 0.0,
        }
    }

    /// How many equal hits a band's mean is as good as: so much softer, in power, is what they
    /// do not have in common in it. At least 1.
    pub fn hits(&self, band: usize) -> f32 {
        let weight = self.weights[band];
        (weight * weight / self.squares[band].max(1e-20)).max(1.0)
    }

    /// Takes frame `frame` of `averages` together.
    pub fn gather(&mut self, averages: &[&Average], frame: usize) {
        let bins = self.sums[0].len();
        for sum in &mut self.sums {
            sum.fill(Complex32::default());
        }
        self.power = [0.0; BAND_COUNT];
        self.weights = [0.0; BAND_COUNT];
        self.squares = [0.0; BAND_COUNT];
        self.reach = 0.0;
        for average in averages.iter().filter(|a| frame < a.frames()) {
            let span = frame * bins..(frame + 1) * bins;
            for (sums, other) in self.sums.iter_mut().zip(&average.sums) {
                for (sum, value) in sums.iter_mut().zip(&other[span.clone()]) {
                    *sum += value;
                }
            }
            for band in 0..BAND_COUNT {
                self.power[band] += average.power[frame][band];
                self.weights[band] += average.weights[frame][band];
                self.squares[band] += average.squares[frame][band];
            }
            self.reach += average.reach[frame];
        }
    }
}

/// Mean band power of the first `frames` frames of `averages`, and the weight
/// that it has.
pub fn mean_spectrum(averages: &[&Average], frames: usize) -> [(f32, f32); BAND_COUNT] {
    let mut sums = [(0.0, 0.0); BAND_COUNT];
    for average in averages {
        let cells = average.power.iter().zip(&average.weights).take(frames);
        for (power, weights) in cells {
            for band in 0..BAND_COUNT {
                sums[band].0 += power[band];
                sums[band].1 += weights[band];
            }
        }
    }
    sums.map(|(power, weight)| (power / weight.max(1e-12), weight))
}

/// Weighted sums over hits.
#[derive(Debug, Default)]
pub struct Average {
    sums: [Vec<Complex32>; 2],
    power: Vec<[f32; BAND_COUNT]>,
    weights: Vec<[f32; BAND_COUNT]>,
    /// Sums of the squared weights.
    squares: Vec<[f32; BAND_COUNT]>,
    /// Weight of the hits that reach each frame, whatever their masks.
    reach: Vec<f32>,
    /// Weight of all hits.
    weight: f32,
    /// Weighted sum of their leads.
    leads_s: f64,
    /// Number of all hits.
    pub hits: u32,
}

impl Average {
    /// Number of frames that any hit reached.
    pub fn frames(&self) -> usize {
        self.power.len()
    }

    /// Weight of all hits.
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// Mean time from where the hits begin to their announced onsets, of all
    /// `averages` together.
    pub fn mean_lead_s(averages: &[&Average]) -> f32 {
        let weight: f32 = averages.iter().map(|average| average.weight).sum();
        let sum: f64 = averages.iter().map(|average| average.leads_s).sum();
        (sum / f64::from(weight.max(1e-6))) as f32
    }

    /// Adds a hit that begins `lead_s` before its announced onset. Allocates as far as it is
    /// longer than those before.
    pub fn add(&mut self, grid: &Grid, hit: &Spectrogram, weight: f32, lead_s: f64) {
        let frames = hit.frames();
        if frames > self.frames() {
            for (sums, bins) in self.sums.iter_mut().zip(&hit.bins) {
                sums.resize(bins.len(), Complex32::default());
            }
            self.power.resize(frames, [0.0; BAND_COUNT]);
            self.weights.resize(frames, [0.0; BAND_COUNT]);
            self.squares.resize(frames, [0.0; BAND_COUNT]);
            self.reach.resize(frames, 0.0);
        }
        if self.weight + weight > MAX_WEIGHT {
            self.fade(MAX_WEIGHT / (self.weight + weight));
        }
        let bins = grid.bins();
        let mut per_bin = vec![0.0; bins];
        for frame in 0..frames {
            let mut cell = [0.0; BAND_COUNT];
            for (cell, mask) in cell.iter_mut().zip(&hit.masks[frame]) {
                *cell = weight * mask * mask;
            }
            grid.expand(&cell, &mut per_bin);
            let sums = self.power[frame].iter_mut().zip(&mut self.weights[frame]);
            for ((power, weights), (cell, heard)) in sums.zip(cell.iter().zip(&hit.power[frame])) {
                *power += cell * heard;
                *weights += cell;
            }
            for (square, cell) in self.squares[frame].iter_mut().zip(&cell) {
                *square += cell * cell;
            }
            self.reach[frame] += weight;
            let span = frame * bins..(frame + 1) * bins;
            for (sums, spectra) in self.sums.iter_mut().zip(&hit.bins) {
                let cells = sums[span.clone()].iter_mut().zip(&spectra[span.clone()]);
                for ((sum, bin), weight) in cells.zip(&per_bin) {
                    *sum += bin * weight;
                }
            }
        }
        self.weight += weight;
        self.leads_s += f64::from(weight) * lead_s;
        self.hits += 1;
    }

    /// Counts hits anew; those so far have `factor` of their weight.
    pub fn start_over(&mut self, factor: f32) {
        self.fade(factor);
        self.hits = 0;
    }

    fn fade(&mut self, factor: f32) {
        for sum in self.sums.iter_mut().flatten() {
            *sum *= factor;
        }
        for value in self.power.iter_mut().chain(&mut self.weights).flatten() {
            *value *= factor;
        }
        for square in self.squares.iter_mut().flatten() {
            *square *= factor * factor;
        }
        for value in &mut self.reach {
            *value *= factor;
        }
        self.weight *= factor;
        self.leads_s *= f64::from(factor);
    }
}
