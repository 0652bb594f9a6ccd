//! Kits from folders: with a manifest, or with folders named by class.

use std::{
    collections::BTreeMap,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use idm_engine::audio_file;
use rayon::prelude::*;
use serde::Deserialize;

use crate::audio::read_audio;

use super::{
    Kit, SAMPLE_RATE_HZ, SOUND_COUNT, Sample, Sound, Split, hydrogen, sfz, sound_from_spelling,
};

/// Name of the manifest in a folder of kits.
const MANIFEST: &str = "kits.csv";
/// Velocity of hits that do not tell theirs.
pub(super) const UNKNOWN_VELOCITY: f32 = 100.0;
/// Velocities in a manifest.
const VELOCITIES: RangeInclusive<f32> = 0.0..=127.0;
/// Level, relative to the peak, at which an unlabelled hit begins.
const ONSET_THRESHOLD: f32 = 0.05;

#[derive(Deserialize)]
struct Row {
    kit: String,
    class: String,
    file: PathBuf,
    velocity: f32,
    split: String,
    onset_ms: f32,
    #[serde(default, rename = "type")]
    kind: String,
}

/// A sample of a kit that is not decoded yet.
#[derive(Debug)]
pub(super) struct Entry {
    /// Name of the kit.
    pub(super) kit: String,
    /// What kind of drums it has, if that is known.
    pub(super) kind: String,
    /// Side of the training/validation border.
    pub(super) split: Split,
    /// What it is a sample of.
    pub(super) sound: Sound,
    /// The audio file.
    pub(super) path: PathBuf,
    /// How hard it was played, 0..127.
    pub(super) velocity: f32,
    /// Where the hit begins, if known.
    pub(super) onset_ms: Option<f32>,
}

/// Loads the kits of `folder`: those of its `kits.csv` (columns `kit, class,
/// file, velocity, split, onset_ms`; files relative to the folder or to the
/// one above), else the folder itself if it is a kit, else one kit or more per
/// sub-folder. A kit is
///
/// * a Hydrogen kit (`drumkit.xml`),
/// * an SFZ instrument with General MIDI keys (each `.sfz` file is a kit),
/// * folders or files that are named after sounds in one of many spellings
///   (`kick`, `hihat-open`, `BD_01.wav`, `Floor Tom/03_v112.flac`, …).
///
/// Without a manifest, kits in a folder called `valid`, `validation` or `test` inside
/// `folder` are held out, and all others are training material. Kits come in the order of
/// their names. Allocates; decodes on all threads.
///
/// # Errors
/// When the folder cannot be read, the manifest is malformed, names an unknown
/// class or values out of range, or a file cannot be decoded or holds what is no number.
pub fn load_folder(folder: &Path) -> Result<Vec<Kit>> {
    let manifest = folder.join(MANIFEST);
    let entries = if manifest.is_file() {
        read_manifest(folder, &manifest)?
    } else {
        scan(folder)?
    };
    if entries.is_empty() {
        bail!(
            "{}: no kits, expected {MANIFEST}, {}, *.sfz, or WAV, FLAC or AIFF files in folders named after drums{}",
            folder.display(),
            hydrogen::FILE,
            lossy_remark(folder)
        );
    }
    let samples: Vec<(Entry, Sample)> = entries
        .into_par_iter()
        .map(|entry| {
            let sample = decode(&entry)?;
            Ok((entry, sample))
        })
        .collect::<Result<_>>()?;
    let mut kits: BTreeMap<(String, bool), Kit> = BTreeMap::new();
    for (entry, sample) in samples {
        let sound = entry.sound;
        let kit = kits
            .entry((entry.kit.clone(), entry.split == Split::Valid))
            .or_insert_with(|| Kit {
                name: entry.kit,
                split: entry.split,
                kind: entry.kind,
                sounds: [const { Vec::new() }; SOUND_COUNT],
            });
        kit.sounds[sound.index()].push(sample);
    }
    let mut kits: Vec<Kit> = kits.into_values().collect();
    for samples in kits.iter_mut().flat_map(|kit| &mut kit.sounds) {
        samples.sort_by(|a, b| a.velocity.total_cmp(&b.velocity));
    }
    Ok(kits)
}

fn read_manifest(folder: &Path, manifest: &Path) -> Result<Vec<Entry>> {
    let mut reader = csv::Reader::from_path(manifest)
        .with_context(|| format!("{}: cannot be read", manifest.display()))?;
    let mut entries = Vec::new();
    for (line, row) in reader.deserialize().enumerate() {
        let place = || format!("{} line {}", manifest.display(), line + 2);
        let row: Row = row.with_context(place)?;
        let Some(sound) = Sound::from_name(&row.class) else {
            let known = Sound::ALL.map(Sound::name).join(", ");
            bail!(
                "{}: class: expected one of {known}, found {:?}",
                place(),
                row.class
            );
        };
        let Some(split) = Split::from_name(&row.split) else {
            bail!(
                "{}: unknown split {:?}, expected train or valid",
                place(),
                row.split
            );
        };
        let mut path = folder.join(&row.file);
        if !path.exists()
            && let Some(above) = folder.parent()
        {
            path = above.join(&row.file);
        }
        ensure!(
            path.is_file(),
            "{}: file: expected one in {} or the folder above, found none called {}",
            place(),
            folder.display(),
            row.file.display()
        );
        ensure!(
            is_audio(&path),
            "{}: file: expected WAV, FLAC or AIFF, found {}; convert MP3 and the like, which \
             leave out what is hard to hear",
            place(),
            row.file.display()
        );
        ensure!(
            VELOCITIES.contains(&row.velocity),
            "{}: velocity: expected {} to {}, found {}",
            place(),
            VELOCITIES.start(),
            VELOCITIES.end(),
            row.velocity
        );
        ensure!(
            row.onset_ms.is_finite() && row.onset_ms >= 0.0,
            "{}: onset_ms: expected 0 or more, found {}",
            place(),
            row.onset_ms
        );
        entries.push(Entry {
            kit: row.kit,
            kind: row.kind,
            split,
            sound,
            path,
            velocity: row.velocity,
            onset_ms: Some(row.onset_ms),
        });
    }
    Ok(entries)
}

fn sorted_children(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("{}: cannot be read", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(|| format!("{}: cannot be read", folder.display()))?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// Whether the name of `path` ends in one of the `wanted` extensions, in any case.
pub(crate) fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|found| {
            wanted
                .iter()
                .any(|wanted| found.eq_ignore_ascii_case(wanted))
        })
}

fn is_audio(path: &Path) -> bool {
    has_extension(path, &["wav", "flac", "aif", "aiff"])
}

/// What is said of the files below `folder` that are not read because their format leaves
/// out what is hard to hear; nothing if there are none.
pub(crate) fn lossy_remark(folder: &Path) -> String {
    let mut folders = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for path in sorted_children(&folder).unwrap_or_default() {
            if path.is_dir() {
                folders.push(path);
            } else if has_extension(&path, &["mp3", "ogg", "m4a", "aac", "opus"]) {
                count += 1;
            }
        }
    }
    match count {
        0 => String::new(),
        _ => format!("; found {count} files in MP3 or the like, convert them to WAV or FLAC"),
    }
}

fn scan(folder: &Path) -> Result<Vec<Entry>> {
    let (held_out, others): (Vec<PathBuf>, Vec<PathBuf>) = sorted_children(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .partition(|path| Split::holds_out(path));
    let mut entries = scan_kit(folder)?;
    if entries.is_empty() {
        for kit in &others {
            entries.extend(scan_kit(kit)?);
        }
    }
    for folder in &held_out {
        let kits = scan(folder)?.into_iter();
        entries.extend(kits.map(|entry| Entry {
            split: Split::Valid,
            ..entry
        }));
    }
    Ok(entries)
}

/// What `folder` itself holds, if it is a kit.
fn scan_kit(folder: &Path) -> Result<Vec<Entry>> {
    let hydrogen = folder.join(hydrogen::FILE);
    if hydrogen.is_file() {
        return hydrogen::entries(&hydrogen);
    }
    let children = sorted_children(folder)?;
    let mut entries = Vec::new();
    for instrument in children.iter().filter(|path| has_extension(path, &["sfz"])) {
        entries.extend(sfz::entries(instrument)?);
    }
    if !entries.is_empty() {
        return Ok(entries);
    }
    let entry = |sound: Sound, path: PathBuf| Entry {
        kit: file_name(folder).to_owned(),
        kind: String::new(),
        split: Split::Train,
        sound,
        velocity: velocity_in_name(file_name(&path)).unwrap_or(UNKNOWN_VELOCITY),
        path,
        onset_ms: None,
    };
    for path in &children {
        let named = path.file_stem().and_then(|name| name.to_str());
        let sound = if path.is_dir() {
            sound_from_spelling(file_name(path))
        } else {
            named.and_then(sound_from_spelling)
        };
        let Some(sound) = sound else {
            continue;
        };
        if path.is_dir() {
            let samples = sorted_children(path)?.into_iter();
            entries.extend(
                samples
                    .filter(|path| is_audio(path))
                    .map(|path| entry(sound, path)),
            );
        } else if is_audio(path) {
            entries.push(entry(sound, path.clone()));
        }
    }
    Ok(entries)
}

/// The number after `_v` in names like `03_v112.flac`.
fn velocity_in_name(name: &str) -> Option<f32> {
    let (_, rest) = name.rsplit_once("_v")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .ok()
        .filter(|velocity| (1.0..=127.0).contains(velocity))
}

fn decode(entry: &Entry) -> Result<Sample> {
    let buffer = read_audio(&entry.path)?;
    let buffer = if buffer.sample_rate_hz == SAMPLE_RATE_HZ {
        buffer
    } else {
        audio_file::resample(&buffer, SAMPLE_RATE_HZ)
            .with_context(|| format!("{}", entry.path.display()))?
    };
    let scale = 1.0 / buffer.channels.len().max(1) as f32;
    let audio: Vec<f32> = (0..buffer.frames())
        .map(|frame| scale * buffer.channels.iter().map(|c| c[frame]).sum::<f32>())
        .collect();
    let onset = match entry.onset_ms {
        Some(onset_ms) => {
            let length_ms = 1000.0 * audio.len() as f64 / SAMPLE_RATE_HZ;
            ensure!(
                f64::from(onset_ms) <= length_ms,
                "{}: onset_ms: expected one within the file, which has {length_ms:.1} ms, \
                 found {onset_ms}",
                entry.path.display()
            );
            onset_ms * (SAMPLE_RATE_HZ / 1000.0) as f32
        }
        None => {
            let threshold =
                ONSET_THRESHOLD * audio.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            audio.iter().position(|s| s.abs() > threshold).unwrap_or(0) as f32
        }
    };
    Ok(Sample {
        onset: onset.min(audio.len() as f32),
        audio: audio.into(),
        velocity: (entry.velocity / 127.0).clamp(0.0, 1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::audio_file::{AudioBuffer, write_wav};

    fn write_click(path: &Path, silence: usize) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut channel = vec![0.0; silence];
        channel.extend([0.8, -0.4, 0.2, 0.0]);
        let buffer = AudioBuffer {
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: vec![channel],
        };
        write_wav(path, &buffer).unwrap();
    }

    #[test]
    fn folders_named_by_class_become_kits() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("mine/kick/a_v064.wav"), 100);
        write_click(&folder.path().join("mine/crash/b.wav"), 0);
        write_click(&folder.path().join("mine/bagpipe/c.wav"), 0);
        let kits = load_folder(folder.path()).unwrap();
        assert_eq!(kits.len(), 1);
        let kick = &kits[0].sounds[Sound::Kick.index()];
        assert_eq!((kick.len(), kick[0].onset), (1, 100.0));
        assert!((kick[0].velocity - 64.0 / 127.0).abs() < 1e-6);
        assert_eq!(kits[0].sounds.iter().flatten().count(), 2);
    }

    #[test]
    fn plain_files_hydrogen_and_sfz_become_kits() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "flat/BD 01.wav",
            "flat/Floor Tom.wav",
            "flat/loop.wav",
            "h/a.wav",
            "s/x.wav",
        ] {
            write_click(&folder.path().join(name), 0);
        }
        let hydrogen = "<drumkit_info><name>hydro</name><instrumentList><instrument>\
            <name>Ride</name><layer><filename>a.wav</filename></layer></instrument>\
            </instrumentList></drumkit_info>";
        fs::write(folder.path().join("h/drumkit.xml"), hydrogen).unwrap();
        fs::write(
            folder.path().join("s/loud.sfz"),
            "<region> key=38 sample=x.wav",
        )
        .unwrap();
        let kits = load_folder(folder.path()).unwrap();
        let found: Vec<(&str, Vec<Sound>)> = kits
            .iter()
            .map(|kit| {
                let has = |sound: &Sound| !kit.sounds[sound.index()].is_empty();
                (
                    kit.name.as_str(),
                    Sound::ALL.into_iter().filter(has).collect(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("flat", vec![Sound::Kick, Sound::FloorTom]),
                ("hydro", vec![Sound::Ride]),
                ("loud", vec![Sound::Snare]),
            ]
        );
        // The folder of one kit can be given as well.
        assert_eq!(load_folder(&folder.path().join("flat")).unwrap().len(), 1);
    }

    #[test]
    fn kits_in_a_folder_of_that_name_are_held_out() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("a/kick.wav"), 0);
        write_click(&folder.path().join("Valid/b/snare.wav"), 0);
        let kits = load_folder(folder.path()).unwrap();
        let found: Vec<(&str, Split)> = kits
            .iter()
            .map(|kit| (kit.name.as_str(), kit.split))
            .collect();
        assert_eq!(found, [("a", Split::Train), ("b", Split::Valid)]);
    }

    #[test]
    fn folders_of_mp3_files_are_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("kick")).unwrap();
        fs::write(folder.path().join("kick/1.MP3"), b"").unwrap();
        let error = load_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("found 1 files in MP3"), "{error}");
    }

    #[test]
    fn manifest_is_read_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("k/snare/1.wav"), 50);
        let header = "kit,class,file,velocity,split,onset_ms,extra\n";
        let good = format!("{header}k,snare,k/snare/1.wav,90,valid,1.0,x\n");
        fs::write(folder.path().join(MANIFEST), &good).unwrap();
        let kits = load_folder(folder.path()).unwrap();
        assert_eq!(kits[0].split, Split::Valid);
        assert!((kits[0].sounds[Sound::Snare.index()][0].onset - 44.1).abs() < 1e-3);
        fs::write(folder.path().join("k/snare/1.mp3"), b"").unwrap();
        for (from, to, expected) in [
            (
                "snare,k",
                "bagpipe,k",
                "class: expected one of kick, snare, ",
            ),
            ("valid", "maybe", "expected train or valid"),
            ("1.wav", "2.wav", "found none called k/snare/2.wav"),
            (
                "1.wav",
                "1.mp3",
                "file: expected WAV, FLAC or AIFF, found k",
            ),
            (",90,", ",NaN,", "velocity: expected 0 to 127, found NaN"),
            (",90,", ",-1,", "velocity: expected 0 to 127, found -1"),
            (",90,", ",128,", "velocity: expected 0 to 127, found 128"),
            (",1.0,", ",NaN,", "onset_ms: expected 0 or more, found NaN"),
            (",1.0,", ",-2,", "onset_ms: expected 0 or more, found -2"),
            (",1.0,", ",2000,", "which has 1.2 ms, found 2000"),
        ] {
            fs::write(folder.path().join(MANIFEST), good.replace(from, to)).unwrap();
            let error = format!("{:#}", load_folder(folder.path()).unwrap_err());
            assert!(error.contains(expected), "{error}");
            assert!(error.matches("2.wav").count() <= 1, "said once: {error}");
        }
        assert!(load_folder(&folder.path().join("nowhere")).is_err());
    }
}
