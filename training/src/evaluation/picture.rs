//! Pictures of the tables.

use std::path::Path;

use anyhow::Result;
use idm_engine::drum::{DRUM_COUNT, Drum};
use plotters::prelude::*;

use super::onsets::Confusion;
use crate::font::use_font;

/// Draws `confusion` with rows scaled to their sums.
///
/// # Errors
/// When the file cannot be written.
pub fn draw_confusion(path: &Path, title: &str, confusion: &Confusion) -> Result<()> {
    const CELL: i32 = 64;
    const LEFT: i32 = 130;
    const TOP: i32 = 110;
    let side = CELL * (DRUM_COUNT as i32 + 1);
    use_font()?;
    let size = ((LEFT + side + 20) as u32, (TOP + side + 20) as u32);
    let area = BitMapBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let ink = RGBColor(30, 30, 40);
    let style = |size: u32| ("sans-serif", size).into_font().color(&ink);
    area.draw(&Text::new(
        format!("{title}: played (rows), detected (columns)"),
        (10, 10),
        style(20),
    ))?;
    let name = |index: usize| Drum::from_index(index).map_or("nothing", Drum::name);
    for index in 0..=DRUM_COUNT {
        let offset = CELL * index as i32;
        area.draw(&Text::new(
            name(index),
            (10, TOP + offset + CELL / 2 - 7),
            style(15),
        ))?;
        // Alternate heights keep neighbouring names apart.
        let height = TOP - if index % 2 == 0 { 24 } else { 44 };
        area.draw(&Text::new(name(index), (LEFT + offset, height), style(15)))?;
    }
    for (r, row) in confusion.iter().enumerate() {
        let sum = row.iter().sum::<usize>().max(1);
        for (c, &count) in row.iter().enumerate() {
            let share = count as f64 / sum as f64;
            let (x, y) = (LEFT + CELL * c as i32, TOP + CELL * r as i32);
            let fade = |full: u8| (255.0 - share.sqrt() * f64::from(255 - full)) as u8;
            let colour = if r == c {
                RGBColor(fade(40), fade(150), fade(90))
            } else {
                RGBColor(fade(220), fade(90), fade(40))
            };
            let corners = [(x, y), (x + CELL - 2, y + CELL - 2)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            if count > 0 {
                area.draw(&Text::new(
                    count.to_string(),
                    (x + 8, y + CELL / 2 - 8),
                    style(16),
                ))?;
            }
        }
    }
    area.present()?;
    Ok(())
}

/// Draws named lines through `(x, y)` points over one pair of axes that begin
/// at 0.
///
/// # Errors
/// When the file cannot be written.
pub fn draw_lines(path: &Path, title: &str, lines: &[(&str, Vec<(f64, f64)>)]) -> Result<()> {
    use_font()?;
    let area = BitMapBackend::new(path, (860, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || lines.iter().flat_map(|(_, points)| points);
    let highest = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(1.0, f64::max);
    let (right, top) = (highest(|point| point.0), highest(|point| point.1));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(36)
        .build_cartesian_2d(0.0..1.25 * right, 0.0..1.05 * top)?;
    chart.configure_mesh().light_line_style(WHITE).draw()?;
    for (index, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(*name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 14, y + 4)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.8))
        .draw()?;
    area.present()?;
    Ok(())
}
