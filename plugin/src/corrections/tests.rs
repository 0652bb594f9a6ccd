//! Tests of the corrections of a project.

use super::*;

fn at(song_s: f64, drum: Drum, is_hit: bool) -> Correction {
    Correction {
        song_s,
        drum,
        is_hit,
        snaps: false,
        lesson: None,
    }
}

#[test]
fn lessons_survive_the_project_and_bad_ones_cost_no_correction() {
    let mut played = [false; DRUM_COUNT];
    played[Drum::Kick.index()] = true;
    let lesson = Lesson {
        odds: [1.25, -4.0, 4.0, 0.0, 0.5, -0.75, 2.0, -2.0, 0.01],
        played,
    };
    let corrections = Corrections::default();
    for drum in [Drum::MidTom, Drum::Ride] {
        corrections.say(Correction {
            lesson: Some(lesson),
            ..at(2.0, drum, false)
        });
    }
    let again = Corrections::default();
    again.set(corrections.map(Clone::clone));
    assert_eq!(again.current(), corrections.current());
    let taught: Vec<Lesson> = lessons(&again.current()).collect();
    assert_eq!(taught, [lesson], "one for the moment");
    corrections.edit(|list| {
        let places = (0..2_000).map(|n| f64::from(n * n) / 44_100.0);
        list.extend(places.map(|song_s| at(song_s, Drum::Kick, true)));
    });
    let again = Corrections::default();
    for _ in 0..2 {
        again.set(corrections.map(Clone::clone));
        assert!(is_same_list(&again.current(), &corrections.current()));
        assert!(!again.can_undo(), "the same again is no change");
    }
    corrections.undo();
    let many: Vec<Correction> = (0..1_000)
        .map(|n| Correction {
            lesson: Some(lesson),
            ..at(f64::from(n), Drum::Kick, true)
        })
        .collect();
    assert_eq!(lessons(&many).count(), MOST_LESSONS);
    assert_eq!(lessons(&many[..200]).count(), 200);
    again.set(String::new());
    assert_eq!(lessons(&again.current()).count(), 0);
    let text = r#"[{"song_s":1,"drum":"kick","hit":true,"lesson":{"odds":[1],"played":7}}]"#;
    again.read(text);
    assert_eq!(*again.current(), [at(1.0, Drum::Kick, true)]);
    assert!(again.problem().is_empty());
}

#[test]
fn they_survive_the_project_in_order() {
    let corrections = Corrections::default();
    corrections.say(at(12.345_678_9, Drum::Ride, false));
    corrections.say(at(1.0 / 3.0, Drum::ClosedHat, true));
    let again = Corrections::default();
    again.set(corrections.map(Clone::clone));
    assert_eq!(again.current(), corrections.current());
    assert_eq!(again.current()[0].drum, Drum::ClosedHat);
    assert!(again.problem().is_empty() && !again.can_undo());
    again.set(String::new());
    assert!(again.current().is_empty());
    again.undo();
    assert_eq!(again.current(), corrections.current());
}

#[test]
fn what_was_placed_by_eye_is_saved_and_older_projects_have_none() {
    let corrections = Corrections::default();
    corrections.say(Correction {
        snaps: true,
        ..at(2.0, Drum::Kick, true)
    });
    corrections.say(at(3.0, Drum::Kick, true));
    let again = Corrections::default();
    again.set(corrections.map(Clone::clone));
    assert_eq!(again.current(), corrections.current());
    again.set(r#"[{"song_s":2,"drum":"kick","hit":true}]"#.to_owned());
    assert_eq!(*again.current(), [at(2.0, Drum::Kick, true)]);
}

#[test]
fn the_last_word_on_a_hit_counts_and_can_be_taken_back() {
    let corrections = Corrections::default();
    corrections.say(at(2.0, Drum::Ride, false));
    corrections.say(at(2.01, Drum::Ride, true));
    corrections.say(at(2.01, Drum::Crash, true));
    assert_eq!(
        *corrections.current(),
        [at(2.01, Drum::Crash, true), at(2.01, Drum::Ride, true)]
    );
    corrections.undo();
    corrections.undo();
    assert_eq!(*corrections.current(), [at(2.0, Drum::Ride, false)]);
    corrections.redo();
    assert_eq!(*corrections.current(), [at(2.01, Drum::Ride, true)]);
    assert!(corrections.can_redo());
    corrections.say(at(3.0, Drum::Kick, true));
    assert!(!corrections.can_redo(), "there is another way now");
    corrections.undo();
    corrections.undo();
    corrections.undo();
    corrections.undo();
    assert!(corrections.current().is_empty() && !corrections.can_undo());
    assert_eq!(corrections.edits(), 10);
    corrections.edit(|_| {});
    assert!(!corrections.can_undo(), "nothing was changed");
    assert_eq!(corrections.edits(), 10);
}

#[test]
fn bad_ones_are_left_out_and_said_so() {
    let corrections = Corrections::default();
    corrections
        .read(r#"[{"song_s":1,"drum":"gong","hit":true},{"song_s":2,"drum":"kick","hit":true}]"#);
    assert_eq!(*corrections.current(), [at(2.0, Drum::Kick, true)]);
    assert!(corrections.problem().starts_with("Of the project's 2"));
    // What is of another kind costs no more than itself.
    let mixed = r#"[{"song_s":"1","drum":"kick","hit":true},7,null,{"drum":"kick"},
        {"song_s":2,"drum":"kick","hit":true},{"song_s":3,"drum":"ride","hit":false}]"#;
    corrections.read(mixed);
    let good = [at(2.0, Drum::Kick, true), at(3.0, Drum::Ride, false)];
    assert_eq!(*corrections.current(), good);
    assert_eq!(
        corrections.problem(),
        "Of the project's 6 corrected hits 4 cannot be used"
    );
    assert_eq!(
        corrections.text(),
        mixed,
        "until the user changes something"
    );
    corrections.read(r#"[{"song_s":1e300,"drum":"kick","hit":true}]"#);
    assert!(corrections.current().is_empty());
    corrections.read("no json");
    assert!(corrections.problem().contains("cannot be read"));
    // A newer version may be able to.
    assert_eq!(corrections.text(), "no json");
    corrections.say(at(f64::NAN, Drum::Kick, true));
    assert!(corrections.current().is_empty());
    assert_eq!(corrections.text(), "no json");
    corrections.say(at(1.0, Drum::Kick, true));
    assert!(corrections.text().contains("kick") && corrections.problem().is_empty());
}

#[test]
fn the_audio_thread_gets_the_newest_and_frees_none() {
    let corrections = Corrections::default();
    let mut inbox = corrections.take_inbox().expect("the first");
    assert!(corrections.take_inbox().is_none());
    for n in 0..10 {
        corrections.say(at(f64::from(n), Drum::Snare, true));
    }
    let mut taken = None;
    inbox.offer(|list| {
        taken = Some(list.clone());
        true
    });
    assert_eq!(taken.expect("the newest").len(), 10);
    inbox.offer(|_| panic!("nothing waits"));
}

#[test]
fn a_host_that_goes_back_or_forth_does_so_here_too() {
    let corrections = Corrections::default();
    let mut states = vec![corrections.text()];
    for n in 0..3 {
        corrections.say(at(f64::from(n), Drum::Kick, true));
        states.push(corrections.text());
    }
    let count = || corrections.current().len();
    let edits = corrections.edits();
    corrections.set(states[2].clone());
    assert!(corrections.can_redo(), "the host's undo is one here");
    // Something else was undone.
    corrections.set(states[2].clone());
    assert!(corrections.can_redo());
    corrections.set(states[3].clone());
    assert_eq!((count(), corrections.can_redo()), (3, false));
    // Several at once, there and back.
    corrections.set(states[0].clone());
    assert_eq!((count(), corrections.can_undo()), (0, false));
    corrections.set(states[0].clone());
    corrections.redo();
    assert_eq!(count(), 1);
    corrections.set(states[3].clone());
    assert_eq!((count(), corrections.can_redo()), (3, false));
    for left in [2, 1, 0] {
        corrections.undo();
        assert_eq!(count(), left);
    }
    assert!(!corrections.can_undo());
    assert_eq!(corrections.edits(), edits + 4, "a host knows what it loads");
    // Another song takes nothing away.
    corrections.redo();
    corrections.set(r#"[{"song_s":9,"drum":"ride","hit":true}]"#.to_owned());
    assert!(corrections.can_undo() && !corrections.can_redo());
    corrections.undo();
    assert_eq!(*corrections.current(), [at(0.0, Drum::Kick, true)]);
}

#[test]
fn steps_say_which_part_of_the_song_they_change() {
    let corrections = Corrections::default();
    for n in 0..5 {
        corrections.say(at(f64::from(n), Drum::Kick, true));
    }
    assert_eq!(corrections.undo(), Some(4.0..=4.0));
    corrections.say(at(1.0, Drum::Kick, false));
    assert_eq!(corrections.undo(), Some(1.0..=1.0));
    assert_eq!(corrections.redo(), Some(1.0..=1.0));
    corrections.edit(|list| list.retain(|one| one.song_s < 1.5));
    assert_eq!(corrections.undo(), Some(2.0..=3.0));
    corrections.edit(Vec::clear);
    assert_eq!(corrections.undo(), Some(0.0..=3.0));
    assert_eq!(corrections.redo(), Some(0.0..=3.0));
    assert_eq!(corrections.redo(), None);
}

#[test]
fn the_steps_back_are_many_but_not_all() {
    let corrections = Corrections::default();
    for n in 0..2 * UNDO_STEPS {
        corrections.say(at(n as f64, Drum::Kick, true));
    }
    let mut steps = 0;
    while corrections.undo().is_some() {
        steps += 1;
    }
    assert_eq!(steps, UNDO_STEPS);
    assert_eq!(corrections.current().len(), UNDO_STEPS);
}
