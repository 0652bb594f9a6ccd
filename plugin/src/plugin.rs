//! The plugin as the host sees it.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use idm_engine::controls::{HitSource, Quality};
use idm_engine::drum::Drum;
use idm_engine::one_shots::LONGEST_OWN_S;
use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::*;

use self::notes_in::{drums_of, note_on};
use self::transport::{song_sample, tempo};
use crate::core::{Played, Processor, Settings, Stroke, flush_subnormals, pass_through};
use crate::corrections::{CorrectionInbox, CorrectionList};
use crate::editor::IdmEditor;
use crate::file_work::FileWork;
use crate::heard::{Keeper, Monitor};
use crate::kit_state::KitInbox;
use crate::link::{self, AudioEnd, EditorEnd, Status};
use crate::notes;
use crate::own_samples::OwnInbox;
use crate::params::IdmParams;
use crate::ports::HostAux;
use crate::state;
pub use kind::{Effect, Instrument, Kind};

mod kind;
mod notes_in;
mod prepare;
mod side_chain;
mod transport;

/// Time after the last input for which the plugin may still sound, in seconds:
/// the longest one-shot, which is the user's own.
pub(crate) const TAIL_SECONDS: f64 = LONGEST_OWN_S;

/// Strokes that may be played in one block; later ones are dropped.
const STROKE_CAPACITY: usize = 256;

/// How often a host is asked for a restart, and after how many seconds of audio again.
const MOST_RESTARTS: u32 = 4;
const RESTART_AGAIN_S: f64 = 2.0;

/// Inverse Drum Machine on the drum track.
pub type InverseDrumMachine = DrumMachine<Effect>;

/// Inverse Drum Machine on a track of its own, fed by its side-chain.
pub type InverseDrumInstrument = DrumMachine<Instrument>;

/// What only an activation can change: the quality and the changes of the model.
type Wanted = (Quality, u64);

/// What the plugins of this library have in common, which is all but how the drums come in.
pub struct DrumMachine<K> {
    kind: PhantomData<fn() -> K>,
    params: Arc<IdmParams>,
    processor: Option<Processor>,
    link: AudioEnd,
    editor_end: Arc<Mutex<EditorEnd>>,
    /// What was heard.
    monitor: Arc<Mutex<Monitor>>,
    /// Fills it, from the first activation on: a host that only scans needs none.
    keeper: Option<Keeper>,
    /// Learns kits from files.
    file_work: Arc<FileWork>,
    pads: Vec<Stroke>,
    /// Pads that the song plays.
    late_pads: Vec<Stroke>,
    /// Hits that come as notes.
    hits: Vec<Stroke>,
    kit_inbox: Option<KitInbox>,
    own_inbox: Option<OwnInbox>,
    correction_inbox: Option<CorrectionInbox>,
    corrections: Arc<CorrectionList>,
    sample_rate_hz: f64,
    /// Whether the host says that it exports.
    is_offline: bool,
    input_is_mono: bool,
    /// Changes of the model before that of the last activation.
    model_changes: u64,
    /// For what a restart has been asked for, how often, and how many samples ago.
    restart_asked_for: Option<(Wanted, u32, u64)>,
}

impl<K> std::fmt::Debug for DrumMachine<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DrumMachine")
            .field("processor", &self.processor)
            .finish_non_exhaustive()
    }
}

impl<K: Kind> Default for DrumMachine<K> {
    fn default() -> Self {
        let (link, editor_end) = link::link();
        link.shared().set_side_chained(K::IS_SIDE_CHAINED);
        let params: Arc<IdmParams> = Arc::default();
        Self {
            kind: PhantomData,
            kit_inbox: params.kit.take_inbox(),
            own_inbox: params.own_samples.take_inbox(),
            correction_inbox: params.corrections.take_inbox(),
            corrections: Arc::default(),
            params,
            processor: None,
            link,
            editor_end: Arc::new(Mutex::new(editor_end)),
            monitor: Arc::default(),
            keeper: None,
            file_work: Arc::default(),
            pads: Vec::with_capacity(STROKE_CAPACITY),
            late_pads: Vec::with_capacity(STROKE_CAPACITY),
            hits: Vec::with_capacity(STROKE_CAPACITY),
            sample_rate_hz: 44_100.0,
            is_offline: false,
            input_is_mono: false,
            model_changes: 0,
            restart_asked_for: None,
        }
    }
}

impl<K> Drop for DrumMachine<K> {
    fn drop(&mut self) {
        // Whoever else has it: no thread of ours may outlive the library.
        self.file_work.close();
    }
}

impl<K: Kind> DrumMachine<K> {
    /// Asks for a restart when the quality on the panel or the model is not the running one,
    /// and a few times again if the host does nothing: the latency may change in `activate`
    /// only, and engines are made there. A block of `samples` begins. Real-time safe.
    fn restart_if_needed(&mut self, samples: usize, context: &impl ProcessContext<Self>) {
        let quality = self.params.quality.value().engine();
        let wanted = (quality, self.params.model.changes());
        // Without an engine another model may be what brings one.
        let running = self.processor.as_ref().map_or(quality, Processor::quality);
        if wanted == (running, self.model_changes) {
            self.restart_asked_for = None;
            return;
        }
        let (asked, ago) = match self.restart_asked_for {
            Some((before, asked, ago)) if before == wanted => (asked, ago + samples as u64),
            _ => (0, 0),
        };
        // Seconds of audio are no seconds in an export.
        let is_due = !self.is_offline && ago as f64 >= RESTART_AGAIN_S * self.sample_rate_hz;
        self.restart_asked_for = if asked == 0 || (is_due && asked < MOST_RESTARTS) {
            context.request_restart();
            Some((wanted, asked + 1, 0))
        } else {
            Some((wanted, asked, ago))
        };
    }

    /// Collects clicks on pads and MIDI in of a block, in order of time. Notes are hits of the
    /// recording if hits come from there, else they play the pads: at once while the song
    /// stands or is recorded, else with the delayed recording.
    fn collect_strokes(&mut self, samples: usize, context: &mut impl ProcessContext<Self>) {
        self.pads.clear();
        self.late_pads.clear();
        self.hits.clear();
        let transport = context.transport();
        let of_song = transport.playing && !transport.recording;
        for drum in Drum::ALL {
            if let Some(velocity) = self.link.shared().take_audition(drum) {
                self.pads.push(Stroke {
                    offset: 0,
                    drum,
                    velocity,
                });
            }
        }
        let strokes = match self.params.hits.value().engine() {
            HitSource::Heard if of_song => &mut self.late_pads,
            HitSource::Heard => &mut self.pads,
            HitSource::Given => &mut self.hits,
        };
        let notes = self.params.notes();
        while let Some(event) = context.next_event() {
            let Some((key, offset, velocity)) = note_on(&event, samples) else {
                continue;
            };
            let mut drums = drums_of(key, &notes).peekable();
            if drums.peek().is_none() {
                self.link.shared().note_of_no_drum(key);
            }
            for drum in drums.take(STROKE_CAPACITY.saturating_sub(strokes.len())) {
                strokes.push(Stroke {
                    offset,
                    drum,
                    velocity,
                });
            }
        }
    }
}

impl<K: Kind> Plugin for DrumMachine<K> {
    const NAME: &'static str = K::NAME;
    const VENDOR: &'static str = "Inverse Drum Machine";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = K::LAYOUTS;

    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::Basic;
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = IdmEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<IdmEditor> {
        Some(IdmEditor::new(
            self.params.clone(),
            self.editor_end.clone(),
            self.monitor.clone(),
            self.file_work.clone(),
        ))
    }

    fn filter_state(state: &mut PluginState) {
        state::load(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.sample_rate_hz = f64::from(config.sample_rate);
        self.is_offline = config.process_mode == ProcessMode::Offline;
        let side_chain = layout.aux_input_ports.first().copied();
        self.input_is_mono = layout.main_input_channels.or(side_chain) == NonZeroU32::new(1);
        self.restart_asked_for = None;
        self.link.set_sample_rate(self.sample_rate_hz);
        let texts = self.prepare(self.sample_rate_hz);
        if let Some(processor) = &mut self.processor {
            processor.set_offline(self.is_offline);
        }
        self.restore_own_samples();
        if let Some(inbox) = &mut self.correction_inbox {
            inbox.clear();
        }
        self.corrections = self.params.corrections.hand_over();
        if let Some(processor) = &mut self.processor {
            processor.teach(&self.corrections);
            self.link.shared().set_teaching(processor.teaching());
        }
        self.link.shared().drop_auditions();
        if self.keeper.is_none() {
            // Without a thread the windows listen while they are open.
            self.keeper = Keeper::new(self.editor_end.clone(), self.monitor.clone()).ok();
        }

        let (status, latency_samples, quality) = match &self.processor {
            Some(processor) => (
                Status::Running,
                processor.latency_samples() as u32,
                processor.quality(),
            ),
            None => (Status::PassThrough, 0, Quality::default()),
        };
        context.set_latency_samples(latency_samples);
        self.link
            .shared()
            .announce(status, self.sample_rate_hz, latency_samples, quality, texts);
        true
    }

    fn deactivate(&mut self) {
        self.link.shared().announce_idle();
    }

    fn reset(&mut self) {
        self.link.shared().drop_auditions();
        if let Some(processor) = &mut self.processor {
            processor.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.restart_if_needed(buffer.samples(), context);
        self.collect_strokes(buffer.samples(), context);

        let [left, right] = buffer.as_slice() else {
            return ProcessStatus::Error("The main output is not stereo");
        };
        if K::IS_SIDE_CHAINED {
            let given = aux.inputs.first_mut();
            let given = given.map_or(&mut [][..], Buffer::as_slice);
            side_chain::take(given, [&mut **left, &mut **right]);
        }
        if self.input_is_mono {
            right.copy_from_slice(left);
        }
        flush_subnormals(left);
        flush_subnormals(right);
        let main = [&mut **left, &mut **right];
        let mut aux = HostAux(aux.outputs);
        let Some(processor) = &mut self.processor else {
            pass_through(main, &mut aux, &mut self.link);
            return ProcessStatus::Normal;
        };

        if self.link.shared().take_forget() {
            processor.forget_kit();
        }
        if let Some(inbox) = &mut self.kit_inbox {
            inbox.offer(|kit| processor.load_kit(kit));
        }
        if let Some(inbox) = &mut self.own_inbox {
            inbox.offer(|own| processor.set_own_sounds(own));
        }
        if let Some(inbox) = &mut self.correction_inbox {
            inbox.offer(|list| {
                self.corrections = list.clone();
                processor.teach(list);
                true
            });
        }
        let transport = context.transport();
        let settings = Settings {
            controls: self.params.controls(),
            hits_snap: self.params.hits.value().snaps(),
            mix: self.params.mix_targets(),
            notes: self.params.notes(),
        };
        let played = Played {
            pads: &self.pads,
            late_pads: &self.late_pads,
            hits: &self.hits,
            corrections: &self.corrections,
            song_sample: song_sample(transport),
            tempo: tempo(transport),
        };
        let messages = processor.process(main, &mut aux, &settings, played, &mut self.link);
        for message in messages {
            let (timing, voice_id) = (message.offset, VoiceID::Wildcard);
            let channel = Channel::Number(notes::CHANNEL);
            let key = Key::Number(message.note);
            let event = match message.velocity {
                Some(velocity) => NoteEvent::NoteOn {
                    timing,
                    voice_id,
                    channel,
                    key,
                    velocity,
                },
                None => NoteEvent::NoteOff {
                    timing,
                    voice_id,
                    channel,
                    key,
                    velocity: 0.0,
                },
            };
            // Hosts without a note output take none: nothing is lost but MIDI.
            let _ = context.try_send_event(event);
        }
        let latency_samples = processor.latency_samples() as u32;
        self.link.shared().set_evidence(&processor.evidence());
        ProcessStatus::Tail(latency_samples + (TAIL_SECONDS * self.sample_rate_hz) as u32)
    }
}

impl<K: Kind> ClapPlugin for DrumMachine<K> {
    const CLAP_ID: &'static str = K::CLAP_ID;
    const CLAP_DESCRIPTION: Option<&'static str> = Some(K::DESCRIPTION);
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = K::CLAP_FEATURES;
}

impl<K: Kind> Vst3Plugin for DrumMachine<K> {
    const VST3_CLASS_ID: [u8; 16] = *K::VST3_CLASS_ID;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = K::VST3_SUBCATEGORIES;
}
