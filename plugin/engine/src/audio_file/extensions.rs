//! How audio files are called.

use std::path::Path;

/// How the names of files end that can be read, as far as folders are searched for them; a
/// file that is named by the user is read whatever it is called.
pub const EXTENSIONS: [&str; 13] = [
    "wav", "wave", "bwf", "aif", "aiff", "aifc", "flac", "mp3", "ogg", "oga", "m4a", "aac", "caf",
];

/// The formats that are read, for messages.
pub const FORMATS: &str = "WAV, AIFF, FLAC, MP3, Ogg Vorbis, M4A or CAF";

/// Those of [`EXTENSIONS`] whose content always leaves out what is hard to hear. M4A and CAF
/// may do so: [`AudioReader::is_lossy`](super::AudioReader::is_lossy) knows.
pub const LOSSY_EXTENSIONS: [&str; 4] = ["mp3", "ogg", "oga", "aac"];

/// Whether the name of `path` ends in one of the `wanted` extensions, in any case.
pub fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|found| {
            let mut wanted = wanted.iter();
            wanted.any(|wanted| found.eq_ignore_ascii_case(wanted))
        })
}

/// Whether `path` is called like an audio file that can be read.
pub fn is_called_audio(path: &Path) -> bool {
    has_extension(path, &EXTENSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_any_case() {
        for name in ["a.wav", "a.b.AIFF", "Loop.CaF", "memo.m4a"] {
            assert!(is_called_audio(Path::new(name)), "{name}");
        }
        for name in ["wav", "a.wav.txt", "a.", "a.mid"] {
            assert!(!is_called_audio(Path::new(name)), "{name}");
        }
        assert!(
            LOSSY_EXTENSIONS
                .iter()
                .all(|lossy| EXTENSIONS.contains(lossy))
        );
    }
}
