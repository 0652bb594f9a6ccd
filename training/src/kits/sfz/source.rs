//! The text of an SFZ file as headers and opcodes: comments removed, includes
//! read, macros replaced.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

/// Includes within includes.
const MOST_DEPTH: usize = 16;
/// Includes altogether, and bytes with all that is included and all macros replaced: a few
/// lines can ask for more than any memory holds.
const MOST_INCLUDES: usize = 10_000;
const MOST_BYTES: usize = 64 << 20;

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
        includes: 0,
        bytes: 0,
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
    /// Files that were included.
    includes: usize,
    /// Bytes that were read and that macros have become.
    bytes: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, depth: usize) -> Result<()> {
        ensure!(
            depth < MOST_DEPTH,
            "{}: expected at most {MOST_DEPTH} levels of #include, found more; does it include itself?",
            path.display()
        );
        self.includes += usize::from(depth > 0);
        ensure!(
            self.includes <= MOST_INCLUDES,
            "{}: expected at most {MOST_INCLUDES} files by #include, found more",
            path.display()
        );
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.count(bytes.len())
            .with_context(|| path.display().to_string())?;
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
                let name = self.expand(rest.trim().trim_matches('"'), &place)?;
                let name = name.replace('\\', "/");
                let included = self.root.join(name);
                self.file(&included, depth + 1).with_context(|| place)?;
            } else {
                let line = self.expand(line, &place)?;
                self.line(&line, &place)?;
            }
        }
        Ok(())
    }

    /// Replaces macros, the longest names first.
    fn expand(&mut self, text: &str, place: &str) -> Result<String> {
        let mut text = text.to_owned();
        if text.contains('$') {
            let mut macros: Vec<_> = self.macros.iter().collect();
            macros.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
            let mut replaced = 0;
            for (name, value) in macros {
                let count = text.matches(name.as_str()).count();
                if count > 0 {
                    replaced += count * value.len();
                    too_many(self.bytes.saturating_add(replaced)).context(place.to_owned())?;
                    text = text.replace(name.as_str(), value);
                }
            }
            self.bytes += replaced;
        }
        Ok(text)
    }

    /// Counts what was read.
    fn count(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        too_many(self.bytes)
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

/// Refuses more than [`MOST_BYTES`].
fn too_many(bytes: usize) -> Result<()> {
    ensure!(
        bytes <= MOST_BYTES,
        "expected at most {MOST_BYTES} bytes with macros and includes, found more"
    );
    Ok(())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '#')
}

/// Values may hold spaces: they end at the next header or where a word is
/// followed by an equals sign.
fn value_end(text: &str) -> usize {
    // Where the last word begins that may be a name, and the space before it.
    let mut word: Option<(usize, usize)> = None;
    for (at, c) in text.char_indices() {
        match c {
            '<' => return at,
            '=' if let Some((space, start)) = word
                && start < at =>
            {
                return space;
            }
            c if c.is_whitespace() => word = Some((at, at + c.len_utf8())),
            c if is_of_name(c) => {}
            _ => word = None,
        }
    }
    text.len()
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
    fn a_few_lines_cannot_ask_for_more_than_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sfz");
        let refusal = |text: &str| {
            fs::write(&path, text).unwrap();
            format!("{:#}", read_tokens(&path).unwrap_err())
        };
        let names: Vec<char> = ('a'..='z').collect();
        let mut bomb: String = names
            .windows(2)
            .map(|pair| {
                format!(
                    "#define ${} {}\n",
                    pair[0],
                    format!("${}", pair[1]).repeat(10)
                )
            })
            .collect();
        bomb += "<region> sample=$a\n";
        let error = refusal(&bomb);
        assert!(
            error.contains("a.sfz line 26: expected at most 67108864 bytes with macros"),
            "{error}"
        );
        // Each includes the next one ten times.
        for n in 0..10 {
            let lines = format!("#include \"{}.sfi\"\n", n + 1).repeat(10);
            fs::write(folder.path().join(format!("{n}.sfi")), lines).unwrap();
        }
        fs::write(folder.path().join("10.sfi"), "").unwrap();
        let error = refusal("#include \"0.sfi\"\n");
        assert!(
            error.contains("expected at most 10000 files by #include"),
            "{error}"
        );
    }

    #[test]
    fn values_end_before_the_next_name() {
        for (text, value) in [
            ("a b=c", "a"),
            ("a b c=d", "a b"),
            ("a é=c", "a é=c"),
            ("a =c", "a =c"),
            ("a b==c d=e", "a"),
            ("=x y<z", "=x y"),
            ("a/b=c d_1#=e", "a/b=c"),
            ("a\u{3000}b=c", "a"),
        ] {
            assert_eq!(&text[..value_end(text)], value, "{text}");
        }
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
