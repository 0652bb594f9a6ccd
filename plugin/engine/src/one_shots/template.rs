//! What a one-shot looks like in the bands of the front end.

use crate::front_end::{BAND_COUNT, FrontEnd};

use super::OneShot;

/// Frames before the onset in which the analysis window already touches it.
pub const PRE_FRAMES: usize = 2;

/// Longest template: 3 s and the frames before the onset.
pub const MAX_TEMPLATE_FRAMES: usize = PRE_FRAMES + 520;

/// Frames over which the level of a hit is measured: until 35 ms after the
/// onset, before which hits of one drum do not follow each other.
pub const LEVEL_FRAMES: usize = PRE_FRAMES + 6;

/// Level below the loudest frame at which a template ends.
const END_POWER_RATIO: f32 = 1e-8;

/// Band power of a one-shot, frame by frame.
///
/// Entry `i` is the frame centred `i - PRE_FRAMES` hops after the onset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    frames: Vec<[f32; BAND_COUNT]>,
}

impl Template {
    /// Analyses `one_shot`, which must have the front end's sample rate.
    /// Allocates.
    pub fn of(one_shot: &OneShot, front_end: &mut FrontEnd) -> Template {
        let framing = *front_end.framing();
        let hop = framing.hop_samples;
        let window = framing.window_samples;
        // The first frame ends `PRE_FRAMES` hops before its centre plus half a
        // window: exactly at the onset for a window of four hops.
        let own_lead = (f64::from(one_shot.lead_s()) * framing.sample_rate_hz).round() as isize;
        let lead = window - (window / 2 - PRE_FRAMES * hop).min(window);
        let lead = lead.saturating_add_signed(-own_lead);
        let padded = |channel: usize| {
            let samples = one_shot.channel(channel);
            let mut padded = vec![0.0; lead];
            padded.extend_from_slice(samples);
            padded.resize(lead + samples.len() + window, 0.0);
            padded
        };
        let left = padded(0);
        let right = (one_shot.channels().len() > 1).then(|| padded(1));
        let frames = ((left.len() - window) / hop + 1).min(MAX_TEMPLATE_FRAMES);
        let mut template = Template {
            frames: vec![[0.0; BAND_COUNT]; frames],
        };
        for (index, power) in template.frames.iter_mut().enumerate() {
            let span = index * hop..index * hop + window;
            let newest = &left[span.clone()];
            let other = right.as_ref().map_or(newest, |right| &right[span]);
            front_end.power([newest, other], power);
        }
        let total = |frame: &[f32; BAND_COUNT]| frame.iter().sum::<f32>();
        let loudest = template.frames.iter().map(total).fold(0.0, f32::max);
        let end = template
            .frames
            .iter()
            .rposition(|frame| total(frame) > loudest * END_POWER_RATIO)
            .map_or(PRE_FRAMES + 1, |last| last + 1);
        template.frames.truncate(end.max(PRE_FRAMES + 1));
        template
    }

    /// All frames, beginning [`PRE_FRAMES`] before the onset. Real-time safe.
    pub fn frames(&self) -> &[[f32; BAND_COUNT]] {
        &self.frames
    }

    /// Root of the summed power of the first frame, the first two, and so on.
    pub fn levels(&self) -> [f32; LEVEL_FRAMES] {
        let mut sum = 0.0;
        std::array::from_fn(|index| {
            sum += self.frames.get(index).map_or(0.0, |f| f.iter().sum());
            sum.sqrt()
        })
    }

    /// How much louder the loudest [`LEVEL_FRAMES`] are than the first, at least 1: more than a
    /// little where a sound swells.
    pub fn swell(&self) -> f32 {
        let totals: Vec<f32> = self.frames.iter().map(|frame| frame.iter().sum()).collect();
        let windows = totals.windows(LEVEL_FRAMES);
        let loudest = windows.map(|w| w.iter().sum()).fold(0.0, f32::max);
        (loudest.sqrt() / self.level().max(1e-9)).max(1.0)
    }

    /// Root of the summed power of the first [`LEVEL_FRAMES`].
    pub fn level(&self) -> f32 {
        self.levels()[LEVEL_FRAMES - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::Framing;

    #[test]
    fn an_impulse_is_seen_four_frames_long_around_its_onset() {
        let mut front_end = FrontEnd::new(Framing::for_rate(44_100.0).unwrap());
        let one_shot = OneShot::new(44_100.0, vec![vec![1.0]]).unwrap();
        let template = Template::of(&one_shot, &mut front_end);
        let total: Vec<f32> = template
            .frames()
            .iter()
            .map(|frame| frame.iter().sum())
            .collect();
        let loudest = (0..total.len())
            .max_by(|&a, &b| total[a].total_cmp(&total[b]))
            .unwrap();
        assert_eq!(loudest, PRE_FRAMES);
        assert!(total.len() <= 5, "{total:?}");
        assert!((total[PRE_FRAMES - 1] / total[PRE_FRAMES + 1] - 1.0).abs() < 1e-3);
    }

    #[test]
    fn silence_has_an_empty_but_valid_template() {
        let mut front_end = FrontEnd::new(Framing::for_rate(48_000.0).unwrap());
        let one_shot = OneShot::new(48_000.0, vec![vec![0.0; 100]]).unwrap();
        let template = Template::of(&one_shot, &mut front_end);
        assert_eq!(template.frames().len(), PRE_FRAMES + 1);
    }
}
