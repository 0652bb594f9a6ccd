//! The plugin without a host: engine, buses, notes and pads on slices.

use std::collections::VecDeque;
use std::sync::Arc;

use idm_engine::controls::{Controls, HitSource, Quality};
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::engine::{Engine, EngineConfig, EngineError, Events, Stems, Verdict};
use idm_engine::learner::{KitShelf, LearntKit};
use idm_engine::model::Model;
use idm_engine::one_shots::{Evidence, OwnSounds};
use idm_engine::transcriber::TAUGHT_COUNT;

use crate::buses::{AuxOutputs, MixTargets, Mixer, Peaks, StemBlock, peak};
use crate::corrections::{Correction, SAME_HIT_S, lessons};
use crate::link::{AudioEnd, HitMark};
use crate::notes::{NoteHit, NoteMessage, NoteQueue, NoteScheduler};
use crate::song::{SongClock, Tempo, TempoPoint};

/// Longest piece that the engine is given. Host blocks may be of any length,
/// announced or not; longer ones are cut.
const PIECE_SAMPLES: usize = 1024;

/// Pads that may wait for the delayed sound; later ones are dropped.
const MOST_LATE_PADS: usize = 1_024;

/// Corrections that take effect in one block at most.
const MOST_CORRECTIONS: usize = 512;

/// Places of the song beyond this are none: what is reckoned with them would not fit.
const FARTHEST_SONG_SAMPLE: u64 = 1 << 52;

/// Everything the user has set, read from the parameters once per block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// What the engine reads.
    pub controls: Controls,
    /// Whether hits that are given begin where their drums do nearby.
    pub hits_snap: bool,
    /// Faders, routing, main output, bypass.
    pub mix: MixTargets,
    /// MIDI note of each drum.
    pub notes: [u8; DRUM_COUNT],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            controls: Controls::default(),
            hits_snap: false,
            mix: MixTargets::default(),
            notes: Drum::ALL.map(Drum::gm_note),
        }
    }
}

/// A drum played from outside: MIDI in or a click in the editor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Sample within the block.
    pub offset: usize,
    /// Which one.
    pub drum: Drum,
    /// 0..1.
    pub velocity: f32,
}

/// What comes from outside in one block; all in order of time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Played<'a> {
    /// One-shots to be heard at once.
    pub pads: &'a [Stroke],
    /// One-shots to be heard with what comes in now, delayed as it is.
    pub late_pads: &'a [Stroke],
    /// Hits of the recording, where the engine does not look for them itself.
    pub hits: &'a [Stroke],
    /// What the user knows better of the song, where the engine listens.
    pub corrections: &'a [Correction],
    /// Sample of the song with which the block begins; none while the transport stands.
    pub song_sample: Option<i64>,
    /// The song's beats there.
    pub tempo: Option<Tempo>,
}

/// Engine, mixer and note scheduler of one activation.
pub struct Processor {
    engine: Engine,
    model: Arc<Model>,
    config: EngineConfig,
    stems: Stems,
    events: Events,
    mixer: Mixer,
    notes: NoteScheduler,
    queue: NoteQueue,
    song: SongClock,
    /// Pads that are not due yet, with their samples of the engine's input, in order.
    late_pads: VecDeque<(u64, Drum, f32)>,
    /// Last controls handed to the engine; `None` before the first block.
    controls: Option<Controls>,
    /// Before the first block the faders stand where they are told, without a
    /// movement.
    is_fresh: bool,
}

impl std::fmt::Debug for Processor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processor")
            .field("sample_rate_hz", &self.config.sample_rate_hz)
            .field("quality", &self.config.quality)
            .finish_non_exhaustive()
    }
}

impl Processor {
    /// Builds the engine for a sample rate and quality. Allocates.
    ///
    /// # Errors
    /// If the engine does not support the sample rate.
    pub fn new(
        sample_rate_hz: f64,
        quality: Quality,
        model: Arc<Model>,
    ) -> Result<Self, EngineError> {
        let config = EngineConfig {
            sample_rate_hz,
            quality,
        };
        Ok(Self {
            engine: Engine::new(config, model.clone())?,
            model,
            config,
            stems: Stems::new(PIECE_SAMPLES),
            events: Events::new(PIECE_SAMPLES),
            mixer: Mixer::new(sample_rate_hz, &MixTargets::default()),
            notes: NoteScheduler::new(sample_rate_hz),
            queue: NoteQueue::new(),
            song: SongClock::new(sample_rate_hz),
            late_pads: VecDeque::with_capacity(MOST_LATE_PADS),
            controls: None,
            is_fresh: true,
        })
    }

    /// Whether this processor suits an activation with these values.
    pub fn suits(&self, sample_rate_hz: f64, quality: Quality, model: &Arc<Model>) -> bool {
        let config = EngineConfig {
            sample_rate_hz,
            quality,
        };
        self.config == config && self.hears_with(model)
    }

    /// Whether its engine has this model.
    pub fn hears_with(&self, model: &Arc<Model>) -> bool {
        Arc::ptr_eq(&self.model, model)
    }

    /// Delay of every output in samples. Real-time safe.
    pub fn latency_samples(&self) -> usize {
        self.engine.latency_samples()
    }

    /// Quality of the engine. Real-time safe.
    pub fn quality(&self) -> Quality {
        self.config.quality
    }

    /// Takes a saved kit. Allocates and waits: not while audio plays.
    pub fn restore_kit(&mut self, kit: &LearntKit) {
        self.engine.restore_kit(kit.clone());
    }

    /// Takes a kit while audio plays; it is heard a second later. Real-time safe.
    ///
    /// # Errors
    /// The kit, to be tried again.
    pub fn load_kit(&mut self, kit: Box<LearntKit>) -> Result<(), Box<LearntKit>> {
        self.engine.load_kit(kit)
    }

    /// Says whether nobody listens, as in an export: the learner is then waited for.
    /// Real-time safe.
    pub fn set_offline(&mut self, is_offline: bool) {
        self.engine.set_offline(is_offline);
    }

    /// Back to the model's own one-shots. Real-time safe.
    pub fn forget_kit(&mut self) {
        self.engine.forget_kit();
    }

    /// Plays samples of the user's own in place of the kit's; false if that has to be
    /// tried again. Real-time safe if the caller keeps them alive, as
    /// [`OwnSamples`](crate::own_samples::OwnSamples) does.
    pub fn set_own_sounds(&mut self, own: &Arc<OwnSounds>) -> bool {
        self.engine.set_own_sounds(own)
    }

    /// Where the learnt kits lie.
    pub fn kit_shelf(&self) -> &Arc<KitShelf> {
        self.engine.kit_shelf()
    }

    /// How well each drum has been learnt. Real-time safe.
    pub fn evidence(&self) -> [Evidence; DRUM_COUNT] {
        Drum::ALL.map(|drum| self.engine.bank().sound(drum).evidence)
    }

    /// How much that moves a hit on the logistic scale: for it, against it.
    pub fn teaching(&self) -> [f32; TAUGHT_COUNT] {
        self.engine.teaching()
    }

    /// Learns from what the user corrects, in place of what was learnt so before. Real-time
    /// safe.
    pub fn teach(&mut self, corrections: &[Correction]) {
        self.engine.teach(lessons(corrections));
    }

    /// Ends the notes that sound of another one, which this one takes the place of.
    pub fn end_notes_of(&mut self, other: &Processor) {
        self.notes = other.notes.at_rate(self.config.sample_rate_hz);
        self.notes.end_all();
    }

    /// Forgets the past: silence, no hits, faders where they are told. What
    /// has been learnt of the kit stays. Sounding notes end with the next block. Real-time safe.
    pub fn reset(&mut self) {
        self.engine.reset();
        self.song.reset();
        self.late_pads.clear();
        self.notes.end_all();
        self.is_fresh = true;
    }

    /// Processes one block of any length. `main` holds the input and receives
    /// the main output, `aux` receives the buses.
    /// Returns the notes to send. Real-time safe.
    pub fn process(
        &mut self,
        main: [&mut [f32]; 2],
        aux: &mut impl AuxOutputs,
        settings: &Settings,
        played: Played<'_>,
        link: &mut AudioEnd,
    ) -> &[NoteMessage] {
        if self.controls != Some(settings.controls) {
            self.engine.set_controls(&settings.controls);
            self.controls = Some(settings.controls);
        }
        self.mixer.set_targets(&settings.mix);
        if self.is_fresh {
            self.mixer.finish();
            self.is_fresh = false;
        }
        self.queue.clear();

        let [left, right] = main;
        let samples = left.len().min(right.len());
        let mut pads = played.pads.iter().peekable();
        let mut hits = played.hits.iter().peekable();
        let begin = self.engine.heard_samples();
        let is_place = |sample: &i64| sample.unsigned_abs() <= FARTHEST_SONG_SAMPLE;
        let song_sample = played.song_sample.filter(is_place);
        let song_begin = song_sample.unwrap_or(0);
        let new = self.song.block(begin, song_sample, samples);
        let place = self.song_s(begin).zip(played.tempo);
        link.tempo(place.map(|(song_s, tempo)| TempoPoint { song_s, tempo }));
        let rate_hz = self.config.sample_rate_hz;
        let sample_of = |correction: &Correction| (correction.song_s * rate_hz).round() as i64;
        let due = match new {
            Some(new) if settings.controls.hits == HitSource::Heard => {
                let place = |sample| {
                    let list = played.corrections;
                    list.partition_point(|correction| sample_of(correction) < sample)
                };
                // What stands just before the place that a song begins at, or a loop,
                // speaks of the first hit there.
                let before = if new.follows_jump { SAME_HIT_S } else { 0.0 };
                let start = new.song.start - (before * rate_hz) as i64;
                &played.corrections[place(start)..place(new.song.end)]
            }
            _ => &[],
        };
        let mut due = due.iter().take(MOST_CORRECTIONS).peekable();
        let latency_samples = self.latency_samples() as u64;
        for pad in played.late_pads {
            if self.late_pads.len() < MOST_LATE_PADS {
                let due = begin + pad.offset as u64 + latency_samples;
                self.late_pads.push_back((due, pad.drum, pad.velocity));
            }
        }
        let mut peaks = Peaks::default();
        let mut start = 0;
        while start < samples {
            let late_offset = |pad: &(u64, Drum, f32)| pad.0.saturating_sub(begin) as usize;
            while let Some(pad) = self.late_pads.front()
                && late_offset(pad) <= start
            {
                self.engine.trigger(pad.1, pad.2);
                self.late_pads.pop_front();
            }
            while let Some(pad) = pads.next_if(|pad| pad.offset <= start) {
                self.engine.trigger(pad.drum, pad.velocity);
            }
            let mut end = samples.min(start + PIECE_SAMPLES);
            if let Some(pad) = pads.peek() {
                end = end.min(pad.offset);
            }
            if let Some(pad) = self.late_pads.front() {
                end = end.min(late_offset(pad));
            }
            while let Some(hit) = hits.next_if(|hit| hit.offset < end) {
                let offset = hit.offset.saturating_sub(start);
                let (drum, velocity) = (hit.drum, Some(hit.velocity));
                match settings.hits_snap {
                    true => self.engine.place_hit(offset, drum, velocity),
                    false => self.engine.give_hit(offset, drum, velocity),
                };
            }
            let offset_of = |correction: &Correction| {
                usize::try_from(sample_of(correction) - song_begin).unwrap_or(0)
            };
            while let Some(correction) = due.next_if(|due| offset_of(due) < end) {
                let offset = offset_of(correction).saturating_sub(start);
                let drum = correction.drum;
                match (correction.is_hit, correction.snaps) {
                    (true, true) => self.engine.place_hit(offset, drum, None),
                    (true, false) => self.engine.give_hit(offset, drum, None),
                    (false, _) => self.engine.remove_hit(offset, drum),
                };
            }
            let piece = [&mut left[start..end], &mut right[start..end]];
            self.process_piece(piece, aux, start, settings, link, &mut peaks);
            start = end;
        }
        let played = self.engine.heard_samples();
        let heard = played.checked_sub(self.latency_samples() as u64);
        let song_s = heard.and_then(|sample| self.song_s(sample));
        let begin = heard.and_then(|sample| self.song.begin_of(sample));
        link.begin(begin.map(|sample| sample as f64 / rate_hz));
        link.end_block(samples, &peaks, song_s);
        self.queue.messages()
    }

    /// Place in the song of a sample of the engine's input, in seconds.
    fn song_s(&self, sample: u64) -> Option<f64> {
        let song = self.song.song_at(sample)?;
        Some(song as f64 / self.config.sample_rate_hz)
    }

    fn process_piece(
        &mut self,
        main: [&mut [f32]; 2],
        aux: &mut impl AuxOutputs,
        offset: usize,
        settings: &Settings,
        link: &mut AudioEnd,
        peaks: &mut Peaks,
    ) {
        let [left, right] = main;
        let samples = left.len();
        self.engine
            .process([&*left, &*right], &mut self.stems, &mut self.events);

        let rate_hz = self.config.sample_rate_hz;
        let seconds = |song: i64| song as f64 / rate_hz;
        let is_heard = settings.controls.hits == HitSource::Heard;
        for hit in self.events.hits() {
            if hit.verdict == Verdict::Accepted && !settings.mix.bypass {
                self.notes.hit(NoteHit {
                    offset: hit.offset,
                    note: settings.notes[hit.drum.index()],
                    velocity: hit.velocity,
                });
            }
            link.hit(
                offset as u32 + hit.offset,
                HitMark {
                    position: 0,
                    drum: hit.drum,
                    velocity: hit.velocity,
                    heard_velocity: hit.heard_velocity,
                    confidence: hit.confidence,
                    verdict: hit.verdict,
                    taught: hit.evidence.taught,
                    odds: hit.evidence.odds,
                    margin: hit.evidence.margin,
                    sensitivity: hit.evidence.sensitivity,
                    song_s: self.song.song_of_hit(hit.onset_sample).map(seconds),
                    is_by_hand: is_heard && (hit.network >= 1.0 || hit.verdict == Verdict::Removed),
                },
            );
        }
        self.notes
            .advance(samples as u32, offset as u32, &mut self.queue);

        let stems = &self.stems;
        let block = StemBlock {
            stems: std::array::from_fn(|stem| {
                [0, 1].map(|channel| &stems.channel(stem, channel)[..samples])
            }),
            dry: [0, 1].map(|channel| &stems.dry(channel)[..samples]),
        };
        let piece = self.mixer.mix(&block, [left, right], aux, offset);
        peaks.raise(&piece);
    }
}

/// Subnormal samples become zero: they are silence, and costly here and in
/// whatever comes next, where the delayed input would carry them. Real-time safe.
pub fn flush_subnormals(channel: &mut [f32]) {
    for sample in channel {
        if sample.is_subnormal() {
            *sample = 0.0;
        }
    }
}

/// What the plugin does when it has no engine: the input goes to the main
/// output unchanged (the reported latency is then zero) and the buses are
/// silent. Real-time safe.
pub fn pass_through(main: [&mut [f32]; 2], aux: &mut impl AuxOutputs, link: &mut AudioEnd) {
    let [left, right] = main;
    let samples = left.len();
    for bus in 0..aux.count() {
        if let Some(channels) = aux.stereo(bus) {
            for channel in channels {
                channel.fill(0.0);
            }
        }
    }
    let level = peak([&*left, &*right]);
    let peaks = Peaks {
        main: level,
        dry: level,
        ..Peaks::default()
    };
    link.tempo(None);
    link.end_block(samples, &peaks, None);
}
