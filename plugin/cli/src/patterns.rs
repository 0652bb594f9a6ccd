//! Inputs that are patterns, as in `*.wav`: the shells of Windows leave these to programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use glob::{MatchOptions, Pattern, glob_with};

/// `inputs` with the files in place of each pattern, in the order of their names. What there
/// is, is no pattern, whatever it is called.
///
/// # Errors
/// A pattern that no file matches, or that is none; a folder that cannot be read.
pub fn expanded(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        match pattern(input) {
            Some(pattern) => files.extend(matches(input, &pattern)?),
            None => files.push(input.clone()),
        }
    }
    Ok(files)
}

/// `input` as a pattern, if it is one. Folders that there are have no letters but their own.
fn pattern(input: &Path) -> Option<String> {
    let text = input.to_str()?;
    if !text.contains(['*', '?', '[']) || input.exists() {
        return None;
    }
    let folder = input.ancestors().skip(1).find(|folder| folder.exists());
    let Some(folder) = folder else {
        return Some(text.to_owned());
    };
    let rest = input.strip_prefix(folder).ok()?;
    let pattern = Path::new(&Pattern::escape(folder.to_str()?)).join(rest);
    pattern.into_os_string().into_string().ok()
}

fn matches(input: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let options = MatchOptions {
        case_sensitive: !cfg!(windows),
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let name = input.display();
    let paths = glob_with(pattern, options).with_context(|| format!("{name}"))?;
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    let files: Vec<PathBuf> = paths.into_iter().filter(|path| path.is_file()).collect();
    let is_name = !input.to_string_lossy().contains(['*', '?']);
    match files.is_empty() {
        // A file in brackets that is missing concerns no other.
        true if is_name => Ok(vec![input.to_path_buf()]),
        true => bail!("{name}: no file is called so"),
        false => Ok(files),
    }
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

        fs::create_dir(path("mixes [old]")).unwrap();
        fs::write(path("mixes [old]/d.wav"), "").unwrap();
        let inputs = ["mixes [old]/*.wav", "gone [1].wav"].map(path);
        let expected = ["mixes [old]/d.wav", "gone [1].wav"].map(path);
        assert_eq!(expanded(&inputs).unwrap(), expected);
    }
}
