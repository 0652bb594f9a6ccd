//! What is heard: separated and resynthesised signals blended, hits and voices
//! started at their sample.

use std::{ops::Range, sync::Arc};

use crate::{
    controls::{Controls, DrumControls},
    drum::{DRUM_COUNT, Drum, STEM_COUNT},
    dynamics::{played_gain, played_velocity},
    events::{Events, Hit, MAX_QUEUED},
    front_end::{Framing, STAGES},
    one_shots::{Bank, OwnSounds, StartVoice, Voices},
    stems::Stems,
    transcriber::{HitEvidence, Verdict},
};

/// Limit of a voice's amplitude: far above any fit that makes sense.
const LOUDEST_AMPLITUDE: f32 = 1e3;
/// How much louder than the hit a sound may become that begins softly: 6 dB.
const MOST_SWELL: f32 = 2.0;
/// Highest peak of a sound that is played for a hit: +12 dBFS. Something is wrong beyond.
const HIGHEST_PEAK: f32 = 4.0;
/// Time of a full blend from one signal to the other.
const BLEND_S: f64 = 0.03;

/// A hit that sounds `latency_samples` after its onset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuedHit {
    /// Its class.
    pub drum: Drum,
    /// Sample of the input since the last reset.
    pub onset_sample: u64,
    /// Above 0, up to 1; given or heard.
    pub velocity: f32,
    /// What its level alone says, on the drum's own scale; may be above 1.
    pub level_velocity: f32,
    /// The network's probability with the evidence.
    pub confidence: f32,
    /// The network's probability.
    pub network: f32,
    /// The evidence beside it.
    pub evidence: HitEvidence,
    /// Root of what it adds to its separated band power around the onset.
    pub level: f32,
    /// Frames over which that was measured, as in
    /// [`Layer::levels`](crate::one_shots::Layer::levels).
    pub level_frames: usize,
    /// Whether it counts.
    pub verdict: Verdict,
}

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

/// What waits for its time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Due {
    /// The hit is announced.
    Event(QueuedHit),
    /// Its sound starts, with this layer; it should have so many samples ago.
    Voice(QueuedHit, usize, u32),
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

    /// Queues a hit for the sample at which its onset is heard, and its sound for so much
    /// earlier as it leads; or for `now` if that has passed. Real-time safe.
    pub fn queue(&mut self, hit: QueuedHit, now: u64) {
        if self.queue.len() + 2 > self.queue.capacity() {
            return;
        }
        let heard = hit.onset_sample + self.latency_samples as u64;
        if hit.verdict == Verdict::Accepted {
            let stroke = next(&mut self.strokes, hit.drum);
            let layer = self.layer(&hit, stroke);
            let [lead, to_attack] = self.lead_samples(&hit, layer);
            let starts = heard.saturating_add_signed(-lead);
            // The attack is never cut into: it rather comes late.
            let late = now.saturating_sub(starts).min(to_attack as u64) as u32;
            self.queue
                .push((starts.max(now), Due::Voice(hit, layer, late)));
        }
        self.queue.push((heard.max(now), Due::Event(hit)));
    }

    /// Layer of the drum's sound that plays `hit` at the drum's stroke number `stroke`.
    fn layer(&self, hit: &QueuedHit, stroke: u32) -> usize {
        let dynamics = self.controls.drums[hit.drum.index()].dynamics;
        let velocity = played_velocity(hit.velocity, dynamics);
        let sound = self.performance.sound(hit.drum);
        sound.map_or(0, |sound| sound.layer_for(velocity, stroke))
    }

    /// Samples by which layer `layer` of the sound of `hit` begins before its onset, and from
    /// its beginning to its attack.
    fn lead_samples(&self, hit: &QueuedHit, layer: usize) -> [i64; 2] {
        let Some(sound) = self.performance.sound(hit.drum) else {
            return [0; 2];
        };
        let controls = &self.controls.drums[hit.drum.index()];
        let layer = &sound.layers[layer.min(sound.layers.len() - 1)];
        // Whatever plays, its attack takes the place of the drum's own, if that is known: it
        // is announced some time after it began.
        let velocity = played_velocity(hit.velocity, controls.dynamics);
        let learnt = self.performance.learnt(hit.drum);
        let heard = learnt.map_or(layer, |learnt| {
            &learnt.layers[learnt.layer_for(velocity, 0)]
        });
        let announced_after_s = heard.one_shot.lead_s() - heard.attack_s;
        // A sound that is tuned lower takes longer to its attack.
        let to_attack_s = layer.attack_s * (-controls.tune_semitones / 12.0).exp2();
        [to_attack_s + announced_after_s, to_attack_s]
            .map(|seconds| (f64::from(seconds) * layer.one_shot.sample_rate_hz()).round() as i64)
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
        self.pads.start(StartVoice {
            drum,
            layer,
            amplitude: velocity * velocity,
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

    /// A hit as it is announced at sample `offset` of the block.
    fn event(&self, hit: QueuedHit, offset: usize) -> Hit {
        let controls = &self.controls.drums[hit.drum.index()];
        let verdict = match hit.verdict {
            Verdict::Accepted if !controls.enabled => Verdict::Disabled,
            verdict => verdict,
        };
        Hit {
            drum: hit.drum,
            offset: offset as u32,
            onset_sample: hit.onset_sample,
            velocity: played_velocity(hit.velocity, controls.dynamics),
            confidence: hit.confidence,
            network: hit.network,
            evidence: hit.evidence,
            level: hit.level,
            verdict,
        }
    }

    /// The factor that gives layer `layer` of the drum's sound the level of `hit`, as far as
    /// dynamics go: learnt one-shots have a level of their own.
    fn amplitude(&self, hit: &QueuedHit, layer: usize) -> f32 {
        let Some(sound) = self.performance.sound(hit.drum) else {
            return 0.0;
        };
        let layer = &sound.layers[layer.min(sound.layers.len() - 1)];
        let levels = &layer.levels;
        let level = levels[hit.level_frames.clamp(1, levels.len()) - 1];
        let dynamics = self.controls.drums[hit.drum.index()].dynamics;
        let gain = played_gain(hit.level_velocity, dynamics);
        let amplitude = if level > 1e-9 {
            // A sound that swells is not to be as loud at once as others are.
            let swell = (layer.swell / MOST_SWELL).max(1.0);
            gain * hit.level / level / swell
        } else {
            0.0
        };
        amplitude
            .min(LOUDEST_AMPLITUDE)
            .min(HIGHEST_PEAK / layer.peak.max(1e-9))
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

/// The number of the stroke of `drum` that comes now.
fn next(strokes: &mut [u32; DRUM_COUNT], drum: Drum) -> u32 {
    let stroke = strokes[drum.index()];
    strokes[drum.index()] = stroke.wrapping_add(1);
    stroke
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
