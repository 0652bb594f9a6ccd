//! What crosses between the audio thread and the editor.
//!
//! Numbers travel as atomics, hits and the waveform through rings. The audio
//! thread never waits, and drops what does not fit.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use idm_engine::controls::Quality;
use idm_engine::drum::{DRUM_COUNT, Drum, STEM_COUNT};
use idm_engine::engine::Verdict;
use idm_engine::one_shots::Evidence;
use idm_engine::transcriber::{Odds, TAUGHT_COUNT};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::buses::Peaks;
use crate::lock::lock;
use crate::song::TempoPoint;

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
    /// Loudness, 0..1.
    pub velocity: f32,
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
    /// Beats of the song at the newest place that came in, if the host tells them: ahead
    /// of what was heard by the latency.
    pub tempo: Option<TempoPoint>,
}

/// What the audio side is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The host has not activated the plugin.
    Idle,
    /// The engine runs.
    Running,
    /// The engine could not be built; the input passes unchanged.
    PassThrough,
}

/// A non-negative number that keeps its maximum until it is taken.
#[derive(Debug, Default)]
struct PeakCell(AtomicU32);

impl PeakCell {
    /// The order of non-negative floats is the order of their bits.
    fn raise(&self, value: f32) {
        if value > 0.0 {
            self.0.fetch_max(value.to_bits(), Ordering::Relaxed);
        }
    }

    fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Ordering::Relaxed))
    }
}

/// State that both sides see.
#[derive(Debug)]
pub struct Shared {
    /// Open windows: one may still close while the next is there.
    windows: AtomicU32,
    status: AtomicU8,
    quality: AtomicU8,
    sample_rate_hz: AtomicU64,
    latency_samples: AtomicU32,
    position: AtomicU64,
    stem_peaks: [PeakCell; STEM_COUNT],
    main_peak: PeakCell,
    auditions: [AtomicU32; DRUM_COUNT],
    forget: AtomicBool,
    /// Hits in the upper half, bits of the confidence in the lower.
    evidence: [AtomicU64; DRUM_COUNT],
    /// Bits of the pan.
    pans: [AtomicU32; DRUM_COUNT],
    /// Bits of how much corrections count.
    teaching: [AtomicU32; TAUGHT_COUNT],
    /// Written by activation and read by the editor, never by the audio thread.
    texts: Mutex<Texts>,
}

/// Words for the editor.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Texts {
    /// Name and version of the model.
    pub model: String,
    /// Why the input passes unchanged; empty if it does not.
    pub problem: String,
}

impl Shared {
    fn new() -> Self {
        Self {
            windows: AtomicU32::new(0),
            status: AtomicU8::new(Status::Idle as u8),
            quality: AtomicU8::new(1),
            sample_rate_hz: AtomicU64::new(0),
            latency_samples: AtomicU32::new(0),
            position: AtomicU64::new(0),
            stem_peaks: Default::default(),
            main_peak: PeakCell::default(),
            auditions: Default::default(),
            forget: AtomicBool::new(false),
            evidence: Default::default(),
            pans: Default::default(),
            teaching: Default::default(),
            texts: Mutex::default(),
        }
    }

    /// Says what an activation led to. Allocates.
    pub fn announce(
        &self,
        status: Status,
        sample_rate_hz: f64,
        latency_samples: u32,
        quality: Quality,
        texts: Texts,
    ) {
        *lock(&self.texts) = texts;
        self.sample_rate_hz
            .store(sample_rate_hz.to_bits(), Ordering::Relaxed);
        self.latency_samples
            .store(latency_samples, Ordering::Relaxed);
        let index = Quality::ALL.iter().position(|other| *other == quality);
        self.quality
            .store(index.unwrap_or(1) as u8, Ordering::Relaxed);
        self.status.store(status as u8, Ordering::Release);
    }

    /// Says that the host has deactivated the plugin.
    pub fn announce_idle(&self) {
        self.status.store(Status::Idle as u8, Ordering::Release);
    }

    /// What the audio side is doing. Real-time safe.
    pub fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            1 => Status::Running,
            2 => Status::PassThrough,
            _ => Status::Idle,
        }
    }

    /// Sample rate of the last activation in hertz, 0 before it.
    pub fn sample_rate_hz(&self) -> f64 {
        f64::from_bits(self.sample_rate_hz.load(Ordering::Relaxed))
    }

    /// Latency reported to the host, in samples.
    pub fn latency_samples(&self) -> u32 {
        self.latency_samples.load(Ordering::Relaxed)
    }

    /// Quality of the running engine. Real-time safe.
    pub fn quality(&self) -> Quality {
        let index = usize::from(self.quality.load(Ordering::Relaxed));
        Quality::ALL.get(index).copied().unwrap_or_default()
    }

    /// Output samples since the plugin was made.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Peak of a stem since the last call.
    pub fn take_stem_peak(&self, stem: usize) -> f32 {
        self.stem_peaks[stem].take()
    }

    /// Peak of the main output since the last call.
    pub fn take_main_peak(&self) -> f32 {
        self.main_peak.take()
    }

    /// Asks the audio thread to play a drum's one-shot; `velocity` is in 0..1.
    pub fn audition(&self, drum: Drum, velocity: f32) {
        self.auditions[drum.index()].store(velocity.max(0.0).to_bits(), Ordering::Relaxed);
    }

    /// Velocity of a pending audition. Real-time safe.
    pub fn take_audition(&self, drum: Drum) -> Option<f32> {
        let cell = &self.auditions[drum.index()];
        // Most blocks have none: a load is cheaper than a swap.
        if cell.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let velocity = f32::from_bits(cell.swap(0, Ordering::Relaxed));
        (velocity > 0.0).then_some(velocity)
    }

    /// Forgets pending auditions: a click long ago is not to be heard now. Real-time safe.
    pub fn drop_auditions(&self) {
        for cell in &self.auditions {
            cell.store(0, Ordering::Relaxed);
        }
    }

    /// Asks the audio thread to forget the learnt kit.
    pub fn ask_to_forget(&self) {
        self.forget.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked since the last call. Real-time safe.
    pub fn take_forget(&self) -> bool {
        self.forget.load(Ordering::Relaxed) && self.forget.swap(false, Ordering::Relaxed)
    }

    /// Tells how well each drum has been learnt. Real-time safe.
    pub fn set_evidence(&self, evidence: &[Evidence; DRUM_COUNT]) {
        for ((cell, pan), evidence) in self.evidence.iter().zip(&self.pans).zip(evidence) {
            pan.store(evidence.pan.to_bits(), Ordering::Relaxed);
            let bits = u64::from(evidence.confidence.to_bits());
            cell.store((u64::from(evidence.hits) << 32) | bits, Ordering::Relaxed);
        }
    }

    /// Tells how much corrections count. Real-time safe.
    pub fn set_teaching(&self, weights: [f32; TAUGHT_COUNT]) {
        for (cell, weight) in self.teaching.iter().zip(weights) {
            cell.store(weight.to_bits(), Ordering::Relaxed);
        }
    }

    /// How much corrections move a hit on the logistic scale: for it, against it.
    pub fn teaching(&self) -> [f32; TAUGHT_COUNT] {
        std::array::from_fn(|n| f32::from_bits(self.teaching[n].load(Ordering::Relaxed)))
    }

    /// How well a drum has been learnt.
    pub fn evidence(&self, drum: Drum) -> Evidence {
        let bits = self.evidence[drum.index()].load(Ordering::Relaxed);
        Evidence {
            hits: (bits >> 32) as u32,
            confidence: f32::from_bits(bits as u32),
            pan: f32::from_bits(self.pans[drum.index()].load(Ordering::Relaxed)),
        }
    }

    /// Tells the audio thread that somebody looks.
    pub fn window_opened(&self) {
        self.windows.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells it that one looks no more.
    pub fn window_closed(&self) {
        self.windows.fetch_sub(1, Ordering::Relaxed);
    }

    /// Words for the editor. Allocates.
    pub fn texts(&self) -> Texts {
        lock(&self.texts).clone()
    }
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
