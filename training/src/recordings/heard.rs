//! The drums of a recording as the bank learns them: the best-explained hits.

use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};

use super::explain::Explanation;
use crate::{one_shot::Template, render::TrainingExample};

/// Frames after an onset in which a hit is judged: 0.1 s.
const JUDGED: usize = 18;
/// Best hits that are averaged.
const BEST: usize = 4;
/// Least share of the judged energy that has to be the drum's own: below, what
/// is heard of it is mostly guessed.
const OWN: f32 = 0.4;

/// One template per class that is heard well enough: the mean of its best
/// hits, each the drum's share of the mixture until the drum is hit again,
/// then the adapted template. Allocates.
pub fn heard_templates(
    example: &TrainingExample,
    explanation: &Explanation,
) -> [Option<Template>; DRUM_COUNT] {
    std::array::from_fn(|class| {
        let onsets: Vec<usize> = (0..example.frames)
            .filter(|frame| example.onset[frame * DRUM_COUNT + class] >= 1.0)
            .collect();
        let mut hits: Vec<(f32, usize)> = onsets
            .iter()
            .filter(|frame| **frame > 0 && **frame + JUDGED < example.frames)
            .map(|&frame| (own_share(example, class, frame), frame))
            .filter(|(share, _)| *share >= OWN)
            .collect();
        hits.sort_by(|a, b| b.0.total_cmp(&a.0));
        hits.truncate(BEST);
        let adapted = &explanation.templates[class];
        let templates: Vec<Template> = hits
            .iter()
            .map(|&(_, frame)| {
                let next = onsets.iter().find(|later| **later > frame);
                hit_template(example, class, frame, next.copied(), adapted)
            })
            .collect();
        (!templates.is_empty()).then(|| Template::mean(templates.iter()))
    })
}

fn cells(
    example: &TrainingExample,
    class: usize,
    frame: usize,
) -> impl Iterator<Item = (f32, f32)> {
    let ratio = &example.ratio[(frame * STEM_COUNT + class) * BAND_COUNT..][..BAND_COUNT];
    let mix = &example.mix_power[frame * BAND_COUNT..][..BAND_COUNT];
    ratio
        .iter()
        .zip(mix)
        .map(|(&ratio, &power)| (f32::from(ratio) / 255.0 * power, power))
}

/// Share of the mixture after the onset that is the drum's.
fn own_share(example: &TrainingExample, class: usize, frame: usize) -> f32 {
    let (mut own, mut all) = (0.0, 1e-12);
    for later in frame - 1..frame + JUDGED {
        for (share, power) in cells(example, class, later) {
            own += share;
            all += power;
        }
    }
    own / all
}

fn hit_template(
    example: &TrainingExample,
    class: usize,
    frame: usize,
    next: Option<usize>,
    adapted: &[f32],
) -> Template {
    // Frame 1 of a template is the frame of the onset.
    let first = frame - 1;
    let frames = adapted.len() / BAND_COUNT;
    let until = next
        .map_or(example.frames, |next| next.saturating_sub(2))
        .max(first + 1);
    let mut power: Vec<f32> = Vec::with_capacity(adapted.len());
    for later in first..until.min(first + frames).min(example.frames) {
        power.extend(cells(example, class, later).map(|(share, _)| share));
    }
    let adapted: Vec<f32> = adapted.iter().map(|value| value * value).collect();
    let heard = power.len();
    let sum = |values: &[f32]| values.iter().sum::<f32>().max(1e-12);
    let level = sum(&power) / sum(&adapted[..heard]);
    power.extend(adapted[heard..].iter().map(|power| level * power));
    Template::from_power(&power, frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covered_hit_is_not_learnt_from_and_tails_are_continued() {
        let frames = 80;
        let mut example = TrainingExample {
            frames,
            mix_power: vec![1e-6; frames * BAND_COUNT],
            ratio: vec![0; frames * STEM_COUNT * BAND_COUNT],
            onset: vec![0.0; frames * DRUM_COUNT],
            ..TrainingExample::default()
        };
        for (frame, class) in [(5, 0), (45, 0), (45, 1)] {
            example.onset[frame * DRUM_COUNT + class] = 1.0;
        }
        for frame in 0..frames {
            let since = frame.saturating_sub(if frame < 44 { 4 } else { 44 });
            let fall = (-(since as f32) / 6.0).exp();
            example.mix_power[frame * BAND_COUNT + 20] = 0.1 * fall;
            example.ratio[frame * STEM_COUNT * BAND_COUNT + 20] = 255;
            // The snare is hardly heard.
            example.ratio[(frame * STEM_COUNT + 1) * BAND_COUNT + 21] = 255;
        }
        let template: Vec<f32> = (0..60 * BAND_COUNT)
            .map(|cell| {
                let fall = (-((cell / BAND_COUNT) as f32) / 12.0).exp();
                if cell % BAND_COUNT == 20 { fall } else { 0.0 }
            })
            .collect();
        let explanation = Explanation {
            powers: Vec::new(),
            templates: std::array::from_fn(|_| template.clone()),
            gains: vec![1.0; 3],
        };
        let heard = heard_templates(&example, &explanation);
        assert!(heard[1..].iter().all(Option::is_none));
        let kick = heard[0].as_ref().unwrap();
        let level = |frame: usize| kick.power(frame).unwrap()[20];
        assert!((level(10) / level(4) - (-1.0_f32).exp()).abs() < 0.02);
        assert!(
            (level(56) / level(50) - (-1.0_f32).exp()).abs() < 0.05,
            "{} {}",
            level(56),
            level(50)
        );
    }
}
