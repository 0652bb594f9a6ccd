//! Inputs that are patterns, as in `*.wav`: the shells of Windows leave these to programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use glob::{MatchOptions, glob_with};

/// `inputs` with the files in place of each pattern, in the order of their names. What there
/// is, is no pattern, whatever it is called.
///
/// # Errors
/// A pattern that no file matches, or that is none; a folder that cannot be read.
pub fn expanded(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        match pattern(input) {
            Some(pattern) => files.extend(matches(pattern)?),
            None => files.push(input.clone()),
        }
    }
    Ok(files)
}

fn pattern(input: &Path) -> Option<&str> {
    let text = input.to_str()?;
    (text.contains(['*', '?', '[']) && !input.exists()).then_some(text)
}

fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let options = MatchOptions {
        case_sensitive: !cfg!(windows),
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let paths = glob_with(pattern, options).with_context(|| pattern.to_owned())?;
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    let files: Vec<PathBuf> = paths.into_iter().filter(|path| path.is_file()).collect();
    if files.is_empty() {
        bail!("{pattern}: no file is called so");
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn patterns_become_files_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.wav", "a.wav", "c.flac", ".hidden.wav", "take [1].wav"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path("folder.wav")).unwrap();
        let inputs = ["take [1].wav", "*.wav", "missing.wav", "?.flac"].map(path);
        let expected = [
            "take [1].wav",
            "a.wav",
            "b.wav",
            "take [1].wav",
            "missing.wav",
            "c.flac",
        ];
        assert_eq!(expanded(&inputs).unwrap(), expected.map(path));
        let error = expanded(&[path("*.aiff")]).unwrap_err().to_string();
        assert!(error.contains("*.aiff: no file is called so"), "{error}");
        assert!(expanded(&[path("***.wav")]).is_err());
    }
}
