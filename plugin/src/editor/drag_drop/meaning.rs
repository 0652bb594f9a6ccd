//! What files mean that are dropped on a place.

use std::path::{Path, PathBuf};

use idm_engine::audio_file::{FORMATS, is_called_audio};
use idm_engine::drum::Drum;
use idm_engine::model::is_model_folder;

use super::super::sample_browser::paths;

/// Most files of one drop: a pad takes far fewer.
pub(super) const MOST_FILES: usize = 256;

/// A part of the window where files are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The pad of a drum.
    Pad(Drum),
    /// The open list of samples for a pad.
    List(Drum),
    /// The open list of kits.
    Kit,
    /// The open list of recordings.
    Recordings,
    /// The open list of recordings whose stems are wanted, and the button that opens it.
    Stems,
    /// The open list of drum models.
    Models,
    /// All the rest.
    Elsewhere,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// The folder of a drum model.
    Model,
    /// What is called audio.
    Audio,
    /// Anything else.
    Other,
}

/// What is carried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(pub Vec<(PathBuf, Kind)>);

impl Files {
    /// The local files in a list of addresses, as file managers write it. Asks the file
    /// system, which may take its time.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pub fn of(text: &str) -> Files {
        Files::at(paths(text))
    }

    /// What is at these paths. Asks the file system, too.
    pub fn at(paths: impl IntoIterator<Item = PathBuf>) -> Files {
        let kind = |path: &Path| match path.is_dir() {
            true if is_model_folder(path) => Kind::Model,
            true => Kind::Folder,
            false if is_called_audio(path) => Kind::Audio,
            false => Kind::Other,
        };
        let paths = paths.into_iter().filter(|path| path.is_absolute());
        let files = paths.take(MOST_FILES).map(|path| {
            let kind = kind(&path);
            (path, kind)
        });
        Files(files.collect())
    }

    /// The paths of what sounds can be in.
    pub fn sounds(&self) -> Vec<PathBuf> {
        let can_sound = |kind: &Kind| matches!(kind, Kind::Folder | Kind::Audio);
        let sounds = self.0.iter().filter(|(_, kind)| can_sound(kind));
        sounds.map(|(path, _)| path.clone()).collect()
    }

    /// The only one, if it is a folder.
    fn folder(&self) -> Option<&Path> {
        match self.0.as_slice() {
            [(path, Kind::Folder)] => Some(path),
            _ => None,
        }
    }

    /// The only one, if it is the folder of a drum model.
    fn model(&self) -> Option<&Path> {
        match self.0.as_slice() {
            [(path, Kind::Model)] => Some(path),
            _ => None,
        }
    }

    /// The only one, if it is called audio.
    fn recording(&self) -> Option<&Path> {
        match self.0.as_slice() {
            [(path, Kind::Audio)] => Some(path),
            _ => None,
        }
    }

    /// How it is called.
    fn title(&self) -> String {
        match self.0.as_slice() {
            [(path, kind)] => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let is_folder = matches!(kind, Kind::Folder | Kind::Model);
                let slash = if is_folder { "/" } else { "" };
                format!("{}{slash}", name.to_string_lossy())
            }
            several => format!("{} files", several.len()),
        }
    }
}

/// What happens to dropped files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// They go on the pad of a drum, together.
    Samples(Drum, Vec<PathBuf>),
    /// The open list goes there.
    Show(PathBuf),
    /// The kit in this folder goes on all pads.
    Kit(PathBuf),
    /// The kit that is played in this file is learnt.
    Learn(PathBuf),
    /// The stems of this file are written.
    Stems(PathBuf),
    /// The drum model in this folder is taken.
    Model(PathBuf),
    /// Nothing does, for this reason.
    Nothing(String),
}

impl Meaning {
    /// Whether something happens.
    pub fn is_taken(&self) -> bool {
        !matches!(self, Meaning::Nothing(_))
    }
}

/// What it means to drop `files` on `place`.
pub fn meaning(place: Place, files: &Files) -> Meaning {
    let folder = files.folder();
    let first = files.0.first();
    if let (Place::Models | Place::Kit | Place::Recordings | Place::Elsewhere, Some(folder)) =
        (place, files.model())
    {
        return Meaning::Model(folder.to_owned());
    }
    match (place, folder, first) {
        (_, _, None) => Meaning::Nothing("Only files and folders can be dropped here".to_owned()),
        (Place::List(_), Some(folder), _) => Meaning::Show(folder.to_owned()),
        (Place::Pad(drum) | Place::List(drum), _, _) => {
            let sounds = files.sounds();
            if sounds.is_empty() {
                let title = files.title();
                Meaning::Nothing(format!(
                    "{title}: expected audio ({FORMATS}) or a folder of it"
                ))
            } else {
                Meaning::Samples(drum, sounds)
            }
        }
        (Place::Kit | Place::Recordings | Place::Stems | Place::Models, Some(folder), _) => {
            Meaning::Show(folder.to_owned())
        }
        (Place::Kit | Place::Models, None, Some((path, _))) => {
            Meaning::Show(path.parent().unwrap_or(path).to_owned())
        }
        (Place::Elsewhere, Some(folder), _) => Meaning::Kit(folder.to_owned()),
        (Place::Stems, None, _) => match files.recording() {
            Some(recording) => Meaning::Stems(recording.to_owned()),
            None => Meaning::Nothing("Drop one recording to have its stems".to_owned()),
        },
        (Place::Recordings | Place::Elsewhere, None, _) => match files.recording() {
            Some(recording) => Meaning::Learn(recording.to_owned()),
            None => Meaning::Nothing(
                "Drop samples on a pad, one recording or the folder of a kit anywhere".to_owned(),
            ),
        },
    }
}

/// What will happen if `files` are dropped on `place`, in words.
pub fn forecast(place: Place, files: Option<&Files>) -> String {
    let on_pad = |drum: Drum| format!("the {} pad", drum.name().to_lowercase());
    let Some(files) = files else {
        return match place {
            Place::Pad(drum) | Place::List(drum) => format!("Drop it on {}", on_pad(drum)),
            Place::Kit => "Drop it to look at it".to_owned(),
            Place::Recordings => "Drop it to learn its kit".to_owned(),
            Place::Stems => "Drop it to have its stems".to_owned(),
            Place::Models => "Drop the folder of a drum model".to_owned(),
            Place::Elsewhere => "Drop samples on a pad".to_owned(),
        };
    };
    let title = files.title();
    match meaning(place, files) {
        Meaning::Samples(drum, sounds) => match sounds.as_slice() {
            [_] if files.folder().is_some() => {
                format!(
                    "Puts the files in {title} on {}, as velocity layers",
                    on_pad(drum)
                )
            }
            [_] => format!("Puts {title} on {}", on_pad(drum)),
            several => format!(
                "Puts {} files on {}, as velocity layers",
                several.len(),
                on_pad(drum)
            ),
        },
        Meaning::Show(folder) => format!("Shows {}", folder.display()),
        Meaning::Learn(_) => format!("Learns the kit that is played in {title}"),
        Meaning::Stems(_) => format!("Writes the stems of {title}"),
        Meaning::Model(_) => format!("Listens with the drum model in {title}"),
        Meaning::Kit(_) => format!("Loads the kit in {title} on all pads that it has samples of"),
        Meaning::Nothing(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, Kind)]) -> Files {
        let owned = list.iter().map(|(path, kind)| (PathBuf::from(path), *kind));
        Files(owned.collect())
    }

    #[test]
    fn addresses_are_looked_up() {
        let folder = std::env::temp_dir().join(format!("idm-dropped-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // Windows has the letter of a drive first, and strokes the other way.
        let folder_name = folder.display().to_string().replace('\\', "/");
        let folder_name = format!("/{}", folder_name.trim_start_matches('/'));
        let text = format!(
            "file://{folder_name}/a%20b.WAV\r\nhttp://example.org/c.wav\r\nfile://{folder_name}\r\n\
             file://{folder_name}/notes.txt\r\n"
        );
        let found = Files::of(&text);
        let kinds: Vec<Kind> = found.0.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, [Kind::Audio, Kind::Folder, Kind::Other]);
        assert_eq!(found.0[0].0, folder.join("a b.WAV"));
        assert_eq!(found.sounds().len(), 2);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(Files::of("\0\u{fffd}"), Files::default());
    }

    #[test]
    fn a_pad_takes_what_sounds_and_says_so() {
        let pad = Place::Pad(Drum::Snare);
        let both = files(&[("/k/a.wav", Kind::Audio), ("/k/b.txt", Kind::Other)]);
        let expected = Meaning::Samples(Drum::Snare, vec!["/k/a.wav".into()]);
        assert_eq!(meaning(pad, &both), expected);
        assert_eq!(meaning(Place::List(Drum::Snare), &both), expected);
        let one = files(&[("/k/a.wav", Kind::Audio)]);
        assert_eq!(forecast(pad, Some(&one)), "Puts a.wav on the snare pad");
        let text = files(&[("/k/b.txt", Kind::Other)]);
        assert!(!meaning(pad, &text).is_taken());
        assert!(forecast(pad, Some(&text)).starts_with("b.txt: expected audio"));
        assert!(!meaning(pad, &files(&[])).is_taken());
        let two = files(&[("/k/a.wav", Kind::Audio), ("/k/b.wav", Kind::Audio)]);
        assert!(forecast(pad, Some(&two)).contains("2 files on the snare pad, as velocity"));
    }

    #[test]
    fn a_folder_is_layers_on_a_pad_a_kit_elsewhere_and_looked_at_in_the_list() {
        let folder = files(&[("/k/snares", Kind::Folder)]);
        let path = || PathBuf::from("/k/snares");
        let of = |place| meaning(place, &folder);
        let layers = Meaning::Samples(Drum::Snare, vec![path()]);
        assert_eq!(of(Place::Pad(Drum::Snare)), layers);
        assert_eq!(of(Place::Elsewhere), Meaning::Kit(path()));
        assert_eq!(of(Place::Kit), Meaning::Show(path()));
        assert_eq!(of(Place::List(Drum::Snare)), Meaning::Show(path()));
        let file = files(&[("/k/snares/a.wav", Kind::Audio)]);
        assert_eq!(meaning(Place::Kit, &file), Meaning::Show(path()));
        assert!(forecast(Place::Elsewhere, Some(&folder)).contains("kit in snares/"));
    }

    #[test]
    fn one_recording_beside_the_pads_is_learnt_from() {
        let song = files(&[("/k/song.flac", Kind::Audio)]);
        let learns = Meaning::Learn(PathBuf::from("/k/song.flac"));
        for place in [Place::Elsewhere, Place::Recordings] {
            assert_eq!(meaning(place, &song), learns);
            assert!(forecast(place, Some(&song)).contains("kit that is played in song.flac"));
            let both = files(&[("/k/a.wav", Kind::Audio), ("/k/b.wav", Kind::Audio)]);
            let text = files(&[("/k/b.txt", Kind::Other)]);
            for files in [both, text] {
                assert!(!meaning(place, &files).is_taken());
                assert!(forecast(place, Some(&files)).contains("one recording"));
            }
        }
        let folder = files(&[("/k", Kind::Folder)]);
        let shows = Meaning::Show(PathBuf::from("/k"));
        assert_eq!(meaning(Place::Recordings, &folder), shows);
    }

    #[test]
    fn the_folder_of_a_model_is_taken_everywhere_but_on_a_pad() {
        let model = files(&[("/m/mine", Kind::Model)]);
        let takes = Meaning::Model(PathBuf::from("/m/mine"));
        for place in [
            Place::Elsewhere,
            Place::Models,
            Place::Kit,
            Place::Recordings,
        ] {
            assert_eq!(meaning(place, &model), takes);
            assert!(forecast(place, Some(&model)).contains("drum model in mine/"));
        }
        assert!(!meaning(Place::Pad(Drum::Kick), &model).is_taken());
        let folder = files(&[("/m", Kind::Folder)]);
        assert_eq!(meaning(Place::Models, &folder), Meaning::Show("/m".into()));
    }
}
