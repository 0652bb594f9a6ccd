//! Frequency bands: single FFT bins at the bottom, logarithmic above.

/// Number of bands of the short window.
pub const BAND_COUNT: usize = 128;
/// Number of low bands of the long window.
pub const LOW_BAND_COUNT: usize = 32;

/// Spacing of the bottom bands: one bin of a 1024-point FFT at 44.1 kHz.
const LINEAR_SPACING_HZ: f64 = 44_100.0 / 1024.0;
/// Number of bands before the spacing grows in proportion to frequency.
/// 37.6 of 128 put the topmost band at 18 kHz.
const LINEAR_BANDS: f64 = 37.6;
/// Spacing of the low bands: one bin of a 4096-point FFT at 44.1 kHz.
const LOW_SPACING_HZ: f64 = 44_100.0 / 4096.0;

/// Centre frequency of band `band`, also for fractional and border positions.
pub fn band_centre_hz(band: f64) -> f64 {
    let position = band + 1.0;
    if position <= LINEAR_BANDS {
        LINEAR_SPACING_HZ * position
    } else {
        LINEAR_SPACING_HZ * LINEAR_BANDS * ((position - LINEAR_BANDS) / LINEAR_BANDS).exp()
    }
}

/// Centre frequency of low band `band`.
pub fn low_band_centre_hz(band: f64) -> f64 {
    LOW_SPACING_HZ * (band + 2.0)
}

/// Position on the band scale of a frequency: the inverse of [`band_centre_hz`].
fn band_position(frequency_hz: f64) -> f64 {
    let ratio = frequency_hz / LINEAR_SPACING_HZ;
    let position = if ratio <= LINEAR_BANDS {
        ratio
    } else {
        LINEAR_BANDS + LINEAR_BANDS * (ratio / LINEAR_BANDS).ln()
    };
    position - 1.0
}

/// Sparse map between FFT bins and bands.
///
/// Band power is a weighted *mean* of the bins' power (weights sum to one), so
/// values do not depend on how many bins a band holds. Bands whose centre lies
/// above Nyquist are empty.
#[derive(Debug, Clone)]
pub struct BandMap {
    /// Per band: first bin and range of `weights`.
    rows: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f32>,
    /// Bins between the same two bands: the lower band and the bins.
    runs: Vec<(usize, std::ops::Range<usize>)>,
    /// Per bin: the share of the upper band.
    shares: Vec<f32>,
}

impl BandMap {
    /// The [`BAND_COUNT`] bands over the bins of a real FFT of `fft_samples`
    /// points. Allocates.
    pub fn new(sample_rate_hz: f64, fft_samples: usize) -> BandMap {
        BandMap::with_centres(sample_rate_hz, fft_samples, BAND_COUNT, band_centre_hz)
    }

    /// The [`LOW_BAND_COUNT`] low bands. Allocates.
    pub fn low(sample_rate_hz: f64, fft_samples: usize) -> BandMap {
        BandMap::with_centres(
            sample_rate_hz,
            fft_samples,
            LOW_BAND_COUNT,
            low_band_centre_hz,
        )
    }

    fn with_centres(
        sample_rate_hz: f64,
        fft_samples: usize,
        bands: usize,
        centre_hz: fn(f64) -> f64,
    ) -> BandMap {
        let bin_hz = sample_rate_hz / fft_samples as f64;
        let bins = fft_samples / 2 + 1;
        let nyquist_hz = sample_rate_hz / 2.0;
        let mut rows = Vec::with_capacity(bands);
        let mut weights = Vec::new();
        for band in 0..bands {
            let centre = centre_hz(band as f64);
            let start = weights.len();
            if centre > nyquist_hz {
                rows.push((0, start..start));
                continue;
            }
            // A triangle no narrower than one bin to each side: linear
            // interpolation between bins where bands are as fine as bins.
            let below = (centre - centre_hz(band as f64 - 1.0)).max(bin_hz);
            let above = (centre_hz(band as f64 + 1.0) - centre).max(bin_hz);
            let first = (((centre - below) / bin_hz).floor().max(0.0) as usize).min(bins - 1);
            let last = (((centre + above) / bin_hz).ceil() as usize).min(bins - 1);
            let triangle = |bin: usize| {
                let distance = bin as f64 * bin_hz - centre;
                let width = if distance < 0.0 { below } else { above };
                (1.0 - distance.abs() / width).max(0.0)
            };
            let sum: f64 = (first..=last).map(triangle).sum();
            weights.extend((first..=last).map(|bin| (triangle(bin) / sum.max(1e-12)) as f32));
            rows.push((first, start..weights.len()));
        }
        let mut runs: Vec<(usize, std::ops::Range<usize>)> = Vec::new();
        let mut shares = Vec::with_capacity(bins);
        for bin in 0..bins {
            let position = band_position(bin as f64 * bin_hz).clamp(0.0, (bands - 1) as f64);
            let lower = (position.floor() as usize).min(bands.saturating_sub(2));
            shares.push((position - lower as f64) as f32);
            match runs.last_mut() {
                Some((band, run)) if *band == lower => run.end = bin + 1,
                _ => runs.push((lower, bin..bin + 1)),
            }
        }
        BandMap {
            rows,
            weights,
            runs,
            shares,
        }
    }

    /// Number of FFT bins.
    pub fn bins(&self) -> usize {
        self.shares.len()
    }

    /// Mean power per band. `power` has one value per bin, `bands` one per
    /// band. Real-time safe.
    pub fn reduce(&self, power: &[f32], bands: &mut [f32]) {
        for (band, (first, range)) in bands.iter_mut().zip(&self.rows) {
            let weights = &self.weights[range.clone()];
            let bins = &power[*first..*first + weights.len()];
            *band = weights.iter().zip(bins).map(|(w, p)| w * p).sum();
        }
    }

    /// [`BandMap::reduce`] of `COUNT` values per bin at once. Real-time safe.
    pub fn reduce_all<const COUNT: usize>(
        &self,
        values: &[[f32; COUNT]],
        mut bands: [&mut [f32]; COUNT],
    ) {
        for (band, (first, range)) in self.rows.iter().enumerate() {
            let mut sums = [0.0; COUNT];
            let weights = &self.weights[range.clone()];
            for (values, weight) in values[*first..].iter().zip(weights) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weight * value;
                }
            }
            for (bands, sum) in bands.iter_mut().zip(sums) {
                bands[band] = sum;
            }
        }
    }

    /// Band values interpolated to bins. Only meaningful for the bands of
    /// [`BandMap::new`]. Real-time safe.
    pub fn expand(&self, bands: &[f32], bins: &mut [f32]) {
        for (lower, run) in &self.runs {
            let below = bands[*lower];
            let step = bands[lower + 1] - below;
            let shares = &self.shares[run.clone()];
            for (bin, share) in bins[run.clone()].iter_mut().zip(shares) {
                *bin = below + share * step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_reach_from_43_hz_to_18_khz() {
        assert!((band_centre_hz(0.0) - 43.07).abs() < 0.1);
        let top = band_centre_hz((BAND_COUNT - 1) as f64);
        assert!((17_500.0..18_500.0).contains(&top), "{top}");
        for band in 0..BAND_COUNT {
            let there_and_back = band_position(band_centre_hz(band as f64));
            assert!((there_and_back - band as f64).abs() < 1e-6);
        }
    }

    #[test]
    fn white_power_stays_white_at_every_rate() {
        for rate in [8_000.0, 44_100.0, 48_000.0, 192_000.0] {
            let fft = crate::front_end::Framing::for_rate(rate)
                .unwrap()
                .window_samples;
            let map = BandMap::new(rate, fft);
            let mut bands = [0.0; BAND_COUNT];
            map.reduce(&vec![1.0; fft / 2 + 1], &mut bands);
            for (band, value) in bands.iter().enumerate() {
                let expected = if band_centre_hz(band as f64) > rate / 2.0 {
                    0.0
                } else {
                    1.0
                };
                assert!(
                    (value - expected).abs() < 1e-5,
                    "{rate} Hz band {band}: {value}"
                );
            }
        }
    }

    #[test]
    fn expanding_constant_bands_is_constant() {
        let map = BandMap::new(44_100.0, 1024);
        let mut bins = vec![0.0; map.bins()];
        map.expand(&[0.25; BAND_COUNT], &mut bins);
        assert!(bins.iter().all(|bin| (bin - 0.25).abs() < 1e-6));
    }
}
