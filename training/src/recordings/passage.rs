//! A stretch of a recording as input and targets of the network.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use idm_engine::{
    audio_file::{self, AudioBuffer},
    drum::{DRUM_COUNT, RESIDUAL, STEM_COUNT},
    front_end::{BAND_COUNT, Framing, LOW_BAND_COUNT},
    note_map::NoteMap,
};

use super::{
    annotations::Annotation,
    discover::Recording,
    explain::{ClassTemplates, ExplainSettings, Explanation, Stroke, explain},
};
use crate::{
    audio::read_audio,
    kits::SAMPLE_RATE_HZ,
    render::{Featuriser, Hit, Piece, TrainingExample, set_ratios},
    synth::VELOCITY_EXPONENT,
};

/// Strokes of one class that are closer are one hit.
const SAME_HIT_S: f64 = 0.012;
/// Hits of a class whose velocity is unknown have at least this one.
const SOFTEST: f32 = 0.05;

/// A decoded recording: mono, 44.1 kHz, with its strokes.
#[derive(Debug, Clone)]
pub struct DecodedRecording {
    /// The mixture.
    pub mix: Vec<f32>,
    /// Strokes in order of time.
    pub annotations: Vec<Annotation>,
}

/// Checks that `annotations` belong to a recording of `samples` samples.
///
/// # Errors
/// When there is no hit, or one more than a second after the end.
pub fn check_hits(recording: &Recording, annotations: &[Annotation], samples: usize) -> Result<()> {
    let length_s = samples as f64 / SAMPLE_RATE_HZ;
    let last = annotations.last().with_context(|| {
        format!(
            "{}: expected at least one hit, found none",
            recording.annotation.display()
        )
    })?;
    ensure!(
        last.time_s < length_s + 1.0,
        "{}: expected hits within the {length_s:.1} s of {}, found one at {:.1} s",
        recording.annotation.display(),
        recording.audio.display(),
        last.time_s
    );
    Ok(())
}

/// Decodes the file at `path` at 44.1 kHz. Allocates.
///
/// # Errors
/// When the file cannot be decoded or resampled, or holds what is no number.
pub fn read_at_rate(path: &Path) -> Result<AudioBuffer> {
    let buffer = read_audio(path)?;
    if buffer.sample_rate_hz == SAMPLE_RATE_HZ {
        return Ok(buffer);
    }
    audio_file::resample(&buffer, SAMPLE_RATE_HZ).with_context(|| format!("{}", path.display()))
}

/// Decodes the file at `path` to mono at 44.1 kHz. Allocates.
///
/// # Errors
/// When the file cannot be decoded or resampled, or holds what is no number.
pub fn read_mono(path: &Path) -> Result<Vec<f32>> {
    let buffer = read_at_rate(path)?;
    let scale = 1.0 / buffer.channels.len().max(1) as f32;
    let mut mono = vec![0.0; buffer.frames()];
    for channel in &buffer.channels {
        for (sum, sample) in mono.iter_mut().zip(channel) {
            *sum += scale * sample;
        }
    }
    Ok(mono)
}

/// The hits of drums among `annotations` in the samples from `first` to `end`, from `first` on,
/// and for each whether its velocity is known. Strokes of one drum at once are one hit.
/// Allocates.
pub fn hits_of(annotations: &[Annotation], first: usize, end: usize) -> (Vec<Hit>, Vec<bool>) {
    let (mut hits, mut known): (Vec<Hit>, Vec<bool>) = (Vec::new(), Vec::new());
    for stroke in annotations {
        let at = (stroke.time_s * SAMPLE_RATE_HZ).round() as usize;
        let (Some(drum), true) = (stroke.sound.drum(), (first..end).contains(&at)) else {
            continue;
        };
        let sample = at - first;
        let doubled = hits.iter().rev().any(|hit| {
            hit.drum == drum && sample - hit.sample < (SAME_HIT_S * SAMPLE_RATE_HZ) as usize
        });
        if !doubled {
            hits.push(Hit {
                sample,
                drum,
                velocity: stroke.velocity.unwrap_or(1.0),
            });
            known.push(stroke.velocity.is_some());
        }
    }
    (hits, known)
}

impl DecodedRecording {
    /// Reads the mixture and the annotation, a MIDI file with the notes of `notes`. Allocates.
    ///
    /// # Errors
    /// Files that cannot be read; annotations that cannot belong to the file.
    pub fn read(recording: &Recording, notes: &NoteMap) -> Result<DecodedRecording> {
        let mix = read_mono(&recording.audio)?;
        let annotations = recording.annotations(notes)?.strokes;
        check_hits(recording, &annotations, mix.len())?;
        Ok(DecodedRecording { mix, annotations })
    }

    /// Length in samples.
    pub fn samples(&self) -> usize {
        self.mix.len()
    }

    /// The audio and hits of the samples from `first` to `end`, silence after
    /// the end, and for each hit whether its velocity is known.
    fn cut(&self, first: usize, end: usize) -> (Vec<f32>, Vec<Hit>, Vec<bool>) {
        let mut mix = self.mix[first.min(self.mix.len())..end.min(self.mix.len())].to_vec();
        mix.resize(end - first, 0.0);
        let (hits, known) = hits_of(&self.annotations, first, end);
        (mix, hits, known)
    }

    /// The samples from `first` to `end` with targets by analysis by
    /// synthesis. Allocates.
    pub fn explained(
        &self,
        first: usize,
        end: usize,
        start: &ClassTemplates,
        settings: &ExplainSettings,
        featuriser: &mut Featuriser,
    ) -> (TrainingExample, Explanation) {
        let (mix, mut hits, known) = self.cut(first, end);
        let mut example = featuriser.mixture(&mix, &hits, 0);
        let framing = Framing::for_rate(SAMPLE_RATE_HZ).expect("44.1 kHz is supported");
        let strokes: Vec<Stroke> = hits
            .iter()
            .map(|hit| Stroke {
                frame: framing.frame_at(hit.sample as u64) as usize,
                drum: hit.drum,
            })
            .collect();
        let explanation = explain(&example.mix_power, &strokes, start, settings);
        set_ratios(&explanation.powers, &mut example.ratio);
        estimate_velocities(&mut hits, &known, &explanation.gains);
        for (hit, stroke) in hits.iter().zip(&strokes) {
            let row = stroke.frame * DRUM_COUNT + hit.drum.index();
            if let Some(velocity) = example.velocity.get_mut(row) {
                *velocity = hit.velocity;
            }
        }
        example.hits = hits;
        (example, explanation)
    }

    /// The samples from `first` to `end` with targets from the recording's
    /// stems. What they leave of the mixture is residual where that has no stem; velocities
    /// that the annotation does not tell follow the stems' levels. Allocates.
    ///
    /// # Errors
    /// If a drum with hits has no stem, or one cannot be read.
    pub fn with_stems(
        &self,
        recording: &Recording,
        first: usize,
        end: usize,
        featuriser: &mut Featuriser,
    ) -> Result<TrainingExample> {
        let paths = recording.stems_for(&self.annotations)?;
        let (mix, mut hits, known) = self.cut(first, end);
        let mut stems: [Vec<f32>; STEM_COUNT] = std::array::from_fn(|_| vec![0.0; mix.len()]);
        for (stem, path) in stems.iter_mut().zip(&paths) {
            if let Some(path) = path {
                let audio = read_mono(path)?;
                for (sample, value) in stem.iter_mut().zip(audio.iter().skip(first)) {
                    *sample = *value;
                }
            }
        }
        let gains = stroke_levels(&hits, &stems);
        estimate_velocities(&mut hits, &known, &gains);
        if paths[RESIDUAL].is_none() {
            let (drums, rest) = stems.split_at_mut(RESIDUAL);
            for (at, (rest, mix)) in rest[0].iter_mut().zip(&mix).enumerate() {
                *rest = mix - drums.iter().map(|drum| drum[at]).sum::<f32>();
            }
        }
        Ok(featuriser.example(&Piece {
            channels: 1,
            mix,
            stems,
            hits,
            kit: 0,
        }))
    }
}

/// Peak of each hit in its drum's stem, until the drum is hit again. Allocates.
fn stroke_levels(hits: &[Hit], stems: &[Vec<f32>; STEM_COUNT]) -> Vec<f32> {
    /// Annotations are a little late at times; a stroke is loudest soon after it.
    const BEFORE_S: f64 = 0.003;
    const AFTER_S: f64 = 0.04;
    let samples = |seconds: f64| (seconds * SAMPLE_RATE_HZ) as usize;
    let level = |(number, hit): (usize, &Hit)| {
        let stem = &stems[hit.drum.index()];
        let begin = |hit: &Hit| hit.sample.saturating_sub(samples(BEFORE_S));
        let mut later = hits[number + 1..].iter();
        let next = later.find(|later| later.drum == hit.drum);
        let end = (hit.sample + samples(AFTER_S)).min(next.map_or(stem.len(), begin));
        let heard = stem
            .get(begin(hit)..end.min(stem.len()))
            .unwrap_or_default();
        heard
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()))
    };
    hits.iter().enumerate().map(level).collect()
}

/// Gives the hits of unknown velocity one that fits their gain relative to the
/// loudest hits of their drum.
fn estimate_velocities(hits: &mut [Hit], known: &[bool], gains: &[f32]) {
    for class in 0..DRUM_COUNT {
        let mut sorted: Vec<f32> = hits
            .iter()
            .zip(gains)
            .filter(|(hit, _)| hit.drum.index() == class)
            .map(|(_, gain)| *gain)
            .collect();
        sorted.sort_by(f32::total_cmp);
        let Some(&loud) = sorted.get((sorted.len() * 9 / 10).min(sorted.len().saturating_sub(1)))
        else {
            continue;
        };
        let unknown = hits
            .iter_mut()
            .zip(gains)
            .zip(known)
            .filter(|(_, known)| !**known);
        for ((hit, gain), _) in unknown.filter(|((hit, _), _)| hit.drum.index() == class) {
            let level = (gain / loud.max(1e-12)).powf(1.0 / VELOCITY_EXPONENT);
            hit.velocity = level.clamp(SOFTEST, 1.0);
        }
    }
}

/// The `count` frames from `first` on as an example of its own. Allocates.
pub fn crop(passage: &TrainingExample, first: usize, count: usize) -> TrainingExample {
    let end = (first + count).min(passage.frames);
    let rows = |width: usize| first * width..end * width;
    let hop = Framing::for_rate(SAMPLE_RATE_HZ)
        .expect("44.1 kHz is supported")
        .hop_samples;
    let samples = first * hop..end * hop;
    TrainingExample {
        frames: end - first,
        frame: passage.frame[rows(BAND_COUNT)].to_vec(),
        low: passage.low[rows(LOW_BAND_COUNT)].to_vec(),
        mix_power: passage.mix_power[rows(BAND_COUNT)].to_vec(),
        ratio: passage.ratio[rows(STEM_COUNT * BAND_COUNT)].to_vec(),
        onset: passage.onset[rows(DRUM_COUNT)].to_vec(),
        velocity: passage.velocity[rows(DRUM_COUNT)].to_vec(),
        hits: passage
            .hits
            .iter()
            .filter(|hit| samples.contains(&hit.sample))
            .map(|hit| Hit {
                sample: hit.sample - samples.start,
                ..*hit
            })
            .collect(),
        kit: passage.kit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::drum::Drum;

    #[test]
    fn unknown_velocities_follow_the_gains() {
        let hit = |velocity| Hit {
            sample: 0,
            drum: Drum::Snare,
            velocity,
        };
        let mut hits = [hit(1.0), hit(1.0), hit(0.3)];
        let soft = 0.5_f32.powf(VELOCITY_EXPONENT);
        estimate_velocities(&mut hits, &[false, false, true], &[2.0, 2.0 * soft, 1.0]);
        assert_eq!(hits[0].velocity, 1.0);
        assert!(
            (hits[1].velocity - 0.5).abs() < 1e-4,
            "{}",
            hits[1].velocity
        );
        assert_eq!(hits[2].velocity, 0.3);
    }

    #[test]
    fn unknown_velocities_follow_the_stems() {
        use crate::recordings::find_recordings;
        use idm_engine::audio_file::write_wav;

        let folder = tempfile::tempdir().unwrap();
        // Three strokes, the second of half the velocity; the last is told.
        let mut kick = vec![0.0_f32; 44_100];
        for (at, velocity) in [(4_410, 1.0_f32), (17_640, 0.5), (30_870, 1.0)] {
            for n in 0..3_000 {
                let ring = (n as f32 * 0.02).sin() * (-(n as f32) / 800.0).exp();
                kick[at + n] = 0.6 * velocity.powf(VELOCITY_EXPONENT) * ring;
            }
        }
        for name in ["mix", "kick"] {
            let audio = AudioBuffer {
                sample_rate_hz: SAMPLE_RATE_HZ,
                channels: vec![kick.clone()],
            };
            write_wav(folder.path().join(format!("{name}.wav")), &audio).unwrap();
        }
        let table = "time_s,class,velocity\n0.1,kick,\n0.4,kick,\n0.7,kick,32\n";
        std::fs::write(folder.path().join("onsets.csv"), table).unwrap();
        let recording = &find_recordings(folder.path()).unwrap()[0];
        let decoded = DecodedRecording::read(recording, &NoteMap::default()).unwrap();
        let example = decoded
            .with_stems(recording, 0, 44_100, &mut Featuriser::new())
            .unwrap();
        let found: Vec<f32> = example.hits.iter().map(|hit| hit.velocity).collect();
        let expected = [1.0, 0.5, 32.0 / 127.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.02, "{found} {expected}");
        }
        let onsets = example.onset.iter().zip(&example.velocity);
        let taught: Vec<f32> = onsets
            .filter(|(onset, _)| **onset == 1.0)
            .map(|(_, velocity)| *velocity)
            .collect();
        assert_eq!(taught, found);
    }

    #[test]
    fn what_the_stems_leave_is_residual() {
        use crate::recordings::find_recordings;
        use idm_engine::audio_file::write_wav;

        let folder = tempfile::tempdir().unwrap();
        let tone = |step: f32| -> Vec<f32> {
            (0..44_100).map(|n| (n as f32 * step).sin() * 0.2).collect()
        };
        let (kick, guitar) = (tone(0.01), tone(0.3));
        let mix: Vec<f32> = kick.iter().zip(&guitar).map(|(a, b)| a + b).collect();
        for (name, channel) in [("mix", mix), ("kick", kick)] {
            let audio = AudioBuffer {
                sample_rate_hz: SAMPLE_RATE_HZ,
                channels: vec![channel],
            };
            write_wav(folder.path().join(format!("{name}.wav")), &audio).unwrap();
        }
        std::fs::write(folder.path().join("onsets.csv"), "time_s,class\n0.1,kick\n").unwrap();
        let recording = &find_recordings(folder.path()).unwrap()[0];
        let decoded = DecodedRecording::read(recording, &NoteMap::default()).unwrap();
        let example = decoded
            .with_stems(recording, 0, 44_100, &mut Featuriser::new())
            .unwrap();
        let power = &example.mix_power[80 * BAND_COUNT..][..BAND_COUNT];
        let shares = &example.ratio[80 * STEM_COUNT * BAND_COUNT..][..STEM_COUNT * BAND_COUNT];
        // The upper half of the bands holds the guitar alone.
        let upper = BAND_COUNT / 2..BAND_COUNT;
        let loudest = upper
            .max_by(|a, b| power[*a].total_cmp(&power[*b]))
            .unwrap();
        assert!(shares[RESIDUAL * BAND_COUNT + loudest] > 250);
        assert!(shares[loudest] < 5);
    }

    #[test]
    fn crops_are_windows_of_the_passage() {
        let mut featuriser = Featuriser::new();
        let mix: Vec<f32> = (0..44_100).map(|n| (n as f32 * 0.05).sin() * 0.1).collect();
        let hits = [Hit {
            sample: 30_000,
            drum: Drum::Kick,
            velocity: 0.8,
        }];
        let passage = featuriser.mixture(&mix, &hits, 0);
        let part = crop(&passage, 100, 60);
        assert_eq!(part.frames, 60);
        assert_eq!(
            part.mix_power,
            passage.mix_power[100 * BAND_COUNT..160 * BAND_COUNT]
        );
        assert_eq!(part.hits[0].sample, 30_000 - 100 * 256);
        let row = part.onset.iter().position(|onset| *onset == 1.0).unwrap();
        assert_eq!(row / DRUM_COUNT + 100, 30_000 / 256 + 1);
        assert_eq!(crop(&passage, 150, 100).frames, passage.frames - 150);
    }
}
