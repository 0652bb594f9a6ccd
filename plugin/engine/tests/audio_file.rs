//! Audio files in and out: formats, exactness, and what a user reads when a
//! file is no good.

mod audio_file_support;

use audio_file_support::{aiff_16_bit, flac_16_bit, long_wav, sine, wav, wav_header};
use idm_engine::audio_file::{
    AudioBuffer, AudioFileError, AudioReader, PartialFile, Shortfall, WavFile, read, write_wav,
};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    path
}

/// Message of a failed read: one line that names the file.
fn refusal(path: &Path) -> String {
    let message = read(path).expect_err("refused").to_string();
    assert!(
        message.starts_with(&path.display().to_string()),
        "names the file: {message}"
    );
    assert_eq!(message.lines().count(), 1, "one line: {message}");
    message
}

fn names_left(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("listed")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("utf-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn float_wav_round_trip_is_exact_beyond_full_scale() {
    let folder = folder();
    let path = folder.path().join("float.wav");
    for channels in [1, 2] {
        let audio = AudioBuffer {
            sample_rate_hz: 96_000.0,
            channels: (0..channels)
                .map(|channel| {
                    let gain = 3.0 - channel as f32;
                    sine(96_000.0, 997.0, 5_003)
                        .iter()
                        .map(|s| gain * s)
                        .collect()
                })
                .collect(),
        };
        write_wav(&path, &audio).expect("written");
        assert_eq!(read(&path).expect("read"), audio);
    }
}

#[test]
fn integer_wavs_keep_every_bit() {
    let folder = folder();
    let values = [
        0i32,
        1,
        -1,
        1000,
        -1000,
        i32::from(i16::MAX),
        i32::from(i16::MIN),
    ];
    for bits in [16u16, 24, 32] {
        let scale = 1i64 << (bits - 16);
        let data: Vec<u8> = values
            .iter()
            .flat_map(|&v| (i64::from(v) * scale).to_le_bytes()[..usize::from(bits / 8)].to_vec())
            .collect();
        let path = file(&folder, "pcm.wav", &wav(1, 1, 44_100, bits, &data));
        let expected: Vec<f32> = values.iter().map(|&v| v as f32 / 32768.0).collect();
        assert_eq!(
            read(&path).expect("read").channels,
            [expected],
            "{bits} bit"
        );
    }
}

#[test]
fn aiff_and_flac_are_exact() {
    let folder = folder();
    let left: Vec<i16> = (0..3_000)
        .map(|n| (n * 37 % 20_011 - 10_000) as i16)
        .collect();
    let right: Vec<i16> = left.iter().rev().copied().collect();
    let expected: Vec<Vec<f32>> = [&left, &right]
        .iter()
        .map(|channel| channel.iter().map(|&v| f32::from(v) / 32768.0).collect())
        .collect();
    for (name, content) in [
        ("a.aiff", aiff_16_bit(48_000, &[&left, &right])),
        ("a.flac", flac_16_bit(48_000, &[&left, &right])),
    ] {
        let audio = read(file(&folder, name, &content)).expect(name);
        assert_eq!(audio.sample_rate_hz, 48_000.0, "{name}");
        assert_eq!(audio.channels, expected, "{name}");
    }
}

/// The fixtures hold a quarter of a second of a 1 kHz sine at half of full
/// scale, coded by LAME 3.100 at 96 kbit/s and by oggenc 1.4 at quality 4.
#[test]
fn lossy_files_decode_aligned() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio_file_fixtures");
    let expected = sine(44_100.0, 1_000.0, 11_025);
    for name in ["sine.mp3", "sine.ogg"] {
        let audio = read(fixtures.join(name)).expect(name);
        assert_eq!(
            audio.frames(),
            expected.len(),
            "{name}: encoder padding removed"
        );
        let error: f32 = (1_000..10_000)
            .map(|n| (audio.channels[0][n] - 0.5 * expected[n]).powi(2))
            .sum::<f32>()
            / 9_000.0;
        let error_db = 10.0 * (error / 0.125).log10();
        // LAME itself takes 0.4 dB off, which is -26 dB of error; one sample of
        // misalignment would be -17 dB.
        assert!(
            error_db < -25.0,
            "{name}: {error_db} dB against the original"
        );
    }
}

/// Covers are larger than what the decoder searches, and hold what looks like packets.
#[test]
fn tags_before_the_audio_are_passed_over() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio_file_fixtures");
    let folder = folder();
    let mp3 = fs::read(fixtures.join("sine.mp3")).expect("read");
    let expected = read(fixtures.join("sine.mp3")).expect("read");
    let packet = &mp3[mp3.len() / 2..];
    let cover: Vec<u8> = packet.iter().copied().cycle().take(3 << 20).collect();
    let mut tag = b"ID3\x03\0\0\x01\x40\0\0".to_vec();
    tag.extend(&cover);
    for (name, audio) in [
        ("cover.mp3", mp3),
        ("cover.wav", wav(1, 1, 44_100, 16, &[1; 2 * 11_025])),
    ] {
        let path = file(&folder, name, &[&tag[..], &audio].concat());
        let read = read(&path).expect(name);
        assert_eq!(read.frames(), 11_025, "{name}");
        if name == "cover.mp3" {
            assert_eq!(read, expected);
        }
        assert_eq!(shortfall(&path), (None, 11_025), "{name}");
    }
    let path = file(&folder, "tag.mp3", &tag);
    assert!(refusal(&path).contains("found nothing behind its tag"));
}

#[test]
fn refusals_say_what_was_expected_and_found() {
    let folder = folder();
    let missing = folder.path().join("missing.wav");
    assert!(
        refusal(&missing).contains("(os error 2)"),
        "{}",
        refusal(&missing)
    );

    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("zero.wav", Vec::new(), "found an empty file (0 bytes)"),
        (
            "text.wav",
            b"Dear diary, today I renamed a text file.".to_vec(),
            "expected WAV, AIFF, FLAC, MP3, Ogg Vorbis, M4A or CAF, found content that starts with \"Dear diary, \"",
        ),
        ("stub.wav", b"RIFF".to_vec(), "ends within its header"),
        (
            "no_samples.wav",
            wav(1, 1, 44_100, 16, &[]),
            "a header without samples",
        ),
        (
            "five.wav",
            wav(1, 5, 44_100, 16, &[0; 100]),
            "channels: expected 1 to 2, found 5",
        ),
        (
            "slow.wav",
            wav(1, 1, 10, 16, &[0; 100]),
            "expected 1000 to 768000 Hz, found 10 Hz",
        ),
        (
            "fast.wav",
            wav(1, 1, 2_000_000_000, 16, &[0; 100]),
            "expected 1000 to 768000 Hz, found 2000000000 Hz",
        ),
        (
            "codec.wav",
            wav(0x161, 1, 44_100, 16, &[0; 100]),
            "found a WAV file with Windows Media audio (WMA) inside: convert it",
        ),
        (
            "cut.wav",
            wav(3, 2, 44_100, 32, &[0; 80_000])[..44 + 40_004].to_vec(),
            "truncated: expected 10000 frames",
        ),
        (
            "cut.flac",
            {
                let samples = [7i16; 10_000];
                let mut content = flac_16_bit(44_100, &[&samples]);
                content.truncate(content.len() / 2);
                content
            },
            "expected 10000 frames",
        ),
    ];
    for (name, content, expected) in cases {
        let message = refusal(&file(&folder, name, &content));
        assert!(message.contains(expected), "{name}: {message}");
    }

    assert!(
        matches!(read(folder.path()), Err(AudioFileError::Io { .. })),
        "a folder"
    );
}

#[test]
fn a_wav_of_unknown_length_is_read_to_its_end() {
    let folder = folder();
    let mut content = wav(1, 1, 44_100, 16, &[1; 10_000]);
    content[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    content[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    // A packet of the decoder is 1152 frames, and half a frame is none.
    for frames in [4 * 1152, 1, 1152 * 3 + 777] {
        content.truncate(44 + 2 * frames + usize::from(frames == 1));
        let audio = read(file(&folder, "pipe.wav", &content)).expect("read");
        assert_eq!(audio.channels, [vec![257.0 / 32_768.0; frames]]);
        content.resize(44 + 10_000, 1);
    }
}

#[test]
fn wavs_that_were_not_finished_are_read_and_told() {
    let folder = folder();
    let plain = wav(1, 1, 44_100, 16, &[1; 5_000]);
    let expected = [vec![257.0 / 32_768.0; 2_500]];
    let with_lengths = |mut content: Vec<u8>, file_bytes: u32, data_bytes: u32| {
        content[4..8].copy_from_slice(&file_bytes.to_le_bytes());
        content[40..44].copy_from_slice(&data_bytes.to_le_bytes());
        content
    };
    let unfinished = Some(Shortfall::Unfinished);
    for (file_bytes, data_bytes, expected_shortfall) in [
        (0, 0, unfinished),
        (0, u32::MAX, unfinished),
        // A header for no samples: of libsndfile, and a whole one.
        (8, 0, unfinished),
        (36, 0, unfinished),
        (u32::MAX, u32::MAX, None),
        // SoX to a pipe.
        (0x7FFF_F024, 0x7FFF_F000, None),
    ] {
        let content = with_lengths(plain.clone(), file_bytes, data_bytes);
        let path = file(&folder, "open.wav", &content);
        assert_eq!(
            read(&path).expect("read").channels,
            expected,
            "{data_bytes}"
        );
        assert_eq!(shortfall(&path), (expected_shortfall, 2_500));
    }
    let empty = with_lengths(plain[..44].to_vec(), 36, 0);
    assert!(refusal(&file(&folder, "empty.wav", &empty)).contains("without samples"));
    let mut long = long_wav(b"RF64", &plain, 0);
    long.truncate(long.len() - 2_008);
    // What libsndfile begins with is less than nothing.
    for length in [0, -8_i64] {
        long[20..28].copy_from_slice(&length.to_le_bytes());
        let path = file(&folder, "long.wav", &long);
        assert_eq!(read(&path).expect("read").channels, expected);
        assert_eq!(shortfall(&path), (unfinished, 2_500));
    }
}

#[test]
fn wavs_with_lengths_of_64_bits_are_read_as_far_as_their_samples_go() {
    let folder = folder();
    let data: Vec<u8> = (0..4_001u32 * 6).map(|n| (n * 37 % 251) as u8).collect();
    let plain = wav(1, 2, 48_000, 24, &data);
    let expected = read(file(&folder, "plain.wav", &plain)).expect("read");
    for mark in [b"RF64", b"BW64"] {
        let content = long_wav(mark, &plain, data.len() as u64);
        let path = file(&folder, "long.wav", &content);
        assert_eq!(read(&path).expect("read"), expected);
        let reader = AudioReader::open(&path).expect("opened");
        assert_eq!(reader.announced_frames(), Some(4_001));
    }
    let content = long_wav(b"RF64", &plain, 6 << 32);
    let message = refusal(&file(&folder, "cut.wav", &content));
    assert!(
        message.contains("truncated: expected 4294967296 frames"),
        "{message}"
    );
    let message = refusal(&file(&folder, "head.wav", &content[..70]));
    assert!(message.contains("ends within its header"), "{message}");
}

/// The shortfall of the file at `path`, and the frames that were read.
fn shortfall(path: &Path) -> (Option<Shortfall>, usize) {
    let mut reader = AudioReader::open(path).expect("opened");
    let mut frames = 0;
    while let Some(packet) = reader.next_packet().expect("decoded") {
        frames += packet[0].len();
    }
    (reader.shortfall(), frames)
}

/// `pages.ogg` holds 1.2 s of a sine in pages of 0.16 s, coded by libvorbis.
#[test]
fn lossy_files_that_were_cut_off_or_are_damaged_tell_it() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio_file_fixtures");
    for (name, frames) in [
        ("sine.mp3", 11_025),
        ("sine.ogg", 11_025),
        ("pages.ogg", 52_920),
    ] {
        assert_eq!(shortfall(&fixtures.join(name)), (None, frames), "{name}");
    }
    let folder = folder();
    let mp3 = fs::read(fixtures.join("sine.mp3")).expect("read");
    let half = file(&folder, "half.mp3", &mp3[..mp3.len() / 2]);
    let (missing, frames) = shortfall(&half);
    assert_eq!(missing, Some(Shortfall::Frames { expected: 11_025 }));
    assert!((3_000..7_000).contains(&frames), "{frames}");
    // Behind a tag of more than 127 bytes.
    let mut tagged = b"ID3\x04\0\0\0\0\x02\0".to_vec();
    tagged.resize(10 + 256, 0);
    tagged.extend_from_slice(&mp3[..mp3.len() / 2]);
    assert_eq!(
        shortfall(&file(&folder, "tag.mp3", &tagged)),
        (missing, frames)
    );

    let ogg = fs::read(fixtures.join("pages.ogg")).expect("read");
    let starts: Vec<usize> = (0..ogg.len())
        .filter(|&at| ogg[at..].starts_with(b"OggS"))
        .collect();
    for cut in [starts[6], starts[6] + 100] {
        let (missing, frames) = shortfall(&file(&folder, "cut.ogg", &ogg[..cut]));
        assert_eq!((missing, frames), (Some(Shortfall::NoEnd), 28_224));
    }
    // Cut out of a longer one: its first page of sound does not begin at 0.
    let mut later = ogg[..starts[2]].to_vec();
    later.extend_from_slice(&ogg[starts[4]..]);
    let (missing, frames) = shortfall(&file(&folder, "later.ogg", &later));
    assert_eq!(missing, None, "{frames} frames");
    let mut holed = ogg.clone();
    holed[starts[5] + 100] ^= 1;
    let (missing, frames) = shortfall(&file(&folder, "hole.ogg", &holed));
    assert_eq!(missing, Some(Shortfall::Frames { expected: 52_920 }));
    assert!((44_000..46_500).contains(&frames), "{frames}");
}

#[test]
fn packets_join_to_the_whole_file() {
    let folder = folder();
    let path = folder.path().join("a.wav");
    let audio = AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![sine(44_100.0, 440.0, 10_000); 2],
    };
    write_wav(&path, &audio).expect("written");
    let mut reader = AudioReader::open(&path).expect("opened");
    assert_eq!(
        (reader.channels(), reader.announced_frames()),
        (2, Some(10_000))
    );
    let mut joined = vec![Vec::new(); 2];
    while let Some(packet) = reader.next_packet().expect("decoded") {
        assert!(!packet[0].is_empty());
        for (all, part) in joined.iter_mut().zip(packet) {
            all.extend_from_slice(part);
        }
    }
    assert_eq!(joined, audio.channels);
    assert!(reader.next_packet().expect("still at the end").is_none());
}

#[test]
fn an_unfinished_file_leaves_the_old_one_alone() {
    let folder = folder();
    let path = file(&folder, "stem.wav", b"precious");
    let mut unfinished = WavFile::create(&path, 44_100.0, 1).expect("created");
    unfinished.write(&[&[0.5; 100]]).expect("written");
    drop(unfinished);
    assert_eq!(fs::read(&path).expect("kept"), b"precious");
    assert_eq!(names_left(&folder), ["stem.wav"]);

    let mut finished = WavFile::create(&path, 44_100.0, 1).expect("created");
    finished.write(&[&[0.5; 100]]).expect("written");
    finished.finish().expect("finished");
    assert_eq!(read(&path).expect("replaced").channels, [vec![0.5; 100]]);
    assert_eq!(names_left(&folder), ["stem.wav"]);
}

#[test]
fn partial_files_replace_in_one_step_and_refuse_folders() {
    let folder = folder();
    let path = folder.path().join("onsets.csv");
    PartialFile::write(&path, b"one").expect("written");
    PartialFile::write(&path, b"two").expect("replaced");
    assert_eq!(fs::read(&path).expect("read"), b"two");
    assert!(
        PartialFile::write(folder.path(), b"x").is_err(),
        "a folder in the way"
    );
    assert!(PartialFile::write(folder.path().join("no/such/folder"), b"x").is_err());
    assert_eq!(names_left(&folder), ["onsets.csv"]);
    // As long as names can be, and cut within no letter.
    let longest = format!("x{}.wav", "é".repeat(125));
    PartialFile::write(folder.path().join(&longest), b"x").expect("written");
    assert_eq!(names_left(&folder), ["onsets.csv", &longest]);
}

#[test]
fn the_writer_refuses_what_a_wav_cannot_hold() {
    let folder = folder();
    let path = folder.path().join("a.wav");
    let refused = |audio: AudioBuffer| write_wav(&path, &audio).expect_err("refused").to_string();

    assert!(refused(AudioBuffer::silent(f64::NAN, 1, 10)).contains("found NaN Hz"));
    assert!(refused(AudioBuffer::silent(44_100.0, 0, 10)).contains("found 0"));
    assert!(refused(AudioBuffer::silent(44_100.0, 3, 10)).contains("found 3"));
    let mut ragged = AudioBuffer::silent(44_100.0, 2, 10);
    ragged.channels[1].pop();
    assert!(refused(ragged).contains("expected 10 frames, found 9"));
    assert!(names_left(&folder).is_empty());

    let mut file = WavFile::create(&path, 44_100.0, 2).expect("created");
    assert!(
        file.write(&[&[0.0]]).is_err(),
        "one channel into a stereo file"
    );
    assert!(file.write(&[&[0.0], &[0.0, 0.0]]).is_err(), "ragged chunk");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No content, however broken, brings the reader down.
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        kind in 0usize..5,
        hits in prop::collection::vec((0usize..400, any::<u8>()), 1..12),
        length in 0usize..4_000,
    ) {
        let folder = folder();
        let samples: Vec<i16> = (0..500).map(|n| (n * 61 % 4_001) as i16).collect();
        let mut content = match kind {
            0 => wav(1, 1, 44_100, 16, &[3; 2_000]),
            1 => aiff_16_bit(44_100, &[&samples]),
            2 => flac_16_bit(44_100, &[&samples, &samples]),
            3 => long_wav(b"RF64", &wav(1, 1, 44_100, 16, &[3; 1_000]), 1_000),
            _ => wav_header(0xFFFE, 2, 44_100, 24, u32::MAX),
        };
        for (position, value) in hits {
            let position = position % content.len();
            content[position] = value;
        }
        content.truncate(length);
        match read(file(&folder, "broken.bin", &content)) {
            Ok(audio) => prop_assert!(!audio.is_empty()),
            Err(error) => prop_assert!(error.to_string().contains("broken.bin")),
        }
    }
}
