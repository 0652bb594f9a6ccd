//! Hits that wait for their time: when and how loud each is played.

use super::Playback;
use crate::{
    drum::{DRUM_COUNT, Drum},
    dynamics::{played_gain, played_velocity},
    events::Hit,
    transcriber::{HitEvidence, Verdict},
};

/// Limit of a voice's amplitude: far above any fit that makes sense.
const LOUDEST_AMPLITUDE: f32 = 1e3;
/// How much louder than the hit a sound may become that begins softly: 6 dB.
const MOST_SWELL: f32 = 2.0;
/// Highest peak of a sound that is played for a hit: +12 dBFS. Something is wrong beyond.
pub(super) const HIGHEST_PEAK: f32 = 4.0;

/// A hit that sounds `latency_samples` after its onset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuedHit {
    /// Its class.
    pub drum: Drum,
    /// Sample of the input since the last reset.
    pub onset_sample: u64,
    /// Above 0, up to 1; given or heard.
    pub velocity: f32,
    /// Whether that was given.
    pub is_velocity_given: bool,
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

/// What waits for its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Due {
    /// The hit is announced.
    Event(QueuedHit),
    /// Its sound starts, with this layer; it should have so many samples ago.
    Voice(QueuedHit, usize, u32),
}

impl Playback {
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

    /// How hard `hit` is played. Where that was given it is what is wanted, and goes through
    /// no dynamics, of which notes of ours had theirs already.
    fn velocity(&self, hit: &QueuedHit) -> f32 {
        let dynamics = self.controls.drums[hit.drum.index()].dynamics;
        match hit.is_velocity_given {
            true => hit.velocity,
            false => played_velocity(hit.velocity, dynamics),
        }
    }

    /// Layer of the drum's sound that plays `hit` at the drum's stroke number `stroke`.
    fn layer(&self, hit: &QueuedHit, stroke: u32) -> usize {
        let velocity = self.velocity(hit);
        let sound = self.performance.sound(hit.drum);
        sound.map_or(0, |sound| sound.layer_for(velocity, stroke))
    }

    /// Samples by which layer `layer` of the sound of `hit` begins before its onset, and from
    /// its beginning to its attack.
    pub(super) fn lead_samples(&self, hit: &QueuedHit, layer: usize) -> [i64; 2] {
        let Some(sound) = self.performance.sound(hit.drum) else {
            return [0; 2];
        };
        let controls = &self.controls.drums[hit.drum.index()];
        let layer = &sound.layers[layer.min(sound.layers.len() - 1)];
        // Whatever plays, its attack takes the place of the drum's own, if that is known: it
        // is announced some time after it began.
        let velocity = self.velocity(hit);
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

    /// A hit as it is announced at sample `offset` of the block.
    pub(super) fn event(&self, hit: QueuedHit, offset: usize) -> Hit {
        let controls = &self.controls.drums[hit.drum.index()];
        let verdict = match hit.verdict {
            Verdict::Accepted if !controls.enabled => Verdict::Disabled,
            verdict => verdict,
        };
        Hit {
            drum: hit.drum,
            offset: offset as u32,
            onset_sample: hit.onset_sample,
            velocity: self.velocity(&hit),
            heard_velocity: hit.velocity,
            confidence: hit.confidence,
            network: hit.network,
            evidence: hit.evidence,
            level: hit.level,
            verdict,
        }
    }

    /// The factor that gives layer `layer` of the drum's sound the level of `hit`, as far as
    /// dynamics go: learnt one-shots have a level of their own.
    pub(super) fn amplitude(&self, hit: &QueuedHit, layer: usize) -> f32 {
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
}

/// The number of the stroke of `drum` that comes now.
pub(super) fn next(strokes: &mut [u32; DRUM_COUNT], drum: Drum) -> u32 {
    let stroke = strokes[drum.index()];
    strokes[drum.index()] = stroke.wrapping_add(1);
    stroke
}
