//! What a drum sounds like, as band power over time.

use idm_engine::front_end::{BAND_COUNT, Framing, FrontEnd};

/// Power at which everything is cut off, relative to the loudest frame: −70 dB.
const FLOOR: f32 = 1e-7;

/// Frames at which two templates are compared: dense at the stroke, sparse in
/// the tail. Reaches 0.37 s.
const COMPARED: [usize; 14] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 24, 32, 44, 64];

/// Logarithm of band power per frame, relative to the loudest frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `[frames, BAND_COUNT]`, natural logarithm, at least `ln` of the floor.
    pub log_power: Vec<f32>,
}

impl Template {
    /// From band powers `[frames, BAND_COUNT]`, cut or continued by silence to
    /// `frames` frames. Allocates.
    pub fn from_power(power: &[f32], frames: usize) -> Template {
        let loudest = power
            .chunks_exact(BAND_COUNT)
            .map(|row| row.iter().sum::<f32>())
            .fold(1e-20_f32, f32::max);
        let mut log_power: Vec<f32> = power
            .iter()
            .take(frames * BAND_COUNT)
            .map(|power| (power / loudest + FLOOR).ln())
            .collect();
        log_power.resize(frames * BAND_COUNT, FLOOR.ln());
        Template { log_power }
    }

    /// From audio at 44.1 kHz that begins at its onset. Allocates.
    pub fn from_audio(front_end: &mut FrontEnd, audio: &[f32], frames: usize) -> Template {
        let mut padded = audio.to_vec();
        padded.resize(padded.len() + front_end.framing().window_samples, 0.0);
        let frames_of_audio = front_end.analyse_signal(&padded, &padded);
        let power: Vec<f32> = frames_of_audio
            .iter()
            .take(frames)
            .flat_map(|frame| frame.power)
            .collect();
        Template::from_power(&power, frames)
    }

    /// Mean of the logarithms: the geometric mean of the spectrograms.
    /// Allocates.
    ///
    /// # Panics
    /// If there is none.
    pub fn mean<'a>(templates: impl Iterator<Item = &'a Template> + Clone) -> Template {
        let count = templates.clone().count();
        let mut templates = templates;
        let mut mean = templates
            .next()
            .expect("the mean of at least one template")
            .clone();
        for template in templates {
            for (sum, value) in mean.log_power.iter_mut().zip(&template.log_power) {
                *sum += value;
            }
        }
        mean.log_power
            .iter_mut()
            .for_each(|sum| *sum /= count as f32);
        mean
    }

    /// Power of frame `frame`; silence after the end.
    pub fn power(&self, frame: usize) -> Option<[f32; BAND_COUNT]> {
        let row = self
            .log_power
            .get(frame * BAND_COUNT..(frame + 1) * BAND_COUNT)?;
        Some(std::array::from_fn(|band| {
            (row[band].exp() - FLOOR).max(0.0)
        }))
    }

    /// Mean squared difference of what the ear hears most of, in nepers², over
    /// the first `most_frames` frames.
    pub fn distance(&self, other: &Template, most_frames: usize) -> f32 {
        let (mut sum, mut count) = (0.0, 0);
        for frame in COMPARED.into_iter().filter(|&frame| frame < most_frames) {
            let row = frame * BAND_COUNT..(frame + 1) * BAND_COUNT;
            let (Some(a), Some(b)) = (self.log_power.get(row.clone()), other.log_power.get(row))
            else {
                break;
            };
            sum += a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
            count += BAND_COUNT;
        }
        sum / count.max(1) as f32
    }
}

/// The engine's front end at the rate of the bank.
pub fn front_end() -> FrontEnd {
    let framing = Framing::for_rate(44_100.0).expect("44.1 kHz is supported");
    FrontEnd::new(framing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_does_not_count_and_colour_does() {
        let mut front_end = front_end();
        let decay = |frequency: f32, gain: f32| -> Vec<f32> {
            (0..8_000)
                .map(|n| {
                    let t = n as f32 / 44_100.0;
                    gain * (-t * 20.0).exp() * (std::f32::consts::TAU * frequency * t).sin()
                })
                .collect()
        };
        let mut template = |audio: Vec<f32>| Template::from_audio(&mut front_end, &audio, 60);
        let (loud, soft) = (template(decay(300.0, 1.0)), template(decay(300.0, 0.1)));
        let other = template(decay(3_000.0, 1.0));
        assert!(loud.distance(&soft, 60) < 1e-3);
        assert!(loud.distance(&other, 60) > 1.0);
        let mean = Template::mean([&loud, &soft].into_iter());
        assert!(mean.distance(&loud, 60) < 1e-3);
    }
}
