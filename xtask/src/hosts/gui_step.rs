//! What can be done with an open editor, and how it is written on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// One thing to do with an open editor.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Let this many seconds pass.
    Wait(f64),
    /// Click the left mouse button here, in pixels from the top left.
    Click(u32, u32),
    /// Click the right mouse button there.
    Menu(u32, u32),
    /// Drag with the left mouse button from the first point to the second.
    Drag([u32; 4]),
    /// Drag a file to here, as a file manager would, and hold it there.
    Carry(u32, u32, PathBuf),
    /// Drag a file to here, and let it go.
    Drop(u32, u32, PathBuf),
    /// Drag what is here out of the window to another program, which copies the file that
    /// it gets to this path.
    Take(u32, u32, PathBuf),
    /// Type a key combination, such as `ctrl+z`.
    Key(String),
    /// Put another keyboard before the screen, such as `de`, or `us,fr` of which the first counts.
    Layout(String),
    /// Print the value of a parameter, normalised to 0..1.
    Value(String),
    /// Print the numbers of the keys that the host has got.
    HostKeys,
    /// Close the editor and open it again a few times, while blocks on another thread move a
    /// parameter. VST3 only.
    Automate(String),
    /// Print what this process holds for the plugin.
    Resources,
    /// Resize the window.
    Resize(u32, u32),
    /// Close the editor and open it again.
    Reopen,
    /// Write a picture of the window.
    Picture(PathBuf),
}

impl Step {
    /// The step as [`Step::from_str`] reads it.
    pub fn text(&self) -> String {
        match self {
            Self::Wait(seconds) => format!("wait:{seconds}"),
            Self::Click(x, y) => format!("click:{x},{y}"),
            Self::Menu(x, y) => format!("menu:{x},{y}"),
            Self::Drag([x1, y1, x2, y2]) => format!("drag:{x1},{y1},{x2},{y2}"),
            Self::Carry(x, y, path) => format!("carry:{x},{y},{}", path.display()),
            Self::Drop(x, y, path) => format!("drop:{x},{y},{}", path.display()),
            Self::Take(x, y, path) => format!("take:{x},{y},{}", path.display()),
            Self::Key(keys) => format!("key:{keys}"),
            Self::Layout(name) => format!("layout:{name}"),
            Self::Value(key) => format!("value:{key}"),
            Self::HostKeys => "host-keys".to_owned(),
            Self::Automate(key) => format!("automate:{key}"),
            Self::Resources => "resources".to_owned(),
            Self::Resize(width, height) => format!("resize:{width}x{height}"),
            Self::Reopen => "reopen".to_owned(),
            Self::Picture(path) => format!("picture:{}", path.display()),
        }
    }
}

impl FromStr for Step {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let numbers = |separator: char| -> Result<Vec<u32>> {
            argument
                .split(separator)
                .map(|part| part.trim().parse::<u32>())
                .collect::<Result<_, _>>()
                .with_context(|| format!("'{text}': expected whole numbers"))
        };
        let place_and_path = || -> Result<(u32, u32, PathBuf)> {
            let mut parts = argument.splitn(3, ',');
            let wrong = || format!("'{text}': expected {name}:X,Y,FILE");
            let mut part = || parts.next().with_context(wrong);
            let (x, y, path) = (part()?, part()?, part()?);
            let number = |text: &str| text.trim().parse().with_context(wrong);
            Ok((number(x)?, number(y)?, path.into()))
        };
        Ok(match (name, argument) {
            ("wait", _) => Self::Wait(
                argument
                    .parse()
                    .with_context(|| format!("'{text}': expected wait:SECONDS"))?,
            ),
            ("click", _) => match numbers(',')?[..] {
                [x, y] => Self::Click(x, y),
                _ => bail!("'{text}': expected click:X,Y"),
            },
            ("menu", _) => match numbers(',')?[..] {
                [x, y] => Self::Menu(x, y),
                _ => bail!("'{text}': expected menu:X,Y"),
            },
            ("drag", _) => match numbers(',')?[..] {
                [x1, y1, x2, y2] => Self::Drag([x1, y1, x2, y2]),
                _ => bail!("'{text}': expected drag:X1,Y1,X2,Y2"),
            },
            ("carry", _) => {
                let (x, y, path) = place_and_path()?;
                Self::Carry(x, y, path)
            }
            ("drop", _) => {
                let (x, y, path) = place_and_path()?;
                Self::Drop(x, y, path)
            }
            ("take", _) => {
                let (x, y, path) = place_and_path()?;
                Self::Take(x, y, path)
            }
            ("resize", _) => match numbers('x')?[..] {
                [width, height] if width > 0 && height > 0 => Self::Resize(width, height),
                _ => bail!("'{text}': expected resize:WIDTHxHEIGHT"),
            },
            ("key", keys) if !keys.is_empty() => Self::Key(keys.to_owned()),
            ("layout", name) if !name.is_empty() => Self::Layout(name.to_owned()),
            ("value", key) if !key.is_empty() => Self::Value(key.to_owned()),
            ("picture", path) if !path.is_empty() => Self::Picture(path.into()),
            ("automate", key) if !key.is_empty() => Self::Automate(key.to_owned()),
            ("host-keys", "") => Self::HostKeys,
            ("resources", "") => Self::Resources,
            ("reopen", "") => Self::Reopen,
            _ => bail!(
                "'{text}': expected wait:SECONDS, click:X,Y, menu:X,Y, drag:X1,Y1,X2,Y2, \
                 carry:X,Y,FILE, drop:X,Y,FILE, take:X,Y,FILE, key:COMBINATION, layout:NAME, \
                 value:PARAMETER, host-keys, automate:PARAMETER, resources, \
                 resize:WIDTHxHEIGHT, reopen or picture:FILE"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_parsed() {
        let parse = |text: &str| text.parse::<Step>();
        assert_eq!(parse("wait:0.5").ok(), Some(Step::Wait(0.5)));
        assert_eq!(parse("click:3,4").ok(), Some(Step::Click(3, 4)));
        assert_eq!(parse("menu:3,4").ok(), Some(Step::Menu(3, 4)));
        assert_eq!(parse("drag:1,2,3,4").ok(), Some(Step::Drag([1, 2, 3, 4])));
        assert_eq!(parse("resize:800x600").ok(), Some(Step::Resize(800, 600)));
        assert_eq!(parse("key:ctrl+z").ok(), Some(Step::Key("ctrl+z".into())));
        assert_eq!(parse("reopen").ok(), Some(Step::Reopen));
        assert_eq!(
            parse("picture:a.png").ok(),
            Some(Step::Picture("a.png".into()))
        );
        for text in [
            "wait:0.5",
            "click:3,4",
            "menu:3,4",
            "drag:1,2,3,4",
            "carry:3,4,/a, b.wav",
            "drop:3,4,/a.wav",
            "take:3,4,/a.mid",
            "key:ctrl+z",
            "layout:us,de",
            "value:Blend",
            "host-keys",
            "automate:Blend",
            "resources",
            "reopen",
        ] {
            assert_eq!(parse(text).expect("a step").text(), text);
        }
        for wrong in [
            "",
            "wait",
            "click:1",
            "menu:1",
            "resize:0x4",
            "drag:1,2,3",
            "drop:1,2",
            "take:1,b,/a",
            "jump",
            "layout:",
            "value",
            "picture:",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
