//! The window: what the audio thread tells, and the parameters.
//!
//! One widget per file. The window reads numbers from [`crate::link`], writes
//! parameters through the host, and keeps nothing that a project would miss
//! except its size and zoom.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{
    Editor, HostMethods, ParentWindowHandle, ResizeHint, SizeConstraints, SpawnedEditor,
};
use nice_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier, create_egui_editor,
};

use crate::file_work::FileWork;
use crate::heard::Monitor;
use crate::link::EditorEnd;
use crate::params::IdmParams;
use crate::state::EditorState;

mod app;
mod before_preset;
mod by_hand;
mod controls;
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
mod drag_drop;
mod fader;
mod fit;
mod header;
#[cfg(target_os = "linux")]
mod keyboard;
mod keys;
mod lanes;
mod meter;
mod names;
mod notice;
mod pad;
mod sample_browser;
mod sample_desk;
mod song_view;
mod strip;
mod system_fonts;
mod theme;
mod timeline;
mod toolbar;
mod type_in;
mod value_bar;
#[cfg(target_os = "linux")]
mod x11;

pub use app::IdmApp;
pub use before_preset::BeforePreset;
pub use fit::WindowScale;
use sample_desk::SampleDesk;

/// Shortest time between two looks at whether to repaint.
const POLL_INTERVAL: Duration = Duration::from_millis(16);

/// Makes windows. The host opens and closes them as it likes; size and zoom
/// are those of the last one, or of the project that was opened.
pub struct IdmEditor {
    params: Arc<IdmParams>,
    end: Arc<Mutex<EditorEnd>>,
    monitor: Arc<Mutex<Monitor>>,
    before_preset: Arc<Mutex<BeforePreset>>,
    samples: Arc<Mutex<SampleDesk>>,
    file_work: Arc<FileWork>,
    scale: Arc<WindowScale>,
}

impl std::fmt::Debug for IdmEditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdmEditor").finish_non_exhaustive()
    }
}

impl IdmEditor {
    /// An editor for these parameters and this end of the link; `monitor` is what was heard
    /// so far, `file_work` hears files.
    pub fn new(
        params: Arc<IdmParams>,
        end: Arc<Mutex<EditorEnd>>,
        monitor: Arc<Mutex<Monitor>>,
        file_work: Arc<FileWork>,
    ) -> Self {
        Self {
            params,
            end,
            monitor,
            before_preset: Arc::default(),
            samples: Arc::default(),
            file_work,
            scale: Arc::default(),
        }
    }

    fn state(&self) -> EditorState {
        self.params.editor.get()
    }
}

impl Editor for IdmEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<EguiEditorHandle>, Box<dyn Error>> {
        let state = self.state();
        let egui_state =
            EguiEditorState::from_size(LogicalSize::new(state.width, state.height), state.zoom);
        let settings = EguiNiceSettings::new()
            .with_tile("Inverse Drum Machine")
            .with_resize_hint(self.resize_hint())
            .with_repaint_poll_interval(POLL_INTERVAL);
        let app = IdmApp::new(
            self.params.clone(),
            self.end.clone(),
            self.monitor.clone(),
            self.before_preset.clone(),
            self.samples.clone(),
            self.file_work.clone(),
            self.scale.clone(),
        );
        let editor = create_egui_editor(egui_state, RepaintNotifier::new(), settings, app)
            .ok_or("The window could not be made")?;
        let spawned = editor.spawn(
            parent,
            wait_for_parent,
            fallback_scale_factor,
            gui_context,
            host,
        )?;
        self.scale.set(spawned.window.size().scale_factor);
        Ok(spawned)
    }

    fn size(&self) -> NativeSize<u32> {
        let state = self.state();
        let size = LogicalSize::new(state.width * state.zoom, state.height * state.zoom);
        NativeSize::from_size(size.into(), self.scale.get())
    }

    fn resize_hint(&self) -> ResizeHint {
        // Those of every zoom: hosts ask once per window.
        let size = |(width, height): (f32, f32), zoom: f32| {
            Some(LogicalSize::new(width * zoom, height * zoom))
        };
        ResizeHint::resizable().with_size_constraints(SizeConstraints::logical(
            size(EditorState::MIN_SIZE, EditorState::ZOOM.0),
            size(EditorState::MAX_SIZE, EditorState::ZOOM.1),
        ))
    }
}
