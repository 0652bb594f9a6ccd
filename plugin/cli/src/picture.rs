//! A picture of a kit: waveform and spectrogram of every one-shot.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use idm_engine::audio_file::AudioBuffer;
use idm_engine::front_end::{BAND_COUNT, Framing, FrontEnd, LOG_OFFSET};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

const WIDTH: u32 = 1200;
const TITLE_HEIGHT: u32 = 56;
const ROW_HEIGHT: u32 = 120;
const LABEL_WIDTH: i32 = 300;
const GAP: i32 = 16;

const BACKGROUND: RGBColor = RGBColor(24, 26, 31);
const PANEL: RGBColor = RGBColor(34, 37, 44);
const TEXT: RGBColor = RGBColor(232, 234, 238);
const FAINT_TEXT: RGBColor = RGBColor(160, 166, 178);
const WAVE: RGBColor = RGBColor(94, 176, 255);

/// Shortest time axis, so that a single hi-hat is not blown up.
const MIN_AXIS_S: f64 = 0.5;

/// One one-shot of the picture.
#[derive(Debug, Clone)]
pub struct Row {
    /// First line of the label.
    pub title: String,
    /// Second line.
    pub detail: String,
    /// Third line.
    pub key: String,
    /// The sound.
    pub audio: AudioBuffer,
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Draws one row per one-shot, all on one time axis, into a PNG at `path`,
/// replacing a file of that name in one step.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, title: &str, rows: &[Row]) -> Result<()> {
    // The backend knows the format by the extension, so the file under
    // construction needs one too.
    let temporary = Temporary(path.with_file_name(format!(".{}.png", std::process::id())));
    let size = (WIDTH, height(rows));
    draw(BitMapBackend::new(&temporary.0, size), title, rows)?;
    fs::rename(&temporary.0, path)?;
    Ok(())
}

/// Removed when dropped, unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn height(rows: &[Row]) -> u32 {
    TITLE_HEIGHT + ROW_HEIGHT * rows.len() as u32 + GAP as u32
}

fn draw(backend: BitMapBackend<'_>, title: &str, rows: &[Row]) -> Result<()> {
    provide_font()?;
    let root = backend.into_drawing_area();
    root.fill(&BACKGROUND)?;
    let text = |size, colour: &RGBColor| ("sans-serif", size).into_font().color(colour);
    let axis_s = rows
        .iter()
        .map(|row| row.audio.duration_s())
        .fold(MIN_AXIS_S, f64::max);
    let note = format!("waveform and spectrogram, each {axis_s:.2} s wide");
    let (faint, large) = (text(16, &FAINT_TEXT), text(26, &TEXT));
    let (note_width, _) = root.estimate_text_size(&note, &faint)?;
    let note_left = WIDTH as i32 - GAP - note_width as i32;
    root.draw(&Text::new(note, (note_left, 22), faint))?;
    let title = shortened(title, |title| {
        let (width, _) = root.estimate_text_size(title, &large)?;
        Ok(2 * GAP + width as i32 <= note_left)
    })?;
    root.draw(&Text::new(title, (GAP, 16), large))?;
    for (index, row) in rows.iter().enumerate() {
        let top = (TITLE_HEIGHT + ROW_HEIGHT * index as u32) as i32;
        for (line, (words, size, colour)) in [
            (&row.title, 22, &TEXT),
            (&row.detail, 15, &FAINT_TEXT),
            (&row.key, 15, &FAINT_TEXT),
        ]
        .into_iter()
        .enumerate()
        {
            let position = (GAP, top + 18 + 28 * line as i32);
            root.draw(&Text::new(words.clone(), position, text(size, colour)))?;
        }
        let width = (WIDTH as i32 - LABEL_WIDTH - 2 * GAP) / 2;
        let panel = |left: i32| {
            root.clone()
                .shrink((left, top), (width, ROW_HEIGHT as i32 - GAP))
        };
        let waveform = panel(LABEL_WIDTH);
        waveform.fill(&PANEL)?;
        draw_waveform(&waveform, &row.audio, axis_s)?;
        let spectrogram = panel(LABEL_WIDTH + width + GAP);
        spectrogram.fill(&PANEL)?;
        draw_spectrogram(&spectrogram, &row.audio, axis_s)?;
    }
    root.present()?;
    Ok(())
}

/// As much of the beginning of `title` as `fits`.
fn shortened(title: &str, fits: impl Fn(&str) -> Result<bool>) -> Result<String> {
    if fits(title)? {
        return Ok(title.to_owned());
    }
    let mut letters: Vec<char> = title.chars().collect();
    loop {
        let shorter = letters.iter().chain(&['…']).collect::<String>();
        if letters.pop().is_none() || fits(&shorter)? {
            return Ok(shorter);
        }
    }
}

/// Highest and lowest sample per pixel column, scaled to the peak.
fn draw_waveform(area: &Area<'_>, audio: &AudioBuffer, axis_s: f64) -> Result<()> {
    let (width, height) = size(area);
    let gain = 0.48 * f64::from(height) / f64::from(audio.peak()).max(1e-9);
    let middle = f64::from(height) / 2.0;
    let frames_per_column = axis_s * audio.sample_rate_hz / f64::from(width);
    for column in 0..width {
        let from = (f64::from(column) * frames_per_column) as usize;
        let to = ((f64::from(column + 1) * frames_per_column) as usize).max(from + 1);
        let samples = || {
            audio
                .channels
                .iter()
                .filter_map(|channel| channel.get(from..to.min(channel.len())))
                .flatten()
                .copied()
        };
        if samples().next().is_none() {
            break;
        }
        let y = |sample: f32| (middle - gain * f64::from(sample)).round() as i32;
        let top = y(samples().fold(0.0, f32::max));
        let bottom = y(samples().fold(0.0, f32::min)).max(top + 1);
        area.draw(&PathElement::new([(column, top), (column, bottom)], WAVE))?;
    }
    Ok(())
}

/// The engine's own view of the sound: its bands over its frames.
fn draw_spectrogram(area: &Area<'_>, audio: &AudioBuffer, axis_s: f64) -> Result<()> {
    let (width, height) = size(area);
    let framing = Framing::for_rate(audio.sample_rate_hz)?;
    // Silence after the end lets the last frames in.
    // At full level: a quiet drum has a colourful picture too.
    let gain = 1.0 / audio.peak().max(1e-9);
    let padded = |channel: &Vec<f32>| {
        let mut padded: Vec<f32> = channel.iter().map(|sample| gain * sample).collect();
        padded.resize(channel.len() + framing.window_samples, 0.0);
        padded
    };
    let channels: Vec<Vec<f32>> = audio.channels.iter().map(padded).collect();
    let (left, right) = (&channels[0], &channels[channels.len() - 1]);
    let frames = FrontEnd::new(framing).analyse_signal(left, right);
    let samples_per_column = axis_s * audio.sample_rate_hz / f64::from(width);
    let (brightest, darkest) = (LOG_OFFSET, LOG_OFFSET - 2.6);
    for column in 0..width {
        let sample = (f64::from(column) * samples_per_column) as u64;
        let Some(frame) = frames.get(framing.frame_at(sample) as usize) else {
            break;
        };
        for row in 0..height {
            // Low bands at the bottom.
            let band = (height - 1 - row) as usize * BAND_COUNT / height as usize;
            let level = (frame.frame[band] - darkest) / (brightest - darkest);
            area.draw_pixel((column, row), &heat(level))?;
        }
    }
    Ok(())
}

/// Dark blue over red to pale yellow for levels 0 to 1.
fn heat(level: f32) -> RGBColor {
    const STOPS: [[f32; 3]; 5] = [
        [34.0, 37.0, 44.0],
        [49.0, 50.0, 120.0],
        [172.0, 52.0, 110.0],
        [240.0, 128.0, 62.0],
        [252.0, 246.0, 190.0],
    ];
    // Not a clamp: what is not a number is dark.
    let level = if level > 0.0 { level.min(1.0) } else { 0.0 };
    let position = level * (STOPS.len() - 1) as f32;
    let lower = (position as usize).min(STOPS.len() - 2);
    let share = position - lower as f32;
    let mix = |c: usize| (STOPS[lower][c] + share * (STOPS[lower + 1][c] - STOPS[lower][c])) as u8;
    RGBColor(mix(0), mix(1), mix(2))
}

fn size(area: &Area<'_>) -> (i32, i32) {
    let (width, height) = area.dim_in_pixel();
    (width as i32, height as i32)
}

/// The font comes with the program: a picture looks the same everywhere.
fn provide_font() -> Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let is_registered = *REGISTERED.get_or_init(|| {
        register_font(
            "sans-serif",
            FontStyle::Normal,
            epaint_default_fonts::UBUNTU_LIGHT,
        )
        .is_ok()
    });
    if is_registered {
        Ok(())
    } else {
        Err(anyhow!("the built-in font cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_drawn_for_every_shape_of_sound() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kit.png");
        let row = |title: &str, rate_hz: f64, channels: usize, frames: usize| {
            let decay = |n: usize| (n as f32 * 0.1).sin() * (-(n as f32) / 4_000.0).exp();
            Row {
                title: title.to_string(),
                detail: "from 3 hits".to_string(),
                key: "key 36".to_string(),
                audio: AudioBuffer {
                    sample_rate_hz: rate_hz,
                    channels: vec![(0..frames).map(decay).collect(); channels],
                },
            }
        };
        let rows = [
            row("Kick", 44_100.0, 2, 40_000),
            row("One sample", 8_000.0, 1, 1),
            row("Long", 192_000.0, 1, 400_000),
        ];
        write(&path, "Schlägel & Söhne", &rows).expect("drawn");
        let png = fs::read(&path).expect("read");
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let pixels = |offset: usize| {
            u32::from_be_bytes(png[offset..offset + 4].try_into().expect("four bytes"))
        };
        assert_eq!(pixels(16), WIDTH);
        assert_eq!(pixels(20), TITLE_HEIGHT + 3 * ROW_HEIGHT + GAP as u32);
        let left: Vec<_> = fs::read_dir(folder.path()).expect("listed").collect();
        assert_eq!(left.len(), 1, "nothing but the picture");
    }

    #[test]
    fn titles_leave_room_for_the_note() {
        let fits = |title: &str| Ok(title.chars().count() <= 6);
        assert_eq!(shortened("Übung", fits).expect("known"), "Übung");
        assert_eq!(shortened("Schlagzeug", fits).expect("known"), "Schla…");
        assert_eq!(shortened("any", |_| Ok(false)).expect("known"), "…");

        let picture = |title: &str| {
            let mut pixels = vec![0; (3 * WIDTH * height(&[])) as usize];
            let size = (WIDTH, height(&[]));
            draw(BitMapBackend::with_buffer(&mut pixels, size), title, &[]).expect("drawn");
            pixels
        };
        let (without, with) = (picture(""), picture(&"A long name ".repeat(30)));
        let changed = |columns: std::ops::Range<u32>| {
            let lines = without
                .chunks_exact(3)
                .zip(with.chunks_exact(3))
                .enumerate();
            let inside = lines.filter(|(at, _)| columns.contains(&(*at as u32 % WIDTH)));
            inside.filter(|(_, (a, b))| a != b).count()
        };
        assert!(changed(600..800) > 100, "the title is long");
        assert_eq!(changed(900..WIDTH), 0, "it covers the note");
    }

    #[test]
    fn waveforms_fill_their_panel_as_far_as_they_sound() {
        let (width, height) = (100, 40);
        let mut pixels = vec![0; 3 * width * height];
        {
            let backend = BitMapBackend::with_buffer(&mut pixels, (width as u32, height as u32));
            let area = backend.into_drawing_area();
            let audio = AudioBuffer {
                sample_rate_hz: 8_000.0,
                channels: vec![[0.5, -0.5].repeat(2_000)],
            };
            draw_waveform(&area, &audio, 1.0).expect("drawn");
            area.present().expect("presented");
        }
        let RGBColor(r, g, b) = WAVE;
        let drawn = |column: usize| {
            (0..height)
                .filter(|row| pixels[3 * (row * width + column)..][..3] == [r, g, b])
                .count()
        };
        for column in 0..50 {
            assert!(
                drawn(column) > height * 8 / 10,
                "column {column}: {}",
                drawn(column)
            );
        }
        assert!(
            (51..100).all(|column| drawn(column) == 0),
            "silence after the end"
        );
    }

    #[test]
    fn colours_rise_with_the_level() {
        let brightness = |level| {
            let RGBColor(r, g, b) = heat(level);
            u32::from(r) + u32::from(g) + u32::from(b)
        };
        assert!(brightness(0.0) < brightness(0.5));
        assert!(brightness(0.5) < brightness(1.0));
        assert_eq!(heat(f32::NAN), heat(0.0));
        assert_eq!(heat(9.0), heat(1.0));
    }
}
