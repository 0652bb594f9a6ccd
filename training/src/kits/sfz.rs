//! SFZ instruments as kits: regions become samples of drums.

mod source;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail, ensure};

use super::{
    Sound, Split,
    entry::{Entry, UNKNOWN_VELOCITY},
    notes::sound_of_note,
    sound_from_spelling,
};
use source::{Token, read_tokens};

/// Headers in the order of inheritance.
const LEVELS: [&str; 4] = ["global", "master", "group", "region"];

/// Offsets of keys that matter.
const MOST_OFFSET: i32 = 1_000;

type Opcodes = BTreeMap<String, String>;

/// The samples of the instrument described by the file at `path`. Keys are
/// General MIDI notes; a region without a key, or whose keys mean several
/// drums, is recognised by the name of its sample. Regions that are no drum of
/// ours, that sound at releases or that play generated waves are left out.
/// Allocates.
///
/// # Errors
/// When a file cannot be read, is no SFZ, has a value of another form, or a
/// sample is missing; the message names file and line.
pub(super) fn entries(path: &Path) -> Result<Vec<Entry>> {
    let kit = path.file_stem().and_then(|name| name.to_str());
    let kit = kit.unwrap_or_default();
    let mut control = Opcodes::new();
    let mut levels: [Opcodes; 4] = Default::default();
    let mut current: Option<usize> = None;
    let mut in_control = false;
    let mut place = String::new();
    let mut entries = Vec::new();
    let mut regions = 0;
    let mut finish = |levels: &[Opcodes; 4], control: &Opcodes, place: &str| -> Result<()> {
        regions += 1;
        let mut opcodes = Opcodes::new();
        for level in levels {
            opcodes.extend(
                level
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        entries.extend(region_entry(path, kit, &opcodes, control, place)?);
        Ok(())
    };
    for token in read_tokens(path)? {
        match token {
            Token::Header { name, place: at } => {
                if current == Some(3) {
                    finish(&levels, &control, &place)?;
                }
                place = at;
                in_control = name == "control";
                current = LEVELS.iter().position(|level| *level == name);
                if let Some(level) = current {
                    levels[level..].iter_mut().for_each(Opcodes::clear);
                }
            }
            Token::Opcode { name, value } => {
                if in_control {
                    control.insert(name, value);
                } else if let Some(level) = current {
                    levels[level].insert(name, value);
                }
            }
        }
    }
    if current == Some(3) {
        finish(&levels, &control, &place)?;
    }
    ensure!(
        regions > 0,
        "{}: expected an SFZ file with <region> headers, found none",
        path.display()
    );
    Ok(entries)
}

fn region_entry(
    path: &Path,
    kit: &str,
    opcodes: &Opcodes,
    control: &Opcodes,
    place: &str,
) -> Result<Option<Entry>> {
    let Some(sample) = opcodes
        .get("sample")
        .filter(|sample| !sample.starts_with('*'))
    else {
        return Ok(None);
    };
    let text = |name: &str| opcodes.get(name).map(String::as_str);
    let silent =
        text("end") == Some("-1") || text("trigger").is_some_and(|t| t.starts_with("release"));
    if silent {
        return Ok(None);
    }
    // What is beyond all keys stays so.
    let offset = |name: &str| -> Result<i32> {
        let offset = number(control, name, place)?.unwrap_or(0);
        Ok(offset.clamp(-MOST_OFFSET, MOST_OFFSET))
    };
    let shift = 12 * offset("octave_offset")? + offset("note_offset")?;
    let key = |name: &str| -> Result<Option<i32>> {
        let note = text(name).map(|text| note(text, name, place)).transpose()?;
        Ok(note.flatten())
    };
    let single = key("key")?;
    let low = key("lokey")?.or(single);
    let high = key("hikey")?.or(single);
    let centre = key("pitch_keycenter")?;
    let Some(sound) = sound_of_keys(low, high, centre, shift)
        .or_else(|| {
            let name = text("region_label").or(text("group_label"));
            name.and_then(sound_from_spelling)
        })
        .or_else(|| sound_from_spelling(file_stem(sample)))
    else {
        return Ok(None);
    };
    let low = number(opcodes, "lovel", place)?.unwrap_or(0).clamp(0, 127);
    let high = number(opcodes, "hivel", place)?
        .unwrap_or(127)
        .clamp(0, 127);
    ensure!(
        low <= high,
        "{place}: expected lovel not above hivel, found {low} and {high}"
    );
    let prefix = control.get("default_path").map_or("", String::as_str);
    let file = find_sample(path, &format!("{prefix}{sample}"), place)?;
    Ok(Some(Entry {
        kit: kit.to_owned(),
        kind: String::new(),
        split: Split::Train,
        sound,
        path: file,
        velocity: if high - low >= 126 {
            UNKNOWN_VELOCITY
        } else {
            0.5 * (low + high) as f32
        },
        onset_ms: None,
        // Of unknown kits the alternatives may be a drummer's.
        is_alternate: false,
    }))
}

/// The sound of the keys from `low` to `high` if they agree on one, else that
/// of the centre.
fn sound_of_keys(
    low: Option<i32>,
    high: Option<i32>,
    centre: Option<i32>,
    shift: i32,
) -> Option<Sound> {
    let sound = |key: i32| {
        let key = key.checked_add(shift)?;
        u8::try_from(key).ok().and_then(sound_of_note)
    };
    let (low, high) = match (low, high) {
        (None, None) => return None,
        (low, high) => (low.unwrap_or(0).max(0), high.unwrap_or(127).min(127)),
    };
    let mut sounds: Vec<Sound> = (low..=high).filter_map(sound).collect();
    sounds.sort();
    sounds.dedup();
    match sounds[..] {
        [only] => Some(only),
        [] => None,
        _ => centre.and_then(sound),
    }
}

fn number(opcodes: &Opcodes, name: &str, place: &str) -> Result<Option<i32>> {
    let Some(text) = opcodes.get(name) else {
        return Ok(None);
    };
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(Some(value.round() as i32)),
        _ => bail!("{place}: expected a number for {name}, found {text:?}"),
    }
}

/// A key as a number or a name (c4 = 60); −1 is no key.
fn note(text: &str, name: &str, place: &str) -> Result<Option<i32>> {
    if let Ok(number) = text.parse::<i32>() {
        return Ok((number >= 0).then_some(number));
    }
    let expected =
        || format!("{place}: expected a MIDI note or a name like c#4 for {name}, found {text:?}");
    let mut rest = text.chars();
    let step = match rest.next().map(|c| c.to_ascii_lowercase()) {
        Some('c') => 0,
        Some('d') => 2,
        Some('e') => 4,
        Some('f') => 5,
        Some('g') => 7,
        Some('a') => 9,
        Some('b') => 11,
        _ => bail!("{}", expected()),
    };
    let rest = rest.as_str();
    let (change, octave) = match rest.chars().next() {
        Some('#' | '♯') => (1, rest.trim_start_matches(['#', '♯'])),
        Some('b' | '♭') => (-1, rest.trim_start_matches(['b', '♭'])),
        _ => (0, rest),
    };
    match octave.parse::<i32>() {
        Ok(octave) if (-1..=9).contains(&octave) => Ok(Some(12 * (octave + 1) + step + change)),
        _ => bail!("{}", expected()),
    }
}

fn file_stem(sample: &str) -> &str {
    let name = sample.rsplit(['/', '\\']).next().unwrap_or(sample);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The file that `sample` names relative to the instrument's folder. Written
/// on Windows, names may differ in case.
fn find_sample(path: &Path, sample: &str, place: &str) -> Result<PathBuf> {
    let mut found = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let sample = sample.replace('\\', "/");
    for part in sample
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        let exact = found.join(part);
        let next = if exact.exists() {
            Some(exact)
        } else {
            std::fs::read_dir(&found).ok().and_then(|children| {
                children.flatten().map(|child| child.path()).find(|child| {
                    let name = child.file_name().and_then(|name| name.to_str());
                    name.is_some_and(|name| name.to_lowercase() == part.to_lowercase())
                })
            })
        };
        match next {
            Some(next) => found = next,
            None => bail!("{place}: expected the sample {sample}, found no such file"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder.join(files[0].0)
    }

    #[test]
    fn regions_inherit_and_keys_become_drums() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(
            folder.path(),
            &[
                (
                    "kit.sfz",
                    "// a kit\n#define $KICK 36\n<control> default_path=Samples\\\n\
                     <global> hivel=127\n<group> key=$KICK lovel=1 hivel=63 seq_length=2\n\
                     <region> sample=kick soft 1.wav seq_position=1\n\
                     <region> seq_position=2 sample=Kick Soft 2.wav /* loud\n one */\n\
                     <group> key=c2 lovel=64\n<region>sample=KICK_HARD.WAV\n#include \"hats.sfi\"\n",
                ),
                (
                    "hats.sfi",
                    "<group>\n<region> lokey=f#2 hikey=42 sample=hat.wav\n\
                     <region> key=46 sample=hat.wav trigger=release\n\
                     <region> lokey=0 hikey=127 pitch_keycenter=60 sample=Ride Bell.wav\n\
                     <region> key=100 sample=unknown.wav\n<region> key=49 sample=*noise\n",
                ),
                ("Samples/kick soft 1.wav", ""),
                ("Samples/kick soft 2.wav", ""),
                ("Samples/kick_hard.wav", ""),
                ("Samples/hat.wav", ""),
                ("Samples/ride bell.wav", ""),
            ],
        );
        let found = entries(&path).unwrap();
        let sounds: Vec<_> = found.iter().map(|e| (e.sound, e.velocity)).collect();
        assert_eq!(
            sounds,
            [
                (Sound::Kick, 32.0),
                (Sound::Kick, 32.0),
                (Sound::Kick, 95.5),
                (Sound::ClosedHat, UNKNOWN_VELOCITY),
                (Sound::RideBell, UNKNOWN_VELOCITY),
            ]
        );
        assert!(found[1].path.ends_with("Samples/kick soft 2.wav"));
        assert!(found.iter().all(|entry| entry.kit == "kit"));
    }

    #[test]
    fn errors_name_file_line_and_value() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            (
                "<region> key=36\nsample=gone.wav\n",
                "k.sfz line 1: expected the sample gone.wav",
            ),
            ("<region> sample=k.sfz key=h7", "found \"h7\""),
            (
                "<region> sample=k.sfz key=36 lovel=loud",
                "lovel, found \"loud\"",
            ),
            (
                "<region> sample=k.sfz key=36 lovel=9 hivel=3",
                "found 9 and 3",
            ),
            ("just text", "expected <header>"),
            ("", "<region>"),
            ("#include \"k.sfz\"\n", "include"),
            ("<region", "expected >"),
        ] {
            let path = write(folder.path(), &[("k.sfz", text)]);
            let error = format!("{:#}", entries(&path).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn note_names_are_read() {
        for (text, expected) in [
            ("c4", 60),
            ("C#2", 37),
            ("db3", 49),
            ("b-1", 11),
            ("60", 60),
            ("bb1", 34),
        ] {
            assert_eq!(note(text, "key", "").unwrap(), Some(expected), "{text}");
        }
        assert_eq!(note("-1", "key", "").unwrap(), None);
    }
}
