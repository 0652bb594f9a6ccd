//! M4A and other MP4 files: which part of what is decoded is the sound.
//!
//! Encoders put silence before and behind it and say how much: in the edit list, by which
//! players go, and Apple's in a tag too. The decoder gives all of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::window::Change;

/// Longest index that is read: hours of packets and a large cover.
const MAX_INDEX_BYTES: u64 = 256 << 20;
/// Parts of a file that are looked at: streams are cut into many.
const MAX_PARTS: usize = 100_000;

/// What the index of a file tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mp4 {
    /// What the first audio track is coded in, if there is one.
    pub codec: Option<[u8; 4]>,
    /// Seconds before the sound begins.
    pub silent_s: f64,
    /// Length of the sound in seconds, if it says so.
    pub length_s: Option<f64>,
    /// Parts of the sound that are played one after the other; pauses between and before them
    /// are for pictures.
    pub parts: usize,
    /// What has to be changed for the decoder where the file ends before its sound does: the
    /// length of the part that was cut off.
    pub cut: Option<Change>,
}

/// What is found in a file with the mark of an MP4.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The index.
    Index(Mp4),
    /// A file that ends before its index, which stands behind the sound.
    NoIndex,
}

/// Whether a file that begins with `start` is one.
pub fn is_mp4(start: &[u8]) -> bool {
    start.get(4..8) == Some(b"ftyp")
}

/// Reads the index of the MP4 `file`.
///
/// # Errors
/// When the file system refuses.
pub fn look(file: &mut File) -> io::Result<Found> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let (mut at, mut index, mut cut) = (0, None, None);
    for _ in 0..MAX_PARTS {
        file.seek(SeekFrom::Start(at))?;
        let mut header = Vec::new();
        file.by_ref().take(16).read_to_end(&mut header)?;
        let Some((kind, bytes, header_bytes)) = box_header(&header, file_bytes - at) else {
            break;
        };
        if at.saturating_add(bytes) > file_bytes {
            cut = Some(shorter(at, header_bytes, file_bytes - at));
        }
        if kind == *b"moov" && cut.is_none() && bytes <= MAX_INDEX_BYTES {
            file.seek(SeekFrom::Start(at + header_bytes))?;
            let mut content = Vec::new();
            let content_bytes = bytes - header_bytes;
            file.by_ref()
                .take(content_bytes)
                .read_to_end(&mut content)?;
            index = Some(content);
        }
        at = at.saturating_add(bytes);
        if at >= file_bytes {
            break;
        }
    }
    Ok(match index {
        Some(index) => Found::Index(Mp4 {
            cut,
            ..Mp4::parse(&index)
        }),
        None => Found::NoIndex,
    })
}

/// A box that begins at `at` as one of so many `bytes`.
fn shorter(at: u64, header_bytes: u64, bytes: u64) -> Change {
    let (at, bytes) = match (header_bytes, u32::try_from(bytes)) {
        (8, Ok(bytes)) => (at, bytes.to_be_bytes().to_vec()),
        (8, Err(_)) => (at, vec![0; 4]),
        _ => (at + 8, bytes.to_be_bytes().to_vec()),
    };
    Change { at, bytes }
}

/// Kind, length and length of the header of a box that begins with `header`; one without a
/// length has all the `rest`.
fn box_header(header: &[u8], rest: u64) -> Option<([u8; 4], u64, u64)> {
    let kind = header.get(4..8)?.try_into().ok()?;
    let (bytes, header_bytes) = match u32_at(header, 0)? {
        0 => (rest, 8),
        1 => (u64_at(header, 8)?, 16),
        bytes => (u64::from(bytes), 8),
    };
    (bytes >= header_bytes).then_some((kind, bytes, header_bytes))
}

fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn u64_at(content: &[u8], at: usize) -> Option<u64> {
    let bytes = content.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The boxes in `content`.
fn boxes(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let (kind, bytes, header_bytes) = box_header(rest, rest.len() as u64)?;
        let end = usize::try_from(bytes).unwrap_or(usize::MAX).min(rest.len());
        let inner = rest.get(header_bytes as usize..end)?;
        rest = &rest[end..];
        Some((kind, inner))
    })
}

/// The content of the box at the end of `path`, the first one of each kind.
fn inside<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, kind| {
        boxes(content)
            .find(|(found, _)| found == *kind)
            .map(|found| found.1)
    })
}

/// One entry of an edit list: how long, in units of the whole file, and from where on, in
/// units of the track; nothing for a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    length: u64,
    start: Option<u64>,
}

fn edits(list: &[u8]) -> Vec<Edit> {
    let is_long = list.first() == Some(&1);
    let count = u32_at(list, 4).unwrap_or(0) as usize;
    let edit_bytes = if is_long { 20 } else { 12 };
    let entries = list.get(8..).unwrap_or_default().chunks_exact(edit_bytes);
    let edit = |entry: &[u8]| {
        let (length, start) = if is_long {
            (u64_at(entry, 0)?, u64_at(entry, 8)? as i64)
        } else {
            let start = u32_at(entry, 4)? as i32;
            (u64::from(u32_at(entry, 0)?), i64::from(start))
        };
        Some(Edit {
            length,
            start: u64::try_from(start).ok(),
        })
    };
    entries.take(count).filter_map(edit).collect()
}

/// Units per second in the box of a file or track with this content.
fn units_per_s(header: &[u8]) -> Option<f64> {
    let at = if header.first() == Some(&1) { 20 } else { 12 };
    u32_at(header, at).filter(|units| *units > 0).map(f64::from)
}

/// What the sample counts of `stts` add up to.
fn total(counts: &[u8]) -> u64 {
    let count = u32_at(counts, 4).unwrap_or(0) as usize;
    let entries = counts.get(8..).unwrap_or_default().chunks_exact(8);
    let units = entries.take(count).map(|entry| {
        let word = |at| u64::from(u32_at(entry, at).unwrap_or(0));
        word(0).saturating_mul(word(4))
    });
    units.fold(0, u64::saturating_add)
}

/// Samples of silence before the sound, and of the sound, as Apple's programs write them into
/// a tag.
fn apple_gaps(index: &[u8]) -> Option<(u64, u64)> {
    let tags = inside(index, &[b"udta", b"meta"])?;
    let list = inside(tags.get(4..)?, &[b"ilst"])?;
    let of_ours = |(kind, tag): ([u8; 4], &[u8])| {
        let is_ours = kind == *b"----" && inside(tag, &[b"name"])?.ends_with(b"iTunSMPB");
        let text = inside(tag, &[b"data"])?.get(8..).filter(|_| is_ours)?;
        let mut words = std::str::from_utf8(text).ok()?.split_whitespace().skip(1);
        let mut number = || u64::from_str_radix(words.next()?, 16).ok();
        let (before, _behind) = (number()?, number()?);
        Some((before, number()?))
    };
    boxes(list).find_map(of_ours)
}

impl Mp4 {
    fn parse(index: &[u8]) -> Mp4 {
        let is_audio = |track: &&[u8]| {
            let handler = inside(track, &[b"mdia", b"hdlr"]);
            handler.and_then(|handler| handler.get(8..12)) == Some(b"soun")
        };
        let tracks = boxes(index).filter(|(kind, _)| kind == b"trak");
        let Some(track) = tracks.map(|track| track.1).find(is_audio) else {
            return Mp4::default();
        };
        let samples = |kind: &[u8; 4]| inside(track, &[b"mdia", b"minf", b"stbl", kind]);
        let mut mp4 = Mp4 {
            codec: samples(b"stsd")
                .and_then(|entries| boxes(entries.get(8..)?).next())
                .map(|entry| entry.0),
            ..Mp4::default()
        };
        let of_track = inside(track, &[b"mdia", b"mdhd"]).and_then(units_per_s);
        let of_file = inside(index, &[b"mvhd"]).and_then(units_per_s);
        let (Some(of_track), Some(of_file)) = (of_track, of_file) else {
            return mp4;
        };
        // Streams have their counts beside the sound.
        let is_stream = inside(index, &[b"mvex"]).is_some();
        let whole = samples(b"stts").map(total).filter(|_| !is_stream);
        let edits = inside(track, &[b"edts", b"elst"]).map(edits);
        let edits = edits.unwrap_or_default();
        let mut played = edits.iter().filter(|edit| edit.start.is_some());
        mp4.parts = played.clone().count();
        let gaps = apple_gaps(index).filter(|(before, sound)| {
            whole.is_none_or(|whole| before.saturating_add(*sound) <= whole)
        });
        let first = played.next();
        mp4.silent_s = match (first.and_then(|edit| edit.start), gaps) {
            (Some(start), _) => start as f64 / of_track,
            (None, Some((before, _))) => before as f64 / of_track,
            (None, None) => 0.0,
        };
        let rest_s = whole.map(|whole| whole as f64 / of_track - mp4.silent_s);
        let edited = first.map(|edit| edit.length).filter(|length| *length > 0);
        let edited_s = edited.map(|length| length as f64 / of_file);
        // The file counts in coarser units than the track; the tag is exact.
        let agrees = |exact_s: &f64| edited_s.is_none_or(|s| (s - exact_s).abs() < 1.5 / of_file);
        mp4.length_s = gaps
            .filter(|(before, _)| (*before as f64 / of_track - mp4.silent_s).abs() < 1e-9)
            .map(|(_, sound)| sound as f64 / of_track)
            .filter(agrees)
            .or(rest_s.filter(agrees))
            .or(edited_s)
            .map(|length_s| {
                rest_s
                    .map_or(length_s, |rest_s| length_s.min(rest_s))
                    .max(0.0)
            });
        mp4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let bytes = (content.len() as u32 + 8).to_be_bytes();
        [&bytes[..], kind, content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// An index with one track of 44 100 units per second in a file of `of_file`, `total`
    /// units long, with this edit list and tag.
    fn index(of_file: u32, total: u32, list: &[u32], tag: Option<&str>) -> Vec<u8> {
        let table = [
            part(b"stsd", &[words(&[0, 1]), part(b"mp4a", b"")].concat()),
            part(b"stts", &words(&[0, 1, 1, total])),
        ];
        let media = [
            part(b"mdhd", &words(&[0, 0, 0, 44_100, total])),
            part(b"hdlr", b"\0\0\0\0\0\0\0\0soun"),
            part(b"minf", &part(b"stbl", &table.concat())),
        ];
        let mut track = part(b"mdia", &media.concat());
        if !list.is_empty() {
            let count = list.len() as u32 / 3;
            let list = [words(&[0, count]), words(list)].concat();
            track.extend(part(b"edts", &part(b"elst", &list)));
        }
        let mut index = part(b"mvhd", &words(&[0, 0, 0, of_file]));
        index.extend(part(b"trak", &track));
        if let Some(text) = tag {
            let tag = [
                part(b"mean", b"\0\0\0\0com.apple.iTunes"),
                part(b"name", b"\0\0\0\0iTunSMPB"),
                part(b"data", &[&[0; 8], text.as_bytes()].concat()),
            ];
            let list = part(b"ilst", &part(b"----", &tag.concat()));
            let tags = [&[0; 4][..], &list].concat();
            index.extend(part(b"udta", &part(b"meta", &tags)));
        }
        index
    }

    fn frames(index: &[u8]) -> (f64, Option<f64>) {
        let mp4 = Mp4::parse(index);
        assert_eq!(mp4.codec, Some(*b"mp4a"));
        let frames = |s: f64| (s * 44_100.0).round();
        (frames(mp4.silent_s), mp4.length_s.map(frames))
    }

    #[test]
    fn the_sound_is_where_edit_list_and_tag_say() {
        let one = 0x0001_0000;
        // Without a word it is all.
        assert_eq!(
            frames(&index(1_000, 12_288, &[], None)),
            (0.0, Some(12_288.0))
        );
        // To the end of the track, although the list is rounded to milliseconds.
        let list = [227, 1_024, one];
        assert_eq!(
            frames(&index(1_000, 11_024, &list, None)),
            (1_024.0, Some(10_000.0))
        );
        // Shorter than the track.
        let list = [5_000, 2_112, one];
        assert_eq!(
            frames(&index(44_100, 12_288, &list, None)),
            (2_112.0, Some(5_000.0))
        );
        // The tag is more exact than the list, and stands alone.
        let tag = " 00000000 00000840 00000120 0000000000002710 00000000";
        let list = [136, 2_112, one];
        assert_eq!(
            frames(&index(600, 12_400, &list, Some(tag))),
            (2_112.0, Some(10_000.0))
        );
        assert_eq!(
            frames(&index(600, 12_400, &[], Some(tag))),
            (2_112.0, Some(10_000.0))
        );
        // One that another program left behind, which cannot be.
        assert_eq!(
            frames(&index(600, 9_000, &[], Some(tag))),
            (0.0, Some(9_000.0))
        );
        let pause = [100, u32::MAX, one, 227, 1_024, one];
        let pause = index(1_000, 11_024, &pause, None);
        assert_eq!(frames(&pause), (1_024.0, Some(10_000.0)));
        assert_eq!(Mp4::parse(&pause).parts, 1);
        let two = [100, 1_024, one, 100, 7_000, one];
        assert_eq!(Mp4::parse(&index(1_000, 12_288, &two, None)).parts, 2);
        assert_eq!(Mp4::parse(b"\0\0"), Mp4::default());
    }
}
