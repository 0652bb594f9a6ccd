//! The picture of a separation: the recording, the hits found in it, and what
//! each bus carries.

use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::drums::DRUMS;

const WIDTH: u32 = 1_500;
const INPUT_HEIGHT: u32 = 150;
const BUS_HEIGHT: u32 = 74;
const HEADER_HEIGHT: u32 = 54;
const FOOTER_HEIGHT: u32 = 40;
/// Left margin for the names.
const MARGIN: i32 = 130;
const RIGHT_MARGIN: i32 = 24;

const BACKGROUND: RGBColor = RGBColor(20, 22, 27);
const LANE: RGBColor = RGBColor(28, 31, 38);
const INK: RGBColor = RGBColor(226, 229, 235);
const FAINT: RGBColor = RGBColor(126, 132, 145);
const RECORDING: RGBColor = RGBColor(150, 158, 172);

/// A hit to draw.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Drum, 0..9.
    pub drum: usize,
    /// Input sample.
    pub sample: usize,
    /// Velocity, 0..1.
    pub velocity: f32,
}

/// What is drawn. All signals are aligned with the input.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Heading.
    pub title: &'a str,
    /// Line under the heading.
    pub subtitle: &'a str,
    /// Sample rate of everything.
    pub sample_rate_hz: f64,
    /// The recording, one channel.
    pub input: &'a [f32],
    /// One channel of each of the nine drum buses and the residual.
    pub buses: &'a [&'a [f32]],
    /// Hits found.
    pub found: &'a [Mark],
    /// True hits, where they are known: drawn as dots under the found ones.
    pub truth: &'a [Mark],
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Painted = std::result::Result<
    (),
    DrawingAreaErrorKind<<BitMapBackend<'static> as DrawingBackend>::ErrorType>,
>;

/// Draws `scene` as a PNG file.
pub fn draw(path: &Path, scene: &Scene<'_>) -> Result<()> {
    register_font();
    let height =
        HEADER_HEIGHT + INPUT_HEIGHT + BUS_HEIGHT * scene.buses.len() as u32 + FOOTER_HEIGHT;
    let area = BitMapBackend::new(path, (WIDTH, height)).into_drawing_area();
    paint(&area, scene)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .and_then(|()| area.present().context("cannot be written"))
        .with_context(|| format!("{}: no picture", path.display()))
}

fn paint(area: &Area<'_>, scene: &Scene<'_>) -> Painted {
    area.fill(&BACKGROUND)?;
    text(area, scene.title, (16, 10), 22, INK)?;
    text(area, scene.subtitle, (16, 36), 14, FAINT)?;
    let (header, length) = (HEADER_HEIGHT as i32 + 4, scene.input.len());
    lane(
        area,
        header,
        INPUT_HEIGHT as i32 - 8,
        "Recording",
        RECORDING,
        scene.input,
        length,
    )?;
    for mark in scene.found {
        let x = x_of(mark.sample, length);
        let bottom = header + INPUT_HEIGHT as i32 - 9;
        let top = bottom - (mark.velocity.clamp(0.0, 1.0) * 46.0) as i32 - 4;
        let colour = colour_of(mark.drum);
        area.draw(&PathElement::new(
            [(x, bottom), (x, top)],
            colour.stroke_width(2),
        ))?;
        area.draw(&Circle::new((x, top), 3, colour.filled()))?;
    }
    for (index, bus) in scene.buses.iter().enumerate() {
        let top = (HEADER_HEIGHT + INPUT_HEIGHT) as i32 + index as i32 * BUS_HEIGHT as i32;
        let height = BUS_HEIGHT as i32 - 6;
        let (name, colour) = DRUMS
            .get(index)
            .map_or(("Residual", FAINT), |drum| (drum.name, colour_of(index)));
        lane(area, top, height, name, colour, bus, length)?;
        for mark in scene.truth.iter().filter(|mark| mark.drum == index) {
            let point = (x_of(mark.sample, length), top + height - 5);
            area.draw(&Circle::new(point, 3, INK.stroke_width(1)))?;
        }
        for mark in scene.found.iter().filter(|mark| mark.drum == index) {
            let x = x_of(mark.sample, length);
            let shape = [(x - 5, top), (x + 5, top), (x, top + 9)];
            area.draw(&Polygon::new(shape, INK.filled()))?;
        }
    }
    footer(area, scene)
}

fn footer(area: &Area<'_>, scene: &Scene<'_>) -> Painted {
    let top = area.dim_in_pixel().1 as i32 - FOOTER_HEIGHT as i32;
    let seconds = scene.input.len() as f64 / scene.sample_rate_hz;
    // At most about a dozen labels, at round times.
    let step = [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0]
        .into_iter()
        .find(|step| seconds / step <= 16.0)
        .unwrap_or(120.0);
    let mut time = 0.0;
    while time <= seconds {
        let x = x_of((time * scene.sample_rate_hz) as usize, scene.input.len());
        area.draw(&PathElement::new([(x, top), (x, top + 5)], FAINT))?;
        text(area, &format!("{time} s"), (x + 4, top + 2), 13, FAINT)?;
        time += step;
    }
    let key = if scene.truth.is_empty() {
        "triangles: hits found"
    } else {
        "triangles: hits found   circles: true hits"
    };
    text(area, key, (MARGIN, top + 20), 13, FAINT)
}

fn lane(
    area: &Area<'_>,
    top: i32,
    height: i32,
    name: &str,
    colour: RGBColor,
    signal: &[f32],
    length: usize,
) -> Painted {
    let right = WIDTH as i32 - RIGHT_MARGIN;
    area.draw(&Rectangle::new(
        [(MARGIN, top), (right, top + height)],
        LANE.filled(),
    ))?;
    let middle = top + height / 2;
    area.draw(&PathElement::new(
        [(MARGIN, middle), (right, middle)],
        BACKGROUND,
    ))?;
    text(area, name, (16, middle - 9), 17, colour)?;
    let half = (height / 2 - 2) as f32;
    for x in MARGIN..right {
        let from = sample_of(x, length);
        let to = sample_of(x + 1, length).max(from + 1);
        let Some(column) = signal.get(from..to.min(signal.len())) else {
            continue;
        };
        let (low, high) = column
            .iter()
            .fold((0.0_f32, 0.0_f32), |(low, high), &sample| {
                (low.min(sample), high.max(sample))
            });
        let y = |sample: f32| middle - (sample.clamp(-1.0, 1.0) * half).round() as i32;
        if low != 0.0 || high != 0.0 {
            area.draw(&PathElement::new([(x, y(low)), (x, y(high))], colour))?;
        }
    }
    Ok(())
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), size: i32, colour: RGBColor) -> Painted {
    let style = ("sans-serif", size)
        .into_font()
        .color(&colour)
        .pos(Pos::new(HPos::Left, VPos::Top));
    area.draw(&Text::new(text, at, style))
}

fn x_of(sample: usize, length: usize) -> i32 {
    let width = f64::from(WIDTH as i32 - RIGHT_MARGIN - MARGIN);
    MARGIN + (sample as f64 / length.max(1) as f64 * width) as i32
}

fn sample_of(x: i32, length: usize) -> usize {
    let width = f64::from(WIDTH as i32 - RIGHT_MARGIN - MARGIN);
    (f64::from(x - MARGIN) / width * length as f64) as usize
}

fn colour_of(drum: usize) -> RGBColor {
    let [red, green, blue] = DRUMS[drum.min(DRUMS.len() - 1)].rgb;
    RGBColor(red, green, blue)
}

/// Gives the plotting library a font of our own, so that no system font is
/// needed.
fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only for bytes that are no font.
        let _ = plotters::style::register_font(
            "sans-serif",
            FontStyle::Normal,
            epaint_default_fonts::UBUNTU_LIGHT,
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_is_drawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scene.png");
        let signal: Vec<f32> = (0..4_000).map(|at| (at as f32 * 0.01).sin()).collect();
        let buses: Vec<&[f32]> = vec![&signal; 10];
        let mark = Mark {
            drum: 8,
            sample: 100,
            velocity: 0.5,
        };
        let scene = Scene {
            title: "Title",
            subtitle: "Subtitle",
            sample_rate_hz: 1_000.0,
            input: &signal,
            buses: &buses,
            found: &[mark],
            truth: &[mark],
        };
        draw(&path, &scene).expect("draws");
        assert!(std::fs::metadata(&path).expect("a file").len() > 10_000);
    }
}
