//! Window and content fit each other, whatever the zoom, the screen and the host.

use std::sync::atomic::{AtomicU64, Ordering};

use egui::{Ui, ViewportCommand, vec2};

use crate::params::IdmParams;
use crate::state::EditorState;

/// How much smaller than needed a window may be without a change of zoom: rounding.
const ROUNDING: f32 = 0.995;

/// Physical pixels per logical one, as the system says of the window that is open, or of
/// the last one. The host's idea of it may be another, and before the first window nobody
/// knows.
#[derive(Debug)]
pub struct WindowScale(AtomicU64);

/// That of the last window of any instance.
static LAST_SCALE: WindowScale = WindowScale(AtomicU64::new(1.0_f64.to_bits()));

impl Default for WindowScale {
    fn default() -> Self {
        Self(AtomicU64::new(LAST_SCALE.get().to_bits()))
    }
}

impl WindowScale {
    /// The factor.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// The system says so; what cannot be is left.
    pub fn set(&self, factor: f64) {
        if factor.is_finite() && factor > 0.0 {
            self.0.store(factor.to_bits(), Ordering::Relaxed);
            LAST_SCALE.0.store(factor.to_bits(), Ordering::Relaxed);
        }
    }
}

/// What is known of the window that is open.
#[derive(Debug)]
pub struct Fit {
    /// Scale of the screen by which the host was told the size; none once it was compared
    /// with the true one.
    told_scale: Option<f64>,
    has_changed: bool,
}

impl Fit {
    /// A window whose size the host was told as that of a screen with this scale.
    pub fn new(told_scale: f64) -> Self {
        Self {
            told_scale: Some(told_scale),
            has_changed: false,
        }
    }

    /// The window has another size.
    pub fn window_has_changed(&mut self) {
        self.has_changed = true;
    }

    /// Follows the zoom that buttons change, or that a project was saved with. Shrinks
    /// what is drawn where the user has made the window smaller than it. Enlarges the
    /// host's frame if nobody knew the scale of the screen when it was made.
    pub fn show(&mut self, ui: &Ui, params: &IdmParams) {
        let (size, present) = (ui.max_rect().size(), ui.ctx().zoom_factor());
        let resize = |size| {
            let command = ViewportCommand::InnerSize(size);
            ui.ctx().send_viewport_cmd(command);
        };
        let mut zoom = params.editor.get().zoom;
        let least = EditorState::MIN_SIZE;
        let fit = (size.x / least.0).min(size.y / least.1);
        if std::mem::take(&mut self.has_changed) && fit < ROUNDING && zoom == present {
            zoom = (present * fit).max(EditorState::ZOOM.0);
            params.editor.update(|state| state.zoom = zoom);
            // The window stays as large as it is.
            resize(size * (present / zoom));
        }
        if zoom != present {
            ui.ctx().set_zoom_factor(zoom);
        }
        if let Some(told) = self.told_scale.take()
            && let Some(scale) = ui.ctx().native_pixels_per_point()
            && f64::from(scale) > told
        {
            // Hosts hear of sizes that change only: one pixel is enough.
            resize(size - vec2(0.0, 1.0 / ui.ctx().pixels_per_point()));
        }
    }
}
