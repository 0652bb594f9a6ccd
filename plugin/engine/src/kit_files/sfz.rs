//! A kit as SFZ: the text format that samplers read.

use std::fmt::Write;

use super::SampleFile;
use crate::drum::Drum;

/// Velocities between two points of a curve: a player draws lines.
const CURVE_STEP: usize = 8;

/// The exclusive group of a drum that chokes or is choked, or `None`.
fn choke_group(drum: Drum) -> Option<u8> {
    let chokes = Drum::ALL
        .iter()
        .any(|other| other.choked_by() == Some(drum));
    // Any number will do as long as it is the drum's own; its note is one.
    (chokes || drum.choked_by().is_some()).then(|| drum.gm_note())
}

/// The SFZ text: General MIDI keys, whole samples whatever the note's length,
/// hats that choke each other as on a real stand.
pub fn encode(title: &str, samples: &[SampleFile]) -> String {
    // A comment ends with its line.
    let title = title.replace(char::is_control, " ");
    let mut text = format!("// {title}: one-shots learnt from a recording\n");
    // `loop_mode=one_shot` plays to the end; a key has one pitch here.
    text.push_str("\n<global>\nloop_mode=one_shot\npitch_keytrack=0\n");
    for drum in Drum::ALL {
        let mut own = samples
            .iter()
            .filter(|sample| sample.drum == drum)
            .peekable();
        if own.peek().is_none() {
            continue;
        }
        let key = drum.gm_note();
        let _ = write!(text, "\n// {}\n<group>\nkey={key}\n", drum.name());
        if let Some(group) = choke_group(drum) {
            let _ = writeln!(text, "group={group}");
        }
        if let Some(by) = drum.choked_by().and_then(choke_group) {
            let _ = writeln!(text, "off_by={by}\noff_mode=fast");
        }
        for sample in own {
            let (low, high) = (sample.low_velocity, sample.high_velocity);
            let _ = writeln!(
                text,
                "<region> sample={} lovel={low} hivel={high}{}",
                sample.file,
                velocity_curve(low, high)
            );
        }
    }
    text
}

/// Opcodes for the velocities of a layer. Samples have their natural level, which belongs to
/// the top of their velocities; below that amplitude is the square of velocity, as it is for
/// our hits, and as it is in SFZ where nothing is said.
fn velocity_curve(low: u8, high: u8) -> String {
    let mut opcodes = String::new();
    if high < 127 {
        let last = usize::from(high);
        let points = (usize::from(low)..last).step_by(CURVE_STEP).chain([last]);
        for velocity in points {
            let amplitude = (velocity as f32 / f32::from(high)).powi(2);
            let _ = write!(opcodes, " amp_velcurve_{velocity}={amplitude:.4}");
        }
    }
    opcodes
}

/// Bytes of a title that are kept: file systems take 255, drum and layer included.
const MAX_TITLE_BYTES: usize = 200;

/// A name that is safe in SFZ opcodes and on every file system: letters,
/// digits, `-` and `_`; other characters become `_`, and what is too long is cut off.
pub fn safe_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let safe = safe.trim_matches('_');
    let trimmed = safe[..safe.floor_char_boundary(MAX_TITLE_BYTES)].trim_end_matches('_');
    if trimmed.is_empty() {
        "kit".to_string()
    } else {
        trimmed.to_string()
    }
}

/// Velocities 1-127 divided among layers whose highest velocities, 0 to 1, are
/// `tops` in rising order; the last layer reaches 127 in any case. Every layer
/// gets at least one velocity as long as there are no more than 127.
pub fn velocity_ranges(tops: &[f32]) -> Vec<(u8, u8)> {
    let count = tops.len();
    let mut low = 1;
    tops.iter()
        .enumerate()
        .map(|(layer, &top)| {
            let later = (count - 1 - layer) as f32;
            let high = if later == 0.0 {
                127.0
            } else {
                // Leaves one velocity for each later layer.
                (top * 127.0).round().max(f32::from(low)).min(127.0 - later)
            } as u8;
            let range = (low, high.max(low));
            low = range.1.saturating_add(1).min(127);
            range
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio_file::AudioBuffer;

    fn sample(drum: Drum, file: &str, low: u8, high: u8) -> SampleFile {
        SampleFile {
            file: file.to_string(),
            title: String::new(),
            drum,
            low_velocity: low,
            high_velocity: high,
            audio: AudioBuffer::default(),
        }
    }

    #[test]
    fn titles_stay_on_their_line() {
        let text = encode("two\nlines\t", &[]);
        assert!(text.starts_with("// two lines : one-shots"), "{text}");
    }

    #[test]
    fn a_kit_reads_as_expected() {
        let text = encode(
            "funk",
            &[
                sample(Drum::Snare, "funk_snare_soft.wav", 1, 20),
                sample(Drum::Snare, "funk_snare_loud.wav", 21, 127),
                sample(Drum::ClosedHat, "funk_closed_hat.wav", 1, 127),
                sample(Drum::OpenHat, "funk_open_hat.wav", 1, 127),
            ],
        );
        let expected = "\
// funk: one-shots learnt from a recording

<global>
loop_mode=one_shot
pitch_keytrack=0

// Snare
<group>
key=38
<region> sample=funk_snare_soft.wav lovel=1 hivel=20 amp_velcurve_1=0.0025 amp_velcurve_9=0.2025 amp_velcurve_17=0.7225 amp_velcurve_20=1.0000
<region> sample=funk_snare_loud.wav lovel=21 hivel=127

// Closed hat
<group>
key=42
group=42
<region> sample=funk_closed_hat.wav lovel=1 hivel=127

// Open hat
<group>
key=46
group=46
off_by=42
off_mode=fast
<region> sample=funk_open_hat.wav lovel=1 hivel=127
";
        assert_eq!(text, expected);
    }

    #[test]
    fn names_are_safe_everywhere() {
        assert_eq!(safe_name("My loop (v2) = best"), "My_loop__v2____best");
        assert_eq!(safe_name("Schlägel-1"), "Schlägel-1");
        assert_eq!(safe_name("../.."), "kit");
        let long = safe_name(&format!("x{}", "é ".repeat(125)));
        assert!(long.starts_with("xé_é_") && long.ends_with('é') && long.len() <= 200);
    }

    #[test]
    fn velocities_are_divided_without_gap_or_overlap() {
        for tops in [
            vec![1.0],
            vec![0.5, 1.0],
            vec![0.3, 0.3, 0.9],
            vec![1.0, 1.0, 1.0],
            vec![0.0, 0.0],
            vec![f32::NAN, 1.0],
        ] {
            let ranges = velocity_ranges(&tops);
            assert_eq!(ranges[0].0, 1, "{tops:?}");
            assert_eq!(ranges[ranges.len() - 1].1, 127, "{tops:?}");
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].1 + 1, pair[1].0, "{tops:?} gave {ranges:?}");
            }
            assert!(ranges.iter().all(|(low, high)| low <= high));
        }
        assert_eq!(velocity_ranges(&[0.5, 1.0]), [(1, 64), (65, 127)]);
    }
}
