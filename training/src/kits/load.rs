//! Kits from folders: with a manifest, or with folders named by class.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, bail};
use rayon::prelude::*;

use super::{
    Kit, SOUND_COUNT, Sample, Split,
    entry::Entry,
    files::{is_lossy, lossy_remark},
    hydrogen,
    manifest::{MANIFEST, read_manifest},
    scan::scan,
};

/// Loads the kits of `folder`: those of its `kits.csv` (columns `kit, class,
/// file, velocity, split, onset_ms`, if it likes `type` and `velocity_from`; files relative to
/// the folder or to the one above), else the folder itself if it is a kit, else one kit or more per
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
    let mut entries = if manifest.is_file() {
        read_manifest(folder, &manifest)?
    } else {
        scan(folder)?
    };
    entries.retain(|entry| !is_lossy(&entry.path));
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
            let sample = entry.decode()?;
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{audio::write_mono, kits::Sound};

    fn write_click(path: &Path, silence: usize) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut channel = vec![0.0; silence];
        channel.extend([0.8, -0.4, 0.2, 0.0]);
        write_mono(path, &channel).unwrap();
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
        // What a computer notes beside a file is called like it.
        fs::write(folder.path().join("flat/._BD 01.wav"), b"notes").unwrap();
        fs::write(folder.path().join("s/._loud.sfz"), b"\xff").unwrap();
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
    fn kits_of_one_name_stay_apart() {
        let folder = tempfile::tempdir().unwrap();
        for (pack, samples) in [("PackA", "x.wav"), ("PackB", "y.wav"), ("valid/C", "z.wav")] {
            write_click(&folder.path().join(pack).join(samples), 0);
            let region = format!("<region> key=38 sample={samples}");
            fs::write(folder.path().join(pack).join("Drums.sfz"), region).unwrap();
        }
        let kits = load_folder(folder.path()).unwrap();
        let sizes: Vec<usize> = kits
            .iter()
            .map(|kit| kit.sounds.iter().flatten().count())
            .collect();
        assert_eq!(sizes, [1, 1, 1]);
    }

    #[test]
    fn lossy_samples_of_instruments_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("snare.wav"), 0);
        fs::write(folder.path().join("kick.mp3"), b"").unwrap();
        let regions = "<region> key=38 sample=snare.wav <region> key=36 sample=kick.mp3";
        fs::write(folder.path().join("Drums.sfz"), regions).unwrap();
        let kits = load_folder(folder.path()).unwrap();
        assert_eq!(kits[0].sounds.iter().flatten().count(), 1);
    }

    #[test]
    fn kits_in_a_folder_of_that_name_are_held_out() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("a/kick.wav"), 0);
        write_click(&folder.path().join("Valid/b/snare.wav"), 0);
        // Would be held out again and again.
        #[cfg(unix)]
        std::os::unix::fs::symlink("..", folder.path().join("Valid/test")).unwrap();
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
        assert!(error.contains("found 1 file in MP3"), "{error}");
    }

    #[test]
    fn alternates_are_told_from_takes() {
        let folder = tempfile::tempdir().unwrap();
        write_click(&folder.path().join("1.wav"), 0);
        let rows = "kit,class,file,velocity,split,onset_ms,type,velocity_from\n\
            a,snare,1.wav,90,train,0,acoustic,layer\n\
            a,kick,1.wav,90,train,0,acoustic,alt\n\
            b,kick,1.wav,90,train,0,synth,single\n";
        fs::write(folder.path().join(MANIFEST), rows).unwrap();
        let kits = load_folder(folder.path()).unwrap();
        let is_alternate =
            |kit: usize, sound: Sound| kits[kit].sounds[sound.index()][0].is_alternate;
        assert!(is_alternate(0, Sound::Kick) && is_alternate(1, Sound::Kick));
        assert!(!is_alternate(0, Sound::Snare));
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
