use super::*;
use crate::kits::Sound;
use idm_engine::drum::DRUM_COUNT;
use idm_engine::front_end::BAND_COUNT;

fn renderer(wildness: f32, seed: u64) -> Renderer {
    Renderer::new(&RenderConfig {
        seed,
        data: DataConfig {
            procedural_kits: 4,
            piece_s: 3.0,
            wildness,
            ..DataConfig::default()
        },
        ..RenderConfig::default()
    })
    .unwrap()
}

fn rms_db(signal: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0.0_f64, 0);
    for sample in signal {
        sum += f64::from(sample).powi(2);
        count += 1;
    }
    10.0 * ((sum / f64::from(count.max(1)) + 1e-30).log10() as f32)
}

#[test]
fn pieces_repeat_by_seed_and_index_on_any_renderer() {
    let (first, again) = (renderer(1.0, 5), renderer(1.0, 5));
    let warm_up = again.piece(1);
    let (a, b) = (first.piece(0), again.piece(0));
    assert_eq!(a.mix, b.mix);
    assert_eq!(a.hits, b.hits);
    assert_ne!(a.mix, warm_up.mix);
    assert_ne!(a.mix, renderer(1.0, 6).piece(0).mix);
}

#[test]
fn stems_sum_to_the_mix_and_stay_finite() {
    let renderer = renderer(1.0, 7);
    for index in 0..12 {
        let piece = renderer.piece(index);
        let level_db = rms_db(piece.mix.iter().copied());
        assert!(
            level_db.is_finite() && level_db > -90.0,
            "{index}: {level_db} dB"
        );
        let peak = piece.mix.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!(peak <= 1.1, "{index}: {peak}");
        let difference = (0..piece.mix.len())
            .map(|n| piece.mix[n] - piece.stems.iter().map(|stem| stem[n]).sum::<f32>());
        let difference_db = rms_db(difference) - level_db;
        assert!(difference_db < -100.0, "{index}: {difference_db} dB");
    }
}

/// Every hit of every class, alone and dry: the audio rises within 1 ms of the
/// label.
#[test]
fn labels_lie_on_the_onset() {
    let renderer = renderer(0.0, 3);
    for sound in Sound::ALL
        .into_iter()
        .filter(|sound| sound.drum().is_some())
    {
        let events = [Event {
            time_s: 1.2345,
            sound,
            velocity: 0.9,
        }];
        let piece = renderer.render(&events, &mut Random::new(&[sound.index() as u64]));
        assert_eq!(piece.hits.len(), 1);
        let hit = piece.hits[0];
        assert_eq!(hit.sample, (1.2345 * SAMPLE_RATE_HZ).round() as usize);
        let peak = piece.mix.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        let start = piece
            .mix
            .iter()
            .position(|s| s.abs() > 0.02 * peak)
            .unwrap();
        let error_ms = (start as f64 - hit.sample as f64) / SAMPLE_RATE_HZ * 1e3;
        assert!((-0.03..1.0).contains(&error_ms), "{sound:?}: {error_ms} ms");
    }
}

#[test]
fn closed_hats_choke_open_ones() {
    let renderer = renderer(0.0, 3);
    let open = Event {
        time_s: 0.1,
        sound: Sound::OpenHat,
        velocity: 1.0,
    };
    let pedal = Event {
        time_s: 0.2,
        sound: Sound::PedalHat,
        velocity: 0.5,
    };
    let tail = |events: &[Event]| {
        let piece = renderer.render(events, &mut Random::new(&[4]));
        rms_db(piece.stems[Drum::OpenHat.index()][15_500..].iter().copied())
            - rms_db(
                piece.stems[Drum::OpenHat.index()][4_410..8_820]
                    .iter()
                    .copied(),
            )
    };
    let (free_db, choked_db) = (tail(&[open]), tail(&[open, pedal]));
    assert!(choked_db < free_db - 20.0, "{choked_db} {free_db}");
}

#[test]
fn examples_agree_with_their_piece() {
    let renderer = renderer(1.0, 9);
    for index in 0..4 {
        let piece = renderer.piece(index);
        let example = renderer.example(index);
        assert_eq!(example.frames, piece.mix.len() / 256);
        assert_eq!(example.frame.len(), example.frames * BAND_COUNT);
        assert_eq!(example.onset.iter().filter(|o| **o > 0.0).count(), {
            let mut cells: Vec<_> = piece
                .hits
                .iter()
                .map(|hit| ((hit.sample + 128) / 256 + 1, hit.drum))
                .filter(|(frame, _)| *frame < example.frames)
                .collect();
            cells.dedup();
            cells.sort();
            cells.dedup();
            cells.len()
        });
        for hit in &piece.hits {
            let frame = (hit.sample + 128) / 256 + 1;
            if frame < example.frames {
                assert_eq!(example.onset[frame * DRUM_COUNT + hit.drum.index()], 1.0);
            }
        }
        for frame in (0..example.frames).step_by(37) {
            for band in (0..BAND_COUNT).step_by(11) {
                let sum: u32 = (0..STEM_COUNT)
                    .map(|stem| {
                        u32::from(example.ratio[(frame * STEM_COUNT + stem) * BAND_COUNT + band])
                    })
                    .sum();
                assert!(sum == 255 || sum == 0, "{sum}");
            }
        }
    }
}

#[test]
fn impossible_configurations_are_refused() {
    for data in [
        DataConfig {
            procedural_kits: 0,
            ..DataConfig::default()
        },
        DataConfig {
            piece_s: f64::INFINITY,
            ..DataConfig::default()
        },
    ] {
        let config = RenderConfig {
            data,
            ..RenderConfig::default()
        };
        assert!(Renderer::new(&config).is_err());
    }
}

#[test]
fn tame_pieces_are_one_kit_with_little_changed() {
    let config = RenderConfig {
        data: DataConfig {
            procedural_kits: 8,
            piece_s: 3.0,
            wildness: 1.0,
            ..DataConfig::default()
        },
        ..RenderConfig::default()
    };
    let wild = Renderer::new(&config).unwrap();
    let all_tame = Renderer::new(&config).unwrap().with_tame_share(1.0);
    let some = Renderer::new(&config).unwrap().with_tame_share(0.5);
    let same = |a: &Piece, b: &Piece| a.mix == b.mix;
    let mut tame = 0;
    for index in 0..16 {
        let piece = some.piece(index);
        let is_wild = same(&piece, &wild.piece(index));
        assert!(is_wild != same(&piece, &all_tame.piece(index)), "{index}");
        tame += usize::from(!is_wild);
    }
    assert!((3..=13).contains(&tame), "{tame}");
}

#[test]
fn rendered_hats_are_open_or_closed() {
    let renderer = Renderer::new(&RenderConfig {
        seed: 2,
        data: DataConfig {
            procedural_kits: 2,
            piece_s: 4.0,
            sections_share: 1.0,
            ..DataConfig::default()
        },
        ..RenderConfig::default()
    })
    .unwrap();
    let mut hats = 0;
    for index in 0..40 {
        let hits = renderer.piece(index).hits;
        let of = |drum| hits.iter().filter(move |hit| hit.drum == drum);
        for closed in of(Drum::ClosedHat) {
            hats += 1;
            let before = |hit: &Hit| closed.sample.saturating_sub(hit.sample);
            let choked = of(Drum::OpenHat)
                .filter(|open| open.sample <= closed.sample && before(open) < 1_700);
            assert_eq!(choked.count(), 0, "{index}: {closed:?}");
            let others =
                of(Drum::ClosedHat).filter(|hit| hit.sample <= closed.sample && before(hit) < 500);
            assert_eq!(others.count(), 1, "{index}: {closed:?} twice");
        }
    }
    assert!(hats > 100, "{hats}");
}

/// A machine's kit of held-out kicks in `folder`: a loud low one and a soft high one for the
/// same stroke, and a snare.
fn write_machine(folder: &std::path::Path) {
    let tone = |hz: f32, peak: f32| -> Vec<f32> {
        let value = |n: usize| peak * (std::f32::consts::TAU * hz * n as f32 / 44_100.0).sin();
        (0..6_000)
            .map(|n| value(n) * (1.0 - n as f32 / 6_000.0))
            .collect()
    };
    let mut rows = "kit,class,file,velocity,split,onset_ms,type\n".to_owned();
    for (class, file, hz, peak) in [
        ("kick", "low.wav", 100.0, 0.9),
        ("kick", "high.wav", 400.0, 0.09),
        ("snare", "snare.wav", 900.0, 0.5),
    ] {
        crate::audio::write_mono(&folder.join(file), &tone(hz, peak)).unwrap();
        rows += &format!("m,{class},{file},100,train,0,electronic\n");
    }
    std::fs::write(folder.join("kits.csv"), rows).unwrap();
}

#[test]
fn a_piece_has_one_of_a_machines_kicks_as_loud_as_any() {
    let folder = tempfile::tempdir().unwrap();
    write_machine(folder.path());
    let rendered = |layered_share: f32| {
        Renderer::new(&RenderConfig {
            kit_folders: vec![folder.path().to_owned()],
            data: DataConfig {
                procedural_kits: 0,
                procedural_share: 0.0,
                layered_share,
                wildness: 0.0,
                piece_s: 3.0,
                ..DataConfig::default()
            },
            ..RenderConfig::default()
        })
        .unwrap()
    };
    let events: Vec<Event> = (0..14)
        .map(|n| Event {
            time_s: 0.1 + 0.2 * f64::from(n),
            sound: [Sound::Kick, Sound::Snare][n as usize % 2],
            velocity: 0.8,
        })
        .collect();
    for layered_share in [0.0, 1.0] {
        let renderer = rendered(layered_share);
        let mut drums = [0; 2];
        for seed in 0..16 {
            let piece = renderer.render(&events, &mut Random::new(&[seed]));
            let stroke = |n: usize| {
                let at = piece.hits[n].sample;
                &piece.stems[piece.hits[n].drum.index()][at..at + 4_000]
            };
            let crossings = |n: usize| {
                let pairs = stroke(n).windows(2);
                pairs.filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count()
            };
            let peak = |n: usize| stroke(n).iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            for n in (0..14).step_by(2) {
                assert_eq!(crossings(n), crossings(0), "{seed}: stroke {n}");
            }
            drums[usize::from(crossings(0) > 20)] += 1;
            let mean = |first: usize| (first..14).step_by(2).map(peak).sum::<f32>() / 7.0;
            let ratio_db = 20.0 * (mean(0) / mean(1)).log10();
            if layered_share == 0.0 {
                assert!((ratio_db - 1.0).abs() < 2.0, "{seed}: {ratio_db} dB");
            }
        }
        assert!(drums.iter().all(|&pieces| pieces > 2), "{drums:?}");
    }
}
