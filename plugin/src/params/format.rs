//! Parameter values as text and back.
//!
//! Every function that reads accepts what its counterpart writes, with or
//! without the unit, so that a value typed as it is shown comes out the same.

use super::{LEVEL_MAX_DB, LEVEL_MIN_DB, MASK_EXPONENT};

const NOTE_NAMES: [&str; 12] = [
    "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B",
];

/// A number, optionally followed by one of `units`; a comma may stand for the
/// decimal point, and a minus may be the printed one.
pub fn parse_number(text: &str, units: &[&str]) -> Option<f32> {
    let text = text.trim().to_ascii_lowercase();
    let number = units
        .iter()
        .find_map(|unit| text.strip_suffix(&unit.to_ascii_lowercase()))
        .unwrap_or(&text);
    let number = number.trim().replace(',', ".").replace('−', "-");
    let value: f32 = number.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Fader position in dB, without the unit.
pub fn level(level_db: f32) -> String {
    if level_db <= LEVEL_MIN_DB {
        "-inf".into()
    } else {
        // Rounding first keeps "-0.0" off the screen.
        let rounded = (level_db * 10.0).round() / 10.0 + 0.0;
        format!("{rounded:.1}")
    }
}

/// Fader position from text; `-inf` and the like are the bottom.
pub fn parse_level(text: &str) -> Option<f32> {
    let bare = text.trim().to_ascii_lowercase();
    let bare = bare.strip_suffix("db").unwrap_or(&bare).trim();
    if matches!(bare, "-inf" | "-infinity" | "-∞" | "−∞" | "off") {
        return Some(LEVEL_MIN_DB);
    }
    parse_number(bare, &[]).map(|level_db| level_db.clamp(LEVEL_MIN_DB, LEVEL_MAX_DB))
}

/// Fraction as a percentage, without the unit; half percents are kept.
pub fn percent(fraction: f32) -> String {
    let tenths = (fraction * 1000.0).round();
    if tenths % 10.0 == 0.0 {
        format!("{:.0}", tenths / 10.0 + 0.0)
    } else {
        format!("{:.1}", tenths / 10.0)
    }
}

/// Signed fraction as a percentage, without the unit.
pub fn signed_percent(fraction: f32) -> String {
    let rounded = (fraction * 100.0).round();
    if rounded == 0.0 {
        "0".into()
    } else {
        format!("{rounded:+.0}")
    }
}

/// Fraction from a percentage.
pub fn parse_percent(text: &str) -> Option<f32> {
    parse_number(text, &["%"]).map(|percent| percent / 100.0)
}

/// Signed semitones, without the unit.
pub fn semitones(value: f32) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded == 0.0 {
        "0".into()
    } else {
        format!("{rounded:+.1}")
    }
}

/// Note number and name; 36 is C1.
pub fn note(number: i32) -> String {
    let number = number.clamp(0, 127);
    let name = NOTE_NAMES[(number % 12) as usize];
    format!("{number} ({name}{})", number / 12 - 2)
}

/// Note from its number, its name, or both as [`note`] writes them.
pub fn parse_note(text: &str) -> Option<i32> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    if digits > 0 {
        let number: i32 = text[..digits].parse().ok()?;
        let rest = text[digits..].trim();
        let named = rest.is_empty() || (rest.starts_with('(') && rest.ends_with(')'));
        return (named && number <= 127).then_some(number);
    }
    let mut letters = text.chars();
    let white = letters.next()?.to_ascii_uppercase().to_string();
    let white = NOTE_NAMES.iter().position(|name| *name == white)? as i32;
    let rest = letters.as_str();
    let (shift, octave) = if let Some(octave) = rest.strip_prefix(['#', '♯']) {
        (1, octave)
    } else if let Some(octave) = rest.strip_prefix(['b', 'B', '♭']) {
        (-1, octave)
    } else {
        (0, rest)
    };
    let octave: i32 = octave.trim().replace('−', "-").parse().ok()?;
    let number = octave
        .checked_add(2)?
        .checked_mul(12)?
        .checked_add(white + shift)?;
    (0..=127).contains(&number).then_some(number)
}

/// Position between bleed and duck as a percentage of ducking.
pub fn bleed_duck(exponent: f32) -> String {
    let (low, high) = MASK_EXPONENT;
    format!("{:.0} % duck", (exponent - low) / (high - low) * 100.0)
}

/// Mask exponent from what [`bleed_duck`] writes.
pub fn parse_bleed_duck(text: &str) -> Option<f32> {
    let (low, high) = MASK_EXPONENT;
    let duck = parse_number(text, &["% duck", "%"])?.clamp(0.0, 100.0);
    Some(low + duck / 100.0 * (high - low))
}

/// A yes/no switch.
pub fn parse_switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" | "1" => Some(true),
        "no" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}
