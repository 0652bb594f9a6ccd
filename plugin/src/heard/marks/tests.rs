use idm_engine::transcriber::Lesson;

use super::super::teaching::most_doubtful;
use super::*;
use crate::corrections::Corrections;

#[test]
fn what_was_ruled_out_stays_refused_whatever_is_set_and_taught() {
    let mut evidence = HitEvidence::default();
    evidence.rule_out();
    let mut take = Take::default();
    take.hit(&HitMark {
        confidence: 0.95,
        verdict: Verdict::BelowThreshold,
        margin: evidence.margin,
        odds: [0.5; DRUM_COUNT],
        ..HitMark::accepted(Drum::OpenHat, Some(1.0))
    });
    take.teaching = [4.0, -4.0];
    take.by_hand.set_sensitivity(Drum::OpenHat, 1.0);
    let lesson = Correction {
        song_s: 9.0,
        drum: Drum::OpenHat,
        is_hit: true,
        snaps: false,
        lesson: Some(Lesson {
            odds: [0.5; DRUM_COUNT],
            played: [true; DRUM_COUNT],
        }),
    };
    let shown = marks(&take, &[lesson], 0.0, 2.0);
    assert!(matches!(
        shown[..],
        [Mark {
            origin: Origin::Heard {
                verdict: Verdict::BelowThreshold,
                is_ruled_out: true,
                ..
            },
            ..
        }]
    ));
    assert_eq!(most_doubtful(&take, &[], &[]), None);
}

#[test]
fn dynamics_that_are_set_by_hand_are_those_of_what_was_heard_before() {
    let (mut take, corrections) = (Take::default(), Corrections::default());
    take.hit(&HitMark::accepted(Drum::Snare, Some(2.0)));
    let put = |song_s, drum| Correction {
        song_s,
        drum,
        is_hit: true,
        snaps: false,
        lesson: None,
    };
    corrections.say(put(3.0, Drum::Snare));
    take.hit(&HitMark {
        velocity: 0.7,
        heard_velocity: 0.3,
        confidence: 1.0,
        is_by_hand: true,
        ..HitMark::accepted(Drum::Snare, Some(3.0))
    });
    corrections.say(put(4.0, Drum::Snare));
    let velocities = |take: &Take| -> Vec<f32> {
        let hits = song_hits(take, &corrections.current()).into_iter();
        hits.map(|hit| hit.velocity).collect()
    };
    // As they were played, and as one is shown that was not heard yet.
    assert_eq!(velocities(&take), [0.5, 0.7, 0.7]);
    let snare = Drum::Snare.index();
    take.drums[snare].dynamics = 0.0;
    take.by_hand.set_dynamics(Drum::Snare, 0.0);
    let alike = velocities(&take);
    assert!(
        alike.iter().all(|one| (one - alike[0]).abs() < 1e-6),
        "{alike:?}"
    );
    take.drums[snare].dynamics = 1.0;
    take.by_hand.set_dynamics(Drum::Snare, 1.0);
    assert_eq!(velocities(&take), [0.5, 0.3, 0.7]);
    // Automation has set others since.
    for now in [1.0, 2.0] {
        take.drums[snare].dynamics = now;
        let drums = take.drums;
        take.by_hand.follow(&drums, 0);
    }
    assert_eq!(velocities(&take)[..2], [0.5, 0.7]);
}
