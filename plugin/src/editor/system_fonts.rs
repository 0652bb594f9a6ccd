//! Letters that our own fonts lack, from the fonts of the system: names of files and folders
//! may be of any script. Nothing is read before such a letter is drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use egui::epaint::text::{Blob, FallbackRequest, FontInsert};
use egui::{FontData, FontProvider};
use skrifa::{FontRef, MetadataProvider};

use crate::folders::home_folder;
use crate::lock::lock;

/// Beginnings of the names of files that have the scripts of East Asia, best ones first.
const EAST_ASIAN: [&str; 21] = [
    "notosanscjk",
    "notosanssc",
    "notosansjp",
    "notosanskr",
    "sourcehansans",
    "pingfang",
    "hiragino sans gb",
    "ヒラギノ角ゴシック w3",
    "applesdgothicneo",
    "msyh.",
    "yugothm",
    "malgun.",
    "meiryo.",
    "msgothic",
    "simsun",
    "droidsansfallback",
    "wqy",
    "ipag",
    "nanumgothic",
    "arial unicode",
    "unifont",
];

/// The same for all other scripts.
const OTHERS: [&str; 13] = [
    "dejavusans.",
    "notosans",
    "segoeui.",
    "seguisym",
    "nirmala.",
    "leelawui.",
    "tahoma.",
    "arial.",
    "arial unicode",
    "lucidagrande",
    "freesans.",
    "droidsansfallback",
    "unifont",
];

/// Words in the names of files with letters of another weight or width.
const ODD: [&str; 10] = [
    "bold",
    "italic",
    "oblique",
    "condensed",
    "thin",
    "light",
    "medium",
    "black",
    "mono",
    "ui-",
];

/// How deep folders are searched, and how many files are looked at, so that nobody waits.
const MOST_DEPTH: usize = 5;
const MOST_FILES: usize = 20_000;
const MOST_READ: usize = 500;
const MOST_BYTES: u64 = 64 << 20;

/// The fonts of the system, of which all windows have the same.
pub fn system_fonts() -> Arc<dyn FontProvider> {
    static FONTS: LazyLock<Arc<SystemFonts>> =
        LazyLock::new(|| Arc::new(SystemFonts::of(folders())));
    FONTS.clone()
}

/// Where systems keep fonts.
fn folders() -> Vec<PathBuf> {
    let home = home_folder();
    if cfg!(windows) {
        let of = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let local = of("LOCALAPPDATA").map(|folder| folder.join("Microsoft/Windows/Fonts"));
        let all = [of("WINDIR").map(|folder| folder.join("Fonts")), local];
        all.into_iter().flatten().collect()
    } else if cfg!(target_os = "macos") {
        let all = ["/System/Library/Fonts", "/Library/Fonts"];
        let all = all.into_iter().map(PathBuf::from);
        all.chain([home.join("Library/Fonts")]).collect()
    } else {
        let all = [
            "/usr/share/fonts",
            "/usr/local/share/fonts",
            "/run/current-system/sw/share/X11/fonts",
        ];
        let all = all.into_iter().map(PathBuf::from);
        all.chain([home.join(".local/share/fonts"), home.join(".fonts")])
            .collect()
    }
}

/// Fonts in some folders.
#[derive(Default)]
struct SystemFonts {
    folders: Vec<PathBuf>,
    known: Mutex<Known>,
}

/// What has been found so far.
#[derive(Default)]
struct Known {
    /// Files whose name says that they may be of use; none before they were looked for.
    files: Option<Vec<PathBuf>>,
    /// Those that were.
    read: BTreeMap<PathBuf, Blob>,
    reads: usize,
    /// Blocks of letters that no file has.
    in_vain: BTreeSet<u32>,
}

impl SystemFonts {
    fn of(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            known: Mutex::default(),
        }
    }

    /// The file that has `letter`.
    fn find(&self, letter: char) -> Option<(PathBuf, Blob)> {
        let known = &mut *lock(&self.known);
        let block = u32::from(letter) >> 7;
        if known.in_vain.contains(&block) {
            return None;
        }
        let files = known.files.get_or_insert_with(|| list(&self.folders));
        let mut ranked: Vec<_> = files
            .iter()
            .filter_map(|path| Some((rank(path, letter)?, path)))
            .collect();
        ranked.sort();
        for (_, path) in ranked {
            if let Some(font) = known.read.get(path) {
                if has(font, letter) {
                    return Some((path.clone(), font.clone()));
                }
                continue;
            }
            if known.reads == MOST_READ {
                break;
            }
            known.reads += 1;
            let Ok(bytes) = fs::read(path) else {
                continue;
            };
            let font: Blob = Arc::new(bytes);
            if has(&font, letter) {
                known.read.insert(path.clone(), font.clone());
                return Some((path.clone(), font));
            }
        }
        known.in_vain.insert(block);
        None
    }
}

impl FontProvider for SystemFonts {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let (path, font) = self.find(request.cluster.chars().next()?)?;
        let name = path.display().to_string();
        Some(FontInsert::new(&name, FontData::from_blob(font, 0), vec![]))
    }
}

/// Whether a font can be read and has `letter`.
fn has(font: &Blob, letter: char) -> bool {
    FontRef::from_index((**font).as_ref(), 0).is_ok_and(|font| font.charmap().map(letter).is_some())
}

/// How good a file is for `letter` by its name, the smaller the better.
fn rank(path: &Path, letter: char) -> Option<(usize, usize)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let names = if is_east_asian(letter) {
        &EAST_ASIAN[..]
    } else {
        &OTHERS
    };
    let place = names.iter().position(|start| name.starts_with(start))?;
    // Those of East Asia have other letters too, but are large.
    let is_large = !is_east_asian(letter) && EAST_ASIAN[..4].iter().any(|s| name.starts_with(s));
    let is_odd = is_large || ODD.iter().any(|word| name.contains(word));
    // Of a family the file that says least of itself is the plain one.
    Some((place + if is_odd { names.len() } else { 0 }, name.len()))
}

/// Han, kana, bopomofo and hangul, with what is written among them.
fn is_east_asian(letter: char) -> bool {
    matches!(u32::from(letter),
        0x1100..=0x11ff | 0x2e80..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7ff
            | 0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xffef | 0x1b000..=0x1b16f
            | 0x20000..=0x3ffff)
}

/// The font files in `folders` that may be of use.
fn list(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_FILES {
                return files;
            }
            let path = entry.path();
            // Some distributions link to their fonts.
            let Ok(data) = fs::metadata(&path) else {
                continue;
            };
            if data.is_dir() && depth < MOST_DEPTH {
                open.push((path, depth + 1));
            } else if is_font(&path)
                && data.len() <= MOST_BYTES
                && (rank(&path, 'a').is_some() || rank(&path, '\u{4e00}').is_some())
            {
                files.push(path);
            }
        }
    }
    files
}

fn is_font(path: &Path) -> bool {
    let end = path.extension().map(|end| end.to_string_lossy());
    end.is_some_and(|end| {
        ["ttf", "otf", "ttc", "otc"]
            .iter()
            .any(|one| end.eq_ignore_ascii_case(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In Ubuntu, but not in Hack.
    const SCHWA: char = 'Ə';

    fn name_of(fonts: &SystemFonts, letter: char) -> Option<String> {
        let (path, _) = fonts.find(letter)?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    }

    #[test]
    fn a_letter_is_found_in_the_best_file_that_has_it() {
        let folder = std::env::temp_dir().join(format!("idm-fonts-{}", std::process::id()));
        let deep = folder.join("truetype/any");
        fs::create_dir_all(&deep).unwrap();
        // The best one by its name lacks it, the next one is none.
        let files = [
            ("DejaVuSans.ttf", epaint_default_fonts::HACK_REGULAR),
            ("NotoSans-Regular.ttf", &b"no font"[..]),
            ("NotoSansOld-Bold.ttf", epaint_default_fonts::UBUNTU_LIGHT),
            (
                "NotoSansOld-Regular.TTF",
                epaint_default_fonts::UBUNTU_LIGHT,
            ),
            (
                "NotoSansCJK-Regular.ttc",
                epaint_default_fonts::UBUNTU_LIGHT,
            ),
            ("Unknown.ttf", epaint_default_fonts::UBUNTU_LIGHT),
            ("NotoSans.txt", epaint_default_fonts::UBUNTU_LIGHT),
        ];
        for (name, bytes) in files {
            fs::write(deep.join(name), bytes).unwrap();
        }
        let fonts = SystemFonts::of(vec![folder.join("none"), folder.clone()]);
        assert!(lock(&fonts.known).files.is_none(), "nobody has asked");
        assert_eq!(name_of(&fonts, SCHWA).unwrap(), "NotoSansOld-Regular.TTF");
        // The next one is not looked for, nor what is nowhere.
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(name_of(&fonts, SCHWA).unwrap(), "NotoSansOld-Regular.TTF");
        let reads = lock(&fonts.known).reads;
        assert_eq!(name_of(&fonts, '한'), None);
        assert_eq!(lock(&fonts.known).reads, reads + 1, "one has such names");
        assert_eq!(name_of(&fonts, '한'), None);
        assert_eq!(lock(&fonts.known).reads, reads + 1);
    }

    #[test]
    fn names_of_other_scripts_are_drawn_with_what_the_system_has() {
        let folder = std::env::temp_dir().join(format!("idm-letters-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let context = egui::Context::default();
        super::super::theme::apply(&context);
        context.set_fonts({
            let mut hack = egui::FontDefinitions::empty();
            let bytes = FontData::from_static(epaint_default_fonts::HACK_REGULAR);
            hack.font_data.insert("Hack".into(), Arc::new(bytes));
            for family in [egui::FontFamily::Proportional, egui::FontFamily::Monospace] {
                hack.families.insert(family, vec!["Hack".into()]);
            }
            hack
        });
        let has_schwa = |context: &egui::Context| {
            let mut found = false;
            let _ = context.run_ui(egui::RawInput::default(), |ui| {
                let font = super::super::theme::font(12.0);
                found = ui.ctx().fonts_mut(|fonts| fonts.has_glyph(&font, SCHWA));
            });
            found
        };
        let fonts = |name: &str| {
            fs::write(folder.join(name), epaint_default_fonts::UBUNTU_LIGHT).unwrap();
            Arc::new(SystemFonts::of(vec![folder.clone()]))
        };
        context.set_font_providers(vec![fonts("Other.ttf")]);
        assert!(!has_schwa(&context));
        context.set_font_providers(vec![fonts("DejaVuSans.ttf")]);
        assert!(has_schwa(&context));
        fs::remove_dir_all(&folder).unwrap();
    }
}
