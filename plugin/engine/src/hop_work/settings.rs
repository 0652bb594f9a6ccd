//! What the user sets and says.

use super::HopWork;
use crate::{
    controls::{Controls, HitSource},
    drum::Drum,
    transcriber::{GivenHit, Lesson, PeakPicker, PickerClass},
};

/// Frames before an onset in which its activation may begin to rise.
const EARLY_FRAMES: u64 = 3;

impl HopWork {
    /// Takes sanitised settings. Real-time safe.
    pub fn set_controls(&mut self, controls: &Controls) {
        if controls.hits != self.controls.hits {
            self.picker = PeakPicker::default();
            self.given.clear();
            self.removed.clear();
        }
        let was_learning = self.controls.learning;
        self.controls = *controls;
        if was_learning && !controls.learning {
            // What is saved now is what plays from now on.
            self.follower.hold();
            self.take_beginning();
        }
        let mut names = Drum::ALL;
        for (name, drum) in names.iter_mut().zip(&controls.drums) {
            *name = drum.heard_as.unwrap_or(*name);
        }
        self.words.set(names);
        self.isolation
            .set(controls.drums.map(|drum| drum.isolation));
        let frames_per_ms = self.framing.sample_rate_hz / self.framing.hop_samples as f64 / 1e3;
        for (class, picker_class) in self.picker_classes.iter_mut().enumerate() {
            let drum = &controls.drums[class];
            *picker_class = PickerClass {
                recall_threshold: self.thresholds.recall[class],
                strict_threshold: self.thresholds.strict[class],
                min_gap_frames: drum.min_gap_ms * frames_per_ms as f32,
                enabled: drum.enabled,
            }
            .with_sensitivity(drum.sensitivity);
        }
    }

    /// Says whether nobody listens. Real-time safe.
    pub fn set_offline(&mut self, is_offline: bool) {
        self.worker.set_offline(is_offline);
    }

    /// Says from which sample on hits are heard although they are given. Real-time safe.
    pub fn listen_from(&mut self, from_sample: Option<u64>) {
        // Activations rise before the frame nearest to their onset.
        let frame = |sample| self.framing.frame_at(sample).saturating_sub(EARLY_FRAMES);
        let frame = from_sample.map(frame);
        let slack_samples = self.framing.hop_samples as u64;
        self.heard_from_sample = from_sample.unwrap_or(0).saturating_sub(slack_samples);
        self.heard_from = frame.unwrap_or(u64::MAX);
        self.picker = PeakPicker::default();
    }

    /// Takes moments of which it is known what was played. Real-time safe.
    pub fn teach(&mut self, lessons: impl Iterator<Item = Lesson>) {
        self.taught.tell(lessons);
    }

    /// Takes a hit that is true whatever is heard; false if too many wait. Real-time
    /// safe.
    pub fn give_hit(&mut self, hit: GivenHit) -> bool {
        // The picker is to be silent about what is known.
        (!self.listens() || self.removed.remove(hit.onset_sample, hit.drum, false))
            && self.given.give(hit)
    }

    /// Whether the picker is asked at all.
    pub(super) fn listens(&self) -> bool {
        self.controls.hits == HitSource::Heard || self.heard_from < u64::MAX
    }

    /// Takes away what `drum` is heard to play around `onset_sample`; false if hits are
    /// given or too many wait. Real-time safe.
    pub fn remove_hit(&mut self, onset_sample: u64, drum: Drum) -> bool {
        self.controls.hits == HitSource::Heard && self.removed.remove(onset_sample, drum, true)
    }
}
