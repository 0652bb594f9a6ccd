//! What is heard: separated and resynthesised signals blended, hits and voices
//! started at their sample.

mod hits;

use std::{ops::Range, sync::Arc};

use crate::{
    controls::{Controls, DrumControls},
    drum::{DRUM_COUNT, Drum, STEM_COUNT},
    events::{Events, MAX_QUEUED},
    front_end::{Framing, STAGES},
    one_shots::{Bank, OwnSounds, StartVoice, Voices},
    stems::Stems,
};
pub use hits::QueuedHit;
use hits::{Due, next};

/// Time of a full blend from one signal to the other.
const BLEND_S: f64 = 0.03;

/// The hop that is played now.
#[derive(Debug, Clone, Copy)]
pub struct PlayedHop<'a> {
    /// The channels of the input, delayed by the latency.
    pub dry: [&'a [f32]; 2],
    /// Its separated stems.
    pub stems: &'a [[Vec<f32>; 2]],
    /// Samples of it that were played.
    pub phase: usize,
}

/// Output side of the engine. Real-time safe after construction.
#[derive(Debug)]
pub struct Playback {
    latency_samples: usize,
    controls: Controls,
    queue: Vec<(u64, Due)>,
    performance: Voices,
    pads: Voices,
    /// The bank that each of them takes when a place for it is free.
    late: [Option<Arc<Bank>>; 2],
    /// Strokes of each drum so far, of hits and of pads: round robins go by them.
    strokes: [u32; DRUM_COUNT],
    pad_strokes: [u32; DRUM_COUNT],
    blend: [f32; DRUM_COUNT],
    blend_step: f32,
    rendered: [[Vec<f32>; 2]; DRUM_COUNT],
    auditioned: [[Vec<f32>; 2]; DRUM_COUNT],
}

impl Playback {
    /// Allocates buffers for a stage.
    pub fn new(framing: &Framing, latency_samples: usize, bank: Arc<Bank>) -> Playback {
        let stage = framing.hop_samples / STAGES;
        let buffers = || std::array::from_fn(|_| [vec![0.0; stage], vec![0.0; stage]]);
        Playback {
            latency_samples,
            controls: Controls::default(),
            queue: Vec::with_capacity(2 * MAX_QUEUED),
            performance: Voices::new(framing.sample_rate_hz, bank.clone()),
            pads: Voices::new(framing.sample_rate_hz, bank),
            late: [None, None],
            strokes: [0; DRUM_COUNT],
            pad_strokes: [0; DRUM_COUNT],
            blend: [0.0; DRUM_COUNT],
            blend_step: (1.0 / (BLEND_S * framing.sample_rate_hz)) as f32,
            rendered: buffers(),
            auditioned: buffers(),
        }
    }

    /// Takes sanitised settings. Real-time safe.
    pub fn set_controls(&mut self, controls: &Controls) {
        let before = std::mem::replace(&mut self.controls, *controls).drums;
        for drum in Drum::ALL {
            let is_enabled = |drums: &[DrumControls; DRUM_COUNT]| drums[drum.index()].enabled;
            if is_enabled(&before) && !is_enabled(&controls.drums) {
                self.performance.release(drum);
            }
        }
    }

    /// Stops everything and returns to `bank`; returns what is to be freed
    /// elsewhere. Real-time safe.
    pub fn reset(&mut self, bank: &Arc<Bank>) -> [Option<Arc<Bank>>; 4] {
        self.queue.clear();
        self.performance.reset();
        self.pads.reset();
        self.strokes = [0; DRUM_COUNT];
        self.pad_strokes = [0; DRUM_COUNT];
        for (blend, drum) in self.blend.iter_mut().zip(&self.controls.drums) {
            *blend = drum.blend;
        }
        self.swap_bank(bank.clone())
    }

    /// Makes `bank` the one that new voices play, as soon as so few older ones sound that
    /// there is a place for it; returns what is to be freed elsewhere. Real-time safe.
    pub fn swap_bank(&mut self, bank: Arc<Bank>) -> [Option<Arc<Bank>>; 4] {
        let [performance, pads] = &mut self.late;
        let outdated = [performance.replace(bank.clone()), pads.replace(bank)];
        let [performance, pads] = self.retry_bank();
        let [late_performance, late_pads] = outdated;
        [performance, pads, late_performance, late_pads]
    }

    /// Tries again what [`Playback::swap_bank`] could not do yet; returns what is to be
    /// freed elsewhere. Real-time safe.
    pub fn retry_bank(&mut self) -> [Option<Arc<Bank>>; 2] {
        let voices = [&mut self.performance, &mut self.pads];
        let mut retired = [None, None];
        for ((voices, late), retired) in voices.into_iter().zip(&mut self.late).zip(&mut retired) {
            match late.take().map(|bank| voices.swap_bank(bank)) {
                Some(Ok(unused)) => *retired = unused,
                Some(Err(refused)) => *late = Some(refused),
                None => {}
            }
        }
        retired
    }

    /// Plays `own` in place of the bank's sounds; false if that has to be tried
    /// again later. Real-time safe under the condition of [`Voices::set_own`].
    pub fn set_own_sounds(&mut self, own: &Arc<OwnSounds>) -> bool {
        let performance = self.performance.set_own(own);
        self.pads.set_own(own) && performance
    }

    /// Plays a pad from the next sample on. Real-time safe.
    pub fn trigger(&mut self, drum: Drum, velocity: f32) {
        let velocity = if velocity.is_finite() {
            velocity.clamp(0.0, 1.0)
        } else {
            0.8
        };
        let controls = &self.controls.drums[drum.index()];
        let sound = self.pads.sound(drum);
        let stroke = next(&mut self.pad_strokes, drum);
        let layer = sound.map_or(0, |sound| sound.layer_for(velocity, stroke));
        let peak = sound.and_then(|sound| Some(sound.layers.get(layer)?.peak));
        let most = hits::HIGHEST_PEAK / peak.unwrap_or(0.0).max(1e-9);
        self.pads.start(StartVoice {
            drum,
            layer,
            amplitude: (velocity * velocity).min(most),
            tune_semitones: controls.tune_semitones,
            decay: controls.decay,
            late_samples: 0,
        });
    }

    /// Writes `span` of the block, at most a stage long: what is left of `hop`, of which the
    /// first sample is number `now` since the last reset. Real-time safe.
    pub fn play(
        &mut self,
        hop: &PlayedHop<'_>,
        now: u64,
        span: Range<usize>,
        stems: &mut Stems,
        events: &mut Events,
    ) {
        let samples = span.len();
        let heard = std::array::from_fn(|drum| {
            self.blend[drum] > 0.0 || self.controls.drums[drum].blend > 0.0
        });
        clear(samples, &heard, &mut self.rendered);
        self.perform(now, &span, &heard, events);
        let pads = !self.pads.is_idle();
        if pads {
            let all = [true; DRUM_COUNT];
            clear(samples, &all, &mut self.auditioned);
            self.pads.render(0..samples, &all, &mut self.auditioned);
        }
        for channel in 0..2 {
            let part = hop.phase..hop.phase + samples;
            let dry = &hop.dry[channel][part.clone()];
            stems.dry_mut(channel)[span.clone()].copy_from_slice(dry);
            for stem in 0..STEM_COUNT {
                let made = &hop.stems[stem][channel][part.clone()];
                stems.channel_mut(stem, channel)[span.clone()].copy_from_slice(made);
            }
        }
        for drum in 0..DRUM_COUNT {
            self.blend_drum(drum, &span, stems);
            if pads {
                for channel in 0..2 {
                    let out = &mut stems.channel_mut(drum, channel)[span.clone()];
                    for (out, sample) in out.iter_mut().zip(&self.auditioned[drum][channel]) {
                        *out += sample;
                    }
                }
            }
        }
    }

    /// Announces the hits that are due within the span and plays them. Whatever sounds is
    /// played up to each hit before it starts: what a new voice replaces then does not
    /// depend on the host's blocks.
    fn perform(
        &mut self,
        now: u64,
        span: &Range<usize>,
        heard: &[bool; DRUM_COUNT],
        events: &mut Events,
    ) {
        let end = now + span.len() as u64;
        let mut played = 0;
        while let Some(first) = (0..self.queue.len()).min_by_key(|&index| self.queue[index].0) {
            if self.queue[first].0 >= end {
                break;
            }
            let (due, what) = self.queue.remove(first);
            let delay_samples = due.saturating_sub(now) as usize;
            match what {
                Due::Event(hit) => events.push(self.event(hit, span.start + delay_samples)),
                Due::Voice(hit, layer, late_samples) => {
                    let controls = self.controls.drums[hit.drum.index()];
                    if !controls.enabled {
                        continue;
                    }
                    let rest = played..delay_samples;
                    self.performance.render(rest, heard, &mut self.rendered);
                    played = delay_samples;
                    let amplitude = self.amplitude(&hit, layer);
                    self.performance.start(StartVoice {
                        drum: hit.drum,
                        layer,
                        amplitude,
                        tune_semitones: controls.tune_semitones,
                        decay: controls.decay,
                        late_samples,
                    });
                }
            }
        }
        let rest = played..span.len();
        self.performance.render(rest, heard, &mut self.rendered);
    }

    fn blend_drum(&mut self, drum: usize, span: &Range<usize>, stems: &mut Stems) {
        let target = self.controls.drums[drum].blend;
        let start = self.blend[drum];
        if start == target && target == 0.0 {
            return;
        }
        let mut blend = start;
        for channel in 0..2 {
            blend = start;
            let out = &mut stems.channel_mut(drum, channel)[span.clone()];
            let samples = out.iter_mut().zip(&self.rendered[drum][channel]);
            if start == target {
                // The same as below, without a step that waits for the one before.
                samples.for_each(|(out, made)| *out += blend * (made - *out));
                continue;
            }
            for (out, made) in samples {
                blend += (target - blend).clamp(-self.blend_step, self.blend_step);
                *out += blend * (made - *out);
            }
        }
        self.blend[drum] = blend;
    }
}

/// Silences the first `samples` samples of the drums that are `heard`.
fn clear(samples: usize, heard: &[bool; DRUM_COUNT], output: &mut [[Vec<f32>; 2]; DRUM_COUNT]) {
    for (drum, _) in output.iter_mut().zip(heard).filter(|(_, heard)| **heard) {
        for channel in drum {
            channel[..samples].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests;
