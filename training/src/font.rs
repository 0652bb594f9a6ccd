//! The font of pictures.

use anyhow::Result;
use plotters::style::{FontStyle, register_font};

/// Lets pictures have words.
///
/// # Errors
/// When the font is damaged.
pub(crate) fn use_font() -> Result<()> {
    register_font(
        "sans-serif",
        FontStyle::Normal,
        epaint_default_fonts::UBUNTU_LIGHT,
    )
    .map_err(|_| anyhow::anyhow!("the font is damaged"))
}
