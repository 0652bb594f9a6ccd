//! What the window knows about the audio: falling meters, last hits, the last
//! seconds.

use std::collections::VecDeque;

use idm_engine::drum::{DRUM_COUNT, Drum, STEM_COUNT};
use idm_engine::engine::Verdict;

use super::level::Level;
use super::questions::Questions;
use super::take::Take;
use crate::link::{EditorEnd, HitMark, WavePoint};

/// Seconds that the timeline shows.
pub const HISTORY_SECONDS: f64 = 4.0;

/// Difference between shown and true position that is not smoothed over, in
/// seconds.
const JUMP_SECONDS: f64 = 0.25;

/// Time for which an accepted hit stays the last one of its drum, in seconds.
const STAYS_S: f64 = 0.6;

/// Peaks above this are sound that a drum can be heard in, and below that one silence.
const SOUND_PEAK: f32 = 0.01;
const SILENT_PEAK: f32 = 0.001;

/// How much dimmer a refused hit glows.
const REFUSED_GLOW: f32 = 0.3;

/// State derived from the link, brought up to date once per frame.
#[derive(Debug)]
pub struct Monitor {
    /// Level of each stem.
    pub stem_levels: [Level; STEM_COUNT],
    /// Level of the main output.
    pub main_level: Level,
    /// Last hit of each drum.
    pub last_hits: [Option<HitMark>; DRUM_COUNT],
    /// Hits of the last seconds.
    pub hits: VecDeque<HitMark>,
    /// Waveform of the last seconds.
    pub wave: VecDeque<WavePoint>,
    /// How much sound has come in since the last hit of any kind, in seconds.
    pub sound_since_hit_s: f64,
    /// The same since the last accepted one.
    pub sound_since_accepted_s: f64,
    /// The song as far as it was heard.
    pub take: Take,
    /// What the user was asked about it.
    pub questions: Questions,
    /// Position at the right edge of the timeline, in samples.
    pub now: f64,
    /// Sample rate in hertz; never 0.
    pub sample_rate_hz: f64,
}

impl Default for Monitor {
    /// A monitor that has heard nothing.
    fn default() -> Self {
        Self {
            stem_levels: Default::default(),
            main_level: Level::default(),
            last_hits: [None; DRUM_COUNT],
            hits: VecDeque::new(),
            wave: VecDeque::new(),
            sound_since_hit_s: 0.0,
            sound_since_accepted_s: 0.0,
            take: Take::default(),
            questions: Questions::default(),
            now: 0.0,
            sample_rate_hz: 44_100.0,
        }
    }
}

impl Monitor {
    /// Takes what has arrived; `elapsed_s` is the time since the last call.
    pub fn update(&mut self, end: &mut EditorEnd, elapsed_s: f32) {
        self.follow_rate(end);
        self.now = follow(
            self.now,
            end.shared.position() as f64,
            f64::from(elapsed_s) * self.sample_rate_hz,
            JUMP_SECONDS * self.sample_rate_hz,
        );

        for (stem, level) in self.stem_levels.iter_mut().enumerate() {
            level.follow(end.shared.take_stem_peak(stem), elapsed_s);
        }
        self.main_level
            .follow(end.shared.take_main_peak(), elapsed_s);

        self.listen(end);
    }

    /// Takes what has arrived but for the meters, which are a window's.
    pub fn listen(&mut self, end: &mut EditorEnd) {
        self.follow_rate(end);
        self.take.teaching = end.shared.teaching();
        while let Ok(hit) = end.hits.pop() {
            self.show(hit);
            self.sound_since_hit_s = 0.0;
            if hit.verdict == Verdict::Accepted {
                self.sound_since_accepted_s = 0.0;
            }
            self.take.hit(&hit);
            self.hits.push_back(hit);
        }
        while let Ok(point) = end.wave.pop() {
            self.take.wave(&point, self.sample_rate_hz);
            if point.peak >= SOUND_PEAK {
                let sound_s = f64::from(point.samples) / self.sample_rate_hz;
                self.sound_since_hit_s += sound_s;
                self.sound_since_accepted_s += sound_s;
            }
            self.wave.push_back(point);
        }
        let oldest = end.shared.position() as f64 - (HISTORY_SECONDS + 0.5) * self.sample_rate_hz;
        while self
            .hits
            .front()
            .is_some_and(|hit| (hit.position as f64) < oldest)
        {
            self.hits.pop_front();
        }
        while self
            .wave
            .front()
            .is_some_and(|point| (point.position as f64) < oldest)
        {
            self.wave.pop_front();
        }
    }

    fn follow_rate(&mut self, end: &EditorEnd) {
        let rate_hz = end.shared.sample_rate_hz();
        if rate_hz > 0.0 {
            self.sample_rate_hz = rate_hz;
        }
    }

    /// Makes `hit` the last one of its drum. One that was refused does not take the place
    /// of an accepted one at once: refused ones are many.
    fn show(&mut self, hit: HitMark) {
        let accepted = |hit: &HitMark| hit.verdict == Verdict::Accepted;
        let last = &mut self.last_hits[hit.drum.index()];
        let stays = last.as_ref().is_some_and(|last| {
            let later = hit.position.saturating_sub(last.position) as f64;
            accepted(last) && !accepted(&hit) && later < STAYS_S * self.sample_rate_hz
        });
        if !stays {
            *last = Some(hit);
        }
    }

    /// Forgets the song, and what was asked about it.
    pub fn forget_song(&mut self) {
        self.take.forget();
        self.questions = Questions::default();
    }

    /// Whether nothing is to be heard in the last seconds.
    pub fn is_silent(&self) -> bool {
        self.wave.iter().all(|point| point.peak < SILENT_PEAK)
    }

    /// How long ago a position was, in seconds; negative if still to come.
    pub fn age_s(&self, position: u64) -> f64 {
        (self.now - position as f64) / self.sample_rate_hz
    }

    /// Brightness of a drum's lamp, 0..1: its last hit, fading.
    pub fn glow(&self, drum: Drum) -> f32 {
        let Some(hit) = self.last_hits[drum.index()] else {
            return 0.0;
        };
        let age_s = self.age_s(hit.position).max(0.0) as f32;
        let strength = match hit.verdict {
            Verdict::Accepted => 1.0,
            _ => REFUSED_GLOW,
        };
        strength * (0.35 + 0.65 * hit.velocity) * (-age_s / 0.12).exp()
    }
}

/// Moves a shown position along with the true one, which jumps from block to
/// block.
fn follow(shown: f64, actual: f64, elapsed: f64, jump: f64) -> f64 {
    let predicted = shown + elapsed;
    let error = actual - predicted;
    if error.abs() > jump {
        actual
    } else {
        // Never backwards: hits would tremble.
        (predicted + 0.1 * error).max(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buses::Peaks;
    use crate::link::link;

    fn mark(drum: Drum) -> HitMark {
        HitMark {
            velocity: 1.0,
            ..HitMark::accepted(drum, None)
        }
    }

    #[test]
    fn hits_arrive_age_and_go() {
        let (mut audio, mut editor) = link();
        editor.shared.window_opened();
        let mut monitor = Monitor::default();
        audio.hit(0, mark(Drum::Snare));
        audio.end_block(441, &Peaks::default(), None);
        monitor.update(&mut editor, 0.01);
        assert_eq!(monitor.hits.len(), 1);
        assert!((monitor.age_s(0) - 0.01).abs() < 1e-6);
        assert!(monitor.glow(Drum::Snare) > 0.8);
        assert_eq!(monitor.glow(Drum::Kick), 0.0);

        audio.end_block(10 * 44_100, &Peaks::default(), None);
        monitor.update(&mut editor, 0.01);
        assert!(monitor.hits.is_empty());
        assert!(monitor.glow(Drum::Snare) < 1e-6);
    }

    #[test]
    fn sound_without_hits_is_measured_and_silence_is_not() {
        let (mut audio, mut editor) = link();
        audio.set_sample_rate(44_100.0);
        let mut monitor = Monitor::default();
        let mut play = |audio: &mut crate::link::AudioEnd, dry: f32| {
            let peaks = Peaks {
                dry,
                ..Peaks::default()
            };
            for _ in 0..100 {
                audio.end_block(882, &peaks, None);
            }
            monitor.listen(&mut editor);
            let sound_s = [monitor.sound_since_hit_s, monitor.sound_since_accepted_s];
            (sound_s.map(f64::round), monitor.is_silent())
        };
        assert_eq!(play(&mut audio, 0.0), ([0.0, 0.0], true));
        assert_eq!(play(&mut audio, 0.5), ([2.0, 2.0], false));
        let refused = HitMark {
            verdict: Verdict::BelowThreshold,
            ..mark(Drum::Ride)
        };
        audio.hit(0, refused);
        assert_eq!(play(&mut audio, 0.5), ([2.0, 4.0], false));
        audio.hit(0, mark(Drum::Ride));
        assert_eq!(play(&mut audio, 0.0), ([0.0, 0.0], false));
        play(&mut audio, 0.0);
        play(&mut audio, 0.0);
        assert_eq!(play(&mut audio, 0.0), ([0.0, 0.0], true));
    }

    #[test]
    fn refused_hits_do_not_hide_accepted_ones() {
        let (mut audio, mut editor) = link();
        editor.shared.window_opened();
        let mut monitor = Monitor::default();
        let refused = HitMark {
            verdict: Verdict::BelowThreshold,
            ..mark(Drum::Ride)
        };
        audio.hit(0, mark(Drum::Ride));
        audio.end_block(4_410, &Peaks::default(), None);
        audio.hit(0, refused);
        monitor.update(&mut editor, 0.01);
        let verdict = |monitor: &Monitor| monitor.last_hits[8].map(|hit| hit.verdict);
        assert_eq!(verdict(&monitor), Some(Verdict::Accepted));
        let bright = monitor.glow(Drum::Ride);
        audio.end_block(44_100, &Peaks::default(), None);
        audio.hit(0, refused);
        monitor.update(&mut editor, 1.0);
        assert_eq!(verdict(&monitor), Some(Verdict::BelowThreshold));
        assert!(monitor.glow(Drum::Ride) < bright);
    }

    #[test]
    fn meters_show_what_comes() {
        let (mut audio, mut editor) = link();
        editor.shared.window_opened();
        let mut monitor = Monitor::default();
        let mut peaks = Peaks {
            main: 1.5,
            ..Peaks::default()
        };
        peaks.stems[0] = 0.5;
        audio.end_block(64, &peaks, None);
        monitor.update(&mut editor, 0.1);
        assert_eq!(monitor.stem_levels[0].peak, 0.5);
        assert!(monitor.main_level.is_over() && !monitor.stem_levels[0].is_over());
        monitor.update(&mut editor, 1.0);
        assert!(monitor.stem_levels[0].peak < 0.5);
    }

    #[test]
    fn the_shown_position_is_smooth_and_right() {
        // Blocks of 2048 samples, frames of 735.
        let mut shown = 0.0;
        let mut last_step = 735.0;
        for frame in 1..600 {
            let truth = f64::from(frame) * 735.0;
            let actual = (truth / 2048.0).floor() * 2048.0;
            let next = follow(shown, actual, 735.0, 11_025.0);
            let step: f64 = next - shown;
            assert!(step >= 0.0);
            if frame > 100 {
                assert!((step - last_step).abs() < 250.0);
                assert!((truth - next).abs() < 2.0 * 2048.0);
            }
            last_step = step;
            shown = next;
        }
        assert_eq!(follow(1e6, 10.0, 735.0, 11_025.0), 10.0);
        assert!(follow(1000.0, 1000.0, 735.0, 11_025.0) >= 1000.0);
    }
}
