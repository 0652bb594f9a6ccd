//! The text of an SFZ file as headers and opcodes: comments removed, includes
//! read, macros replaced.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

/// Includes within includes.
const MOST_DEPTH: usize = 16;

/// A piece of an SFZ file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `<name>`.
    Header {
        /// In lower case.
        name: String,
        /// File and line, for messages.
        place: String,
    },
    /// `name=value`.
    Opcode {
        /// In lower case.
        name: String,
        /// Without surrounding space.
        value: String,
    },
}

/// Reads the file at `path` and what it includes. Allocates.
pub(super) fn read_tokens(path: &Path) -> Result<Vec<Token>> {
    let mut reader = Reader {
        root: path.parent().unwrap_or(Path::new("")),
        macros: BTreeMap::new(),
        tokens: Vec::new(),
    };
    reader.file(path, 0)?;
    Ok(reader.tokens)
}

struct Reader<'a> {
    /// Includes are relative to the first file.
    root: &'a Path,
    /// By name with its dollar sign.
    macros: BTreeMap<String, String>,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, depth: usize) -> Result<()> {
        ensure!(
            depth < MOST_DEPTH,
            "{}: expected at most {MOST_DEPTH} levels of #include, found more; does it include itself?",
            path.display()
        );
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Old instruments have file names in other encodings.
        let text = without_comments(&String::from_utf8_lossy(&bytes));
        for (index, line) in text.lines().enumerate() {
            let place = format!("{} line {}", path.display(), index + 1);
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("#define") {
                let mut words = rest.split_whitespace();
                match (words.next(), words.next()) {
                    (Some(name), Some(value)) if name.starts_with('$') => {
                        self.macros.insert(name.to_owned(), value.to_owned());
                    }
                    _ => bail!("{place}: expected #define $NAME value, found {line:?}"),
                }
            } else if let Some(rest) = line.strip_prefix("#include") {
                let name = self
                    .expand(rest.trim().trim_matches('"'))
                    .replace('\\', "/");
                let included = self.root.join(name);
                self.file(&included, depth + 1).with_context(|| place)?;
            } else {
                let line = self.expand(line);
                self.line(&line, &place)?;
            }
        }
        Ok(())
    }

    /// Replaces macros, the longest names first.
    fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if text.contains('$') {
            let mut names: Vec<&String> = self.macros.keys().collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            for name in names {
                text = text.replace(name.as_str(), &self.macros[name]);
            }
        }
        text
    }

    fn line(&mut self, line: &str, place: &str) -> Result<()> {
        let mut rest = line.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('<') {
                let Some((name, after)) = after.split_once('>') else {
                    bail!("{place}: expected > after {rest:?}");
                };
                self.tokens.push(Token::Header {
                    name: name.trim().to_lowercase(),
                    place: place.to_owned(),
                });
                rest = after.trim_start();
                continue;
            }
            let Some((name, after)) = rest
                .split_once('=')
                .filter(|(name, _)| is_name(name.trim()))
            else {
                bail!("{place}: expected <header> or opcode=value, found {rest:?}");
            };
            let end = value_end(after);
            self.tokens.push(Token::Opcode {
                name: name.trim().to_lowercase(),
                value: after[..end].trim().to_owned(),
            });
            rest = after[end..].trim_start();
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '#'))
}

/// Values may hold spaces: they end at the next header or where a word is
/// followed by an equals sign.
fn value_end(text: &str) -> usize {
    let header = text.find('<').unwrap_or(text.len());
    let text = &text[..header];
    for (at, _) in text.match_indices('=') {
        let Some((before, name)) = text[..at].rsplit_once(char::is_whitespace) else {
            continue;
        };
        if is_name(name) {
            return before.len();
        }
    }
    header
}

/// Replaces `// …` and `/* … */` by space; lines stay where they are.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            kept.extend(rest[..end].chars().filter(|c| *c == '\n'));
            rest = &rest[end..];
        } else {
            kept.push('/');
            rest = &rest[1..];
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_spaces_and_comments_vanish() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sfz");
        fs::write(
            &path,
            "<Group> sample=a b/c d.wav lokey=3 // c\n<region>key=4 volume=-3.5<region>\n",
        )
        .unwrap();
        let tokens = read_tokens(&path).unwrap();
        let text: Vec<String> = tokens
            .iter()
            .map(|token| match token {
                Token::Header { name, .. } => format!("<{name}>"),
                Token::Opcode { name, value } => format!("{name}={value}"),
            })
            .collect();
        assert_eq!(
            text,
            [
                "<group>",
                "sample=a b/c d.wav",
                "lokey=3",
                "<region>",
                "key=4",
                "volume=-3.5",
                "<region>"
            ]
        );
    }

    #[test]
    fn macros_are_replaced_by_the_longest_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sfz");
        fs::write(
            &path,
            "#define $K 1\n#define $KEY 36\n<region> key=$KEY lovel=$K\n",
        )
        .unwrap();
        let tokens = read_tokens(&path).unwrap();
        assert!(tokens.contains(&Token::Opcode {
            name: "key".into(),
            value: "36".into()
        }));
        assert!(tokens.contains(&Token::Opcode {
            name: "lovel".into(),
            value: "1".into()
        }));
        fs::write(&path, "#define K 1\n").unwrap();
        assert!(
            read_tokens(&path)
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }
}
