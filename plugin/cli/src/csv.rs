//! Hits as a table.

use std::fmt::Write;

use crate::onset::Onset;

/// First line of the table.
pub const HEADER: &str = "time_s,class,velocity";

/// One line per hit: onset in seconds, name of the class, velocity 0-127.
pub fn encode(onsets: &[Onset], sample_rate_hz: f64) -> String {
    let mut text = format!("{HEADER}\n");
    for onset in onsets {
        // Microseconds: finer than a sample at every supported rate.
        writeln!(
            text,
            "{:.6},{},{}",
            onset.time_s(sample_rate_hz),
            onset.drum.file_stem(),
            onset.midi_velocity()
        )
        .expect("a String takes every write");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::at;
    use idm_engine::drum::Drum;

    #[test]
    fn lines_are_time_class_velocity() {
        let onsets = [
            at(22_050, Drum::Kick, 1.0),
            at(44_101, Drum::ClosedHat, 0.25),
        ];
        assert_eq!(
            encode(&onsets, 44_100.0),
            "time_s,class,velocity\n0.500000,kick,127\n1.000023,closed_hat,32\n"
        );
        assert_eq!(encode(&[], 44_100.0), "time_s,class,velocity\n");
    }
}
