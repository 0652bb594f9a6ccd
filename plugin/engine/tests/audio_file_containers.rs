//! M4A and CAF, samples of odd widths, files that were not finished or were put one after the
//! other, and the names of what is not read.
//!
//! The fixtures `sine.m4a`, `sine.aac` and `sine_stream.m4a` hold the sine of the other tests
//! (0.25 s, 1 kHz, half of full scale), coded by ffmpeg 5.1 with `-bitexact -c:a aac -b:a 96k`,
//! and `-movflags +faststart` (or `+frag_keyframe+empty_moov` for the last); `sine_alac.m4a`
//! and `.caf` its first 0.1 s beside a silent channel with `-bitexact -c:a alac`.

mod audio_file_support;

use audio_file_support::{aiff_16_bit, sine, wav};
use idm_engine::audio_file::{AudioBuffer, AudioFileError, AudioReader, Shortfall, read};
use idm_engine::one_shots::read_own_set;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio_file_fixtures");
    fixtures.join(name)
}

fn bytes_of(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).expect(name)
}

/// Files of the tests, by their content.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().expect("a temporary folder"))
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    fn read(&self, name: &str, content: &[u8]) -> AudioBuffer {
        read(self.write(name, content)).expect(name)
    }

    fn refusal(&self, name: &str, content: &[u8]) -> String {
        let path = self.write(name, content);
        let message = read(&path).expect_err(name).to_string();
        assert!(
            message.starts_with(&path.display().to_string()),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }
}

/// Frames that a file has, and what it lacks.
fn shortfall(path: &Path) -> (usize, Option<Shortfall>) {
    let mut reader = AudioReader::open(path).expect("opened");
    let mut frames = 0;
    while let Some(packet) = reader.next_packet().expect("read") {
        frames += packet[0].len();
    }
    (frames, reader.shortfall())
}

fn place(content: &[u8], mark: &[u8]) -> usize {
    let mut places = content.windows(mark.len());
    places.position(|bytes| bytes == mark).expect("there")
}

/// `content` with the bytes at `at` replaced by `bytes`.
fn with(content: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = content.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

/// Error of `audio` against the sine, from where the encoder has settled.
fn error_db(audio: &AudioBuffer) -> f64 {
    let expected = sine(44_100.0, 1_000.0, audio.frames());
    let inner = 5_000..10_000;
    let count = inner.len() as f64;
    let square = |n: usize| f64::from(audio.channels[0][n] - 0.5 * expected[n]).powi(2);
    10.0 * (inner.map(square).sum::<f64>() / count / 0.125).log10()
}

#[test]
fn aac_is_as_long_as_its_edit_list_says_and_aligned() {
    let audio = read(fixture("sine.m4a")).expect("read");
    assert_eq!(audio.frames(), 11_025);
    // One sample of misalignment would be -17 dB.
    assert!(error_db(&audio) < -50.0, "{} dB", error_db(&audio));
    let reader = AudioReader::open(fixture("sine.m4a")).expect("opened");
    assert_eq!(reader.announced_frames(), Some(11_025));
    assert!(reader.is_lossy());
    // These do not say it: 1024 frames of the encoder come first.
    for name in ["sine.aac", "sine_stream.m4a"] {
        let mut audio = read(fixture(name)).expect(name);
        assert_eq!(audio.frames(), 12_288, "{name}");
        audio.channels[0].drain(..1_024);
        assert!(error_db(&audio) < -50.0, "{name}: {} dB", error_db(&audio));
    }
}

#[test]
fn apple_lossless_is_exact() {
    let expected: Vec<f32> = (0..4_410)
        .map(|n| {
            let phase = std::f64::consts::TAU * 1_000.0 * f64::from(n) / 44_100.0;
            (16_384.0 * phase.sin()).round() as f32 / 32_768.0
        })
        .collect();
    for name in ["sine_alac.m4a", "sine_alac.caf"] {
        let audio = read(fixture(name)).expect(name);
        assert_eq!(audio.channels.len(), 2);
        assert_eq!(audio.channels[0], expected, "{name}");
        assert!(audio.channels[1].iter().all(|sample| *sample == 0.0));
        assert!(!AudioReader::open(fixture(name)).expect(name).is_lossy());
    }
}

/// A CAF file of chunks.
fn caf(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut content = b"caff\0\x01\0\0".to_vec();
    for (mark, chunk) in chunks {
        content.extend_from_slice(*mark);
        content.extend_from_slice(&(chunk.len() as u64).to_be_bytes());
        content.extend_from_slice(chunk);
    }
    content
}

fn caf_description(codec: &[u8; 4], flags: u32, words: [u32; 4]) -> Vec<u8> {
    let mut description = 44_100.0_f64.to_be_bytes().to_vec();
    description.extend_from_slice(codec);
    description.extend_from_slice(&flags.to_be_bytes());
    for word in words {
        description.extend_from_slice(&word.to_be_bytes());
    }
    description
}

/// The AAC packets of `sine.m4a` as Apple's programs put them into CAF.
fn aac_caf() -> Vec<u8> {
    let m4a = bytes_of("sine.m4a");
    let word = |at: usize| u32::from_be_bytes(m4a[at..at + 4].try_into().expect("4 bytes"));
    let sizes_at = place(&m4a, b"stsz") + 12;
    let sizes: Vec<u32> = (0..word(sizes_at))
        .map(|n| word(sizes_at + 4 + 4 * n as usize))
        .collect();
    let sound_at = place(&m4a, b"mdat") + 4;
    let sound_bytes = sizes.iter().sum::<u32>() as usize;
    let mut table = (sizes.len() as u64).to_be_bytes().to_vec();
    table.extend_from_slice(&11_025_u64.to_be_bytes());
    table.extend_from_slice(&1_024_u32.to_be_bytes());
    table.extend_from_slice(&(1_024 * (sizes.len() as u32 - 1) - 11_025).to_be_bytes());
    for size in sizes {
        // Seven bits a byte.
        if size >= 128 {
            table.push(0x80 | (size >> 7) as u8);
        }
        table.push((size & 127) as u8);
    }
    let cookie_at = place(&m4a, b"esds") + 8;
    let cookie_bytes = word(cookie_at - 12) as usize - 12;
    let mut data = vec![0; 4];
    data.extend_from_slice(&m4a[sound_at..sound_at + sound_bytes]);
    caf(&[
        (b"desc", caf_description(b"aac ", 0, [0, 1_024, 1, 0])),
        (b"kuki", m4a[cookie_at..cookie_at + cookie_bytes].to_vec()),
        (b"data", data),
        (b"pakt", table),
    ])
}

#[test]
fn aac_in_caf_is_as_long_as_its_packet_table_says() {
    let files = Files::new();
    let audio = files.read("apple.caf", &aac_caf());
    assert_eq!(audio.frames(), 11_025);
    assert_eq!(audio, read(fixture("sine.m4a")).expect("read"));
}

#[test]
fn caf_of_unknown_length_is_read_to_its_end() {
    let files = Files::new();
    let samples: Vec<i16> = (0..5_000).map(|n| n * 5).collect();
    let mut data = vec![0; 4];
    data.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    let description = caf_description(b"lpcm", 0, [2, 1, 1, 16]);
    let whole = caf(&[(b"desc", description), (b"data", data)]);
    let length_at = place(&whole, b"data") + 4;
    let unknown = with(&whole, length_at, &[0xFF; 8]);
    let expected: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    for content in [&whole, &unknown] {
        let found = files.read("loop.caf", content);
        assert_eq!(found.channels.concat(), expected);
    }
    let message = files.refusal("cut.caf", &whole[..6_000]);
    assert!(message.contains("ends before the sound does"), "{message}");
    let message = files.refusal("stub.caf", &whole[..30]);
    assert!(message.contains("ends within its header"), "{message}");
}

#[test]
fn m4a_files_that_were_cut_off_tell_it() {
    let files = Files::new();
    let aac = bytes_of("sine.m4a");
    let (frames, missing) = shortfall(&files.write("cut.m4a", &aac[..aac.len() - 1_500]));
    assert_eq!(missing, Some(Shortfall::Frames { expected: 11_025 }));
    assert!((1_000..8_000).contains(&frames), "{frames}");
    // Its index is at the end.
    let alac = bytes_of("sine_alac.m4a");
    let message = files.refusal("interrupted.m4a", &alac[..3_000]);
    assert!(message.contains("ends before its index"), "{message}");
    let stub = files.refusal("stub.m4a", &alac[..20]);
    assert!(stub.contains("ends before its index"), "{stub}");
    // What is exact is either whole or refused.
    let mut index_first = alac.clone();
    let (index_at, sound_at) = (place(&alac, b"moov") - 4, place(&alac, b"mdat") - 4);
    index_first.truncate(sound_at);
    index_first.extend_from_slice(&alac[index_at..]);
    let moved = alac.len() - index_at;
    index_first.extend_from_slice(&alac[sound_at..index_at]);
    let chunk_at = place(&index_first, b"stco") + 12;
    let old = u32::from_be_bytes(index_first[chunk_at..chunk_at + 4].try_into().expect("4"));
    let new = (old + moved as u32).to_be_bytes();
    let index_first = with(&index_first, chunk_at, &new);
    assert_eq!(
        files.read("first.m4a", &index_first),
        read(fixture("sine_alac.m4a")).expect("read")
    );
    let cut = files.refusal("cut_alac.m4a", &index_first[..index_first.len() - 300]);
    assert!(cut.contains("truncated: expected 4410 frames"), "{cut}");
}

#[test]
fn samples_of_odd_widths_lie_at_the_top_of_whole_bytes() {
    let files = Files::new();
    let values: Vec<i32> = (0..3_000).map(|n| (n - 1_500) * 5_003).collect();
    let data: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes()[..3].to_vec())
        .collect();
    let expected = files.read("24.wav", &wav(1, 1, 44_100, 24, &data));
    let whole = wav(1, 1, 44_100, 24, &data);
    let odd = with(&whole, 34, &20_u16.to_le_bytes());
    assert_eq!(files.read("20.wav", &odd), expected);
    // Of a program that was interrupted, too.
    let unfinished = with(&with(&odd, 4, &[0; 4]), 40, &[0; 4]);
    assert_eq!(files.read("killed.wav", &unfinished), expected);
    assert_eq!(expected.frames(), 3_000);
}

#[test]
fn the_last_block_of_adpcm_ends_where_the_file_says() {
    let files = Files::new();
    let adpcm = |told: u32| {
        let mut content = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        content.extend_from_slice(&20_u32.to_le_bytes());
        for half in [0x11_u16, 1] {
            content.extend_from_slice(&half.to_le_bytes());
        }
        content.extend_from_slice(&44_100_u32.to_le_bytes());
        content.extend_from_slice(&22_000_u32.to_le_bytes());
        // Bytes and samples of a block.
        for half in [256_u16, 4, 2, 505] {
            content.extend_from_slice(&half.to_le_bytes());
        }
        content.extend_from_slice(b"fact\x04\0\0\0");
        content.extend_from_slice(&told.to_le_bytes());
        content.extend_from_slice(b"data");
        content.extend_from_slice(&768_u32.to_le_bytes());
        content.extend_from_slice(&[0; 768]);
        let bytes = (content.len() as u32 - 8).to_le_bytes();
        with(&content, 4, &bytes)
    };
    for (told, frames) in [(1_200, 1_200), (1_515, 1_515), (9_999, 1_515), (0, 1_515)] {
        assert_eq!(
            files.read("adpcm.wav", &adpcm(told)).frames(),
            frames,
            "{told}"
        );
    }
}

#[test]
fn mp3_in_wav_is_read() {
    let files = Files::new();
    let mp3 = bytes_of("sine.mp3");
    let mut content = wav(0x55, 1, 44_100, 0, &mp3);
    content.extend_from_slice(b"LIST\x04\0\0\0INFO");
    let path = files.write("mp3.wav", &content);
    assert_eq!(
        read(&path).expect("read"),
        read(fixture("sine.mp3")).expect("read")
    );
    assert_eq!(shortfall(&path), (11_025, None));
}

#[test]
fn mp3_files_one_after_the_other_are_read_to_the_end() {
    let files = Files::new();
    let mp3 = bytes_of("sine.mp3");
    let mut title = b"TAG".to_vec();
    title.resize(128, b' ');
    let tag = b"ID3\x03\0\0\0\0\0\x04abcd";
    let once = read(fixture("sine.mp3")).expect("read").channels.remove(0);
    for between in [&b""[..], &title, tag] {
        let path = files.write("three.mp3", &[&mp3, between, &mp3, between, &mp3].concat());
        let all = read(&path).expect("read").channels.remove(0);
        assert_eq!(all.len(), 3 * 11_025);
        for part in all.chunks(11_025) {
            assert_eq!(part, once);
        }
        assert_eq!(shortfall(&path), (3 * 11_025, None));
    }
    // A title behind it is no second file, and what is missing of the last is told.
    assert_eq!(
        files
            .read("title.mp3", &[&mp3, &title[..]].concat())
            .frames(),
        11_025
    );
    let half = &mp3[..mp3.len() / 2];
    let (_, missing) = shortfall(&files.write("cut.mp3", &[&mp3, half].concat()));
    assert_eq!(missing, Some(Shortfall::Frames { expected: 22_050 }));
}

#[test]
fn packets_larger_than_any_are_refused_before_there_is_room_for_them() {
    let files = Files::new();
    let data = [vec![0; 4], vec![1; 64]].concat();
    let packed = |codec: &[u8; 4], frames: u32| {
        let description = caf_description(codec, 0, [2, frames, 1, 16]);
        caf(&[(b"desc", description), (b"data", data.clone())])
    };
    for frames in [(1 << 20) + 1, u32::MAX] {
        for codec in [b"lpcm", b"ima4"] {
            let message = files.refusal("kick.caf", &packed(codec, frames));
            assert!(
                message.contains(&format!("found: packets of {frames} frames")),
                "{message}"
            );
        }
    }
    let audio = files.read("kick.caf", &packed(b"lpcm", 1));
    assert_eq!(audio.frames(), 32);
}

/// A page with one packet of the stream that begins with the page `first`.
fn ogg_page(first: &[u8], number: u32, packet: &[u8]) -> Vec<u8> {
    let mut page = first[..14].to_vec();
    page[5] = 0;
    page.extend(&first[14..18]);
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push((packet.len() / 255 + 1) as u8);
    page.extend(vec![255; packet.len() / 255]);
    page.push((packet.len() % 255) as u8);
    page.extend(packet);
    let sum = page.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

#[test]
fn tables_larger_than_any_are_refused_before_there_is_room_for_them() {
    let files = Files::new();
    let first = &bytes_of("sine.ogg")[..58];
    // Each is told in a few bytes and would have 16 megabytes.
    let mut setup = b"\x05vorbis\x04".to_vec();
    for _ in 0..5 {
        setup.extend(b"BCV");
        setup.extend(32_u16.to_le_bytes());
        setup.extend(&131_072_u32.to_le_bytes()[..3]);
        setup.extend([0; 10]);
    }
    let pages = [
        first.to_vec(),
        ogg_page(first, 1, b"\x03vorbis\0\0\0\0\0\0\0\0\x01"),
        ogg_page(first, 2, &setup),
        ogg_page(first, 3, &[0; 40]),
    ];
    let message = files.refusal("kick.ogg", &pages.concat());
    assert!(
        message.contains("found: tables of 20971520 numbers"),
        "{message}"
    );
}

#[test]
fn aiffs_that_were_not_finished_are_read_and_told() {
    let files = Files::new();
    let samples: Vec<i16> = (0..5_000).map(|n| n * 5).collect();
    let whole = aiff_16_bit(44_100, &[&samples, &samples]);
    let expected = files.read("whole.aiff", &whole);
    let frames_at = place(&whole, b"COMM") + 10;
    let sound_at = place(&whole, b"SSND") + 4;
    let lengths = |value: u32, sound: u32| {
        let value = value.to_be_bytes();
        let content = with(&with(&whole, 4, &value), frames_at, &value);
        with(&content, sound_at, &sound.to_be_bytes())
    };
    for content in [
        lengths(0, 0),
        lengths(0, 8),
        lengths(u32::MAX, u32::MAX),
        with(&whole, 4, &[0; 4]),
        with(&whole, frames_at, &[0; 4]),
    ] {
        let path = files.write("killed.aiff", &content);
        assert_eq!(read(&path).expect("read"), expected);
        assert_eq!(shortfall(&path), (5_000, Some(Shortfall::Unfinished)));
    }
    let whole_path = files.write("whole.aiff", &whole);
    assert_eq!(shortfall(&whole_path), (5_000, None));
    let message = files.refusal("cut.aiff", &whole[..whole.len() - 4_000]);
    assert!(
        message.contains("truncated") || message.contains("damaged"),
        "{message}"
    );
}

#[test]
fn what_is_not_read_is_named() {
    let files = Files::new();
    let page = |codec: &[u8]| {
        let mut page = b"OggS\0\x02".to_vec();
        page.resize(28, 0);
        page.extend_from_slice(codec);
        page.resize(100, 0);
        page
    };
    let start = |mark: &[u8]| {
        let mut start = mark.to_vec();
        start.resize(100, 7);
        start
    };
    let aac = bytes_of("sine.m4a");
    // The bit that says that the second generation's upper half is coded beside it.
    let second = place(&aac, &[0x56, 0xE5, 0x00]) + 2;
    let alac = bytes_of("sine_alac.caf");
    let opus = with(&alac, place(&alac, b"alac"), b"opus");
    let cases = [
        ("a.opus", page(b"OpusHead"), "Opus in Ogg"),
        (
            "a.wma",
            start(b"\x30\x26\xB2\x75\x8E\x66\xCF\x11"),
            "Windows Media (WMA)",
        ),
        ("a.w64", start(b"riff\x2E\x91\xCF\x11"), "Wave64 (W64)"),
        ("a.webm", start(b"\x1A\x45\xDF\xA3"), "Matroska or WebM"),
        ("a.wv", start(b"wvpk"), "WavPack"),
        ("a.rx2", start(b"CAT \0\0\0\x10REX2"), "a REX loop"),
        ("a.caf", opus, "Opus in CAF"),
        (
            "gsm.wav",
            wav(0x31, 1, 8_000, 16, &[0; 100]),
            "a WAV file with GSM 6.10 inside",
        ),
        (
            "odd.wav",
            wav(0x1234, 1, 8_000, 16, &[0; 100]),
            "a format of the number 0x1234",
        ),
        ("he.m4a", with(&aac, second, &[0x80]), "HE-AAC"),
    ];
    for (name, content, expected) in cases {
        let path = files.write(name, &content);
        assert!(
            matches!(read(&path), Err(AudioFileError::Foreign { .. })),
            "{name}"
        );
        let message = files.refusal(name, &content);
        assert!(message.contains(expected), "{name}: {message}");
        assert!(
            message.ends_with(": convert it to WAV or FLAC"),
            "{message}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_named() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
    let error = read(format!("/dev/fd/{number}")).expect_err("refused");
    assert!(error.to_string().contains("found a pipe"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_with_the_name_of_a_sound_is_not_waited_for() {
    let files = Files::new();
    let path = files.0.path().join("kick.wav");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(AudioReader::open(path).map(drop)));
    let answer = answers.recv_timeout(std::time::Duration::from_secs(20));
    let error = answer.expect("an answer").expect_err("refused").to_string();
    assert!(error.contains("kick.wav: expected a file"), "{error}");
    let device = read_own_set(Path::new("/dev/null")).expect_err("refused");
    assert!(device.to_string().contains("a device"), "{device}");
    let folder = AudioReader::open(files.0.path()).expect_err("refused");
    assert!(folder.to_string().ends_with("found a folder"), "{folder}");
}

#[test]
fn apple_loops_are_sounds_for_pads() {
    let files = Files::new();
    for (name, content) in [
        ("kick.caf", aac_caf()),
        ("snare.M4A", bytes_of("sine_alac.m4a")),
        ("notes.txt", b"no sound".to_vec()),
    ] {
        files.write(name, &content);
    }
    let set = read_own_set(files.0.path()).expect("sounds");
    assert_eq!((set.one_shots.len(), set.left_out.len()), (2, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// No content, however broken, brings the reader down.
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        kind in 0usize..8,
        hits in prop::collection::vec((any::<u16>(), any::<u8>()), 0..12),
        length in 0usize..12_000,
    ) {
        let names = ["sine.m4a", "sine_stream.m4a", "sine_alac.m4a", "sine_alac.caf", "sine.aac"];
        let mp3 = || bytes_of("sine.mp3");
        let mut content = match kind {
            5 => aac_caf(),
            6 => [mp3(), mp3()].concat(),
            7 => wav(0x55, 1, 44_100, 0, &mp3()),
            _ => bytes_of(names[kind]),
        };
        for (position, value) in hits {
            // Half of them in the first part, where headers are.
            let bytes = content.len();
            let most = if value & 1 == 0 { bytes.min(1_000) } else { bytes };
            content[usize::from(position) % most] = value;
        }
        content.truncate(length);
        let files = Files::new();
        match read(files.write("broken.bin", &content)) {
            Ok(audio) => prop_assert!(!audio.is_empty()),
            Err(error) => prop_assert!(error.to_string().contains("broken.bin")),
        }
    }
}
