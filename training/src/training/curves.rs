//! A picture of how the run went.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::Record;
use crate::font::use_font;

/// Size of the picture in pixels.
const SIZE: (u32, u32) = (900, 600);

/// Draws loss and validation F-measure over time into the PNG at `path`.
///
/// # Errors
/// A picture that cannot be drawn or written.
pub fn draw_curves(path: &Path, history: &[Record]) -> Result<()> {
    if history.is_empty() {
        return Ok(());
    }
    use_font()?;
    draw(path, history).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

fn draw(path: &Path, history: &[Record]) -> Result<(), Box<dyn std::error::Error>> {
    let minutes = history
        .iter()
        .fold(0.1, |most: f64, record| most.max(record.minutes));
    let losses = || {
        history
            .iter()
            .map(|record| record.loss)
            .filter(|loss| loss.is_finite())
    };
    let (lowest, highest) = losses().fold((f64::MAX, f64::MIN), |(low, high), loss| {
        (low.min(loss), high.max(loss))
    });
    let margin = 0.05 * (highest - lowest).max(1e-3);
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Training", ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(55)
        .right_y_label_area_size(50)
        .build_cartesian_2d(0.0..minutes, lowest - margin..highest + margin)?
        .set_secondary_coord(0.0..minutes, 0.0..1.0);
    chart
        .configure_mesh()
        .x_desc("minutes")
        .y_desc("loss")
        .light_line_style(WHITE)
        .draw()?;
    chart
        .configure_secondary_axes()
        .y_desc("onset F, unseen kits")
        .draw()?;
    chart
        .draw_series(LineSeries::new(
            history
                .iter()
                .filter(|r| r.loss.is_finite())
                .map(|r| (r.minutes, r.loss)),
            BLUE.stroke_width(2),
        ))?
        .label("loss")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(2)));
    let measured = history
        .iter()
        .filter_map(|r| Some((r.minutes, r.validation_f?)));
    chart
        .draw_secondary_series(LineSeries::new(measured, RED.stroke_width(2)).point_size(3))?
        .label("onset F")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], RED.stroke_width(2)));
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .border_style(BLACK)
        .position(SeriesLabelPosition::LowerRight)
        .draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_picture_with_ink_in_both_colours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.png");
        let history: Vec<Record> = (0..20_u32)
            .map(|n| Record {
                step: u64::from(n),
                minutes: f64::from(n),
                loss: 3.0 / f64::from(n + 1),
                distortion_db: -1.0,
                validation_f: (n % 5 == 0).then_some(f64::from(n) / 20.0),
            })
            .collect();
        draw_curves(&path, &history).unwrap();
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size > 5_000, "{size} bytes");
    }
}
