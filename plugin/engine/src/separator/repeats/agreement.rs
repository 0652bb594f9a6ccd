//! How far a drum's hits agree with the waveform that is predicted, by band.

use multiversion::multiversion;

use crate::front_end::BAND_COUNT;

/// Factor per frame on what earlier frames said.
const MEMORY: f32 = 0.6;
/// A prediction has to agree by this much more than it is used.
const DOUBT: f32 = 0.1;
/// Weights of a band's neighbours.
const NEAR: f32 = 0.5;
const FAR: f32 = 0.25;

/// What prediction and recording have in common, and the prediction's power. Real-time safe
/// throughout.
#[derive(Debug, Clone)]
pub struct Agreement {
    common: [f32; BAND_COUNT],
    power: [f32; BAND_COUNT],
}

impl Default for Agreement {
    fn default() -> Self {
        Agreement {
            common: [0.0; BAND_COUNT],
            power: [0.0; BAND_COUNT],
        }
    }
}

impl Agreement {
    /// Takes a frame: per band the product of prediction and recording, and the
    /// prediction's power, both weighted by how far the band is the drum's.
    pub fn hear(
        &mut self,
        common: &[f32; BAND_COUNT],
        power: &[f32; BAND_COUNT],
        mask: &[f32; BAND_COUNT],
    ) {
        for band in 0..BAND_COUNT {
            self.common[band] = MEMORY * self.common[band] + mask[band] * common[band];
            self.power[band] = MEMORY * self.power[band] + mask[band] * power[band];
        }
    }

    /// The share of the prediction that is used: least squares over the last frames and
    /// the bands around, between 0 and 1.
    pub fn shares(&self, shares: &mut [f32; BAND_COUNT]) {
        agreeing_shares(&self.common, &self.power, shares);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn agreeing_shares(
    common: &[f32; BAND_COUNT],
    power: &[f32; BAND_COUNT],
    shares: &mut [f32; BAND_COUNT],
) {
    let (common, power) = (around(common), around(power));
    for band in 0..BAND_COUNT {
        let share = (common[band] / ((1.0 + DOUBT) * power[band] + 1e-20)).min(1.0);
        shares[band] = if common[band] > 0.0 { share } else { 0.0 };
    }
}

/// Each value with its neighbours.
#[inline(always)]
fn around(values: &[f32; BAND_COUNT]) -> [f32; BAND_COUNT] {
    const EDGE: usize = 2;
    let mut padded = [0.0; BAND_COUNT + 2 * EDGE];
    padded[EDGE..EDGE + BAND_COUNT].copy_from_slice(values);
    std::array::from_fn(|band| {
        let at = |distance: usize, weight: f32| {
            weight * (padded[band + EDGE - distance] + padded[band + EDGE + distance])
        };
        values[band] + at(1, NEAR) + at(2, FAR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agrees_is_used_and_what_does_not_is_not() {
        let mut agreement = Agreement::default();
        let mut shares = [1.0; BAND_COUNT];
        agreement.shares(&mut shares);
        assert_eq!(shares, [0.0; BAND_COUNT]);
        let mut common = [1e-3; BAND_COUNT];
        common[60..].fill(-1e-4);
        for _ in 0..20 {
            agreement.hear(&common, &[1e-3; BAND_COUNT], &[0.5; BAND_COUNT]);
        }
        agreement.shares(&mut shares);
        assert!(shares[..57].iter().all(|&share| share > 0.85), "{shares:?}");
        assert!(shares[63..].iter().all(|&share| share == 0.0), "{shares:?}");
    }
}
