use super::*;

const RATE_HZ: f64 = 48_000.0;

fn mark(position: u64, song_s: f64) -> HitMark {
    HitMark {
        position,
        ..HitMark::accepted(Drum::Snare, Some(song_s))
    }
}

/// Plays the song from `from_s` for a second, from output sample `position` on.
fn play(take: &mut Take, position: u64, from_s: f64, peak: f32) {
    for n in 0..=200_u64 {
        let point = WavePoint {
            position: position + n * 240,
            peak,
            samples: 240,
            song_s: Some(from_s + n as f64 / 200.0),
            begin_s: Some(from_s),
            tempo: None,
        };
        take.wave(&point, RATE_HZ);
    }
}

#[test]
fn the_second_time_round_replaces_the_first() {
    let mut take = Take::default();
    for song_s in [1.2, 1.8, 2.5] {
        take.hit(&mark(((song_s - 1.0) * RATE_HZ) as u64, song_s));
    }
    play(&mut take, 0, 1.0, 0.5);
    assert_eq!(take.hits(0.0, 9.0).count(), 3, "the same time round");
    // Two seconds later the loop begins again: another hit is heard, just before
    // the waveform of its place arrives.
    take.hit(&mark(96_000 + 10_080, 1.21));
    play(&mut take, 96_000, 1.0, 0.25);
    let places: Vec<f64> = take.hits(0.0, 9.0).map(|(song_s, _)| song_s).collect();
    assert_eq!(places, [1.21, 2.5]);
    assert_eq!(take.peak(1.3, 1.5), 0.25);
    assert_eq!(take.peak(0.1, 0.2), 0.0);
    assert_eq!(take.peak(7.0, 8.0), 0.0);
    assert_eq!(take.playhead_s(), Some(2.0));
}

#[test]
fn what_was_heard_is_known_silence_too() {
    let mut take = Take::default();
    play(&mut take, 0, 3.0, 0.0);
    play(&mut take, 48_000, 8.0, 0.5);
    let known: Vec<u32> = (0..12)
        .filter(|at| take.knows(f64::from(*at) + 0.5))
        .collect();
    assert_eq!(known, [3, 8]);
    assert_eq!(take.peak(0.0, 7.0), 0.0);
    for (from_s, to_s, unheard_s) in [(3.0, 4.0, 0.0), (0.0, 9.0, 7.0), (8.5, 12.0, 3.0)] {
        let found_s = take.unheard_s(from_s, to_s);
        assert!((found_s - unheard_s).abs() < 0.02, "{found_s}");
    }
    assert!(!take.knows(-1.0));
    take.hit(&mark(96_000, -1.0));
    assert!(take.knows(-1.0));
}

#[test]
fn the_first_hit_of_a_loop_is_heard_once_however_often_it_is_played() {
    let mut take = Take::default();
    for round in 0..4_u64 {
        let position = round * 48_000;
        take.hit(&mark(position, 1.0));
        play(&mut take, position, 1.0, 0.5);
    }
    assert_eq!(take.hits(0.0, 9.0).count(), 1);
}

#[test]
fn the_first_hit_of_a_loop_that_lies_just_before_it_is_kept_once() {
    // From the song's beginning into a loop of a second from 1 s on.
    let place_s = |sample: u64| match sample {
        0..48_000 => sample as f64 / RATE_HZ,
        _ => 1.0 + ((sample - 48_000) % 48_000) as f64 / RATE_HZ,
    };
    for (block, is_by_hand) in [64, 128, 441, 1_024, 2_048, 4_096]
        .into_iter()
        .flat_map(|block| [(block, false), (block, true)])
    {
        let mut take = Take::default();
        let mut point_samples = 0;
        for begin in (0..21 * 48_000).step_by(block as usize) {
            let end = begin + block;
            for (sample, drum, song_s) in [
                (24_000, Drum::Snare, 0.5),
                (46_080, Drum::Snare, 0.96),
                (46_560, Drum::Kick, 0.97),
            ] {
                if (begin..end).contains(&sample) {
                    let position = sample;
                    take.hit(&HitMark {
                        drum,
                        ..mark(position, song_s)
                    });
                }
            }
            for round in 0..20 {
                let position = (round + 1) * 48_000 - 384;
                if (begin..end).contains(&position) {
                    take.hit(&HitMark {
                        is_by_hand,
                        ..mark(position, 0.992)
                    });
                }
            }
            point_samples += block as u32;
            if point_samples >= 240 {
                let point = WavePoint {
                    position: end,
                    peak: 0.5,
                    samples: std::mem::take(&mut point_samples),
                    song_s: Some(place_s(end)),
                    begin_s: Some(if end < 48_000 { 0.0 } else { 1.0 }),
                    tempo: None,
                };
                take.wave(&point, RATE_HZ);
            }
        }
        let heard = take.hits(0.0, 9.0).map(|(at_s, hit)| (at_s, hit.drum));
        let given = take.given(0.0, 9.0).map(|(at_s, hit)| (at_s, hit.drum));
        let mut all: Vec<_> = heard.chain(given).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.index().cmp(&b.1.index())));
        let expected = [
            (0.5, Drum::Snare),
            (0.96, Drum::Snare),
            (0.97, Drum::Kick),
            (0.992, Drum::Snare),
        ];
        assert_eq!(all, expected, "blocks of {block}, by hand: {is_by_hand}");
        // Another drum there is another hit.
        take.hit(&HitMark {
            drum: Drum::Ride,
            ..mark(22 * 48_000, 0.992)
        });
        assert_eq!(take.hits(0.0, 9.0).count(), 5 - usize::from(is_by_hand));
    }
}

#[test]
fn what_was_heard_before_a_correction_is_known_after_it() {
    let mut take = Take::default();
    take.hit(&HitMark {
        verdict: Verdict::BelowThreshold,
        margin: -0.5,
        ..mark(9_600, 1.2)
    });
    take.hit(&mark(24_000, 1.5));
    play(&mut take, 0, 1.0, 0.5);
    for round in 1..3 {
        let begin = round * 96_000;
        // Heard again, and given.
        take.hit(&HitMark {
            verdict: Verdict::Removed,
            is_by_hand: true,
            ..mark(begin + 9_600, 1.2)
        });
        take.hit(&HitMark {
            confidence: 1.0,
            velocity: 0.8,
            is_by_hand: true,
            ..mark(begin + 9_600, 1.21)
        });
        take.hit(&HitMark {
            verdict: Verdict::Removed,
            velocity: 0.0,
            is_by_hand: true,
            ..mark(begin + 24_000, 1.5)
        });
        play(&mut take, begin, 1.0, 0.5);
        let heard: Vec<_> = take.hits(0.0, 9.0).map(|(at, hit)| (at, *hit)).collect();
        let [(first_s, first), (_, second)] = heard.as_slice() else {
            panic!("{heard:?}");
        };
        assert_eq!((*first_s, first.verdict), (1.2, Verdict::BelowThreshold));
        assert_eq!((first.margin, first.velocity), (-0.5, 0.8));
        assert_eq!((second.verdict, second.velocity), (Verdict::Accepted, 0.5));
    }
}

#[test]
fn there_is_nothing_before_the_song() {
    let mut take = Take::default();
    play(&mut take, 0, 0.0, 0.5);
    assert_eq!(take.peak(0.0, 0.01), 0.5);
    assert_eq!(take.peak(-0.01, 0.0), 0.0);
}

#[test]
fn absurd_places_do_no_harm() {
    let mut take = Take::default();
    for song_s in [-5.0, 1e9, f64::NAN, 0.0] {
        take.hit(&mark(0, song_s));
        play(&mut take, 0, song_s, 0.5);
    }
    assert!(take.wave.len() < 1_000);
    take.hit(&HitMark {
        song_s: None,
        ..mark(0, 0.0)
    });
    assert!(take.hits(-10.0, 1e12).count() <= 4);
}

#[test]
fn of_too_many_hits_refused_ones_go_first_then_the_oldest() {
    let mut take = Take::default();
    let refused = |n: u64| HitMark {
        verdict: Verdict::BelowThreshold,
        ..mark(n, n as f64)
    };
    let count = MOST_HITS as u64;
    let half = DROPPED_AT_ONCE as u64 / 2;
    for n in 0..count {
        let is_refused = n >= count - half;
        take.hit(&if is_refused {
            refused(n)
        } else {
            mark(n, n as f64)
        });
    }
    assert!(!take.has_dropped());
    assert_eq!(take.hits(0.0, 1e9).count(), MOST_HITS);
    take.hit(&mark(count, count as f64));
    assert_eq!(take.hits(0.0, 1e9).count(), MOST_HITS - DROPPED_AT_ONCE + 1);
    let mut left = take.hits(0.0, 1e9);
    assert_eq!(left.next().map(|(song_s, _)| song_s), Some(half as f64));
    let last = left.last().map(|(song_s, _)| song_s);
    assert_eq!(last, Some(count as f64), "the song goes on");
    assert!(
        take.hits(0.0, 1e9)
            .all(|(_, hit)| hit.verdict == Verdict::Accepted)
    );
    assert!(take.has_dropped());
    take.forget();
    // Where refused ones make all the room nothing is missed.
    for n in 0..count {
        take.hit(&if n < 2 * half {
            refused(n)
        } else {
            mark(n, n as f64)
        });
    }
    take.hit(&mark(count, count as f64));
    assert!(!take.has_dropped());
    assert_eq!(take.hits(0.0, 1e9).count(), MOST_HITS - DROPPED_AT_ONCE + 1);
}
