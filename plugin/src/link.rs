//! What crosses between the audio thread and the editor.
//!
//! Numbers travel as atomics, hits and the waveform through rings. The audio
//! thread never waits, and drops what does not fit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use idm_engine::drum::Drum;
use idm_engine::engine::Verdict;
use idm_engine::transcriber::{Odds, TAUGHT_COUNT};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::buses::Peaks;
use crate::song::TempoPoint;

mod shared;

pub use shared::{Shared, Status, Texts};

/// Hits that may wait for the editor.
const HIT_CAPACITY: usize = 2048;

/// Waveform points that may wait for the editor.
const WAVE_CAPACITY: usize = 8192;

/// Waveform points per second of audio.
const WAVE_RATE_HZ: f64 = 200.0;

/// A hit for display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HitMark {
    /// Output sample at which it sounds, counted like [`Shared::position`].
    pub position: u64,
    /// Which drum.
    pub drum: Drum,
    /// Loudness, 0..1, by the dynamics that its drum had when it was heard.
    pub velocity: f32,
    /// How hard the drum was hit, 0..1.
    pub heard_velocity: f32,
    /// How sure it is: the network's probability with the evidence, 0..1.
    pub confidence: f32,
    /// Accepted, or why not.
    pub verdict: Verdict,
    /// What corrections said for it and against it when it was heard.
    pub taught: [f32; TAUGHT_COUNT],
    /// What the network says of all drums around it.
    pub odds: Odds,
    /// How much surer all makes it than is asked for, on the logistic scale.
    pub margin: f32,
    /// Sensitivity of its drum when it was heard.
    pub sensitivity: f32,
    /// Place of its onset in the song in seconds, if the transport ran.
    pub song_s: Option<f64>,
    /// Whether a correction put it there or took it away.
    pub is_by_hand: bool,
}

#[cfg(test)]
impl HitMark {
    /// A hit that was heard and accepted.
    pub fn accepted(drum: Drum, song_s: Option<f64>) -> Self {
        Self {
            position: 0,
            drum,
            velocity: 0.5,
            heard_velocity: 0.5,
            confidence: 0.7,
            verdict: Verdict::Accepted,
            taught: [0.0; TAUGHT_COUNT],
            odds: Odds::default(),
            margin: 0.0,
            sensitivity: 0.5,
            song_s,
            is_by_hand: false,
        }
    }
}

/// One point of the waveform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WavePoint {
    /// Output sample at which it ends.
    pub position: u64,
    /// Highest absolute sample since the last point.
    pub peak: f32,
    /// Samples since the last point.
    pub samples: u32,
    /// Place in the song of what was heard then, in seconds, if the transport ran.
    pub song_s: Option<f64>,
    /// Place from which on the song was heard without a jump until then, if that is known.
    pub begin_s: Option<f64>,
    /// Beats of the song at the newest place that came in, if the host tells them: ahead
    /// of what was heard by the latency.
    pub tempo: Option<TempoPoint>,
}

/// The audio thread's end.
#[derive(Debug)]
pub struct AudioEnd {
    shared: Arc<Shared>,
    hits: Producer<HitMark>,
    wave: Producer<WavePoint>,
    wave_peak: f32,
    wave_samples: u32,
    tempo: Option<TempoPoint>,
    begin_s: Option<f64>,
    samples_per_wave_point: u32,
    position: u64,
}

/// The editor's end.
#[derive(Debug)]
pub struct EditorEnd {
    /// Numbers and words.
    pub shared: Arc<Shared>,
    /// Hits in order of time.
    pub hits: Consumer<HitMark>,
    /// Waveform in order of time.
    pub wave: Consumer<WavePoint>,
}

/// Makes the two ends. Allocates.
pub fn link() -> (AudioEnd, EditorEnd) {
    let shared = Arc::new(Shared::new());
    let (hit_producer, hits) = RingBuffer::new(HIT_CAPACITY);
    let (wave_producer, wave) = RingBuffer::new(WAVE_CAPACITY);
    let audio = AudioEnd {
        shared: shared.clone(),
        hits: hit_producer,
        wave: wave_producer,
        wave_peak: 0.0,
        wave_samples: 0,
        tempo: None,
        begin_s: None,
        samples_per_wave_point: 1,
        position: 0,
    };
    let editor = EditorEnd { shared, hits, wave };
    (audio, editor)
}

impl AudioEnd {
    /// State that both sides see.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Adapts the waveform to a sample rate.
    pub fn set_sample_rate(&mut self, sample_rate_hz: f64) {
        self.samples_per_wave_point = (sample_rate_hz / WAVE_RATE_HZ).round().max(1.0) as u32;
    }

    /// Shows a hit that sounds `offset` samples into the block that
    /// [`end_block`](Self::end_block) is called for next. Real-time safe.
    pub fn hit(&mut self, offset: u32, mut mark: HitMark) {
        mark.position = self.position + u64::from(offset);
        // A full ring means that who reads it is stuck: drop the mark.
        let _ = self.hits.push(mark);
    }

    /// Tells the beats of the song where the block begins that [`end_block`](Self::end_block)
    /// is called for next. Real-time safe.
    pub fn tempo(&mut self, tempo: Option<TempoPoint>) {
        self.tempo = tempo;
    }

    /// Tells from which place on the song was heard without a jump until the end of the block
    /// that [`end_block`](Self::end_block) is called for next. Real-time safe.
    pub fn begin(&mut self, begin_s: Option<f64>) {
        self.begin_s = begin_s;
    }

    /// Ends a block of `samples` samples with the given peaks; `song_s` is the place in
    /// the song of what is heard at its end. Real-time safe.
    pub fn end_block(&mut self, samples: usize, peaks: &Peaks, song_s: Option<f64>) {
        self.position += samples as u64;
        self.shared.position.store(self.position, Ordering::Relaxed);
        if self.is_watched() {
            for (cell, peak) in self.shared.stem_peaks.iter().zip(peaks.stems) {
                cell.raise(peak);
            }
            self.shared.main_peak.raise(peaks.main);
        }
        self.wave_peak = self.wave_peak.max(peaks.dry);
        self.wave_samples += samples as u32;
        if self.wave_samples >= self.samples_per_wave_point {
            let _ = self.wave.push(WavePoint {
                position: self.position,
                peak: self.wave_peak,
                samples: self.wave_samples,
                song_s,
                begin_s: self.begin_s,
                tempo: self.tempo,
            });
            self.wave_peak = 0.0;
            self.wave_samples = 0;
        }
    }

    fn is_watched(&self) -> bool {
        self.shared.windows.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests;
