//! Analysis by synthesis with known hits: the band spectrogram of a mixture
//! as a sum of templates that the annotated hits trigger.
//!
//! This is non-negative matrix factor deconvolution (Smaragdis 2004) in which
//! activations exist only where a hit is annotated (teacher forcing, as IDM
//! trains its decoder), every class has one template, and templates start at
//! those of other kits, which count like a few hits (a Gamma prior).

use idm_engine::{
    drum::{DRUM_COUNT, Drum, RESIDUAL, STEM_COUNT},
    front_end::BAND_COUNT,
};
use multiversion::multiversion;

/// Keeps divisions finite; magnitudes of audible bands are above 1e-4.
const TINY: f32 = 1e-7;
/// Frames over which a choked sound fades.
const CHOKE_FRAMES: usize = 4;

/// A hit as the explanation needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// Frame of the onset, as [`idm_engine::front_end::Framing::frame_at`]
    /// counts.
    pub frame: usize,
    /// What is struck.
    pub drum: Drum,
}

/// Band magnitudes of every class, `(frames, BAND_COUNT)` each; frame 1 is the
/// frame of the onset.
pub type ClassTemplates = [Vec<f32>; DRUM_COUNT];

/// How a mixture is explained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExplainSettings {
    /// Rounds in which only gains move.
    pub gain_rounds: usize,
    /// Rounds in which templates move as well.
    pub template_rounds: usize,
    /// Average hits that the start templates count as.
    pub prior_hits: f32,
    /// Exponent of the shares: 2 for power ratios.
    pub exponent: f32,
    /// How much of what is not explained is noise of the estimate rather than
    /// another sound: power up to this multiple of the model is the drums'.
    pub tolerance: f32,
}

impl Default for ExplainSettings {
    fn default() -> Self {
        ExplainSettings {
            gain_rounds: 8,
            template_rounds: 20,
            prior_hits: 1.0,
            exponent: 2.0,
            tolerance: 3.0,
        }
    }
}

/// A mixture as the sum of its drums and a rest.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Estimated power of each stem, the residual last,
    /// `(frames, STEM_COUNT, BAND_COUNT)`.
    pub powers: Vec<f32>,
    /// Templates after adaptation.
    pub templates: ClassTemplates,
    /// Gain of each stroke on its template.
    pub gains: Vec<f32>,
}

/// One stroke's place in the spectrogram.
#[derive(Debug, Clone, Copy)]
struct Span {
    class: usize,
    /// First cell of the mixture and of the template.
    mixture: usize,
    template: usize,
    cells: usize,
    /// Cells from which on it fades.
    sounding: usize,
}

/// An explanation in progress.
struct Fit<'a> {
    target: &'a [f32],
    spans: Vec<Span>,
    gains: Vec<f32>,
    start: &'a ClassTemplates,
    templates: ClassTemplates,
    ratio: Vec<f32>,
}

/// Explains `mix_power` (`(frames, BAND_COUNT)`) by `strokes` (in order of
/// time) on drums that sound more or less like `start`. Deterministic.
/// Allocates; takes a tenth of the mixture's duration or less.
pub fn explain(
    mix_power: &[f32],
    strokes: &[Stroke],
    start: &ClassTemplates,
    settings: &ExplainSettings,
) -> Explanation {
    let target: Vec<f32> = mix_power
        .iter()
        .map(|power| power.max(0.0).sqrt())
        .collect();
    let spans = spans(strokes, start, target.len());
    let mut fit = Fit {
        gains: first_gains(&spans, start, &target),
        target: &target,
        spans,
        start,
        templates: start.clone(),
        ratio: vec![0.0; target.len()],
    };
    for _ in 0..settings.gain_rounds {
        fit.update_ratio();
        fit.update_gains();
    }
    for _ in 0..settings.template_rounds {
        fit.update_ratio();
        fit.update_templates(settings.prior_hits);
        fit.update_ratio();
        fit.update_gains();
    }
    Explanation {
        powers: stem_powers(&fit, mix_power, settings),
        templates: fit.templates,
        gains: fit.gains,
    }
}

fn spans(strokes: &[Stroke], start: &ClassTemplates, cells: usize) -> Vec<Span> {
    let frames = cells / BAND_COUNT;
    let span = |(index, stroke): (usize, &Stroke)| {
        let class = stroke.drum.index();
        // The template begins one frame before the frame of the onset.
        let (first, skipped) = match stroke.frame.checked_sub(1) {
            Some(first) => (first, 0),
            None => (0, 1),
        };
        // The mixture may end with half a hop in which something is struck.
        let first = first.min(frames);
        let length = (start[class].len() / BAND_COUNT).saturating_sub(skipped);
        let mut length = length.min(frames.saturating_sub(first));
        let choke = stroke.drum.choked_by().and_then(|drum| {
            let mut later = strokes[index + 1..].iter();
            later.find(|later| later.drum == drum)
        });
        let mut sounding = length;
        if let Some(choke) = choke {
            sounding = length.min((choke.frame.saturating_sub(1)).saturating_sub(first));
            length = length.min(sounding + CHOKE_FRAMES);
        }
        Span {
            class,
            mixture: first * BAND_COUNT,
            template: skipped * BAND_COUNT,
            cells: length * BAND_COUNT,
            sounding: sounding * BAND_COUNT,
        }
    };
    strokes.iter().enumerate().map(span).collect()
}

/// Gains with which each stroke alone would be as loud as the mixture around
/// its onset.
fn first_gains(spans: &[Span], start: &ClassTemplates, target: &[f32]) -> Vec<f32> {
    const FRAMES: usize = 8;
    let gain = |span: &Span| {
        let cells = span.cells.min(FRAMES * BAND_COUNT);
        let heard: f32 = target[span.mixture..][..cells].iter().sum();
        let own: f32 = start[span.class][span.template..][..cells].iter().sum();
        heard / own.max(TINY)
    };
    spans.iter().map(gain).collect()
}

/// `sum += gain · values`.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
fn add_scaled(sum: &mut [f32], values: &[f32], gain: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += gain * value;
    }
}

/// Dot product and sum of `values`.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
fn dot_and_sum(ratio: &[f32], values: &[f32]) -> (f32, f32) {
    const LANES: usize = 16;
    let (mut dot, mut sum) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    // Rows of bands are multiples of the lanes: nothing is left over.
    for (ratio, values) in ratio.chunks_exact(LANES).zip(values.chunks_exact(LANES)) {
        for lane in 0..LANES {
            dot[lane] += ratio[lane] * values[lane];
            sum[lane] += values[lane];
        }
    }
    (dot.iter().sum(), sum.iter().sum())
}

#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma", "aarch64+neon"))]
fn divide(target: &[f32], model: &mut [f32]) {
    for (model, target) in model.iter_mut().zip(target) {
        *model = target / (*model + TINY);
    }
}

/// The parts of a span: offset in cells, cells and factor of the gain.
fn parts(span: &Span) -> impl Iterator<Item = (usize, usize, f32)> {
    let fading = span.cells - span.sounding.min(span.cells);
    let sounding = span.cells - fading;
    let fade = (0..fading / BAND_COUNT).map(move |n| {
        let level = 0.5_f32.powi(n as i32 + 1);
        (sounding + n * BAND_COUNT, BAND_COUNT, level)
    });
    std::iter::once((0, sounding, 1.0)).chain(fade)
}

impl Fit<'_> {
    /// Adds the model of the strokes of `class` (of all if `None`).
    fn add_model(&self, model: &mut [f32], class: Option<usize>) {
        for (span, &gain) in self.spans.iter().zip(&self.gains) {
            if class.is_some_and(|class| class != span.class) {
                continue;
            }
            let template = &self.templates[span.class][span.template..];
            for (offset, cells, factor) in parts(span) {
                add_scaled(
                    &mut model[span.mixture + offset..][..cells],
                    &template[offset..][..cells],
                    gain * factor,
                );
            }
        }
    }

    /// Target over model.
    fn update_ratio(&mut self) {
        let mut ratio = std::mem::take(&mut self.ratio);
        ratio.fill(0.0);
        self.add_model(&mut ratio, None);
        divide(self.target, &mut ratio);
        self.ratio = ratio;
    }

    /// Multiplicative update for the Kullback-Leibler divergence.
    fn update_gains(&mut self) {
        for (span, gain) in self.spans.iter().zip(&mut self.gains) {
            let template = &self.templates[span.class][span.template..];
            let (mut wanted, mut had) = (0.0, TINY);
            for (offset, cells, factor) in parts(span) {
                let ratio = &self.ratio[span.mixture + offset..][..cells];
                let (dot, sum) = dot_and_sum(ratio, &template[offset..][..cells]);
                wanted += factor * dot;
                had += factor * sum;
            }
            *gain *= wanted / had;
        }
    }

    /// The same for templates, with a start that counts as `prior_hits` hits
    /// of average gain. Cells that no stroke reaches keep to the start.
    fn update_templates(&mut self, prior_hits: f32) {
        for class in 0..DRUM_COUNT {
            let members = || {
                let all = self.spans.iter().zip(&self.gains);
                all.filter(move |(span, _)| span.class == class)
            };
            let count = members().count();
            if count == 0 {
                continue;
            }
            let mean = members().map(|(_, gain)| gain).sum::<f32>() / count as f32;
            let prior = (prior_hits * mean).max(TINY);
            let size = self.templates[class].len();
            let mut wanted = vec![0.0_f32; size];
            let mut played = vec![prior; size];
            for (span, &gain) in members() {
                for (offset, cells, factor) in parts(span) {
                    let own = span.template + offset..span.template + offset + cells;
                    let ratio = &self.ratio[span.mixture + offset..][..cells];
                    add_scaled(&mut wanted[own.clone()], ratio, gain * factor);
                    played[own].iter_mut().for_each(|sum| *sum += gain * factor);
                }
            }
            let cells = self.templates[class].iter_mut().zip(&self.start[class]);
            for ((value, start), (wanted, played)) in cells.zip(wanted.iter().zip(&played)) {
                *value = (prior * start + *value * wanted) / played;
            }
        }
    }
}

/// Powers of the stems; what the drums do not explain is the residual's.
fn stem_powers(fit: &Fit<'_>, mix_power: &[f32], settings: &ExplainSettings) -> Vec<f32> {
    let frames = mix_power.len() / BAND_COUNT;
    let mut powers = vec![0.0; frames * STEM_COUNT * BAND_COUNT];
    let mut sum = vec![0.0_f32; mix_power.len()];
    let mut model = vec![0.0_f32; mix_power.len()];
    for class in 0..DRUM_COUNT {
        if !fit.spans.iter().any(|span| span.class == class) {
            continue;
        }
        model.fill(0.0);
        fit.add_model(&mut model, Some(class));
        for frame in 0..frames {
            let row = &model[frame * BAND_COUNT..][..BAND_COUNT];
            let power = &mut powers[(frame * STEM_COUNT + class) * BAND_COUNT..][..BAND_COUNT];
            for ((power, value), sum) in power
                .iter_mut()
                .zip(row)
                .zip(&mut sum[frame * BAND_COUNT..])
            {
                *power = value.powf(settings.exponent);
                *sum += *power;
            }
        }
    }
    // The residual has the share of the mixture (smoothed, so that the
    // fluctuation of noise does not look like another sound) that the model
    // lacks.
    let heard = smooth(mix_power);
    let modelled: Vec<f32> = {
        model.fill(0.0);
        fit.add_model(&mut model, None);
        smooth(
            &model
                .iter()
                .map(|value| value * value)
                .collect::<Vec<f32>>(),
        )
    };
    for frame in 0..frames {
        let row = frame * BAND_COUNT..(frame + 1) * BAND_COUNT;
        let residual = &mut powers[(frame * STEM_COUNT + RESIDUAL) * BAND_COUNT..][..BAND_COUNT];
        let cells = heard[row.clone()].iter().zip(&modelled[row.clone()]);
        for ((residual, (heard, modelled)), sum) in residual.iter_mut().zip(cells).zip(&sum[row]) {
            let explained = settings.tolerance * modelled / heard.max(TINY * TINY);
            *residual = if explained >= 1.0 {
                0.0
            } else if *sum > 0.0 {
                // share r of the whole: r / (1 − r) of the drums' sum.
                sum * (1.0 - explained) / explained.max(1e-4)
            } else {
                1.0
            };
        }
    }
    powers
}

/// Mean over 9 frames and 5 bands around each cell.
fn smooth(values: &[f32]) -> Vec<f32> {
    const FRAMES: usize = 4;
    const BANDS: usize = 2;
    let frames = values.len() / BAND_COUNT;
    let mut across = vec![0.0; values.len()];
    for (row, out) in values
        .chunks_exact(BAND_COUNT)
        .zip(across.chunks_exact_mut(BAND_COUNT))
    {
        for (band, out) in out.iter_mut().enumerate() {
            let near = &row[band.saturating_sub(BANDS)..(band + BANDS + 1).min(BAND_COUNT)];
            *out = near.iter().sum::<f32>() / near.len() as f32;
        }
    }
    let mut smoothed = vec![0.0; values.len()];
    for (frame, out) in smoothed.chunks_exact_mut(BAND_COUNT).enumerate() {
        let near = frame.saturating_sub(FRAMES)..(frame + FRAMES + 1).min(frames);
        let scale = 1.0 / near.len() as f32;
        for row in across[near.start * BAND_COUNT..near.end * BAND_COUNT].chunks_exact(BAND_COUNT) {
            add_scaled(out, row, scale);
        }
    }
    smoothed
}

#[cfg(test)]
mod tests;
