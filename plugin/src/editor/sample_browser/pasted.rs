//! Files and folders that were copied in a file manager, or their paths.
//!
//! They come as a path, a path in quotes or a `file://` address per line.

use std::path::PathBuf;

use egui::{Context, Event, Key, Modifiers};
use percent_encoding::percent_decode_str;

/// What the user has pasted in this frame, if that was not into a field.
pub(super) fn pasted(context: &Context) -> Option<String> {
    if context.egui_wants_keyboard_input() {
        return None;
    }
    context.input_mut(|input| {
        let is_asked_for = input.consume_key(Modifiers::COMMAND, Key::V);
        // Some windowing libraries call it text, as if it were typed.
        input.events.iter().find_map(|event| match event {
            Event::Paste(text) => Some(text.clone()),
            Event::Text(text) if is_asked_for => Some(text.clone()),
            _ => None,
        })
    })
}

/// The whole paths in `text`, one per line.
pub fn paths(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().map(|line| line.trim().trim_matches('"'));
    let paths = lines.map(|line| match line.strip_prefix("file://") {
        Some(address) => local(address),
        None => PathBuf::from(line),
    });
    paths.filter(|path| path.is_absolute()).collect()
}

/// The path of a `file://` address: what follows the name of the machine, which is this one.
fn local(address: &str) -> PathBuf {
    let path = address.find('/').map_or(address, |start| &address[start..]);
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    // Before the letter of a drive stands a slash that is none of the path.
    let drive = path.strip_prefix('/').filter(|path| {
        let mut letters = path.chars();
        letters
            .next()
            .is_some_and(|letter| letter.is_ascii_alphabetic())
            && letters.next() == Some(':')
    });
    PathBuf::from(drive.filter(|_| cfg!(windows)).unwrap_or(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn paths_are_read_as_file_managers_write_them() {
        let text = "copy\nfile:///home/me/Big%20kick.wav\r\n\"/home/me/a b.flac\"\n\
                    file://localhost/tmp/%C3%A9.wav\nnotes about drums\nhalf/a/path\n/tmp\n";
        let found = [
            "/home/me/Big kick.wav",
            "/home/me/a b.flac",
            "/tmp/é.wav",
            "/tmp",
        ];
        assert_eq!(paths(text), found.map(PathBuf::from));
        assert!(paths("").is_empty() && paths("file://").is_empty());
    }

    #[test]
    #[cfg(windows)]
    fn paths_are_read_as_file_managers_write_them() {
        let text = "file:///C:/My%20kit/kick.wav\r\n\"D:\\a b.flac\"\r\nnotes\r\n";
        let found = ["C:/My kit/kick.wav", "D:\\a b.flac"];
        assert_eq!(paths(text), found.map(PathBuf::from));
    }
}
