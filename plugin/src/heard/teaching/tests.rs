use idm_engine::transcriber::words;

use super::super::marks::song_hits;
use super::super::pupil::verdict_as_set;
use super::*;
use crate::corrections::lessons;
use crate::link::HitMark;

fn hit(song_s: f64, drum: Drum, margin: f32, odds: f32) -> HitMark {
    HitMark {
        confidence: 0.5,
        verdict: if margin >= 0.0 {
            Verdict::Accepted
        } else {
            Verdict::BelowThreshold
        },
        odds: [odds; DRUM_COUNT],
        margin,
        ..HitMark::accepted(drum, Some(song_s))
    }
}

/// Three kinds of moments; the tom of the second is in most doubt, and comes twice.
fn take() -> Take {
    let mut take = Take::default();
    for mark in [
        hit(1.0, Drum::Kick, 3.0, 1.0),
        hit(2.0, Drum::Kick, 2.0, -1.0),
        hit(2.01, Drum::MidTom, -0.1, -1.0),
        hit(3.0, Drum::Ride, 0.5, 3.0),
        hit(4.0, Drum::MidTom, 0.2, -1.0),
    ] {
        take.hit(&mark);
    }
    take
}

#[test]
fn one_is_asked_about_each_kind_of_doubt_once() {
    let (take, corrections) = (take(), Corrections::default());
    let ask = || most_doubtful(&take, &corrections.current(), &[]);
    assert_eq!(ask(), Some(2.01));
    settle(&corrections, &take, 2.01);
    let list = corrections.current();
    let said: Vec<_> = list.iter().map(|c| (c.drum, c.is_hit)).collect();
    assert_eq!(said, [(Drum::Kick, true)], "what was refused stays so");
    let taught: Vec<Lesson> = lessons(&list).collect();
    assert_eq!(taught.len(), 1);
    let mut kick = [false; DRUM_COUNT];
    kick[0] = true;
    assert_eq!(taught[0].played, kick);
    assert_eq!(taught[0].odds, [-1.0; DRUM_COUNT]);
    // The other tom is as the first; the ride is another question.
    assert_eq!(ask(), Some(3.0));
    corrections.undo();
    assert_eq!(ask(), Some(2.01));
    // Who cannot tell is asked something else, until nothing is in doubt.
    let list = corrections.current();
    assert_eq!(most_doubtful(&take, &list, &[2.01]), Some(4.0));
    assert_eq!(most_doubtful(&take, &list, &[2.01, 4.0]), Some(3.0));
    assert_eq!(most_doubtful(&take, &list, &[1.0, 2.01, 3.0, 4.0]), None);
}

#[test]
fn where_only_refused_hits_are_nothing_is_played() {
    let mut take = Take::default();
    take.hit(&hit(1.0, Drum::Crash, -0.5, 0.5));
    take.hit(&hit(1.01, Drum::Crash, -0.2, 0.5));
    let corrections = Corrections::default();
    settle(&corrections, &take, 1.0);
    let list = corrections.current();
    let said: Vec<_> = list.iter().map(|c| (c.drum, c.is_hit)).collect();
    assert_eq!(said, [(Drum::Crash, false)], "said once");
    assert_eq!(
        list[0].lesson.expect("a lesson").played,
        [false; DRUM_COUNT]
    );
}

#[test]
fn what_was_taught_before_follows_later_corrections_without_being_heard_again() {
    let mut played = [false; DRUM_COUNT];
    played[Drum::OpenHat.index()] = true;
    let lesson = Some(Lesson {
        odds: [0.5; DRUM_COUNT],
        played,
    });
    let say = |drum, is_hit| Correction {
        song_s: 2.0,
        drum,
        is_hit,
        snaps: false,
        lesson,
    };
    let mut list = vec![say(Drum::Ride, false), say(Drum::OpenHat, false)];
    list.push(Correction {
        snaps: false,
        lesson: None,
        ..say(Drum::ClosedHat, true)
    });
    teach(&mut list, &Take::default(), 2.0);
    let closed = Drum::ALL.map(|drum| drum == Drum::ClosedHat);
    assert!(
        list.iter()
            .all(|c| c.lesson.expect("a lesson").played == closed)
    );
    assert_eq!(list[2].lesson.expect("a lesson").odds, [0.5; DRUM_COUNT]);
}

#[test]
fn what_is_settled_is_seen_everywhere_at_once() {
    let (mut take, corrections) = (take(), Corrections::default());
    take.teaching = [2.0, -2.0];
    let toms = || -> Vec<bool> {
        let all = marks(&take, &corrections.current(), 0.0, 9.0);
        let toms = all.iter().filter(|mark| mark.drum == Drum::MidTom);
        toms.map(|mark| mark.is_hit()).collect()
    };
    assert_eq!(toms(), [false, true]);
    // The first is settled as refused: so is the other, which is like it.
    settle(&corrections, &take, 2.01);
    assert_eq!(toms(), [false, false]);
    // Heard again with that lesson, it is as the engine says.
    let lessons: Vec<Lesson> = lessons(&corrections.current()).collect();
    let heard = HitMark {
        taught: words(&[-1.0; DRUM_COUNT], lessons.iter())[Drum::MidTom.index()],
        ..hit(4.0, Drum::MidTom, -1.3, -1.0)
    };
    let pupil = Pupil::new(&corrections.current(), &take);
    let judged = pupil.judge(&heard);
    assert_eq!((judged.verdict, judged.margin), (heard.verdict, -1.3));
    assert_eq!(judged.taught, Some(false));
    // Taken back, it would be a hit again.
    assert!(Pupil::new(&[], &take).judge(&heard).margin > 0.0);
    corrections.undo();
    assert_eq!(toms(), [false, true]);
}

#[test]
fn a_moment_teaches_what_is_played_in_all_of_it() {
    let take = take();
    let mut list = vec![Correction {
        song_s: 2.01,
        drum: Drum::MidTom,
        is_hit: true,
        snaps: false,
        lesson: None,
    }];
    teach(&mut list, &take, 2.01);
    let played = list[0].lesson.expect("a lesson").played;
    assert!(played[Drum::Kick.index()] && played[Drum::MidTom.index()]);
    assert_eq!(played.iter().filter(|played| **played).count(), 2);
    list[0].is_hit = false;
    teach(&mut list, &take, 2.01);
    assert!(!list[0].lesson.expect("a lesson").played[Drum::MidTom.index()]);
    // What nobody heard teaches nothing.
    list[0].song_s = 9.0;
    list[0].lesson = None;
    teach(&mut list, &take, 9.0);
    assert_eq!(list[0].lesson, None);
}

/// A ride with a kick that was refused, then a snare.
fn ride_and_snare() -> Take {
    let mut take = Take::default();
    for (song_s, drum, verdict) in [
        (1.0, Drum::Ride, Verdict::Accepted),
        (1.002, Drum::Kick, Verdict::BelowThreshold),
        (2.0, Drum::Snare, Verdict::Accepted),
    ] {
        take.hit(&HitMark {
            verdict,
            ..HitMark::accepted(drum, Some(song_s))
        });
    }
    take
}

fn said(corrections: &Corrections) -> Vec<(f64, Drum, bool)> {
    let list = corrections.current();
    list.iter().map(|c| (c.song_s, c.drum, c.is_hit)).collect()
}

#[test]
fn a_click_says_the_opposite_and_a_second_one_takes_it_back() {
    let (take, corrections) = (ride_and_snare(), Corrections::default());
    let click_at = |drum, song_s| {
        let marks = marks(&take, &corrections.current(), 0.0, 9.0);
        click(&corrections, &take, &marks, drum, song_s, 0.05);
    };
    click_at(Drum::Ride, 1.03);
    click_at(Drum::Kick, 1.0);
    assert_eq!(
        said(&corrections),
        [(1.0, Drum::Ride, false), (1.002, Drum::Kick, true)]
    );
    let shown = marks(&take, &corrections.current(), 0.0, 9.0);
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert_eq!(
        mark_at(&shown, Drum::Ride, 1.0, 0.01).map(|mark| mark.origin),
        Some(Origin::Removed)
    );
    assert_eq!(
        mark_at(&shown, Drum::Kick, 1.0, 0.01).map(|m| m.velocity),
        Some(0.5)
    );
    click_at(Drum::Ride, 1.0);
    click_at(Drum::Kick, 1.0);
    assert!(said(&corrections).is_empty());
    // Where nothing is: at the time of the snare, or where the pointer is.
    click_at(Drum::Crash, 2.04);
    click_at(Drum::Crash, 3.5);
    assert_eq!(
        said(&corrections),
        [(2.0, Drum::Crash, true), (3.5, Drum::Crash, true)]
    );
    // The time of a heard hit is right to the sample, that of the pointer by eye.
    let snaps = || -> Vec<bool> {
        let list = corrections.current();
        list.iter().map(|correction| correction.snaps).collect()
    };
    assert_eq!(snaps(), [false, true]);
    // With what was placed by eye another drum is placed by eye, too.
    click_at(Drum::Kick, 3.51);
    assert_eq!(
        said(&corrections)[1..],
        [(3.5, Drum::Kick, true), (3.5, Drum::Crash, true)]
    );
    assert_eq!(snaps(), [false, true, true]);
}

#[test]
fn a_hit_is_dragged_to_the_drum_that_it_is() {
    let (take, corrections) = (ride_and_snare(), Corrections::default());
    let drag = |from, to| {
        let marks = marks(&take, &corrections.current(), 0.0, 9.0);
        let mark = mark_at(&marks, from, 1.0, 0.01).expect("a mark");
        move_to(&corrections, &take, mark, to, None);
    };
    drag(Drum::Ride, Drum::OpenHat);
    let both = [(1.0, Drum::OpenHat, true), (1.0, Drum::Ride, false)];
    assert_eq!(said(&corrections), both);
    drag(Drum::OpenHat, Drum::ClosedHat);
    assert_eq!(
        said(&corrections),
        [(1.0, Drum::ClosedHat, true), (1.0, Drum::Ride, false)]
    );
    drag(Drum::ClosedHat, Drum::ClosedHat);
    corrections.undo();
    assert_eq!(said(&corrections), both);
    corrections.undo();
    assert!(said(&corrections).is_empty());
}

#[test]
fn settings_judge_what_was_heard_before_they_were_made() {
    let (mut take, corrections) = (take(), Corrections::default());
    let toms = |take: &Take, list: &[Correction]| -> Vec<bool> {
        let all = marks(take, list, 0.0, 9.0);
        let toms = all.iter().filter(|mark| mark.drum == Drum::MidTom);
        toms.map(Mark::is_hit).collect()
    };
    let heard = corrections.current();
    assert_eq!(toms(&take, &heard), [false, true]);
    // Margins of −0.1 and 0.2: a step of the bar is 0.04.
    for (sensitivity, expected) in [
        (0.51, [false, true]),
        (0.515, [true, true]),
        (0.48, [false, true]),
        (0.47, [false, false]),
    ] {
        take.by_hand.set_sensitivity(Drum::MidTom, sensitivity);
        assert_eq!(toms(&take, &heard), expected, "{sensitivity}");
        let hits = song_hits(&take, &heard);
        let saved = hits.iter().filter(|hit| hit.drum == Drum::MidTom).count();
        assert_eq!(saved, expected.iter().filter(|is_hit| **is_hit).count());
    }
    // Heard with that setting, it is as the engine says.
    let again = HitMark {
        sensitivity: 0.47,
        ..hit(6.0, Drum::MidTom, 0.01, -1.0)
    };
    take.hit(&again);
    assert_eq!(toms(&take, &heard), [false, false, true]);
    assert_eq!(Pupil::new(&[], &take).judge(&again).confidence, 0.5);
    assert_eq!(verdict_as_set(&again, &take.by_hand), Verdict::Accepted);
}

#[test]
fn drums_that_are_switched_off_are_not_hit_saved_or_asked_about() {
    let (mut take, corrections) = (take(), Corrections::default());
    corrections.say(Correction {
        song_s: 5.0,
        drum: Drum::MidTom,
        is_hit: true,
        snaps: false,
        lesson: None,
    });
    let list = corrections.current();
    let count = |take: &Take| {
        let hits = song_hits(take, &list).into_iter();
        hits.filter(|hit| hit.drum == Drum::MidTom).count()
    };
    assert_eq!(count(&take), 2);
    take.drums[Drum::MidTom.index()].enabled = false;
    take.by_hand.set_enabled(Drum::MidTom, false);
    assert_eq!(count(&take), 0);
    let shown = marks(&take, &list, 0.0, 9.0);
    let tom = mark_at(&shown, Drum::MidTom, 4.0, 0.1).expect("it is shown");
    let is_disabled = |mark: &Mark| {
        matches!(
            mark.origin,
            Origin::Heard {
                verdict: Verdict::Disabled,
                ..
            }
        )
    };
    assert!(is_disabled(tom) && tom.is_off);
    assert_eq!(most_doubtful(&take, &list, &[]), Some(3.0), "the ride");
    // That its hit is another drum's holds when it is switched on again.
    move_to(&corrections, &take, tom, Drum::HighTom, None);
    take.drums[Drum::MidTom.index()].enabled = true;
    take.by_hand.set_enabled(Drum::MidTom, true);
    let hits = song_hits(&take, &corrections.current());
    let at_four = hits.iter().filter(|hit| hit.song_s == 4.0);
    assert_eq!(
        at_four.map(|hit| hit.drum).collect::<Vec<_>>(),
        [Drum::HighTom]
    );
}

#[test]
fn a_hit_is_dragged_in_time() {
    let (mut take, corrections) = (ride_and_snare(), Corrections::default());
    let drag = |take: &Take, drum, from_s, to_s, to| {
        let marks = marks(take, &corrections.current(), 0.0, 9.0);
        let mark = mark_at(&marks, drum, from_s, 0.01).expect("a mark");
        let place = Place {
            song_s: to_s,
            snaps: true,
        };
        move_to(&corrections, take, mark, to, Some(place));
    };
    drag(&take, Drum::Snare, 2.0, 2.25, Drum::Snare);
    let moved = [(2.0, Drum::Snare, false), (2.25, Drum::Snare, true)];
    assert_eq!(said(&corrections), moved);
    assert!(corrections.current()[1].snaps && !corrections.current()[0].snaps);
    // Further, to another drum: it leaves nothing behind.
    drag(&take, Drum::Snare, 2.25, 2.5, Drum::Crash);
    let moved = [(2.0, Drum::Snare, false), (2.5, Drum::Crash, true)];
    assert_eq!(said(&corrections), moved);
    corrections.undo();
    corrections.undo();
    assert!(said(&corrections).is_empty(), "a step each");
    // A little: the correction stands for the hit that was heard.
    drag(&take, Drum::Snare, 2.0, 2.015, Drum::Snare);
    assert_eq!(said(&corrections), [(2.015, Drum::Snare, true)]);
    let snares = |take: &Take| -> Vec<f64> {
        let shown = marks(take, &corrections.current(), 0.0, 9.0);
        let snares = shown.iter().filter(|mark| mark.drum == Drum::Snare);
        snares.map(|mark| mark.song_s).collect()
    };
    // Placed by eye, it is there until it was played where it begins.
    assert_eq!(snares(&take), [2.015]);
    take.hit(&given(2.01));
    assert_eq!(snares(&take), [2.01]);
    let saved = song_hits(&take, &corrections.current());
    assert!(saved.iter().any(|hit| hit.song_s == 2.01));
}

#[test]
fn a_hit_that_was_moved_a_little_or_settled_leaves_nothing_behind() {
    let (take, corrections) = (ride_and_snare(), Corrections::default());
    let drag = |from_s, to_s: Option<f64>, to| {
        let marks = marks(&take, &corrections.current(), 0.0, 9.0);
        let mark = mark_at(&marks, Drum::Snare, from_s, 0.001).expect("a mark");
        let place = to_s.map(|song_s| Place {
            song_s,
            snaps: false,
        });
        move_to(&corrections, &take, mark, to, place);
    };
    let hits = || -> Vec<(f64, Drum)> {
        let hits = song_hits(&take, &corrections.current()).into_iter();
        let hits = hits.filter(|hit| hit.song_s > 1.5);
        hits.map(|hit| (hit.song_s, hit.drum)).collect()
    };
    // Step by step: it is the one that was heard until it is too far from there.
    drag(2.0, Some(2.015), Drum::Snare);
    drag(2.015, Some(2.02), Drum::Snare);
    assert_eq!(said(&corrections), [(2.02, Drum::Snare, true)]);
    drag(2.02, Some(2.035), Drum::Snare);
    let moved = [(2.0, Drum::Snare, false), (2.035, Drum::Snare, true)];
    assert_eq!(said(&corrections), moved);
    assert_eq!(hits(), [(2.035, Drum::Snare)]);
    drag(2.035, Some(2.01), Drum::Snare);
    assert_eq!(hits(), [(2.01, Drum::Snare)]);
    drag(2.01, None, Drum::Crash);
    assert_eq!(hits(), [(2.01, Drum::Crash)]);
    // What is right is said where it was heard.
    corrections.edit(Vec::clear);
    settle(&corrections, &take, 2.0);
    assert_eq!(said(&corrections), [(2.0, Drum::Snare, true)]);
    drag(2.0, None, Drum::Crash);
    assert_eq!(hits(), [(2.0, Drum::Crash)]);
}

/// A snare as a correction gave it.
fn given(song_s: f64) -> HitMark {
    HitMark {
        confidence: 1.0,
        is_by_hand: true,
        ..HitMark::accepted(Drum::Snare, Some(song_s))
    }
}

#[test]
fn two_hits_that_were_placed_around_one_that_was_heard_stay_two() {
    let (mut take, corrections) = (ride_and_snare(), Corrections::default());
    for song_s in [1.985, 2.015] {
        corrections.say(Correction {
            song_s,
            drum: Drum::Snare,
            is_hit: true,
            snaps: true,
            lesson: None,
        });
    }
    let snares = |take: &Take| -> Vec<f64> {
        let hits = song_hits(take, &corrections.current()).into_iter();
        let snares = hits.filter(|hit| hit.drum == Drum::Snare);
        snares.map(|hit| hit.song_s).collect()
    };
    assert_eq!(snares(&take), [1.985, 2.015]);
    // The first is where the snare begins, and the second where it was put.
    take.hit(&given(2.0));
    take.hit(&given(2.015));
    assert_eq!(snares(&take), [2.0, 2.015]);
    // What is done to one of them is not done to the other.
    let shown = || marks(&take, &corrections.current(), 0.0, 9.0);
    let places = || -> Vec<f64> {
        let said = said(&corrections).into_iter();
        said.map(|(song_s, ..)| song_s).collect()
    };
    for (at_s, left) in [(2.0, 2.015), (2.015, 1.985)] {
        click(&corrections, &take, &shown(), Drum::Snare, at_s, 0.005);
        assert_eq!(places(), [left]);
        corrections.undo();
        let mark = *mark_at(&shown(), Drum::Snare, at_s, 0.001).expect("a mark");
        let place = Place {
            song_s: 2.5,
            snaps: false,
        };
        move_to(&corrections, &take, &mark, Drum::Snare, Some(place));
        assert_eq!(places(), [left, 2.5]);
        corrections.undo();
    }
}
