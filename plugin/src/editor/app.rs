//! The window's content and its layout.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use egui::{Rect, Ui, pos2, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::ParamSetter;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};

use super::before_preset::BeforePreset;
use super::by_hand::SetNow;
use super::controls::set;
use super::drag_drop::{Carried, DragDrop};
use super::fit::Fit;
use super::header::HeaderWish;
use super::keys::{leave_ending_to_host, leave_keys_to_host};
use super::notice::Notice;
use super::sample_browser::Target;
use super::sample_desk::{DeskWish, SampleDesk};
use super::song_view::{SongView, SongWish};
use super::toolbar::ToolbarWish;
use super::{WindowScale, header, names, theme, timeline, toolbar};
use crate::file_work::FileWork;
use crate::folders::kits_folder;
use crate::heard::marks::song_hits;
use crate::heard::{Monitor, Take};
use crate::link::{EditorEnd, Shared, Status};
use crate::lock::lock;
use crate::midi_export::{self, Bars};
use crate::params::{HitChoice, IdmParams, MOST_REVISIONS};

/// Time between frames while audio runs.
const FRAME_INTERVAL: Duration = Duration::from_millis(16);

/// Time between frames while nothing moves.
const IDLE_INTERVAL: Duration = Duration::from_millis(200);

const MARGIN: f32 = 10.0;
/// Height that the strips ask for before the timeline gets more.
const STRIP_HEIGHT: f32 = 460.0;
/// The same while hits are corrected, which needs lanes that can be hit.
const LOW_STRIP_HEIGHT: f32 = 392.0;
const TIMELINE_HEIGHT: std::ops::RangeInclusive<f32> = 140.0..=480.0;

/// One open window.
pub struct IdmApp {
    params: Arc<IdmParams>,
    end: Arc<Mutex<EditorEnd>>,
    shared: Arc<Shared>,
    /// What was heard, which outlives the window.
    monitor: Arc<Mutex<Monitor>>,
    scale: Arc<WindowScale>,
    fit: Fit,
    is_open: bool,
    /// Whether a frame was drawn.
    is_drawn: bool,
    context: Option<GuiContext>,
    /// What was set by which hits are judged.
    set_now: SetNow,
    last_frame: Option<Instant>,
    /// Where kits are saved.
    kits_folder: PathBuf,
    samples: Arc<Mutex<SampleDesk>>,
    file_work: Arc<FileWork>,
    drag_drop: DragDrop,
    /// What is carried over the window.
    carried: Option<Carried>,
    /// The song, while its hits are corrected.
    song: Option<SongView>,
    /// What became of the last thing that was done.
    notice: Option<Notice>,
    /// The user's own settings.
    before_preset: Arc<Mutex<BeforePreset>>,
    /// How often the kit was forgotten, learnt from a file or that was taken back.
    kit_changes: u64,
    /// Changes beside the parameters of which the host has been told.
    told_changes: u64,
}

impl std::fmt::Debug for IdmApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdmApp").finish_non_exhaustive()
    }
}

impl IdmApp {
    /// A window for these parameters and this end of the link.
    pub fn new(
        params: Arc<IdmParams>,
        end: Arc<Mutex<EditorEnd>>,
        monitor: Arc<Mutex<Monitor>>,
        before_preset: Arc<Mutex<BeforePreset>>,
        samples: Arc<Mutex<SampleDesk>>,
        file_work: Arc<FileWork>,
        scale: Arc<WindowScale>,
    ) -> Self {
        lock(&samples).browser = None;
        params.editor.show();
        let shared = lock(&end).shared.clone();
        let told_changes = edits(&params);
        Self {
            params,
            end,
            shared,
            monitor,
            fit: Fit::new(scale.get()),
            scale,
            is_open: false,
            is_drawn: false,
            context: None,
            set_now: SetNow::default(),
            last_frame: None,
            kits_folder: kits_folder(),
            samples,
            file_work,
            drag_drop: DragDrop::default(),
            carried: None,
            song: None,
            notice: None,
            before_preset,
            kit_changes: 0,
            told_changes,
        }
    }

    fn open(&mut self, egui_context: &egui::Context, gui_context: GuiContext) {
        theme::apply(egui_context);
        leave_ending_to_host(egui_context);
        let params = self.params.clone();
        self.context = Some(self.set_now.watch(gui_context, params));
        self.shared.window_opened();
        self.is_open = true;
    }

    /// Brings what the window knows up to date.
    fn update_monitor(&mut self, monitor: &mut Monitor) {
        let now = Instant::now();
        let elapsed = self
            .last_frame
            .map_or(0.0, |last| (now - last).as_secs_f32());
        self.last_frame = Some(now);
        monitor.update(&mut lock(&self.end), elapsed);
    }

    /// Takes what was set since the last frame.
    fn follow_settings(&mut self, monitor: &mut Monitor) {
        let (loads, take) = (self.params.format.loads(), &mut monitor.take);
        take.drums = self.params.controls().drums;
        self.set_now.tell(&mut take.by_hand);
        take.by_hand.follow(&take.drums, loads);
        if monitor.questions.follow(loads)
            && let Some(song) = &mut self.song
        {
            song.forget_question();
        }
    }

    /// Draws one frame into the whole of `ui`.
    fn draw(&mut self, ui: &mut Ui) {
        let Some(context) = self.context.clone() else {
            return;
        };
        if !std::mem::replace(&mut self.is_drawn, true) {
            theme::use_system_fonts(ui.ctx());
        }
        self.fit.show(ui, &self.params);
        leave_keys_to_host(ui.ctx());
        let heard = self.monitor.clone();
        let monitor = &mut *lock(&heard);
        self.update_monitor(monitor);
        self.follow_settings(monitor);
        let setter = context.param_setter();
        let screen = ui.max_rect();
        ui.painter().rect_filled(screen, 0, theme::BACKGROUND);

        let area = screen.shrink(MARGIN);
        let row = |top: f32, height: f32| {
            Rect::from_min_size(pos2(area.left(), top), vec2(area.width(), height))
        };
        let head = row(area.top() - 4.0, header::HEIGHT);
        let bar = row(head.bottom() + 2.0, toolbar::HEIGHT);
        let rest = area.bottom() - bar.bottom() - 2.0 * theme::GAP;
        let strip_height = match self.song {
            Some(_) => LOW_STRIP_HEIGHT,
            None => STRIP_HEIGHT,
        };
        let timeline_height =
            (rest - strip_height).clamp(*TIMELINE_HEIGHT.start(), *TIMELINE_HEIGHT.end());
        let history = row(bar.bottom() + theme::GAP, timeline_height);
        let strips = Rect::from_min_max(pos2(area.left(), history.bottom() + theme::GAP), area.max);

        self.follow_file();
        let progress = self.file_work.progress();
        let hint = self.drag_hint(ui.ctx());
        let notice = self.notice.as_ref().filter(|notice| notice.is_fresh());
        let learning = progress.as_ref().map(files::in_words);
        let wish = header::Header {
            params: &self.params,
            shared: &self.shared,
            texts: &self.shared.texts(),
            zoom: ui.ctx().zoom_factor(),
            notice: hint.as_ref().or(notice).or(learning.as_ref()),
            problem: &self.problem(),
            can_undo_preset: self.can_undo_preset(),
            hears_nothing: monitor.sound_since_hit_s >= timeline::NOTHING_HEARD_S,
        }
        .show(ui, head, &setter);
        if let Some(wish) = wish {
            self.grant(ui, &setter, wish);
        }
        let files = toolbar::Files {
            heard: progress.map(|progress| (progress.purpose, progress.share)),
            has_stems: self.file_work.has_stems(),
        };
        let tools = toolbar::show(ui, bar, &setter, &self.params, monitor.main_level, &files);
        match tools.wish {
            Some(ToolbarWish::ForgetKit) => {
                self.shared.ask_to_forget();
                self.params.kit.forget();
                // Where no audio runs nobody else says so.
                self.shared.set_evidence(&Default::default());
                self.kit_changes += 1;
            }
            Some(ToolbarWish::SaveKit) => self.save_kit(),
            Some(ToolbarWish::LearnKit) => lock(&self.samples).open(Target::Recording),
            Some(ToolbarWish::WriteStems) => lock(&self.samples).open(Target::Stems),
            Some(ToolbarWish::Cancel) => self.file_work.cancel(),
            Some(ToolbarWish::LoadKit) => lock(&self.samples).open(Target::Kit),
            Some(ToolbarWish::SaveMidi) => drop(self.save_midi(&monitor.take, None)),
            Some(ToolbarWish::Hold(taken)) => self.drag_drop.press(Some(taken)),
            None => {}
        }
        self.show_history(ui, history, &setter, monitor);
        let pads = self.show_strips(ui, strips, &setter, monitor);
        if let Some(drum) = pads.wants_sample {
            lock(&self.samples).open(Target::Pad(drum));
        }
        self.drag_drop.press(pads.pressed);
        let wish = lock(&self.samples).show(ui.ctx(), &setter, &self.params, &self.shared);
        match wish {
            Some(DeskWish::Learn(path)) => self.learn_from(&path),
            Some(DeskWish::Stems(path)) => self.write_stems(&path),
            Some(DeskWish::Undo) => self.undo_learning(),
            Some(DeskWish::Model(folder)) => self.take_model(&folder),
            None => {}
        }
        let zones = pads.zones.into_iter().chain(tools.zone).collect();
        self.follow_dragged(ui, zones, &setter, &monitor.take);
        self.tell_changes(&setter);

        let interval = match self.shared.status() {
            Status::Idle => IDLE_INTERVAL,
            Status::Running | Status::PassThrough => FRAME_INTERVAL,
        };
        ui.ctx().request_repaint_after(interval);
    }

    /// Does what the user wants of the header.
    fn grant(&mut self, ui: &Ui, setter: &ParamSetter<'_>, wish: HeaderWish) {
        match wish {
            HeaderWish::Zoom(zoom) => self.params.editor.update(|state| state.zoom = zoom),
            HeaderWish::Preset(preset) => {
                let has_sample = self.params.own_samples.names().map(|name| name.is_some());
                let values = preset.settings_beside(&has_sample);
                lock(&self.before_preset).leave(self.params.values(), &values);
                self.params.set_values(setter, &values);
            }
            HeaderWish::UndoPreset => {
                let values = lock(&self.before_preset).take();
                if let Some(values) = values {
                    self.params.set_values(setter, &values);
                }
            }
            HeaderWish::ChooseModel => lock(&self.samples).open_models(&self.params.model),
            HeaderWish::BuiltInModel => self.take_built_in_model(),
            HeaderWish::Dismiss => self.notice = None,
            HeaderWish::OpenFolder => {
                if let Some(folder) = self.notice.as_ref().and_then(|n| n.folder.as_ref()) {
                    // The path itself: in a URL blanks and other letters would be escaped.
                    let path = folder.display().to_string();
                    ui.ctx().open_url(egui::OpenUrl::new_tab(path));
                }
            }
        }
    }

    /// Tells the host that the project is another one than it has saved.
    fn tell_changes(&mut self, setter: &ParamSetter<'_>) {
        let params = &self.params;
        let changes = edits(params) + self.kit_changes;
        if changes != self.told_changes {
            self.told_changes = changes;
            let next = (params.revision.value() + 1) % (MOST_REVISIONS + 1);
            set(setter, &params.revision, next);
        }
    }

    /// The last seconds, or the song while its hits are corrected.
    fn show_history(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        setter: &ParamSetter<'_>,
        monitor: &mut Monitor,
    ) {
        let corrections = &self.params.corrections;
        match &mut self.song {
            Some(song) => {
                song.has_keys = lock(&self.samples).browser.is_none();
                let hits = self.params.hits.value().engine();
                let (take, questions) = (&monitor.take, &mut monitor.questions);
                match song.show(ui, rect, take, questions, corrections, hits) {
                    Some(SongWish::Done) => self.song = None,
                    Some(SongWish::SaveMidi) => drop(self.save_midi(&monitor.take, None)),
                    Some(SongWish::SaveBars(bars)) => {
                        self.save_midi(&monitor.take, Some(&bars));
                    }
                    Some(SongWish::Hold(taken)) => self.drag_drop.press(Some(taken)),
                    Some(SongWish::ListenAnew) => monitor.forget_song(),
                    None => {}
                }
            }
            None => {
                let is_running = self.shared.status() == Status::Running;
                let hits = is_running.then(|| self.params.hits.value().engine());
                let count = corrections.current().len();
                let is_side_chained = self.shared.is_side_chained();
                if timeline::show(ui, rect, monitor, count, hits, is_side_chained) {
                    self.song = Some(SongView::new(&monitor.take));
                }
            }
        }
        names::show(ui, rect, setter, &self.params);
    }

    /// The hits of the song, or of some of its bars, as a file; answers its path.
    fn save_midi(&mut self, take: &Take, bars: Option<&Bars>) -> Option<PathBuf> {
        // Hits that come as notes are not corrected.
        let corrections = match self.params.hits.value() {
            HitChoice::Listening => self.params.corrections.current(),
            HitChoice::MidiIn | HitChoice::MidiNear => Arc::default(),
        };
        let hits = song_hits(take, &corrections);
        let (notes, grid) = (self.params.notes(), take.grid());
        let saved = midi_export::save(&hits, &notes, &grid, bars, &self.kits_folder);
        self.notice = Some(match &saved {
            Ok(path) => midi_in_words(path, take, bars),
            Err(error) => Notice::failed(format!("MIDI not saved: {error}")),
        });
        saved.ok()
    }

    /// Whether there are settings from before a preset, of this state.
    fn can_undo_preset(&self) -> bool {
        let mut before = lock(&self.before_preset);
        before.follow(self.params.format.loads());
        before.is_known()
    }

    fn save_kit(&mut self) {
        let saved = self.params.kit.write_files(&self.kits_folder);
        self.notice = Some(match saved {
            Ok((folder, left_out)) => Notice::saved("Kit saved in", &folder).without(&left_out),
            Err(error) => Notice::failed(format!("Kit not saved: {error}")),
        });
    }

    /// What of the project could not be read; empty most of the time.
    fn problem(&self) -> String {
        let params = &self.params;
        let problems = [
            params.format.problem(),
            params.model.problem(),
            params.kit.problem(),
            params.own_samples.problem(),
            params.corrections.problem(),
        ];
        let mut problems = problems.into_iter();
        problems.find(|one| !one.is_empty()).unwrap_or_default()
    }
}

/// Where the song's hits are, and whether they can be all of them.
fn midi_in_words(path: &Path, take: &Take, bars: Option<&Bars>) -> Notice {
    let mut notice = Notice::saved("MIDI saved as", path);
    let unheard_s = match bars {
        Some(bars) => take.unheard_s(bars.from_s, bars.to_s),
        None => take.unheard_s(0.0, *take.span_s().end()),
    };
    if unheard_s >= 1.0 {
        notice.text += &format!("; {unheard_s:.0} s of that were not heard yet");
    }
    notice
}

/// How often the user has changed what is kept beside the parameters, but for the kit.
fn edits(params: &IdmParams) -> u64 {
    params.corrections.edits() + params.own_samples.edits() + params.model.edits()
}

impl NiceEguiApp for IdmApp {
    fn build(
        &mut self,
        egui_context: egui::Context,
        gui_context: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        #[cfg(target_os = "linux")]
        super::keyboard::follow(frame.baseview_window(), &egui_context);
        self.drag_drop = DragDrop::open(frame.baseview_window(), &egui_context);
        self.open(&egui_context, gui_context);
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut Frame) {
        self.draw(ui);
    }

    fn resized(&mut self, size: WindowSize) {
        self.params.editor.update(|state| {
            state.width = size.logical.width as f32;
            state.height = size.logical.height as f32;
        });
        let zoom = f64::from(self.params.editor.get().zoom);
        self.scale.set(size.scale_factor / zoom);
        self.fit.window_has_changed();
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        self.params.editor.update(|state| state.zoom = zoom);
    }
}

impl Drop for IdmApp {
    fn drop(&mut self) {
        if self.is_open {
            self.shared.window_closed();
        }
    }
}

mod dragging;
mod files;
mod model;
mod strips;
#[cfg(test)]
mod tests;
