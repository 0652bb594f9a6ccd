//! Non-negative matrix factor deconvolution (Smaragdis 2004): the spectrogram
//! as a sum over classes of templates that activations trigger.

use idm_engine::front_end::{BAND_COUNT, BandMap};

use super::stft::{Spectrogram, Stft};

/// Samples of a template's frame.
pub const HOP: usize = 512;
const WINDOW: usize = 1024 * 2;
/// Frames of a template: 0.74 s.
pub const TEMPLATE_FRAMES: usize = 64;
/// Times the updates are repeated.
const ITERATIONS: usize = 40;
/// Share of the start that templates keep to the end: without it, classes that
/// are not played turn into whatever is.
const HELD: f32 = 0.5;
/// Price of free activations (an L1 penalty), relative to the sum of their template: less of what
/// other classes play goes into a class.
const PRICE: f32 = 0.3;
/// Keeps divisions finite.
const TINY: f32 = 1e-9;

/// Band magnitudes over time of one class, `(TEMPLATE_FRAMES, 128)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(pub Vec<f32>);

/// The transform and bands that templates and mixtures share.
#[derive(Debug)]
pub struct Analysis {
    stft: Stft,
    bands: BandMap,
}

impl Default for Analysis {
    fn default() -> Self {
        Analysis::new()
    }
}

impl Analysis {
    /// Plans the transform. Allocates.
    pub fn new() -> Analysis {
        Analysis {
            stft: Stft::new(WINDOW, HOP),
            bands: BandMap::new(crate::kits::SAMPLE_RATE_HZ, WINDOW),
        }
    }

    /// The complex spectrogram and its band magnitudes `(frames, 128)`.
    pub fn analyse(&mut self, signal: &[f32]) -> (Spectrogram, Vec<f32>) {
        let spectrogram = self.stft.analyse(signal);
        let power = spectrogram.power();
        let mut magnitudes = Vec::with_capacity(power.len() / self.stft.bins() * BAND_COUNT);
        let mut row = [0.0; BAND_COUNT];
        for power in power.chunks(self.stft.bins()) {
            self.bands.reduce(power, &mut row);
            magnitudes.extend(row.iter().map(|power| power.sqrt()));
        }
        (spectrogram, magnitudes)
    }

    /// The mixture through power-ratio masks of the classes' magnitudes, one
    /// signal per class.
    pub fn separate(&mut self, mixture: &Spectrogram, models: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut sum = vec![TINY * TINY; models.first().map_or(0, Vec::len)];
        for model in models {
            for (sum, value) in sum.iter_mut().zip(model) {
                *sum += value * value;
            }
        }
        let bins = self.stft.bins();
        models
            .iter()
            .map(|model| {
                let mut mask = vec![0.0; mixture.values.len()];
                let mut row = [0.0; BAND_COUNT];
                for (frame, mask) in mask.chunks_mut(bins).enumerate() {
                    for (band, row) in row.iter_mut().enumerate() {
                        let cell = frame * BAND_COUNT + band;
                        *row = model[cell] * model[cell] / sum[cell];
                    }
                    self.bands.expand(&row, mask);
                }
                self.stft.synthesise(&mixture.masked(mask.into_iter()))
            })
            .collect()
    }
}

/// What one class may do.
#[derive(Debug, Clone)]
struct Component {
    initial: Vec<f32>,
    template: Vec<f32>,
    /// Activation per frame.
    activation: Vec<f32>,
}

/// A factorisation in progress.
#[derive(Debug)]
pub struct Nmfd {
    components: Vec<Component>,
    /// Magnitudes to explain, `(frames, 128)`.
    target: Vec<f32>,
    frames: usize,
    adapt: bool,
    /// [`PRICE`], or nothing where the onsets are known.
    price: f32,
}

impl Nmfd {
    /// Explains `target` (`(frames, 128)`) by `templates`. With `onset_frames`
    /// (per class) activations are zero elsewhere; without they are free and have a price. With
    /// `adapt` the templates move from their start half-way toward the mixture,
    /// at first hardly. Allocates.
    pub fn new(
        target: Vec<f32>,
        templates: &[Template],
        onset_frames: Option<&[Vec<usize>]>,
        adapt: bool,
    ) -> Nmfd {
        let frames = target.len() / BAND_COUNT;
        let mean = target.iter().sum::<f32>() / frames.max(1) as f32;
        let components = templates
            .iter()
            .enumerate()
            .map(|(class, template)| {
                let size = template.0.iter().sum::<f32>().max(TINY);
                let start = mean / (size * templates.len() as f32);
                let activation = match onset_frames {
                    None => vec![start; frames],
                    Some(onset_frames) => {
                        let mut activation = vec![0.0; frames];
                        for &frame in &onset_frames[class] {
                            if let Some(value) = activation.get_mut(frame) {
                                *value = 10.0 * start;
                            }
                        }
                        activation
                    }
                };
                Component {
                    initial: template.0.clone(),
                    template: template.0.clone(),
                    activation,
                }
            })
            .collect();
        Nmfd {
            components,
            target,
            frames,
            adapt,
            price: if onset_frames.is_none() { PRICE } else { 0.0 },
        }
    }

    /// Multiplicative updates for the Kullback-Leibler divergence; returns each
    /// class's magnitudes, `(frames, 128)`. Allocates.
    pub fn run(mut self) -> Vec<Vec<f32>> {
        for iteration in 0..ITERATIONS {
            let ratio = self.ratio();
            self.update_activations(&ratio);
            if self.adapt {
                let ratio = self.ratio();
                let progress = iteration as f32 / ITERATIONS as f32;
                self.update_templates(&ratio, HELD.max((1.0 - progress).powi(4)));
            }
        }
        self.components
            .iter()
            .map(|component| self.model_of(component))
            .collect()
    }

    fn model_of(&self, component: &Component) -> Vec<f32> {
        let mut model = vec![0.0; self.frames * BAND_COUNT];
        for (onset, &gain) in component.activation.iter().enumerate() {
            if gain < TINY {
                continue;
            }
            let model = &mut model[onset * BAND_COUNT..];
            for (sum, value) in model.iter_mut().zip(&component.template) {
                *sum += gain * value;
            }
        }
        model
    }

    /// Target over model.
    fn ratio(&self) -> Vec<f32> {
        let mut sum = vec![TINY; self.frames * BAND_COUNT];
        for component in &self.components {
            for (sum, value) in sum.iter_mut().zip(self.model_of(component)) {
                *sum += value;
            }
        }
        self.target
            .iter()
            .zip(&sum)
            .map(|(target, sum)| target / sum)
            .collect()
    }

    fn update_activations(&mut self, ratio: &[f32]) {
        for component in &mut self.components {
            let price = self.price * component.template.iter().sum::<f32>();
            for (onset, gain) in component.activation.iter_mut().enumerate() {
                if *gain < TINY {
                    continue;
                }
                let ratio = &ratio[onset * BAND_COUNT..];
                let (mut wanted, mut had) = ([0.0_f32; 8], TINY);
                let length = ratio.len().min(component.template.len());
                for (ratio, template) in ratio[..length]
                    .chunks_exact(8)
                    .zip(component.template.chunks_exact(8))
                {
                    for lane in 0..8 {
                        wanted[lane] += ratio[lane] * template[lane];
                    }
                }
                had += component.template[..length].iter().sum::<f32>();
                *gain *= wanted.iter().sum::<f32>() / (had + price);
            }
        }
    }

    /// One update, then `hold` of the start is mixed in again.
    fn update_templates(&mut self, ratio: &[f32], hold: f32) {
        for component in &mut self.components {
            let played: f32 = component.activation.iter().sum::<f32>() + TINY;
            let mut wanted = vec![0.0_f32; component.template.len()];
            for (onset, &gain) in component.activation.iter().enumerate() {
                if gain < TINY {
                    continue;
                }
                for (wanted, ratio) in wanted.iter_mut().zip(&ratio[onset * BAND_COUNT..]) {
                    *wanted += gain * ratio;
                }
            }
            for ((value, wanted), initial) in component
                .template
                .iter_mut()
                .zip(&wanted)
                .zip(&component.initial)
            {
                let free = *value * wanted / played;
                *value = hold * initial + (1.0 - hold) * free;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two decaying lines in different bands, hit in turn and together.
    #[test]
    fn two_classes_come_apart() {
        let template = |band: usize| {
            let mut values = vec![1e-4; TEMPLATE_FRAMES * BAND_COUNT];
            for frame in 0..TEMPLATE_FRAMES {
                let fall = (-(frame as f32) / 8.0).exp();
                values[frame * BAND_COUNT + band] = fall;
                values[frame * BAND_COUNT + 60] = 0.5 * fall;
            }
            Template(values)
        };
        let templates = [template(10), template(90)];
        let frames = 120;
        let mut stems = [
            vec![0.0; frames * BAND_COUNT],
            vec![0.0; frames * BAND_COUNT],
        ];
        for (class, onset) in [(0, 5), (1, 40), (0, 80), (1, 80)] {
            for (sum, value) in stems[class][onset * BAND_COUNT..]
                .iter_mut()
                .zip(&templates[class].0)
            {
                *sum += value;
            }
        }
        let mixture: Vec<f32> = stems[0].iter().zip(&stems[1]).map(|(a, b)| a + b).collect();
        for adapt in [false, true] {
            let models = Nmfd::new(mixture.clone(), &templates, None, adapt).run();
            for (stem, model) in stems.iter().zip(&models) {
                let error: f32 = stem.iter().zip(model).map(|(s, m)| (s - m).abs()).sum();
                let size: f32 = stem.iter().sum();
                assert!(error < 0.25 * size, "adapt {adapt}: {error} of {size}");
            }
        }
        let onsets = [vec![5, 80], vec![40, 80]];
        let models = Nmfd::new(mixture, &templates, Some(&onsets), false).run();
        let error: f32 = stems[0]
            .iter()
            .zip(&models[0])
            .map(|(s, m)| (s - m).abs())
            .sum();
        assert!(error < 0.02 * stems[0].iter().sum::<f32>(), "{error}");
    }
}
