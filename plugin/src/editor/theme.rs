//! Colours, fonts and measures.

use std::sync::Arc;

use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, Visuals};
use idm_engine::drum::{Drum, RESIDUAL, STEM_COUNT};
use idm_engine::engine::Verdict;

use super::system_fonts::system_fonts;

/// Behind everything.
pub const BACKGROUND: Color32 = Color32::from_rgb(0x11, 0x13, 0x17);
/// Strips, timeline, toolbar.
pub const PANEL: Color32 = Color32::from_rgb(0x1a, 0x1d, 0x23);
/// Things on a panel that can be moved or pressed.
pub const RAISED: Color32 = Color32::from_rgb(0x26, 0x2a, 0x32);
/// The same under the pointer.
pub const HOVERED: Color32 = Color32::from_rgb(0x32, 0x38, 0x43);
/// Grooves of faders, lanes.
pub const GROOVE: Color32 = Color32::from_rgb(0x0c, 0x0e, 0x11);
/// Hairlines.
pub const LINE: Color32 = Color32::from_rgb(0x2c, 0x31, 0x3a);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0xe8, 0xea, 0xee);
/// Less important text.
pub const DIM: Color32 = Color32::from_rgb(0x8f, 0x97, 0xa5);
/// The plugin's own colour.
pub const BRAND: Color32 = Color32::from_rgb(0xff, 0x7a, 0x59);
/// All is well.
pub const GOOD: Color32 = Color32::from_rgb(0x5f, 0xd0, 0x8a);
/// Worth a look.
pub const WARNING: Color32 = Color32::from_rgb(0xf2, 0xb1, 0x4a);
/// Wrong, or too loud.
pub const BAD: Color32 = Color32::from_rgb(0xf0, 0x5d, 0x5d);

/// Space between panels in points.
pub const GAP: f32 = 6.0;
/// Rounding of panels in points.
pub const ROUND: CornerRadius = CornerRadius::same(6);
/// Rounding of small things in points.
pub const SMALL_ROUND: CornerRadius = CornerRadius::same(3);

const ACCENTS: [Color32; STEM_COUNT] = [
    Color32::from_rgb(0xff, 0x6e, 0x52), // kick
    Color32::from_rgb(0xff, 0xbd, 0x4a), // snare
    Color32::from_rgb(0xc3, 0xdf, 0x55), // closed hat
    Color32::from_rgb(0x67, 0xd3, 0x83), // open hat
    Color32::from_rgb(0x45, 0xcf, 0xd0), // high tom
    Color32::from_rgb(0x4f, 0xa8, 0xff), // mid tom
    Color32::from_rgb(0x8b, 0x86, 0xff), // floor tom
    Color32::from_rgb(0xcf, 0x7b, 0xff), // crash
    Color32::from_rgb(0xff, 0x79, 0xb8), // ride
    Color32::from_rgb(0x9a, 0xa3, 0xb2), // residual
];

/// Colour of a drum.
pub fn accent(drum: Drum) -> Color32 {
    ACCENTS[drum.index()]
}

/// Colour of the residual.
pub fn residual_accent() -> Color32 {
    ACCENTS[RESIDUAL]
}

/// Colour of a hit of `drum`.
pub fn verdict_colour(drum: Drum, verdict: Verdict) -> Color32 {
    match verdict {
        Verdict::Accepted => accent(drum),
        Verdict::BelowThreshold => DIM,
        Verdict::TooSoon => WARNING,
        Verdict::Disabled | Verdict::Removed => BAD,
    }
}

/// A verdict in the user's words.
pub fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "hit",
        Verdict::BelowThreshold => "unsure",
        Verdict::TooSoon => "too soon",
        Verdict::Disabled => "not in piece",
        Verdict::Removed => "removed",
    }
}

/// Font of a size in points.
pub fn font(size: f32) -> FontId {
    FontId::proportional(size)
}

/// A colour at a fraction of its opacity.
pub fn faded(colour: Color32, opacity: f32) -> Color32 {
    colour.gamma_multiply(opacity.clamp(0.0, 1.0))
}

/// The fonts, in the order in which a character is looked for.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in [
        ("Ubuntu-Light", epaint_default_fonts::UBUNTU_LIGHT),
        ("Hack", epaint_default_fonts::HACK_REGULAR),
        ("egui-icons", epaint_default_fonts::EGUI_ICONS),
    ] {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
        for family in [FontFamily::Proportional, FontFamily::Monospace] {
            fonts.families.entry(family).or_default().push(name.into());
        }
    }
    fonts
}

/// Has letters that our fonts lack looked for in the system's. Asks for a frame, which windows
/// on X11 must not do before they are shown: they would wait for ever.
pub fn use_system_fonts(context: &egui::Context) {
    context.set_font_providers(vec![system_fonts()]);
}

/// Sets fonts, colours and spacing of everything that egui draws by itself.
pub fn apply(context: &egui::Context) {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = GROOVE;
    visuals.override_text_color = Some(TEXT);
    visuals.selection.bg_fill = faded(BRAND, 0.45);
    visuals.selection.stroke = Stroke::new(1.0, TEXT);
    for (widget, fill) in [
        (&mut visuals.widgets.inactive, RAISED),
        (&mut visuals.widgets.hovered, HOVERED),
        (&mut visuals.widgets.active, HOVERED),
        (&mut visuals.widgets.open, HOVERED),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.corner_radius = SMALL_ROUND;
        widget.expansion = 0.0;
        widget.fg_stroke = Stroke::new(1.0, TEXT);
    }
    context.set_fonts(fonts());
    context.set_theme(egui::Theme::Dark);
    context.set_visuals_of(egui::Theme::Dark, visuals);
    context.all_styles_mut(|style| {
        style.spacing.item_spacing = egui::vec2(GAP, GAP);
        style.spacing.button_padding = egui::vec2(8.0, 3.0);
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.45;
        for (text_style, font) in &mut style.text_styles {
            font.size = match text_style {
                egui::TextStyle::Small => 10.0,
                egui::TextStyle::Heading => 18.0,
                _ => 12.0,
            };
        }
    });
}
