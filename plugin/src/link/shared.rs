//! What both sides see at any time: numbers as atomics, and a few words.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use idm_engine::controls::Quality;
use idm_engine::drum::{DRUM_COUNT, Drum, STEM_COUNT};
use idm_engine::one_shots::Evidence;
use idm_engine::transcriber::TAUGHT_COUNT;

use crate::lock::lock;

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
pub(super) struct PeakCell(AtomicU32);

impl PeakCell {
    /// The order of non-negative floats is the order of their bits.
    pub(super) fn raise(&self, value: f32) {
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
    pub(super) windows: AtomicU32,
    /// Whether the drums come in by the side-chain.
    is_side_chained: AtomicBool,
    status: AtomicU8,
    quality: AtomicU8,
    sample_rate_hz: AtomicU64,
    latency_samples: AtomicU32,
    pub(super) position: AtomicU64,
    pub(super) stem_peaks: [PeakCell; STEM_COUNT],
    pub(super) main_peak: PeakCell,
    auditions: [AtomicU32; DRUM_COUNT],
    forget: AtomicBool,
    /// One more than the last key that came in and is no drum's; 0: none.
    strange_key: AtomicU8,
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
    /// Changes of the model before that of this activation.
    pub model_changes: u64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            windows: AtomicU32::new(0),
            is_side_chained: AtomicBool::new(false),
            status: AtomicU8::new(Status::Idle as u8),
            quality: AtomicU8::new(1),
            sample_rate_hz: AtomicU64::new(0),
            latency_samples: AtomicU32::new(0),
            position: AtomicU64::new(0),
            stem_peaks: Default::default(),
            main_peak: PeakCell::default(),
            auditions: Default::default(),
            forget: AtomicBool::new(false),
            strange_key: AtomicU8::new(0),
            evidence: Default::default(),
            pans: Default::default(),
            teaching: Default::default(),
            texts: Mutex::default(),
        }
    }

    /// Says how the drums come in. Real-time safe.
    pub fn set_side_chained(&self, is_side_chained: bool) {
        self.is_side_chained
            .store(is_side_chained, Ordering::Relaxed);
    }

    /// Whether the drums come in by the side-chain. Real-time safe.
    pub fn is_side_chained(&self) -> bool {
        self.is_side_chained.load(Ordering::Relaxed)
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

    /// A note came in that is no drum's. Real-time safe.
    pub fn note_of_no_drum(&self, key: u8) {
        let mark = key.saturating_add(1);
        self.strange_key.store(mark, Ordering::Relaxed);
    }

    /// The key of the last note that came in and is no drum's. Real-time safe.
    pub fn strange_key(&self) -> Option<u8> {
        self.strange_key.load(Ordering::Relaxed).checked_sub(1)
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
