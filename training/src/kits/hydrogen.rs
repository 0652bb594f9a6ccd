//! Hydrogen drum kits: `drumkit.xml` with instruments and velocity layers.

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow, ensure};
use roxmltree::{Document, Node};

use super::{
    Sound, Split,
    entry::{Entry, UNKNOWN_VELOCITY},
    notes::sound_of_note,
    sound_from_spelling,
};

/// Name of the file.
pub(super) const FILE: &str = "drumkit.xml";

/// The samples of the kit described by the file at `path`. Instruments are
/// recognised by their names and, if they have none, by their MIDI notes;
/// those that are no drum of ours are left out. Allocates.
///
/// # Errors
/// When the file cannot be read, is no drum kit, or a sample is missing.
pub(super) fn entries(path: &Path) -> Result<Vec<Entry>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document = Document::parse(&text).with_context(|| format!("{}: no XML", path.display()))?;
    let root = document.root_element();
    ensure!(
        root.tag_name().name() == "drumkit_info",
        "{}: expected the element drumkit_info, found {}",
        path.display(),
        root.tag_name().name()
    );
    let folder = path.parent().unwrap_or(Path::new(""));
    let kit = child_text(root, "name")
        .map(str::to_owned)
        .or_else(|| Some(folder.file_name()?.to_str()?.to_owned()))
        .unwrap_or_default();
    let mut entries = Vec::new();
    for instrument in root.descendants().filter(|node| is(node, "instrument")) {
        let Some(sound) = sound_of(instrument) else {
            continue;
        };
        let layers: Vec<Node> = instrument
            .descendants()
            .filter(|node| is(node, "layer"))
            .collect();
        // Old kits have one file per instrument and no layers.
        let sources = if layers.is_empty() {
            vec![instrument]
        } else {
            layers
        };
        for source in sources {
            let Some(file) = child_text(source, "filename") else {
                continue;
            };
            let place = |node: Node| {
                let position = document.text_pos_at(node.range().start);
                format!("{} line {}", path.display(), position.row)
            };
            let file = folder.join(file);
            ensure!(
                file.is_file(),
                "{}: expected the sample {}, found no such file",
                place(source),
                file.display()
            );
            let border = |name: &str, default: f32| -> Result<f32> {
                match child_text(source, name) {
                    None => Ok(default),
                    Some(text) => {
                        let number = text.parse().ok().filter(|number: &f32| number.is_finite());
                        number.ok_or_else(|| {
                            anyhow!(
                                "{}: expected a number in {name}, found {text:?}",
                                place(source)
                            )
                        })
                    }
                }
            };
            let (low, high) = (border("min", 0.0)?, border("max", 1.0)?);
            entries.push(Entry {
                kit: kit.clone(),
                kind: String::new(),
                split: Split::Train,
                sound,
                path: file,
                velocity: if high - low > 0.99 {
                    UNKNOWN_VELOCITY
                } else {
                    127.0 * 0.5 * (low + high)
                },
                onset_ms: None,
                // Of unknown kits the alternatives may be a drummer's.
                is_alternate: false,
            });
        }
    }
    Ok(entries)
}

fn is(node: &Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|child| is(child, name))?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}

fn sound_of(instrument: Node) -> Option<Sound> {
    match child_text(instrument, "name") {
        Some(name) => sound_from_spelling(name),
        None => sound_of_note(child_text(instrument, "midiOutNote")?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit">
 <name>Small</name>
 <instrumentList>
  <instrument><id>0</id><name>Bass Drum</name><midiOutNote>60</midiOutNote>
   <instrumentComponent><component_id>0</component_id>
    <layer><filename>kick soft.wav</filename><min>0</min><max>0.5</max></layer>
    <layer><filename>kick hard.wav</filename><min>0.5</min><max>1</max></layer>
   </instrumentComponent></instrument>
  <instrument><id>1</id><name></name><midiOutNote>49</midiOutNote><filename>c.wav</filename></instrument>
  <instrument><id>2</id><name>Vibraslap</name><layer><filename>none.wav</filename></layer></instrument>
 </instrumentList>
</drumkit_info>"#;

    #[test]
    fn instruments_layers_and_old_forms_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, KIT).unwrap();
        let error = format!("{:#}", entries(&path).unwrap_err());
        assert!(
            error.contains("line 7") && error.contains("kick soft.wav"),
            "{error}"
        );
        for name in ["kick soft.wav", "kick hard.wav", "c.wav"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let found = entries(&path).unwrap();
        let sounds: Vec<_> = found
            .iter()
            .map(|e| (e.sound, e.velocity.round()))
            .collect();
        assert_eq!(
            sounds,
            [
                (Sound::Kick, 32.0),
                (Sound::Kick, 95.0),
                (Sound::Crash, 100.0)
            ]
        );
        assert!(found.iter().all(|entry| entry.kit == "Small"));

        for odd in ["loud", "NaN", "-inf", "1e39"] {
            fs::write(&path, KIT.replace("<min>0.5<", &format!("<min>{odd}<"))).unwrap();
            let error = format!("{:#}", entries(&path).unwrap_err());
            assert!(error.contains(&format!("found \"{odd}\"")), "{error}");
        }
        fs::write(&path, "<song/>").unwrap();
        assert!(format!("{:#}", entries(&path).unwrap_err()).contains("found song"));
        fs::write(&path, "no xml").unwrap();
        assert!(entries(&path).is_err());
    }
}
